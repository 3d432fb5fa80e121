//! `writ reach` as people and programs call it.

use serde_json::Value;

use crate::corner::{Corner, text};

fn tree(corner: &Corner) -> String {
    let root = corner.bin().join("tree");
    for (path, content) in [
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".claude/settings.json", "{}"),
        (
            ".github/workflows/a.yml",
            "on: push\njobs:\n  a:\n    steps:\n      - run: npm publish\n        env: {K: '${{ secrets.K }}'}\n",
        ),
    ] {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    root.to_str().unwrap().to_owned()
}

#[test]
fn each_step_of_a_chain_names_its_line() {
    let corner = Corner::new();
    let tree = tree(&corner);
    let output = corner.run(["reach", &tree]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    for part in
        ["secret  K", ".github/workflows/a.yml:6", "deployment  npm publish", "ends with its task: nothing"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = corner.run(["reach", "--json", "--without", "push", &tree]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["reach"], Value::Array(Vec::new()), "{object}");
    let output = corner.run(["reach", "--dot", "--agent", "claude-code", &tree]);
    assert!(text(&output).contains("\"branch a branch of the repository\" -> "), "{}", text(&output));
    assert_eq!(corner.run(["reach", "--agent", "nobody", &tree]).status.code(), Some(2));
}
