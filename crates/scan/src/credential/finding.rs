//! What of the credentials somebody should look at.

use std::collections::BTreeMap;

use writ_model::Timestamp;

use crate::finding::{Finding, rules};

use super::{Credential, Guard, Life};

/// Most places that one message names.
const MOST_NAMED: usize = 5;

/// Everything to look at, the worst first.
pub fn findings(credentials: &[Credential], now: Timestamp) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut places: BTreeMap<&str, Vec<&Credential>> = BTreeMap::new();
    for credential in credentials {
        let Credential {
            what, place, line, name, expires_at, life, guard, mark, others_read, instead, ..
        } = credential;
        let subject = format!("{what} {name}");
        let mut add = |rule, message| out.push(Finding::new(rule, place, *line, &subject, message));
        let expired = expires_at.filter(|end| *end <= now);
        if let Some(end) = expired {
            add(
                &rules::EXPIRED_CREDENTIAL,
                format!("{} ended at {end} and still lies there", said(credential)),
            );
        } else if let (Life::Long, Guard::None, Some(instead)) = (life, guard, instead) {
            add(
                &rules::LONG_LIVED,
                format!("{} lives until it is revoked; there is {instead}", said(credential)),
            );
        }
        if credential.kind == "ssh" && *guard == Guard::None {
            add(&rules::OPEN_KEY, format!("{} has no passphrase", said(credential)));
        }
        // A helper's name is no secret.
        if *others_read && *line > 0 && expired.is_none() && *what != "credential helper" {
            add(&rules::OTHERS_READ, format!("others on this machine can read {}", said(credential)));
        }
        if *what == "credential helper" && name == "store" {
            add(
                &rules::STORED_PASSWORDS,
                "git writes each password that is typed to a file, in plain text".to_owned(),
            );
        }
        if let Some(mark) = mark {
            places.entry(mark).or_default().push(credential);
        }
    }
    for (mark, same) in places {
        let mut named: Vec<String> =
            same.iter().map(|one| one.place.to_string_lossy().into_owned()).collect();
        named.sort();
        named.dedup();
        if let (Some(first), true) = (same.first(), named.len() > 1) {
            let count = named.len();
            named.truncate(MOST_NAMED);
            out.push(Finding::new(
                &rules::REUSED_CREDENTIAL,
                &first.place,
                first.line,
                mark,
                format!("{} stands in {count} places: {}", said(first), named.join(", ")),
            ));
        }
    }
    out.sort_by(|a, b| {
        b.rule.severity.cmp(&a.rule.severity).then_with(|| (&a.path, a.line).cmp(&(&b.path, b.line)))
    });
    out
}

/// A credential in words.
fn said(credential: &Credential) -> String {
    let Credential { what, name, opens, .. } = credential;
    let named = if name.is_empty() { format!("a {what}") } else { format!("the {what} `{name}`") };
    if opens.is_empty() { named } else { format!("{named} for {opens}") }
}
