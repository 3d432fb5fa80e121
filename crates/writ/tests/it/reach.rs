//! `writ reach` as people and programs call it.

use serde_json::Value;

use crate::corner::{Corner, fed, finished, text};

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
    for part in [
        "secret  K",
        ".github/workflows/a.yml:6",
        "deployment  npm publish",
        "ends with its task: nothing",
        "can do",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = corner.run(["reach", "--json", "--without", "push", &tree]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["reach"], Value::Array(Vec::new()), "{object}");
    let output = corner.run(["reach", "--dot", "--agent", "claude-code", &tree]);
    assert!(text(&output).contains("\"branch a branch of the repository\" -> "), "{}", text(&output));
    assert_eq!(corner.run(["reach", "--agent", "nobody", &tree]).status.code(), Some(2));
    let role = corner.bin().join("role.toml");
    let told = |text: &str| {
        std::fs::write(&role, text).unwrap();
        corner.run(["reach", "--human-role", role.to_str().unwrap(), &tree])
    };
    let said = text(&told("role = \"writer\"\npush = true\nedit_workflows = true\n"));
    assert!(said.contains("beyond role writer: nothing that is seen here"), "{said}");
    let said = text(&told(
        "role = \"reader\"\nreaches = [\"branch:*\", \"job:*\", \"deployment:*\", \"token-scope:*\"]\n",
    ));
    assert!(said.contains("beyond role reader: secret K\n"), "{said}");
    assert_eq!(told("permission = \"owner\"\n").status.code(), Some(2));
}

#[test]
fn what_the_machine_holds_is_reached_by_whoever_is_started_by_itself() {
    let mut corner = Corner::new();
    let root = corner.bin().join("bare");
    std::fs::create_dir_all(root.join(".git")).unwrap();
    let root = root.to_str().unwrap().to_owned();
    let output = corner.run(["reach", "--json", &root]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", text(&output));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no agent has settings"), "{}", text(&output));
    for (path, content) in [
        (".claude/settings.json", "{\n  \"permissions\": {\"defaultMode\": \"bypassPermissions\"}\n}"),
        (".claude.json", r#"{"mcpServers": {"desk": {"url": "https://desk.example.org/mcp"}}}"#),
        (
            ".aws/credentials",
            "[default]\naws_access_key_id = AKIAMADEUPMADEUPMADE\naws_secret_access_key = madeupmadeupmadeupmadeupmadeupmadeup1234\n",
        ),
    ] {
        let path = corner.home().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let all = |corner: &Corner| -> Vec<Value> {
        let mut writ = corner.writ(["reach", "--json", &root]);
        writ.env("OPENAI_API_KEY", "made-up-key-of-a-test-7f3a9c21d4");
        let output = finished(writ);
        assert!(output.status.success() && !text(&output).contains("7f3a9c21"), "{}", text(&output));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let told = all(&corner);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in [
        r#""tool":"claude-code""#,
        "bypassPermissions",
        r#"{"kind":"mcp-server","name":"desk"}"#,
        r#"{"kind":"host","name":"desk.example.org"}"#,
        r#""file":"~/.claude.json""#,
        r#""file":"~/.aws/credentials""#,
        r#"{"kind":"cloud","name":"the AWS account of profile default"}"#,
        "OPENAI_API_KEY in environment",
    ] {
        assert!(told[0].to_string().contains(part), "{part}: {}", told[0]);
    }
    // A pipeline's agent gets what its job holds, and none of the machine.
    let workflow = std::path::Path::new(&root).join(".github/workflows/fix.yml");
    std::fs::create_dir_all(workflow.parent().unwrap()).unwrap();
    let written = "on: issue_comment\njobs:\n  fix:\n    permissions: {contents: write}\n    steps:\n      - run: claude -p x\n        env: {K: '${{ secrets.K }}'}\n";
    std::fs::write(&workflow, written).unwrap();
    let said = text(&corner.run(["reach", "--agent", "ci:.github/workflows/fix.yml#fix", &root]));
    for part in [
        "(claude-code), started by the forge",
        "from outside",
        "`issue_comment`",
        "secret  K",
        "token-scope  contents",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(".aws"), "{said}");
    assert!(all(&corner).iter().any(|told| told["outsider"][0]["line"] == 1), "{said}");
    std::fs::remove_file(workflow).unwrap();
    // In the sandbox none of these is there.
    corner.serve();
    corner.register("claude-code");
    let both = all(&corner);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[1]["governed"] == true && !both[1].to_string().contains(".aws"), "{}", both[1]);
}

#[test]
fn a_governed_agent_reaches_what_policy_lets_it_and_its_loans_end() {
    let corner = Corner::with_control_plane();
    corner.register("claude-code");
    let tree = tree(&corner);
    let mut add = corner.writ(["secret", "add", "forge", "--stdin", "--host", "forge.example.org"]);
    add.stdin(std::process::Stdio::piped());
    let added = fed(add, b"made-up-value-of-a-test\n");
    assert!(added.status.success(), "{}", text(&added));
    let of = |more: &[&str]| -> Vec<Value> {
        let output = corner.run(["reach", "--json", &tree].iter().chain(more));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let reaches = |told: &Value, kind: &str, name: &str| {
        let chains = told["reach"].as_array().unwrap().iter();
        chains.clone().any(|chain| chain["to"]["kind"] == kind && chain["to"]["name"] == name)
    };
    let both = of(&[]);
    assert_eq!(both.len(), 2, "{both:?}");
    let (alone, governed) = (&both[0], &both[1]);
    assert_eq!((&alone["governed"], &governed["governed"]), (&false.into(), &true.into()));
    assert!(!reaches(alone, "credential", "forge") && reaches(governed, "credential", "forge"), "{governed}");
    assert!(reaches(governed, "host", "forge.example.org"), "{governed}");
    let ends = governed["revoked_when_the_task_ends"].to_string();
    assert!(ends.contains("its writ") && ends.contains("the loan of forge"), "{ends}");
    // Policy lets nobody edit workflows unasked: what is on the branch runs, and nothing else.
    let gates = governed["gates"].to_string();
    assert!(gates.contains("edit-workflows"), "{gates}");
    // A review pushes nothing.
    let review = of(&["--kind", "review", "--agent", "claude-code"]);
    let review = review.iter().find(|told| told["governed"] == true).unwrap();
    assert!(!reaches(review, "secret", "K"), "{review}");
    assert!(reaches(alone, "secret", "K"), "{alone}");
    assert!(review["can"]["unasked"].to_string().contains("read"), "{review}");
    let said = text(&corner.run(["reach", &tree]));
    assert!(said.contains("governed, under `writ run`") && said.contains("the loan of forge"), "{said}");
    assert!(!said.contains("made-up-value"), "{said}");
    assert!(text(&corner.run(["reach", "--dot", &tree])).contains("claude-code, governed"));
}
