//! AWS: the service by the host, the operation by a header, by `Action`, by the path of the newest protocol, or by
//! method and path.

use writ_model::{Body, EffectClass};

use super::super::Ask;
use super::super::body;
use super::super::wire::{Verb, Wire};
use super::{CLOUDS, Operation};

/// Ends of the names of hosts.
const ENDS: &[&str] = &[".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

/// Parameters of a path that decide who may do what with a bucket or an object.
const RIGHTS: &[&str] =
    &["acl", "cors", "ownershipcontrols", "policy", "publicaccessblock", "website", "replication"];

/// The field that names an operation, and the longest spelling of it that is read.
const ACTION: &str = "Action";
const MAX_ACTION_BYTES: usize = 3 * ACTION.len();

/// The asks of a request to AWS; nothing where the host is none of its planes.
pub(super) fn asks(wire: &Wire<'_>, host: &str) -> Option<Vec<Ask>> {
    let service = service(host)?;
    let service = service.as_str();
    // What people run behind such names is their own.
    if matches!(service, "execute-api" | "lambda-url" | "elb" | "compute") {
        return None;
    }
    let operation = |name: String| Operation { cloud: "aws", service, name };
    let words = &CLOUDS.aws;
    Some(match named(wire) {
        Err(why) => vec![Ask::unknown(why)],
        Ok(Some(name)) => {
            let class = words.exception(service, &name).or_else(|| words.by_verb(service, &name));
            vec![operation(name).ask(class.unwrap_or(EffectClass::Unknown))]
        }
        Ok(None) => {
            let class = match words.by_path(wire, service) {
                Some(class) => class,
                None if service == "s3" => bucket(wire),
                None => match wire.verb {
                    Verb::Read => EffectClass::Network,
                    Verb::Post | Verb::Put | Verb::Patch if is_identity(service) => {
                        EffectClass::IdentityChange
                    }
                    // Services that take their operation from a header or a form have no other changes.
                    Verb::Post if wire.segments.is_empty() => EffectClass::Unknown,
                    Verb::Post | Verb::Put | Verb::Patch => EffectClass::Deploy,
                    Verb::Delete => EffectClass::Destructive,
                    Verb::Other => EffectClass::Unknown,
                },
            };
            let path: String = wire.segments.iter().take(4).cloned().collect::<Vec<_>>().join("/");
            vec![operation(format!("{} /{path}", wire.request.method)).ask(class)]
        }
    })
}

fn is_identity(service: &str) -> bool {
    let lists = CLOUDS.aws.services.get(&EffectClass::IdentityChange);
    lists.is_some_and(|list| list.split_whitespace().any(|known| known == service))
}

/// `secretsmanager` of `secretsmanager.eu-west-1.amazonaws.com`.
fn service(host: &str) -> Option<String> {
    let names = ENDS.iter().find_map(|end| host.strip_suffix(end))?;
    let names: Vec<&str> = names.split('.').collect();
    let is_region = |name: &str| {
        name.matches('-').count() >= 2 && name.ends_with(|c: char| c.is_ascii_digit()) && name.len() < 20
    };
    if names.iter().any(|name| *name == "s3" || name.starts_with("s3-") || *name == "s3express") {
        return Some("s3".to_owned());
    }
    for known in ["execute-api", "lambda-url", "elb", "compute"] {
        if names.len() > 1 && names.contains(&known) {
            return Some(known.to_owned());
        }
    }
    if let ["portal", "sso", ..] = names.as_slice() {
        return Some("portal.sso".to_owned());
    }
    let before: Vec<&str> =
        names.into_iter().filter(|name| !is_region(name) && *name != "dualstack").collect();
    let name = before.last().copied()?;
    Some(name.trim_end_matches("-fips").to_owned())
}

/// The operation by its name; nothing where method and path say it.
fn named(wire: &Wire<'_>) -> Result<Option<String>, &'static str> {
    let mut found: Vec<String> = Vec::new();
    for target in wire.headers("x-amz-target") {
        found.push(target.rsplit('.').next().unwrap_or_default().to_owned());
    }
    found.extend(
        wire.query
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("action"))
            .map(|(_, value)| value.clone()),
    );
    let is_form = wire.media() == "application/x-www-form-urlencoded";
    match &wire.request.body {
        Body::Whole(bytes) if !body::is_packed(wire) => {
            if is_form && std::str::from_utf8(bytes).is_err() {
                return Err("a form that cannot be read");
            }
            // Long values and many fields are usual; only the name of the operation counts.
            let is_action = |name: &[u8]| name.len() <= MAX_ACTION_BYTES && body::field(name) == ACTION;
            if is_form || (wire.verb == Verb::Post && !body::is_json(wire)) {
                let named = body::pairs(bytes).filter(|(name, _)| is_action(name));
                found.extend(named.map(|(_, value)| body::field(value)));
            }
        }
        Body::Start(_) | Body::Long { .. } | Body::Unread if is_form => {
            return Err("a form whose end nobody saw");
        }
        Body::Whole(_) if is_form => return Err("a form that cannot be read"),
        Body::None | Body::Unread | Body::Start(_) | Body::Long { .. } | Body::Whole(_) => {}
    }
    if let [.., service, _, operation, name] = wire.segments.as_slice()
        && service == "service"
        && operation == "operation"
    {
        found.push(name.clone());
    }
    found.dedup();
    match found.as_slice() {
        [] => Ok(None),
        [name] if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Ok(Some(name.clone()))
        }
        [_] => Err("an operation whose name cannot be read"),
        _ => Err("a request that names several operations"),
    }
}

/// Object storage: what is kept is data, and who may have it is a right.
fn bucket(wire: &Wire<'_>) -> EffectClass {
    let has = |names: &[&str]| names.iter().any(|name| wire.has_asked(name));
    let grants = wire.request.headers.iter().any(|(name, _)| {
        let name = name.to_ascii_lowercase();
        name == "x-amz-acl" || name.starts_with("x-amz-grant-")
    });
    match wire.verb {
        Verb::Read => EffectClass::Network,
        _ if has(RIGHTS) || grants => EffectClass::IdentityChange,
        Verb::Post if has(&["delete"]) => EffectClass::Destructive,
        Verb::Post if has(&["select", "select-type"]) => EffectClass::Network,
        Verb::Post | Verb::Put | Verb::Patch => EffectClass::Deploy,
        Verb::Delete if has(&["uploadid", "tagging"]) => EffectClass::Deploy,
        Verb::Delete => EffectClass::Destructive,
        Verb::Other => EffectClass::Unknown,
    }
}
