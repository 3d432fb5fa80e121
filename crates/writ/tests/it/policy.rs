//! Policies as people handle them: shown, validated, tested, fetched.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::corner::{Corner, text};

/// Allows reading and writing in the workspace, and nothing else.
const PLAIN: &str = "@id(\"plain\")\n@reason(\"reading and writing is free\")\npermit (\n  principal,\n  \
                     action in [Writ::Action::\"read\", Writ::Action::\"write-workspace\"],\n  resource\n);\n";

fn folder(corner: &Corner, files: &[(&str, &str)]) -> PathBuf {
    let folder = corner.home().join("policies");
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    close(&folder);
    folder
}

/// Takes away what a lenient umask of the test's surroundings gives to others.
fn close(path: &Path) {
    let mode = if path.is_dir() { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| close(&entry.unwrap().path()));
    }
}

fn configure(corner: &Corner, organisation: &str) {
    let folder = corner.home().join(".config/writ");
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    std::fs::write(&file, format!("[policy]\norganisation = {organisation}\n")).unwrap();
    close(&file);
}

/// A repository of policies, with one commit.
fn repository(corner: &Corner, files: &[(&str, &str)]) -> PathBuf {
    let work = folder(corner, files);
    git(corner, &["init", "--quiet", "--initial-branch=main"]);
    commit(corner);
    work
}

