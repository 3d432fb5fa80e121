//! Servers out of every client's form.

use proptest::prelude::*;

use super::*;
use crate::document::{Notation, parse};

fn of(text: &str, notation: Notation) -> Vec<Server> {
    servers(&parse(text.as_bytes(), notation).unwrap(), true)
}

#[test]
fn each_form_names_the_same_server() {
    for (text, notation) in [
        (
            r#"{"mcpServers": {"x": {"command": "npx", "args": ["-y", "p@1.2.3"], "env": {"A_TOKEN": "${A_TOKEN}"}}}}"#,
            Notation::Json,
        ),
        (
            r#"{"servers": {"x": {"type": "stdio", "command": "npx", "args": ["p@1.2.3"], "env": {"A_TOKEN": "$A_TOKEN"}}}}"#,
            Notation::Json,
        ),
        (
            r#"{"mcp": {"x": {"type": "local", "command": ["npx", "-y", "p@1.2.3"], "environment": {"A_TOKEN": "{env:A_TOKEN}"}}}}"#,
            Notation::Json,
        ),
        (
            r#"{"mcp": {"servers": {"x": {"command": "npx", "args": ["p@1.2.3"], "env": {"A_TOKEN": "${env:A_TOKEN}"}}}}}"#,
            Notation::Json,
        ),
        (
            r#"{"context_servers": {"x": {"command": {"path": "npx", "args": ["p@1.2.3"], "env": {"A_TOKEN": "$A_TOKEN"}}}}}"#,
            Notation::Json,
        ),
        (r#"{"x": {"command": "npx", "args": ["-y", "p@1.2.3"], "env": {"A_TOKEN": ""}}}"#, Notation::Json),
        (
            "[mcp_servers.x]\ncommand = \"npx\"\nargs = [\"p@1.2.3\"]\nenv_vars = [\"A_TOKEN\", \"LANG\"]\n",
            Notation::Toml,
        ),
        (
            "extensions:\n  x:\n    type: stdio\n    cmd: npx\n    args: [p@1.2.3]\n    env_keys: [A_TOKEN]\n  dev:\n    type: builtin\n",
            Notation::Yaml,
        ),
        (
            "mcpServers:\n  - name: x\n    command: npx\n    args: [-y, p@1.2.3]\n    env:\n      A_TOKEN: ${{ secrets.A_TOKEN }}\n",
            Notation::Yaml,
        ),
    ] {
        let found = of(text, notation);
        assert_eq!(found.len(), 1, "{text}");
        let server = &found[0];
        assert_eq!((server.name.as_str(), server.transport), ("x", Transport::Stdio), "{text}");
        assert_eq!(server.command.as_deref(), Some("npx"), "{text}");
        assert_eq!(server.package, Some(Package { spelling: "p@1.2.3".into(), pinned: true }), "{text}");
        assert_eq!(server.credential_names, BTreeSet::from(["A_TOKEN".to_owned()]), "{text}");
        assert_eq!(server.hard_coded, [], "{text}");
    }
}

#[test]
fn a_credential_is_found_where_it_stands() {
    const KEY: &str = "8f3b2c1d9e7a4b60aa";
    for (server, line) in [
        (format!(r#"{{"command":"x",{}"env":{{"API_KEY":"{KEY}"}}}}"#, '\n'), 2),
        (format!(r#"{{"command":"x",{}"args":["--api-key","{KEY}"]}}"#, '\n'), 2),
        (format!(r#"{{"command":"x","args":["-e",{}"API_KEY={KEY}"]}}"#, '\n'), 2),
        (format!(r#"{{"command":"x","args":["--header",{}"Authorization: Bearer {KEY}"]}}"#, '\n'), 2),
        (format!(r#"{{{}"url":"https://h/mcp?api_key={KEY}"}}"#, '\n'), 2),
        (format!(r#"{{"url":"https://h/mcp",{}"headers":{{"Authorization":"Bearer {KEY}"}}}}"#, '\n'), 2),
        (format!(r#"{{"url":"https://user:{KEY}@h/mcp"}}"#), 1),
        (format!(r#"{{"command":"x","args":["postgresql://me:{KEY}@h/db"]}}"#), 1),
    ] {
        let found = of(&format!(r#"{{"mcpServers":{{"s":{server}}}}}"#), Notation::Json);
        assert_eq!(found[0].hard_coded.iter().map(|at| at.line).collect::<Vec<_>>(), [line], "{server}");
        assert!(!format!("{found:?}").contains(&KEY.to_uppercase()), "{server}");
    }
}

#[test]
fn a_package_is_read_out_of_each_runner() {
    for (words, spelling, pinned) in [
        ("npx -y @a/b@latest x", "@a/b@latest", false),
        ("npx -y @a/b", "@a/b", false),
        ("C:\\x\\bunx -y @a/b@1.0.0", "@a/b@1.0.0", true),
        ("uvx --from p==1.2 tool", "p==1.2", true),
        ("docker run -i --rm -e TOKEN -v /a:/b img:1", "img:1", false),
        ("docker run img@sha256:00", "img@sha256:00", true),
        ("pnpm dlx p", "p", false),
        ("uv tool run p", "p", false),
        ("cmd /c npx -y p", "p", false),
    ] {
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        assert_eq!(package_of(&words), Some(Package { spelling: spelling.into(), pinned }), "{words:?}");
    }
    assert_eq!(package_of(&["node".into(), "x.js".into()]), None);
    assert_eq!(package_of(&["cmd".into()]), None);
}

proptest! {
    #[test]
    fn no_configuration_breaks_the_reader_and_no_value_gets_out(
        keys in proptest::collection::vec("(command|args|env|url|type|headers|A_KEY|--key|trust|autoApprove|servers)", 1..6),
        value in "[A-Za-z0-9]{24,32}[0-9]",
    ) {
        let mut text = format!("\"{value}\"");
        for key in &keys {
            text = format!("{{\"{key}\": {text}, \"name\": \"n\", \"args\": [\"--api-key\", \"{value}\"]}}");
        }
        let found = of(&format!("{{\"mcpServers\": {{\"x\": {text}}}}}"), Notation::Json);
        for server in &found {
            prop_assert!(server.hard_coded.iter().all(|at| !at.name.contains(&value)));
            prop_assert!(server.credential_names.iter().all(|name| !name.contains(&value)));
        }
    }
}
