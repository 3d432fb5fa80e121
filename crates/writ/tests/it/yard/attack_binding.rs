//! What git, editors, shells and clients run or obey by themselves is not written, under no name and in no folder.

use super::{furnished, none_gets_through, played, put};
use crate::corner::{Corner, finished, text};

#[test]
fn what_is_written_outside_stays_inside_and_what_runs_by_itself_is_told() {
    let corner = furnished();
    let play = "start\n\
        for f in .github/workflows/ci.yml .claude/settings.json CLAUDE.md .git/config .git/hooks/pre-commit ~/.claude/settings.json; do \
        if (echo evil >$f) 2>>tried; then echo $f >>free; fi; done\n\
        if mv .git moved 2>>tried; then echo moved >>free; fi\n\
        if touch /etc/writ-was-here /usr/writ-was-here 2>>tried; then echo system >>free; fi\n\
        echo x >~/.bashrc; echo x >~/.cargo/registry/evil; rm ~/.cargo/registry/cached; echo x >/tmp/of-a-task\n\
        echo 'export X=1' >.envrc; echo done >made\nfinish\n";
    let said = played(&corner, &[], play);
    assert_eq!(
        (corner.left("free").as_str(), corner.left("made").as_str()),
        ("", "done\n"),
        "{}",
        corner.left("tried")
    );
    let home = corner.home();
    assert!(!home.join(".bashrc").exists() && !home.join(".cargo/registry/evil").exists());
    assert!(home.join(".cargo/registry/cached").exists());
    assert!(!std::path::Path::new("/tmp/of-a-task").exists());
    assert!(said.contains("LOOK AT THESE") && said.contains("    .envrc"), "{said}");
}

/// What tools load by themselves: kept where work does not write it, told where it does.
#[test]
fn attack_what_tools_load_is_kept_or_told() {
    let corner = furnished();
    let kept = [
        "rust-toolchain.toml",
        ".mvn/maven.config",
        ".mvn/extensions.xml",
        ".bundle/config",
        "tools/bazel",
        ".irbrc",
        ".pdbrc",
        ".Rprofile",
        "mise.prod.toml",
        ".vimspector.json",
        "rust-project.json",
        ".builds/x.yml",
        ".readthedocs.yaml",
        "Jenkinsfile.release",
        ".cirrus.star",
        "renovate.json",
        "crush.json",
        "CRUSH.md",
    ];
    let told = [
        ".eslintrc.cjs",
        ".pylintrc",
        "gradle.properties",
        "sub/.prettierrc.js",
        "sitecustomize.py",
        "x.pth",
    ];
    for name in kept.iter().chain(&told) {
        put(&corner, &[(name, "mine")]);
    }
    let list = kept.map(|name| format!("{name} ")).concat();
    let free = told.map(|name| format!("{name} ")).concat();
    let play = format!(
        "start\n(for f in {list}; do echo evil >$f && echo $f >>free; done; for f in {free}; do echo work >$f || echo $f >>shut; done) 2>>tried\nfinish\n"
    );
    let output = finished(corner.play(&[], &play));
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert_eq!(corner.left("shut"), "");
    let said = text(&output);
    for name in told {
        assert!(said.contains(name), "{name}: {said}");
    }
}

