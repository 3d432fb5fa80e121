use serde_json::json;

use super::*;

fn bounds(text: &str) -> Result<Bounds, String> {
    let bounds: Bounds = serde_json::from_str(text).map_err(|error| error.to_string())?;
    bounds.check().map_err(|error| error.to_string())?;
    Ok(bounds)
}

#[test]
fn bounds_survive_their_text() {
    let text = r#"{"repository":"acme/pear","read":["**"],"deny-read":["**/.env","!**/.env.example"],"write":["src/**"],
        "protected":[".github/**"],"effects":["read","package-install:lockfile"],"hosts":["*.example.org"],
        "push":["agent/*"],"mcp":{"forge":["get","review@acme/pear","send:to=a,cc=b"]},
        "calls":[{"server":"bank","tool":"pay","arguments":{"amount":4}}],"secrets":[],"publish":false,"deploy":[],
        "stop-on":["guardrail"]}"#;
    let read = bounds(text).unwrap();
    assert_eq!(bounds(&serde_json::to_string(&read).unwrap()), Ok(read.clone()));
    assert!(!read.is_empty());
    assert!(bounds("{}").unwrap().is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for text in [
        r#"{"writes":["src/**"]}"#,
        r#"{"read":[""]}"#,
        r#"{"read":["a\u0000b"]}"#,
        r#"{"read":["{a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a,b,c,d,e,f,g,h,i,j,k,l,m,n,o}"]}"#,
        r#"{"effects":["everything"]}"#,
        r#"{"effects":["unknown"]}"#,
        r#"{"effects":["read:lockfile"]}"#,
        r#"{"hosts":["https://example.org/"]}"#,
        r#"{"hosts":["*"," "]}"#,
        r#"{"hosts":["a.*.org"]}"#,
        r#"{"mcp":{"forge":["get:"]}}"#,
        r#"{"mcp":{"forge":["@acme/pear"]}}"#,
        r#"{"mcp":{"forge":["send:whoever"]}}"#,
        r#"{"repository":"just-a-name"}"#,
        r#"{"stop-on":["boredom"]}"#,
    ] {
        assert!(bounds(text).is_err(), "{text}");
    }
    let many = format!(r#"{{"secrets":[{}]}}"#, vec![r#""x""#; 2_000].join(","));
    assert!(bounds(&many).is_err());
}

#[test]
fn a_host_is_its_name_and_nothing_that_looks_like_it() {
    let covers = |pattern: &str, host: &str| pattern.parse::<HostPattern>().unwrap().covers(host);
    assert!(covers("api.example.org", "API.example.org."));
    assert!(covers("api.example.org", "api.example.org:443"));
    assert!(covers("*.example.org", "a.b.example.org"));
    assert!(covers("example.org:8443", "example.org:8443"));
    for (pattern, host) in [
        ("api.example.org", "api.example.org.evil.example"),
        ("api.example.org", "xapi.example.org"),
        ("api.example.org", "api.example.org:22"),
        ("*.example.org", "example.org"),
        ("*.example.org", "evilexample.org"),
        ("example.org:8443", "example.org"),
    ] {
        assert!(!covers(pattern, host), "{pattern} {host}");
    }
}

#[test]
fn values_are_compared_by_what_they_are_worth() {
    for (one, other) in [
        (json!(98.7), serde_json::from_str("98.70").unwrap()),
        (json!(4), json!(4.0)),
        (json!({"a": 1, "b": [1.0]}), json!({"b": [1], "a": 1})),
    ] {
        assert!(same_value(&one, &other), "{one} {other}");
    }
    for (one, other) in [
        (json!(4), json!("4")),
        (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64)),
        (json!([1, 2]), json!([2, 1])),
        (json!({"a": 1}), json!({"a": 1, "b": null})),
        (json!(null), json!(false)),
    ] {
        assert!(!same_value(&one, &other), "{one} {other}");
    }
}

#[test]
fn a_tool_is_called_for_what_was_named() {
    let covers = |bound: &str, tool: &str, arguments: Value| {
        bound.parse::<ToolBound>().unwrap().covers(tool, &arguments)
    };
    assert!(covers("get", "get", json!({"anything": 1})));
    assert!(covers("get_*", "get_issue", json!(null)));
    assert!(covers(
        "review@acme/pear",
        "review",
        json!({"repo": "acme/pear", "body": "other/thing", "head": "agent/x"})
    ));
    assert!(covers("review@acme/pear", "review", json!({"repo": "acme/pear", "body": "fine"})));
    assert!(covers("review@acme/pear", "review", json!({"owner": "acme", "repo": "pear"})));
    assert!(covers("mail@bob@acme.example", "mail", json!({"to": ["bob@acme.example"], "body": "hi"})));
    assert!(covers("send:to=+15550100", "send", json!({"to": "+15550100", "body": "hi"})));
    assert!(covers("move:amount<=50,to=DE1", "move", json!({"amount": 49.9, "to": "DE1"})));
    assert!(covers("get:path=docs/*", "get", json!({"path": "docs/a/b.md"})));
    assert!(covers("sql:read-only", "sql", json!({"query": "SELECT name FROM pears;"})));
    for (bound, tool, arguments) in [
        ("get", "get_all", json!({})),
        ("get", "get", json!(["x"])),
        ("review@acme/pear", "review", json!({"repo": "acme/apple"})),
        ("review@acme/pear", "review", json!({"owner": "acme", "repo": "apple"})),
        ("review@acme/pear", "review", json!({})),
        ("mail@bob@acme.example", "mail", json!({"to": ["bob@acme.example", "eve@x.example"]})),
        ("mail@bob@acme.example", "mail", json!({"to": "bob@acme.example", "bcc": "eve@x.example"})),
        ("send:to=+15550100", "send", json!({"to": "+15550199"})),
        ("send:to=+15550100", "send", json!({"to": "15550100"})),
        ("send:to=+15550100", "send", json!({"to": ["+15550100", "+15550199"]})),
        ("send:to=+15550100", "send", json!({})),
        ("move:amount<=50,to=DE1", "move", json!({"amount": 50.1, "to": "DE1"})),
        ("move:amount<=50,to=DE1", "move", json!({"amount": "many", "to": "DE1"})),
        ("get:path=docs/*", "get", json!({"path": "docs/../.env"})),
        ("sql:read-only", "sql", json!({"query": "SELECT 1; DROP TABLE pears"})),
        (
            "sql:read-only",
            "sql",
            json!({"query": "WITH x AS (DELETE FROM pears RETURNING 1) SELECT * FROM x"}),
        ),
        ("sql:read-only", "sql", json!({})),
    ] {
        assert!(!covers(bound, tool, arguments.clone()), "{bound} {arguments}");
    }
}
