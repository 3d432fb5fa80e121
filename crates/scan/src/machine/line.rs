//! Command lines: which tool one runs, and how the client above a hook was started.

use std::ffi::OsStr;
use std::path::Path;

use writ_model::Client;

use super::{MAX_PROCESS_BYTES, SHORT};
use crate::tool::{SURVEYS, Survey, client_of};
use crate::walk::read_regular;

/// Most processes between a hook and its client.
const MAX_ABOVE: usize = 16;
/// Clients whose hooks say the mode of permissions at each call: where they wrote over their command line, it is told so.
const TELLING: &[Client] = &[Client::ClaudeCode, Client::Codex, Client::QwenCode];

/// A program whose first argument is the program that counts.
struct Runtime {
    names: &'static [&'static str],
    /// Words that may stand before the script.
    commands: &'static [&'static str],
    /// Options whose value is the next word.
    valued: &'static [&'static str],
    /// Options behind which stands code and no script.
    code: &'static [&'static str],
}

/// A name with a version behind it (`python3.12`) counts as the name.
const RUNTIMES: &[Runtime] = &[
    Runtime {
        names: &["node", "nodejs"],
        commands: &[],
        valued: &[
            "-C",
            "-r",
            "--conditions",
            "--cpu-prof-dir",
            "--cpu-prof-name",
            "--diagnostic-dir",
            "--disable-warning",
            "--dns-result-order",
            "--env-file",
            "--env-file-if-exists",
            "--experimental-loader",
            "--heap-prof-dir",
            "--heap-prof-name",
            "--icu-data-dir",
            "--import",
            "--input-type",
            "--loader",
            "--localstorage-file",
            "--max-http-header-size",
            "--openssl-config",
            "--redirect-warnings",
            "--report-dir",
            "--report-directory",
            "--report-filename",
            "--require",
            "--title",
            "--trace-event-categories",
            "--unhandled-rejections",
        ],
        code: &["-e", "-p", "-pe", "--eval", "--print"],
    },
    Runtime {
        names: &["bun", "bunx"],
        commands: &["run", "x"],
        valued: &[
            "-d",
            "-l",
            "-r",
            "--conditions",
            "--cwd",
            "--define",
            "--env-file",
            "--import",
            "--loader",
            "--preload",
            "--require",
            "--tsconfig-override",
        ],
        code: &["-e", "-p", "--eval", "--print"],
    },
    Runtime {
        names: &["deno"],
        commands: &["run"],
        valued: &[
            "-c",
            "-L",
            "--cert",
            "--config",
            "--ext",
            "--import",
            "--import-map",
            "--location",
            "--lock",
            "--log-level",
            "--preload",
            "--require",
            "--seed",
        ],
        code: &["eval"],
    },
    Runtime {
        names: &["python", "pypy"],
        commands: &[],
        valued: &["-W", "-X", "--check-hash-based-pycs"],
        code: &["-c"],
    },
    Runtime {
        names: &["npx"],
        commands: &[],
        valued: &["-p", "-w", "--package", "--workspace"],
        code: &["-c", "--call"],
    },
    Runtime {
        names: &["uv", "uvx"],
        commands: &["run", "tool"],
        valued: &[
            "-p",
            "--directory",
            "--env-file",
            "--extra",
            "--from",
            "--group",
            "--index",
            "--project",
            "--python",
            "--with",
            "--with-editable",
        ],
        code: &[],
    },
];

/// Names of scripts that say nothing.
const SCRIPTS: &[&str] = &[
    "__main__.py",
    "bootstrap-fork",
    "bootstrap-fork.js",
    "bundle.js",
    "cli-entry.js",
    "cli-wrapper.cjs",
    "cli.js",
    "cli.mjs",
    "index.js",
    "main.js",
    "npm-loader.js",
    "server-main.js",
];
/// The folders that name them: `…/@anthropic-ai/claude-code/cli.js`.
const FOLDERS: &[(&str, &str)] = &[
    ("/claude-code/", "claude-code"),
    ("/@openai/codex/", "codex"),
    ("/gemini-cli/", "gemini-cli"),
    ("/qwen-code/", "qwen-code"),
    ("/@github/copilot/", "github-copilot"),
    ("/opencode", "opencode"),
    ("/cursor-agent/", "cursor"),
    ("/.cursor-server/", "cursor"),
    ("/.vscode-server", "vscode-copilot"),
    ("/.windsurf-server/", "windsurf"),
];
/// Packages that are run by their own names.
const PACKAGES: &[(&str, &str)] = &[
    ("@anthropic-ai/claude-code", "claude-code"),
    ("@github/copilot", "github-copilot"),
    ("@google/gemini-cli", "gemini-cli"),
    ("@openai/codex", "codex"),
    ("@qwen-code/qwen-code", "qwen-code"),
    ("opencode-ai", "opencode"),
];

