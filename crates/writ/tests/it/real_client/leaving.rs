//! What leaves by the hands of the real clients: their own work gets to the task's branch and is on record, and nothing
//! else gets anywhere, whatever program it is tried by.

use std::path::{Path, PathBuf};
use std::process::Command;

use writ_model::Client;
use writ_testkit::{Clients, GitServer, Script};

use super::{Play, approve, is_pending};
use crate::corner::fed;
use crate::house::{House, PATIENCE};

/// Made up. The forge lets nobody in without it, and no agent holds it.
const VALUE: &str = "made-up-token-7Qk2ZpX9wv";
const REPOSITORY: &str = "team/app.git";
/// The forge is on loopback, which programs reach without a proxy unless they are told otherwise.
const BY_PROXY: &str = "export NO_PROXY= no_proxy= npm_config_noproxy=";
const WRAPPED: [(&str, &str); 3] =
    [("made", "make leak"), ("pythoned", "python3 leak.py"), ("noded", "node leak.mjs")];

/// A forge with one private repository, which is the workspace's origin.
struct Forge {
    server: GitServer,
    bare: PathBuf,
    _folder: tempfile::TempDir,
}

/// Something that may not happen: a name, the command, and words of its refusal.
struct Refused {
    name: &'static str,
    line: String,
    says: &'static [&'static str],
}

// === impl Forge ===

impl Forge {
    fn of(house: &House) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = GitServer::start(folder.path()).unwrap();
        let bare = server.create(REPOSITORY, "sha1").unwrap();
        house.stage.git(&["remote", "add", "origin", &server.url(REPOSITORY)]).unwrap();
        house.stage.git(&["push", "-q", "origin", "main"]).unwrap();
        server.guard(VALUE);
        let host = server.address().to_string();
        let mut add = Command::new(house.program());
        add.args(["secret", "add", "forge", "--stdin", "--host", &host, "--env", "FORGE_TOKEN"])
            .env("WRIT_STATE_DIR", house.state())
            .env("HOME", house.stage.home());
        assert!(fed(add, VALUE.as_bytes()).status.success());
        Self { server, bare, _folder: folder }
    }

    /// Refs with what they lead to.
    fn refs(&self) -> Vec<String> {
        let listed = at(&self.bare, &["for-each-ref", "--format=%(refname) %(objectname)"]);
        listed.lines().map(str::to_owned).collect()
    }

    fn refused(&self) -> Vec<Refused> {
        let host = self.server.address();
        let packages = format!("http://{host}/api/packages/team");
        let cargo = Path::new(env!("CARGO")).display();
        let line = |name, line: String, says| Refused { name, line, says };
        let push = |name, what: &str| {
            line(name, format!("git push -q {what}"), &["writ: ", "[remote rejected]"][..])
        };
        vec![
            push("main", "origin HEAD:main"),
            push("tag", "origin HEAD:refs/tags/v1"),
            push("force", "-f origin other:main"),
            line(
                "npm",
                format!(
                    "cd node && npm publish --registry {packages}/npm/ --//{host}/api/packages/team/npm/:_authToken=$FORGE_TOKEN"
                ),
                &["Writ refused this call"],
            ),
            line(
                "cargo",
                format!(
                    "cd rust && {cargo} publish --no-verify --allow-dirty --index sparse+{packages}/cargo/ --token $FORGE_TOKEN"
                ),
                &["Writ refused this call"],
            ),
            line(
                "twine",
                format!(
                    "PYTHONPATH=$VIRTUAL_ENV python3 -m twine upload --non-interactive --disable-progress-bar --repository-url {packages}/pypi/ \
                     -u agent -p $FORGE_TOKEN python/probe-1.0-py3-none-any.whl"
                ),
                &["Writ refused this call"],
            ),
            line(
                "merge",
                format!(
                    "curl -sS --fail-with-body -H \"Authorization: token $FORGE_TOKEN\" -d '{{\"Do\":\"merge\"}}' \
                     http://{host}/api/v1/repos/team/app/pulls/1/merge"
                ),
                &["Writ refused this call"],
            ),
            line(
                "number",
                "curl -sS --fail-with-body http://192.0.2.7/x".to_owned(),
                &["`192.0.2.7` is not reached", "writ run --allow-host 192.0.2.7"],
            ),
            line(
                "key",
                format!(
                    "curl -sS --fail-with-body -H 'Authorization: token somebody-elses-0123456789' -F attachment=@README.md \
                     http://{host}/api/v1/repos/team/app/releases/1/assets"
                ),
                &["Writ refused this call"],
            ),
        ]
    }
}

