use super::*;

const OWN: &str = "writ/feature/4f2a";

fn action(effect: EffectClass, resource: Resource) -> Action {
    Action { effect, resource, because: Default::default() }
}

fn path(path: &str, place: Place, binding: Option<Binding>) -> Resource {
    Resource::Path { path: path.into(), place, binding }
}

fn package(name: &str, version: &str, source: PackageSource) -> Resource {
    Resource::Package { name: name.into(), version: version.into(), ecosystem: "npm".into(), source }
}

fn git_ref(remote: &str, name: &str, force: bool) -> Resource {
    Resource::Ref { remote: remote.into(), name: name.into(), force }
}

fn command(program: &str) -> Resource {
    Resource::Command { program: program.into() }
}

fn host(name: &str) -> Resource {
    Resource::Host { name: name.into() }
}

fn mcp(server: &str, tool: &str) -> Resource {
    Resource::McpTool { server: server.into(), tool: tool.into() }
}

fn terms(shapes: Vec<GrantShape>) -> GrantTerms {
    GrantTerms { shapes, line: None, touched: vec![Touch::Untrusted] }
}

#[test]
fn what_may_be_granted_and_what_never() {
    use EffectClass::*;
    let workspace = || path("/w/src/a.rs", Place::Workspace, None);
    let bound = |binding| path("/w/x", Place::Binding, Some(binding));
    for (effect, resource, may) in [
        (Read, path("/srv/notes.txt", Place::Outside, None), true),
        (Read, path("/w/CLAUDE.md", Place::Binding, Some(Binding::Instructions)), true),
        (Read, path("/w/.env", Place::Secret, None), false),
        (Read, path("/state/ledger.db", Place::Own, Some(Binding::Own)), false),
        (WriteWorkspace, workspace(), true),
        (WriteWorkspace, bound(Binding::Ci), true),
        (WriteWorkspace, bound(Binding::ManifestScripts), true),
        (WriteWorkspace, path("/w/x", Place::Binding, None), false),
        (WriteWorkspace, bound(Binding::AgentSettings), false),
        (WriteWorkspace, bound(Binding::McpSettings), false),
        (WriteWorkspace, bound(Binding::Instructions), false),
        (WriteWorkspace, bound(Binding::GitHook), false),
        (WriteWorkspace, bound(Binding::GitConfig), false),
        (WriteWorkspace, bound(Binding::ShellProfile), false),
        (WriteWorkspace, bound(Binding::PackageSettings), false),
        (WriteWorkspace, path("/", Place::Outside, None), false),
        (BuildTest, path("/srv/other", Place::Outside, None), true),
        (Network, host("example.org"), true),
        (Network, host(""), false),
        (Network, Resource::Unknown { why: "x".into() }, false),
        (PackageInstall, package("left-pad", "", PackageSource::Registry), true),
        (PackageInstall, package("", "", PackageSource::Registry), false),
        (PackageInstall, package("", "", PackageSource::Lockfile), true),
        (PackageInstall, package("left-pad", "", PackageSource::ForeignIndex), false),
        (PackageInstall, package("left-pad", "", PackageSource::Address), false),
        (PackageInstall, package("./x", "", PackageSource::Local), false),
        (PackageInstall, package("left-pad", "", PackageSource::Unknown), false),
        (PackageInstall, package("?", "", PackageSource::Registry), false),
        (GitPush, git_ref("origin", "elsewhere", false), true),
        (GitPush, git_ref("origin", "elsewhere", true), false),
        (GitPush, git_ref("origin", "", false), false),
        (GitPush, Resource::Repository { name: "origin".into() }, false),
        (Unknown, command("frobnicate"), true),
        (Unknown, mcp("tracker", "create"), true),
        (Unknown, path("/w/x", Place::Workspace, None), false),
        (Unknown, host("example.org"), false),
        (Unknown, Resource::Unknown { why: "x".into() }, false),
        (Publish, command("npm publish"), false),
        (Deploy, Resource::Deployment { target: "kubectl".into() }, false),
        (SecretRead, path("/w/.env", Place::Secret, None), false),
        (SecretRead, Resource::Secret { what: "TOKEN".into() }, false),
        (IdentityChange, Resource::Identity { what: "gh".into() }, false),
        (Destructive, workspace(), false),
        (EscapeAttempt, command("writ approve"), false),
        (Network, Resource::CloudAccount { provider: "aws".into() }, false),
    ] {
        let action = action(effect, resource);
        assert_eq!(GrantShape::of(&action, OWN).is_some(), may, "{action:?}");
    }
}

