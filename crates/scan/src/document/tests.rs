//! Documents: the same tree out of each notation, and the bounds.

use proptest::prelude::*;

use super::*;

fn read(text: &str, notation: Notation) -> Node {
    parse(text.as_bytes(), notation).unwrap()
}

#[test]
fn each_notation_gives_the_same_tree_with_its_lines() {
    for (text, notation, line) in [
        ("{\n  // why\n  \"a\": {\"b\": [1, true, \"x\"]},\n}", Notation::Json, 3),
        ("\n[a]\nb = [1, true, \"x\"]\n", Notation::Toml, 3),
        ("# why\na:\n  b: [1, true, x]\n", Notation::Yaml, 3),
    ] {
        let list = read(text, notation).at(&["a", "b"]).unwrap().clone();
        assert_eq!(list.line, line, "{text}");
        assert_eq!(
            list.items().iter().map(|item| item.scalar().unwrap()).collect::<Vec<_>>(),
            ["1", "true", "x"]
        );
    }
}

#[test]
fn a_setting_is_found_nested_or_dotted() {
    for text in
        ["{\"a.b.c\": 1}", "{\"a\": {\"b.c\": 1}}", "{\"a.b\": {\"c\": 1}}", "{\"a\": {\"b\": {\"c\": 1}}}"]
    {
        assert!(read(text, Notation::Json).setting("a.b.c").is_some(), "{text}");
    }
}

#[test]
fn aliases_and_merges_are_copied() {
    let node = read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", Notation::Yaml);
    assert_eq!(node.at(&["use", "x"]).unwrap().scalar().unwrap(), "1");
    assert_eq!(node.at(&["use", "y"]).unwrap().scalar().unwrap(), "3");
}

#[test]
fn a_billion_laughs_are_refused() {
    let mut text = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let uses = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{uses}]\n"));
    }
    assert_eq!(parse(text.as_bytes(), Notation::Yaml), Err(DocumentError::Values));
}

#[test]
fn attack_brackets_behind_operators_do_not_double_the_time_without_end() {
    let began = std::time::Instant::now();
    for (level, number) in [("c[n-utce-/cZnj+servic-/", 40), ("f(a+", 200), ("{a=b==", 60), ("[c?", 1_000)] {
        let text = format!("q={}on*#", level.repeat(number));
        assert_eq!(parse(text.as_bytes(), Notation::Hcl), Err(DocumentError::Depth), "{level}");
    }
    assert!(began.elapsed().as_secs() < 20);
    let usual = "locals {\n  a = [for s in var.x : { b = s.n + (s.m * (2 - s.k)) } if s.on != \"a-b\"]\n}\n";
    assert!(parse(usual.repeat(400).as_bytes(), Notation::Hcl).is_ok());
}

#[test]
fn marks_of_toml_are_counted_before_they_are_parsed() {
    let lines = |number: usize| format!("[a]\nb = \"found\"\n{}", "x = 1\n".repeat(number));
    for (text, problem) in [
        (lines(10), Some(DocumentError::Syntax { line: 4 })),
        (lines(200_000), Some(DocumentError::Values)),
        (format!("[a]\nb = \"found\"\nc = [{}]", "1,".repeat(400_000)), Some(DocumentError::Values)),
        (format!("[a]\nb = \"found\"\n{}", "\u{fffd}!\n".repeat(400_000)), Some(DocumentError::Values)),
    ] {
        let Read { node, problem: told } = super::read(text.as_bytes(), Notation::Toml);
        assert_eq!(told, problem);
        assert_eq!(node.at(&["a", "b"]).and_then(Node::text), Some("found"));
    }
}

