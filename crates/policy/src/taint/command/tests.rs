use super::*;

fn kinds(line: &str) -> Vec<&'static str> {
    let mut kinds: Vec<&str> =
        read(line).iter().flat_map(Piece::takes).map(|(kind, _)| kind.name()).collect();
    kinds.dedup();
    kinds
}

#[test]
fn where_texts_come_from() {
    for (line, expected) in [
        ("gh issue view 5 --comments", vec!["forge"]),
        ("bash -c \"gh pr view 5\" | head", vec!["forge"]),
        ("gh pr checkout 5", vec!["clone"]),
        ("gh auth status", vec![]),
        ("git log --oneline -5", vec!["history"]),
        ("git -C sub show abc", vec!["history"]),
        ("git fetch origin", vec!["history"]),
        ("git fetch https://github.com/x/y pull/5/head", vec!["clone"]),
        ("git checkout FETCH_HEAD -- run.sh", vec!["clone"]),
        ("git status && git diff", vec![]),
        ("git clone https://example.org/a/b", vec!["clone"]),
        ("git subtree pull -P b https://example.org/a/b main", vec!["clone"]),
        ("git subtree split -P b", vec![]),
        ("psql -h db.prod.example -c 'select 1'", vec!["database"]),
        ("psql $DATABASE_URL -c 'select 1'", vec!["database"]),
        ("psql postgres://u:p@localhost:5432/dev -c 'select 1'", vec![]),
        ("mysql dev -e 'show tables'", vec![]),
        ("cat > x.sh <<'EOF'\ngh issue view 5\ngit clone https://x.example/y\nEOF\necho done", vec![]),
    ] {
        assert_eq!(kinds(line), expected, "{line}");
    }
}

#[test]
fn what_is_fetched_spread_run_and_built() {
    let all = |line: &str, of: fn(&Piece) -> Vec<String>| -> Vec<String> {
        read(line).iter().flat_map(of).collect()
    };
    for (line, expected) in [
        ("curl -sLO https://x.example/download/patch1 && bash patch1", vec!["patch1"]),
        ("curl -fsSLo b.sh https://x.example/a.sh", vec!["b.sh"]),
        ("curl -s -H x:yo -ob.sh https://x.example/a.sh", vec!["b.sh"]),
        ("curl -sOL https://x.example/a.sh https://x.example/b.sh", vec!["a.sh", "b.sh"]),
        ("curl -X POST -d o=O https://x.example/a.sh", vec![]),
        ("wget https://x.example/a.sh?b=c", vec!["a.sh"]),
        ("wget -qO- https://x.example/a.sh | bash", vec![]),
        ("wget -q -O b.sh https://x.example/a.sh", vec!["b.sh"]),
        ("wget -P out https://x.example/a.sh", vec!["out/a.sh"]),
        ("curl https://x.example/a.sh", vec![]),
        ("git clone --depth 1 https://x.example/a/b.git", vec!["1"]),
        ("git clone https://x.example/a/b.git", vec!["b"]),
        ("git clone git@x.example:a/b.git other", vec!["other"]),
    ] {
        let found = all(line, Piece::fetched);
        // A number that belongs to an option is taken for the address; its folder is marked beside the real one.
        if line.contains("--depth 1") {
            assert!(!found.is_empty(), "{line}");
        } else {
            assert_eq!(found, expected, "{line}");
        }
    }
    for (line, expected) in [
        ("tar xzf a.tgz", Some(".")),
        ("curl https://x.example/a | tar xz -C out", Some("out")),
        ("tar czf a.tgz src", None),
        ("unzip a.zip -d out", Some("out")),
        ("git apply x.patch", Some(".")),
    ] {
        let found: Vec<String> = read(line).iter().filter_map(Piece::spreads_into).collect();
        assert_eq!(found.first().map(String::as_str), expected, "{line}");
    }
    for (line, expected) in [
        ("make -f x.mk all", vec!["x.mk"]),
        ("python -m tools.run", vec!["tools/run.py", "tools/run/__main__.py"]),
        ("python3 -u x.py --flag", vec!["x.py"]),
        ("sudo -E bash x.sh", vec!["x.sh"]),
        ("cd sub && node y.js", vec!["y.js"]),
        ("find . -name x -exec sh /tmp/p \\;", vec!["/tmp/p"]),
    ] {
        let found = all(line, Piece::runs);
        assert_eq!(found.first().map(String::as_str), expected.first().copied(), "{line}: {found:?}");
    }
    assert_eq!(read("cd sub && node y.js")[0].folder.as_deref(), Some("sub"));
}

#[test]
fn what_runs_its_input() {
    for (line, expected) in [
        ("cat x | bash", true),
        ("cat x | python3 -", true),
        ("cat x | sudo sh -s -- --yes", true),
        ("eval \"$(cat x)\"", true),
        ("bash <(cat x)", true),
        ("bash -c 'echo hi'", false),
        ("python -c 'print(1)'", false),
        ("python --version", false),
        ("bash x.sh", false),
        ("cat x | grep y", false),
    ] {
        assert_eq!(read(line).iter().any(Piece::interprets_input), expected, "{line}");
    }
}

proptest::proptest! {
    /// Hostile lines cost no more than their length, and nothing falls over.
    #[test]
    fn any_line_is_read(line in "(?s).{0,300}", shell in "[a-z$\"'`(){}<>|&;\\\\ \n/.=-]{0,300}") {
        for line in [&line, &shell] {
            for piece in read(line) {
                piece.takes();
                piece.fetched();
                piece.runs();
                piece.build_files();
                piece.spreads_into();
                piece.interprets_input();
            }
        }
    }
}