#[test]
fn a_shape_covers_its_own_and_nothing_wider() {
    use EffectClass::*;
    let own_branch = format!("{OWN}/a");
    for (given, asked, covered) in [
        (action(Network, host("example.org")), action(Network, host("example.org")), true),
        (action(Network, host("example.org")), action(Network, host("example.org:8443")), false),
        (action(Network, host("example.org")), action(Network, host("example.org.evil.test")), false),
        (action(Network, host("example.org")), action(PackageInstall, host("example.org")), false),
        (action(Network, host("example.org")), action(Network, command("example.org")), false),
        (action(Unknown, command("frob run")), action(Unknown, command("frob run")), true),
        (action(Unknown, command("frob run")), action(Unknown, command("frob")), false),
        (action(Unknown, command("frob run")), action(Unknown, command("frob run all")), false),
        (action(Unknown, mcp("a", "b")), action(Unknown, mcp("a", "b")), true),
        (action(Unknown, mcp("a", "b")), action(Unknown, mcp("a", "c")), false),
        (action(Unknown, mcp("a", "b")), action(Unknown, mcp("A", "b")), false),
        (
            action(WriteWorkspace, path("/srv/x", Place::Outside, None)),
            action(WriteWorkspace, path("/srv/x", Place::Outside, None)),
            true,
        ),
        (
            action(WriteWorkspace, path("/srv/x", Place::Outside, None)),
            action(WriteWorkspace, path("/srv/X", Place::Outside, None)),
            false,
        ),
        (
            action(WriteWorkspace, path("/srv/x", Place::Outside, None)),
            action(WriteWorkspace, path("/srv/x/y", Place::Outside, None)),
            false,
        ),
        (
            action(WriteWorkspace, path("/w/x", Place::Workspace, None)),
            action(WriteWorkspace, path("/w/x", Place::Binding, Some(Binding::GitHook))),
            false,
        ),
        (
            action(Read, path("/srv/x", Place::Outside, None)),
            action(WriteWorkspace, path("/srv/x", Place::Outside, None)),
            false,
        ),
        (
            action(PackageInstall, package("left-pad", "1.3.0", PackageSource::Registry)),
            action(PackageInstall, package("left-pad", "1.4.0", PackageSource::Registry)),
            false,
        ),
        (
            action(PackageInstall, package("left-pad", "", PackageSource::Registry)),
            action(PackageInstall, package("left-pad", "", PackageSource::ForeignIndex)),
            false,
        ),
        (
            action(GitPush, git_ref("origin", "elsewhere", false)),
            action(GitPush, git_ref("origin", "main", false)),
            false,
        ),
        (
            action(GitPush, git_ref("origin", "elsewhere", false)),
            action(GitPush, git_ref("evil", "elsewhere", false)),
            false,
        ),
        (
            action(GitPush, git_ref("origin", "elsewhere", false)),
            action(GitPush, git_ref("origin", "elsewhere", true)),
            false,
        ),
        (
            action(GitPush, git_ref("origin", &own_branch, false)),
            action(GitPush, git_ref("origin", &format!("{OWN}/b"), false)),
            true,
        ),
        (
            action(GitPush, git_ref("origin", &own_branch, false)),
            action(GitPush, git_ref("origin", &format!("{OWN}/../../main"), false)),
            false,
        ),
        (
            action(GitPush, git_ref("origin", &own_branch, false)),
            action(GitPush, git_ref("origin", &format!("refs/heads/{OWN}/b"), false)),
            false,
        ),
    ] {
        let shape = GrantShape::of(&given, OWN).unwrap();
        assert!(shape.covers(&given), "{given:?}");
        assert_eq!(shape.covers(&asked), covered, "{given:?} and {asked:?}");
    }
}

#[test]
fn a_folder_holds_its_ordinary_files_only() {
    let file = action(EffectClass::WriteWorkspace, path("/w/docs/a.md", Place::Workspace, None));
    let single = terms(vec![GrantShape::of(&file, OWN).unwrap()]);
    let folder = single.for_folders().unwrap();
    assert!(folder.is_grantable());
    for (name, place, binding, single_covers, folder_covers) in [
        ("/w/docs/a.md", Place::Workspace, None, true, true),
        ("/w/docs/b.md", Place::Workspace, None, false, true),
        ("/w/docs/deep/c.md", Place::Workspace, None, false, true),
        ("/w/docs", Place::Workspace, None, false, false),
        ("/w/docs2/a.md", Place::Workspace, None, false, false),
        ("/w/docs/../src/a.rs", Place::Workspace, None, false, false),
        ("/w/Docs/a.md", Place::Workspace, None, false, false),
        ("/w/docs/AGENTS.md", Place::Binding, Some(Binding::Instructions), false, false),
        ("/w/docs/Makefile", Place::Workspace, Some(Binding::BuildScript), false, false),
        ("/w/docs/.env", Place::Secret, None, false, false),
        ("/w/docs/a.md", Place::Outside, None, false, false),
    ] {
        let action = action(EffectClass::WriteWorkspace, path(name, place, binding));
        assert_eq!(single.covers(&action), single_covers, "{action:?}");
        assert_eq!(folder.covers(&action), folder_covers, "{action:?}");
    }
    let outside = action(EffectClass::Read, path("/srv/a", Place::Outside, None));
    assert_eq!(terms(vec![GrantShape::of(&outside, OWN).unwrap()]).for_folders(), None);
}

