//! `writ scan --secrets`: places are told, values never, and no tree stops it.

use serde_json::{Value, json};

use crate::corner::{Corner, fed, text};
use crate::scan::git_in;

/// A value that is made up when the test runs.
fn value() -> String {
    ["ghp", "_", "0Aa1Bb2Cc3", "Dd4Ee5Ff6G", "g7Hh8Ii9Jj", "Kk0Ll1"].concat()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn lines_of_text_are_answered_in_order_and_by_characters() {
    let corner = Corner::new();
    let value = value();
    let input = [
        json!({"id": 1, "text": format!("ä = 1\nGITHUB_TOKEN={value}\n"), "more": 1}).to_string(),
        json!({"id": "two", "text": "GITHUB_TOKEN=${TOKEN}"}).to_string(),
        "not json".to_owned(),
    ]
    .join("\n");
    let output = fed(corner.writ(["scan", "--secrets", "--json", "-"]), input.as_bytes());
    assert!(output.status.success(), "{}", text(&output));
    assert!(!text(&output).contains(&value));
    let lines = lines(&output.stdout);
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["id"], &lines[0]["is_secret"]), (&json!(1), &json!(true)));
    let finding = &lines[0]["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["start"], &finding["end"]),
        (&json!("github-token"), &json!(19), &json!(59))
    );
    assert_eq!((&lines[1]["id"], &lines[1]["is_secret"]), (&json!("two"), &json!(false)));
    assert_eq!((&lines[2]["id"], &lines[2]["is_secret"]), (&Value::Null, &json!(true)));
}

