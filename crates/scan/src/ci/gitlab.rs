//! Agents in GitLab CI: jobs whose scripts start one, with the variables that they name.
//!
//! A merge request from a fork runs in the fork, with the fork's variables, unless a member of the project starts it; so
//! an outsider alone starts nothing here (https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/).

use std::collections::BTreeSet;

use super::agent::of_script;
use crate::credential_name::{is_credential_name, variables};
use crate::document::{Node, Value};

/// A job that runs an agent.
#[derive(Clone, Debug)]
pub struct GitlabAgent {
    pub job: String,
    pub line: u32,
    pub agent: &'static str,
    /// Variables with names of credentials that the job names. GitLab gives every job all variables of the project, so
    /// this is the least it sees.
    pub secrets: BTreeSet<String>,
    /// The job gets a signed statement of who it is.
    pub id_tokens: BTreeSet<String>,
    /// Runs for merge requests.
    pub on_merge_request: bool,
}

/// Words at the top of the file that are no jobs.
const NOT_JOBS: &[&str] =
    &["default", "image", "include", "pages", "services", "spec", "stages", "variables", "workflow"];

/// The agents of a `.gitlab-ci.yml`.
pub fn audit(document: &Node) -> Vec<GitlabAgent> {
    document
        .members()
        .iter()
        .filter(|member| member.node.is_map() && !NOT_JOBS.contains(&member.key.as_str()))
        .filter_map(|member| {
            let mut script = String::new();
            for key in ["before_script", "script", "after_script"] {
                lines(member.node.get(key), &mut script);
            }
            let (agent, _) = of_script(&script)?;
            let mut secrets = BTreeSet::new();
            for part in [member.node.get("variables"), document.get("variables")].into_iter().flatten() {
                part.each_text(&mut |key, text, _| {
                    secrets.extend(
                        variables(text)
                            .into_iter()
                            .filter(|name| is_credential_name(name))
                            .map(str::to_owned),
                    );
                    if is_credential_name(key) {
                        secrets.insert(key.to_owned());
                    }
                });
            }
            secrets.extend(
                variables(&script).into_iter().filter(|name| is_credential_name(name)).map(str::to_owned),
            );
            for secret in member.node.get("secrets").map_or(&[][..], Node::members) {
                secrets.insert(secret.key.clone());
            }
            let rules = member.node.get("rules").map(super::all_text).unwrap_or_default();
            let only = member.node.get("only").map(super::all_text).unwrap_or_default();
            Some(GitlabAgent {
                job: member.key.clone(),
                line: member.line,
                agent,
                secrets,
                id_tokens: member
                    .node
                    .get("id_tokens")
                    .map_or(&[][..], Node::members)
                    .iter()
                    .map(|token| token.key.clone())
                    .collect(),
                on_merge_request: rules.contains("merge_request") || only.contains("merge_requests"),
            })
        })
        .collect()
}

fn lines(node: Option<&Node>, into: &mut String) {
    match node.map(|node| &node.value) {
        Some(Value::Text(text)) => {
            into.push_str(text);
            into.push('\n');
        }
        Some(Value::List(items)) => items.iter().for_each(|item| lines(Some(item), into)),
        Some(Value::Bool(_) | Value::Map(_) | Value::Null | Value::Number(_)) | None => {}
    }
}
