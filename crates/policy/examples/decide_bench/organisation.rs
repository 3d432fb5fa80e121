//! Policies as a large organisation has them: a few that are about everything, and then per team, repository, path, host,
//! package, server and agent.

use std::fmt::Write as _;

/// What everybody gets. Eight policies.
const EVERYBODY: &str = r#"
@id("read") @reason("reading the workspace is free")
permit (principal, action == Writ::Action::"read", resource is Writ::Path)
when { resource.place == "workspace" || resource.place == "binding" || resource.place == "scratch" };
@id("write") @reason("the task changes its workspace")
permit (principal, action == Writ::Action::"write-workspace", resource is Writ::Path)
when { resource.place == "workspace" };
@id("build") @reason("building is free")
permit (principal, action == Writ::Action::"build-test", resource is Writ::Path)
when { resource.place == "workspace" || resource.place == "scratch" };
@id("build-tools") @reason("build tools run freely")
permit (principal, action == Writ::Action::"build-test", resource)
when { resource is Writ::Command || resource is Writ::Repository || resource is Writ::Package };
@id("network-asked") @reason("hosts are asked for")
permit (principal, action == Writ::Action::"network", resource)
when { context has approval && context.approval.one_person };
@id("install-asked") @reason("packages are asked for")
permit (principal, action == Writ::Action::"package-install", resource)
when { context has approval && context.approval.one_person };
@id("push-asked") @reason("pushes are asked for")
permit (principal, action == Writ::Action::"git-push", resource)
when { context has approval && context.approval.one_person };
@id("secret-asked") @reason("secrets are asked for")
permit (principal, action == Writ::Action::"secret-read", resource)
when { context has approval && context.approval.another_person };
"#;

/// This many policies, eight of them for everybody.
pub fn policies(count: usize) -> String {
    let mut text = EVERYBODY.to_owned();
    for n in 0..count.saturating_sub(8) {
        let team = n % 200;
        let (head, rule) = match n % 20 {
            // A team's own repositories, in its own folder.
            0..=4 => (
                "permit",
                format!(
                    "(principal in Writ::Team::\"team-{team}\", action in Writ::Action::\"ordinary\", resource is Writ::Path) \
                     when {{ resource.path == \"/srv/repos/team-{team}/r{n}\" || resource.path like \"/srv/repos/team-{team}/r{n}/*\" }}"
                ),
            ),
            // Folders that need a second person, below the workspace too.
            5..=7 => (
                "forbid",
                format!(
                    "(principal, action == Writ::Action::\"write-workspace\", resource is Writ::Path) \
                     when {{ resource.path like \"/home/ann/shop/critical-{n}/*\" }} \
                     unless {{ context has approval && context.approval.another_person }}"
                ),
            ),
            // Hosts by name, and domains.
            8 | 9 => (
                "permit",
                format!(
                    "(principal, action == Writ::Action::\"network\", resource == Writ::Host::\"api-{n}.example.com\")"
                ),
            ),
            10 => (
                "permit",
                format!(
                    "(principal in Writ::Team::\"team-{team}\", action == Writ::Action::\"network\", resource is Writ::Host) \
                     when {{ resource.name like \"*.zone-{n}.example.net\" && resource.zone != \"metadata\" }}"
                ),
            ),
            // Packages, allowed and not.
            11 | 12 => (
                "permit",
                format!(
                    "(principal, action == Writ::Action::\"package-install\", resource is Writ::Package) \
                     when {{ [\"pkg-{n}\", \"pkg-{n}-dev\"].contains(resource.name) }}"
                ),
            ),
            13 => (
                "forbid",
                format!(
                    "(principal, action == Writ::Action::\"package-install\", resource is Writ::Package) \
                     when {{ resource.name == \"bad-{n}\" }}"
                ),
            ),
            // Branches of a release train.
            14 => (
                "forbid",
                format!(
                    "(principal, action == Writ::Action::\"git-push\", resource is Writ::Ref) \
                     when {{ resource.name like \"train/{n}/*\" }} \
                     unless {{ context has approval && context.approval.two_people }}"
                ),
            ),
            // Tools of servers.
            15 => (
                "permit",
                format!(
                    "(principal in Writ::Team::\"team-{team}\", action == Writ::Action::\"unknown\", resource is Writ::McpTool) \
                     when {{ resource.server == \"tracker-{n}\" && context has approval && context.approval.one_person }}"
                ),
            ),
            // One agent, one environment, one kind of task.
            16 => (
                "forbid",
                format!(
                    "(principal == Writ::Agent::\"agt-{n}\", action in Writ::Action::\"outward\", resource)"
                ),
            ),
            17 => (
                "forbid",
                format!(
                    "(principal, action in Writ::Action::\"release\", resource) when {{ context.environment == \"stage-{n}\" }}"
                ),
            ),
            18 => (
                "forbid",
                format!(
                    "(principal in Writ::Team::\"team-{team}\", action == Writ::Action::\"write-workspace\", resource is Writ::Path) \
                     when {{ context.kind == \"docs\" && !(resource.path like \"*/docs-{n}/*\") }}"
                ),
            ),
            // A programme that only some may start.
            _ => (
                "permit",
                format!(
                    "(principal in Writ::Team::\"team-{team}\", action in [Writ::Action::\"deploy\", Writ::Action::\"publish\"], resource == Writ::Command::\"ship-{n}\") \
                     when {{ context has approval && context.approval.another_person }}"
                ),
            ),
        };
        let _ = writeln!(text, "@id(\"n{n}\") @reason(\"made for measuring\")\n{head} {rule};");
    }
    text
}