#[test]
fn a_tree_is_looked_through_whatever_lies_in_it() {
    let corner = Corner::new();
    let work = corner.work();
    let value = value();
    std::fs::create_dir_all(work.join("a/b")).unwrap();
    std::fs::write(work.join("a/.env"), format!("# ä\nTOKEN={value}\n")).unwrap();
    std::fs::write(work.join("a/b/copy.bin"), [b"\xff\xfe\0".as_slice(), value.as_bytes(), b"\0"].concat())
        .unwrap();
    let wide: Vec<u8> =
        format!("\u{feff}TOKEN={value}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(work.join("a/b/out.log"), wide).unwrap();
    std::fs::write(work.join(".gitignore"), ".env\n").unwrap();
    std::os::unix::fs::symlink(&work, work.join("a/b/loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", work.join("a/zero")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, work.join("a/fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    std::fs::write(work.join("a/bad\nname\u{1b}[2J"), format!("TOKEN={value}\n")).unwrap();
    // Most of it is a hole: a file is as long as somebody says.
    let long = std::fs::File::create(work.join("long")).unwrap();
    long.set_len(64 << 20).unwrap();
    let output = corner.run(["scan", "--secrets", "--json", "."]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(!text(&output).contains(&value));
    let found = lines(&output.stdout);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found.iter().any(|finding| finding["path"] == "./a/b/out.log" && finding["start"] == 14),
        "{found:?}"
    );
    // The same value in another encoding is another text, and has a mark of its own.
    let marks: Vec<&Value> = found
        .iter()
        .filter(|finding| finding["path"] != "./a/b/out.log")
        .map(|finding| &finding["mark"])
        .collect();
    assert!(marks.iter().all(|mark| *mark == marks[0]), "{marks:?}");
    let env = found.iter().find(|finding| finding["path"] == "./a/.env").unwrap();
    assert_eq!((&env["line"], &env["column"]), (&json!(2), &json!(7)));
    let output = corner.run(["scan", "--secrets", "--fail-on", "low", "."]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        !output.stdout.contains(&0x1b) && text(&output).contains("stand in more than one place"),
        "{}",
        text(&output)
    );
    let output = corner.run(["scan", "--secrets", "--fail-on", "low", ".gitignore"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(corner.run(["scan", "--secrets", "nowhere"]).status.code(), Some(2));
}

#[test]
fn sarif_names_the_place_and_not_the_value() {
    let corner = Corner::new();
    let work = corner.work();
    std::fs::create_dir_all(work.join("a")).unwrap();
    let value = value();
    std::fs::write(work.join("a/.env"), format!("# x\nTOKEN={value}\nAGAIN={value}\n")).unwrap();
    let keys = |output: &std::process::Output| {
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let results = document["runs"][0]["results"].as_array().unwrap().clone();
        assert_eq!(results[0]["ruleId"], "writ/possible-secret");
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a/.env");
        results
            .iter()
            .map(|result| result["partialFingerprints"]["writ/v1"].as_str().unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    let output = corner.run(["scan", "--secrets", "--sarif", "."]);
    assert!(output.status.success() && !text(&output).contains(&value), "{}", text(&output));
    let before = keys(&output);
    assert_eq!(before.len(), 2);
    std::fs::write(work.join("a/.env"), format!("\n\n\nTOKEN={value}\nAGAIN={value}\n")).unwrap();
    assert_eq!(before, keys(&corner.run(["scan", "--secrets", "--sarif", "."])));
    assert_eq!(corner.run(["scan", "--secrets", "--sarif", "-"]).status.code(), Some(2));
}

#[test]
fn a_sure_finding_is_told_after_any_number_of_doubtful_ones() {
    let corner = Corner::new();
    let work = corner.work();
    let many: String = (0..3_000).map(|number| format!("password = \"n0t-{number}-sure\"\n")).collect();
    let sure = ["glpat", "-", "0Aa1Bb2Cc3Dd4Ee5Ff6G"].concat();
    std::fs::write(work.join("many.txt"), format!("{many}TOKEN={sure}\n")).unwrap();
    let output = corner.run(["scan", "--secrets", "--json", "."]);
    let found = lines(&output.stdout);
    assert_eq!(found.iter().filter(|line| line["rule"] == "gitlab-token").count(), 1);
    assert!(text(&output).contains("has too many findings: the surest are told"), "{}", text(&output));
    assert_eq!(corner.run(["scan", "--secrets", "--fail-on", "high", "."]).status.code(), Some(3));
}

/// Another value of the same kind, made up when the test runs.
fn other() -> String {
    ["ghp", "_", "9Zz8Yy7Xx6", "Ww5Vv4Uu3T", "t2Ss1Rr0Qq", "Pp9Oo8"].concat()
}

#[test]
fn a_baseline_knows_a_secret_wherever_it_moves_and_none_that_is_new() {
    let corner = Corner::new();
    let work = corner.work();
    let (value, other) = (value(), other());
    let file = work.join("tests/key.ini");
    let put = |text: &str| {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
    };
    put(&format!("TOKEN={value}\n"));
    let run = |arguments: &[&str]| {
        let output = corner.run(["scan", "--secrets", "--fail-on", "low"].iter().chain(arguments).copied());
        assert!(!text(&output).contains(&value) && !text(&output).contains(&other), "{}", text(&output));
        output
    };
    assert_eq!(run(&["--write-baseline", "../known", "."]).status.code(), Some(3));
    let known = std::fs::read_to_string(work.join("../known")).unwrap();
    assert!(!known.contains(&value) && known.lines().count() == 2, "{known}");
    let with = |more: &[&str]| run(&[&["--baseline", "../known"], more, &["."]].concat());
    for (content, fails) in [
        (format!("TOKEN={value}\n"), false),
        (format!("# moved\n\n[section]\n  TOKEN = \"{value}\"\n"), false),
        (format!("TOKEN={value}\nTOKEN={value}\n"), true),
        (format!("OTHER={other}\nTOKEN={value}\n"), true),
        (format!("TOKEN={other}\n"), true),
        (format!("OTHER={value}\n"), true),
    ] {
        put(&content);
        for form in [&[][..], &["--json"], &["--sarif"]] {
            let output = with(form);
            assert_eq!(output.status.code(), Some(if fails { 3 } else { 0 }), "{content} {}", text(&output));
            let told = match form {
                [] => lines_of(&output),
                ["--json"] => lines(&output.stdout).len(),
                _ => results(&output),
            };
            assert_eq!(told, usize::from(fails), "{content} {}", text(&output));
        }
    }
    // The keys are those of every machine and state folder.
    put(&format!("TOKEN={value}\n"));
    let elsewhere = Corner::new();
    std::fs::create_dir_all(elsewhere.work().join("tests")).unwrap();
    std::fs::copy(&file, elsewhere.work().join("tests/key.ini")).unwrap();
    std::fs::copy(work.join("../known"), elsewhere.work().join("../known")).unwrap();
    let absolute = elsewhere.work();
    let output = elsewhere.run([
        "scan",
        "--secrets",
        "--fail-on",
        "low",
        "--baseline",
        "../known",
        absolute.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    // A stream has no files.
    assert_eq!(corner.run(["scan", "--secrets", "--write-baseline", "x", "-"]).status.code(), Some(2));
}

fn lines_of(output: &std::process::Output) -> usize {
    output.stdout.iter().filter(|byte| **byte == b'\n').count()
}

fn results(output: &std::process::Output) -> usize {
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["runs"][0]["results"].as_array().unwrap().len()
}

#[test]
fn a_change_brings_the_values_that_its_files_did_not_hold() {
    let corner = Corner::new();
    let tree = corner.bin().join("tree");
    let put = |path: &str, text: &str| {
        let path = tree.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let (value, other) = (value(), other());
    let about = "a line\nanother\na third\nand so on\n";
    put("conf/app.ini", &format!("{about}TOKEN={value}\n"));
    put("conf/other.txt", about);
    put(".gitignore", ".env\nbuild/\n");
    git_in(&tree, &["init", "--quiet", "--initial-branch=main"]);
    git_in(&tree, &["add", "."]);
    git_in(&tree, &["commit", "--quiet", "-m", "one"]);
    let brought = |more: &[&str]| {
        let arguments = [&["scan", "--secrets", "--diff", "HEAD", "--fail-on", "low"], more].concat();
        let output = corner.run(arguments.into_iter().chain([tree.to_str().unwrap()]));
        assert!(!text(&output).contains(&value) && !text(&output).contains(&other), "{}", text(&output));
        output
    };
    let json = || -> Vec<String> {
        let output = brought(&["--json"]);
        let told = lines(&output.stdout);
        let path = |one: &Value| one["path"].as_str().or(one["file"].as_str()).map(str::to_owned);
        let told: Vec<String> = told.iter().filter_map(path).collect();
        assert_eq!(output.status.code(), Some(if told.is_empty() { 0 } else { 3 }), "{}", text(&output));
        told
    };
    assert!(json().is_empty());
    // Moved within its file, and with its file; nobody gets what git ignores and does not track.
    put("conf/app.ini", &format!("TOKEN={value}\n{about}"));
    put(".env", &format!("TOKEN={other}\n"));
    put("build/out", &format!("TOKEN={other}\n"));
    assert!(json().is_empty(), "{:?}", json());
    std::fs::create_dir_all(tree.join("etc")).unwrap();
    std::fs::rename(tree.join("conf/app.ini"), tree.join("etc/main.ini")).unwrap();
    assert!(json().is_empty(), "{:?}", json());
    // A new value beside the old one, and the old one in a file that is no other's successor.
    put("etc/main.ini", &format!("TOKEN={value}\n{about}OTHER={other}\n"));
    assert_eq!(json(), ["etc/main.ini"]);
    put("new.txt", &format!("TOKEN={value}\n"));
    assert_eq!(json(), ["etc/main.ini", "new.txt"]);
    // One command tells code that makes identities too.
    put("main.tf", "resource \"aws_iam_user\" \"u\" {\n  name = \"u\"\n}\n");
    assert_eq!(json(), ["main.tf", "etc/main.ini", "new.txt"]);
    let output = brought(&["--sarif"]);
    assert_eq!((output.status.code(), results(&output)), (Some(3), 3), "{}", text(&output));
    let said = text(&brought(&[]));
    assert!(said.contains("etc/main.ini:6") && said.contains("2 low, 1 notes"), "{said}");
    assert!(!said.contains("conf/") && !said.contains(".env"), "{said}");
    // What is committed counts against where the branch parted.
    git_in(&tree, &["checkout", "--quiet", "-b", "work"]);
    git_in(&tree, &["add", "."]);
    git_in(&tree, &["commit", "--quiet", "-m", "two"]);
    assert!(json().is_empty());
    let output =
        corner.run(["scan", "--secrets", "--diff", "main", "--fail-on", "low", tree.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let below =
        corner.run(["scan", "--secrets", "--diff", "main", "--json", tree.join("etc").to_str().unwrap()]);
    // Of a folder, what lay beside it is not looked at.
    assert_eq!(lines_of(&below), 2, "{}", text(&below));
}

#[test]
fn a_file_that_is_mostly_a_hole_takes_no_time_and_hides_nothing() {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let corner = Corner::new();
    let mut file = std::fs::File::create(corner.work().join("disk.img")).unwrap();
    let far = 900_u64 << 30;
    // Not every file system has files so long.
    if file.set_len(1 << 40).is_err() {
        return;
    }
    file.write_all(format!("\nTOKEN={}\n", value()).as_bytes()).unwrap();
    file.seek(SeekFrom::Start(far)).unwrap();
    file.write_all(format!("\nTOKEN={}\n", other()).as_bytes()).unwrap();
    drop(file);
    let output = corner.run(["scan", "--secrets", "--json", "."]);
    let found = lines(&output.stdout);
    let starts: Vec<u64> = found.iter().map(|one| one["start"].as_u64().unwrap()).collect();
    assert_eq!(starts, [7, far + 7], "{}", text(&output));
    assert_eq!(found[1]["line"], 4, "{found:?}");
}

/// A hole that is smaller than what is read at once moves nothing behind it.
#[test]
fn a_value_behind_a_small_hole_is_where_it_is_said_to_be() {
    let corner = Corner::new();
    let path = corner.work().join("disk.img");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(32 << 20).unwrap();
    let write = |at: u64, text: &str| {
        use std::os::unix::fs::FileExt as _;
        file.write_all_at(text.as_bytes(), at).unwrap();
    };
    let token = ["gl", "pat-", "q7Rk2ZpL9wXc4VbN8mTd"].concat();
    write(0, "head\n");
    write(100 << 10, &format!("\n{token}\n"));
    let output = corner.run(["scan", "--secrets", "--json", corner.work().to_str().unwrap()]);
    let told = String::from_utf8(output.stdout).unwrap();
    let found: serde_json::Value = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|line: &serde_json::Value| line["rule"].is_string())
        .unwrap();
    assert_eq!(found["start"], (100 << 10) + 1, "{told}");
}
