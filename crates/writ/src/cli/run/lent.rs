//! What is lent in a run: a placeholder for each sealed credential of its agent, and the variable that it stands in.

use std::collections::BTreeMap;
use std::sync::Arc;

use writ_control::api::client::Client as Office;
use writ_control::api::message::{Placing, SecretBinding, SecretList, Shape};
use writ_gateway::http::port::{How, Placeholder, Use};
use writ_gateway::port::Random as _;
use writ_model::Label;

use super::Wish;
use super::git_settings::GitSettings;
use super::yard::repository;
use crate::environment::Scrubbed;
use crate::failure::{Failure, Kind};
use crate::screen;
use crate::wire::SystemRandom;

/// Random characters of a placeholder of our own form.
const RANDOM_DIGITS: usize = 32;
/// So much of a secret's name stands in its placeholder.
const MAX_NAME_CHARS: usize = 24;

/// Makes the placeholders of a run and puts them into the agent's environment, over whatever stands there, and where git
/// asks for a login.
pub(super) async fn placed(
    office: &Office,
    wish: &Wish,
    agent: &Label,
    scrubbed: &mut Scrubbed,
) -> Result<Arc<[Placeholder]>, Failure> {
    let secrets = office.call(SecretList::default()).await?.secrets;
    let mut placeholders = Vec::new();
    let mut git = GitSettings::of(wish.program.client);
    let mut taken: BTreeMap<String, Label> = BTreeMap::new();
    for view in secrets {
        let name = view.name;
        let Some(binding) = view.binding.filter(|_| view.intact) else {
            let told =
                format!("what is kept of secret `{name}` is not what was sealed: the store was changed");
            return Err(Failure::new(Kind::Integrity, told).hint("`writ secret list` shows it"));
        };
        if !binding.is_for(agent, wish.kind) {
            continue;
        }
        if !wish.has_way_out() {
            screen::say(format_args!("writ: `{name}` is not lent, because nothing looks into this network"));
            continue;
        }
        let text = text(&name, binding.shape.as_ref());
        if let Some(variable) = &binding.env {
            if let Some(other) = taken.insert(variable.clone(), name.clone()) {
                return Err(Failure::usage(format_args!(
                    "secrets `{other}` and `{name}` both want {variable}"
                ))
                .hint("remove one of them, or bind each to an agent or a kind of task"));
            }
            scrubbed.lend(variable, &text);
            if variable == "AWS_ACCESS_KEY_ID" && binding.placing == Placing::Aws {
                // Tools sign with it, and the signature is replaced.
                scrubbed.lend("AWS_SECRET_ACCESS_KEY", &text);
            }
        }
        git.lend(&binding, &text);
        let hosts: Vec<&str> = binding.hosts.iter().map(writ_model::HostPattern::as_str).collect();
        let place =
            binding.env.as_ref().map(|variable| format!(", a placeholder in {variable}")).unwrap_or_default();
        screen::say(format_args!("writ: lent, not handed over: {name} to {}{place}", hosts.join(", ")));
        placeholders.push(Placeholder { text, name, uses: uses(&binding) });
    }
    if wish.has_way_out() {
        git.go_by_https(repository::ssh::instead(&wish.workspace));
        git.put(&std::env::current_exe()?, scrubbed);
    }
    Ok(placeholders.into())
}

/// Unlike anything else, and in the form of what it stands for where tools look at that.
fn text(name: &Label, shape: Option<&Shape>) -> String {
    match shape {
        None => {
            let name: String = name
                .as_str()
                .chars()
                .take(MAX_NAME_CHARS)
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            format!("writ_placeholder_{name}_{}", random(b"0123456789abcdef", RANDOM_DIGITS))
        }
        Some(Shape { prefix, length, is_upper }) => {
            let alphabet: &[u8] = if *is_upper {
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
            } else {
                b"abcdefghijklmnopqrstuvwxyz234567"
            };
            format!("{prefix}{}", random(alphabet, length.saturating_sub(prefix.len())))
        }
    }
}

/// Characters of an alphabet whose length divides 256.
fn random(alphabet: &[u8], length: usize) -> String {
    let mut bytes = vec![0; length];
    SystemRandom.fill(&mut bytes);
    let pick = |byte: &u8| alphabet.get(usize::from(*byte) % alphabet.len().max(1)).copied().map(char::from);
    bytes.iter().filter_map(pick).collect()
}

fn uses(binding: &SecretBinding) -> Vec<Use> {
    let how = match &binding.placing {
        Placing::Usual => vec![How::Header(Vec::new()), How::Basic],
        Placing::Header(name) => vec![How::Header(vec![name.clone()])],
        Placing::Basic => vec![How::Basic],
        Placing::Query(key) => vec![How::Query(key.clone())],
        Placing::Body => vec![How::Body],
        Placing::Bearer => vec![How::Header(vec!["authorization".to_owned()])],
        Placing::Aws => vec![How::SigV4 { regions: Vec::new(), services: Vec::new() }],
    };
    let of = |how| Use {
        hosts: binding.hosts.clone(),
        methods: binding.methods.clone(),
        paths: binding.paths.clone(),
        how,
    };
    how.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_differ_and_keep_the_form() {
        let name: Label = "git/hub".parse().unwrap();
        let plain = text(&name, None);
        assert!(
            plain.starts_with("writ_placeholder_git_hub_") && plain.len() == 25 + RANDOM_DIGITS,
            "{plain}"
        );
        assert_ne!(plain, text(&name, None));
        let shape = Shape { prefix: "ghp_".to_owned(), length: 40, is_upper: false };
        let like = text(&name, Some(&shape));
        assert!(like.starts_with("ghp_") && like.len() == 40, "{like}");
        let shape = Shape { prefix: "AKIA".to_owned(), length: 20, is_upper: true };
        assert!(!text(&name, Some(&shape)).bytes().any(|byte| byte.is_ascii_lowercase()));
    }
}
