//! The words of a command line, as far as taint needs them: where texts come from, and which files a program fetches,
//! unpacks or runs.
//!
//! This reads beside the classifier, which says what a line does to the world and is what decides. What is missed here
//! is a taint or a mark that is not set, so the reading is broad: every command of a line counts, wherever it stands,
//! and code in quotes is read too.

mod change;
mod fetched;
mod imports;
mod line;

use writ_model::SourceKind;

pub(crate) use change::{Change, changes};
use line::{PIECES, commands};

/// How deep code in quotes is read.
const DEPTH: usize = 4;

/// Programs that run another one with the rest of their words.
const WRAPPERS: &str = "sudo doas env nohup time exec command builtin nice ionice setsid stdbuf timeout xargs watch then \
    do else if while until ! {";
const SHELLS: &str = "sh bash zsh dash ksh fish ash";
/// Programs that run a file which they are given, or else what they read.
const INTERPRETERS: &str = "python python2 python3 pypy3 node nodejs deno bun tsx ts-node ruby perl php lua Rscript \
    osascript pwsh powershell tclsh groovy julia elixir jshell";
const FORGES: &str = "gh glab hub tea jira linear";
const DATABASES: &str = "psql pg_dump pg_dumpall mysql mysqldump mariadb mongosh mongo mongodump mongoexport redis-cli \
    clickhouse-client sqlcmd cqlsh influx snowsql bq usql trino";
const CLOUDS: &str = "aws gcloud gsutil az oci ibmcloud aliyun doctl hcloud scw s3cmd rclone";
const DEPLOYMENTS: &str = "kubectl oc helm k9s argocd flux flyctl fly vercel netlify heroku railway wrangler nomad \
    terraform tofu pulumi ansible ansible-playbook supabase firebase";
const PACKAGE_MANAGERS: &str = "npm pnpm yarn bun npx pip pip3 pipx uv poetry pdm conda mamba cargo go gem bundle composer mvn \
    gradle dotnet nuget apt apt-get apt-cache dnf yum apk brew docker podman rustup hex mix pub dart \
    flutter swift";

/// One command: its words, without quotes, and the folder that a `cd` before it went to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    pub folder: Option<String>,
    /// Folders of the project in which programs are looked for first.
    search: Vec<String>,
    words: Vec<String>,
}

/// The commands of a line, those in quoted code included.
pub(super) fn read(line: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    read_into(line, None, &mut Vec::new(), 0, &mut found);
    found
}

/// The symbolic links that the commands of a line make, each as its path and what is written in it; nothing for a
/// command that makes none.
pub(crate) fn links(line: &str) -> Vec<Option<(String, String)>> {
    let path = |piece: &Piece, link: String| match &piece.folder {
        Some(folder) if !link.starts_with('/') => format!("{folder}/{link}"),
        Some(_) | None => link,
    };
    read(line)
        .iter()
        // The end of a compound command is no command.
        .filter(|piece| !matches!(piece.parts().0, "fi" | "done" | "esac" | "}"))
        .map(|piece| piece.link().map(|(link, target)| (path(piece, link), target.to_owned())))
        .collect()
}

/// What a program that reaches the network, as the classifier names it, brings in.
pub(super) fn source_of(program: &str) -> Option<SourceKind> {
    let mut words = program.split_whitespace();
    let name = words.next()?;
    let name = name.rsplit('/').next().unwrap_or(name);
    match name {
        // Their words say more; see `Piece::takes`.
        "git" => None,
        _ if is_in(FORGES, name) || is_in(DATABASES, name) => None,
        _ if is_in(CLOUDS, name) => Some(SourceKind::Cloud),
        _ if is_in(DEPLOYMENTS, name) => Some(SourceKind::Deployment),
        _ if is_in(PACKAGE_MANAGERS, name) => Some(SourceKind::Dependency),
        _ => Some(SourceKind::Web),
    }
}

// === impl Piece ===

impl Piece {
    /// The program's name and its other words.
    fn parts(&self) -> (&str, &[String]) {
        match self.words.split_first() {
            Some((first, rest)) => (first.rsplit('/').next().unwrap_or(first), rest),
            None => ("", &[]),
        }
    }

    fn has(&self, options: &[&str]) -> bool {
        self.words.iter().any(|word| options.contains(&word.as_str()))
    }

