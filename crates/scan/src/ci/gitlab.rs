//! Agents in GitLab CI: jobs whose scripts start one, with what they name, what starts them and where they run.
//!
//! A merge request from a fork runs in the fork, with the fork's variables, unless a member of the project starts it; so
//! an outsider alone starts nothing here (https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/).

use std::collections::BTreeSet;

use super::agent::{self, Around, Values, starts_with_values};
use crate::approval::Approval;
use crate::credential_name::{is_credential_name, variables};
use crate::document::{Node, Value};
use crate::server::Credentials;

mod child;
mod job;
mod pattern;

pub(crate) use pattern::files;

use job::{Job, Pipeline};

/// Files of a pipeline that the file itself does not hold: a path from the top of the repository, or a pattern of such paths, to
/// their documents with the path of each.
pub type Included<'a> = &'a dyn Fn(&str) -> Vec<(String, Node)>;

/// A job that runs an agent.
#[derive(Clone, Debug)]
pub struct GitlabAgent {
    pub job: String,
    pub line: u32,
    /// The included file that describes the job, if it is another one.
    pub file: Option<String>,
    pub agent: &'static str,
    /// The program in its script.
    pub runs: String,
    /// Variables with names of credentials that the job names. GitLab gives every job all variables of the project, so
    /// this is the least it sees.
    pub secrets: BTreeSet<String>,
    /// The job gets a signed statement of who it is.
    pub id_tokens: BTreeSet<String>,
    /// What starts it, as `CI_PIPELINE_SOURCE` names it.
    pub sources: BTreeSet<String>,
    /// A person starts it.
    pub manual: bool,
    /// Only on the default branch or on protected ones, where only who may push there changes what runs.
    pub protected: bool,
    pub environment: Option<String>,
    /// What its runner must be tagged with.
    pub tags: Vec<String>,
    /// A runner that is not GitLab's own, which may keep state from job to job.
    pub own_runner: bool,
    /// Words of whoever wrote the merge request or the commit stand in its script.
    pub untrusted_prompt: Option<u32>,
    pub approval: Approval,
}

/// A whole pipeline, as far as agents go.
#[derive(Clone, Debug, Default)]
pub struct GitlabPipeline {
    pub agents: Vec<GitlabAgent>,
    /// Files of other places that it takes in, which are not looked at.
    pub elsewhere: Vec<String>,
    /// Credentials in plain text, in the file itself.
    pub(crate) credentials: Credentials,
}

/// Variables that hold what others wrote: https://docs.gitlab.com/ci/variables/predefined_variables/.
const UNTRUSTED_TEXT: &[&str] = &[
    "CI_COMMIT_AUTHOR",
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_DESCRIPTION",
    "CI_COMMIT_MESSAGE",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_TAG_MESSAGE",
    "CI_COMMIT_TITLE",
    "CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME",
    "CI_MERGE_REQUEST_DESCRIPTION",
    "CI_MERGE_REQUEST_LABELS",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_MERGE_REQUEST_TITLE",
    "TRIGGER_PAYLOAD",
];
/// How the tags of GitLab's own runners begin.
const HOSTED: &[&str] = &["saas-", "gitlab-org", "shared"];

/// Whether a file of this name describes a pipeline.
pub(crate) fn is_pipeline<S: AsRef<str>>(folders: &[S], name: &str) -> bool {
    let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    is_yaml
        && (name.ends_with(".gitlab-ci.yml")
            || name.ends_with(".gitlab-ci.yaml")
            || folders.iter().any(|part| [".gitlab", ".gitlab-ci"].contains(&part.as_ref())))
}

fn is_pipeline_path(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop().is_some_and(|name| is_pipeline(&parts, name))
}

/// The agents of a `.gitlab-ci.yml` and of what it includes from its own repository.
pub fn audit(document: &Node, included: Included<'_>) -> GitlabPipeline {
    let pipeline = Pipeline::of(document, included);
    let mut agents: Vec<GitlabAgent> = pipeline.jobs().filter_map(|job| agent_of(&pipeline, &job)).collect();
    let mut elsewhere = pipeline.elsewhere.clone();
    child::follow(&pipeline, included, &mut agents, &mut elsewhere);
    let mut credentials = Credentials::default();
    document.each_text(&mut |key, text, line| {
        if !text.contains('\n') {
            credentials.value(key, text, line, false);
        }
    });
    // A variable may be written with what it is for beside it.
    let variables =
        pipeline.jobs().filter_map(|job| job.node.get("variables")).chain(document.get("variables"));
    for member in variables.flat_map(Node::members) {
        if let Some(value) = member.node.get("value")
            && let Some(text) = value.text()
        {
            credentials.value(&member.key, text, value.line, false);
        }
    }
    GitlabPipeline { agents, elsewhere, credentials }
}

