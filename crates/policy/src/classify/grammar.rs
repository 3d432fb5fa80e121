//! From text to a syntax tree, with every way the parser could run away closed first.
//!
//! The parser is recursive and backtracks. Its tokenizer recurses into substitutions, so their openers are counted on
//! the raw text; the grammar runs on tokens, so its depth and its exponential corners are counted on the real
//! tokens. The corners were measured: arithmetic `((` tries two readings of every `(`, a `case` item is read three
//! times per level, a regular expression in `[[` reads each `(` twice, an array index re-reads nested `${x[`.

use brush_parser::ast::Program;
use brush_parser::{ParserOptions, Token, TokenizerError, TokenizerOptions};

/// Openers of any kind above which the text is refused.
const MAX_OPENERS: usize = 20_000;
/// Openers up to which the calling thread's stack is enough; above, a thread with a large stack reads the text.
const MAX_OPENERS_INLINE: usize = 48;
/// Compound commands and parentheses in one text, whether nested or not.
const MAX_COMPOUNDS: usize = 400;
/// Parentheses that may follow `((` before the arithmetic ends.
const MAX_ARITHMETIC_PARENS: usize = 10;
/// Parentheses in one `[[ … ]]`.
const MAX_TEST_PARENS: usize = 10;
/// `case` inside `case`.
const MAX_CASE_DEPTH: usize = 4;
/// `[` in a word that assigns to an array element through an expansion.
const MAX_INDEX_BRACKETS: usize = 2;
/// Digits of a file descriptor before a redirection.
const MAX_DESCRIPTOR_DIGITS: usize = 9;
/// Frames of the grammar are large in debug builds; only touched pages cost memory.
const LARGE_STACK_BYTES: usize = 512 * 1024 * 1024;

/// Why a text was not read. The text is for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the command is longer than {} bytes", super::MAX_COMMAND_BYTES)]
    TooLong,
    #[error("the command is nested too deeply to be read safely")]
    TooDeep,
    #[error("the command is not valid shell")]
    Syntax,
}

// === impl Refused ===

impl Refused {
    pub(super) const fn rule(self) -> &'static str {
        match self {
            Self::TooLong => "grammar.too-long",
            Self::TooDeep => "grammar.too-deep",
            Self::Syntax => "grammar.syntax",
        }
    }
}

/// Parses one program.
pub(super) fn parse(text: &str) -> Result<Program, Refused> {
    if text.len() > super::MAX_COMMAND_BYTES {
        return Err(Refused::TooLong);
    }
    check_here_documents(text)?;
    let openers = count_openers(text);
    if openers > MAX_OPENERS {
        return Err(Refused::TooDeep);
    }
    if openers <= MAX_OPENERS_INLINE {
        return parse_here(text);
    }
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new()
            .stack_size(LARGE_STACK_BYTES)
            .spawn_scoped(scope, || parse_here(text));
        reader.map_err(|_| Refused::TooDeep)?.join().map_err(|_| Refused::Syntax)?
    })
}

/// The shell text as the parser should see it, byte for byte as long as the original.
///
/// Carriage returns before a newline end a word here (agents on Windows send them), and a template expression of a
/// CI system, `${{ … }}`, becomes one unknown variable.
pub(super) fn normalise(text: &str) -> std::borrow::Cow<'_, str> {
    let mut text = std::borrow::Cow::Borrowed(text);
    if text.contains("\r\n") {
        text = text.replace("\r\n", " \n").into();
    }
    // `$<` of a makefile: a variable, and no redirection.
    if text.contains("$<") {
        text = text.replace("$< ", "$_ ").replace("$<\"", "$_\"").into();
        if let Some(start) = text.strip_suffix("$<") {
            text = format!("{start}$_").into();
        }
    }
    if text.contains("${{") {
        text = without_templates(&text).into();
    }
    text
}

