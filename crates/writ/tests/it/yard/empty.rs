//! Files of the workspace that are empty inside: named everywhere, no write to one is lost in silence, git works beside them,
//! and nobody is asked for a yes that would be worth nothing.

use std::process::Command;

use super::{SECRET, furnished, played};

/// What the workspace's git says, outside.
fn outside(corner: &crate::corner::Corner, arguments: &[&str]) -> String {
    let out = Command::new("git").args(arguments).current_dir(corner.work()).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {out:?}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn a_write_to_an_empty_file_is_an_error_and_git_passes_it_over() {
    let corner = furnished();
    std::fs::write(corner.work().join("Odd [1]*.pem"), SECRET).unwrap();
    std::fs::write(corner.work().join(".gitignore"), "/[a-z]*\n!/src*\n!/deploy\n").unwrap();
    outside(&corner, &["add", ".gitignore", "CLAUDE.md", ".github", ".claude"]);
    outside(&corner, &["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "first"]);
    let git = "git -c user.name=A -c user.email=a@b.c";
    let play = format!(
        "start\ncp replies greeted; cat ~/WRIT.txt >note\n\
         (echo A=1 >.env) 2>tried && echo written >>free; cp CLAUDE.md .env 2>>tried && echo copied >>free\n\
         python3 -c \"open('.env', 'w').write('x')\" 2>>tried && echo python >>free\n\
         cat .env deploy/prod.tfvars >seen 2>&1; echo $? >>seen\n\
         (echo one >src.txt; {git} stash -u && {git} stash pop) >stashed 2>&1; echo $? >>stashed\n\
         git add -A >added 2>&1; echo $? >>added; git add .env >named 2>&1; {git} commit -qm all >committed 2>&1\n\
         git status --short >status 2>&1\nfinish\n"
    );
    let said = played(&corner, &[], &play);
    assert_eq!(corner.left("free"), "", "{}", corner.left("tried"));
    assert_eq!(corner.left("tried").matches("Read-only file system").count(), 3, "{}", corner.left("tried"));
    assert_eq!(corner.left("seen"), "0\n");
    assert!(corner.left("stashed").ends_with("\n0\n"), "{}", corner.left("stashed"));
    assert_eq!(corner.left("added"), "0\n");
    assert!(corner.left("named").contains("ignored by"), "{}", corner.left("named"));
    assert_eq!(corner.left("status"), "", "{}", corner.left("committed"));
    let kept = outside(&corner, &["ls-files"]);
    assert!(kept.contains("src.txt\n") && !kept.contains(".env") && !kept.contains("tfvars"), "{kept}");
    assert!(!kept.contains("Odd"), "{kept}");
    // Nothing of it stays, and the file is as it was.
    assert_eq!(corner.left(".env"), SECRET);
    assert!(
        !corner.left(".git/info/exclude").contains("Empty inside"),
        "{}",
        corner.left(".git/info/exclude")
    );
    let names = ".env, Odd [1]*.pem, deploy/prod.tfvars";
    for (place, told) in
        [("greeted", corner.left("greeted")), ("note", corner.left("note")), ("said", said.clone())]
    {
        assert!(told.contains(names) && told.contains("--read PATH"), "{place}: {told}");
    }
    assert_eq!(said.matches(names).count(), 2, "{said}");
}

#[test]
fn nobody_is_asked_for_a_yes_that_fills_no_file() {
    let corner = furnished();
    let play = "start\ncall c1 'cat .env'\ncall c2 'cp deploy/prod.tfvars x'\nfinish\n";
    let said = played(&corner, &["--hold", "2s"], play);
    assert_eq!(corner.left("log"), "c1 denied\nc2 denied\n", "{said}");
    let replies = corner.left("replies");
    assert!(
        replies.contains("a person's yes would not fill it") && replies.contains("--read PATH"),
        "{replies}"
    );
    let asked = corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert_eq!(asked["entries"].as_array().map(Vec::len), Some(0), "{asked}");
    // One that a person named is as it is, and its reading is a person's to allow.
    let play = "start\ncat .env >seen; cat ~/WRIT.txt >note\ncall c3 'cat .env'\nfinish\n";
    let said = played(&corner, &["--hold", "2s", "--read", ".env"], play);
    assert_eq!(corner.left("seen"), SECRET);
    assert!(!said.contains(".env,") && said.contains("deploy/prod.tfvars"), "{said}");
    let asked = corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert_eq!(asked["entries"].as_array().map(Vec::len), Some(1), "{asked}");
}
