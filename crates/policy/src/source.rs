//! Policy texts: the shipped ones, and an organisation's own. Reading files is the caller's.

use std::collections::BTreeMap;

use cedar_policy::{Effect, Policy, Schema};
use writ_model::{Label, ReasonCode};

/// How many policies a layer may have.
const POLICIES: usize = 100_000;

/// Stack of the thread that reads policies. Only what is used of it is ever backed by memory.
const STACK_BYTES: usize = 512 << 20;

/// One file of policies, with the name that messages call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    pub name: String,
    pub text: String,
}

/// The texts that an engine is made from. Guardrails are always the shipped ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySources {
    guardrails: Vec<SourceFile>,
    organisation: Vec<SourceFile>,
}

/// One of the three policy sets. All must agree; each can only take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    Guardrails,
    Organisation,
    Task,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The policies cannot be used.
    Error,
    /// They can, and probably do not say what was meant.
    Warning,
}

/// Something that is wrong with a policy text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub file: String,
    /// Line and column, from 1, where they are known.
    pub at: Option<(usize, usize)>,
    /// The policy's id, where it has one.
    pub policy: Option<String>,
    pub message: String,
    pub help: Option<String>,
}

/// What `writ policy validate` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Policies that were read, guardrails included.
    pub policies: usize,
    /// Errors first, then by file and place.
    pub findings: Vec<Finding>,
    /// Policies that are only observed: they are checked like the others and decide nothing.
    pub observed: Vec<ObservedPolicy>,
}

/// The policies cannot be used. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("the policies have {} errors, the first: {first}; `writ policy validate` shows all", .report.errors())]
    Refused { first: Box<Finding>, report: Report },
    #[error("the shipped schema cannot be read: {0}")]
    Schema(String),
    #[error("the policies could not be read: {0}")]
    Unread(String),
}

/// What the decision tells about a policy beside its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notes {
    pub reason: String,
    pub instead: Option<String>,
    pub code: Option<ReasonCode>,
    /// Why and until when the policy is only observed; it does not count then.
    pub observe: Option<String>,
    /// It says which incidents suspend an agent, and decides no call.
    pub on_incident: bool,
}

/// A policy that is watched and does not count: `@observe("why, and until when")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedPolicy {
    /// As in decisions, with the layer before it.
    pub id: Label,
    pub file: String,
    /// What its annotation says: why it is observed, and until when.
    pub why: String,
}

/// One layer as it was read: policies that are all sayable, valid and have ids.
#[derive(Default)]
pub(crate) struct ReadLayer {
    pub policies: Vec<(Policy, Label, Notes)>,
}

/// Checks the texts and tells all that is wrong with them.
pub fn validate(sources: &PolicySources) -> Report {
    let schema = crate::schema::schema().map_err(|error| LoadError::Schema(error.to_string()));
    match schema.and_then(|schema| read(sources, &schema)) {
        Ok(read) => read.report,
        Err(error) => Report {
            policies: 0,
            observed: Vec::new(),
            findings: vec![Finding {
                severity: Severity::Error,
                file: "schema.cedarschema".to_owned(),
                at: None,
                policy: None,
                message: error.to_string(),
                help: None,
            }],
        },
    }
}

/// Both layers that are read from texts, and what was found on the way.
pub(crate) struct Read {
    pub guardrails: ReadLayer,
    pub organisation: ReadLayer,
    pub report: Report,
}

/// Reads both layers, on a stack of its own. With an error in the report, they must not be used.
pub(crate) fn read(sources: &PolicySources, schema: &Schema) -> Result<Read, LoadError> {
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("policies".to_owned()).stack_size(STACK_BYTES);
        let thread = reader
            .spawn_scoped(scope, || read_layers(sources, schema))
            .map_err(|error| LoadError::Unread(error.to_string()))?;
        thread.join().map_err(|_| LoadError::Unread("the reader stopped half way".to_owned()))
    })
}

fn read_layers(sources: &PolicySources, schema: &Schema) -> Read {
    let mut report = Report::default();
    let guardrails = read_layer(Layer::Guardrails, &sources.guardrails, schema, &mut report);
    let organisation = read_layer(Layer::Organisation, &sources.organisation, schema, &mut report);
    let permits = |(policy, _, notes): &(Policy, Label, Notes)| {
        policy.effect() == Effect::Permit && notes.observe.is_none()
    };
    if !organisation.policies.iter().any(permits) {
        report.findings.push(Finding {
            severity: Severity::Warning,
            file: Layer::Organisation.name().to_owned(),
            at: None,
            policy: None,
            message: "no policy of this layer permits anything, so every call is denied".to_owned(),
            help: Some("write at least one `permit` that is not only observed".to_owned()),
        });
    }
    report.findings.sort_by(|a, b| (a.severity, &a.file, a.at).cmp(&(b.severity, &b.file, b.at)));
    Read { guardrails, organisation, report }
}

