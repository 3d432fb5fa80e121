//! `writ scan --secrets`: places are told, values never, and no tree stops it.

use serde_json::{Value, json};

use crate::corner::{Corner, fed, text};

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
