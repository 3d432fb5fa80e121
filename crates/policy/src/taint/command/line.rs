//! A command line cut into commands and words, as a shell would in the plain cases.

/// How many commands of a line are read, and how many words of one.
pub(super) const PIECES: usize = 256;
const WORDS: usize = 256;

/// The words of each command. Quotes and escapes are taken off; bodies of here-documents are left out.
pub(super) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut lexer = Lexer::default();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                lexer.begun = true;
                lexer.word.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                lexer.begun = true;
                while let Some(c) = chars.next() {
                    match c {
                        '"' => break,
                        '\\' => lexer.word.extend(chars.next()),
                        c => lexer.word.push(c),
                    }
                }
            }
            '\\' => {
                if let Some(c) = chars.next().filter(|c| *c != '\n') {
                    lexer.begun = true;
                    lexer.word.push(c);
                }
            }
            '\n' => {
                lexer.end_command();
                for mark in std::mem::take(&mut lexer.documents) {
                    skip_document(&mut chars, &mark);
                }
            }
            '<' if chars.peek() == Some(&'<') => {
                chars.next();
                lexer.end_word();
                // `<<<` has no body.
                if chars.next_if_eq(&'<').is_none() {
                    chars.next_if_eq(&'-');
                    lexer.is_mark_next = true;
                }
            }
            '<' | '>' if chars.peek() == Some(&'(') => {
                chars.next();
                lexer.word.extend([c, '(']);
                lexer.begun = true;
                lexer.end_command();
            }
            '$' if chars.peek() == Some(&'(') => {
                chars.next();
                lexer.word.push_str("$(");
                lexer.begun = true;
                lexer.end_command();
            }
            '`' => {
                lexer.word.push('`');
                lexer.begun = true;
                lexer.end_command();
            }
            ';' | '|' | '&' | '(' | ')' => lexer.end_command(),
            '<' | '>' => lexer.end_word(),
            c if c.is_whitespace() => lexer.end_word(),
            '#' if !lexer.begun => {
                // A comment ends with its line, which is read on from there.
                while chars.next_if(|c| *c != '\n').is_some() {}
            }
            c => {
                lexer.begun = true;
                lexer.word.push(c);
            }
        }
    }
    lexer.end_command();
    lexer.commands
}

#[derive(Default)]
struct Lexer {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: String,
    begun: bool,
    /// Ends of the here-documents whose bodies come after this line.
    documents: Vec<String>,
    is_mark_next: bool,
}

// === impl Lexer ===

impl Lexer {
    fn end_word(&mut self) {
        if !std::mem::take(&mut self.begun) {
            return;
        }
        let word = std::mem::take(&mut self.word);
        if std::mem::take(&mut self.is_mark_next) {
            self.documents.push(word);
        } else if self.words.len() < WORDS {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        if !words.is_empty() && self.commands.len() < PIECES {
            self.commands.push(words);
        }
    }
}

fn skip_document(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, mark: &str) {
    loop {
        let line: String = chars.by_ref().take_while(|c| *c != '\n').collect();
        if line.trim_start_matches('\t') == mark || chars.peek().is_none() {
            return;
        }
    }
}
