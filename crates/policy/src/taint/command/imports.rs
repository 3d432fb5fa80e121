//! The files that code in quotes brings in by name: `import x`, `require("./x")`.

/// Most names that are read from one piece of code.
const MOST: usize = 16;

/// Paths that a piece of code may load, as they would be looked for beside it.
pub(super) fn imported(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = code.split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '(' | ')')).peekable();
    let mut lists = false;
    while let Some(word) = words.next() {
        lists = match word {
            "import" | "from" => true,
            "" => lists,
            _ if lists && is_module(word) => {
                let path = word.replace('.', "/");
                found.extend([format!("{path}.py"), format!("{path}/__init__.py")]);
                // `import a, b` names two; `from a import b` only the first.
                words.peek().is_some_and(|next| next.is_empty())
            }
            _ => false,
        };
    }
    for text in code.split(['"', '\'', '`']).skip(1).step_by(2) {
        if text.starts_with("./") || text.starts_with("../") {
            found.push(text.to_owned());
            found.extend(["js", "mjs", "cjs", "ts", "rb", "php"].map(|kind| format!("{text}.{kind}")));
        }
    }
    found.truncate(MOST * 7);
    found
}

fn is_module(word: &str) -> bool {
    word.len() <= 100
        && word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_code_brings_in_is_named() {
        for (code, expected) in [
            ("import fetched", "fetched.py"),
            ("import os, tools.fetched", "tools/fetched.py"),
            ("from fetched import run; run()", "fetched.py"),
            ("require(\"./fetched\")", "./fetched.js"),
            ("import('./lib/x.mjs')", "./lib/x.mjs"),
            ("require_relative './fetched'", "./fetched.rb"),
        ] {
            assert!(imported(code).iter().any(|name| name == expected), "{code}: {:?}", imported(code));
        }
        assert_eq!(imported("print(1)"), Vec::<String>::new());
    }

    proptest::proptest! {
        #[test]
        fn any_code_is_read(code in ".{0,300}") {
            assert!(imported(&code).len() <= MOST * 7);
        }
    }
}
