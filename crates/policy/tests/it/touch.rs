//! The same touch of the same thing is the same action, whatever makes it: a client's own tool, a program, a
//! redirection, inline code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;
use writ_model::{Action, Binding, EffectClass, Operation, PackageSource, Place, Resource};
use writ_policy::{Entry, Files, Lexical, Name, Status, actions_of};

use crate::ground::{ROOT, call, workspace};

/// A file system in memory.
#[derive(Default)]
struct Tree {
    files: BTreeSet<PathBuf>,
    links: Vec<(PathBuf, PathBuf)>,
    /// Files that are one, by their numbers.
    twins: Vec<(PathBuf, u64)>,
    /// Folders that are mounted, and what they show.
    mounts: Vec<(PathBuf, PathBuf)>,
}

impl Files for Tree {
    fn entry(&self, path: &Path) -> Entry {
        if let Some((_, target)) = self.links.iter().find(|(link, _)| link == path) {
            return Entry::Link(target.clone());
        }
        let is_there = self.files.iter().any(|file| file.starts_with(path));
        if is_there { Entry::Plain } else { Entry::Missing }
    }

    fn status(&self, path: &Path) -> Option<Status> {
        let inode = self.twins.iter().find(|(twin, _)| twin == path).map(|(_, inode)| *inode);
        let mount = self.mounts.iter().any(|(at, _)| path.starts_with(at));
        Some(Status {
            file: (1, inode.unwrap_or(0)),
            names: if inode.is_some() { 2 } else { 1 },
            mount: u64::from(mount),
        })
    }

    fn origin(&self, path: &Path) -> Option<PathBuf> {
        let (at, shown) = self.mounts.iter().find(|(at, _)| path.starts_with(at))?;
        Some(shown.join(path.strip_prefix(at).ok()?))
    }

    fn names(&self, folder: &Path, most: usize) -> Vec<Name> {
        let mut found: Vec<Name> = Vec::new();
        for file in &self.files {
            let Ok(rest) = file.strip_prefix(folder) else { continue };
            let mut parts = rest.iter();
            let Some(first) = parts.next() else { continue };
            let name = Name { name: first.to_str().unwrap().to_owned(), is_folder: parts.next().is_some() };
            if !found.contains(&name) {
                found.push(name);
            }
        }
        found.truncate(most);
        found
    }
}

fn tree(files: &[&str]) -> Tree {
    Tree { files: files.iter().map(|file| Path::new(ROOT).join(file)).collect(), ..Tree::default() }
}

fn shell(command: &str) -> Operation {
    Operation::Shell { command: command.to_owned() }
}

fn read(path: &str) -> Operation {
    Operation::Read { paths: vec![path.to_owned()] }
}

fn write(path: &str) -> Operation {
    Operation::Write { paths: vec![path.to_owned()] }
}

fn actions(operation: Operation, files: &dyn Files) -> Vec<Action> {
    actions_of(&call(operation), &workspace(), files)
}

/// What is done to files and credentials.
fn touched(operation: Operation, files: &dyn Files) -> BTreeSet<(EffectClass, String)> {
    actions(operation, files)
        .into_iter()
        .filter_map(|action| match action.resource {
            Resource::Path { path, .. } => Some((action.effect, path)),
            Resource::Secret { what } => Some((action.effect, format!("secret {what}"))),
            Resource::Unknown { why } => Some((action.effect, format!("unknown {why}"))),
            Resource::CloudAccount { .. }
            | Resource::Command { .. }
            | Resource::Deployment { .. }
            | Resource::Host { .. }
            | Resource::Identity { .. }
            | Resource::McpTool { .. }
            | Resource::Package { .. }
            | Resource::Ref { .. }
            | Resource::Repository { .. } => None,
        })
        .collect()
}