/// What the command line of one process says.
enum Line {
    /// Its words, if it is the client; none where the process wrote a title over them.
    Client(Option<Vec<String>>),
    Other,
}

/// The command lines of the client that started a process, directly or by others, one behind the other: some clients start
/// themselves again. Nothing where none of the processes above can be told to be that client, or where one wrote over its
/// words and neither its parent nor its hooks tell them. `proc` is `/proc`.
pub fn words_above(proc: &Path, process: u32, client: Client) -> Option<Vec<String>> {
    let mut process = process;
    let (mut all, mut is_found, mut is_hidden, mut hid_below) = (Vec::new(), false, false, false);
    for _ in 0..MAX_ABOVE {
        let Some(parent) = parent_of(proc, process) else { break };
        process = parent;
        match line_of(&proc.join(process.to_string()), client) {
            Line::Client(Some(words)) => {
                (is_found, hid_below) = (true, false);
                all.extend(words);
            }
            Line::Client(None) => (is_found, hid_below) = (true, true),
            Line::Other => {
                is_hidden |= hid_below;
                hid_below = false;
            }
        }
    }
    is_hidden |= hid_below;
    (is_found && (!is_hidden || TELLING.contains(&client))).then_some(all)
}

/// `PID (name) S PARENT …`, and the name may hold anything (proc_pid_stat(5)).
fn parent_of(proc: &Path, process: u32) -> Option<u32> {
    let stat = read_regular(&proc.join(process.to_string()).join("stat"), MAX_PROCESS_BYTES).ok()?;
    let stat = String::from_utf8_lossy(&stat).into_owned();
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
    (parent > 0).then_some(parent)
}

/// By its words, and else by its file or the name that the kernel has of it in place of the first word, which anybody may
/// choose.
fn line_of(folder: &Path, client: Client) -> Line {
    let Ok(line) = read_regular(&folder.join("cmdline"), MAX_PROCESS_BYTES) else { return Line::Other };
    let words = words_of(&line);
    let file = std::fs::read_link(folder.join("exe")).ok();
    let file =
        file.as_deref().and_then(Path::to_str).map(|file| file.trim_end_matches(" (deleted)").to_owned());
    let name = read_regular(&folder.join("comm"), MAX_PROCESS_BYTES).ok();
    let name = name.map(|name| String::from_utf8_lossy(&name).trim().to_owned());
    let is_client = |words: &[String]| of_words(words).is_some_and(|survey| client_of(survey.id) == client);
    let is_client_as = |first: &String| {
        let rest = words.iter().skip(1).cloned();
        is_client(&std::iter::once(first.clone()).chain(rest).collect::<Vec<_>>())
    };
    if !is_client(&words) && !file.iter().chain(&name).any(is_client_as) {
        return Line::Other;
    }
    // What is written over the words fills their place up with zeros, or all of it: a runtime has a script besides.
    let rest = words.get(1..).unwrap_or_default();
    let runs_script = file.as_ref().is_some_and(|file| runtime_of(&base(file)).is_some());
    let is_title = rest.iter().all(String::is_empty) && (rest.len() > 1 || runs_script);
    Line::Client((!is_title).then_some(words))
}