fn agent_of(pipeline: &Pipeline<'_>, job: &Job<'_>) -> Option<GitlabAgent> {
    let scripts: Vec<&Node> = ["before_script", "script", "after_script"]
        .iter()
        .filter_map(|key| pipeline.inherited(job, key))
        .flat_map(|node| pipeline.lines(node))
        .collect();
    let script: String =
        scripts.iter().filter_map(|line| line.text()).flat_map(|line| [line, "\n"]).collect();
    let around = Around {
        values: Values {
            set: pipeline.variables(job).collect(),
            matrix: pipeline.own(job, "parallel").and_then(|parallel| parallel.get("matrix")),
        },
        ..Around::default()
    };
    let image = pipeline.inherited(job, "image");
    let image = image.and_then(|image| image.text().or_else(|| image.get("name").and_then(Node::text)));
    let found =
        starts_with_values(&script, &around, None).into_iter().next().map(|start| (start.tool, start.runs));
    // An image that is an agent's is there to run it, by whatever script.
    let of_image =
        |image: &str| agent::of_image(&image.to_ascii_lowercase()).map(|tool| (tool, image.to_owned()));
    let (agent, runs) = found.or_else(|| image.and_then(of_image))?;
    // A file with the name of a pipeline tells its own jobs, as far as it can by itself.
    if job.file.is_some_and(is_pipeline_path) {
        let own: String = ["before_script", "script", "after_script"]
            .iter()
            .filter_map(|key| job.node.get(key))
            .flat_map(|node| pipeline.lines(node))
            .filter_map(Node::text)
            .flat_map(|line| [line, "\n"])
            .collect();
        if !starts_with_values(&own, &around, None).is_empty() {
            return None;
        }
    }
    let mut approval = Approval::default();
    let mut untrusted_prompt = None;
    let set = [pipeline.own(job, "variables")];
    approval
        .evidence
        .extend(agent::approval(&Node { line: job.line, value: Value::Null }, agent, &[], &set).evidence);
    for line in &scripts {
        let started = starts_with_values(line.text().unwrap_or(""), &around, None);
        approval.evidence.extend(agent::approval(line, agent, &started, &[]).evidence);
        let text = line.text().unwrap_or("");
        if untrusted_prompt.is_none()
            && variables(text).into_iter().any(|name| UNTRUSTED_TEXT.contains(&name))
        {
            untrusted_prompt = Some(line.line);
        }
    }
    let tags: Vec<String> = pipeline
        .inherited(job, "tags")
        .map(|tags| tags.texts().into_iter().map(str::to_owned).collect())
        .unwrap_or_default();
    let rules = pipeline.rules(job);
    Some(GitlabAgent {
        job: job.name.to_owned(),
        line: job.line,
        file: job.file.map(str::to_owned),
        agent,
        runs,
        secrets: secrets(pipeline, job, &script),
        id_tokens: pipeline.members(job, "id_tokens").map(|token| token.key.clone()).collect(),
        sources: rules.sources,
        manual: rules.manual,
        protected: rules.protected,
        environment: pipeline.own(job, "environment").and_then(|node| {
            node.text().or_else(|| node.get("name").and_then(Node::text)).map(str::to_owned)
        }),
        own_runner: tags.iter().any(|tag| !HOSTED.iter().any(|head| tag.starts_with(head))),
        tags,
        untrusted_prompt,
        approval,
    })
}

/// Names of credentials in variables and scripts.
fn secrets(pipeline: &Pipeline<'_>, job: &Job<'_>, script: &str) -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    let mut names_in = |text: &str| {
        let named = variables(text).into_iter().filter(|name| is_credential_name(name));
        secrets.extend(named.map(str::to_owned));
    };
    names_in(script);
    for member in pipeline.members(job, "variables").chain(pipeline.global("variables")) {
        member.node.each_text(&mut |_, text, _| names_in(text));
        if is_credential_name(&member.key) {
            names_in(&format!("${}", member.key));
        }
    }
    secrets.extend(pipeline.members(job, "secrets").map(|secret| secret.key.clone()));
    secrets
}

/// What of a rule's texts is said of `CI_PIPELINE_SOURCE`, into `sources`.
fn sources_of(condition: &str, sources: &mut BTreeSet<String>) {
    for rest in condition.split("CI_PIPELINE_SOURCE").skip(1) {
        let rest = rest.trim_start_matches('}').trim_start();
        let Some(rest) = rest.strip_prefix("==").or_else(|| rest.strip_prefix("=~")) else { continue };
        let said = rest.split("&&").next().and_then(|part| part.split("||").next()).unwrap_or("");
        let words = said.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        sources.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
    }
    if condition.contains("CI_MERGE_REQUEST_I") {
        sources.insert("merge_request_event".to_owned());
    }
}

/// Whether a condition holds on protected branches or the default branch only.
fn is_of_protected(condition: &str) -> bool {
    let flat: String = condition.chars().filter(|letter| !letter.is_whitespace()).collect();
    let asks = flat.contains("CI_COMMIT_REF_PROTECTED==\"true\"")
        || flat.contains("CI_COMMIT_REF_PROTECTED=='true'")
        || flat.contains("CI_COMMIT_BRANCH==$CI_DEFAULT_BRANCH")
        || flat.contains("CI_COMMIT_REF_NAME==$CI_DEFAULT_BRANCH");
    asks && !flat.contains("||")
}

/// Whether a value is a list or map that stands for something, and not only a text.
fn is_set(node: &Node) -> bool {
    !matches!(node.value, Value::Null)
}
