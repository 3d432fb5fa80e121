//! What an agent gets to through chains of steps: from the files that it edits, over the branch that it pushes, into jobs
//! that run what is on the branch, and to what these hold. Rules over facts (`reach/rules.rs`); each step cites the fact
//! that makes it, and a gate cuts the chain of whoever cannot edit the workflow that names it.
//!
//! Seen are workflows of GitHub at the top of one repository, settings of tools in it and of the user, and, for an agent that
//! nothing holds in, the credentials of the machine. What the forge keeps (rules
//! for branches and environments, the default token) is in no file: an `environment` counts as a gate, and
//! whoever may push and edit workflows counts as getting to every secret that they name.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

mod agents;
pub mod facts;
pub mod role;
mod rules;

#[cfg(test)]
mod tests;

pub use agents::CiAgent;

/// Something to get to.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Place {
    Agent(String),
    Branch,
    /// An account in a cloud, by what the job names.
    Cloud(String),
    Credential(String),
    Deployment(String),
    Host(String),
    /// Workflow and job.
    Job(String),
    /// What a job's token writes.
    Scope(String),
    Secret(String),
    Server(String),
}

/// Where something is written.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fact {
    pub path: PathBuf,
    pub line: u32,
    pub says: String,
}

/// One step of a chain.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Step {
    pub from: Place,
    pub to: Place,
    pub fact: Fact,
}

/// What policy refuses beforehand: each cuts chains.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Refused {
    pub push: bool,
    pub edit_workflows: bool,
    pub servers: bool,
}

/// All that one agent reaches.
#[derive(Debug, Default)]
pub struct Reach {
    /// Every place, with the shortest chain to it.
    pub chains: BTreeMap<Place, Vec<Step>>,
    /// Gates that cut a chain, and where they stand.
    pub gates: Vec<Fact>,
}

// === impl Place ===

impl Place {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Branch => "branch",
            Self::Cloud(_) => "cloud",
            Self::Credential(_) => "credential",
            Self::Deployment(_) => "deployment",
            Self::Host(_) => "host",
            Self::Job(_) => "job",
            Self::Scope(_) => "token-scope",
            Self::Secret(_) => "secret",
            Self::Server(_) => "mcp-server",
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Branch => "a branch of the repository",
            Self::Agent(name)
            | Self::Cloud(name)
            | Self::Credential(name)
            | Self::Deployment(name)
            | Self::Host(name)
            | Self::Job(name)
            | Self::Scope(name)
            | Self::Secret(name)
            | Self::Server(name) => name,
        }
    }
}

/// What an agent reaches, by the facts and what is refused.
pub fn reach(agent: &str, facts: &facts::Facts, refused: Refused) -> Reach {
    let (steps, gates) = rules::close(agent, facts, refused);
    let mut from: BTreeMap<&Place, Vec<&Step>> = BTreeMap::new();
    for step in &steps {
        from.entry(&step.from).or_default().push(step);
    }
    // Breadth first, so that the first chain to a place is a shortest one.
    let start = Place::Agent(agent.to_owned());
    let mut chains: BTreeMap<Place, Vec<Step>> = BTreeMap::new();
    let mut seen = BTreeSet::from([start.clone()]);
    let mut waiting = VecDeque::from([(start, Vec::new())]);
    while let Some((place, chain)) = waiting.pop_front() {
        for step in from.get(&place).into_iter().flatten() {
            if seen.insert(step.to.clone()) {
                let mut longer: Vec<Step> = chain.clone();
                longer.push((*step).clone());
                chains.insert(step.to.clone(), longer.clone());
                waiting.push_back((step.to.clone(), longer));
            }
        }
    }
    Reach { chains, gates }
}
