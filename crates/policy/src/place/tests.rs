use std::collections::BTreeMap;

use super::*;

/// A file system in memory: links by their path; a target of `!` cannot be looked at.
struct Tree(BTreeMap<PathBuf, Entry>);

impl Files for Tree {
    fn entry(&self, path: &Path) -> Entry {
        self.0.get(path).cloned().unwrap_or(Entry::Plain)
    }
}

fn tree(links: &[(&str, &str)]) -> Tree {
    Tree(
        links
            .iter()
            .map(|(path, target)| {
                let entry =
                    if *target == "!" { Entry::Unreadable } else { Entry::Link(PathBuf::from(target)) };
                (PathBuf::from(path), entry)
            })
            .collect(),
    )
}

fn workspace() -> Workspace {
    Workspace {
        root: PathBuf::from("/home/ann/shop"),
        home: Some(PathBuf::from("/home/ann")),
        scratch: vec![PathBuf::from("/tmp")],
        own: vec![PathBuf::from("/home/ann/.local/state/writ"), PathBuf::from("/usr/bin/writ")],
    }
}

const CWD: &str = "/home/ann/shop";

fn places(files: &dyn Files, path: &str) -> Vec<Place> {
    workspace().place(files, CWD, path).unwrap().into_iter().map(|placed| placed.place).collect()
}

#[test]
fn paths_lie_where_their_text_says() {
    for (path, place) in [
        ("src/lib.rs", Place::Workspace),
        ("/home/ann/shop", Place::Workspace),
        ("/home/ann/shop/", Place::Workspace),
        ("./a/./b", Place::Workspace),
        ("docs/claude.md.txt", Place::Workspace),
        (".gitignore", Place::Workspace),
        (".github/ISSUE_TEMPLATE/bug.md", Place::Workspace),
        (".env.example", Place::Workspace),
        ("certs/public.pem", Place::Workspace),
        ("/home/ann/shopping/list", Place::Outside),
        ("/home/ann/shop2", Place::Outside),
        ("/home/ann", Place::Outside),
        ("/", Place::Outside),
        ("/etc/hosts", Place::Outside),
        ("/usr/lib/ssl/cert.pem", Place::Outside),
        ("/etc/ssl/certs/some-root.pem", Place::Outside),
        ("~/other/x", Place::Outside),
        ("/tmp", Place::Scratch),
        ("/tmp/a/b", Place::Scratch),
        ("/tmpfile", Place::Outside),
        ("/dev/null", Place::Scratch),
        ("/dev/sda", Place::Outside),
        (".git/hooks/pre-commit", Place::Binding),
        (".git/config", Place::Binding),
        (".git", Place::Binding),
        ("vendor/lib/.git/config", Place::Binding),
        (".github/workflows/ci.yml", Place::Binding),
        (".github/copilot-instructions.md", Place::Binding),
        (".gitlab-ci.yml", Place::Binding),
        ("CLAUDE.md", Place::Binding),
        ("sub/AGENTS.md", Place::Binding),
        ("GEMINI.md", Place::Binding),
        (".claude/settings.json", Place::Binding),
        (".codex/config.toml", Place::Binding),
        (".gemini/settings.json", Place::Binding),
        (".opencode/plugin/x.ts", Place::Binding),
        ("opencode.json", Place::Binding),
        (".mcp.json", Place::Binding),
        (".vscode/tasks.json", Place::Binding),
        (".devcontainer/devcontainer.json", Place::Binding),
        (".cargo/config.toml", Place::Binding),
        (".husky/pre-commit", Place::Binding),
        ("Jenkinsfile", Place::Binding),
        ("~/.bashrc", Place::Binding),
        ("~/.config/fish/config.fish", Place::Binding),
        ("~/.claude/settings.json", Place::Binding),
        ("~/.gitconfig", Place::Binding),
        (".env", Place::Secret),
        ("api/.env.production", Place::Secret),
        (".envrc", Place::Secret),
        ("deploy/server.key", Place::Secret),
        ("~/.ssh/id_rsa", Place::Secret),
        ("~/.ssh/config", Place::Secret),
        ("~/.aws/credentials", Place::Secret),
        ("~/.claude/.credentials.json", Place::Secret),
        ("~/.codex/auth.json", Place::Secret),
        ("/etc/shadow", Place::Secret),
        ("/proc/self/environ", Place::Secret),
        ("/proc/1234/mem", Place::Secret),
        ("/proc/self/fd/3", Place::Secret),
        ("/proc/self/root/etc/shadow", Place::Secret),
        ("/proc/cpuinfo", Place::Outside),
        ("/proc/self/status", Place::Outside),
        ("/var/run/docker.sock", Place::Secret),
        ("~/.local/state/writ", Place::Own),
        ("~/.local/state/writ/keys/ca.key", Place::Own),
        ("/usr/bin/writ", Place::Own),
    ] {
        assert_eq!(places(&Lexical, path), [place], "{path}");
    }
}

