//! A resource as people type it: KIND:NAME.

use writ_model::{Place, Resource};

/// Reads `host:example.org`, `ref:origin#main` and their like. Where a path really lies is found out later.
pub(in crate::cli) fn resource(text: &str) -> Result<Resource, String> {
    let (kind, name) =
        text.split_once(':').ok_or("a resource is written KIND:NAME, as `host:example.org`")?;
    let pair = |mark: char, form: &str| {
        name.split_once(mark)
            .map(|(one, other)| (one.to_owned(), other.to_owned()))
            .ok_or_else(|| format!("a {kind} is written {kind}:{form}"))
    };
    let name_of = || name.to_owned();
    Ok(match kind {
        "cloud" => Resource::CloudAccount { provider: name_of() },
        "command" => Resource::Command { program: name_of() },
        "deployment" => Resource::Deployment { target: name_of() },
        "host" => Resource::Host { name: name_of() },
        "identity" => Resource::Identity { what: name_of() },
        "mcp" => {
            let (server, tool) = pair('/', "SERVER/TOOL")?;
            Resource::McpTool { server, tool }
        }
        "package" => Resource::package(name),
        "path" => Resource::path(name, Place::Outside),
        "ref" => {
            let (remote, name) = pair('#', "REMOTE#REF, as `ref:origin#main`")?;
            Resource::Ref { remote, name, force: false }
        }
        "repository" => Resource::Repository { name: name_of() },
        "secret" => Resource::Secret { what: name_of() },
        other => {
            return Err(format!(
                "`{}` is no kind of resource; `writ check --help` lists them",
                other.escape_debug()
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_a_kind_and_a_name() {
        for (text, kind, name) in [
            ("host:example.org", "Host", "example.org"),
            ("mcp:forge/merge", "McpTool", "forge/merge"),
            ("ref:origin#main", "Ref", "origin#main"),
            ("path:src/lib.rs", "Path", "src/lib.rs"),
            ("package:left-pad", "Package", "left-pad"),
        ] {
            let found = resource(text).unwrap();
            assert_eq!((found.kind(), found.name().as_str()), (kind, name), "{text}");
        }
        for text in ["", "example.org", "hosts:x", "mcp:forge", "ref:main"] {
            assert!(resource(text).is_err(), "{text}");
        }
    }
}