/// The projects to publish, and the scripts that try everything again.
fn furnished(house: &House, refused: &[Refused]) {
    let repo = house.stage.repo();
    let put = |name: &str, text: &str| {
        let path = repo.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("node/package.json", "{\"name\": \"probe\", \"version\": \"1.0.0\", \"license\": \"MIT\"}\n");
    put(
        "rust/Cargo.toml",
        "[package]\nname = \"probe\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"A probe\"\n[workspace]\n",
    );
    put("rust/src/lib.rs", "");
    let wheel = "import zipfile\nz = zipfile.ZipFile('python/probe-1.0-py3-none-any.whl', 'w')\n\
        z.writestr('probe-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: probe\\nVersion: 1.0\\n')\n\
        z.writestr('probe-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\n')\n\
        z.writestr('probe-1.0.dist-info/RECORD', '')\nz.close()\n";
    put("python/wheel.py", wheel);
    let made = Command::new("python3").arg("python/wheel.py").current_dir(&repo).status();
    assert!(made.unwrap().success());
    let all: String = refused
        .iter()
        .map(|one| {
            format!("({}) >said/$1.{} 2>&1 && echo DONE >>said/$1.{} &\n", one.line, one.name, one.name)
        })
        .collect();
    put("try.sh", &format!("{BY_PROXY}\nmkdir -p said\n{all}wait\n"));
    put("Makefile", "leak:\n\t@sh try.sh made\n");
    put("leak.py", "import subprocess\nsubprocess.run(['sh', 'try.sh', 'pythoned'])\n");
    put("leak.mjs", "import { spawnSync } from 'child_process';\nspawnSync('sh', ['try.sh', 'noded']);\n");
    put(".gitignore", "/said/\n/src/\nCargo.lock\ntarget/\n");
    house.stage.git(&["add", "--all"]).unwrap();
    house
        .stage
        .git(&["-c", "user.name=Tester", "-c", "user.email=tester@example.org", "commit", "-qm", "Projects"])
        .unwrap();
    // A branch that has nothing to do with the others.
    let tree = house.stage.git(&["rev-parse", "HEAD^{tree}"]).unwrap();
    let made = at(
        &repo,
        &["-c", "user.name=T", "-c", "user.email=t@example.org", "commit-tree", tree.trim(), "-m", "Other"],
    );
    house.stage.git(&["branch", "other", made.trim()]).unwrap();
    std::fs::write(
        house.stage.home().join(".gitconfig"),
        "[user]\n\tname = Tester\n\temail = tester@example.org\n",
    )
    .unwrap();
}

/// A real client clones, edits, tests, commits and pushes to the task's branch. Everything else that it tries is refused,
/// whether by itself or from a make rule, a Python or a Node script, with words to act on, and nothing of it arrives.
fn only_own_work_leaves(client: Client) {
    let house = House::new();
    let forge = Forge::of(&house);
    let refused = forge.refused();
    furnished(&house, &refused);
    let (before, url) = (forge.refs(), forge.server.url(REPOSITORY));
    // Even where a person let the host be reached.
    let host = forge.server.address().to_string();
    let withheld = house.stage.git(&["rev-parse", "HEAD", "other"]).unwrap();
    let written = house.stage.repo().join("src/test_twice.py").display().to_string();
    let work = [
        format!("{BY_PROXY}; git clone -q {url} src"),
        "printf 'def twice(x): return 2 * x\\n' > src/twice.py".to_owned(),
        "python3 -m unittest discover -s src".to_owned(),
        "git -C src add twice.py test_twice.py && git -C src commit -qm 'Twice as much'".to_owned(),
    ];
    let [clone, edit, test, commit] = work;
    let mut script = Script::new().shell(clone).shell(edit).write(
        written,
        "import unittest, twice\nclass It(unittest.TestCase):\n    def test_it(self): self.assertEqual(twice.twice(2), 4)\n",
    );
    script = script.shell(test).shell(commit);
    for one in &refused {
        script = script.shell(format!("{BY_PROXY}; {}", one.line));
    }
    for (_, line) in WRAPPED {
        script = script.shell(line);
    }
    let push = "git -C src push -q origin HEAD:refs/heads/${WRIT_BRANCH_PREFIX}twice";
    let play = Play::on(house, script.shell(format!("{BY_PROXY}; {push}")).say("done"));
    let cargo = Path::new(env!("CARGO"));
    let programs = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
    let path =
        [programs.programs(), cargo.parent().unwrap()].map(|path| path.display().to_string()).join(":");
    let ended = play
        .run(client, &["--hold", "1s", "--allow-host", &host])
        .env("PATH", format!("{path}:/usr/local/bin:/usr/bin:/bin"))
        .env("VIRTUAL_ENV", programs.python().unwrap())
        .env("CARGO_BUILD_RUSTC", cargo.with_file_name("rustc"))
        .run(PATIENCE)
        .unwrap();
    let story = play.story(&ended);
    let results: Vec<String> = play.model.results().iter().map(|result| format!("{result:?}")).collect();
    assert_eq!(results.len(), 5 + refused.len() + WRAPPED.len() + 1, "{story}");
    assert!(results[3].contains("Ran 1 test"), "{story}");
    for (one, said) in refused.iter().zip(&results[5..]) {
        assert!(said.contains("Writ ") || said.contains("writ: "), "{} by itself: {said}", one.name);
    }
    for (place, _) in WRAPPED {
        for one in &refused {
            let said = play.made(&format!("said/{place}.{}", one.name)).unwrap_or_default();
            let why = one.says.iter().all(|words| said.contains(words));
            assert!(why && !said.contains("DONE"), "{} {place}: {said}", one.name);
        }
    }
    assert_eq!(forge.server.writes(), [""; 0]);
    let (after, commit) = (forge.refs(), at(&play.house.stage.repo().join("src"), &["rev-parse", "HEAD"]));
    let own: Vec<&String> = after.iter().filter(|one| !before.contains(one)).collect();
    assert_eq!((after.len(), own.len()), (before.len() + 1, 1), "{after:?}\n{story}");
    assert!(own[0].starts_with("refs/heads/writ/feature/") && own[0].ends_with(commit.trim()), "{after:?}");
    for oid in withheld.lines() {
        let held =
            Command::new("git").args(["cat-file", "-e", oid]).current_dir(&forge.bare).output().unwrap();
        assert!(!held.status.success(), "the server has {oid} of a refused push");
    }
    on_record(&play.house, commit.trim());
}

/// The commit stands in the task's own record, beside its writ and the calls that made it.
fn on_record(house: &House, commit: &str) {
    let task = house.json(&["task", "list", "--all"])["tasks"][0]["id"].as_str().unwrap().to_owned();
    let told = house.person(&["audit", "show", &task, "--json"]);
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    for words in [commit, "git -C src commit -qm", "twice.py", "writ-issued"] {
        assert!(told.contains(words), "{words} is not on record: {told}");
    }
    assert!(house.person(&["audit", "verify"]).status.success());
}

/// What waits is asked about once, where it leaves: the yes of a person lets this push go, and no other.
fn a_push_is_approved_once(client: Client) {
    let house = House::new();
    let forge = Forge::of(&house);
    let push = format!("{BY_PROXY}; git push -q origin HEAD:elsewhere");
    let play = Play::on(house, Script::new().shell(push).say("done"));
    let approvals = play.house.watch_approvals();
    let running = play.run(client, &["--hold", "60s"]).start().unwrap();
    let asked = approvals.next(is_pending);
    assert_eq!(forge.refs().len(), 1, "it left before it was approved");
    approve(&play.house, &asked);
    let ended = running.wait(PATIENCE).unwrap();
    let story = play.story(&ended);
    assert!(forge.refs().iter().any(|one| one.starts_with("refs/heads/elsewhere ")), "{story}");
    let asked = play.house.json(&["audit", "search", "--event", "approval-requested"]);
    assert_eq!(asked["entries"].as_array().unwrap().len(), 1, "{asked}\n{story}");
}

/// Git in a folder.
fn at(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

macro_rules! clients {
    ($($module:ident $client:ident)*) => {$(
        mod $module {
            use writ_model::Client::$client as CLIENT;

            #[test]
            fn only_own_work_leaves() {
                super::only_own_work_leaves(CLIENT);
            }

            #[test]
            fn a_push_is_approved_once() {
                super::a_push_is_approved_once(CLIENT);
            }
        }
    )*};
}

clients! {
    claude_code ClaudeCode
    codex Codex
    gemini_cli GeminiCli
    opencode OpenCode
}
