//! Pushes and fetches through the egress proxy of `writ run`: the real git against the real `git http-backend`.

use std::path::Path;
use std::process::Command;

use writ_testkit::GitServer;

use crate::corner::{Corner, fed, finished, text, until};

/// The server is on loopback, which programs reach without a proxy unless they are told otherwise.
const BY_PROXY: &str = "export NO_PROXY= no_proxy=\n";

/// A control plane, a forge with one repository, and a clone of it as the workspace.
struct Scene {
    corner: Corner,
    server: GitServer,
    _folder: tempfile::TempDir,
    bare: std::path::PathBuf,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=dev", "-c", "user.email=dev@example.org"])
        .args(arguments)
        .current_dir(folder);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", "/nonexistent");
    let output = finished(command);
    assert!(output.status.success(), "git {arguments:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Scene {
    fn new() -> Self {
        let corner = Corner::with_control_plane();
        corner.register("claude-code");
        let folder = tempfile::tempdir().unwrap();
        let server = GitServer::start(folder.path()).unwrap();
        let bare = server.create("team/app.git", "sha1").unwrap();
        let work = corner.work();
        git(&work, &["init", "-q", "-b", "main"]);
        git(&work, &["config", "user.name", "dev"]);
        git(&work, &["config", "user.email", "dev@example.org"]);
        std::fs::write(work.join("README"), "hello\n").unwrap();
        std::fs::write(work.join(".gitignore"), "/[a-z]*\n!/src*\n").unwrap();
        git(&work, &["add", "README", ".gitignore"]);
        git(&work, &["commit", "-qm", "first"]);
        git(&work, &["remote", "add", "origin", &server.url("team/app.git")]);
        git(&work, &["push", "-q", "origin", "main"]);
        Self { corner, server, _folder: folder, bare }
    }

    fn refs(&self) -> String {
        git(&self.bare, &["for-each-ref", "--format=%(refname)"])
    }

    fn play(&self, options: &[&str], play: &str) -> String {
        let options = [&["--hold", "2s"], options].concat();
        let output = finished(self.corner.play(&options, &format!("start\n{BY_PROXY}{play}\nfinish\n")));
        assert!(output.status.success(), "{}\n{}", text(&output), self.corner.left("script.err"));
        text(&output)
    }
}

#[test]
fn a_task_pushes_to_its_own_branches_and_nowhere_else() {
    let scene = Scene::new();
    let before = git(&scene.bare, &["rev-parse", "main"]);
    let play = "git fetch -q origin && echo fetched >fetched\n\
        echo 'fn main() {}' >src.rs; git add src.rs; git commit -qm work\n\
        git push -q origin HEAD:${WRIT_BRANCH_PREFIX}x >own 2>&1 && echo pushed >>own\n\
        git push -q origin HEAD:main >main 2>&1 && echo PUSHED >>main\n\
        git tag v1; git push -q origin v1 >tag 2>&1 && echo PUSHED >>tag\n\
        git push -q origin :main >gone 2>&1 && echo PUSHED >>gone\n\
        git push -q --atomic origin HEAD:${WRIT_BRANCH_PREFIX}y HEAD:other >both 2>&1 && echo PUSHED >>both\n\
        git commit -q --amend -m other; git push -qf origin HEAD:main >forced 2>&1 && echo PUSHED >>forced\n";
    let told = scene.play(&[], play);
    let left = |name: &str| scene.corner.left(name);
    assert_eq!(left("fetched"), "fetched\n", "{told}\n{}", left("script.err"));
    assert!(left("own").contains("pushed"), "{}\n{told}", left("own"));
    for name in ["main", "tag", "gone", "both", "forced"] {
        let said = left(name);
        assert!(!said.contains("PUSHED"), "{name}: {said}");
        assert!(said.contains("[remote rejected]") && said.contains("writ: "), "{name}: {said}");
    }
    assert_eq!(git(&scene.bare, &["rev-parse", "main"]), before);
    let refs = scene.refs();
    let mut refs = refs.lines();
    assert!(refs.next().is_some_and(|name| name == "refs/heads/main"), "{refs:?}");
    assert!(refs.next().is_some_and(|name| name.starts_with("refs/heads/writ/feature/")), "{refs:?}");
    assert_eq!(refs.next(), None);
    let entries = scene.corner.json(["audit", "search", "--effect", "git-push", "--limit", "1000", "--json"]);
    let verdicts = entries.to_string();
    assert!(verdicts.contains("\"push\""), "{verdicts}");
    assert!(scene.corner.run(["audit", "verify"]).status.success());
}

/// From a make rule, a Python and a Node script alike, and without leaving anything.
#[test]
fn scripts_get_no_further() {
    let scene = Scene::new();
    let work = scene.corner.work();
    std::fs::write(work.join("Makefile"), "leak:\n\tgit push origin HEAD:main\n").unwrap();
    let run = "git push origin HEAD:main";
    std::fs::write(work.join("leak.py"), format!("import subprocess; subprocess.run({run:?}.split())\n"))
        .unwrap();
    std::fs::write(
        work.join("leak.mjs"),
        format!("import {{execSync}} from 'child_process'; execSync({run:?}, {{stdio: 'inherit'}})\n"),
    )
    .unwrap();
    let play = "echo x >src.rs; git add src.rs; git commit -qm work\n\
        make leak >made 2>&1; python3 leak.py >pythoned 2>&1; node leak.mjs >noded 2>&1\n";
    scene.play(&[], play);
    for name in ["made", "pythoned", "noded"] {
        let said = scene.corner.left(name);
        assert!(said.contains("[remote rejected] HEAD -> main"), "{name}: {said}");
    }
    assert_eq!(scene.refs(), "refs/heads/main");
    assert_eq!(git(&scene.bare, &["rev-list", "--all", "--count"]), "1");
}

/// A credential in any commit of a push, and a workflow in a task that is not about them, stop it.
#[test]
fn what_a_push_carries_is_looked_at() {
    let scene = Scene::new();
    // Put together here, so that this file holds none.
    let token = ["ghp", "_", "0Aa1Bb2Cc3", "Dd4Ee5Ff6G", "g7Hh8Ii9Jj", "Kk0Ll1"].concat();
    // No form of its own, and it stands where a password does.
    let password = ["q7Rk2ZpL", "9wXc4VbN", "8mTd"].concat();
    let play = format!(
        "git switch -qc one; echo 'key = \"{token}\"' >src.rs; git add src.rs; git commit -qm one; echo none >src.rs\n\
         git commit -qam two; git push -q origin HEAD:${{WRIT_BRANCH_PREFIX}}secret >secret 2>&1 && echo PUSHED >>secret\n\
         git switch -qc two main; echo 'url = \"postgres://app:{password}@db.corp:5432/orders\"' >src.rs; git add src.rs\n\
         git commit -qm one; git push -q origin HEAD:${{WRIT_BRANCH_PREFIX}}words >words 2>&1 && echo PUSHED >>words\n"
    );
    scene.play(&[], &play);
    for (name, secret) in [("secret", &token), ("words", &password)] {
        let said = scene.corner.left(name);
        assert!(said.contains("[remote rejected]") && !said.contains("PUSHED"), "{name}: {said}");
        assert!(!said.contains(secret.as_str()), "{name}: {said}");
    }
    assert_eq!(scene.refs(), "refs/heads/main");
}

/// What the remote has in the same file is not asked about again, nor what everybody knows. Anything else is.
#[test]
fn attack_only_a_credential_that_stood_in_its_file_stands() {
    let scene = Scene::new();
    let work = scene.corner.work();
    let [known, other] = ["q7Rk2ZpL", "w5Xc8VtN"].map(|half| [half, "9wXc4VbN", "8mTd"].concat());
    let line = |password: &str| format!("url = \"postgres://app:{password}@db.corp:5432/orders\"");
    std::fs::write(work.join("src.conf"), format!("a = 1\n{}\n", line(&known))).unwrap();
    git(&work, &["add", "src.conf"]);
    git(&work, &["commit", "-qm", "settings"]);
    git(&work, &["push", "-q", "origin", "main"]);
    let usual = "postgres://postgres:postgres@localhost:5432/app";
    let (known, other) = (line(&known), line(&other));
    let edit = "sed -i 's/a = ./a = 2/' src.conf; git commit -qam edit\n";
    let cases = [
        ("edited", edit.to_owned(), true),
        ("twice", format!("{edit}sed -i 's/a = ./a = 3/' src.conf; git commit -qam again\n"), true),
        ("usual", format!("echo '{usual}' >src.yml; git add src.yml; git commit -qm usual\n"), true),
        ("moved", "git mv src.conf src2.conf; echo b >>src2.conf; git commit -qam moved\n".to_owned(), false),
        ("copied", format!("{edit}cp src.conf src2.conf; git add src2.conf; git commit -qm copied\n"), false),
        ("changed", format!("echo '{other}' >src.conf; git commit -qam changed\n"), false),
        ("beside", format!("echo '{other}' >>src.conf; git commit -qam beside\n"), false),
        (
            "own",
            format!(
                "echo '{other}' >src.rs; git add src.rs; git commit -qm one; echo b >>src.rs; git commit -qam two\n"
            ),
            false,
        ),
        // For one commit of the push it was gone; the remote has it there all the same.
        (
            "back",
            format!(
                "echo b >src.conf; git commit -qam gone; echo '{known}' >src.conf; git commit -qam back\n"
            ),
            true,
        ),
    ];
    let mut play = String::new();
    for (name, commits, _) in &cases {
        play.push_str(&format!(
            "git switch -qc {name} main; {commits}\
             git push -q origin HEAD:${{WRIT_BRANCH_PREFIX}}{name} >{name} 2>&1 && echo PUSHED >>{name}\n"
        ));
    }
    scene.play(&[], &play);
    for (name, _, is_pushed) in cases {
        let said = scene.corner.left(name);
        assert_eq!(said.contains("PUSHED"), is_pushed, "{name}: {said}");
    }
}

/// What waits is approved at the door that sees it, once: the hook lets the call through and nobody is asked twice.
#[test]
fn a_push_is_approved_once_where_it_leaves() {
    let scene = Scene::new();
    let play = format!(
        "start\n{BY_PROXY}echo x >src.rs; git add src.rs; git commit -qm work\n\
         call c1 'git push -q origin HEAD:main'\n\
         git push -q origin HEAD:elsewhere >again 2>&1 || echo refused >>again\nfinish\n"
    );
    let mut running = scene.corner.started(&["--hold", "40s"], &play);
    let waiting = |corner: &Corner| {
        let list = corner.json(["approvals", "--json"]);
        let list = list["approvals"].as_array().cloned().unwrap_or_default();
        list.into_iter().find(|one| one["state"] == "pending")
    };
    let first = until("the push waits", || waiting(&scene.corner));
    assert!(first.to_string().contains("main"), "{first}");
    let approved = scene.corner.run(["approve", first["id"].as_str().unwrap()]);
    assert!(approved.status.success(), "{}", text(&approved));
    let second =
        until("the next push waits too", || waiting(&scene.corner).filter(|one| one["id"] != first["id"]));
    let denied = scene.corner.run(["deny", second["id"].as_str().unwrap()]);
    assert!(denied.status.success(), "{}", text(&denied));
    assert!(running.0.wait().unwrap().success(), "{}", scene.corner.left("script.err"));
    assert_eq!(scene.corner.left("log"), "c1 allowed\n", "{}", scene.corner.left("replies"));
    assert!(scene.corner.left("again").contains("refused"), "{}", scene.corner.left("again"));
    assert_eq!(git(&scene.bare, &["rev-list", "main", "--count"]), "2");
    let asked = scene.corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert_eq!(asked["entries"].as_array().unwrap().len(), 2, "{asked}");
    let at_hook = scene.corner.json(["audit", "search", "--effect", "git-push", "--json"]).to_string();
    assert!(at_hook.contains("at-boundary"), "{at_hook}");
}

/// A service of this machine that a person named is looked into as well, so that its pushes are decided where they leave, by
/// whoever reaches it past the proxy.
#[test]
fn a_push_to_a_named_service_of_this_machine_is_decided_where_it_leaves() {
    let scene = Scene::new();
    let host = scene.server.address().to_string();
    let play = "echo x >src.rs; git add src.rs; git commit -qm work\n\
        call c1 'git push -q origin HEAD:main'\ncall c2 'npm publish'\n";
    let told = scene.play(&["--allow-host", &host], play);
    assert_eq!(scene.corner.left("log"), "c1 allowed\nc2 denied\n", "{told}");
    assert_eq!(scene.refs(), "refs/heads/main");
    assert_eq!(git(&scene.bare, &["rev-list", "--all", "--count"]), "1");
}

/// A forge that lets nobody in without a token, which the agent never holds: git asks for a login, gets a placeholder, and
/// the door puts the value on; the look at what a push builds on gets in the same way.
#[test]
fn a_private_repository_is_worked_on_with_a_token_that_the_agent_never_holds() {
    const VALUE: &str = "made-up-token-7Qk2ZpX9wv";
    let scene = Scene::new();
    git(&scene.corner.work(), &["push", "-q", "origin", "HEAD:elsewhere"]);
    scene.server.guard(VALUE);
    let host = scene.server.address().to_string();
    let add = scene.corner.writ(["secret", "add", "forge", "--stdin", "--host", &host]);
    let added = fed(add, VALUE.as_bytes());
    assert!(added.status.success(), "{}", text(&added));
    let play = format!(
        "git fetch -q origin >fetched 2>&1 && echo well >>fetched\n\
         git clone -q {url} src-clone >cloned 2>&1 && echo well >>cloned\n\
         echo x >src.rs; git add src.rs; git commit -qm work\n\
         git push -q origin HEAD:${{WRIT_BRANCH_PREFIX}}x >own 2>&1 && echo pushed >>own\n\
         echo y >src.rs; git commit -qam more\n\
         git push -q origin HEAD:${{WRIT_BRANCH_PREFIX}}x >again 2>&1 && echo pushed >>again\n\
         git push -q origin HEAD:main >main 2>&1 && echo PUSHED >>main\n\
         env >inside; git config --list >settings\n",
        url = scene.server.url("team/app.git")
    );
    let told = scene.play(&[], &play);
    let left = |name: &str| scene.corner.left(name);
    for (name, end) in [("fetched", "well"), ("cloned", "well"), ("own", "pushed"), ("again", "pushed")] {
        assert!(left(name).contains(end), "{name}: {}\n{told}\n{}", left(name), left("script.err"));
    }
    assert!(
        left("main").contains("[remote rejected]") && !left("main").contains("PUSHED"),
        "{}",
        left("main")
    );
    assert!(left("inside").contains("writ_placeholder_forge_") && !left("inside").contains(VALUE));
    assert!(!left("settings").contains(VALUE));
    // What the push builds on was fetched by the supervisor itself.
    let remotes = std::fs::read_dir(scene.corner.state().join("remotes")).unwrap().flatten();
    let mirrors: Vec<_> = remotes.map(|entry| entry.path().join("mirror.git")).collect();
    assert_eq!(mirrors.len(), 1, "{mirrors:?}");
    let known = git(&mirrors[0], &["for-each-ref", "--format=%(refname)"]);
    assert!(known.contains("refs/remote/heads/elsewhere"), "{known}");
    let record = scene.corner.json(["audit", "search", "--limit", "1000", "--json"]).to_string();
    assert!(record.contains("credential-lent") && !record.contains(VALUE));
}

/// Git over SSH, by an address of either form, says what to do instead, for this very repository.
#[test]
fn git_over_ssh_is_refused_with_what_to_do_instead() {
    let scene = Scene::new();
    let play = "echo x >src.rs; git add src.rs; git commit -qm work\n\
        git push -q ssh://git@forge.example:2222/team/app.git HEAD:main >url 2>&1 && echo PUSHED >>url\n\
        git push -q git@forge.example:team/app.git HEAD:main >short 2>&1 && echo PUSHED >>short\n\
        git clone -q git@forge.example:team/app.git copy >clone 2>&1 && echo CLONED >>clone\n\
        git -c core.sshCommand=ssh fetch -q ssh://forge.example/team/app.git >fetch 2>&1 && echo FETCHED >>fetch\n";
    scene.play(&[], play);
    for (name, verb, rest) in [
        ("url", "push", " HEAD:BRANCH"),
        ("short", "push", " HEAD:BRANCH"),
        ("clone", "fetch", ""),
        ("fetch", "fetch", ""),
    ] {
        let said = scene.corner.left(name);
        let hint = format!("git {verb} https://git@forge.example/team/app.git{rest}\n");
        assert!(said.contains(&hint) && !said.contains("ED\n"), "{name}: {said}");
        assert!(said.contains("writ run --allow-host forge.example"), "{name}: {said}");
    }
}

/// Where the forge is known, git goes by HTTPS by itself, whatever the user has set; what is told of others can be done inside.
#[test]
fn a_remote_by_ssh_goes_by_https_where_the_forge_is_known() {
    let scene = Scene::new();
    let work = scene.corner.work();
    let settings = "[user]\n\tname = A\n[url \"git@github.com:\"]\n\tpushInsteadOf = https://github.com/\n\
        [url \"git@forge.example:\"]\n\tinsteadOf = https://forge.example/\n";
    std::fs::write(scene.corner.home().join(".gitconfig"), settings).unwrap();
    git(&work, &["remote", "set-url", "origin", "git@github.com:team/app.git"]);
    git(&work, &["remote", "add", "own", "ssh://me@gitlab.corp.example:2222/a/b.git"]);
    git(&work, &["remote", "add", "other", "git@forge.example:team/app.git"]);
    let play = "for url in origin own git@github.com:x/y ssh://git@ssh.github.com:443/x/y git@codeberg.org:x/y; do \
        git ls-remote --get-url $url >>urls 2>&1; done\n\
        git fetch origin >fetch 2>&1; git push origin HEAD:main >push 2>&1; git fetch other >hinted 2>&1\n\
        $(grep -o 'git fetch https://.*' hinted) >followed 2>&1\n";
    let told = scene.play(&[], play);
    let left = |name: &str| scene.corner.left(name);
    let urls = "https://github.com/team/app.git\nhttps://gitlab.corp.example/a/b.git\nhttps://github.com/x/y\n\
        https://github.com/x/y\nhttps://codeberg.org/x/y\n";
    assert_eq!(left("urls"), urls, "{told}\n{}", left("script.err"));
    for name in ["fetch", "push", "followed"] {
        let said = left(name);
        assert!(!said.contains("over SSH") && said.contains("https://"), "{name}: {said}");
    }
    assert!(left("hinted").contains("git over SSH does not leave"), "{}", left("hinted"));
    assert!(left("followed").contains("https://forge.example/team/app.git"), "{}", left("followed"));
}

/// Other repositories than the workspace's own: a second remote, a submodule, the source of a dependency.
struct Others {
    scene: Scene,
    lib: std::path::PathBuf,
}

impl Others {
    /// `team/lib` is a crate, `upstream` of the workspace and a submodule of it, not brought in yet.
    fn new() -> Self {
        let scene = Scene::new();
        let lib = scene.server.create("team/lib.git", "sha1").unwrap();
        let (work, url) = (scene.corner.work(), scene.server.url("team/lib.git"));
        let source = tempfile::tempdir().unwrap();
        git(source.path(), &["init", "-q", "-b", "main"]);
        std::fs::create_dir(source.path().join("src")).unwrap();
        std::fs::write(source.path().join("src/lib.rs"), "//! Nothing.\n").unwrap();
        std::fs::write(
            source.path().join("Cargo.toml"),
            "[package]\nname = \"lib-of-team\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        )
        .unwrap();
        git(source.path(), &["add", "."]);
        git(source.path(), &["commit", "-qm", "lib"]);
        git(source.path(), &["push", "-q", &url, "main"]);
        git(&work, &["remote", "add", "upstream", &url]);
        git(&work, &["submodule", "--quiet", "add", &url, "src-sub"]);
        git(&work, &["commit", "-qm", "with a submodule"]);
        git(&work, &["push", "-q", "origin", "main"]);
        std::fs::remove_dir_all(work.join("src-sub")).unwrap();
        std::fs::create_dir(work.join("src-sub")).unwrap();
        std::fs::remove_dir_all(work.join(".git/modules")).unwrap();
        Self { scene, lib }
    }

    fn url(&self) -> String {
        self.scene.server.url("team/lib.git")
    }
}

/// The request that waits for a person, other than those.
fn waiting(corner: &Corner, known: &[&str]) -> Option<serde_json::Value> {
    let list = corner.json(["approvals", "--json"]);
    let list = list["approvals"].as_array().cloned().unwrap_or_default();
    list.into_iter().find(|one| one["state"] == "pending" && !known.contains(&one["id"].as_str().unwrap()))
}

/// A host that a person named is one whose repositories are read, by whatever speaks git. Pushing there is another question.
#[test]
fn repositories_of_a_named_host_are_read_and_not_pushed_to() {
    let others = Others::new();
    let scene = &others.scene;
    let before = git(&others.lib, &["for-each-ref"]);
    let work = scene.corner.work();
    std::fs::create_dir_all(work.join("src-uses/src")).unwrap();
    std::fs::write(work.join("src-uses/src/lib.rs"), "").unwrap();
    let manifest = format!(
        "[workspace]\n[package]\nname = \"uses\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nlib-of-team = {{ git = \"{}\" }}\n",
        others.url()
    );
    std::fs::write(work.join("src-uses/Cargo.toml"), manifest).unwrap();
    let play = format!(
        "call c1 'git fetch -q upstream'\ncall c2 'git submodule update'\ncall c3 'git clone -q {url} src-clone'\n\
         git ls-remote {url} >listed 2>&1 && echo well >>listed\n\
         (cd src-uses && CARGO_NET_GIT_FETCH_WITH_CLI=true cargo fetch) >cargo 2>&1 && echo well >>cargo\n\
         ls src-clone/src src-sub/src >there 2>&1; git rev-parse upstream/main >>there 2>&1\n\
         git push -q upstream HEAD:elsewhere >named 2>&1 && echo PUSHED >>named\n\
         git push -q {url} HEAD:${{WRIT_BRANCH_PREFIX}}x >url 2>&1 && echo PUSHED >>url\n",
        url = others.url(),
    );
    let host = scene.server.address().to_string();
    let play = format!("start\n{BY_PROXY}{play}\nfinish\n");
    let mut run = scene.corner.play(&["--hold", "2s", "--allow-host", &host], &play);
    let cargo = Path::new(env!("CARGO"));
    let programs = cargo.parent().unwrap().display();
    run.env("PATH", format!("{}:{programs}:/usr/local/bin:/usr/bin:/bin", scene.corner.bin().display()))
        .env("CARGO_BUILD_RUSTC", cargo.with_file_name("rustc"));
    let output = finished(run);
    let told = text(&output);
    assert!(output.status.success(), "{told}\n{}", scene.corner.left("script.err"));
    let left = |name: &str| scene.corner.left(name);
    assert_eq!(left("log"), "c1 allowed\nc2 allowed\nc3 allowed\n", "{told}\n{}", left("replies"));
    for name in ["listed", "cargo"] {
        assert!(left(name).contains("well"), "{name}: {}\n{told}", left(name));
    }
    assert_eq!(left("there").matches("lib.rs").count(), 2, "{}\n{}", left("there"), left("script.err"));
    assert!(!left("there").contains("fatal"), "{}", left("there"));
    for name in ["named", "url"] {
        let said = left(name);
        assert!(said.contains("[remote rejected]") && !said.contains("PUSHED"), "{name}: {said}");
    }
    assert_eq!(git(&others.lib, &["for-each-ref"]), before);
    // Only the two pushes were for a person.
    let asked = scene.corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert_eq!(asked["entries"].as_array().unwrap().len(), 2, "{asked}");
}

/// Where no host was named, the person is asked at the door, by the repository's own name, once for all requests of a fetch;
/// and a yes to one repository is none to its neighbours, nor to a push.
#[test]
fn a_repository_elsewhere_is_asked_about_once_at_the_door() {
    let others = Others::new();
    let scene = &others.scene;
    scene.server.create("team/other.git", "sha1").unwrap();
    let play = format!(
        "start\n{BY_PROXY}call c1 'git fetch -q upstream'\ngit rev-parse upstream/main >there 2>&1\n\
         git ls-remote {other} >other 2>&1 && echo READ >>other\n\
         git ls-remote {url} >again 2>&1 && echo well >>again\nfinish\n",
        url = others.url(),
        other = scene.server.url("team/other.git"),
    );
    let mut running = scene.corner.started(&["--hold", "40s"], &play);
    let first = until("the fetch waits", || waiting(&scene.corner, &[]));
    let repository = format!("{}/team/lib", scene.server.address());
    assert!(first.to_string().contains(&repository), "{first}");
    let first = first["id"].as_str().unwrap();
    assert!(scene.corner.run(["approve", first]).status.success());
    assert!(running.0.wait().unwrap().success(), "{}", scene.corner.left("script.err"));
    let left = |name: &str| scene.corner.left(name);
    assert_eq!(left("log"), "c1 allowed\n", "{}", left("replies"));
    assert!(!left("there").contains("fatal"), "{}", left("there"));
    // No call could want it: nobody is asked, and the agent is told how to be.
    assert!(
        !left("other").contains("READ") && left("other").contains("call of its own"),
        "{}",
        left("other")
    );
    assert!(left("again").contains("well"), "{}", left("again"));
    let asked = scene.corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert_eq!(asked["entries"].as_array().unwrap().len(), 1, "{asked}");
}

/// What is said of a refusal is said to its end: what may be done instead stands there.
#[test]
fn a_refusal_is_told_to_its_end() {
    let scene = Scene::new();
    let play = "echo x >src.rs; git add src.rs; git commit -qm work\n\
        git push -q origin HEAD:main >main 2>&1 && echo PUSHED >>main\n";
    scene.play(&[], play);
    let said = scene.corner.left("main");
    let lines: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim_end).collect();
    let whole = lines.join(" ");
    assert!(whole.ends_with(']') || whole.ends_with('.'), "{said}");
    assert!(lines.iter().all(|line| line.chars().count() <= 300), "{said}");
}

/// Each ref of a push is decided on its own. Where one of them is refused, those that nobody refuses go, unless the push is
/// atomic, or the pack would leave something at the server that none of them reaches.
#[test]
fn of_a_push_that_is_not_atomic_each_ref_goes_by_itself() {
    let scene = Scene::new();
    let before = git(&scene.bare, &["rev-parse", "main"]);
    let play = "echo x >src.rs; git add src.rs; git commit -qm work\n\
        git push origin HEAD:${WRIT_BRANCH_PREFIX}x HEAD:main >both 2>&1 && echo ALL >>both\n\
        git push --atomic origin HEAD:${WRIT_BRANCH_PREFIX}y HEAD:main >atomic 2>&1 && echo ALL >>atomic\n\
        git checkout -q -b more; echo y >src.rs; git commit -qam more\n\
        git push origin HEAD~1:${WRIT_BRANCH_PREFIX}z HEAD:main >beyond 2>&1 && echo ALL >>beyond\n\
        git push origin HEAD:${WRIT_BRANCH_PREFIX}x >own 2>&1 && echo pushed >>own\n";
    let told = scene.play(&[], play);
    let left = |name: &str| scene.corner.left(name);
    let both = left("both");
    assert!(
        both.contains("[new branch]") && both.contains("[remote rejected] HEAD -> main (writ: "),
        "{both}\n{told}"
    );
    assert!(!both.contains("ALL"), "{both}");
    let atomic = left("atomic");
    assert!(!atomic.contains("[new branch]") && !atomic.contains("ALL"), "{atomic}");
    assert!(atomic.contains("another ref of this push was refused"), "{atomic}");
    // The commit of `main` alone would have come along.
    let beyond = left("beyond");
    assert!(!beyond.contains("[new branch]") && !beyond.contains("ALL"), "{beyond}");
    assert!(left("own").contains("pushed"), "{}", left("own"));
    assert_eq!(git(&scene.bare, &["rev-parse", "main"]), before);
    let refs = scene.refs();
    assert_eq!(refs.lines().count(), 2, "{refs}");
    assert!(refs.lines().any(|name| name.starts_with("refs/heads/writ/") && name.ends_with('x')), "{refs}");
    assert!(scene.corner.run(["audit", "verify"]).status.success());
}

/// A person's no is to the push that they saw, with every ref of it.
#[test]
fn attack_of_a_push_that_a_person_refused_nothing_goes() {
    let scene = Scene::new();
    let play = format!(
        "start\n{BY_PROXY}echo x >src.rs; git add src.rs; git commit -qm work\n\
         git push origin HEAD:${{WRIT_BRANCH_PREFIX}}x HEAD:main >both 2>&1\nfinish\n"
    );
    let mut running = scene.corner.started(&["--hold", "40s"], &play);
    let asked = until("the push waits", || waiting(&scene.corner, &[]));
    assert!(scene.corner.run(["deny", asked["id"].as_str().unwrap()]).status.success());
    assert!(running.0.wait().unwrap().success(), "{}", scene.corner.left("script.err"));
    let said = scene.corner.left("both");
    assert!(!said.contains("[new branch]") && said.contains("[remote rejected]"), "{said}");
    assert_eq!(scene.refs(), "refs/heads/main");
}

/// Whoever has a commit finds the push that brought it, its task, and the writ that it was made under.
#[test]
fn a_pushed_commit_leads_to_its_push() {
    let scene = Scene::new();
    let play = "echo x >src.rs; git add src.rs; git commit -qm work; git rev-parse HEAD >work-id\n\
        git push -q origin HEAD:${WRIT_BRANCH_PREFIX}x >own 2>&1 && echo pushed >>own\n\
        git push -q origin HEAD:${WRIT_BRANCH_PREFIX}y >again 2>&1 && echo pushed >>again\n";
    scene.play(&[], play);
    let left = |name: &str| scene.corner.left(name);
    assert!(left("own").contains("pushed") && left("again").contains("pushed"), "{}", left("own"));
    let work = left("work-id");
    let work = work.trim();
    let digits = work.get(..10).unwrap();
    let pushes = ["audit", "search", "--commit", digits, "--limit", "1000", "--json"];
    let found = scene.corner.json(pushes);
    let found = found["entries"].as_array().unwrap();
    let tasks = scene.corner.json(["task", "list", "--all", "--json"]);
    let task = tasks["tasks"][0]["id"].as_str().unwrap().to_owned();
    let is = |entry: &&serde_json::Value, kind: &str| entry["entry"]["event"]["type"] == kind;
    assert!(found.iter().filter(|entry| is(entry, "call-decided")).count() >= 2, "{found:?}");
    assert!(found.iter().all(|entry| entry.to_string().contains(&task)), "{found:?}");
    let calls: Vec<_> = found.iter().filter(|entry| is(entry, "call-decided")).collect();
    assert!(calls.iter().all(|entry| entry["texts"].to_string().contains(work)), "{calls:?}");
    assert_eq!(found.iter().filter(|entry| is(entry, "writ-issued")).count(), 1, "{found:?}");
    let none = scene.corner.json(["audit", "search", "--commit", "0123456789", "--json"]);
    assert_eq!(none["entries"].as_array().unwrap().len(), 0, "{none}");
    assert!(!scene.corner.run(["audit", "search", "--commit", "main"]).status.success());
}
