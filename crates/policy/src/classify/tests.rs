//! The parts that the public door does not show: words, patterns, paths, and that the data is well formed.

use super::word::{self, Piece};
use super::{Facts, catalogue, flags, path};
use crate::classify::word::Value;

fn values(words: &str) -> Vec<Value> {
    words.split_whitespace().map(Value::known).collect()
}

#[test]
fn words_split_into_pieces() {
    let texts = |raw: &str| -> Vec<String> {
        word::pieces(raw)
            .iter()
            .map(|piece| match piece {
                Piece::Text { text, quoted } => format!("{}{text}", if *quoted { "q:" } else { "" }),
                Piece::Variable { name, operator, .. } => format!("${name}{operator}"),
                Piece::Command { text, .. } => format!("({text})"),
                Piece::Arithmetic { text } => format!("(({text}))"),
            })
            .collect()
    };
    for (raw, expected) in [
        ("g\"\"it", vec!["g", "q:", "it"]),
        (r"a\ b", vec!["a", "q: ", "b"]),
        ("'a b'c", vec!["q:a b", "c"]),
        (r"$'\x41\102\u0043\n'", vec!["q:ABC\n"]),
        ("$x-${y:-z}", vec!["$x", "-", "$y:-z"]),
        ("${#x}${!y}$1$@", vec!["$x!", "$y!", "$1", "$@"]),
        ("$(a \")\" b)c", vec!["(a \")\" b)", "c"]),
        ("\"$(a \"$(b)\")\"", vec!["q:", "(a \"$(b)\")"]),
        ("`a \\`b\\``", vec!["(a `b`)"]),
        ("$((1 + (2)))", vec!["((1 + (2)))"]),
        ("$( (a) )", vec!["( (a) )"]),
        ("$(a # )\n)b", vec!["(a # )\n)", "b"]),
        ("a$", vec!["a$"]),
        ("\"a$\"", vec!["q:a$"]),
        ("'open", vec!["q:open"]),
        ("$(open", vec!["(open)"]),
    ] {
        assert_eq!(texts(raw), expected, "{raw}");
    }
}

#[test]
fn braces_expand_as_in_bash() {
    for (raw, expected) in [
        ("a{b,c}d", vec!["abd", "acd"]),
        ("{a,b}{c,d}", vec!["ac", "ad", "bc", "bd"]),
        ("{a,{b,c}}", vec!["a", "b", "c"]),
        ("{a}", vec!["{a}"]),
        ("{1..3}", vec!["{1..3}"]),
        ("'{a,b}'", vec!["'{a,b}'"]),
        ("${x,y}", vec!["${x,y}"]),
        ("{,x}", vec!["", "x"]),
    ] {
        assert_eq!(word::expand_braces(raw, 64), expected, "{raw}");
    }
    assert!(word::expand_braces(&"{a,b}".repeat(40), 64).len() <= 64 * 2);
}

#[test]
fn options_are_found_in_every_form() {
    let args = values("-xvf a.tar --out=b -Idir --name c -- -z");
    assert!(flags::has(&args, "-v") && flags::has(&args, "--out") && flags::has(&args, "--name"));
    assert!(!flags::has(&args, "-z") && !flags::has(&args, "--na"));
    assert_eq!(flags::values(&args, "--out --name"), ["b", "c"]);
    assert_eq!(flags::values(&args, "-I"), ["dir"]);
    let words: Vec<&str> =
        flags::positionals(&args, "--name -xvf").iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["-z"]);
}

#[test]
fn the_longest_pattern_wins() {
    for (command, pattern) in [
        ("npm publish --dry-run", "publish --dry-run"),
        ("aws iam list-users", "iam list-*"),
        ("aws iam create-user", "iam *"),
        ("terraform apply -destroy", "apply -destroy"),
        ("gh api x -X DELETE", "api -X=!GET"),
        ("gh api x -X GET", "api"),
    ] {
        let mut words = values(command);
        let program = words.remove(0).text;
        let listed = catalogue::lookup(&program, &words).expect("listed");
        assert_eq!(listed.pattern, pattern, "{command}");
    }
}

#[test]
fn the_data_is_well_formed() {
    let commands: serde_json::Value =
        serde_json::from_str(include_str!("../../data/commands.json")).expect("JSON");
    for (name, program) in commands["programs"].as_object().expect("programs") {
        assert!(catalogue::is_listed(name), "{name}");
        if let Some(other) = program["like"].as_str() {
            assert!(commands["programs"][other]["else"].is_string(), "{name} is like {other}");
            continue;
        }
        assert!(program["else"].is_string(), "{name} has no usual class");
        for patterns in program["rules"].as_object().into_iter().flat_map(|rules| rules.values()) {
            for pattern in patterns.as_array().expect("patterns") {
                for token in pattern.as_str().expect("text").split_whitespace() {
                    let is_plain = !token.starts_with(['-', '!']) || !token.contains('|');
                    assert!(is_plain && !token.contains("|-"), "{name}: {pattern}");
                }
            }
        }
    }
    assert!(catalogue::is_listed("ls") && catalogue::is_listed("cargo"));
    assert!(
        path::is_secret("~/.aws/credentials")
            && path::is_rebuilt("node_modules")
            && path::is_log("/var/log/x")
    );
}

#[test]
fn paths_are_compared_as_they_are_meant() {
    let facts = Facts { home: Some("/data/ann"), cwd: Some("/data/ann/w"), ..Facts::default() };
    for (path, normal) in [
        ("a//b/./c/../d", "a/b/d"),
        ("/home/x/.ssh/id", "~/.ssh/id"),
        ("/data/ann/.ssh/id", "~/.ssh/id"),
        ("/root/.ssh", "~/.ssh"),
        ("~other/.ssh", "~/.ssh"),
        ("../.aws/x", "~/.aws/x"),
        ("/a/../..", "/"),
        ("A/B", "a/b"),
        (r"C:\Users\x", "c:/users/x"),
    ] {
        assert_eq!(super::path::normalise(path, &facts), normal, "{path}");
    }
    for secret in [
        ".env",
        "x/.env.local",
        "~/.ssh/id_rsa",
        "/etc/shadow",
        "server.key",
        "~/.ss*/id_*",
        ".e*",
        "/proc/1/environ",
        "x/serviceAccountKey.json",
        "credentials.tfrc.json",
        "id_ed25519_work",
        "deploy_key",
        "w/.aws/credentials.bak",
        "x/..env.swp",
        "#.env#",
        ".envrc.local",
        "prod.kubeconfig",
        "x.ovpn",
    ] {
        assert!(path::is_secret(&path::normalise(secret, &facts)), "{secret}");
    }
    for open in [
        ".env.example",
        "~/.ssh/known_hosts",
        "id_rsa.pub",
        "*.c",
        "src/env.rs",
        "keys.json",
        "*",
        "cert.pem",
        ".envrc.example",
        "id_ed25519_work.pub",
        "deploy_keys",
        "serviceaccount.rs",
    ] {
        assert!(!path::is_secret(&path::normalise(open, &facts)), "{open}");
    }
}
