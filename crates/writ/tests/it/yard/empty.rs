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

/// A work tree beside the main one, a submodule, and a repository that was made without the folder `info`: git passes over
/// what is empty inside there too, and commits no file as emptied that it tracks.
#[test]
fn no_sort_of_repository_takes_an_empty_file_for_a_change() {
    let corner = furnished();
    let work = corner.work();
    let who = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always"];
    let git = |folder: &std::path::Path, arguments: &[&str]| {
        let out = Command::new("git").args(who).args(arguments).current_dir(folder).output().unwrap();
        assert!(out.status.success(), "{arguments:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap()
    };
    // Tracked, and changed since; tracked and as it was; and a list of the user's own.
    let tracked = [("deploy/prod.tfvars", "zone = 1\n"), ("tls.pem", "of everybody"), ("src.txt", "one")];
    super::put(&corner, &tracked);
    std::fs::create_dir_all(corner.home().join(".config/git")).unwrap();
    std::fs::write(corner.home().join(".config/git/ignore"), "*.own\n").unwrap();
    git(&work, &["add", "deploy", "tls.pem", "src.txt", "CLAUDE.md", ".claude", ".github"]);
    git(&work, &["commit", "-qm", "first"]);
    let beside = work.parent().unwrap();
    git(&work, &["worktree", "add", "-q", "../linked"]);
    let outer = beside.join("outer");
    std::fs::create_dir(&outer).unwrap();
    git(&outer, &["init", "-q"]);
    git(&outer, &["submodule", "--quiet", "add", work.to_str().unwrap(), "sub"]);
    git(&outer, &["commit", "-qm", "outer"]);
    let bare = beside.join("bare");
    git(beside, &["clone", "-q", "--template=", work.to_str().unwrap(), "bare"]);
    assert!(!bare.join(".git/info/exclude").exists());
    let inside = "git -c user.name=A -c user.email=a@b.c";
    let places = [
        (work.clone(), work.clone()),
        (beside.join("linked"), beside.join("linked")),
        (outer.clone(), outer.join("sub")),
        (outer.join("sub"), outer.join("sub")),
        (bare.clone(), bare),
    ];
    for (number, (folder, tree)) in places.into_iter().enumerate() {
        for (name, text) in [("deploy/prod.tfvars", SECRET), (".env", SECRET), ("x.own", "own")] {
            std::fs::write(tree.join(name), text).unwrap();
        }
        let before = git(&tree, &["rev-parse", "HEAD"]);
        let play = format!(
            "start\nplace=$PWD; cd {}\n\
             cat .env deploy/prod.tfvars >two.txt; (echo x >>deploy/prod.tfvars) 2>/dev/null && echo free >>two.txt\n\
             git status --short >status.txt; echo {number} >src.txt\n\
             ({inside} commit -qam all && {inside} add -A && {inside} commit -qm added) >out.txt 2>&1\n\
             cd \"$place\"\nfinish\n",
            tree.display()
        );
        let mut command = corner.play(&[], &play);
        command.current_dir(&folder);
        let said = crate::corner::text(&crate::corner::finished(command));
        let left = |name: &str| std::fs::read_to_string(tree.join(name)).unwrap_or_default();
        assert_eq!(left("two.txt"), "zone = 1\n", "{}: {said}", tree.display());
        assert!(!left("status.txt").contains("tfvars"), "{}: {}", tree.display(), left("status.txt"));
        let changed = git(&tree, &["diff", "--name-only", before.trim(), "HEAD"]);
        let is_wrong = |name: &&str| [".env", "deploy/prod.tfvars", "tls.pem", "x.own"].contains(name);
        assert_eq!(changed.lines().find(is_wrong), None, "{}: {}", tree.display(), left("out.txt"));
        assert!(changed.contains("src.txt\n"), "{}: {changed}\n{}", tree.display(), left("out.txt"));
        // Outside all is as it was.
        assert_eq!((left(".env"), left("deploy/prod.tfvars")), (SECRET.to_owned(), SECRET.to_owned()));
    }
}

/// What git has of a file is read out of the repository's own objects alone: one that was made to borrow from elsewhere shows
/// nothing of them.
#[test]
fn attack_an_index_names_no_content_of_another_repository() {
    let corner = furnished();
    let other = corner.work().parent().unwrap().join("private");
    std::fs::create_dir(&other).unwrap();
    crate::corner::git(&other);
    std::fs::write(other.join("x.pem"), "of another project").unwrap();
    let git = |folder: &std::path::Path, arguments: &[&str]| {
        let out = Command::new("git").args(arguments).current_dir(folder).output().unwrap();
        assert!(out.status.success(), "{arguments:?}: {out:?}");
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    };
    git(&other, &["add", "x.pem"]);
    let id = git(&other, &["hash-object", "x.pem"]);
    let (folder, rest) = id.split_at(2);
    for (name, way) in [("borrowed", 0), ("linked", 1), ("folded", 2)] {
        let nested = corner.work().join(name);
        std::fs::create_dir(&nested).unwrap();
        crate::corner::git(&nested);
        let (theirs, ours) = (other.join(".git/objects"), nested.join(".git/objects"));
        std::fs::write(nested.join("x.pem"), "y").unwrap();
        match way {
            0 => std::fs::write(ours.join("info/alternates"), format!("{}\n", theirs.display())).unwrap(),
            1 => {
                std::fs::create_dir(ours.join(folder)).unwrap();
                std::os::unix::fs::symlink(theirs.join(folder).join(rest), ours.join(folder).join(rest))
                    .unwrap();
            }
            _ => std::os::unix::fs::symlink(theirs.join(folder), ours.join(folder)).unwrap(),
        }
        git(&nested, &["update-index", "--add", "--cacheinfo", &format!("100644,{id},x.pem")]);
    }
    let said = played(&corner, &[], "start\ncat */x.pem >seen; wc -c */x.pem >sizes\nfinish\n");
    assert_eq!(corner.left("seen"), "", "{said}");
    assert!(corner.left("sizes").contains("0 total"), "{}", corner.left("sizes"));
}

/// A command that reads many files at once, some of them empty inside, gets the others without a question.
#[test]
fn a_command_that_meets_empty_files_among_others_is_not_asked_about() {
    let corner = furnished();
    super::put(&corner, &[("src/a.txt", "KEY=1\n"), ("prod.env", SECRET), ("conf/x.env", SECRET)]);
    let play = "start\ncall c1 'grep -rh KEY . >>found'\ncall c2 'cat *.env >>found'\ncall c3 'cat conf/*.env src/a.txt >>found'\n\
        call c4 'cat conf/*.env | head'\ncall c5 'cat prod.env'\nfinish\n";
    let said = played(&corner, &["--hold", "2s"], play);
    assert_eq!(corner.left("log"), "c1 allowed\nc2 allowed\nc3 allowed\nc4 allowed\nc5 denied\n", "{said}");
    assert!(corner.left("found").contains("KEY=1") && !corner.left("found").contains(SECRET), "{said}");
    let asked = corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert_eq!(asked["entries"].as_array().map(Vec::len), Some(0), "{asked}");
    // One of them is as it is, and so the pattern is a person's to allow.
    let play =
        "start\ncall d1 'cat *.env'\ncall d2 'grep -rh KEY .'\ncall d3 'cd . && cat conf/*.env'\nfinish\n";
    let said = played(&corner, &["--hold", "2s", "--read", "prod.env"], play);
    assert!(
        corner.left("log").ends_with("d1 denied\nd2 denied\nd3 denied\n"),
        "{}\n{said}",
        corner.left("log")
    );
    let asked = corner.json(["audit", "search", "--event", "approval-requested", "--json"]);
    assert!(asked["entries"].as_array().is_some_and(|asked| !asked.is_empty()), "{asked}");
}