fn read_layer(layer: Layer, files: &[SourceFile], schema: &Schema, report: &mut Report) -> ReadLayer {
    let mut read = ReadLayer::default();
    let mut home: BTreeMap<Label, (String, Option<usize>)> = BTreeMap::new();
    for file in files {
        for (policy, label, notes, place) in file::read(layer, file, report) {
            if let Some((other, _)) = home.get(&label) {
                let message = format!("`{}` is the id of another policy too, in `{other}`", bare(&label));
                report.error(
                    file,
                    place,
                    Some(bare(&label)),
                    message,
                    Some("give each policy its own `@id`"),
                );
                continue;
            }
            if let Some(why) = &notes.observe {
                let why = why.clone();
                report.observed.push(ObservedPolicy { id: label.clone(), file: file.name.clone(), why });
            }
            home.insert(label.clone(), (file.name.clone(), place));
            read.policies.push((policy, label, notes));
        }
    }
    report.policies += read.policies.len();
    if read.policies.len() > POLICIES {
        report.findings.push(Finding {
            severity: Severity::Error,
            file: layer.name().to_owned(),
            at: None,
            policy: None,
            message: format!("more than {POLICIES} policies"),
            help: None,
        });
    }
    let policies: Vec<&Policy> = read.policies.iter().map(|(policy, ..)| policy).collect();
    for check::Complaint { severity, policy: id, message, help } in check::complaints(&policies, schema) {
        let id = id.as_str();
        let at = id.parse::<Label>().ok().and_then(|label| home.get(&label).cloned());
        let (file, offset) = at.unwrap_or_else(|| (layer.name().to_owned(), None));
        let text = files.iter().find(|source| source.name == file).map_or("", |source| source.text.as_str());
        report.findings.push(Finding {
            severity,
            file,
            at: offset.map(|offset| line_of(text, offset)),
            policy: Some(id.split_once(':').map_or(id, |(_, bare)| bare).to_owned()),
            message,
            help,
        });
    }
    read
}

/// Line and column, from 1, of a byte offset.
fn line_of(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

fn bare(label: &Label) -> &str {
    label.as_str().split_once(':').map_or(label.as_str(), |(_, bare)| bare)
}

// === impl PolicySources ===

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../policies/", $name)))),*]
    };
}

/// The shipped files, in the order in which they are read.
const GUARDRAILS: [(&str, &str); 1] = shipped!["guardrails.cedar"];
const PROFILES: [(&str, &str); 13] = shipped![
    "profiles/bugfix.cedar",
    "profiles/dependency-update.cedar",
    "profiles/docs.cedar",
    "profiles/every.cedar",
    "profiles/feature.cedar",
    "profiles/hooked.cedar",
    "profiles/named.cedar",
    "profiles/ops.cedar",
    "profiles/refactor.cedar",
    "profiles/release.cedar",
    "profiles/review.cedar",
    "profiles/test.cedar",
    "profiles/work.cedar",
];

impl PolicySources {
    /// The shipped guardrails, and the shipped profiles as the organisation's policy.
    pub fn shipped() -> Self {
        let files = |files: &[(&str, &str)]| {
            files
                .iter()
                .map(|(name, text)| SourceFile { name: (*name).to_owned(), text: (*text).to_owned() })
                .collect()
        };
        Self { guardrails: files(&GUARDRAILS), organisation: files(&PROFILES) }
    }

    /// The organisation's files.
    pub fn organisation(&self) -> &[SourceFile] {
        &self.organisation
    }

    /// The same guardrails, with the organisation's own policies in place of the shipped profiles. The order of the
    /// files does not matter.
    #[must_use]
    pub fn with_organisation(mut self, files: impl IntoIterator<Item = SourceFile>) -> Self {
        self.organisation = files.into_iter().collect();
        self.organisation.sort_by(|a, b| (&a.name, &a.text).cmp(&(&b.name, &b.text)));
        self
    }

    /// Every byte that can change a decision, in a fixed order, each part with its length before it.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(crate::schema::SCHEMA).chain(
            [("guardrails", &self.guardrails), ("organisation", &self.organisation)].into_iter().flat_map(
                |(layer, files)| {
                    std::iter::once(layer)
                        .chain(files.iter().flat_map(|file| [file.name.as_str(), file.text.as_str()]))
                },
            ),
        )
    }
}

// === impl Layer ===

impl Layer {
    /// What ids of its policies start with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guardrails => "guardrails",
            Self::Organisation => "organisation",
            Self::Task => "task",
        }
    }
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

// === impl Finding ===

impl std::fmt::Display for Finding {
    /// `file:line:column: severity: message (policy `id`)`, and the help on a second line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, ": {severity}: {}", self.message)?;
        if let Some(policy) = &self.policy {
            write!(f, " (policy `{policy}`)")?;
        }
        self.help.iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

// === impl Report ===

impl Report {
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }

    /// Whether the policies can be used.
    pub fn is_usable(&self) -> bool {
        self.errors() == 0
    }

    fn error(
        &mut self,
        file: &SourceFile,
        place: Option<usize>,
        policy: Option<&str>,
        message: String,
        help: Option<&str>,
    ) {
        self.findings.push(Finding {
            severity: Severity::Error,
            file: file.name.clone(),
            at: place.map(|place| line_of(&file.text, place)),
            policy: policy.map(str::to_owned),
            message,
            help: help.map(str::to_owned),
        });
    }
}

mod check;
mod file;
mod incident;
mod written;

pub use written::Written;

#[cfg(test)]
mod tests;