/// What the settings of git lead to is a setting: hooks in the workspace, included files, programs that git runs by itself.
#[test]
fn attack_settings_that_git_is_led_to_are_not_written() {
    let corner = furnished();
    put(
        &corner,
        &[
            ("tools/hooks/pre-commit", "#!/bin/sh\n"),
            ("team/git.cfg", "[filter \"x\"]\n\tclean = ./tools/clean %f\n"),
            ("tools/clean", "#!/bin/sh\ncat\n"),
            ("tools/watch", "#!/bin/sh\n"),
            (".git/rebase-merge/git-rebase-todo", "exec true\n"),
        ],
    );
    for name in ["tools/clean", "tools/watch"] {
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(corner.work().join(name), executable).unwrap();
    }
    let config = corner.work().join(".git/config");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(
        "[core]\n\thooksPath = tools/hooks\n\tfsmonitor = ./tools/watch\n[include]\n\tpath = ../team/git.cfg\n\tpath = ../absent.cfg\n",
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(corner.home().join(".gitconfig"), "[core]\n\thooksPath = .own-hooks/deep\n").unwrap();
    none_gets_through(
        &corner,
        &[],
        &[
            "echo evil >tools/hooks/pre-commit",
            "echo evil >tools/hooks/post-checkout",
            "mv tools/hooks tools/old && mkdir tools/hooks",
            "mv tools gone && mkdir -p tools/hooks",
            "echo evil >team/git.cfg",
            "echo evil >tools/clean",
            "echo evil >tools/watch",
            "echo evil >absent.cfg",
            "rm -f absent.cfg && echo evil >absent.cfg",
            "mkdir -p .own-hooks/deep && echo evil >.own-hooks/deep/pre-commit",
            "echo exec evil >.git/rebase-merge/git-rebase-todo",
            "rm -rf .git/rebase-merge && mkdir .git/rebase-merge",
            "mkdir -p .git/remotes && echo evil >.git/remotes/origin",
        ],
    );
    for name in ["absent.cfg", ".own-hooks"] {
        assert!(!corner.work().join(name).exists(), "{name}");
    }
}

/// Programs of the project that a person's own git would run: by an alias, a pager, a tool for differences, a filter, and by
/// settings that are included.
#[test]
fn attack_programs_that_a_persons_git_settings_name_are_not_written() {
    let corner = furnished();
    let named = ["alias", "nested", "pager", "push", "diff", "merge", "driver", "textconv", "filter", "team"];
    for name in named {
        put(&corner, &[(&format!("tools/{name}"), "#!/bin/sh\ncat\n")]);
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(corner.work().join("tools").join(name), executable).unwrap();
    }
    put(&corner, &[("tools/free", ""), ("team/git.cfg", "[diff]\n\texternal = tools/team\n")]);
    let config = corner.work().join(".git/config");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(
        "[alias]\n\tgo = !tools/alias --all\n\tin = \"!f() { ./tools/nested \\\"$@\\\"; }; f\"\n\tlate = !tools/late\n\tco = checkout tools/free\n\
         [pager]\n\tpush = tools/push\n[difftool \"x\"]\n\tcmd = tools/diff $LOCAL\n[mergetool \"x\"]\n\tpath = tools/merge\n\
         [merge \"x\"]\n\tdriver = tools/driver %O\n[diff \"x\"]\n\ttextconv = tools/textconv\n[filter \"x\"]\n\tsmudge = tools/filter\n\
         [includeIf \"onbranch:other\"]\n\tpath = ../team/git.cfg\n",
    );
    std::fs::write(&config, text).unwrap();
    std::fs::write(corner.home().join(".gitconfig"), "[core]\n\tpager = tools/pager\n").unwrap();
    let attempts: Vec<String> = named.iter().map(|name| format!("echo evil >tools/{name}")).collect();
    let mut attempts: Vec<&str> = attempts.iter().map(String::as_str).collect();
    attempts.extend(["mv tools gone && mkdir tools", "echo evil >team/git.cfg", "git config alias.new '!x'"]);
    none_gets_through(&corner, &[], &attempts);
    // What is only words of git's is no program, and one that was not there before is told of.
    let said = super::played(&corner, &[], "start\necho fine >tools/free && echo evil >tools/late\nfinish\n");
    assert_eq!((corner.left("tools/free"), corner.left("tools/late")), ("fine\n".into(), "evil\n".into()));
    assert!(said.contains("git, or what watches over it:") && said.contains("    tools/late"), "{said}");
    assert!(!said.contains("    tools/free"), "{said}");
}

/// A link is as good as what it leads to, and so is every link on the way.
#[test]
fn attack_what_binds_by_a_link_is_not_written() {
    let corner = furnished();
    put(
        &corner,
        &[
            ("docs/told", "be good"),
            ("dot/envrc", "true"),
            ("conf/claude/settings.json", "{}"),
            ("ci/x.yml", ""),
            ("hooks/y", ""),
        ],
    );
    link(
        &corner,
        &[
            ("CLAUDE.md", "by"),
            ("by", "docs/told"),
            (".envrc", "dot/envrc"),
            (".claude", "conf/claude"),
            (".github/workflows/x.yml", "../../ci/x.yml"),
            (".git/hooks", "../hooks"),
        ],
    );
    none_gets_through(
        &corner,
        &[],
        &[
            "echo evil >docs/told",
            "echo evil >CLAUDE.md",
            "rm -f CLAUDE.md",
            "ln -sf other by",
            "mv by gone",
            "mv docs gone && mkdir docs && echo evil >docs/told",
            "echo x >n && mv -f n .envrc && test ! -L .envrc",
            "echo evil >dot/envrc",
            "echo evil >conf/claude/settings.json",
            "echo evil >conf/claude/settings.local.json",
            "rm -f .claude && mkdir .claude",
            "echo evil >ci/x.yml",
            "echo evil >hooks/pre-commit",
            "rm -f .git/hooks && mkdir .git/hooks",
        ],
    );
}

/// Editors, shells, clients and git look into folders below the root as well.
#[test]
fn attack_what_binds_below_the_root_is_not_written() {
    let corner = furnished();
    let files = [
        "sub/AGENTS.md",
        "sub/deep/.claude/settings.json",
        "sub/.envrc",
        "sub/.vscode/tasks.json",
        "sub/.npmrc.d/.yarnrc.yml",
        "sub/.github/workflows/x.yml",
        "sub/own/.git/HEAD",
        "sub/own/.git/config",
        "bare/HEAD",
        "bare/config",
        "bare/objects/x",
        "bare/refs/x",
        ".cargo/config.toml",
        ".zed/settings.json",
        ".nvim.lua",
        "x.code-workspace",
        ".idea/runConfigurations/x.xml",
        ".devcontainer/devcontainer.json",
        ".husky/pre-commit",
        ".pre-commit-config.yaml",
        "lefthook.yml",
        ".mise.toml",
        ".tool-versions",
        ".pnpmfile.cjs",
        ".hg/hgrc",
    ];
    put(&corner, &files.map(|name| (name, "good")));
    put(&corner, &[("sub/module/.git", "gitdir: ../own/.git\n")]);
    let mut attempts: Vec<String> = files
        .iter()
        .filter(|name| !["HEAD", "x"].iter().any(|end| name.ends_with(&format!("/{end}"))))
        .map(|name| format!("echo evil >{name}"))
        .collect();
    attempts.extend(
        [
            "echo evil >sub/own/.git/commondir",
            "mkdir -p bare/hooks && echo evil >bare/hooks/pre-commit",
            "echo gitdir: /tmp/x >sub/module/.git",
            "rm -f sub/module/.git",
            "mv sub gone && mkdir -p sub/.vscode",
            "mv sub/.vscode sub/gone",
        ]
        .map(str::to_owned),
    );
    let attempts: Vec<&str> = attempts.iter().map(String::as_str).collect();
    let said = none_gets_through(&corner, &[], &attempts);
    // Ordinary files beside them are written, and a person opens by name what a task is about.
    assert!(!said.contains("LOOK AT THESE"), "{said}");
    let play = "start\n(echo x >sub/.envrc && echo x >sub/main.rs && echo x >>sub/own/file && echo done >made) 2>tried\nfinish\n";
    let said = played(&corner, &["--write", "sub/.envrc", "--write", "**"], play);
    assert_eq!(corner.left("made"), "done\n", "{}", corner.left("tried"));
    assert!(said.contains("    sub/.envrc"), "{said}");
}

/// Folders that editors and clients look into while they are open are not made.
#[test]
fn attack_settings_of_editors_and_clients_do_not_appear() {
    let corner = furnished();
    none_gets_through(
        &corner,
        &[],
        &[
            "mkdir -p .vscode && echo evil >.vscode/settings.json",
            "rm -rf .vscode && mkdir .vscode && echo evil >.vscode/tasks.json",
            "mkdir -p .cursor && echo evil >.cursor/mcp.json",
            "echo evil >.devcontainer/devcontainer.json",
            "echo evil >.idea/workspace.xml",
            "ln -s /tmp .zed/x",
        ],
    );
    assert_eq!(corner.left("status").matches(".vscode").count(), 0, "{}", corner.left("status"));
    for name in [".vscode", ".cursor", ".devcontainer", ".idea", ".zed"] {
        assert!(!corner.work().join(name).exists(), "{name}");
    }
    put(&corner, &[(".github/workflows/other.yml", "good"), ("src/.envrc", "good")]);
    let play = "start\n(echo x >.github/workflows/ci.yml && echo done >made; echo x >.github/workflows/other.yml && echo other >>made; \
        echo x >src/.envrc && echo envrc >>made) 2>tried\nfinish\n";
    played(&corner, &["--write", ".github/workflows/ci.yml", "--write", "src/**", "--write", "*"], play);
    assert_eq!(corner.left("made"), "done\n", "{}", corner.left("tried"));
    let play = "start\n(echo {} >.vscode/settings.json || (mkdir .vscode && echo {} >.vscode/settings.json)) 2>tried\nfinish\n";
    played(&corner, &["--write", ".vscode/settings.json", "--write", "**"], play);
    assert_eq!(corner.left(".vscode/settings.json"), "{}\n", "{}", corner.left("tried"));
}

fn link(corner: &Corner, links: &[(&str, &str)]) {
    for (name, target) in links {
        let path = corner.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(target, path).unwrap();
    }
}