#[test]
fn servers_of_jetbrains_are_those_of_json() {
    let component = |inner: &str| {
        format!(
            "<?xml version=\"1.0\"?>\n<application><component name=\"Other\"><option name=\"name\" value=\"no\"/></component>\n<component name=\"McpApplicationServerCommands\">{inner}</component></application>"
        )
    };
    let old = "<McpServerCommand>\n<option name=\"name\" value=\"nx\"/><option name=\"programPath\" value=\"npx\"/>\n<option name=\"arguments\" value=\"-y nx-mcp\"/><envs><env name=\"A\" value=\"&lt;b&gt;\"/></envs></McpServerCommand>";
    let new = "<commands><P><option name=\"enabled\" value=\"false\"/><option name=\"command\" value=\"x\"/><option name=\"name\" value=\"y\"/></P></commands><urls><U><option name=\"name\" value=\"u\"/><option name=\"url\" value=\"https://u.example\"/></U></urls>";
    let state = "<commands><P><option name=\"name\" value=\"state\"/></P><Q/></commands>";
    let text = component(&format!("{old}{new}{state}"));
    let node = read(&text, Notation::Xml);
    let servers = node.get("mcpServers").unwrap();
    let names: Vec<&str> = servers.members().iter().map(|member| member.key.as_str()).collect();
    assert_eq!(names, ["nx", "y", "u"]);
    let nx = servers.get("nx").unwrap();
    assert_eq!((nx.line, nx.get("command").and_then(Node::text)), (3, Some("npx")));
    assert_eq!(nx.at(&["env", "A"]).and_then(Node::text), Some("<b>"));
    assert_eq!(servers.at(&["y", "enabled"]).and_then(Node::truth), Some(false));
    // What is cut off, multiplies or is too deep is told, and what stood before it is kept.
    for (text, problem) in [
        (component(old).replace("</application>", "<").replace("</component><", "<"), true),
        (format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", component(&old.replace("&lt;", "&a;"))), false),
        (format!("{}{}", component(old).replace("</application>", ""), "<a>".repeat(500)), true),
    ] {
        let read = super::read(text.as_bytes(), Notation::Xml);
        assert_eq!(read.problem.is_some(), problem, "{text}");
        assert!(read.node.at(&["mcpServers", "nx"]).is_some(), "{text}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for notation in [Notation::Json, Notation::Toml, Notation::Yaml] {
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        let text = if notation == Notation::Toml { format!("a = {deep}") } else { deep };
        assert!(parse(text.as_bytes(), notation).is_err());
    }
}

/// Clients read much that is no clean text, and so a setting must not hide behind what we do not understand.
#[test]
fn what_can_be_read_is_kept_and_the_rest_is_told() {
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let long = format!("[{}]", vec!["1"; MAX_ITEMS + 5].join(","));
    let padding = "x".repeat(MAX_JSON_BYTES);
    for (text, clean) in [
        (r#"{"x": "\ud800", "a": {"b": "found"}}"#.to_owned(), true),
        (r#"{"x": "\ud83d\ude00", "a": {"b": "found"}}"#.to_owned(), true),
        (r#"{'x': 0x1f, a: {b: "found",},} // end"#.to_owned(), true),
        (format!(r#"{{"x": {deep}, "a": {{"b": "found"}}}}"#), false),
        (format!(r#"{{"x": {long}, "a": {{"b": "found"}}}}"#), false),
        (format!(r#"{{"a": {{"b": "found"}}, "x": "{padding}"}}"#), false),
        (r#"{"x": [1, 2}, "a": {"b": "found"}}"#.to_owned(), false),
        (r#"{"x": ::, "y" "a": {"b": "found"}"#.to_owned(), false),
        (r#"{"a": {"b": "found"#.to_owned(), false),
    ] {
        let read = super::read(text.as_bytes(), Notation::Json);
        let shown: String = text.chars().take(60).collect();
        assert_eq!(read.node.at(&["a", "b"]).and_then(Node::text), Some("found"), "{shown}");
        assert_eq!(read.problem.is_none(), clean, "{shown}: {:?}", read.problem);
    }
    let read = super::read(b"{\"x\": \"\xff\", \"y\": \"\\ud83d\\ude00\"}", Notation::Json);
    assert_eq!(read.node.get("x").and_then(Node::text), Some("\u{fffd}"));
    assert_eq!(read.node.get("y").and_then(Node::text), Some("😀"));
    for (text, notation) in [
        ("[a]\nb = \"found\"\n[c\n".to_owned(), Notation::Toml),
        ("a:\n  b: found\nc: [1\nd: {\n".to_owned(), Notation::Yaml),
        (format!("a:\n  b: found\nc: {}{}\n", "[".repeat(200), "]".repeat(200)), Notation::Yaml),
        (format!("c: {}{}\na:\n  b: found\n", "[".repeat(200), "]".repeat(200)), Notation::Yaml),
    ] {
        let read = super::read(text.as_bytes(), notation);
        assert_eq!(read.node.at(&["a", "b"]).and_then(Node::text), Some("found"), "{text}");
        assert!(read.problem.is_some(), "{text}");
    }
}

#[test]
fn front_matter_that_is_no_yaml_gives_its_members() {
    let node =
        front_matter(b"---\nname: x\ndescription: use: when \"a\": b\ntools:\n  - Bash\n---\n").unwrap();
    assert_eq!(node.get("description").unwrap().text(), Some("use: when \"a\": b"));
    assert_eq!((node.get("tools").unwrap().texts(), node.get("tools").unwrap().line), (vec!["Bash"], 5));
}

#[test]
fn front_matter_keeps_its_lines() {
    let node = front_matter(b"---\nname: x\ntools: [Bash]\n---\n# Title\n").unwrap();
    assert_eq!(node.get("tools").unwrap().line, 3);
    assert_eq!(front_matter(b"# Title\n---\na: b\n---\n"), None);
}

proptest! {
    #[test]
    fn no_text_breaks_a_reader(text in "\\PC{0,200}", yaml in "[a-c:&*<>|'\"\\-\\[\\]{}, \n#!%]{0,120}") {
        for notation in [Notation::Json, Notation::Toml, Notation::Xml, Notation::Yaml] {
            let _ = parse(text.as_bytes(), notation);
            let _ = parse(yaml.as_bytes(), notation);
        }
        let _ = front_matter(format!("---\n{yaml}\n---\n").as_bytes());
    }

    #[test]
    fn what_serde_writes_is_read_back(value in proptest::collection::btree_map("[a-z\\.]{1,6}", "\\PC{0,12}", 0..6)) {
        let text = serde_json::to_string(&value).unwrap();
        for notation in [Notation::Json, Notation::Yaml] {
            let node = parse(text.as_bytes(), notation).unwrap();
            for (key, expected) in &value {
                prop_assert_eq!(node.get(key).unwrap().text().unwrap(), expected);
            }
        }
    }
}

#[test]
fn attack_aliases_of_long_texts_do_not_fill_the_memory() {
    let long = "x".repeat(1 << 20);
    for text in [
        format!("a: &t {long}\nb: [{}]\n", "*t, ".repeat(1_000)),
        format!("a: &t {{k: {long}}}\nb: [{}]\n", "*t, ".repeat(1_000)),
        format!("a: {}{long}{}\n", (0..90).map(|at| format!("&t{at} [")).collect::<String>(), "]".repeat(90)),
    ] {
        let found = super::read(text.as_bytes(), Notation::Yaml);
        assert_eq!(found.problem, Some(DocumentError::Values));
        assert!(parse(text.as_bytes(), Notation::Yaml).is_err());
    }
    let few = format!("a: &t {long}\nb: [*t, *t]\n");
    assert_eq!(read(&few, Notation::Yaml).at(&["b"]).unwrap().items().len(), 2);
}
