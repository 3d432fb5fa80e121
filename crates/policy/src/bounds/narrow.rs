//! Authority only narrows: whether bounds that a subagent is to get go beyond those of its parent.

use writ_model::{Bounds, HostPattern, PathPattern};

/// What of `child` goes beyond `parent`, by the name of its part; nothing where all of it is covered.
///
/// Errs on the side of "beyond": a pattern is covered where the parent has the same one, has `**`, or has a folder
/// above it without wildcards.
pub fn widens(child: &Bounds, parent: &Bounds) -> Option<&'static str> {
    fn beyond<T>(
        child: Option<&Vec<T>>,
        parent: Option<&Vec<T>>,
        covered: impl Fn(&T, &[T]) -> bool,
    ) -> bool {
        match (child, parent) {
            (_, None) | (None, Some(_)) => false,
            (Some(child), Some(parent)) => !child.iter().all(|entry| covered(entry, parent)),
        }
    }
    let same = |entry: &String, others: &[String]| others.contains(entry);
    let effects = beyond(child.effects.as_ref(), parent.effects.as_ref(), |bound, others| {
        others.iter().any(|other| other.class == bound.class && (bound.lockfile || !other.lockfile))
    });
    let mcp = match (&child.mcp, &parent.mcp) {
        (_, None) | (None, Some(_)) => false,
        (Some(child), Some(parent)) => child.iter().any(|(server, tools)| {
            let Some(allowed) = parent.get(server) else { return true };
            tools.iter().any(|tool| {
                !allowed.contains(tool)
                    && !allowed.iter().any(|other| {
                        let is_plain = other.resource.is_none() && other.constraints.is_empty();
                        is_plain && (other.tool == tool.tool || other.tool == "*")
                    })
            })
        }),
    };
    let lost = |child: &[PathPattern], parent: &[PathPattern]| {
        !child.is_empty() && parent.iter().any(|pattern| !child.contains(pattern))
    };
    [
        (
            "repository",
            child.repository.is_some()
                && parent.repository.is_some()
                && child.repository != parent.repository,
        ),
        ("read", beyond(child.read.as_ref(), parent.read.as_ref(), path_covered)),
        ("deny-read", lost(&child.deny_read, &parent.deny_read)),
        ("write", beyond(child.write.as_ref(), parent.write.as_ref(), path_covered)),
        ("protected", lost(&child.protected, &parent.protected)),
        ("effects", effects),
        ("hosts", beyond(child.hosts.as_ref(), parent.hosts.as_ref(), host_covered)),
        ("no-intercept", !child.no_intercept.iter().all(|host| parent.no_intercept.contains(host))),
        ("push", beyond(child.push.as_ref(), parent.push.as_ref(), path_covered)),
        ("mcp", mcp),
        ("calls", !child.calls.iter().all(|call| parent.calls.contains(call)) && parent.mcp.is_some()),
        ("secrets", beyond(child.secrets.as_ref(), parent.secrets.as_ref(), same)),
        ("publish", child.publish == Some(true) && parent.publish == Some(false)),
        ("deploy", beyond(child.deploy.as_ref(), parent.deploy.as_ref(), same)),
    ]
    .into_iter()
    .find_map(|(part, is_beyond)| is_beyond.then_some(part))
}

fn path_covered(pattern: &PathPattern, others: &[PathPattern]) -> bool {
    let plain = |text: &str| text.strip_prefix("./").unwrap_or(text).to_owned();
    let written = plain(pattern.as_str());
    let leaves = written.starts_with(['/', '~']) || written.split('/').any(|part| part == "..");
    written.starts_with('!')
        || others.iter().any(|other| {
            let other = plain(other.as_str());
            let folder = other.strip_suffix("/**").filter(|folder| !folder.contains(['*', '?', '[', '{']));
            written == other
                || (other == "**" && !leaves)
                || folder.is_some_and(|folder| {
                    written == folder || written.starts_with(&format!("{folder}/")) && !written.contains("..")
                })
        })
}

fn host_covered(host: &HostPattern, others: &[HostPattern]) -> bool {
    others.iter().any(|other| {
        other == host
            || (host.as_str() != "*" && !host.as_str().starts_with("*.") && other.covers(host.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_covered_and_more_is_not() {
        let read = |text: &str| serde_json::from_str::<Bounds>(text).unwrap();
        let parent = read(
            r#"{"read":["./**"],"write":["src/**","docs/a.md"],"effects":["read","package-install:lockfile"],
            "hosts":["*.example.org"],"mcp":{"forge":["get","review@acme/pear"]},"push":["agent/*"],"publish":false,
            "secrets":[],"deploy":[]}"#,
        );
        for (child, part) in [
            (r#"{}"#, None),
            (
                r#"{"read":["src/**"],"write":["src/a/**"],"effects":["read"],"hosts":["a.example.org"]}"#,
                None,
            ),
            (r#"{"mcp":{"forge":["get:number=4"]},"push":["agent/*"]}"#, None),
            (r#"{"read":["/etc/**"]}"#, Some("read")),
            (r#"{"write":["**"]}"#, Some("write")),
            (r#"{"write":["src/../x"]}"#, Some("write")),
            (r#"{"effects":["read","network"]}"#, Some("effects")),
            (r#"{"effects":["package-install"]}"#, Some("effects")),
            (r#"{"hosts":["*"]}"#, Some("hosts")),
            (r#"{"mcp":{"forge":["review"]}}"#, Some("mcp")),
            (r#"{"mcp":{"mail":[]}}"#, Some("mcp")),
            (r#"{"push":["main"]}"#, Some("push")),
            (r#"{"publish":true}"#, Some("publish")),
            (r#"{"secrets":["TOKEN"]}"#, Some("secrets")),
        ] {
            assert_eq!(widens(&read(child), &parent), part, "{child}");
        }
    }
}
