//! Package managers as runners: `npm run x`, `npx tool`, `uv run tool`, `bundle exec tool`.
//!
//! A tool that is run this way has the class it has by itself. A tool that is fetched first is also an installation.

use writ_model::{EffectClass, PackageSource};

use super::catalogue;
use super::command::program_name;
use super::path;
use super::task::{self, Asked};
use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Target, flags, shell};

pub(super) const KNOWN: &str = "npx bunx pnpx uvx pipx npm pnpm yarn bun uv poetry pdm nix-shell";

const NODE_VALUES: &str =
    "--prefix -C --dir --cwd --filter -F -w --workspace --config --env-file --loglevel --registry";

/// `PROGRAM SUB COMMAND…`: the words that come before the command, and options with a value after them.
const RUNNERS: &[(&str, &[&str], &str)] = &[
    (
        "uv",
        &["run"],
        "--with --python -p --extra --group --package --project --directory --env-file --with-requirements --only-group --no-group --index --with-editable -w",
    ),
    ("poetry", &["run"], ""),
    ("pdm", &["run"], ""),
    ("rye", &["run"], ""),
    ("hatch", &["run"], ""),
    ("pipenv", &["run"], ""),
    ("pixi", &["run"], "-e --environment"),
    ("conda", &["run"], "-n --name -p --prefix"),
    ("mamba", &["run"], "-n --name -p"),
    ("micromamba", &["run"], "-n --name -p"),
    ("bundle", &["exec"], ""),
    ("bundler", &["exec"], ""),
    ("npm", &["exec"], "--package -p --workspace -w"),
    ("npm", &["x"], "--package -p"),
    ("pnpm", &["exec"], ""),
    ("yarn", &["exec"], ""),
    ("bun", &["x"], ""),
    ("pnpm", &["dlx"], "--package"),
    ("yarn", &["dlx"], "-p --package"),
    ("pipx", &["run"], "--spec --python --pip-args"),
    ("uv", &["tool", "run"], "--from --with --python -p"),
    ("mise", &["exec"], ""),
    ("mise", &["x"], ""),
    ("asdf", &["exec"], ""),
    ("direnv", &["exec"], ""),
    ("rustup", &["run"], ""),
    ("composer", &["exec"], ""),
    ("opam", &["exec"], ""),
    ("stack", &["exec"], ""),
    ("cabal", &["exec"], ""),
    ("nix", &["develop"], ""),
    ("nix", &["shell"], ""),
    ("fvm", &["flutter"], ""),
    ("fvm", &["dart"], ""),
    ("turbo", &["run"], "--filter"),
    ("volta", &["run"], "--node --npm"),
    ("nvm", &["exec"], ""),
    ("rbenv", &["exec"], ""),
    ("pyenv", &["exec"], ""),
    ("rvm", &["do"], ""),
    ("lerna", &["exec"], ""),
    ("dotnet", &["tool", "run"], ""),
    ("git-lfs", &["exec"], ""),
];

// === impl Walk ===