    /// The value of an option, in the next word, joined by `=`, or right behind a short one.
    fn value(&self, options: &[&str]) -> Option<&str> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            for option in options {
                if word == option {
                    return words.next().map(String::as_str);
                }
                if let Some(rest) = word.strip_prefix(option) {
                    let is_long = option.starts_with("--");
                    match rest.strip_prefix('=') {
                        Some(value) if is_long => return Some(value),
                        None if !is_long => return Some(rest),
                        Some(_) | None => {}
                    }
                }
            }
        }
        None
    }

    /// Words that are no options.
    fn plain(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(String::as_str).filter(|word| !word.starts_with('-'))
    }

    /// Sources that only the words tell of.
    pub fn takes(&self) -> Vec<(SourceKind, String)> {
        let (program, words) = self.parts();
        let first = self.plain().next().unwrap_or_default();
        let named = |kind| vec![(kind, format!("{program} {first}").trim().to_owned())];
        match program {
            "git" => self.git(),
            _ if is_in(FORGES, program) => match first {
                "" | "auth" | "config" | "alias" | "completion" | "version" | "help" | "extension" => {
                    Vec::new()
                }
                _ if self.plain().nth(1) == Some("checkout") || self.plain().nth(1) == Some("clone") => {
                    named(SourceKind::Clone)
                }
                _ => named(SourceKind::Forge),
            },
            _ if is_in(DATABASES, program) => match database(words) {
                Some(place) => vec![(SourceKind::Database, format!("{program} {place}"))],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn git(&self) -> Vec<(SourceKind, String)> {
        let mut words = self.words.iter().skip(1).map(String::as_str);
        // Options of git itself come before its command.
        let command = loop {
            match words.next() {
                None => return Vec::new(),
                Some("-C" | "-c" | "--git-dir" | "--work-tree" | "--namespace") => _ = words.next(),
                Some(word) if word.starts_with('-') => {}
                Some(word) => break word,
            }
        };
        let rest: Vec<&str> = words.filter(|word| !word.starts_with('-')).collect();
        let is_foreign = rest.iter().any(|word| is_foreign(word));
        let named = |kind| vec![(kind, format!("git {command} {}", rest.join(" ")).trim().to_owned())];
        match command {
            "clone" | "submodule" => named(SourceKind::Clone),
            "fetch" | "pull" | "log" | "show" | "blame" | "annotate" | "shortlog" | "whatchanged"
            | "reflog" | "ls-remote" | "cat-file" | "format-patch" | "notes" | "tag" | "range-diff"
            | "bisect" => named(if is_foreign { SourceKind::Clone } else { SourceKind::History }),
            "subtree" if matches!(rest.first(), Some(&("add" | "pull"))) => {
                named(if is_foreign { SourceKind::Clone } else { SourceKind::History })
            }
            "checkout" | "switch" | "merge" | "rebase" | "cherry-pick" | "diff" | "archive" | "restore"
            | "worktree" | "reset" | "am" | "stash"
                if is_foreign =>
            {
                named(SourceKind::Clone)
            }
            _ => Vec::new(),
        }
    }

    /// The symbolic link that this makes: its own path, and what is written in it.
    pub fn link(&self) -> Option<(String, &str)> {
        let (program, words) = self.parts();
        let is_symbolic = words.iter().any(|word| {
            word == "--symbolic"
                || word == "--symbolic-link"
                || word
                    .strip_prefix('-')
                    .is_some_and(|letters| !letters.starts_with('-') && letters.contains('s'))
        });
        if !matches!(program, "ln" | "cp") || !is_symbolic {
            return None;
        }
        let folder = self.value(&["-t", "--target-directory"]);
        let mut names = self.plain().filter(|word| Some(*word) != folder);
        let target = names.next()?;
        let base = target.trim_end_matches('/').rsplit('/').next().unwrap_or(target);
        let link = match (folder, names.next()) {
            (Some(folder), _) => format!("{folder}/{base}"),
            (None, Some(link)) if link.ends_with('/') || link == "." => format!("{link}/{base}"),
            (None, Some(link)) => link.to_owned(),
            (None, None) => base.to_owned(),
        };
        Some((link, target))
    }

    /// Everything that could name a file.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.words
            .iter()
            .skip(1)
            .map(|word| {
                word.split_once('=')
                    .filter(|_| word.starts_with('-'))
                    .map_or(word.as_str(), |(_, value)| value)
            })
            .filter(|word| !word.is_empty())
    }

    /// Files that run beside those that the classifier names.
    pub fn runs(&self) -> Vec<String> {
        let mut found = self.runs_by_name();
        let (program, words) = self.parts();
        if program.starts_with("python") || is_in(INTERPRETERS, program) {
            found.extend(
                words
                    .iter()
                    .filter(|word| word.contains([' ', '(']))
                    .flat_map(|code| imports::imported(code)),
            );
        }
        found
    }

    fn runs_by_name(&self) -> Vec<String> {
        let (program, words) = self.parts();
        match program {
            "sed" | "gsed" | "awk" | "gawk" | "mawk" | "nawk" | "jq" => {
                self.value(&["-f", "--file", "--from-file"]).map(str::to_owned).into_iter().collect()
            }
            "make" | "gmake" => {
                self.value(&["-f", "--file", "--makefile"]).map(str::to_owned).into_iter().collect()
            }
            _ if program.starts_with("python") => match words.iter().position(|word| word == "-m") {
                Some(at) => words
                    .get(at + 1)
                    .map(|module| module.replace('.', "/"))
                    .map(|module| vec![format!("{module}.py"), format!("{module}/__main__.py")])
                    .unwrap_or_default(),
                None => self.plain().next().map(str::to_owned).into_iter().collect(),
            },
            "deno" | "bun" | "go" => {
                self.plain().find(|word| *word != "run").map(str::to_owned).into_iter().collect()
            }
            "java" => self.value(&["-jar"]).map(str::to_owned).into_iter().collect(),
            "source" | "." => self.plain().next().map(str::to_owned).into_iter().collect(),
            _ if is_in(INTERPRETERS, program) || is_in(SHELLS, program) => {
                self.plain().next().map(str::to_owned).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Files that a build tool or a test runner reads its commands from.
    pub fn build_files(&self) -> Vec<String> {
        let (program, words) = self.parts();
        let names: &[&str] = match program {
            "make" | "gmake" => &["GNUmakefile", "makefile", "Makefile"],
            "just" => &["justfile", "Justfile", ".justfile"],
            "npm" | "pnpm" | "yarn" | "bun" | "npx" => &["package.json"],
            "cargo" => &["build.rs", "Cargo.toml", ".cargo/config.toml"],
            "docker" | "podman" => &["Dockerfile", "docker-compose.yml", "compose.yaml"],
            "task" => &["Taskfile.yml", "Taskfile.yaml"],
            "rake" => &["Rakefile"],
            "gradle" | "gradlew" => &["build.gradle", "build.gradle.kts"],
            "mvn" | "mvnw" => &["pom.xml"],
            "cmake" => &["CMakeLists.txt"],
            "tox" => &["tox.ini", "pyproject.toml"],
            "nox" => &["noxfile.py"],
            "pytest" | "py.test" => &["conftest.py"],
            _ => &[],
        };
        let folder = match program {
            "make" | "gmake" => self.value(&["-C", "--directory"]),
            "npm" | "pnpm" | "yarn" => self.value(&["--prefix", "--dir", "-C", "--cwd"]),
            _ => None,
        };
        let mut files: Vec<String> = names
            .iter()
            .map(|name| match folder {
                Some(folder) => format!("{}/{name}", folder.trim_end_matches('/')),
                None => (*name).to_owned(),
            })
            .collect();
        let is_tester =
            matches!(program, "pytest" | "py.test" | "jest" | "vitest" | "mocha" | "rspec" | "ava")
                || words
                    .iter()
                    .any(|word| matches!(word.as_str(), "pytest" | "unittest" | "jest" | "vitest"));
        if is_tester {
            files.extend(self.plain().filter(|word| word.contains('.')).take(64).map(str::to_owned));
        }
        files
    }

    /// Languages whose code it builds, tests or installs; `*` for all.
    pub fn languages(&self) -> Vec<&'static str> {
        let by = |program: &str| match program {
            "pytest" | "py.test" | "tox" | "nox" | "coverage" | "hatch" | "pip" | "pip3" | "poetry"
            | "pdm" | "pipenv" | "sphinx-build" | "mypy" => vec!["python"],
            "uv" => vec!["python"],
            "cargo" | "cross" | "maturin" => vec!["rust"],
            "npm" | "pnpm" | "yarn" | "bun" | "bunx" | "npx" | "jest" | "vitest" | "mocha" | "ava"
            | "vite" | "webpack" | "rollup" | "next" | "playwright" | "cypress" | "gulp" | "grunt"
            | "turbo" | "nx" | "tsc" | "karma" => {
                vec!["node"]
            }
            "go" | "gotestsum" | "ginkgo" => vec!["go"],
            "bundle" | "bundler" | "rspec" | "rake" | "rails" => vec!["ruby"],
            "gradle" | "gradlew" | "mvn" | "mvnw" | "sbt" | "ant" => vec!["java"],
            "phpunit" | "composer" => vec!["php"],
            "prove" => vec!["perl"],
            "bats" => vec!["shell"],
            "make" | "gmake" | "just" | "task" | "bazel" | "cmake" | "ctest" | "ninja" | "meson"
            | "docker" | "podman" => {
                vec!["*"]
            }
            _ if program.starts_with("python") => vec!["python"],
            "node" | "deno" | "tsx" | "ts-node" => vec!["node"],
            "ruby" => vec!["ruby"],
            "php" => vec!["php"],
            _ => Vec::new(),
        };
        by(self.parts().0)
    }

    /// Whether git may run its hooks.
    pub fn runs_hooks(&self) -> bool {
        const RUNNING: &str = "commit push merge pull checkout switch rebase am cherry-pick revert";
        self.parts().0 == "git" && self.plain().any(|word| is_in(RUNNING, word))
    }

    /// Whether its words become words of the repository's history: a message, the name of a branch or a tag.
    pub fn words_history(&self) -> bool {
        const WORDING: &str = "commit tag branch checkout switch notes merge commit-tree";
        self.parts().0 == "git" && self.plain().any(|word| is_in(WORDING, word))
    }

    /// Whether it is git or a package manager, whose files are their own.
    pub fn is_own_tool(&self) -> bool {
        let (program, _) = self.parts();
        program == "git" || is_in(PACKAGE_MANAGERS, program)
    }

    /// Files that would start in place of the program that is named: in folders that are searched first, and in those of
    /// tools of the project.
    pub fn shadowing(&self) -> Vec<String> {
        let (program, words) = self.parts();
        if program.is_empty() || self.words.first().is_some_and(|first| first.contains('/')) {
            return Vec::new();
        }
        let mut found: Vec<String> = self.search.iter().map(|folder| format!("{folder}/{program}")).collect();
        let started = match (program, words) {
            ("npx" | "bunx" | "pnpx" | "uvx", _) => self.plain().next(),
            ("npm" | "pnpm" | "yarn" | "bun" | "uv" | "poetry" | "pdm" | "pipenv", [_, ..]) => {
                self.plain().nth(1)
            }
            _ => None,
        };
        for name in started.into_iter().chain([program]).filter(|name| !name.contains('/')) {
            found.extend(
                ["node_modules/.bin", ".venv/bin", "venv/bin", "vendor/bin"]
                    .map(|folder| format!("{folder}/{name}")),
            );
        }
        found
    }

    /// The program that is given a file to run.
    pub fn interpreter(&self) -> Option<&str> {
        let (program, _) = self.parts();
        (is_in(INTERPRETERS, program) || is_in(SHELLS, program) || program.starts_with("python"))
            .then_some(program)
    }

    /// Whether it runs what it reads from its input, or what another command in its words gives out.
    pub fn interprets_input(&self) -> bool {
        let (program, words) = self.parts();
        let is_shell = is_in(SHELLS, program);
        if !is_shell && !is_in(INTERPRETERS, program) && !matches!(program, "eval" | "source" | ".") {
            return false;
        }
        let substitutes = |word: &String| word.contains("$(") || word.contains('`') || word.contains("<(");
        if words.iter().any(substitutes) {
            return true;
        }
        if matches!(program, "eval" | "source" | ".") {
            return words.iter().any(|word| word == "/dev/stdin");
        }
        let has_code = |word: &String| {
            word.starts_with('-') && !word.starts_with("--") && word.contains(['c', 'e', 'm', 'p'])
        };
        let names_none = words.iter().all(|word| word.starts_with('-') || word == "/dev/stdin");
        let from_input = words.iter().any(|word| matches!(word.as_str(), "-s" | "-" | "/dev/stdin"));
        from_input || (names_none && !words.iter().any(has_code) && !self.has(&["--version", "--help"]))
    }
}

/// Whether a word of a git command names what other people than the repository's own made.
fn is_foreign(word: &str) -> bool {
    word.contains("://")
        || word.contains("FETCH_HEAD")
        || (word.contains('@') && word.contains(':'))
        || ["pull/", "pr/", "mr/", "merge-requests/"]
            .iter()
            .any(|start| word.starts_with(start) || word.contains(&format!("/{start}")))
}

/// Where a database client goes, unless it is this machine.
fn database(words: &[String]) -> Option<String> {
    let is_here = |host: &str| {
        host.starts_with('/')
            || matches!(host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0" | "host.docker.internal")
    };
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let host = match word {
            "-h" | "--host" | "-S" | "--server" => words.next(),
            _ => word
                .strip_prefix("--host=")
                .or_else(|| word.strip_prefix("-h").filter(|host| !host.is_empty())),
        };
        if let Some(host) = host {
            return (!is_here(host)).then(|| host.to_owned());
        }
        if let Some((_, rest)) = word.split_once("://") {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            let host = authority.rsplit('@').next().unwrap_or_default();
            let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
            return (!host.is_empty() && !is_here(host)).then(|| host.to_owned());
        }
        // Which one is only known when it runs.
        if word.contains('$') {
            return Some("a database that the environment names".to_owned());
        }
    }
    None
}

// === the words ===

fn read_into(
    line: &str,
    mut folder: Option<String>,
    search: &mut Vec<String>,
    depth: usize,
    found: &mut Vec<Piece>,
) {
    for mut words in commands(line) {
        // `PATH=…`, before a command or for the rest of the line.
        let path =
            words.iter().take(8).find_map(|word| word.strip_prefix("PATH=").or_else(|| rest_of_path(word)));
        let own = path.map(searched);
        if let Some(own) = &own
            && (words.len() == 1
                || words.first().is_some_and(|word| matches!(word.as_str(), "export" | "declare")))
        {
            search.extend(own.iter().cloned());
        }
        let first_in: Vec<String> = own.iter().flatten().chain(search.iter()).cloned().collect();
        if words.first().is_some_and(|word| rest_of_path(word).is_some()) {
            words.remove(0);
        }
        while words.first().is_some_and(|first| is_wrapping(first)) {
            let wrapper = words.remove(0);
            // What wraps may have options and a number of its own.
            while words.first().is_some_and(|word| {
                word.starts_with('-')
                    || (wrapper == "timeout" && word.starts_with(|c: char| c.is_ascii_digit()))
            }) {
                words.remove(0);
            }
        }
        let Some(first) = words.first() else { continue };
        let name = first.rsplit('/').next().unwrap_or(first).to_owned();
        if name == "cd" || name == "pushd" {
            let to = words.get(1).cloned().unwrap_or_else(|| "~".to_owned());
            folder = Some(match folder {
                Some(before) => super::ground::below(&before, &to),
                None => to,
            });
            continue;
        }
        let runs_code = depth < DEPTH && (is_in(SHELLS, &name) || matches!(name.as_str(), "eval" | "ssh"));
        let is_code = |word: &&String| runs_code && word.contains(' ');
        let codes: Vec<String> = words.iter().skip(1).filter(is_code).cloned().collect();
        if found.len() < PIECES {
            found.push(Piece { folder: folder.clone(), search: first_in, words });
        }
        // `find … -exec PROGRAM …` and the like: the rest is a command too.
        if let Some(Piece { words, .. }) = found.last()
            && depth < DEPTH
            && matches!(name.as_str(), "find" | "fd" | "parallel" | "docker" | "podman" | "kubectl")
            && let Some(at) = words
                .iter()
                .position(|word| matches!(word.as_str(), "-exec" | "-execdir" | "-x" | ":::" | "--"))
        {
            let rest = words.get(at + 1..).unwrap_or_default().to_vec();
            if !rest.is_empty() && found.len() < PIECES {
                found.push(Piece { folder: folder.clone(), search: Vec::new(), words: rest });
            }
        }
        for code in codes {
            read_into(&code, folder.clone(), search, depth + 1, found);
        }
    }
}

/// What is left of `PATH=$(pwd)/bin:$PATH` behind the substitution.
fn rest_of_path(word: &str) -> Option<&str> {
    (word.starts_with('/') && (word.contains(":$PATH") || word.contains(":${PATH}")))
        .then(|| word.trim_start_matches('/'))
}

/// The folders of a search path that could be the project's, seen from the working directory.
fn searched(path: &str) -> Vec<String> {
    const HERE: &[&str] = &["$PWD", "${PWD}", "$(pwd)", "`pwd`"];
    const MOST: usize = 16;
    path.split(':')
        .filter(|folder| !matches!(*folder, "$PATH" | "${PATH}"))
        .map(|folder| match HERE.iter().find_map(|here| folder.strip_prefix(here)) {
            Some(rest) => format!("./{}", rest.trim_start_matches('/')),
            None if folder.is_empty() => ".".to_owned(),
            None => folder.to_owned(),
        })
        .filter(|folder| {
            !folder.starts_with('$') && !folder.starts_with("/usr") && !folder.starts_with("/bin")
        })
        .map(|folder| folder.trim_end_matches('/').to_owned())
        .take(MOST)
        .collect()
}

fn is_wrapping(word: &str) -> bool {
    is_in(WRAPPERS, word)
        || word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
}

/// Whether a name stands in a list.
fn is_in(list: &str, name: &str) -> bool {
    list.split(' ').any(|listed| listed == name)
}

#[cfg(test)]
mod tests;