/// Spellings that some file systems take for the same name.
#[test]
fn other_spellings_of_a_name_are_the_name() {
    for (path, place) in [
        (".GIT/hooks/pre-commit", Place::Binding),
        (".Git/config", Place::Binding),
        ("GIT~1/hooks/x", Place::Binding),
        (".git./config", Place::Binding),
        (".git /config", Place::Binding),
        (".g\u{200c}it/config", Place::Binding),
        (".\u{feff}git/config", Place::Binding),
        ("claude.MD", Place::Binding),
        (".ENV", Place::Secret),
        (".e\u{200b}nv", Place::Secret),
        ("~/.SSH/id_rsa", Place::Secret),
        ("/HOME/ann/.ssh/id_rsa", Place::Secret),
        ("/home/ann/.local/STATE/writ/x", Place::Own),
        ("/home/ann/SHOP/x", Place::Outside),
    ] {
        assert_eq!(places(&Lexical, path), [place], "{path:?}");
    }
}

#[test]
fn links_lead_where_they_lead() {
    let files = tree(&[
        ("/home/ann/shop/notes", "/home/ann/.ssh"),
        ("/home/ann/shop/rel", "../other"),
        ("/home/ann/shop/in", "src"),
        ("/home/ann/shop/hop", "/tmp/hop2"),
        ("/tmp/hop2", "/home/ann/.local/state/writ"),
        ("/home/ann/shop/hook.txt", ".git/hooks/pre-commit"),
        ("/tmp/back", "/home/ann/shop/src"),
    ]);
    for (path, real, place) in [
        ("notes/id_rsa", "/home/ann/.ssh/id_rsa", Place::Secret),
        ("notes", "/home/ann/.ssh", Place::Secret),
        ("rel/x", "/home/ann/other/x", Place::Outside),
        ("in/lib.rs", "/home/ann/shop/src/lib.rs", Place::Workspace),
        ("hop/ledger.db", "/home/ann/.local/state/writ/ledger.db", Place::Own),
        ("hook.txt", "/home/ann/shop/.git/hooks/pre-commit", Place::Binding),
        ("/tmp/back/lib.rs", "/home/ann/shop/src/lib.rs", Place::Workspace),
    ] {
        let found = workspace().place(&files, CWD, path).unwrap();
        let found: Vec<_> = found.iter().map(|found| (found.path.as_str(), found.place)).collect();
        assert_eq!(found, [(real, place)], "{path}");
    }
}

/// Behind a link, `..` means one thing to the kernel and another to a program that tidies paths first.
#[test]
fn dots_behind_a_link_are_judged_both_ways() {
    let files = tree(&[("/home/ann/shop/deep", "/home/ann/other/a/b")]);
    let found = workspace().place(&files, CWD, "deep/../x").unwrap();
    let paths: Vec<&str> = found.iter().map(|placed| placed.path.as_str()).collect();
    assert_eq!(paths, ["/home/ann/other/a/x", "/home/ann/shop/x"]);
    assert_eq!(places(&Lexical, "src/../../.ssh/id_rsa"), [Place::Secret]);
    assert_eq!(places(&Lexical, "../../../../../etc/shadow"), [Place::Secret]);
}