fn without_templates(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        out.push_str(before);
        let Some((inside, tail)) = after.split_once("}}").filter(|(inside, _)| !inside.contains('\n')) else {
            out.push_str("${{");
            rest = after;
            continue;
        };
        // `${___}`: three bytes of braces stand for five, the name takes the rest.
        out.push_str("${");
        out.push_str(&"_".repeat(inside.len() + 2));
        out.push('}');
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn parse_here(text: &str) -> Result<Program, Refused> {
    let options = ParserOptions::default();
    let tokens = subshells_apart(tokenize(text, &options.tokenizer_options())?);
    check_tokens(&tokens)?;
    brush_parser::parse_tokens(&tokens, &options).map_err(|_| Refused::Syntax)
}

/// Tokens of the text. Bash reads a here-document that lacks its end up to the end of the text, and a last
/// backslash as nothing; the tokenizer refuses both, so they are completed here.
fn tokenize(text: &str, options: &TokenizerOptions) -> Result<Vec<Token>, Refused> {
    match brush_parser::uncached_tokenize_str(text, options) {
        Ok(tokens) => Ok(tokens),
        Err(TokenizerError::UnterminatedHereDocuments(tags, _)) => {
            let mut whole = text.to_owned();
            for tag in tags.split(", ") {
                whole.push('\n');
                whole.push_str(&brush_parser::unquote_str(tag));
            }
            whole.push('\n');
            brush_parser::uncached_tokenize_str(&whole, options).map_err(|_| Refused::Syntax)
        }
        Err(TokenizerError::UnterminatedEscapeSequence) => {
            let whole = text.strip_suffix('\\').ok_or(Refused::Syntax)?;
            brush_parser::uncached_tokenize_str(whole, options).map_err(|_| Refused::Syntax)
        }
        Err(_) => Err(Refused::Syntax),
    }
}

/// Refuses a here-document that never ends and may stand in a substitution: the tokenizer breaks on it.
///
/// `<<` in arithmetic is a shift, and here-strings have no end.
fn check_here_documents(text: &str) -> Result<(), Refused> {
    const MOST: usize = 200;
    if !text.contains("<<") || !["$(", "${", "`", "<(", ">(", "$["].iter().any(|opener| text.contains(opener))
    {
        return Ok(());
    }
    for (seen, (at, _)) in text.match_indices("<<").enumerate() {
        if seen >= MOST {
            return Err(Refused::TooDeep);
        }
        let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_shift = line.matches("((").count() > line.matches("))").count();
        let after = after.trim_start_matches("<<");
        if is_shift || before.ends_with('<') || text.get(at..).is_some_and(|here| here.starts_with("<<<")) {
            continue;
        }
        let word = after.trim_start_matches('-').trim_start_matches([' ', '\t']);
        let end =
            word.find(|c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')' | '<' | '>'));
        let tag: String =
            word.get(..end.unwrap_or(word.len())).unwrap_or_default().replace(['\'', '"', '\\'], "");
        let ends = word.lines().skip(1).any(|line| line.trim_start_matches('\t').trim_end() == tag);
        let rest_of_line = after.split('\n').next().unwrap_or_default();
        let stands_alone = is_outside(before) && is_outside(rest_of_line);
        if !ends && !stands_alone {
            return Err(Refused::Syntax);
        }
    }
    Ok(())
}

/// Whether nothing before this point can still be open.
fn is_outside(before: &str) -> bool {
    !before.contains(['$', '`']) && !before.contains("<(") && !before.contains(">(")
}

/// Everything that could make tokenizer or grammar recurse, counted without regard to quotes and never subtracted.
fn count_openers(text: &str) -> usize {
    let marks = text.bytes().filter(|byte| matches!(byte, b'(' | b'{' | b'`' | b'[')).count();
    if marks > MAX_OPENERS_INLINE {
        return marks;
    }
    marks + text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| is_compound(word)).count()
}

fn is_compound(word: &str) -> bool {
    matches!(
        word,
        "if" | "elif" | "else" | "while" | "until" | "for" | "case" | "select" | "function" | "coproc" | "{"
    )
}

