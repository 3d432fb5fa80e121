//! Pipelines that jobs of a pipeline start: <https://docs.gitlab.com/ci/pipelines/downstream_pipelines/>.

use std::collections::BTreeMap;

use super::job::Pipeline;
use super::{GitlabAgent, Included, agent_of, is_pipeline_path};
use crate::document::{Member, Node, Value};

/// How deep pipelines may start each other, and most that are followed from one.
const MAX_DEPTH: usize = 2;
const MAX_CHILDREN: usize = 50;

/// What starts a pipeline, of all jobs that start it.
struct Start {
    include: Node,
    protected: bool,
    manual: bool,
}

/// Adds the agents of pipelines that jobs start, and of those that these start.
pub(super) fn follow(
    pipeline: &Pipeline<'_>,
    included: Included<'_>,
    agents: &mut Vec<GitlabAgent>,
    elsewhere: &mut Vec<String>,
) {
    let mut left = MAX_CHILDREN;
    below(pipeline, included, (0, &mut left), agents, elsewhere);
}

fn below(
    pipeline: &Pipeline<'_>,
    included: Included<'_>,
    (depth, left): (usize, &mut usize),
    agents: &mut Vec<GitlabAgent>,
    elsewhere: &mut Vec<String>,
) {
    for start in started(pipeline, elsewhere).into_values() {
        let Some(fewer) = left.checked_sub(1).filter(|_| depth < MAX_DEPTH) else {
            let mut name = |_: &str, text: &str, _| elsewhere.push(text.to_owned());
            start.include.each_text(&mut name);
            continue;
        };
        *left = fewer;
        // It holds what its files hold, and nothing of its own.
        let line = start.include.line;
        let members = vec![Member { key: "include".to_owned(), line, node: start.include }];
        let document = Node { line, value: Value::Map(members) };
        let child = Pipeline::of(&document, included);
        let first = agents.len();
        agents.extend(child.jobs().filter_map(|job| agent_of(&child, &job)));
        elsewhere.extend(child.elsewhere.iter().cloned());
        below(&child, included, (depth + 1, left), agents, elsewhere);
        for agent in agents.get_mut(first..).unwrap_or_default() {
            // Who may not start the pipeline above does not start this one.
            agent.protected |= start.protected;
            agent.manual |= start.manual;
            if agent.sources.len() == 1 && agent.sources.remove("push") {
                agent.sources.insert("parent_pipeline".to_owned());
            }
        }
    }
}

/// What the jobs of a pipeline start, each once.
fn started(pipeline: &Pipeline<'_>, elsewhere: &mut Vec<String>) -> BTreeMap<Vec<String>, Start> {
    let mut started: BTreeMap<Vec<String>, Start> = BTreeMap::new();
    for job in pipeline.jobs() {
        // A file with the name of a pipeline tells what it starts by itself.
        if job.file.is_some_and(is_pipeline_path) && job.node.get("trigger").is_some() {
            continue;
        }
        let Some(trigger) = pipeline.own(&job, "trigger") else { continue };
        let Some(include) = trigger.get("include") else {
            let project = trigger.text().or_else(|| trigger.get("project").and_then(Node::text));
            elsewhere.push(project.unwrap_or("another pipeline").to_owned());
            continue;
        };
        let mut named = Vec::new();
        include.each_text(&mut |key, text, _| named.push(format!("{key} {text}")));
        let rules = pipeline.rules(&job);
        let start = started.entry(named).or_insert_with(|| Start {
            include: include.clone(),
            protected: true,
            manual: true,
        });
        start.protected &= rules.protected;
        start.manual &= rules.manual;
    }
    started
}
