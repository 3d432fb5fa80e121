//! What a client of `writ run` sees, writes and reaches.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::corner::{Corner, finished, git, text};

mod attack_led;
mod attack_memory;
mod attack_replaced;
mod attack_repositories;
mod git_inside;

/// What must not be read inside.
const SECRET: &str = "secret-of-the-house";

/// A corner with something to steal beside the workspace and in it.
fn furnished() -> Corner {
    let corner = Corner::with_control_plane();
    git(&corner.work());
    corner.register("claude-code");
    let put = |path: std::path::PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    for name in [
        ".ssh/id_rsa",
        ".aws/credentials",
        ".config/gcloud/credentials.db",
        ".kube/config",
        ".netrc",
        ".bash_history",
        ".cargo/credentials.toml",
        ".claude/settings.json",
        ".docker/config.json",
        "other/notes",
        ".mozilla/x",
    ] {
        put(corner.home().join(name), SECRET);
    }
    put(corner.home().join(".claude/settings.json"), "{}");
    put(corner.home().join(".cargo/registry/cached"), "cached");
    put(corner.home().parent().unwrap().join("neighbour/notes"), SECRET);
    for name in [".env", "deploy/prod.tfvars"] {
        put(corner.work().join(name), SECRET);
    }
    for name in [".github/workflows/ci.yml", ".claude/settings.json", "CLAUDE.md"] {
        put(corner.work().join(name), "{}");
    }
    corner
}

fn played(corner: &Corner, options: &[&str], play: &str) -> String {
    let output = finished(corner.play(options, play));
    assert!(output.status.success(), "{}\n{}", text(&output), corner.left("script.err"));
    text(&output)
}

/// From a shell, a make rule, a Python and a Node script alike.
#[test]
fn secrets_and_other_projects_are_absent_whatever_reads() {
    let corner = furnished();
    let home = corner.home();
    let paths: Vec<String> = [
        ".ssh/id_rsa",
        ".aws/credentials",
        ".config/gcloud/credentials.db",
        ".kube/config",
        ".netrc",
        ".bash_history",
        ".cargo/credentials.toml",
        ".docker/config.json",
        "other/notes",
        ".mozilla/x",
        "../neighbour/notes",
    ]
    .iter()
    .map(|name| home.join(name).display().to_string())
    .chain([
        corner.work().join(".env").display().to_string(),
        corner.work().join("deploy/prod.tfvars").display().to_string(),
    ])
    .collect();
    let list = paths.join(" ");
    std::fs::write(
        corner.work().join("Makefile"),
        format!("leak:\n\t-cat {list} /etc/shadow\n\t-ls {0}/.ssh\n", home.display()),
    )
    .unwrap();
    let quoted = format!("{paths:?}");
    std::fs::write(
        corner.work().join("leak.py"),
        format!("for p in {quoted}:\n    try: print(open(p).read())\n    except OSError as e: print(e)\n"),
    )
    .unwrap();
    std::fs::write(
        corner.work().join("leak.mjs"),
        format!("import fs from 'fs'; for (const p of {quoted}) try {{ console.log(fs.readFileSync(p, 'utf8')) }} catch (e) {{ console.log(e.message) }}\n"),
    )
    .unwrap();
    let play = "start\nmake leak >made 2>&1\npython3 leak.py >pythoned 2>&1\nnode leak.mjs >noded 2>&1\n\
        cat ~/.cargo/registry/cached >kept; cat ~/WRIT.txt >told\n\
        docker=$(ls /run /var/run/docker.sock 2>&1); echo \"$docker\" >sockets\nfinish\n";
    played(&corner, &[], play);
    for left in ["made", "pythoned", "noded"] {
        let said = corner.left(left);
        assert!(!said.contains(SECRET), "{left}: {said}");
        assert!(said.contains("No such file") || said.contains("no such file"), "{left}: {said}");
    }
    assert!(corner.left("made").contains("WRIT.txt"), "{}", corner.left("made"));
    assert!(corner.left("told").contains("--allow-host"), "{}", corner.left("told"));
    assert_eq!(corner.left("kept"), "cached");
    assert!(!corner.left("sockets").contains("dbus"), "{}", corner.left("sockets"));
}

