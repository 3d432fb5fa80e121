//! What a configuration of git says, read as git reads it (git-config(1), "CONFIGURATION FILE" and "Syntax").
//!
//! Reading is lenient where git refuses: a file that git does not take is obeyed by nobody, so a setting too many does
//! no harm, and one too few could.

use std::iter::Peekable;
use std::str::Chars;

/// Most settings that are read of one file.
const MAX_SETTINGS: usize = 10_000;

/// One line of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSetting {
    /// `core` of `core.hooksPath`, in lower case.
    pub section: String,
    /// `origin` of `remote.origin.url`, as it is written.
    pub subsection: Option<String>,
    /// `hookspath` of `core.hooksPath`, in lower case.
    pub key: String,
    /// Without its quotes; nothing for a key that stands alone.
    pub value: Option<String>,
}

/// Where what a setting names is looked for, and what git does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitNames {
    /// A file of settings, looked for beside the file that names it.
    Settings,
    /// A folder whose programs git runs, looked for from the working tree.
    Programs,
    /// Words among which may be files that git runs or obeys, looked for from the working tree.
    Words,
}

/// Sections whose values are no paths of what runs.
const NO_PATHS: [&str; 3] = ["branch", "url", "user"];
/// Sections in which these keys are addresses and refs, which are looked at elsewhere. `pager.push` is a command.
const OF_ADDRESSES: [&str; 2] = ["remote", "submodule"];
const ADDRESSES: [&str; 4] = ["fetch", "push", "pushurl", "url"];

/// Reads a whole file, or as much of it as settings are taken.
#[must_use]
pub fn git_settings(text: &str) -> Vec<GitSetting> {
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}').chars().peekable() };
    let mut found = Vec::new();
    let (mut section, mut subsection) = (String::new(), None);
    while let Some(c) = reader.rest.peek().copied() {
        match c {
            '#' | ';' => reader.skip_line(),
            '[' => {
                let _ = reader.rest.next();
                (section, subsection) = reader.header();
            }
            c if c.is_whitespace() => {
                let _ = reader.rest.next();
            }
            _ => {
                let (key, value) = reader.setting();
                if key.is_empty() {
                    reader.skip_line();
                    continue;
                }
                let (section, subsection) = (section.clone(), subsection.clone());
                found.push(GitSetting { section, subsection, key, value });
                if found.len() == MAX_SETTINGS {
                    return found;
                }
            }
        }
    }
    found
}

/// A reader of one file.
struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

// === impl Reader ===

impl Reader<'_> {
    fn skip_line(&mut self) {
        for c in self.rest.by_ref() {
            if c == '\n' {
                return;
            }
        }
    }

    /// What stands between brackets, after the first one.
    fn header(&mut self) -> (String, Option<String>) {
        let mut name = String::new();
        let mut subsection = None;
        while let Some(c) = self.rest.next_if(|c| *c != '\n') {
            match c {
                ']' => break,
                '"' => subsection = Some(self.quoted_name()),
                c if c.is_whitespace() => {}
                c => name.extend(c.to_lowercase()),
            }
        }
        // The older form, `[remote.origin]`, is in lower case throughout.
        if subsection.is_none()
            && let Some((section, below)) = name.split_once('.')
        {
            return (section.to_owned(), Some(below.to_owned()));
        }
        (name, subsection)
    }

    fn quoted_name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(|c| *c != '\n') {
            match c {
                '"' => break,
                '\\' => name.extend(self.rest.next_if(|c| *c != '\n')),
                c => name.push(c),
            }
        }
        name
    }

    fn setting(&mut self) -> (String, Option<String>) {
        let mut key = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || *c == '-') {
            key.extend(c.to_lowercase());
        }
        while self.rest.next_if(|c| matches!(c, ' ' | '\t' | '\r')).is_some() {}
        let value = self.rest.next_if_eq(&'=').map(|_| self.value());
        (key, value)
    }

    /// What stands after the equals sign, up to the end of its last line.
    fn value(&mut self) -> String {
        let mut value = String::new();
        // As long as it was when the last character stood there that counts.
        let mut kept = 0;
        let mut is_quoted = false;
        while let Some(c) = self.rest.next() {
            match c {
                '\n' => break,
                '"' => {
                    is_quoted = !is_quoted;
                    kept = value.len();
                }
                '#' | ';' if !is_quoted => {
                    self.skip_line();
                    break;
                }
                '\\' => {
                    let _ = self.rest.next_if_eq(&'\r');
                    match self.rest.next() {
                        None | Some('\n') => {}
                        Some('n') => value.push('\n'),
                        Some('t') => value.push('\t'),
                        Some('b') => value.push('\u{8}'),
                        Some(c) => value.push(c),
                    }
                    kept = value.len();
                }
                c if c.is_whitespace() && !is_quoted => {
                    if !value.is_empty() {
                        value.push(c);
                    }
                }
                c => {
                    value.push(c);
                    kept = value.len();
                }
            }
        }
        value.truncate(kept);
        value
    }
}