/// Secrets, protected, binding, outside, own and ordinary files, as people and agents write them.
const PATHS: &[&str] = &[
    "src/lib.rs",
    "./src/../src/lib.rs",
    ".env",
    "api/.env.production",
    "deploy/server.key",
    "CLAUDE.md",
    ".git/config",
    ".git/hooks/pre-commit",
    ".github/workflows/ci.yml",
    ".vscode/tasks.json",
    ".VSCode/Settings.JSON",
    "Makefile",
    "package.json",
    "/home/ann/.ssh/id_ed25519",
    "~/.ssh/id_ed25519",
    "/home/ann/.bashrc",
    "~/.claude/settings.json",
    "/home/ann/other/notes.md",
    "../other/notes.md",
    "/etc/hosts",
    "/etc/shadow",
    "/etc/crontab",
    "/tmp/plan.md",
    "/home/ann/.local/state/writ/ledger.db",
    "/proc/self/environ",
    "/proc/self/cwd/.env",
    "/proc/self/root/etc/shadow",
    "/home/ann/shop/.env",
];

#[test]
fn reading_is_reading_whatever_reads() {
    let mut differ = Vec::new();
    for path in PATHS {
        let by_tool = touched(read(path), &Lexical);
        for form in [
            "cat {}",
            "cat < {}",
            "cat -- {}",
            "head -c1 {}",
            "tail -n1 {}",
            "grep x {}",
            "sed -n 1,5p {}",
            "awk '{print}' {}",
            "base64 {}",
            "sort {} | uniq",
            "cd src && cat ../{}",
            "sh -c 'cat {}'",
            "bash -c \"head {}\"",
            "echo \"$(cat {})\"",
            "while read l; do echo $l; done < {}",
            "xxd {} | head",
            "diff {} /dev/null",
            "python3 -c 'print(open(\"{}\").read())'",
            "node -e 'console.log(require(\"fs\").readFileSync(\"{}\",\"utf8\"))'",
        ] {
            let is_anchored = path.starts_with(['/', '~']);
            if (is_anchored && form.contains("../{}")) || (path.starts_with('~') && form.contains("\"{}\"")) {
                continue;
            }
            let command = form.replace("{}", path);
            let mut by_shell = touched(shell(&command), &Lexical);
            // Inline code is code of its own, and a folder that is entered is looked at.
            by_shell.retain(|(effect, what)| {
                *effect != EffectClass::BuildTest
                    && !what.starts_with("secret ")
                    && what != ROOT
                    && what != "/home/ann/shop/src"
                    && what != "/dev/null"
            });
            if by_shell != by_tool {
                differ.push(format!("{command}\n  {by_shell:?}\n  {by_tool:?}"));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn writing_is_writing_whatever_writes() {
    let mut differ = Vec::new();
    for path in PATHS {
        let by_tool = touched(write(path), &Lexical);
        for form in [
            "echo x > {}",
            "echo x >> {}",
            "printf x >| {}",
            "cat src/x > {}",
            "tee {} < src/x",
            "echo x | tee -a {}",
            "cp src/x {}",
            "mv src/x {}",
            "install src/x {}",
            "ln -f src/x {}",
            "dd if=src/x of={}",
            "sed -i s/a/b/ {}",
            "perl -pi -e s/a/b/ {}",
            "touch {}",
            "sh -c 'echo x > {}'",
            "curl -s http://localhost/x -o {}",
            "python3 -c 'open(\"{}\",\"w\").write(\"x\")'",
        ] {
            if path.starts_with('~') && (form.contains("\"{}\"") || form.contains("of={}")) {
                continue;
            }
            let command = form.replace("{}", path);
            let by_shell = touched(shell(&command), &Lexical);
            let other = |(effect, what): &(EffectClass, String)| {
                let is_own_file = what == "/home/ann/shop/src/x" || what == ROOT;
                !is_own_file && !matches!(effect, EffectClass::BuildTest | EffectClass::Read)
            };
            let mut by_shell: BTreeSet<_> = by_shell.into_iter().filter(other).collect();
            // What edits a file in place reads it too; whoever may write a credential has said what is in it.
            by_shell.retain(|(effect, _)| *effect != EffectClass::SecretRead);
            if by_shell != by_tool {
                differ.push(format!("{command}\n  {by_shell:?}\n  {by_tool:?}"));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Every name of a file is judged as the file.
#[test]
fn one_file_has_one_answer() {
    let secret = |path: &str| (EffectClass::SecretRead, path.to_owned());
    let files = Tree {
        links: vec![
            (PathBuf::from("/home/ann/shop/notes"), PathBuf::from("/home/ann/.ssh")),
            (PathBuf::from("/home/ann/shop/config.txt"), PathBuf::from(".env")),
        ],
        twins: vec![
            (PathBuf::from("/home/ann/.aws/credentials"), 7),
            (PathBuf::from("/home/ann/shop/data.txt"), 7),
            (PathBuf::from("/home/ann/shop/a.txt"), 8),
            (PathBuf::from("/home/ann/shop/b.txt"), 8),
        ],
        mounts: vec![(PathBuf::from("/home/ann/shop/volume"), PathBuf::from("/home/ann/.kube"))],
        ..tree(&[
            ".env",
            "src/lib.rs",
            "data.txt",
            "a.txt",
            "b.txt",
            "volume/config",
            ".\u{ff45}nv",
            ".env\u{200b}",
        ])
    };
    for (path, expected) in [
        ("notes/id_rsa", vec![secret("/home/ann/.ssh/id_rsa")]),
        ("config.txt", vec![secret("/home/ann/shop/.env")]),
        ("/proc/self/cwd/config.txt", vec![secret("/home/ann/shop/.env")]),
        ("/proc/thread-self/root/home/ann/shop/.env", vec![secret("/home/ann/shop/.env")]),
        ("/proc/self/task/9/cwd/.env", vec![secret("/home/ann/shop/.env")]),
        (".\u{ff45}nv", vec![secret("/home/ann/shop/.\u{ff45}nv")]),
        (".env\u{200b}", vec![secret("/home/ann/shop/.env\u{200b}")]),
        (
            "data.txt",
            vec![
                (EffectClass::Read, "/home/ann/shop/data.txt".to_owned()),
                secret("/home/ann/.aws/credentials"),
            ],
        ),
        ("a.txt", vec![(EffectClass::Read, "/home/ann/shop/a.txt".to_owned())]),
        (
            "volume/config",
            vec![
                (EffectClass::Read, "/home/ann/shop/volume/config".to_owned()),
                secret("/home/ann/.kube/config"),
            ],
        ),
    ] {
        let expected: BTreeSet<_> = expected.into_iter().collect();
        assert_eq!(touched(read(path), &files), expected, "{path:?}");
        assert_eq!(touched(shell(&format!("cat {path}")), &files), expected, "cat {path:?}");
    }
}

/// Reading a folder with everything below reads the credentials in it; listing names, and searchers that leave out what
/// git ignores, do not.
#[test]
fn reading_a_folder_reads_what_is_in_it() {
    let files = tree(&[
        ".env",
        "README.md",
        "src/lib.rs",
        "api/.env.local",
        "api/main.py",
        "certs/server.key",
        "node_modules/x/.env",
        "tests/fixtures/server.key",
        ".git/config",
    ]);
    let all = [".env", "api/.env.local", "certs/server.key"];
    for (command, secrets) in [
        ("grep -rn foo .", &all[..]),
        ("grep -r foo", &all),
        ("grep -R foo ./", &all),
        ("egrep -rni 'a|b' . | head", &all),
        ("cd api && grep -r foo .", &["api/.env.local"]),
        ("grep -r foo api", &["api/.env.local"]),
        ("rg -uu foo", &all),
        ("rg --hidden --no-ignore foo", &all),
        ("rg -g '.env*' foo", &[".env", "api/.env.local"]),
        ("find . -type f -exec cat {} +", &all),
        ("find . -type f | xargs cat", &all),
        ("find . -name '*.key' -exec cat {} \\;", &["certs/server.key"]),
        ("tar czf /tmp/x.tgz .", &all),
        ("tar -czf /tmp/x.tgz -C api .", &["api/.env.local"]),
        ("zip -r /tmp/x.zip .", &all),
        ("cat certs/*", &["certs/server.key"]),
        ("cat .e*", &[".env"]),
        ("head -5 .??*", &[".env"]),
        ("cat *", &[]),
        ("rg foo", &[]),
        ("rg --hidden foo", &[]),
        ("rg -g '*.rs' foo", &[]),
        ("git grep foo", &[]),
        ("grep -rn foo src/", &[]),
        ("grep -rln foo .", &[]),
        ("grep -rn foo . --include='*.py'", &[]),
        ("grep -rn foo . --exclude='.env*' --exclude='*.key'", &[]),
        ("grep -rn foo . --exclude='.env*' --exclude-dir=certs", &[]),
        ("grep -r foo node_modules/x", &[]),
        ("grep foo README.md", &[]),
        ("find . -name '*.rs' | xargs grep foo", &[]),
        ("find . -type f", &[]),
        ("ls -la", &[]),
        ("ls -R .", &[]),
        ("git add -A", &[]),
        ("git status", &[]),
        ("tar tzf x.tgz", &[]),
        ("tar xzf x.tgz", &[]),
        ("wc -l *", &[]),
    ] {
        let expected: BTreeSet<_> = secrets.iter().map(|name| format!("{ROOT}/{name}")).collect();
        let found: BTreeSet<String> = touched(shell(command), &files)
            .into_iter()
            .filter(|(effect, what)| *effect == EffectClass::SecretRead && !what.starts_with("secret "))
            .map(|(_, path)| path)
            .collect();
        assert_eq!(found, expected, "{command}");
    }
}

/// A client's own search is told from one that is told a secret's name.
#[test]
fn a_search_reads_what_its_pattern_names() {
    let files = tree(&[".env", "api/.env.local", "src/lib.rs"]);
    let search = |folder: &str, pattern: Option<&str>| Operation::Search {
        folders: vec![folder.to_owned()],
        pattern: pattern.map(str::to_owned),
    };
    for (folder, pattern, secrets) in [
        (".", None, &[][..]),
        (".", Some("*.rs"), &[]),
        (".", Some("!*.rs"), &[]),
        (".", Some("*.{ts,tsx}"), &[]),
        (".", Some(".env"), &[".env"]),
        (".", Some("**/.env*"), &[".env", "api/.env.local"]),
        (".", Some("{src,api}/**/.env*"), &[".env", "api/.env.local"]),
        ("api", Some(".env.local"), &["api/.env.local"]),
        (".", Some("*"), &[".env", "api/.env.local"]),
        (".env", None, &[".env"]),
    ] {
        let expected: BTreeSet<_> = secrets.iter().map(|name| format!("{ROOT}/{name}")).collect();
        let found: BTreeSet<String> = touched(search(folder, pattern), &files)
            .into_iter()
            .filter(|(effect, _)| *effect == EffectClass::SecretRead)
            .map(|(_, path)| path)
            .collect();
        assert_eq!(found, expected, "{folder} {pattern:?}");
    }
    // Without a look at the files a name is a name.
    assert!(
        touched(search(".", Some(".env")), &Lexical)
            .contains(&(EffectClass::SecretRead, format!("{ROOT}/.env")))
    );
    assert!(touched(search(".", Some("../../**")), &Lexical).iter().any(|(_, path)| path == "/home"));
}

#[test]
fn what_binds_says_by_what() {
    for (path, place, binding) in [
        ("src/lib.rs", Place::Workspace, None),
        (".git/hooks/pre-commit", Place::Binding, Some(Binding::GitHook)),
        ("sub/.husky/pre-push", Place::Binding, Some(Binding::GitHook)),
        (".git/config", Place::Binding, Some(Binding::GitConfig)),
        (".gitattributes", Place::Binding, Some(Binding::GitConfig)),
        (".github/workflows/ci.yml", Place::Binding, Some(Binding::Ci)),
        ("Jenkinsfile", Place::Binding, Some(Binding::Ci)),
        (".vscode/tasks.json", Place::Binding, Some(Binding::EditorTask)),
        (".VSCode/Settings.JSON", Place::Binding, Some(Binding::EditorTask)),
        (".vscode/mcp.json", Place::Binding, Some(Binding::McpSettings)),
        (".mcp.json", Place::Binding, Some(Binding::McpSettings)),
        (".cursor/mcp.json", Place::Binding, Some(Binding::McpSettings)),
        ("CLAUDE.md", Place::Binding, Some(Binding::Instructions)),
        (".cursor/rules/x.mdc", Place::Binding, Some(Binding::Instructions)),
        (".github/copilot-instructions.md", Place::Binding, Some(Binding::Instructions)),
        (".claude/settings.json", Place::Binding, Some(Binding::AgentSettings)),
        (".mise.toml", Place::Binding, Some(Binding::Environment)),
        (".yarn/releases/yarn.cjs", Place::Binding, Some(Binding::PackageSettings)),
        (".writ/x", Place::Binding, Some(Binding::Own)),
        ("Makefile", Place::Workspace, Some(Binding::BuildScript)),
        ("crates/x/build.rs", Place::Workspace, Some(Binding::BuildScript)),
        ("Dockerfile.dev", Place::Workspace, Some(Binding::BuildScript)),
        ("web/vite.config.ts", Place::Workspace, Some(Binding::BuildScript)),
        ("gradle/wrapper/gradle-wrapper.jar", Place::Workspace, Some(Binding::BuildScript)),
        ("package.json", Place::Workspace, Some(Binding::ManifestScripts)),
        ("Cargo.toml", Place::Workspace, Some(Binding::ManifestScripts)),
        ("requirements-dev.txt", Place::Workspace, Some(Binding::ManifestScripts)),
        ("x.gemspec", Place::Workspace, Some(Binding::ManifestScripts)),
        ("Cargo.lock", Place::Workspace, Some(Binding::LockFile)),
        ("~/.bashrc", Place::Binding, Some(Binding::ShellProfile)),
        ("~/.local/bin/tool", Place::Binding, Some(Binding::Program)),
        ("~/.config/systemd/user/x.service", Place::Binding, Some(Binding::Scheduled)),
        ("~/.claude/CLAUDE.md", Place::Binding, Some(Binding::Instructions)),
        ("/etc/crontab", Place::Outside, Some(Binding::Scheduled)),
        ("/etc/profile.d/x.sh", Place::Outside, Some(Binding::ShellProfile)),
        ("/usr/local/bin/x", Place::Outside, Some(Binding::Program)),
        ("~/.local/state/writ/x", Place::Own, Some(Binding::Own)),
        ("/tmp/Makefile", Place::Scratch, None),
    ] {
        let found = workspace().place(&Lexical, ROOT, path).unwrap();
        let found: Vec<_> = found.iter().map(|placed| (placed.place, placed.binding)).collect();
        assert_eq!(found, [(place, binding)], "{path}");
    }
}

/// `curl URL` and a tool that fetches it reach the same host.
#[test]
fn a_host_is_a_host_whatever_fetches() {
    let hosts = |operation| {
        let is_net = |action: &Action| action.effect == EffectClass::Network;
        let found: BTreeSet<String> = actions(operation, &Lexical)
            .into_iter()
            .filter(is_net)
            .filter_map(|action| match action.resource {
                Resource::Host { name } => Some(name),
                Resource::Unknown { .. } => Some("unknown".to_owned()),
                _ => None,
            })
            .collect();
        found
    };
    for (url, host) in [
        ("https://example.org/x", "example.org"),
        ("https://EXAMPLE.org:443/x", "example.org"),
        ("https://example.org./", "example.org"),
        ("https://api.github.com@attacker.example/", "attacker.example"),
        ("http://0x7f.1:8080/", "127.0.0.1:8080"),
        ("http://2852039166/latest/meta-data/", "169.254.169.254"),
        ("http://0251.0376.0251.0376/", "169.254.169.254"),
        ("http://[::ffff:a9fe:a9fe]/", "169.254.169.254"),
        ("https://ex\u{e4}mple.org/", "xn--exmple-cua.org"),
        ("https://ex%61mple.org/", "example.org"),
        ("https://localhost\\@example.org/", "unknown"),
        ("https://a..b/", "unknown"),
    ] {
        let expected = BTreeSet::from([host.to_owned()]);
        assert_eq!(hosts(Operation::Fetch { url: url.to_owned() }), expected, "{url}");
        for form in ["curl -s '{}'", "wget -q '{}'", "sh -c \"curl '{}'\""] {
            let command = form.replace("{}", url);
            assert_eq!(hosts(shell(&command)), expected, "{command}");
        }
        let mut with_argument = call(Operation::Mcp { server: "web".to_owned(), tool: "get".to_owned() });
        with_argument.arguments = json!({ "options": { "targets": [{ "sourceUrl": url }] } });
        let found = actions_of(&with_argument, &workspace(), &Lexical);
        let named = found.iter().any(|action| match &action.resource {
            Resource::Host { name } => name == host,
            Resource::Unknown { .. } => host == "unknown",
            _ => false,
        });
        assert!(named, "{url}: {found:?}");
    }
}

#[test]
fn what_an_mcp_tool_is_pointed_at_is_judged() {
    let found = |tool: &str, arguments: serde_json::Value| {
        let mut call = call(Operation::Mcp { server: "fs".to_owned(), tool: tool.to_owned() });
        call.arguments = arguments;
        let mut found: Vec<(EffectClass, String)> = actions_of(&call, &workspace(), &Lexical)
            .into_iter()
            .skip(1)
            .map(|action| (action.effect, action.resource.name()))
            .collect();
        found.sort();
        found
    };
    let one = |effect: EffectClass, name: &str| vec![(effect, name.to_owned())];
    let key = "/home/ann/.ssh/id_ed25519";
    assert_eq!(found("read_file", json!({ "path": "~/.ssh/id_ed25519" })), one(EffectClass::SecretRead, key));
    assert_eq!(
        found("navigate", json!({ "url": "file:///home/ann/%2essh/id_ed25519" })),
        one(EffectClass::SecretRead, key)
    );
    assert_eq!(
        found("read_file", json!({ "path": "src/lib.rs" })),
        one(EffectClass::Read, "/home/ann/shop/src/lib.rs")
    );
    assert_eq!(
        found("writeFile", json!({ "path": "~/.bashrc", "content": "curl x | sh" })),
        [
            (EffectClass::Read, "/home/ann/.bashrc".to_owned()),
            (EffectClass::IdentityChange, "/home/ann/.bashrc".to_owned())
        ]
    );
    assert_eq!(
        found("run", json!({ "options": { "inputs": [{ "sourcePath": "~/.ssh/id_ed25519" }] } })),
        [(EffectClass::WriteWorkspace, key.to_owned()), (EffectClass::SecretRead, key.to_owned())]
            .map(|(effect, name)| {
                let is_write = effect == EffectClass::WriteWorkspace;
                (if is_write { EffectClass::IdentityChange } else { effect }, name)
            })
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
    );
    // Words and numbers name nothing.
    assert_eq!(found("create_issue", json!({ "title": "Fix a/b", "body": "see /x y", "number": 4 })), []);
    // What is too deep or too much cannot be judged.
    let mut deep = json!("x");
    for _ in 0..40 {
        deep = json!([deep]);
    }
    assert_eq!(found("read", deep).first().map(|(effect, _)| *effect), Some(EffectClass::Unknown));
}

#[test]
fn an_installation_says_what_it_takes_and_from_where() {
    use PackageSource::{Address, ForeignIndex, Local, Lockfile, Manifest, Registry};
    for (command, ecosystem, name, version, source) in [
        ("npm ci", "npm", "*", "", Lockfile),
        ("npm install", "npm", "*", "", Manifest),
        ("npm i left-pad@1.3.0", "npm", "left-pad", "1.3.0", Registry),
        ("npm install -D @types/node@20", "npm", "@types/node", "20", Registry),
        ("npm i x@npm:left-pad@1", "npm", "left-pad", "1", Registry),
        ("npm i github:a/b", "npm", "github:a/b", "", Address),
        ("npm i a/b", "npm", "a/b", "", Address),
        ("npm i ./pkg", "npm", "./pkg", "", Local),
        ("npm i x --registry https://r.example", "npm", "x", "", ForeignIndex),
        ("npm ci --registry=https://r.example", "npm", "*", "", ForeignIndex),
        ("npm_config_registry=https://r.example npm i x", "npm", "x", "", ForeignIndex),
        ("pnpm install --frozen-lockfile", "npm", "*", "", Lockfile),
        ("yarn install --immutable", "npm", "*", "", Lockfile),
        ("yarn add Left-Pad", "npm", "left-pad", "", Registry),
        ("pip install requests", "pypi", "requests", "", Registry),
        ("pip install 'Zope.Interface[test]==5.0'", "pypi", "zope-interface", "5.0", Registry),
        ("python3 -m pip install requests", "pypi", "requests", "", Registry),
        ("uv pip install requests", "pypi", "requests", "", Registry),
        ("pip install --extra-index-url https://x.example y", "pypi", "y", "", ForeignIndex),
        ("PIP_INDEX_URL=https://x.example pip install y", "pypi", "y", "", ForeignIndex),
        ("export PIP_INDEX_URL=https://x.example; pip install y", "pypi", "y", "", ForeignIndex),
        ("pip install -r requirements.txt", "pypi", "*", "", Manifest),
        ("pip install --require-hashes -r requirements.lock", "pypi", "*", "", Lockfile),
        ("pip install -r https://x.example/r.txt", "pypi", "*", "", Address),
        ("pip install git+https://x.example/y.git", "pypi", "git+https://x.example/y.git", "", Address),
        ("pip install -e .", "pypi", ".", "", Local),
        ("pip install .", "pypi", ".", "", Local),
        ("uv sync --frozen", "pypi", "*", "", Lockfile),
        ("uv add httpx", "pypi", "httpx", "", Registry),
        ("poetry install", "pypi", "*", "", Lockfile),
        ("cargo fetch --locked", "crates", "*", "", Lockfile),
        ("cargo fetch", "crates", "*", "", Manifest),
        ("cargo add serde_json@1", "crates", "serde-json", "1", Registry),
        ("cargo install --git https://x.example/y", "crates", "https://x.example/y", "", Address),
        ("cargo install --path tool", "crates", "tool", "", Local),
        ("go mod download", "go", "*", "", Lockfile),
        ("go mod tidy", "go", "*", "", Manifest),
        ("go get example.org/x@v1", "go", "example.org/x", "v1", Registry),
        ("GOPROXY=https://x.example go get example.org/x", "go", "example.org/x", "", ForeignIndex),
        ("bundle install", "rubygems", "*", "", Lockfile),
        ("gem install rails -v 7", "rubygems", "rails", "", Registry),
        ("apt-get install -y curl=8.1", "deb", "curl", "8.1", Registry),
    ] {
        let found: Vec<_> = actions(shell(command), &Lexical)
            .into_iter()
            .filter(|action| action.effect == EffectClass::PackageInstall)
            .map(|action| action.resource)
            .collect();
        let expected = Resource::Package {
            name: name.to_owned(),
            version: version.to_owned(),
            ecosystem: ecosystem.to_owned(),
            source,
        };
        assert_eq!(found, [expected], "{command}");
    }
    // What takes a lock file takes the manifest where there is none.
    let found = actions(shell("npm ci"), &tree(&["package.json"]));
    let takes_manifest = |action: &Action| {
        matches!(action.resource, Resource::Package { source: PackageSource::Manifest, .. })
    };
    assert!(found.iter().any(takes_manifest), "{found:?}");
}

#[test]
fn doors_of_the_kernel_are_no_files() {
    for path in [
        "/proc/self/root/tmp/x",
        "/proc/1/root/etc/hosts",
        "/proc/sys/kernel/core_pattern",
        "~/.bash_history",
    ] {
        let by_tool = touched(write(path), &Lexical);
        assert!(
            by_tool.iter().all(|(effect, _)| *effect == EffectClass::EscapeAttempt),
            "{path}: {by_tool:?}"
        );
        assert_eq!(touched(shell(&format!("echo x > {path}")), &Lexical), by_tool, "{path}");
    }
}

/// A commit in somebody else's name, with the person's signature or past the person's checks is more than a commit.
#[test]
fn a_commit_says_for_whom_it_is_made() {
    let has = |command: &str, effect: EffectClass| {
        actions(shell(command), &Lexical).iter().any(|action| action.effect == effect)
    };
    for command in [
        "git -c user.name='A B' -c user.email=a@example.org commit -am x",
        "git config user.email a@example.org",
        "GIT_AUTHOR_NAME=x git commit -m y",
        "export GIT_COMMITTER_EMAIL=x@example.org; git commit -m y",
        "git commit --author='A B <a@example.org>' -m y",
        "git commit -S -m y",
        "git commit -aSm y",
        "git commit --gpg-sign=KEY -m y",
        "git tag -s v1 -m y",
    ] {
        assert!(has(command, EffectClass::IdentityChange), "{command}");
    }
    for command in [
        "git commit -am 'Some Support'",
        "git commit -m -S",
        "git commit -mSupport",
        "git commit --signoff -m y",
        "git tag -a v1 -m s",
        "git push -u origin x",
        "git merge --no-ff x",
    ] {
        assert!(!has(command, EffectClass::IdentityChange), "{command}");
    }
    let skips = |command: &str| {
        actions(shell(command), &Lexical).into_iter().any(|action| {
            matches!(
                action.resource,
                Resource::Path { binding: Some(Binding::GitHook), place: Place::Binding, .. }
            )
        })
    };
    for command in [
        "git commit --no-verify -m x",
        "git commit -nm x",
        "git commit -an -m x",
        "git push --no-verify",
        "HUSKY=0 git commit -m x",
    ] {
        assert!(skips(command), "{command}");
    }
    for command in ["git commit -m 'no -n'", "git log -n 3", "git merge -n x", "HUSKY=1 git commit -m x"] {
        assert!(!skips(command), "{command}");
    }
}

#[test]
fn only_known_tools_of_known_servers_are_taken_to_look() {
    for (server, tool, reads) in [
        ("github", "get_pull_request", true),
        ("github", "search_code", true),
        ("filesystem", "read_text_file", true),
        ("github", "delete_repo", false),
        ("github", "create_issue", false),
        ("github", "get_and_delete_branch", false),
        ("GitHub", "get_pull_request", false),
        ("github-evil", "get_pull_request", false),
        ("notes", "get_note", false),
        ("filesystem", "write_file", false),
    ] {
        let found = actions(Operation::Mcp { server: server.to_owned(), tool: tool.to_owned() }, &Lexical);
        let effects: Vec<EffectClass> = found.iter().map(|action| action.effect).collect();
        let expected = if reads { EffectClass::Read } else { EffectClass::Unknown };
        assert_eq!(effects, [expected], "{server}/{tool}");
    }
}
