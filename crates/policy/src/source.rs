//! Policy texts: the shipped ones, and an organisation's own. Reading files is the caller's.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{Effect, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use writ_model::{Label, ReasonCode};

use crate::syntax::{self, Unsayable};

/// How many bytes one policy file may have.
const FILE_BYTES: usize = 4 << 20;

/// How many policies a layer may have.
const POLICIES: usize = 100_000;

/// How many bytes one policy may have, and how deep its brackets may be nested. The parser and the validator descend
/// into what they read; with these bounds, [`STACK_BYTES`] is enough for them.
const POLICY_BYTES: usize = 16 << 10;
const BRACKETS: usize = 64;

/// Stack of the thread that reads policies. Only what is used of it is ever backed by memory.
const STACK_BYTES: usize = 512 << 20;

/// How many threads validate, and how many policies are worth one.
const THREADS: usize = 8;
const ON_ONE_THREAD: usize = 250;

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
        for (policy, label, notes, place) in read_file(layer, file, report) {
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
    for Complaint { severity, policy: id, message, help } in complaints(&policies, schema) {
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

/// What Cedar's validator has against a policy.
struct Complaint {
    severity: Severity,
    /// The policy's id, with its layer.
    policy: String,
    message: String,
    help: Option<String>,
}

/// Validates policies, each by itself, on as many threads as the machine has room for.
fn complaints(policies: &[&Policy], schema: &Schema) -> Vec<Complaint> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS);
    let each = policies.len().div_ceil(threads).max(ON_ONE_THREAD);
    let unread = |policies: &[&Policy]| Complaint {
        severity: Severity::Error,
        policy: policies.first().map(|policy| policy.id().to_string()).unwrap_or_default(),
        message: "the policies from this one on could not be validated".to_owned(),
        help: None,
    };
    std::thread::scope(|scope| {
        let spawn = |part| {
            let thread = std::thread::Builder::new().name("validate".to_owned()).stack_size(STACK_BYTES);
            (part, thread.spawn_scoped(scope, move || complaints_here(part, schema)))
        };
        let running: Vec<_> = policies.chunks(each).map(spawn).collect();
        let told = |(part, thread): (&[&Policy], std::io::Result<std::thread::ScopedJoinHandle<'_, _>>)| {
            let found = thread.ok().and_then(|thread| thread.join().ok()).flatten();
            found.unwrap_or_else(|| vec![unread(part)])
        };
        running.into_iter().flat_map(told).collect()
    })
}

/// None where Cedar will not have them together.
fn complaints_here(policies: &[&Policy], schema: &Schema) -> Option<Vec<Complaint>> {
    let set = PolicySet::from_policies(policies.iter().copied().cloned()).ok()?;
    let result = Validator::new(schema.clone()).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| Complaint {
        severity: Severity::Error,
        policy: error.policy_id().to_string(),
        message: error.to_string(),
        help: error.help().map(|help| help.to_string()),
    });
    let warnings = result.validation_warnings().map(|warning| Complaint {
        severity: Severity::Warning,
        policy: warning.policy_id().to_string(),
        message: warning.to_string(),
        help: warning.help().map(|help| help.to_string()),
    });
    Some(errors.chain(warnings).collect())
}

/// Where each `@id` of a text stands first.
fn places_of(text: &str) -> HashMap<&str, usize> {
    const BEFORE: &str = "@id(\"";
    let mut places = HashMap::new();
    for (at, _) in text.match_indices(BEFORE) {
        let id = text.get(at + BEFORE.len()..).and_then(|rest| rest.split_once("\")"));
        if let Some((id, _)) = id {
            places.entry(id).or_insert(at);
        }
    }
    places
}

