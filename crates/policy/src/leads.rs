//! Files that settings, hooks and instructions lead to: what a hook starts, what a server is made of, what is imported.
//!
//! Whoever can write such a file has what the file that names it was kept from him for. The forms are read widely: a word
//! that could be a path is one, and only the caller knows whether anything lies there.

use std::str::Chars;

/// Words of one file that are returned.
const MAX_WORDS: usize = 1_000;
/// Braces and brackets in one another.
const MAX_DEPTH: usize = 128;

/// Below these keys stand commands, their arguments, or files that are obeyed like the settings themselves. Folded, without
/// `-` and `_`.
const KEYS: [&str; 19] = [
    "args",
    "bash",
    "contextfilename",
    "entry",
    "exec",
    "file",
    "filename",
    "instructions",
    "notify",
    "otelheadershelper",
    "plugin",
    "plugins",
    "powershell",
    "read",
    "run",
    "runner",
    "script",
    "shell",
    "source",
];
/// How such keys end that are many.
const KEY_ENDINGS: [&str; 6] = ["cmd", "command", "commands", "helper", "refresh", "export"];

/// What runs the file that it is given, or reads it as its own.
const READERS: [&str; 28] = [
    ".",
    "bash",
    "bun",
    "dash",
    "deno",
    "dotenv",
    "dotenv_if_exists",
    "fish",
    "ksh",
    "lua",
    "node",
    "nodejs",
    "perl",
    "php",
    "poetry",
    "pwsh",
    "python",
    "python2",
    "python3",
    "rscript",
    "ruby",
    "sh",
    "source",
    "source_env",
    "source_env_if_exists",
    "tsx",
    "uv",
    "zsh",
];
/// What stands before a command and is none.
const BEFORE_COMMANDS: [&str; 18] = [
    "!", "builtin", "command", "do", "elif", "else", "env", "eval", "exec", "export", "if", "nice", "nohup",
    "sudo", "then", "time", "until", "while",
];

/// The words of a file of this name that could be paths of what it leads to: relative to its folder, to a folder around it,
/// or absolute. At most 1000, in the order in which they stand there.
#[must_use]
pub fn leads(name: &str, text: &str) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    let mut found = Vec::new();
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        // Starts when a person says so.
        "json" if name == "launch.json" => {}
        "json" | "jsonc" | "json5" | "code-workspace" => of_json(text, &mut found),
        "toml" | "yaml" | "yml" => of_lines(text, &mut found),
        "md" | "mdc" | "cursorrules" | "windsurfrules" | "clinerules" | "goosehints" | "rules" => {
            of_instructions(text, &mut found);
        }
        "bash" | "envrc" | "fish" | "ksh" | "sh" | "zsh" => of_script(text, &mut found),
        _ if is_shell(&name, text) => of_script(text, &mut found),
        _ => {}
    }
    found.truncate(MAX_WORDS);
    found
}

/// Whether a file that is no other form is a shell's: by its first line, or because it has neither such a line nor an ending.
fn is_shell(name: &str, text: &str) -> bool {
    match text.strip_prefix("#!") {
        Some(rest) => rest.lines().next().is_some_and(|line| line.trim_end().ends_with("sh")),
        None => !name.contains('.'),
    }
}

fn is_wanted(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    let folded: String =
        last.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    KEYS.contains(&folded.as_str()) || KEY_ENDINGS.iter().any(|ending| folded.ends_with(ending))
}

/// JSON, with comments and commas too many, as far as it can be read.
fn of_json(text: &str, found: &mut Vec<String>) {
    let mut rest = text.chars();
    let mut around: Vec<bool> = Vec::new();
    let mut by_key = false;
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                let string = string(&mut rest);
                if after_space(rest.as_str()).starts_with(':') {
                    by_key = is_wanted(&string);
                } else if by_key || around.last().copied().unwrap_or_default() {
                    words(&string, found);
                }
            }
            '{' | '[' => {
                if around.len() >= MAX_DEPTH {
                    return;
                }
                around.push(by_key || around.last().copied().unwrap_or_default());
                by_key = false;
            }
            '}' | ']' => {
                around.pop();
                by_key = false;
            }
            ',' => by_key = false,
            '/' => rest = after_comment(rest.as_str()).chars(),
            _ => {}
        }
    }
}