impl Walk<'_> {
    /// `false` when the program does not run another one here.
    pub(super) fn runner(&mut self, program: &str, args: &[Value]) -> bool {
        self.remote_script(program, args);
        match program {
            "npx" | "bunx" | "pnpx" => {
                self.fetched_tool(program, args, "-p --package --registry -w");
                return true;
            }
            "uvx" => {
                self.fetched_tool(
                    program,
                    args,
                    "--from --with --python -p --index-url --env-file --index --with-editable",
                );
                return true;
            }
            "nix-shell" => {
                self.effect(
                    EffectClass::BuildTest,
                    Target::Command(program.to_owned()),
                    "runner.run",
                    "runs in a package environment",
                );
                for text in flags::values(args, "--run --command") {
                    self.nested(text);
                }
                return true;
            }
            _ => {}
        }
        if let Some((_, words, values)) =
            RUNNERS.iter().find(|(name, words, _)| *name == program && starts_with(args, words))
        {
            self.runs_tool(program, words, args, values);
            return true;
        }
        self.scripts_around(program, args);
        match program {
            "npm" | "pnpm" | "yarn" | "bun" | "deno" | "composer" | "nx" | "turbo" | "poe" | "rake"
            | "invoke" | "inv" | "mage" | "gulp" | "grunt" => self.named_task(program, args),
            "go" => self.go_run(args),
            "cargo" => self.cargo_run(args),
            _ => false,
        }
    }

    fn runs_tool(&mut self, program: &str, words: &[&str], args: &[Value], values: &str) {
        let rest = skip_words(args, words.len());
        let rest = shell::after_options(rest, values);
        let rest = if matches!((program, words), ("rustup" | "direnv" | "nvm", _)) {
            rest.get(1..).unwrap_or_default()
        } else {
            rest
        };
        let rest = match rest.iter().position(|arg| arg.text == "--") {
            Some(at) if matches!(program, "mise" | "nix" | "rustup") => {
                rest.get(at + 1..).unwrap_or_default()
            }
            _ => rest,
        };
        let fetches = matches!(words, ["dlx"] | ["tool", "run"]) || (program, words) == ("pipx", &["run"]);
        let runs_shell = flags::values(args, "-c --call --command");
        if program == "nix" || program == "npm" || program == "pnpm" {
            for text in runs_shell {
                self.nested(text);
            }
        }
        let target = Target::Command(format!("{program} {}", words.join(" ")));
        self.effect(EffectClass::BuildTest, target, "runner.run", "runs a tool of the project");
        let options = args.get(..args.len() - rest.len()).unwrap_or_default();
        let may_fetch = fetches || matches!((program, words), ("npm", ["exec" | "x"]) | ("bun", ["x"]));
        let named = may_fetch && self.packages_named(program, options);
        self.tool(if may_fetch { program } else { "" }, rest, fetches && !named, named);
    }

    /// The packages that options name for a tool to come from. `true` when there is one.
    fn packages_named(&mut self, program: &str, options: &[Value]) -> bool {
        let python = matches!(program, "uvx" | "uv" | "pipx");
        let names = flags::values(options, if python { "--from --with --spec" } else { "-p --package" });
        for name in &names {
            self.downloads(name);
        }
        !names.is_empty()
    }

    /// A package, an address or a repository that is fetched and run.
    fn downloads(&mut self, text: &str) {
        let is_address = text.contains("://")
            || ["git+", "github:", "gitlab:", "bitbucket:", "gist:"]
                .iter()
                .any(|start| text.starts_with(start))
            || text.contains('/') && !text.starts_with(['@', '.', '/', '~']) && !text.contains(UNKNOWN);
        let source = if is_address { PackageSource::Address } else { PackageSource::Registry };
        let package = super::Package { source, ..super::Package::named("", &super::word::shown(text)) };
        let text = "downloads a tool and runs it";
        self.effect(EffectClass::PackageInstall, Target::Package(package), "runner.fetch", text);
    }

    /// Whether the project itself says that it uses this tool.
    fn is_declared(&self, package: &str) -> bool {
        let Some(look) = self.facts.look else { return false };
        let Some(start) = self.facts.cwd.or(self.facts.workspace) else { return false };
        let folder = match self.scope.directory.as_deref() {
            Some(to) if to.starts_with('/') => to.to_owned(),
            Some(to) => path::absolute(start, to),
            None => start.to_owned(),
        };
        let mut folder = folder.as_str();
        const MOST_UP: usize = 8;
        let is_tool = !package.contains(['/', '.']) || package.starts_with('@') && !package.contains("..");
        for _ in 0..MOST_UP {
            let bin = format!("{folder}/node_modules/.bin/{package}");
            let manifest = ["package.json", "pyproject.toml", "requirements-dev.txt"]
                .iter()
                .filter_map(|name| look.text(&format!("{folder}/{name}")))
                .any(|text| names_package(&text, package));
            if is_tool && (manifest || look.text(&bin).is_some()) {
                return true;
            }
            match folder.rsplit_once('/') {
                Some((above, _)) if !above.is_empty() => folder = above,
                _ => return false,
            }
        }
        false
    }

    /// `npx`, `bunx`, `uvx`: from the project when it is there, else downloaded.
    fn fetched_tool(&mut self, program: &str, args: &[Value], values: &str) {
        self.effect(
            EffectClass::BuildTest,
            Target::Command(program.to_owned()),
            "runner.run",
            "runs a tool of the project",
        );
        for text in flags::values(args, "-c --call") {
            self.nested(text);
        }
        let argv = shell::after_options(args, values);
        // `uvx` knows no project: what is no usual tool comes from the index.
        let is_strange = program == "uvx"
            && argv.first().is_some_and(|name| !super::command::knows(&program_name(&name.text)));
        let options = args.get(..args.len() - argv.len()).unwrap_or_default();
        let named = self.packages_named(program, options);
        let asks_to_fetch = flags::has_any(options, "-y --yes") || is_strange && !named;
        self.tool(program, argv, asks_to_fetch, named);
    }

    /// A tool by its package name, perhaps with a version.
    ///
    /// What `program` finds neither in the project nor among the usual tools it downloads; `named`: that was said apart.
    fn tool(&mut self, program: &str, argv: &[Value], fetches: bool, named: bool) {
        let Some((name, args)) = argv.split_first() else { return };
        let Some(text) = name.literal() else {
            self.argv(argv);
            return;
        };
        let (package, version) = match text.rfind('@') {
            Some(at) if at > 0 => (text.get(..at).unwrap_or(text), text.get(at + 1..)),
            _ => (text, None),
        };
        let package = package.split(['[', '=', '<', '>']).next().unwrap_or(package);
        let tool = TOOLS.iter().find(|(name, _)| *name == package).map_or(package, |(_, tool)| tool);
        let tool = if tool.starts_with('@') { tool.rsplit('/').next().unwrap_or(tool) } else { tool };
        let is_known = is_usual_tool(&program_name(tool));
        let is_file = text.starts_with(['.', '/', '~']);
        let is_address = !is_file && !text.starts_with('@') && (text.contains('/') || text.contains(':'));
        let may_fetch = !program.is_empty() && !is_file;
        let is_strange = may_fetch && !is_known && !named && !self.is_declared(package);
        if fetches || version.is_some() || is_strange || may_fetch && is_address {
            self.downloads(text);
        }
        if may_fetch && is_address {
            return;
        }
        if is_known || !may_fetch && super::command::knows(tool) || tool.contains('/') || tool.contains('.') {
            let mut inner = vec![Value { text: tool.to_owned(), ..name.clone() }];
            inner.extend_from_slice(args);
            self.argv(&inner);
        } else {
            self.project_task(Asked::named("tool", &super::word::shown(package)));
        }
    }

    /// `npm run x`, `yarn x`, `deno task x`: scripts of the project.
    fn named_task(&mut self, program: &str, args: &[Value]) -> bool {
        let words = flags::positionals(args, NODE_VALUES);
        let mut words = words.iter();
        let Some(first) = words.next() else { return false };
        let sub = first.text.as_str();
        let task = match (program, sub) {
            (
                "npm" | "pnpm" | "yarn" | "bun" | "composer" | "nx" | "turbo",
                "run" | "run-script" | "rum" | "urn",
            ) => words.next(),
            ("deno", "task") => words.next(),
            ("yarn" | "pnpm", "workspace") => words.nth(1),
            ("poe" | "rake" | "invoke" | "inv" | "mage" | "gulp" | "grunt" | "turbo", _) => Some(first),
            ("yarn" | "pnpm" | "bun", _) if !is_subcommand(program, args) => Some(first),
            _ => return false,
        };
        if program == "rake"
            && catalogue::lookup(program, args).is_some_and(|listed| !listed.pattern.is_empty())
        {
            return false;
        }
        match task {
            Some(task) if is_tool(&task.text) && !matches!(sub, "run" | "run-script" | "task") => {
                let rest: Vec<Value> = args.iter().skip_while(|arg| arg.text != task.text).cloned().collect();
                self.argv(&rest);
            }
            Some(task) if task.text.contains('.') && program == "bun" => self.runs_file(&task.text),
            Some(task) => {
                let arguments: Vec<Value> =
                    args.iter().skip_while(|arg| arg.text != task.text).skip(1).cloned().collect();
                let arguments = match arguments.iter().position(|arg| arg.text == "--") {
                    Some(at) => arguments.get(at + 1..).unwrap_or_default(),
                    None if program == "npm" => &[],
                    None => arguments.as_slice(),
                };
                let is_elsewhere = flags::has_any(args, "-w --workspace --filter -F -r --recursive -ws")
                    || matches!(sub, "workspace" | "workspaces");
                let folder = task::given(args, "--prefix -C --cwd --dir");
                let name = task.shown();
                let asked = Asked { program, folder, file: None, name: Some(&name), arguments };
                if is_elsewhere {
                    // A package of its own, in a folder that only its manager knows.
                    self.project_task(Asked { program: "script", ..asked });
                } else {
                    self.project_task(asked);
                }
            }
            None => {
                let target = Target::Command(format!("{program} run"));
                self.effect(EffectClass::BuildTest, target, "task.run", "runs project code");
            }
        }
        true
    }

    /// Scripts that a manager runs by itself: around installing and publishing, and those with a word of their own.
    fn scripts_around(&mut self, program: &str, args: &[Value]) {
        if !matches!(program, "npm" | "pnpm" | "yarn" | "bun") {
            return;
        }
        let words = flags::positionals(args, NODE_VALUES);
        let name = match (program, words.first().map(|word| word.text.as_str())) {
            ("npm", Some("test" | "t" | "tst")) => "test",
            ("npm", Some(name @ ("start" | "stop" | "restart"))) => name,
            (_, Some("install" | "i" | "ci" | "clean-install")) if words.len() == 1 => "install",
            ("yarn", None) => "install",
            (_, Some(name @ ("publish" | "pack"))) => name,
            _ => return,
        };
        if flags::has_any(args, "--ignore-scripts -w --workspace --filter -F -r --recursive") {
            return;
        }
        let folder = task::given(args, "--prefix -C --cwd --dir");
        self.resolve(Asked { program, folder, file: None, name: Some(name), arguments: &[] });
    }

    /// `deno run https://…`, `deno run npm:x`, `bun run https://…`: a script that is fetched and run.
    fn remote_script(&mut self, program: &str, args: &[Value]) {
        if !matches!(program, "deno" | "bun") {
            return;
        }
        let is_remote = |text: &str| {
            ["https://", "http://", "npm:", "jsr:", "data:"].iter().any(|start| text.starts_with(start))
        };
        let words = flags::positionals(args, NODE_VALUES);
        let runs = |word: &str| {
            matches!(word, "run" | "serve" | "test" | "bench" | "install" | "compile" | "x" | "repl")
        };
        if let Some(script) = words.iter().find(|word| !runs(&word.text)).filter(|word| is_remote(&word.text))
        {
            self.downloads(&script.text);
        }
    }

    fn go_run(&mut self, args: &[Value]) -> bool {
        if args.first().is_none_or(|sub| sub.text != "run") {
            return false;
        }
        let words = flags::positionals(args, "-C -exec -ldflags -tags -mod");
        self.effect(
            EffectClass::BuildTest,
            Target::Command("go run".to_owned()),
            "runner.run",
            "builds and runs a program",
        );
        for word in words.iter().skip(1).take(1) {
            if word.text.contains('@') || word.text.contains("://") {
                self.effect(
                    EffectClass::PackageInstall,
                    Target::Package(super::Package::named("go", &word.shown())),
                    "runner.fetch",
                    "downloads a module and runs it",
                );
            } else {
                self.runs(&word.text);
            }
        }
        for text in flags::values(args, "-exec -toolexec") {
            self.nested(text);
        }
        true
    }

    /// `cargo watch -x/-s`, `cargo xtask deploy`: the rest is in the catalogue.
    fn cargo_run(&mut self, args: &[Value]) -> bool {
        for text in flags::values(args, "--config") {
            if let Some((_, command)) = text.split_once('=').filter(|(key, _)| {
                key.contains("wrapper") || key.contains("runner") || key.contains("linker")
            }) {
                self.command_setting("cargo --config", &Value::known(command.trim_matches(['"', '\'', '['])));
            }
        }
        let words = flags::positionals(args, "--manifest-path -p --package --color -Z");
        match words.first().map(|sub| sub.text.as_str()) {
            Some("watch") => {
                self.effect(
                    EffectClass::BuildTest,
                    Target::Command("cargo watch".to_owned()),
                    "runner.run",
                    "runs project code",
                );
                for text in flags::values(args, "-s --shell") {
                    self.nested(text);
                }
                for text in flags::values(args, "-x --exec") {
                    self.nested(&format!("cargo {text}"));
                }
                true
            }
            Some("xtask" | "make") if words.len() > 1 => {
                let task = words.get(1).map(|task| task.shown()).unwrap_or_default();
                let is_make = words.first().is_some_and(|word| word.text == "make");
                let program = if is_make { "cargo make" } else { "cargo xtask" };
                self.project_task(Asked::named(program, &task));
                true
            }
            Some(toolchain) if toolchain.starts_with('+') => {
                let rest: Vec<Value> = args.iter().filter(|arg| arg.text != toolchain).cloned().collect();
                self.argv(&[[Value::known("cargo")].as_slice(), &rest].concat());
                true
            }
            Some(alias) if !is_subcommand("cargo", args) => {
                let rest: Vec<Value> =
                    args.iter().skip_while(|arg| arg.text != alias).skip(1).cloned().collect();
                let asked = Asked { arguments: &rest, ..Asked::named("cargo", alias) };
                self.resolve(asked);
                false
            }
            _ => false,
        }
    }
}

