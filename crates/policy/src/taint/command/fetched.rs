//! What a command brings in: files under names of its own, and archives and patches that name theirs.

use super::Piece;

// === impl Piece ===

impl Piece {
    /// Files and folders that come from the network under a name that is not written in the line as such.
    pub fn fetched(&self) -> Vec<String> {
        let (program, _) = self.parts();
        let addresses = || self.plain().filter(|word| word.contains("://") || word.contains('/'));
        let into = |folder: Option<&str>, name: &str| match folder {
            Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
            None => name.to_owned(),
        };
        match program {
            "curl" => {
                let folder = self.value(&["--output-dir"]);
                let mut files = self.output_of_curl();
                let is_named_there =
                    self.has(&["--remote-name", "--remote-name-all", "--remote-header-name"])
                        || files.iter().any(Option::is_none);
                if is_named_there {
                    files.extend(addresses().filter_map(last_part).map(|name| Some(name.to_owned())));
                }
                files.into_iter().flatten().map(|name| into(folder, &name)).collect()
            }
            "wget" | "aria2c" | "axel" => {
                if let Some(file) = self.value(&["--output-document", "-qO", "-O", "-o", "--out"])
                    && program != "wget"
                {
                    return vec![into(self.value(&["-d", "--dir"]), file)];
                }
                if self.has(&["--spider"]) {
                    return Vec::new();
                }
                if let Some(file) = self.output_of_wget() {
                    return if file == "-" { Vec::new() } else { vec![file.to_owned()] };
                }
                let folder = self.value(&["-P", "--directory-prefix", "-d", "--dir"]);
                addresses().map(|address| into(folder, last_part(address).unwrap_or("index.html"))).collect()
            }
            "git" if self.plain().any(|word| word == "clone") => {
                let mut words = self.plain().skip_while(|word| *word != "clone").skip(1);
                clone_folder(&mut words)
            }
            "gh" | "glab" if self.plain().nth(1) == Some("clone") => {
                let mut words = self.plain().skip(2);
                clone_folder(&mut words)
            }
            _ => Vec::new(),
        }
    }

    /// The files of `-o FILE`, also behind other short options as in `-sSLo FILE`; none for one whose name comes from
    /// the address.
    fn output_of_curl(&self) -> Vec<Option<String>> {
        /// Short options that take a value.
        const VALUED: &str = "AbcCdDeEFhHKmPQrtTuUwxXyYz";
        let mut found = Vec::new();
        let mut words = self.words.iter().skip(1);
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else {
                continue;
            };
            let Some((at, letter)) =
                letters.char_indices().find(|(_, c)| "oOJ".contains(*c) || VALUED.contains(*c))
            else {
                continue;
            };
            let rest = letters.get(at + 1..).unwrap_or_default();
            match letter {
                'o' if rest.is_empty() => found.extend(words.next().map(|file| Some(file.clone()))),
                'o' => found.push(Some(rest.to_owned())),
                'O' | 'J' => found.push(None),
                _ if rest.is_empty() => _ = words.next(),
                _ => {}
            }
        }
        found
    }

    /// `-O FILE`, also behind other short options as in `-qO-`.
    fn output_of_wget(&self) -> Option<&str> {
        let mut words = self.words.iter().skip(1);
        while let Some(word) = words.next() {
            if let Some(file) = word.strip_prefix("--output-document=") {
                return Some(file);
            }
            if word == "--output-document" {
                return words.next().map(String::as_str);
            }
            if word.starts_with('-')
                && !word.starts_with("--")
                && let Some((_, file)) = word.split_once('O')
            {
                return if file.is_empty() { words.next().map(String::as_str) } else { Some(file) };
            }
        }
        None
    }

    /// The folder over which an archive or a patch is spread.
    pub fn spreads_into(&self) -> Option<String> {
        let (program, words) = self.parts();
        let here = || Some(".".to_owned());
        match program {
            "tar" | "bsdtar" | "gtar" => {
                let bundle = words.first().map_or("", |word| word.trim_start_matches('-'));
                let by_letter = !bundle.starts_with('-')
                    && bundle.chars().all(|c| c.is_ascii_alphabetic())
                    && bundle.contains('x');
                let unpacks = by_letter || self.has(&["--extract", "--get", "-x"]);
                let into = self.value(&["-C", "--directory"]);
                unpacks.then(|| into.unwrap_or(".").to_owned())
            }
            "unzip" => self.value(&["-d"]).map(str::to_owned).or_else(here),
            "7z" | "7za" | "unrar" => match words.first().map(String::as_str) {
                Some("x" | "e") => self.value(&["-o"]).map(str::to_owned).or_else(here),
                Some(_) | None => None,
            },
            "cpio" | "patch" => here(),
            "git" if self.plain().any(|word| matches!(word, "apply" | "am")) => here(),
            _ => None,
        }
    }
}

fn last_part(address: &str) -> Option<&str> {
    let path = address.split(['?', '#']).next()?;
    let path = path.split_once("://").map_or(path, |(_, rest)| rest);
    path.split_once('/').and_then(|(_, path)| path.rsplit('/').next()).filter(|name| !name.is_empty())
}

/// The folder that a clone makes: the second word, or the last part of the first.
fn clone_folder<'a>(words: &mut impl Iterator<Item = &'a str>) -> Vec<String> {
    let Some(from) = words.next() else { return Vec::new() };
    let name = || {
        let last = from.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or(from);
        last.strip_suffix(".git").unwrap_or(last).to_owned()
    };
    vec![words.next().map_or_else(name, str::to_owned)]
}