/// What stands in a string up to its end.
fn string(rest: &mut Chars<'_>) -> String {
    let mut string = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => match rest.next() {
                Some('n' | 't' | 'r') => string.push(' '),
                Some('u') => {
                    let digits =
                        rest.as_str().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
                    if let Some(c) = digits.and_then(char::from_u32) {
                        string.push(c);
                        *rest = rest.as_str().get(4..).unwrap_or_default().chars();
                    }
                }
                Some(other) => string.push(other),
                None => break,
            },
            other => string.push(other),
        }
    }
    string
}

fn after_space(mut rest: &str) -> &str {
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix('/') {
            Some(comment) if comment.starts_with(['/', '*']) => rest = after_comment(comment),
            Some(_) | None => return rest,
        }
    }
}

/// What comes after a comment whose first `/` is gone; the same where it is none.
fn after_comment(rest: &str) -> &str {
    if rest.starts_with('/') {
        rest.split_once('\n').map_or("", |(_, after)| after)
    } else if let Some(inside) = rest.strip_prefix('*') {
        inside.split_once("*/").map_or("", |(_, after)| after)
    } else {
        rest
    }
}

/// TOML and YAML, line by line: what stands behind a key, and below it up to the next one.
fn of_lines(text: &str, found: &mut Vec<String>) {
    let mut wanted = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') && line.ends_with(']') && !line.contains(['"', '\'']) {
            wanted = false;
            continue;
        }
        let item = line.strip_prefix("- ").map_or(line, str::trim_start);
        let (key, value) = item.split_once([':', '=']).unwrap_or(("", item));
        let key = key.trim().trim_matches(['"', '\'']);
        let is_key = !key.is_empty()
            && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && !value.starts_with(['/', '=']);
        if is_key {
            // A table in one line is taken whole.
            wanted = is_wanted(key) || value.trim_start().starts_with('{');
        }
        if wanted {
            words(if is_key { value } else { item }, found);
        }
    }
}

/// Imports (`@docs/rules.md`), and commands that are run when the text is read (``!`./status` ``).
fn of_instructions(text: &str, found: &mut Vec<String>) {
    for word in
        text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')' | '[' | ']' | ',' | '`'))
    {
        if let Some(path) = word.strip_prefix('@') {
            push(path.trim_end_matches(['.', ':', ';', '!', '?']), found);
        }
    }
    for command in text.split("!`").skip(1) {
        words(command.split('`').next().unwrap_or_default(), found);
    }
}

/// What a script starts by its path, gives to an interpreter, or reads as its own.
fn of_script(text: &str, found: &mut Vec<String>) {
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        for command in line.split([';', '&', '|', '(', ')', '`', '{', '}', '<', '>']) {
            of_command(command, found);
        }
    }
}

fn of_command(command: &str, found: &mut Vec<String>) {
    let words: Vec<String> =
        command.split_whitespace().map(|word| word.replace(['"', '\'', '\\'], "")).collect();
    let is_assignment = |word: &str| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut words = words.iter().map(String::as_str).filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        if BEFORE_COMMANDS.contains(&word) || is_assignment(word) {
            continue;
        }
        let program = word.rsplit('/').next().unwrap_or(word);
        if word.contains('/') {
            push(word, found);
        }
        if !READERS.contains(&program.to_ascii_lowercase().as_str()) {
            return;
        }
        // `deno run x` has a word between.
        let mut given = 0;
        for word in words.by_ref() {
            if word == "-c" {
                // What follows is a command of its own.
                break;
            }
            if word.starts_with('-') {
                continue;
            }
            push(word, found);
            push(&format!("{word}/.envrc"), found);
            given += 1;
            if given == 2 {
                return;
            }
        }
    }
}

/// Every word of a command or of a list.
fn words(text: &str, found: &mut Vec<String>) {
    let separates = |c: char| c.is_whitespace() || "\"'`;&|()<>=,{}[]".contains(c);
    for word in text.split(separates) {
        push(word, found);
    }
}

