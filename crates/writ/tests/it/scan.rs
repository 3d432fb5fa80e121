//! `writ scan` as people and CI call it.

use serde_json::Value;

use crate::corner::{Corner, text};

const SECRET: &str = "q8Zk2LmN4pRs7TuVwXyZ";

fn tree(corner: &Corner) -> String {
    let root = corner.bin().join("tree");
    for (path, content) in [
        (
            ".mcp.json",
            format!(
                "{{\"mcpServers\": {{\"x\": {{\"command\": \"/bin/false\", \"env\": {{\"A_KEY\": \"{SECRET}\"}}}}}}}}"
            ),
        ),
        ("b/.claude/settings.json", "{\"permissions\": {\"allow\": [\"Bash(*)\"]}}".to_owned()),
        (
            "b/.github/workflows/a.yml",
            "on: issues\njobs: {a: {steps: [{run: claude -p x, env: {K: '${{ secrets.K }}'}}]}}".to_owned(),
        ),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    root.to_str().unwrap().to_owned()
}

#[test]
fn each_file_is_one_object_with_its_path_below_the_folder() {
    let corner = Corner::new();
    let output = corner.run(["scan", "--json", &tree(&corner)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let objects: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let files: Vec<&str> = objects.iter().filter_map(|object| object["file"].as_str()).collect();
    assert_eq!(files, [".mcp.json", "b/.claude/settings.json", "b/.github/workflows/a.yml"]);
    assert!(objects.iter().all(|object| object["v"] == 1));
    assert_eq!(objects[2]["untrusted_privileged_start"], true);
}

#[test]
fn a_baseline_leaves_only_what_is_new() {
    let corner = Corner::new();
    let tree = tree(&corner);
    let known = corner.bin().join("known").to_str().unwrap().to_owned();
    let code = |arguments: &[&str]| {
        let output = corner.run(["scan"].iter().chain(arguments).copied().chain([tree.as_str()]));
        assert!(!text(&output).contains(SECRET), "{}", text(&output));
        output.status.code()
    };
    assert_eq!(code(&["--fail-on", "critical"]), Some(3));
    assert_eq!(code(&["--write-baseline", &known]), Some(0));
    assert_eq!(code(&["--baseline", &known, "--fail-on", "note"]), Some(0));
    std::fs::write(format!("{tree}/b/opencode.json"), "{\"permission\": \"allow\"}").unwrap();
    assert_eq!(code(&["--baseline", &known, "--fail-on", "high"]), Some(3));
    assert_eq!(code(&["--baseline", &known, "--fail-on", "critical"]), Some(0));
    assert_eq!(code(&["--baseline", &format!("{tree}/.mcp.json")]), Some(2));
    assert_eq!(code(&["--remember"]), Some(0));
    assert_eq!(code(&["--remember", "--fail-on", "critical"]), Some(3));
}

#[test]
fn sarif_is_one_document_and_a_missing_folder_is_told() {
    let corner = Corner::new();
    let output = corner.run(["scan", "--sarif", &tree(&corner)]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["version"], "2.1.0");
    assert!(document["runs"][0]["results"].as_array().unwrap().len() >= 3);
    assert_eq!(corner.run(["scan", "/nowhere/at/all"]).status.code(), Some(2));
    assert_eq!(corner.run(["scan"]).status.code(), Some(0));
}