pub(super) fn words_of(line: &[u8]) -> Vec<String> {
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// The tool that a command line runs.
pub(super) fn of_words(words: &[String]) -> Option<&'static Survey> {
    let first = words.first()?;
    let Some(runtime) = runtime_of(&base(first)) else { return of_program(&base(first), &[first]) };
    let script = runtime.script(words.get(1..)?)?;
    let named = |tool: &str| SURVEYS.iter().find(|survey| survey.id == tool);
    let package = script.trim_start_matches("npm:");
    let package = match package.rsplit_once('@') {
        Some((package, _version)) if !package.is_empty() => package,
        _ => package,
    };
    if let Some((_, tool)) = PACKAGES.iter().find(|(name, _)| *name == package) {
        return named(tool);
    }
    let name = base(script);
    if SCRIPTS.contains(&name.as_str()) {
        return FOLDERS.iter().find(|(part, _)| script.contains(part)).and_then(|(_, tool)| named(tool));
    }
    let name = [".cjs", ".js", ".mjs"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    of_program(name, &[script, first])
}

/// By the name of a program; one that says too little counts when one of these files lies in the tool's folder.
fn of_program(name: &str, files: &[&String]) -> Option<&'static Survey> {
    if let Some(short) = SHORT.iter().find(|short| short.name == name) {
        let is_it = files.iter().any(|file| short.is_it(Path::new(file), None));
        return SURVEYS.iter().find(|survey| is_it && survey.id == short.tool);
    }
    SURVEYS.iter().find(|survey| name.len() > 2 && survey.executables.contains(&name))
}

fn base(word: &str) -> String {
    Path::new(word).file_name().and_then(OsStr::to_str).unwrap_or("").to_owned()
}

fn runtime_of(name: &str) -> Option<&'static Runtime> {
    let name = name.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.');
    RUNTIMES.iter().find(|runtime| runtime.names.contains(&name))
}

// === impl Runtime ===