/// Adds a word that could be a path. A variable in front is a folder that nobody knows here.
fn push(word: &str, found: &mut Vec<String>) {
    let path = if word.starts_with('$') { word.find('/').and_then(|at| word.get(at..)) } else { Some(word) };
    let Some(path) = path.filter(|path| found.len() < MAX_WORDS && !path.contains("://")) else { return };
    let is_none = path.is_empty() || path.starts_with(['-', '~']) || path.contains('\0');
    if !is_none && path.chars().any(char::is_alphanumeric) {
        found.push(path.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_run_or_obeyed_is_found_in_each_form() {
        for (name, text, wanted) in [
            (
                "settings.json",
                r#"{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"\"$CLAUDE_PROJECT_DIR\"/tools/stop.sh --quick"}]}]}}"#,
                "/tools/stop.sh",
            ),
            (
                ".mcp.json",
                r#"{"mcpServers":{"x":{"command":"node","args":["--inspect","scripts/mcp.js"]}}}"#,
                "scripts/mcp.js",
            ),
            (
                "tasks.json",
                "// why\n{\"tasks\":[{\"command\" /* x */ : \"${workspaceFolder}/a/b.sh\",},]}",
                "/a/b.sh",
            ),
            (
                "opencode.json",
                r#"{"mcp":{"x":{"command":["bun","s\u0072v.ts"]}},"instructions":["docs/rules.md"]}"#,
                "srv.ts",
            ),
            ("opencode.json", r#"{"instructions":["docs/rules.md"]}"#, "docs/rules.md"),
            ("settings.json", r#"{"apiKeyHelper":"bin/key"}"#, "bin/key"),
            (
                "config.toml",
                "[mcp_servers.x]\ncommand = \"python3\"\nargs = [\n  \"-u\",\n  \"tools/server.py\",\n]\n",
                "tools/server.py",
            ),
            ("mise.toml", "[env]\n_.source = \"env/all.sh\"\n", "env/all.sh"),
            ("mise.toml", "[env]\n_ = { source = './env.sh' }\n", "./env.sh"),
            (
                "lefthook.yml",
                "pre-commit:\n  commands:\n    x:\n      run: |\n        ./scripts/check.sh\n",
                "./scripts/check.sh",
            ),
            (".pre-commit-config.yaml", "repos:\n- hooks:\n  - id: x\n    entry: tools/lint\n", "tools/lint"),
            (".envrc", "set -e\n[ -f x ] && . ./scripts/env.sh\n", "./scripts/env.sh"),
            (".envrc", "source_env sub\n", "sub/.envrc"),
            ("pre-commit", "#!/bin/sh\n. \"$(dirname -- \"$0\")/_/husky.sh\"\n", "/_/husky.sh"),
            ("pre-commit", "X=1 exec node 'scripts/check.js' --all\n", "scripts/check.js"),
            ("pre-commit", "#!/usr/bin/env bash\nif ! bash -c './a/b'; then exit 1; fi\n", "./a/b"),
            ("CLAUDE.md", "See (@docs/rules.md), and @../AGENTS.md.\n", "docs/rules.md"),
            ("CLAUDE.md", "See (@docs/rules.md), and @../AGENTS.md.\n", "../AGENTS.md"),
            ("review.md", "State: !`./tools/status.sh all`\n", "./tools/status.sh"),
        ] {
            let found = leads(name, text);
            assert!(found.iter().any(|word| word == wanted), "{name}: {wanted} {found:?}");
        }
    }

    #[test]
    fn what_is_only_mentioned_is_not() {
        for (name, text, other) in [
            (
                "settings.json",
                r#"{"permissions":{"deny":["Read(./src/a.rs)"]},"files.exclude":{"src/a.rs":true}}"#,
                "src/a.rs",
            ),
            ("launch.json", r#"{"program":"src/a.rs","args":["src/a.rs"]}"#, "src/a.rs"),
            (".mcp.json", r#"{"mcpServers":{"x":{"command":"x","env":{"A":"src/a.rs"}}}}"#, "src/a.rs"),
            ("config.toml", "args = [\"x\"]\n[other]\nwords = [\n\"src/a.rs\",\n]\n", "src/a.rs"),
            (".envrc", "watch_file src/a.rs\n# . src/a.rs\nexport A=src/a.rs\n", "src/a.rs"),
            ("CLAUDE.md", "Look at src/a.rs, mail me@src/a.rs\n", "src/a.rs"),
            ("x.js", "require('src/a.rs')", "src/a.rs"),
        ] {
            let found = leads(name, text);
            assert!(!found.iter().any(|word| word.ends_with(other)), "{name}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_words_within_the_bound(text in "[\\PC\n\"{}\\[\\]:/*@!`$\\\\]{0,400}") {
            for name in ["a.json", "a.toml", "a.md", ".envrc", "hook"] {
                let found = leads(name, &text);
                prop_assert!(found.len() <= MAX_WORDS);
                prop_assert!(found.iter().all(|word| !word.is_empty() && word.len() <= text.len() + 7));
            }
        }
    }
}