/// In the user's own settings of git, in what these include, and beside a repository.
#[test]
fn attack_credentials_in_settings_of_the_user_are_not_read() {
    let corner = furnished();
    let put = |path: std::path::PathBuf, text: String| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let home = corner.home();
    let header =
        format!("[http \"https://forge.example/\"]\n\textraHeader = Authorization: Bearer {SECRET}\n");
    put(
        home.join(".gitconfig"),
        format!("[user]\n\tname = A\n[include]\n\tpath = .config/git/more\n{header}"),
    );
    put(
        home.join(".config/git/config"),
        format!("[url \"https://u:{SECRET}@forge.example/\"]\n\tinsteadOf = gh:\n"),
    );
    put(home.join(".config/git/more"), header);
    put(home.join(".cargo/config.toml"), format!("[build]\njobs = 3\n[registry]\ntoken = \"{SECRET}\"\n"));
    let elsewhere = home.join(".tools");
    put(
        elsewhere.join("cargo/config.toml"),
        format!("[build]\njobs = 4\n[registry]\ntoken = \"{SECRET}\"\n"),
    );
    put(elsewhere.join("cargo/credentials.toml"), SECRET.to_owned());
    put(elsewhere.join("npm"), SECRET.to_owned());
    put(corner.work().join("conf/own-npm"), SECRET.to_owned());
    put(elsewhere.join("gradle/gradle.properties"), SECRET.to_owned());
    put(home.join(".m2/settings-work.xml"), SECRET.to_owned());
    put(home.join("go/pkg/mod/cache/vcs/0a/config"), SECRET.to_owned());
    put(corner.work().join(".git/credentials"), format!("https://u:{SECRET}@forge.example\n"));
    put(corner.work().join("prod.env"), SECRET.to_owned());
    let play = "start\ncat ~/.gitconfig ~/.config/git/config ~/.config/git/more ~/.cargo/config.toml .git/credentials prod.env >shown 2>&1\n\
        cat ~/.tools/*/* ~/.tools/npm conf/own-npm ~/.m2/* ~/go/pkg/mod/cache/vcs/*/config >>shown 2>&1\n\
        git config user.name >named\nfinish\n";
    let mut command = corner.play(&[], play);
    command.env("CARGO_HOME", elsewhere.join("cargo")).env("GRADLE_USER_HOME", elsewhere.join("gradle"));
    command.env("NPM_CONFIG_USERCONFIG", corner.work().join("conf/own-npm"));
    let said = text(&finished(command));
    let shown = corner.left("shown");
    assert!(said.contains("has ended"), "{said}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("jobs = 3") && shown.contains("insteadOf"), "{shown}");
    assert_eq!(corner.left("named"), "A\n");
}

/// A mode that makes whoever starts a file its owner outlives the task; what ordinary programs call instead works.
#[test]
fn attack_no_file_gives_rights_and_ordinary_programs_go_on() {
    let corner = furnished();
    let play = "start\n(cp /usr/bin/id s; chmod 6755 s; test -u s && echo got; python3 -c 'import os; os.chmod(\"s\",0o4755)') >tried 2>&1\n\
        (set -e; mkdir a; echo x >a/f; chmod 755 a/f; tar cf a.tar a; rm -r a; tar xf a.tar; cat a/f; cp -a a b; \
        git init -q c; cd c; git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m x; git clone -q . ../d; cd ..; \
        python3 -c 'import shutil; shutil.copytree(\"a\",\"e\")'; node -e 'fs.cpSync(\"a\",\"g\",{recursive:true})'; \
        echo whole) >worked 2>&1\nfinish\n";
    played(&corner, &[], play);
    assert!(!corner.left("tried").contains("got"), "{}", corner.left("tried"));
    assert!(corner.left("worked").ends_with("whole\n"), "{}", corner.left("worked"));
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

/// What a script starts makes no tool call, and is on record all the same.
#[test]
fn each_program_that_starts_inside_is_on_record() {
    let corner = furnished();
    let tool = corner.work().join("tool");
    std::fs::write(&tool, "#!/bin/sh\nexec /bin/echo \"$@\"\n").unwrap();
    let play = "start\nchmod +x tool\nsh -c './tool of-a-script; /no/such/program' >said 2>&1\nfinish\n";
    let told = played(&corner, &[], play);
    assert!(told.contains("programs inside, each on record"), "{told}");
    let page = corner.json(["audit", "search", "--event", "program-started", "--limit", "1000", "--json"]);
    let entries = page["entries"].as_array().unwrap();
    let starts: Vec<(String, serde_json::Value)> = entries
        .iter()
        .map(|entry| {
            let text = entry["texts"][0]["text"].as_str().unwrap();
            (entry["entry"]["event"]["program"].to_string(), serde_json::from_str(text).unwrap())
        })
        .collect();
    let of = |path: &str| starts.iter().find(|(_, start)| start["path"] == path);
    let (digest, script) = of(tool.to_str().unwrap()).expect("the script");
    let bytes = std::fs::read(&tool).unwrap();
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(digest.contains(&expected), "{digest} {expected}");
    assert_eq!(script["arguments"], serde_json::json!(["./tool", "of-a-script"]));
    let (_, echo) = of("/bin/echo").expect("what the script starts");
    assert_eq!(echo["arguments"][1], "of-a-script");
    assert_eq!(of("/no/such/program").expect("a start that failed").0, "null");
    let others = corner.json(["audit", "search", "--limit", "1000", "--json"]);
    assert!(!others.to_string().contains("program-started"), "{others}");
    assert!(corner.run(["audit", "verify"]).status.success());
}

/// By a descriptor, by a path to it, by a link to that: what runs has no name, and its bytes are on record.
#[test]
fn attack_a_program_without_a_name_starts_and_its_bytes_are_on_record() {
    let corner = furnished();
    std::fs::write(
        corner.work().join("start.py"),
        "import os, shutil\n\
         def start(how):\n\
         \x20   if os.fork() == 0:\n\
         \x20       how(); os._exit(1)\n\
         \x20   os.wait()\n\
         shutil.copy('/bin/true', 'gone'); open('gone', 'ab').write(b'of-nobody')\n\
         gone = os.open('gone', os.O_RDONLY); os.unlink('gone')\n\
         start(lambda: os.execve(gone, ['by-descriptor'], {}))\n\
         start(lambda: os.execve(f'/proc/self/fd/{gone}', ['by-path'], {}))\n\
         start(lambda: os.execve(f'/proc/{os.getpid()}/fd/{gone}', ['by-number'], {}))\n\
         start(lambda: os.execve(f'/dev/fd/{gone}', ['by-device'], {}))\n\
         os.symlink(f'/proc/self/fd/{gone}', 'link')\n\
         start(lambda: os.execve('link', ['by-link'], {}))\n\
         start(lambda: os.execve('/proc/self/exe', ['by-itself', '-c', ''], {}))\n",
    )
    .unwrap();
    played(&corner, &[], "start\npython3 start.py >said 2>&1\nfinish\n");
    let page = corner.json(["audit", "search", "--event", "program-started", "--limit", "1000", "--json"]);
    let entries = page["entries"].as_array().unwrap();
    let bytes = [std::fs::read("/bin/true").unwrap().as_slice(), b"of-nobody"].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for name in ["by-descriptor", "by-path", "by-number", "by-device", "by-link", "by-itself"] {
        let start = entries.iter().find_map(|entry| {
            let told: serde_json::Value =
                serde_json::from_str(entry["texts"][0]["text"].as_str().unwrap()).unwrap();
            (told["arguments"][0] == name).then(|| (entry["entry"]["event"]["program"].to_string(), told))
        });
        let (program, told) = start.unwrap_or_else(|| panic!("{name}: {}", corner.left("said")));
        if name == "by-itself" {
            assert!(program != "null" && told["file"] == "named", "{program} {told}");
            assert!(told["path"].as_str().unwrap().contains("python"), "{told}");
        } else {
            assert!(program.contains(&digest) && told["file"] == "unnamed", "{name}: {program} {told}");
        }
    }
}

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

/// What lies in a repository's folder and makes `git` read settings elsewhere.
#[test]
fn settings_of_submodules_are_kept_and_a_pointer_to_other_settings_is_told() {
    let corner = furnished();
    for name in ["HEAD", "config", "hooks/old"] {
        let path = corner.work().join(".git/modules/libs/sub").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let play = "start\nfor f in config hooks/pre-commit; do \
        if (echo evil >.git/modules/libs/sub/$f) 2>>tried; then echo $f >>free; fi; done\n\
        if (echo ../evil >.git/commondir) 2>>tried; then echo commondir >>free; fi\n\
        if (rm -f .git/commondir) 2>>tried; then echo removed >>free; fi\n\
        git init -q evil; git -C evil config core.fsmonitor /tmp/x; git status >status 2>&1; git add Makefile >>status 2>&1; finish\n";
    std::fs::write(corner.work().join("Makefile"), "all:\n").unwrap();
    let said = played(&corner, &[], play);
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert!(!corner.left("status").contains("fatal"), "{}", corner.left("status"));
    assert!(said.contains("LOOK AT THESE") && said.contains("    evil/.git"), "{said}");
    assert!(!corner.work().join(".git/commondir").exists());
}

/// Writes of an agent that must fail, each a line of shell; the workspace is furnished first.
fn none_gets_through(corner: &Corner, options: &[&str], attempts: &[&str]) -> String {
    let mut play = "start\n".to_owned();
    for (number, attempt) in attempts.iter().enumerate() {
        play.push_str(&format!("if ({attempt}) 2>>tried; then echo {number} >>free; fi\n"));
    }
    play.push_str("git status --short >status 2>&1\nfinish\n");
    let said = played(corner, options, &play);
    let free: Vec<&str> =
        corner.left("free").lines().map(|number| attempts[number.parse::<usize>().unwrap()]).collect();
    assert!(free.is_empty(), "{free:#?}\n{}", corner.left("tried"));
    assert!(!corner.left("status").contains("fatal"), "{}", corner.left("status"));
    said
}

fn put(corner: &Corner, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = corner.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
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

/// What runs by itself and was made anew is told, however much of it there is and whatever it is called.
#[test]
fn attack_the_list_at_the_end_is_not_flooded() {
    let corner = furnished();
    let play = "start\nmkdir .buildkite && (cd .buildkite && seq 3000 | xargs touch)\n\
        for n in $(seq 100); do mkdir -p a$n && echo x >a$n/AGENTS.md; done\n\
        mkdir -p src/deep && echo x >src/deep/.envrc; mkdir -p $'b\\e[2J' && echo x >$'b\\e[2J/.mcp.json'\n\
        mkdir -p node_modules/x && echo x >node_modules/x/.npmrc; git init -q evil; mkdir -p .git/rebase-merge && echo exec x >.git/rebase-merge/git-rebase-todo\n\
        finish\n";
    let said = played(&corner, &[], play);
    for wanted in [
        "    src/deep/.envrc",
        "\"b\\u{1b}[2J/.mcp.json\"",
        "    .buildkite (2000 files or more",
        "    .git (1 file: rebase-merge/git-rebase-todo)",
        "    evil/.git (",
        "more such files and folders",
        "and 1 files in folders of dependencies",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert!(said.lines().count() < 60, "{said}");
}

/// A client that leaves the other screen on, text hidden and a string open does not hide what is said after it.
#[test]
fn attack_the_list_at_the_end_is_not_hidden_by_the_terminal() {
    let corner = furnished();
    let play = "start\necho x >.envrc\nprintf '\\e[?1049h\\e[8m\\e[?25l\\e[1;1r\\e]0;never ended' >/dev/tty\nfinish\n";
    let command = corner.play(&[], play);
    let line: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let mut screen = std::process::Command::new("script");
    screen.args(["-qec", &line.join(" "), "/dev/null"]).env_clear().current_dir(corner.work());
    screen.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = text(&finished(screen));
    let (left, told) = said.split_once("never ended").expect("what the client left");
    assert!(left.contains("\u{1b}[?1049h"), "{said:?}");
    let list = told.find("LOOK AT THESE").expect("the list");
    for undone in ["\u{18}", "\u{1b}[?1049l", "\u{1b}[0m", "\u{1b}(B", "\u{1b}[r", "\u{1b}[?25h"] {
        assert!(told.find(undone).is_some_and(|at| at < list), "{undone:?}: {told:?}");
    }
}

/// Folders of programs that lie in a tool chain's own folder show as part of its copy.
#[test]
fn programs_of_the_user_stay_as_they_are() {
    let corner = furnished();
    let bin = corner.home().join(".cargo/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("tool"), "good").unwrap();
    let play = "start\n(echo evil >~/.cargo/bin/tool; echo evil >~/.cargo/bin/new) 2>tried; cat ~/.cargo/bin/tool >shown\nfinish\n";
    let mut command = corner.play(&[], play);
    let path = format!("{}:{}:{}", corner.bin().display(), bin.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path);
    let output = finished(command);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(std::fs::read(bin.join("tool")).unwrap(), b"good", "{}", corner.left("tried"));
    assert!(!bin.join("new").exists());
    assert!(!corner.left("shown").is_empty());
}

/// A worktree's main repository, a submodule and a remote that is a folder: git outside obeys nothing that appears there.
#[test]
fn no_repository_that_the_workspace_leads_to_is_told_where_to_look() {
    let corner = furnished();
    let other = corner.home().parent().unwrap().join("other.git");
    let out = std::process::Command::new("git").args(["init", "-q", "--bare"]).arg(&other).output().unwrap();
    assert!(out.status.success());
    let config = corner.work().join(".git/config");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("[remote \"o\"]\n\turl = {}\n", other.display()));
    std::fs::write(&config, text).unwrap();
    let module = corner.work().join(".git/modules/sub");
    std::fs::create_dir_all(&module).unwrap();
    std::fs::write(module.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    let play = format!(
        "start\nfor f in .git/modules/sub .git {0}; do for n in commondir config.worktree hooks/post-index-change; do \
         (mkdir -p $f/hooks; echo ../evil >$f/$n) 2>>tried && echo $f/$n >>free; done; done\nfinish\n",
        other.display()
    );
    played(&corner, &[], &play);
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    for folder in [&module, &other, &corner.work().join(".git")] {
        for name in ["commondir", "config.worktree"] {
            assert!(!folder.join(name).exists(), "{}/{name}", folder.display());
        }
    }
}

/// One service is reached and says so; the other is a secret.
#[test]
fn the_network_leads_where_a_person_said() {
    let corner = furnished();
    let (named, other) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let (wanted, unwanted) = (port(&named), port(&other));
    std::thread::spawn(move || {
        for stream in named.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 16]);
            let _ = stream.write_all(b"reached\n");
        }
    });
    let play = format!(
        "start\n(exec 3<>/dev/tcp/127.0.0.1/{wanted}; echo x >&3; cat <&3) >named 2>&1\n\
         (exec 3<>/dev/tcp/127.0.0.1/{unwanted} && echo free) >other 2>&1\n\
         curl -sSi https://evil.example/x >proxy 2>&1\n\
         curl -sSi http://evil.example/x >plain 2>&1\n\
         curl -sSi --noproxy '' http://127.0.0.1:{unwanted}/ >around 2>&1\n\
         getent ahosts example.org >dns 2>&1 || echo none >>dns\nfinish\n"
    );
    played(&corner, &["--allow-host", &format!("127.0.0.1:{wanted}")], &play);
    assert_eq!(corner.left("named"), "reached\n");
    assert!(!corner.left("other").contains("free"), "{}", corner.left("other"));
    for refused in ["proxy", "plain"] {
        let said = corner.left(refused);
        assert!(said.contains(" 403 ") && said.contains("--allow-host"), "{refused}: {said}");
    }
    assert!(corner.left("around").contains("writ-reason: "), "{}", corner.left("around"));
    assert_eq!(corner.left("dns"), "none\n");
}

#[test]
fn what_is_given_up_is_open_and_on_record() {
    let corner = furnished();
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = service.local_addr().unwrap().port();
    let play = format!(
        "start\n(exec 3<>/dev/tcp/127.0.0.1/{port} && echo free) >open 2>&1\nunshare -U true && echo free >>open\nfinish\n"
    );
    played(&corner, &["--danger-open-network", "--danger-all-calls"], &play);
    assert_eq!(corner.left("open"), "free\nfree\n");
    let task = corner.json(["task", "list", "--all", "--json"]);
    let weakened = &task["tasks"][0]["weakened"];
    assert_eq!(*weakened, serde_json::json!(["all-calls", "open-network"]), "{task}");
}

#[test]
fn attack_a_workspace_that_is_all_hooks_is_refused() {
    let corner = furnished();
    corner.cast("start\necho ran >ran\nfinish\n");
    let config = corner.work().join(".git/config");
    let own = std::fs::read_to_string(&config).unwrap();
    for path in [".".to_owned(), "./src/..".to_owned(), corner.work().display().to_string()] {
        std::fs::create_dir_all(corner.work().join("src")).unwrap();
        std::fs::write(&config, format!("{own}[core]\n\thooksPath = {path}\n")).unwrap();
        for run in [
            &["run", "--dry-run", "--kind", "bugfix", "--", "claude"][..],
            &["run", "--kind", "bugfix", "--task", "x", "--", "claude"],
        ] {
            let done = corner.run(run.iter().copied());
            assert!(
                !done.status.success() && text(&done).contains("`core.hooksPath` leads to the workspace"),
                "{path}: {}",
                text(&done)
            );
        }
        assert!(!corner.work().join("ran").exists(), "{path}");
    }
}

#[test]
fn a_rehearsal_shows_every_step_and_leaves_nothing() {
    let corner = furnished();
    corner.cast("start\n");
    let shown = corner.json(["run", "--dry-run", "--json", "--kind", "bugfix", "--", "claude"]);
    let steps = format!("{}", shown["steps"]);
    for wanted in
        ["private ", "keep ", "copy, changes end with the task,", "may write below", "refuse ", "read-only "]
    {
        assert!(steps.contains(wanted), "{wanted}: {steps}");
    }
    assert!(shown["hosts"].as_array().unwrap().iter().any(|host| host == "api.anthropic.com:443"), "{shown}");
    let layers = shown["layers"].as_array().unwrap();
    assert!(layers.len() > 15 && layers.iter().all(|layer| layer["enforced"] == true), "{shown}");
    assert!(shown["refused_calls"].as_array().unwrap().len() > 50);
    assert_eq!(corner.json(["task", "list", "--all", "--json"])["tasks"], serde_json::json!([]));
    assert_eq!(std::fs::read_dir(corner.state().join("run")).unwrap().count(), 0);
    let people = corner.run(["run", "--dry-run", "--kind", "docs", "--", "claude"]);
    assert!(people.status.success() && text(&people).contains("enforced system-calls"), "{}", text(&people));
}