impl Runtime {
    /// The script among its arguments, or the module; nothing where it is given code.
    fn script<'a>(&self, words: &'a [String]) -> Option<&'a String> {
        let is_python = self.names.contains(&"python");
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let is_module = is_python
                && word.strip_prefix('-').and_then(|flags| flags.strip_suffix('m')).is_some_and(|flags| {
                    flags.chars().all(|flag| flag.is_ascii_alphabetic() && !"WXc".contains(flag))
                });
            if is_module || word == "--" {
                return words.next();
            }
            if self.code.contains(&word.as_str()) {
                return None;
            }
            if self.valued.contains(&word.as_str()) {
                words.next();
            } else if !word.starts_with('-') && !self.commands.contains(&word.as_str()) {
                return Some(word);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number, parent, words, name and file.
    type Row<'a> = (u32, u32, &'a str, &'a str, &'a str);

    fn proc_of(rows: &[Row<'_>]) -> tempfile::TempDir {
        let proc = tempfile::tempdir().unwrap();
        for (id, parent, line, name, file) in rows {
            let folder = proc.path().join(id.to_string());
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("stat"), format!("{id} (a) b) S {parent} 1 1 0")).unwrap();
            std::fs::write(folder.join("cmdline"), line).unwrap();
            std::fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
            std::os::unix::fs::symlink(file, folder.join("exe")).unwrap();
        }
        proc
    }

    #[test]
    fn the_client_above_a_hook_is_found_by_its_line() {
        let proc = proc_of(&[
            (9, 8, "writ\0hook\0gemini-cli\0", "writ", "/bin/writ"),
            (8, 7, "sh\0-c\0writ hook gemini-cli\0", "sh", "/bin/dash"),
            (
                7,
                6,
                "node\0/usr/lib/node_modules/@google/gemini-cli/dist/index.js\0--yolo\0",
                "node",
                "/bin/node",
            ),
            (6, 1, "bash\0", "bash", "/bin/bash"),
        ]);
        let words = words_above(proc.path(), 9, Client::GeminiCli).unwrap();
        assert_eq!(words[2], "--yolo");
        assert_eq!(words_above(proc.path(), 9, Client::Codex), None);
        // Whatever made a circle of it.
        std::fs::write(proc.path().join("6/stat"), "6 (a) S 9").unwrap();
        assert_eq!(words_above(proc.path(), 9, Client::Codex), None);
        assert_eq!(words_above(proc.path(), 5, Client::Codex), None);
    }

    #[test]
    fn attack_a_client_that_changed_its_line_is_known_or_counts_as_unknown() {
        let whole = "node\0/x/@google/gemini-cli/bundle/gemini.js\0--yolo\0";
        let again = "node\0/x/@google/gemini-cli/bundle/gemini.js\0-p\0x\0";
        let renamed = whole.replace("node", "x");
        let (gemini, ready, claude) =
            ["gemini", "Ready", "claude"].map(|t| format!("{t}{}", "\0".repeat(40))).into();
        let is_told = |client, lines: &[(&str, &str, &str)]| {
            let mut rows: Vec<Row<'_>> = vec![(90, 0, "writ\0", "writ", "/bin/writ")];
            for ((line, name, file), id) in lines.iter().zip((1_u32..90).rev()) {
                rows.last_mut().unwrap().1 = id;
                rows.push((id, 0, line, name, file));
            }
            words_above(proc_of(&rows).path(), 90, client).map(|words| words.contains(&"--yolo".to_owned()))
        };
        for (client, lines, expected) in [
            // Another first word: the file or the kernel's name tells it, and the words are there.
            (Client::Codex, &[("x\0--yolo\0", "codex", "/opt/x")][..], Some(true)),
            (Client::Codex, &[("x\0--yolo\0", "x", "/opt/codex (deleted)")], Some(true)),
            (Client::GeminiCli, &[(&renamed, "x", "/usr/bin/node")], Some(true)),
            (Client::ClaudeCode, &[("bash\0/x/claude\0--yolo\0", "claude", "/bin/bash")], Some(true)),
            // A title in place of all words: nobody could look.
            (Client::GeminiCli, &[(&gemini, "gemini", "/usr/bin/node")], None),
            (Client::GeminiCli, &[("gemini\0", "gemini", "/usr/bin/node")], None),
            (Client::GeminiCli, &[(&ready, "gemini", "/usr/bin/node")], None),
            // Unless whoever started it shows them, or its hooks tell.
            (
                Client::GeminiCli,
                &[(&gemini, "gemini", "/bin/node"), (whole, "node", "/bin/node")],
                Some(true),
            ),
            (
                Client::GeminiCli,
                &[(&gemini, "gemini", "/bin/node"), ("sh\0", "sh", "/bin/sh"), (whole, "node", "/bin/node")],
                None,
            ),
            (Client::ClaudeCode, &[(&claude, "claude", "/usr/bin/node")], Some(false)),
            // It started itself again with fewer words.
            (Client::GeminiCli, &[(again, "node", "/bin/node"), (whole, "node", "/bin/node")], Some(true)),
            (Client::GeminiCli, &[("python3\0x.py\0--yolo\0", "python3", "/usr/bin/python3")], None),
        ] {
            assert_eq!(is_told(client, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_script_is_found_behind_the_options_of_its_runtime() {
        for (line, tool) in [
            ("node -r /x/hook.js /x/claude-code/cli.js", Some("claude-code")),
            (
                "node --require ./a --import ./b --loader c --max-old-space-size=4096 /x/gemini",
                Some("gemini-cli"),
            ),
            (
                "/usr/bin/node22 --experimental-x --env-file .env /x/@qwen-code/qwen-code/cli-entry.js",
                Some("qwen-code"),
            ),
            ("node -- /x/bin/gemini", Some("gemini-cli")),
            ("node -e gemini /x/bin/gemini", None),
            ("node -r gemini server.js", None),
            ("node /x/.vscode-server/cli/s/out/bootstrap-fork --type=extensionHost", Some("vscode-copilot")),
            ("node /x/.vscode-server/extensions/a/dist/server.js", None),
            ("bun run /x/bin/qwen", Some("qwen-code")),
            ("bun --bun x @google/gemini-cli@latest", Some("gemini-cli")),
            ("deno run --allow-all --config d.json npm:@openai/codex", Some("codex")),
            ("deno eval gemini", None),
            ("npx -y @anthropic-ai/claude-code --yolo", Some("claude-code")),
            ("npx -p gemini server", None),
            ("python3.12 -X dev -m aider", Some("aider")),
            ("python -Im aider", Some("aider")),
            ("python -W ignore -c aider", None),
            ("uv tool run --from aider-chat aider", Some("aider")),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(of_words(&words).map(|survey| survey.id), tool, "{line}");
        }
    }
}