/// Packages whose command has another name.
const TOOLS: &[(&str, &str)] = &[
    ("@changesets/cli", "changeset"),
    ("@angular/cli", "ng"),
    ("@vue/cli", "vue-cli-service"),
    ("@nestjs/cli", "nest"),
    ("@playwright/test", "playwright"),
    ("@biomejs/biome", "biome"),
    ("@redocly/cli", "redocly"),
    ("@stoplight/spectral-cli", "spectral"),
    ("@vscode/vsce", "vsce"),
    ("@modelcontextprotocol/inspector", "mcp-inspector"),
    ("@anthropic-ai/claude-code", "claude"),
    ("@openai/codex", "codex"),
    ("@google/gemini-cli", "gemini"),
    ("netlify-cli", "netlify"),
    ("firebase-tools", "firebase"),
    ("eas-cli", "eas"),
    ("aws-cdk", "cdk"),
    ("typescript", "tsc"),
];

/// A program that projects use and that is known for it: what only looks is no reason to download a package of its name.
fn is_usual_tool(name: &str) -> bool {
    catalogue::lookup(name, &[]).is_some_and(|listed| listed.class != EffectClass::Read)
        || super::command::knows(name) && !catalogue::is_listed(name)
        || TOOLS.iter().any(|(_, tool)| *tool == name)
}

