//! Files that a command line makes of files: copies, moves, and edits by `sed -i` where they are plain.

use super::Piece;

/// What one command makes of files. Names are as written, seen from the working directory of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Copied { from: String, to: String, is_moved: bool },
    Edited { file: String, edits: Vec<Edit> },
    Removed { file: String },
}

/// One edit of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    Replaced {
        from: String,
        to: String,
        everywhere: bool,
    },
    /// A line is put in; where does not matter to who asks what the file would run.
    Added(String),
}

/// What the commands of a line make of files, in order.
pub(crate) fn changes(line: &str) -> Vec<Change> {
    super::read(line).iter().flat_map(Piece::changes).collect()
}

// === impl Piece ===

impl Piece {
    fn changes(&self) -> Vec<Change> {
        let seen = |name: &str| match &self.folder {
            Some(folder) => super::super::ground::below(folder, name),
            None => name.to_owned(),
        };
        match self.parts().0 {
            program @ ("cp" | "mv" | "install" | "ln") => {
                let folder = self.value(&["-t", "--target-directory"]);
                let mode = self.value(&["-m", "--mode"]);
                let given =
                    |word: &&str| Some(*word) != folder && (program != "install" || Some(*word) != mode);
                let mut names: Vec<&str> = self.plain().filter(given).collect();
                let target = match folder {
                    Some(folder) => format!("{}/", folder.trim_end_matches('/')),
                    None => names.pop().unwrap_or_default().to_owned(),
                };
                let into_folder = names.len() > 1 || target.ends_with('/') || matches!(&*target, "." | "..");
                let to = |from: &str| match into_folder {
                    true => format!(
                        "{}/{}",
                        target.trim_end_matches('/'),
                        from.rsplit('/').next().unwrap_or(from)
                    ),
                    false => target.clone(),
                };
                let made = |from: &&str| Change::Copied {
                    from: seen(from),
                    to: seen(&to(from)),
                    is_moved: program == "mv",
                };
                names.iter().map(made).collect()
            }
            "rm" | "unlink" => self.plain().map(|file| Change::Removed { file: seen(file) }).collect(),
            "sed" => self
                .sed()
                .into_iter()
                .map(|(file, edits)| Change::Edited { file: seen(file), edits })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The files of `sed -i`, with what becomes of their text; nothing where a part of it is not plain.
    fn sed(&self) -> Vec<(&str, Vec<Edit>)> {
        let is_in_place = |word: &String| {
            word.starts_with("--in-place")
                || (word.starts_with('-') && !word.starts_with("--") && word.contains('i'))
        };
        if !self.words.iter().any(is_in_place) {
            return Vec::new();
        }
        let mut scripts = Vec::new();
        let mut files = Vec::new();
        let mut words = self.words.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "-e" | "--expression" => scripts.extend(words.next()),
                "-f" | "--file" => return Vec::new(),
                // `sed -i '' …`, as some systems want it.
                "" => {}
                word if word.starts_with("--expression=") => {
                    scripts.extend(word.split_once('=').map(|(_, text)| text))
                }
                word if word.starts_with('-') => {}
                word => files.push(word),
            }
        }
        if scripts.is_empty() && !files.is_empty() {
            scripts.push(files.remove(0));
        }
        let Some(edits) = scripts.into_iter().map(edit).collect::<Option<Vec<Edit>>>() else {
            return Vec::new();
        };
        files.into_iter().map(|file| (file, edits.clone())).collect()
    }
}

/// A script of one plain command.
fn edit(script: &str) -> Option<Edit> {
    // Which lines it is for does not matter.
    let command =
        script.trim().trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '$' | ',' | ' '));
    let command = match command.strip_prefix('/') {
        Some(rest) => rest.split_once('/')?.1.trim_start(),
        None => command,
    };
    if let Some(rest) = command.strip_prefix('s') {
        let mark = rest.chars().next().filter(|mark| mark.is_ascii_punctuation() && *mark != '\\')?;
        let mut parts = split(rest.get(1..)?, mark).into_iter();
        let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let from = from.trim_start_matches('^').trim_end_matches('$').to_owned();
        let is_plain = !from.contains(['*', '[', '(', '+', '{', '|']) && !from.is_empty();
        return is_plain.then(|| Edit::Replaced {
            from: unescaped(&from),
            to: unescaped(&to),
            everywhere: flags.contains('g'),
        });
    }
    let rest = command.strip_prefix(['a', 'i', 'c'])?;
    Some(Edit::Added(unescaped(rest.trim_start().trim_start_matches('\\').trim_start())))
}

/// The parts between an unescaped mark.
fn split(text: &str, mark: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let Some(last) = parts.last_mut() else { break };
        match c {
            '\\' => match chars.next() {
                Some(next) if next == mark => last.push(next),
                Some(next) => last.extend(['\\', next]),
                None => {}
            },
            c if c == mark => parts.push(String::new()),
            c => last.push(c),
        }
    }
    parts
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(next) => out.push(next),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

// === impl Edit ===

impl Edit {
    /// The text after the edit; of a text that nobody knows, the part that is put in.
    pub fn of(&self, text: &str, is_whole: bool) -> String {
        match self {
            Self::Replaced { from, to, everywhere } if text.contains(from.as_str()) => {
                text.replacen(from.as_str(), to, if *everywhere { usize::MAX } else { 1 })
            }
            Self::Replaced { .. } if is_whole => text.to_owned(),
            Self::Replaced { to: put, .. } | Self::Added(put) => format!("{text}\n{put}\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_files_is_read() {
        let copied = |from: &str, to: &str, is_moved| {
            vec![Change::Copied { from: from.to_owned(), to: to.to_owned(), is_moved }]
        };
        assert_eq!(changes("cp notes/a.txt lib/"), copied("notes/a.txt", "lib/a.txt", false));
        assert_eq!(changes("cd notes && mv a b"), copied("notes/a", "notes/b", true));
        assert_eq!(changes("install -m 755 a bin/git"), copied("a", "bin/git", false));
        assert_eq!(changes("cat a > b"), Vec::new());
        assert_eq!(changes("sed s/a/b/ x"), Vec::new());
        assert_eq!(changes("sed -i -E 's/(a|b)/c/' x"), Vec::new(), "not plain");
        let after = |line: &str, text: &str, is_whole| match changes(line).as_slice() {
            [Change::Edited { edits, .. }] => {
                edits.iter().fold(text.to_owned(), |text, edit| edit.of(&text, is_whole))
            }
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(after("sed -i 's#a/b#c#g' x", "a/b a/b", true), "c c");
        assert_eq!(after("sed -i.bak -e 's/old/new/' x", "old old", true), "new old");
        assert_eq!(after("sed -i 's/old/new/' x", "other", true), "other");
        assert_eq!(after(r"sed -i 's/^test:/test:\n\tid/' x", "", false), "\ntest:\n\tid\n");
        assert_eq!(after(r"sed -i '2a\	id' x", "a:\n", true), "a:\n\nid\n");
    }

    proptest::proptest! {
        #[test]
        fn any_script_is_read(script in "[ -~]{0,40}", text in "(?s).{0,60}") {
            for line in [format!("sed -i '{script}' x"), script] {
                for change in changes(&line) {
                    if let Change::Edited { edits, .. } = change {
                        edits.iter().for_each(|edit| { edit.of(&text, false); });
                    }
                }
            }
        }
    }
}