// === impl GitSetting ===

impl GitSetting {
    /// What its value may name that git runs or obeys by itself; nothing where it names no file.
    #[must_use]
    pub fn names(&self) -> Option<GitNames> {
        let (section, key) = (self.section.as_str(), self.key.as_str());
        match (section, key) {
            ("include" | "includeif", "path") => Some(GitNames::Settings),
            ("core", "hookspath") | ("init", "templatedir") => Some(GitNames::Programs),
            // A person who calls an alias of their own expects what it was; one without the mark is words of git's.
            ("alias", _)
                if !self.value.as_deref().is_some_and(|value| value.trim_start().starts_with('!')) =>
            {
                None
            }
            _ if NO_PATHS.contains(&section) => None,
            _ if OF_ADDRESSES.contains(&section) && ADDRESSES.contains(&key) => None,
            _ => Some(GitNames::Words),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<String> {
        git_settings(text)
            .into_iter()
            .map(|setting| {
                let GitSetting { section, subsection, key, value } = setting;
                let subsection = subsection.map(|name| format!("<{name}>")).unwrap_or_default();
                let value = value.map(|value| format!("={value}")).unwrap_or_default();
                format!("{section}{subsection}.{key}{value}")
            })
            .collect()
    }

    #[test]
    fn settings_are_read_as_git_reads_them() {
        for (text, wanted) in [
            ("[core]\n\thooksPath = .githooks\n", "core.hookspath=.githooks"),
            ("\u{feff}[CORE] HooksPath=a b # c\n", "core.hookspath=a b"),
            ("[core]hooksPath = \"a # b\" ; c", "core.hookspath=a # b"),
            ("[core]\nhooksPath = a\\\nb\n", "core.hookspath=ab"),
            ("[core]\r\nhooksPath = x\r\n", "core.hookspath=x"),
            ("[core]\nhooksPath = \"a\\tb \\\"c\\\\\"  \n", "core.hookspath=a\tb \"c\\"),
            ("[filter \"My X\"]\nclean = ./x\n", "filter<My X>.clean=./x"),
            ("[remote \"a\\\"]b\"]\nurl = x", "remote<a\"]b>.url=x"),
            ("[remote.Origin]\nurl = x", "remote<origin>.url=x"),
            ("[core]\nbare\n", "core.bare"),
            ("[includeIf \"gitdir:~/x/\"]\npath = a", "includeif<gitdir:~/x/>.path=a"),
            ("; x\n# [core]\n[core]\n= y\n?\nignoreCase = \n", "core.ignorecase="),
        ] {
            assert_eq!(read(text), [wanted], "{text:?}");
        }
    }

    #[test]
    fn what_a_setting_names_is_known() {
        for (text, wanted) in [
            ("[core]\nhooksPath=x", Some(GitNames::Programs)),
            ("[include]\npath=x", Some(GitNames::Settings)),
            ("[includeIf \"onbranch:x\"]\npath=x", Some(GitNames::Settings)),
            ("[filter \"x\"]\nclean=x", Some(GitNames::Words)),
            ("[core]\nfsmonitor=x", Some(GitNames::Words)),
            ("[alias]\nx=!y", Some(GitNames::Words)),
            ("[alias \"x\"]\ncommand=!y", Some(GitNames::Words)),
            ("[alias]\nx=checkout y", None),
            ("[merge]\ntool=x", Some(GitNames::Words)),
            ("[merge \"x\"]\ndriver=./x %O", Some(GitNames::Words)),
            ("[mergetool \"x\"]\ncmd=./x", Some(GitNames::Words)),
            ("[difftool \"x\"]\npath=./x", Some(GitNames::Words)),
            ("[pager]\npush=./x", Some(GitNames::Words)),
            ("[remote \"o\"]\npush=x", None),
            ("[remote \"o\"]\nurl=x", None),
        ] {
            assert_eq!(git_settings(text).first().and_then(GitSetting::names), wanted, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "\\PC*|[\\[\\]\"\\\\=#; a\n\r\t.]{0,60}") {
            for setting in git_settings(&text) {
                prop_assert!(!setting.key.is_empty());
            }
        }

        /// What git would write of a value is read as the value.
        #[test]
        fn a_quoted_value_is_its_own(value in "[ -~\n\t]{0,30}") {
            let quoted: String = value
                .chars()
                .map(|c| match c {
                    '\n' => "\\n".to_owned(),
                    '\t' => "\\t".to_owned(),
                    '"' | '\\' => format!("\\{c}"),
                    c => c.to_string(),
                })
                .collect();
            let found = git_settings(&format!("[a]\nb = \"{quoted}\"\n"));
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(found[0].value.as_deref(), Some(value.as_str()));
        }
    }
}