#[test]
fn a_grant_ends_with_its_time_and_with_what_the_session_touches() {
    let at = Timestamp::from_millis(1_795_306_510_000);
    let shape = GrantShape::of(&action(EffectClass::Network, host("example.org")), OWN).unwrap();
    let grant = Grant {
        id: GrantId::new(at, [1; 10]),
        task: TaskId::new(at, [2; 10]),
        approval: ApprovalId::new(at, [3; 10]),
        level: ApprovalLevel::OnePerson,
        terms: terms(vec![shape]),
        by: Human("uid:1000".parse().unwrap()),
        own: true,
        given_at: at,
        expires_at: at.after(std::time::Duration::from_secs(60)),
    };
    let later = |seconds| at.after(std::time::Duration::from_secs(seconds));
    assert!(grant.is_in_force(later(59), &[]));
    assert!(grant.is_in_force(later(59), &[Touch::Untrusted]));
    assert!(!grant.is_in_force(later(60), &[]));
    assert!(!grant.is_in_force(later(1), &[Touch::Secret]));
    assert!(!grant.is_in_force(later(1), &[Touch::Private, Touch::Untrusted]));
}

#[test]
fn history_and_packages_end_no_grant_and_strangers_do() {
    use SourceKind::*;
    for (kinds, touched) in [
        (vec![], vec![]),
        (vec![History, Dependency], vec![]),
        (vec![History, Web], vec![Touch::Untrusted]),
        (vec![MarkedSecret, Web, Home], vec![Touch::Private, Touch::Secret, Touch::Untrusted]),
    ] {
        assert_eq!(Touch::of_sources(kinds.iter().copied()), touched, "{kinds:?}");
    }
}

#[test]
fn terms_are_looked_at_before_they_count() {
    let shape = |effect, resource| GrantShape { effect, on: resource };
    let host = || GrantedResource::Host { name: "example.org".into() };
    let line = |form| Some(GrantLine { places: vec!["/w".into()], form, files: Vec::new() });
    let good = terms(vec![shape(EffectClass::Network, host())]);
    assert!(good.is_grantable());
    let none = LineForm::Commands { before: Vec::new(), commands: Vec::new() };
    let long = LineForm::Commands {
        before: Vec::new(),
        commands: vec![vec![GrantWord::Word("x".into()); MAX_GRANT_PARTS + 1]],
    };
    for bad in [
        terms(Vec::new()),
        terms(vec![shape(EffectClass::Publish, host())]),
        terms(vec![shape(EffectClass::Unknown, host())]),
        terms(vec![shape(
            EffectClass::Read,
            GrantedResource::Path { path: "/w/.env".into(), place: Place::Secret, binding: None },
        )]),
        terms(vec![shape(EffectClass::WriteWorkspace, GrantedResource::Folder { path: "/w/../etc".into() })]),
        terms(vec![shape(EffectClass::WriteWorkspace, GrantedResource::Folder { path: "/".into() })]),
        terms(vec![shape(EffectClass::Network, host()); MAX_GRANT_PARTS + 1]),
        GrantTerms { touched: vec![Touch::Secret, Touch::Private], ..good.clone() },
        GrantTerms { line: line(none), ..good.clone() },
        GrantTerms { line: line(long), ..good.clone() },
        GrantTerms { line: line(LineForm::Same { text: String::new() }), ..good.clone() },
    ] {
        assert!(!bad.is_grantable(), "{bad:?}");
    }
}

#[test]
fn terms_survive_their_text_and_nothing_else_reads_as_terms() {
    let form = LineForm::Commands {
        before: vec![vec![GrantWord::Word("cd".into()), GrantWord::Raw("$HOME".into())]],
        commands: vec![vec![GrantWord::Word("curl".into()), GrantWord::Page("https://example.org".into())]],
    };
    let full = GrantTerms {
        shapes: vec![GrantShape::of(&action(EffectClass::Network, host("example.org")), OWN).unwrap()],
        line: Some(GrantLine {
            places: vec!["/w".into()],
            form,
            files: vec![GrantFile { path: "/w/x".into(), digest: Some(Digest::new([1; 32])) }],
        }),
        touched: vec![Touch::Private, Touch::Untrusted],
    };
    let text = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<GrantTerms>(&text).unwrap(), full, "{text}");
    let more = text.replacen('{', r#"{"more":1,"#, 1);
    assert!(serde_json::from_str::<GrantTerms>(&more).is_err());
}