fn git(corner: &Corner, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(corner.home().join("policies"))
        .env("HOME", corner.home())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(corner: &Corner) -> String {
    git(corner, &["add", "--all"]);
    git(corner, &["commit", "--quiet", "--allow-empty", "--message", "Change"]);
    git(corner, &["rev-parse", "HEAD"])
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

#[test]
fn every_shipped_profile_has_tests_and_passes_them() {
    let corner = Corner::new();
    let report = corner.json(["policy", "test", "--json"]);
    assert_eq!(report["failed"], 0);
    let results = report["results"].as_array().unwrap();
    assert!(results.len() > 300, "{} cases", results.len());
    let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../../policies/profiles");
    for entry in std::fs::read_dir(profiles).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(profile) = name.strip_suffix(".cedar") {
            let file = format!("{profile}.tests.toml");
            assert!(results.iter().any(|result| result["file"] == file.as_str()), "{profile} has no tests");
        }
    }
    // What lies in the folder is what the program holds.
    let beside = corner.json(["policy", "test", "--json", profiles]);
    assert_eq!(beside["cases"], report["cases"]);
}

#[test]
fn a_test_that_fails_shows_both_answers_and_why() {
    let corner = Corner::new();
    let tests = "kind = \"feature\"\n\n[[case]]\nname = \"reads\"\nread = \"src/lib.rs\"\nexpect = \"allow\"\nby = \
                 \"plain\"\n\n[[case]]\nname = \"builds\"\nrun = \"cargo test\"\nexpect = \"allow\"\n\n[[case]]\nname = \
                 \"writes\"\nwrite = \"src/lib.rs\"\nexpect = \"allow\"\nby = \"other\"\n";
    let folder = folder(&corner, &[("a.cedar", PLAIN), ("a.tests.toml", tests)]);
    let folder = folder.to_str().unwrap();
    let output = corner.run(["policy", "test", folder]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    for part in ["FAILED a.tests.toml:9 \"builds\"", "- expected allow", "+ decided  deny (organisation)"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("expected allow by other") && said.contains("decided  allow"), "{said}");
    assert!(said.contains("3 cases, 2 failed") && !said.contains("\"reads\""), "{said}");
    let report = json(&corner.run(["policy", "test", "--json", folder]));
    assert_eq!((report["cases"].as_u64(), report["failed"].as_u64()), (Some(3), Some(2)));
    assert_eq!(report["results"][1]["decided"], "deny");
    assert_eq!(report["results"][2]["missing"][0], "other");
    // One file of tests is run on the policies beside it.
    let file = format!("{folder}/a.tests.toml");
    assert_eq!(json(&corner.run(["policy", "test", "--json", &file])), report);
}

#[test]
fn incidents_are_put_to_policies() {
    let about = |id: &str, more: &str, condition: &str| {
        format!(
            "@id(\"{id}\") @reason(\"a test\") @on_incident(\"suspend\") {more}\n\
             forbid (principal, action == Writ::Action::\"incident\", resource) when {{ {condition} }};\n"
        )
    };
    let policies = format!(
        "{PLAIN}\n{}{}",
        about("leaks", "", "resource.kind == \"secret-leaving\" && resource.host like \"*.test\""),
        about("seen", "@observe(\"until May\")", "resource.credential == \"forge\""),
    );
    let tests = r#"kind = "feature"

[[case]]
name = "a secret on its way suspends"
incident = "secret-leaving"
host = "other.test"
expect = "suspend"
by = "leaks"

[[case]]
name = "elsewhere it stays on record"
incident = "secret-leaving"
host = "other.example:8443"
expect = "record"

[[case]]
name = "what is observed counts for nothing"
incident = "placeholder-elsewhere"
credential = "forge"
expect = "suspend"
"#;
    let corner = Corner::new();
    let folder = folder(&corner, &[("a.cedar", &policies), ("a.tests.toml", tests)]);
    let report = json(&corner.run(["policy", "test", "--json", folder.to_str().unwrap()]));
    assert_eq!((report["cases"].as_u64(), report["failed"].as_u64()), (Some(3), Some(1)), "{report}");
    assert_eq!(report["results"][0]["policies"][0], "organisation:leaks");
    assert_eq!(report["results"][2]["decided"], "record");
}

#[test]
fn what_is_no_test_is_said_with_its_place() {
    for (tests, said) in [
        (
            "kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"allow\"\nincident = \"secret-leaving\"",
            "is `record` or `suspend`",
        ),
        (
            "kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"suspend\"\nread = \"x\"",
            "are for an `incident`",
        ),
        (
            "kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"suspend\"\nincident = \"fire\"",
            "`fire` is no incident",
        ),
        (
            "kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"allow\"\nread = \"x\"\nhost = \"a\"",
            "belong to `incident`",
        ),
        ("[[case]]\nname = \"a\"\nexpect = \"allow\"\nread = \"x\"", "a.tests.toml:1: say the `kind`"),
        (
            "kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"allow\"",
            "a.tests.toml:2: say one thing to ask",
        ),
        (
            "kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"allow\"\nread = \"x\"\nwrite = \"x\"",
            "say one thing to ask",
        ),
        ("kind = \"docs\"\n[[case]]\nname = \"a\"\nexpect = \"maybe\"\nread = \"x\"", "`maybe` is no answer"),
        ("kind = \"docs\"\n[[case]]\nname = \"a\"\nexpct = \"allow\"\nread = \"x\"", "unknown field `expct`"),
        ("kind = \"docs\"\n[[cases]]\n", "holds no `[[case]]`"),
        ("kind = ", "no file of tests"),
    ] {
        let corner = Corner::new();
        let folder = folder(&corner, &[("a.cedar", PLAIN), ("a.tests.toml", tests)]);
        let output = corner.run(["policy", "test", folder.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{tests}: {}", text(&output));
        assert!(text(&output).contains(said), "{said}: {}", text(&output));
    }
    let corner = Corner::new();
    let folder = folder(&corner, &[("a.cedar", PLAIN)]);
    let output = corner.run(["policy", "test", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn each_finding_has_its_place_and_what_to_do() {
    let corner = Corner::new();
    let bad = format!(
        "{PLAIN}\n@id(\"b\")\n@reason(\"b\")\nforbid (principal, action, resource) when {{ resource.nothing }};\n"
    );
    let watched =
        "@id(\"w\")\n@reason(\"w\")\n@observe(\"until May\")\nforbid (principal, action, resource);\n";
    let folder = folder(&corner, &[("a.cedar", &bad), ("w.cedar", watched)]);
    let folder = folder.to_str().unwrap();
    let output = corner.run(["policy", "validate", folder, "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let report = json(&output);
    assert_eq!(report["usable"], false);
    let finding = &report["findings"][0];
    assert_eq!((&finding["file"], &finding["policy"]), (&Value::from("a.cedar"), &Value::from("b")));
    assert_eq!(finding["line"], 9, "{report}");
    assert_eq!(report["observed"][0]["policy"], "organisation:w");
    assert_eq!(report["observed"][0]["why"], "until May");
    let said = text(&corner.run(["policy", "validate", folder]));
    assert!(said.contains("a.cedar:9:1: error") && said.contains("the whole set is refused"), "{said}");
    assert!(said.contains("w.cedar: observed") && said.contains("until May"), "{said}");

    // Nothing starts under half a policy.
    configure(&corner, &format!("\"{folder}\""));
    for command in [
        ["check", "--kind", "docs", "--read", "x"].as_slice(),
        &["serve"],
        &["policy", "show"],
        &["policy", "test"],
    ] {
        let output = corner.run(command);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {}", text(&output));
    }
}

#[test]
fn a_folder_that_others_can_write_is_not_in_force() {
    let corner = Corner::new();
    let folder = folder(&corner, &[("a.cedar", PLAIN)]);
    configure(&corner, &format!("\"{}\"", folder.display()));
    let shown = corner.json(["policy", "show", "--json"]);
    assert!(shown["origin"].as_str().unwrap().contains("the folder"), "{shown}");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = corner.run(["policy", "show"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("can be written by others"), "{}", text(&output));
}

#[test]
fn policies_of_a_repository_are_those_of_one_commit() {
    let mut corner = Corner::new();
    let work = repository(&corner, &[("agents/a.cedar", PLAIN), ("README.md", "")]);
    configure(&corner, &format!("{{ git = \"{}\", path = \"agents\" }}", work.display()));
    let first = git(&corner, &["rev-parse", "HEAD"]);
    let shown = corner.json(["policy", "show", "--json"]);
    assert_eq!(shown["commit"], first.as_str());
    corner.serve();
    let loaded = || {
        let page = corner.json(["audit", "search", "--json"]);
        let entries = page["entries"].as_array().unwrap().clone();
        let events = entries.into_iter().map(|entry| entry["entry"]["event"].clone());
        events.filter(|event| event["type"] == "policy-loaded").collect::<Vec<_>>()
    };
    let recorded = loaded();
    assert_eq!(recorded[0]["source"], format!("git:{first}"), "{recorded:?}");
    assert_eq!(recorded[0]["version"], shown["version"]);

    // A commit that does not validate is refused whole; the one in force stays.
    std::fs::write(work.join("agents/b.cedar"), "permit (principal, action, resource);").unwrap();
    commit(&corner);
    let output = corner.run(["policy", "update"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("refused whole"), "{}", text(&output));
    assert!(text(&output).contains("in a clone of the repository"), "{}", text(&output));
    assert_eq!(corner.json(["policy", "show", "--json"])["commit"], first.as_str());

    std::fs::write(work.join("agents/b.cedar"), PLAIN.replace("plain", "more")).unwrap();
    let third = commit(&corner);
    assert_eq!(corner.json(["policy", "show", "--json"])["commit"], first.as_str());
    let updated = corner.json(["policy", "update", "--json"]);
    assert_eq!(
        (&updated["commit"], &updated["unchanged"]),
        (&Value::from(third.as_str()), &Value::from(false))
    );
    let shown = corner.json(["policy", "validate", "--json"]);
    assert_eq!(shown["commit"], third.as_str());

    // What is asked about the time before is answered with the policies of that time.
    let at = corner.json(["check", "--kind", "docs", "--read", "x", "--at", &now(), "--json"]);
    assert_eq!(
        (&at["policies"]["then"], at["policies"]["origin"].as_str().unwrap().contains(&first)),
        (&Value::from("these"), true),
        "{at}"
    );

    // A control plane that starts takes the newest by itself.
    let fourth = commit(&corner);
    corner.end_serve();
    corner.serve();
    assert_eq!(corner.json(["policy", "show", "--json"])["commit"], fourth.as_str());
}

/// The present moment, as `--at` takes it.
pub fn now() -> String {
    let output = Command::new("date").args(["--utc", "+%Y-%m-%dT%H:%M:%S.999Z"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_policy_is_shown_with_its_place() {
    let corner = Corner::new();
    let shown = corner.json(["policy", "show", "docs.no-workflows", "--json"]);
    let policy = &shown["policies"][0];
    assert_eq!(
        (&policy["id"], &policy["file"]),
        (&"organisation:docs.no-workflows".into(), &"profiles/docs.cedar".into())
    );
    assert!(policy["text"].as_str().unwrap().contains("forbid"), "{policy}");
    let output = corner.run(["policy", "show", "nothing"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    // The shipped profiles are a place to start one's own from.
    let whole = corner.run(["policy", "show", "--text"]);
    let folder = folder(&corner, &[("mine.cedar", &String::from_utf8(whole.stdout).unwrap())]);
    let report = corner.json(["policy", "validate", folder.to_str().unwrap(), "--json"]);
    assert_eq!(report["usable"], true, "{report}");
}
