//! The classifier through its public door: what commands are, what hides them, and what must not break it.

mod bounds;
mod carried;
mod classes;
mod constructs;
mod hidden;
mod holes;
mod names;
mod operands;
mod properties;
mod tasks;

use writ_model::EffectClass;
use writ_policy::{Classified, Facts, Package, Target, classify};

use EffectClass::{
    BuildTest, Destructive, GitPush, Network, PackageInstall, SecretRead, Unknown, WriteWorkspace,
};

fn judged(command: &str) -> Classified {
    classify(command, &Facts::default())
}

/// Every command must be of this class, and no part of it unknown.
fn all_are(class: EffectClass, commands: &[&str]) {
    let wrong: Vec<String> = commands
        .iter()
        .map(|command| (command, judged(command)))
        .filter(|(_, judged)| judged.label() != class)
        .map(|(command, judged)| format!("{command:?} is {}: {:?}", judged.label(), judged.effects))
        .collect();
    assert!(wrong.is_empty(), "expected {class}:\n{}", wrong.join("\n"));
}

// What is not known is unknown, whatever else is.

#[test]
fn what_cannot_be_read_is_unknown() {
    let cases = [
        "",
        "   \n",
        "$TOOL --flag",
        "\"$1\" install",
        "frobnicate --all",
        "eval \"$TEXT\"",
        "bash -c \"$TEXT\"",
        "cat list | sh",
        "python3 -c \"$CODE\"",
        "if then",
        "echo 'unfinished",
        "git some-extension",
        "sed \"s/x/y/e\" file",
        // Each of these breaks the parser when it gets that far.
        "x=$(cat <<E\nfoo)",
        "echo \"${x <<E\n}\"",
        "cat <<E > ${x\nE",
        "touch 200510071138> file",
    ];
    for command in cases {
        let judged = judged(command);
        assert_eq!(judged.worst, Unknown, "{command:?}: {:?}", judged.effects);
        assert!(judged.effects.iter().all(|effect| effect.why.rule != "grammar.crashed"), "{command:?}");
    }
}

#[test]
fn unknown_does_not_hide_what_is_known() {
    let judged = judged("frobnicate && git push --force && $X");
    let classes: Vec<EffectClass> = judged.effects.iter().map(|effect| effect.class).collect();
    assert!(classes.contains(&Unknown) && classes.contains(&Destructive) && classes.contains(&GitPush));
    assert_eq!(judged.label(), Destructive);
}

#[test]
fn lines_before_a_syntax_error_count() {
    let judged = judged("git push origin main\nif then fi (");
    assert_eq!(judged.worst, Unknown);
    assert_eq!(judged.label(), GitPush);
}

#[test]
fn effects_name_their_resources() {
    let has = |command: &str, class: EffectClass, target: Target| {
        let judged = judged(command);
        let found = judged.effects.iter().any(|effect| effect.class == class && effect.target == target);
        assert!(found, "{command:?} lacks {class} on {target:?}: {:?}", judged.effects);
    };
    has("curl https://api.example.com/x", Network, Target::Host("api.example.com".into()));
    has("cat ~/.ssh/id_rsa", SecretRead, Target::Secret("~/.ssh/id_rsa".into()));
    has("echo x > a/b.txt", WriteWorkspace, Target::Path("a/b.txt".into()));
    has("cd a && echo x > b.txt", WriteWorkspace, Target::Path("a/b.txt".into()));
    has("rm -rf ../x", Destructive, Target::Path("../x".into()));
    has("pip install requests", PackageInstall, Target::Package(Package::named("pypi", "requests")));
    let push = Target::Remote { remote: "origin".into(), refs: vec!["main".into()] };
    has("git push origin main", GitPush, push);
    has("cargo test -p x", BuildTest, Target::Command("cargo test".into()));
}

#[test]
fn executed_files_are_listed() {
    for (command, runs) in [
        ("./deploy.sh --now", vec!["./deploy.sh"]),
        ("bash scripts/x.sh", vec!["scripts/x.sh"]),
        ("python tool.py", vec!["tool.py"]),
        ("node a.js && ruby b.rb", vec!["a.js", "b.rb"]),
        ("cd sub && ./run", vec!["sub/./run"]),
        ("source env.sh", vec!["env.sh"]),
        ("ls -la", vec![]),
    ] {
        assert_eq!(judged(command).runs, runs, "{command:?}");
    }
}

#[test]
fn spans_point_at_the_simple_command() {
    let command = "écho && git push origin main; ls";
    let judged = judged(command);
    let push = judged.effects.iter().find(|effect| effect.class == GitPush).expect("a push");
    let span = push.why.span.clone().expect("a span");
    assert_eq!(&command[span], "git push origin main");
}

#[test]
fn a_home_that_is_given_is_a_home() {
    let facts = Facts {
        home: Some("/data/people/ann"),
        workspace: Some("/data/people/ann/w"),
        cwd: Some("/data/people/ann/w"),
        ..Facts::default()
    };
    assert_eq!(classify("cat /data/people/ann/.ssh/id_rsa", &facts).label(), SecretRead);
    assert_eq!(classify("cat ../.aws/credentials", &facts).label(), SecretRead);
    assert_eq!(classify("rm -rf /data/people/ann/w/dist", &facts).label(), WriteWorkspace);
    assert_eq!(classify("rm /data/people/ann/other", &facts).label(), Destructive);
}