/// The policies of one file that can be used, each with where its `@id` stands.
fn read_file(
    layer: Layer,
    file: &SourceFile,
    report: &mut Report,
) -> Vec<(Policy, Label, Notes, Option<usize>)> {
    if file.text.len() > FILE_BYTES {
        report.error(file, None, None, format!("the file is larger than {FILE_BYTES} bytes"), None);
        return Vec::new();
    }
    if let Some((place, message)) = too_much(&file.text) {
        report.error(file, Some(place), None, message, Some("split it into several policies"));
        return Vec::new();
    }
    let set: PolicySet = match file.text.parse() {
        Ok(set) => set,
        Err(errors) => {
            let errors: cedar_policy::ParseErrors = errors;
            for error in errors.iter() {
                let place = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
                let help = error.help().map(|help| help.to_string());
                report.error(file, place, None, error.to_string(), help.as_deref());
            }
            return Vec::new();
        }
    };
    if set.templates().next().is_some() {
        report.error(file, None, None, Unsayable::Template.to_string(), None);
    }
    let places = places_of(&file.text);
    let mut read = Vec::new();
    for policy in set.policies() {
        let id = policy.annotation("id").unwrap_or_default();
        let place = places.get(id).copied();
        let Ok(label) = format!("{}:{id}", layer.name()).parse::<Label>() else {
            let message =
                if id.is_empty() { "a policy has no `@id`".to_owned() } else { format!("`{id}` is no id") };
            report.error(file, place, None, message, Some("write `@id(\"short-name\")` before the policy"));
            continue;
        };
        if id.is_empty() {
            let first = policy.to_cedar().unwrap_or_default().chars().take(60).collect::<String>();
            let message = format!("the policy that starts with `{}` has no `@id`", first.replace('\n', " "));
            report.error(file, place, None, message, Some("write `@id(\"short-name\")` before the policy"));
            continue;
        }
        let reason = policy.annotation("reason").unwrap_or_default().to_owned();
        if reason.is_empty() || reason.len() > 400 || reason.chars().any(char::is_control) {
            let help = "write `@reason(\"why this policy exists\")`; agents and operators read it";
            report.error(file, place, Some(id), "it has no `@reason` of one line".to_owned(), Some(help));
            continue;
        }
        if let Some((unread, _)) = policy.annotations().find(|(name, _)| !ANNOTATIONS.contains(name)) {
            // A misspelled `@observe` would make a policy count that was only to be watched.
            let message = format!("`@{unread}` is no annotation that is read here");
            let help = "there are `@id`, `@reason`, `@instead`, `@observe`, `@on_incident` and, in guardrails, `@code`";
            report.error(file, place, Some(id), message, Some(help));
            continue;
        }
        if id
            .split_once(':')
            .is_some_and(|(layer, _)| ["guardrails", "organisation", "task"].contains(&layer))
        {
            let help = "leave the name of the layer out; it is put in front of every id";
            report.error(file, place, Some(id), "its `@id` names a layer".to_owned(), Some(help));
            continue;
        }
        let code = policy.annotation("code");
        if code.is_some() && layer != Layer::Guardrails {
            let message = "`@code` is for guardrails; whatever an organisation's policy refuses has the code `organisation`";
            report.error(file, place, Some(id), message.to_owned(), Some("take `@code` out"));
            continue;
        }
        let known = code
            .map(|code| ReasonCode::ALL.iter().map(|(known, _)| *known).find(|known| known.name() == code));
        if known == Some(None) {
            let message = format!("`{}` is no reason code", code.unwrap_or_default());
            report.error(file, place, Some(id), message, None);
            continue;
        }
        if layer == Layer::Guardrails && policy.effect() == Effect::Permit {
            report.error(file, place, Some(id), "guardrails only forbid".to_owned(), None);
            continue;
        }
        let observe = policy.annotation("observe").map(str::to_owned);
        if let Some(why) = &observe
            && let Some((message, help)) = unobservable(layer, why)
        {
            report.error(file, place, Some(id), message.to_owned(), Some(help));
            continue;
        }
        let on_incident = match incident::asks(policy) {
            Ok(on_incident) => on_incident,
            Err((message, help)) => {
                report.error(file, place, Some(id), message.to_owned(), Some(help));
                continue;
            }
        };
        if let Err(unsayable) = syntax::check(policy) {
            report.error(file, place, Some(id), unsayable.to_string(), None);
            continue;
        }
        let notes = Notes {
            reason,
            instead: policy.annotation("instead").map(str::to_owned),
            code: known.flatten(),
            observe,
            on_incident,
        };
        read.push((policy.new_id(PolicyId::new(label.as_str())), label, notes, place));
    }
    read.sort_by_key(|(_, _, _, place)| *place);
    read
}

/// The annotations of a policy that mean something.
const ANNOTATIONS: [&str; 6] = ["id", "reason", "instead", "code", "observe", incident::ANNOTATION];

/// What is wrong with observing a policy of this layer, for this reason.
fn unobservable(layer: Layer, why: &str) -> Option<(&'static str, &'static str)> {
    match layer {
        Layer::Guardrails | Layer::Task => Some((
            "guardrails always count and cannot be observed",
            "only the organisation's policies may have `@observe`",
        )),
        Layer::Organisation if why.is_empty() || why.len() > 400 || why.chars().any(char::is_control) => {
            Some((
                "its `@observe` does not say why",
                "write `@observe(\"why, and until when\")`; it is shown wherever the policy is",
            ))
        }
        Layer::Organisation => None,
    }
}

/// Where a policy is too long or nested too deeply to be read at all, strings and comments aside.
fn too_much(text: &str) -> Option<(usize, String)> {
    let (mut start, mut length, mut open) = (0, 0_usize, 0_usize);
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        length += 1;
        match byte {
            b'"' => {
                while let Some((_, inside)) = bytes.next() {
                    length += 1;
                    match inside {
                        b'\\' => _ = bytes.next(),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'/' if bytes.peek().is_some_and(|(_, next)| *next == b'/') => {
                while bytes.next_if(|(_, inside)| *inside != b'\n').is_some() {}
            }
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            b';' => (start, length, open) = (at + 1, 0, 0),
            _ => {}
        }
        if length > POLICY_BYTES {
            return Some((start, format!("a policy is longer than {POLICY_BYTES} bytes")));
        }
        if open > BRACKETS {
            return Some((at, format!("brackets are nested deeper than {BRACKETS}")));
        }
    }
    None
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

mod incident;
mod written;

pub use written::Written;

#[cfg(test)]
mod tests;