/// Puts an empty command between two `(` that are no `((`, because a blank stands between them or their ends.
///
/// The grammar takes any two for the start of arithmetic, and would see no command in `( (rm x) )`.
fn subshells_apart(tokens: Vec<Token>) -> Vec<Token> {
    let mut open: Vec<usize> = Vec::new();
    // Where the last `)` stood, and the `(` it closed.
    let mut closed: Option<(usize, usize)> = None;
    let mut apart: Vec<usize> = Vec::new();
    let mut in_test = false;
    let touches = |left: usize, right: usize| match (tokens.get(left), tokens.get(right)) {
        (Some(Token::Operator(_, left)), Some(Token::Operator(_, right))) => {
            left.end.index == right.start.index
        }
        _ => false,
    };
    let opens = |at: usize| matches!(tokens.get(at), Some(Token::Operator(text, _)) if text == "(");
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word(text, _) if text == "[[" => in_test = true,
            Token::Word(text, _) if text == "]]" => in_test = false,
            Token::Operator(text, _) if text == "(" => open.push(at),
            Token::Operator(text, _) if text == ")" => {
                if let Some(start) = open.pop() {
                    let is_pair = closed.is_some_and(|(end, inner)| {
                        inner == start + 1 && end + 1 == at && touches(start, inner) && touches(end, at)
                    });
                    if is_pair {
                        // Arithmetic, and so is all that it holds.
                        while apart.pop_if(|inner| *inner > start).is_some() {}
                    } else if opens(start + 1) && !in_test {
                        apart.push(start);
                    }
                    closed = Some((at, start));
                }
            }
            Token::Word(..) | Token::Operator(..) => {}
        }
    }
    // What is never closed is for the grammar to refuse.
    if apart.is_empty() {
        return tokens;
    }
    apart.sort_unstable();
    let mut out = Vec::with_capacity(tokens.len() + 2 * apart.len());
    for (at, token) in tokens.into_iter().enumerate() {
        let span = match &token {
            Token::Operator(_, span) | Token::Word(_, span) => span.clone(),
        };
        out.push(token);
        if apart.binary_search(&at).is_ok() {
            out.push(Token::Word(":".to_owned(), span.clone()));
            out.push(Token::Operator(";".to_owned(), span));
        }
    }
    out
}

/// Bounds depth and backtracking on the tokens the grammar will see.
fn check_tokens(tokens: &[Token]) -> Result<(), Refused> {
    let mut compounds = 0_usize;
    let mut case_depth = 0_usize;
    let mut arithmetic: Option<usize> = None;
    let mut test: Option<usize> = None;
    let mut before = "\n";
    for token in tokens {
        let (text, is_operator) = match token {
            Token::Operator(text, _) => (text.as_str(), true),
            Token::Word(text, _) => (text.as_str(), false),
        };
        // `12345678901> file`: no descriptor, and more than the grammar can count.
        let is_number =
            before.len() > MAX_DESCRIPTOR_DIGITS && before.bytes().all(|byte| byte.is_ascii_digit());
        if is_operator && is_number && text.starts_with(['<', '>']) {
            return Err(Refused::Syntax);
        }
        match (is_operator, text) {
            (true, "(") => {
                compounds += 1;
                if let Some(count) = test.as_mut() {
                    *count += 1;
                }
                match arithmetic.as_mut() {
                    Some(count) => *count += 1,
                    None if before == "(" => arithmetic = Some(0),
                    None => {}
                }
            }
            (true, ";" | ";;") => arithmetic = None,
            (true, ")") if before == ")" => arithmetic = None,
            (false, "[[") => test = Some(0),
            (false, "]]") => test = None,
            (false, "case") => {
                compounds += 1;
                case_depth += 1;
            }
            (false, "esac") if matches!(before, ";" | ";;" | ";&" | ";;&" | "\n" | "&" | "in") => {
                case_depth = case_depth.saturating_sub(1);
            }
            (false, word) if is_compound(word) => compounds += 1,
            (false, word) if word.len() > 4 => check_index(word)?,
            _ => {}
        }
        if compounds > MAX_COMPOUNDS
            || case_depth > MAX_CASE_DEPTH
            || arithmetic.is_some_and(|count| count > MAX_ARITHMETIC_PARENS)
            || test.is_some_and(|count| count > MAX_TEST_PARENS)
        {
            return Err(Refused::TooDeep);
        }
        before = text;
    }
    Ok(())
}

fn check_index(word: &str) -> Result<(), Refused> {
    let Some((name, rest)) = word.split_once('[') else { return Ok(()) };
    let is_element =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let brackets = rest.bytes().filter(|byte| *byte == b'[').count();
    if is_element && brackets > MAX_INDEX_BRACKETS && rest.contains("${") {
        Err(Refused::TooDeep)
    } else {
        Ok(())
    }
}