#[test]
fn what_cannot_be_placed_is_an_error() {
    let circle = tree(&[("/home/ann/shop/a", "b"), ("/home/ann/shop/b", "a"), ("/home/ann/shop/c", "!")]);
    let long = "x".repeat(5000);
    for (path, error) in [
        ("", Unplaceable::Empty),
        (long.as_str(), Unplaceable::TooLong),
        ("a\0b", Unplaceable::ZeroByte),
        ("~root/x", Unplaceable::UnknownHome),
        ("file:///etc/passwd", Unplaceable::Address),
        ("https://example.org/x", Unplaceable::Address),
        ("a/x", Unplaceable::Circle),
        ("c/x", Unplaceable::Unreadable),
    ] {
        assert_eq!(workspace().place(&circle, CWD, path), Err(error), "{path:?}");
    }
    assert_eq!(workspace().place(&Lexical, "", "x"), Err(Unplaceable::NoWorkingDirectory));
    assert_eq!(workspace().place(&Lexical, "shop", "x"), Err(Unplaceable::NoWorkingDirectory));
    let homeless = Workspace { home: None, ..workspace() };
    assert_eq!(homeless.place(&Lexical, CWD, "~/x"), Err(Unplaceable::UnknownHome));
}

#[test]
fn a_workspace_in_a_scratch_folder_or_at_home_is_a_workspace() {
    let at = |root: &str, path: &str| {
        let workspace = Workspace { root: PathBuf::from(root), ..workspace() };
        workspace.place(&Lexical, root, path).unwrap().remove(0).place
    };
    assert_eq!(at("/tmp/shop", "src/x"), Place::Workspace);
    assert_eq!(at("/tmp/shop", "/tmp/other"), Place::Scratch);
    assert_eq!(at("/home/ann", "notes.md"), Place::Workspace);
    assert_eq!(at("/home/ann", ".bashrc"), Place::Binding);
    assert_eq!(at("/home/ann", ".ssh/id_rsa"), Place::Secret);
    assert_eq!(at("/home/ann", ".local/state/writ/x"), Place::Own);
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_placing(path in "\\PC{0,60}", cwd in "/\\PC{0,20}") {
        let _ = workspace().place(&Lexical, &cwd, &path);
    }

    /// Whatever stands between, a path that ends below the state folder is Writ's own.
    #[test]
    fn nothing_hides_the_own_folder(detour in "(/(a|b|\\.|x/\\.\\.)){0,6}") {
        let path = format!("/home/ann{detour}/../../../../../../../../home/ann/.local/state/writ/x");
        let found = workspace().place(&Lexical, CWD, &path).unwrap();
        proptest::prop_assert!(found.iter().all(|placed| placed.place == Place::Own), "{found:?}");
    }
}

/// The quick way to look at the names of a folder says the same as the long one.
#[test]
fn names_of_a_folder_bind_as_their_paths_do() {
    let spellings = |name: &str| {
        [
            name.to_owned(),
            name.to_uppercase(),
            format!("{name}."),
            format!("{name} "),
            format!("x{name}"),
            format!("{name}x"),
            name.replacen('i', "\u{ff49}", 1),
        ]
    };
    let names: Vec<&str> = binding::guarded_names()
        .chain([
            "main.rs",
            "a.code-workspace",
            "B.Sublime-Project",
            "git~1",
            "workflows",
            "config.toml",
            "x",
            "mise",
        ])
        .collect();
    for folder in [None, Some("src"), Some(".github"), Some(".Config"), Some(".cargo")] {
        let of = FolderNames::of(folder);
        for name in names.iter().flat_map(|name| spellings(name)) {
            let path = folder.map_or_else(|| name.clone(), |folder| format!("{folder}/{name}"));
            assert_eq!(of.binds(&name), binds(&path), "{path:?}");
        }
    }
}