/// Whether a manifest has a package among what it needs: its name as a key, or at the start of a requirement.
fn names_package(text: &str, package: &str) -> bool {
    const MOST: usize = 20;
    text.match_indices(package).take(MOST).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + package.len()..).unwrap_or_default();
        (before.is_empty() || before.ends_with(['"', '\'', '\n']))
            && (after.is_empty() || after.starts_with(['"', '\'', '\n', '=', '>', '<', '~', '!', '[', ' ']))
    })
}

/// Whether a word names a tool rather than a script: a listed program that does more than look.
fn is_tool(name: &str) -> bool {
    catalogue::lookup(name, &[]).is_some_and(|listed| listed.class != EffectClass::Read)
}

fn starts_with(args: &[Value], words: &[&str]) -> bool {
    let given = flags::positionals(args, NODE_VALUES);
    given.len() >= words.len() && words.iter().zip(&given).all(|(word, given)| *word == given.text)
}

/// What follows the first `count` words that are no options.
fn skip_words(args: &[Value], count: usize) -> &[Value] {
    let mut left = count;
    let mut skip = false;
    for (at, arg) in args.iter().enumerate() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if arg.text.starts_with('-') {
            skip = flags::lists(NODE_VALUES, &arg.text);
            continue;
        }
        left -= 1;
        if left == 0 {
            return args.get(at + 1..).unwrap_or_default();
        }
    }
    &[]
}

/// Whether the first word is a subcommand the catalogue knows, and no script of the project.
fn is_subcommand(program: &str, args: &[Value]) -> bool {
    catalogue::lookup(program, args).is_some_and(|listed| !listed.pattern.is_empty())
}
