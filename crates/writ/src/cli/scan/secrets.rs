//! `writ scan --secrets`: where credentials stand in files, a stream, or lines of text. Their place, their kind and a keyed
//! mark by which reuse shows; never their value.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_scan::finding::Finding;
use writ_scan::report::{odd_bytes, path_text};
use writ_scan::secret::{Confidence, Detector, FileFinding, Marker, Note, Scanner, Survey, survey};
use writ_scan::walk::exclude::Exclude;

use crate::failure::{Failure, Kind, Outcome};
use crate::screen;

/// Longest line of input.
const MAX_LINE_BYTES: u64 = 64 << 20;
/// Bytes of standard input that are looked at together.
const PIECE: usize = 256 << 10;
/// How often a person is told how far it is.
const TELL_AGAIN: Duration = Duration::from_millis(250);
/// Most letters of a path that people are shown.
const MAX_SHOWN_PATH: usize = 300;
/// Most threads.
const MAX_THREADS: usize = 16;

/// One line in. Fields that nobody knows are ignored.
#[derive(Deserialize)]
struct Asked {
    id: serde_json::Value,
    text: String,
}

/// One line out, for one line in.
#[derive(Serialize)]
struct Answered<'a> {
    id: &'a serde_json::Value,
    is_secret: bool,
    findings: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A finding in a text: offsets in characters.
#[derive(Serialize)]
struct Shown {
    start: u64,
    end: u64,
    rule: &'static str,
    confidence: &'static str,
}

/// A finding in a file: offsets in bytes.
#[derive(Serialize)]
struct InFile<'a> {
    path: std::borrow::Cow<'a, str>,
    /// Of a path that is no UTF-8: its bytes, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    line: u64,
    column: u64,
    start: u64,
    end: u64,
    rule: &'static str,
    confidence: &'static str,
    mark: &'a str,
    /// The same in every scan, as a baseline has it.
    key: &'a str,
}

/// How findings are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Sarif,
    Text,
}

/// What is known of earlier scans, and where to write what this one finds.
pub(super) struct Known<'a> {
    pub(super) keys: &'a BTreeSet<String>,
    pub(super) write_to: Option<&'a Path>,
}

/// A secret in a file, and the same as a thing to look at.
pub(super) struct Told {
    pub(super) secret: FileFinding,
    pub(super) finding: Finding,
}

/// Looks through each of `paths`, `-` being standard input; the folder that one is in without any. Ends with exit code 3
/// when something of `fail_on` or surer was found that nobody knows.
pub(super) fn main(
    paths: &[PathBuf],
    form: Form,
    fail_on: Option<Confidence>,
    exclude: &Exclude,
    known: &Known<'_>,
) -> Outcome {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let is_stream = |path: &Path| path.as_os_str() == "-";
    if known.write_to.is_some() && paths.iter().any(|path| is_stream(path)) {
        return Err(Failure::usage("a stream has no files that a baseline could name"));
    }
    let mut surest = None;
    let mut all = Vec::new();
    for path in paths {
        let found = match (is_stream(path), form) {
            (true, Form::Json) => lines()?,
            (true, Form::Text) => stream()?,
            (true, Form::Sarif) => {
                return Err(Failure::usage("SARIF names files, and a stream has none")
                    .hint("`writ scan --secrets --json -` answers each line"));
            }
            (false, _) => {
                let before = if paths.len() == 1 { Path::new("") } else { path.as_path() };
                tree(path, before, form, exclude, known.keys, &mut all)?
            }
        };
        surest = surest.max(found);
    }
    if let Some(file) = known.write_to {
        super::baseline::write(file, &all)?;
    }
    if form == Form::Sarif {
        all.retain(|finding| !known.keys.contains(&finding.key));
        screen::line(writ_scan::sarif::sarif(&all, &[], env!("CARGO_PKG_VERSION")))?;
    }
    let fails = fail_on.is_some_and(|least| surest.is_some_and(|surest| surest >= least));
    Ok(if fails { ExitCode::from(Kind::Denied.code()) } else { ExitCode::SUCCESS })
}

/// Lines of JSON in, one line out for each, in order.
fn lines() -> Result<Option<Confidence>, Failure> {
    let mut input = std::io::stdin().lock();
    let mut line = Vec::new();
    let mut surest = None;
    loop {
        line.clear();
        let length = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(surest);
        }
        if length as u64 >= MAX_LINE_BYTES {
            return Err(Failure::usage(format_args!("a line is longer than {MAX_LINE_BYTES} bytes")));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Asked>(&line) {
            Ok(Asked { id, text }) => {
                let findings = shown(&text);
                surest = surest.max(findings.iter().map(|(_, confidence)| *confidence).max());
                let findings: Vec<Shown> = findings.into_iter().map(|(shown, _)| shown).collect();
                screen::json(&Answered { id: &id, is_secret: !findings.is_empty(), findings, error: None })?;
            }
            // What cannot be read could be anything, and is called so.
            Err(error) => {
                let id = serde_json::Value::Null;
                let error = Some(format!("not a line of JSON with `id` and `text`: {error}"));
                screen::json(&Answered { id: &id, is_secret: true, findings: Vec::new(), error })?;
            }
        }
    }
}

/// The findings of a text, by characters.
fn shown(text: &str) -> Vec<(Shown, Confidence)> {
    let mut lines = writ_scan::secret::Lines::default();
    let mut chars = |until: u64| {
        let part = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        lines.pass(text.as_bytes().get(part(lines.offset())..part(until)).unwrap_or_default());
        lines.here().chars
    };
    let show = |finding: writ_scan::secret::Finding| {
        let (start, end) = (chars(finding.start), chars(finding.end));
        let shown = Shown { start, end, rule: finding.rule, confidence: finding.confidence.word() };
        (shown, finding.confidence)
    };
    Detector::shipped().find(text.as_bytes()).into_iter().map(show).collect()
}

/// Standard input as one stream.
fn stream() -> Result<Option<Confidence>, Failure> {
    let mut input = std::io::stdin().lock();
    let mut scanner = Scanner::new(Detector::shipped());
    let mut piece = vec![0; PIECE];
    let mut surest = None;
    let mut show = |found: Vec<writ_scan::secret::Finding>| -> Result<(), Failure> {
        for finding in found {
            surest = surest.max(Some(finding.confidence));
            let word = finding.confidence.word();
            screen::line(format_args!("bytes {}-{}  {}  {word}", finding.start, finding.end, finding.rule))?;
        }
        Ok(())
    };
    loop {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => show(scanner.push(piece.get(..length).unwrap_or_default()))?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    show(scanner.finish())?;
    Ok(surest)
}

/// Everything below a path. How sure the surest finding is that nobody knows; `all` takes the known ones too.
fn tree(
    path: &Path,
    before: &Path,
    form: Form,
    exclude: &Exclude,
    known: &BTreeSet<String>,
    all: &mut Vec<Finding>,
) -> Result<Option<Confidence>, Failure> {
    if let Err(error) = std::fs::metadata(path) {
        return Err(Failure::usage(format_args!("could not scan `{}`: {error}", path.display())));
    }
    let marker = marker()?;
    let progress = Survey { exclude: exclude.clone(), ..Survey::default() };
    let looked = look(&progress, |found, noted| {
        survey(Detector::shipped(), path, threads(), &marker, &progress, found, noted)
    });
    let told = told(path, before, looked.secrets);
    let root = std::fs::canonicalize(path).ok();
    all.extend(told.iter().map(|one| {
        let mut finding = one.finding.clone();
        // A file that was named itself is its own root.
        let below = finding.path.strip_prefix(before).ok().filter(|_| finding.path != path);
        let below = below.unwrap_or(Path::new("")).to_owned();
        let from_top = root.as_deref().and_then(|root| super::below_top(root, &below));
        if let (Form::Sarif, Some(named)) = (form, from_top) {
            finding.path = named;
        }
        finding
    }));
    let is_known = |one: &Told| known.contains(&one.finding.key);
    let (old, fresh): (Vec<Told>, Vec<Told>) = told.into_iter().partition(is_known);
    if form != Form::Sarif {
        for one in &fresh {
            show(one, form == Form::Json)?;
        }
    }
    tell_notes(&looked.notes);
    super::tell_left_out(progress.left_out.load(Ordering::Relaxed));
    if form == Form::Text {
        let files = progress.files.load(Ordering::Relaxed);
        let megabytes = progress.bytes.load(Ordering::Relaxed) / 1_000_000;
        let reused = reused(&fresh);
        let reused = match reused {
            0 => String::new(),
            reused => format!("; {reused} of them stand in more than one place"),
        };
        let known = match old.len() {
            0 => String::new(),
            old => format!("; {old} known by the baseline"),
        };
        screen::say(format_args!("{} found in {files} files of {megabytes} MB{reused}{known}", fresh.len()));
    }
    Ok(fresh.iter().map(|one| one.secret.confidence).max())
}

/// Marks of one scan.
pub(super) fn marker() -> Result<Marker, Failure> {
    Marker::of_this_run()
        .ok_or_else(|| Failure::new(Kind::Broken, "the system gives no randomness for marks"))
}

/// How many threads look.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(MAX_THREADS)
}

/// What a survey told, secrets in order of place.
pub(super) struct Looked {
    pub(super) secrets: Vec<FileFinding>,
    pub(super) notes: Vec<Note>,
}

/// Takes in a survey, and tells people at a terminal how far it is.
pub(super) fn look(
    progress: &Survey,
    survey: impl FnOnce(&mut dyn FnMut(FileFinding), &mut dyn FnMut(Note)),
) -> Looked {
    let done = AtomicBool::new(false);
    let (mut secrets, mut notes) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        if std::io::stderr().is_terminal() {
            scope.spawn(|| tell(progress, &done));
        }
        survey(&mut |finding| secrets.push(finding), &mut |note| notes.push(note));
        done.store(true, Ordering::Release);
    });
    secrets.sort_by(|a: &FileFinding, b| (&a.path, a.start).cmp(&(&b.path, b.start)));
    Looked { secrets, notes }
}

pub(super) fn tell_notes(notes: &[Note]) {
    for Note { path, why } in notes {
        screen::say(format_args!("{} {why}", screen::Quoted(&shortened(&path_text(path)))));
    }
}

/// As things to look at, with paths as they are below the folder that was named, and those below `before`.
pub(super) fn told(root: &Path, before: &Path, secrets: Vec<FileFinding>) -> Vec<Told> {
    let mut seen: BTreeMap<(PathBuf, &str, String), usize> = BTreeMap::new();
    let told = secrets.into_iter().map(|secret| {
        let below = secret.path.strip_prefix(root).unwrap_or(&secret.path);
        // A file that was named itself has nothing below it.
        let path = if below.as_os_str().is_empty() { secret.path.clone() } else { before.join(below) };
        let nth = seen.entry((path.clone(), secret.rule, secret.same.clone())).or_default();
        let finding = writ_scan::finding::of_secret(&secret, &path, *nth);
        *nth += 1;
        Told { secret, finding }
    });
    told.collect()
}

/// One secret, for people or as a line of JSON.
pub(super) fn show(told: &Told, json: bool) -> Result<(), Failure> {
    let FileFinding { path, place, start, end, rule, confidence, mark, same: _ } = &told.secret;
    let path_bytes = odd_bytes(path);
    let path = path_text(path);
    let (line, column, confidence) = (place.line, place.column, confidence.word());
    if json {
        let key = &told.finding.key;
        let (start, end) = (*start, *end);
        screen::json(&InFile { path, path_bytes, line, column, start, end, rule, confidence, mark, key })?;
    } else {
        let path = shortened(&path);
        let plain = path.chars().all(|c| !c.is_control() && (c.is_ascii() || c == '…'));
        let path = if plain { path } else { screen::Quoted(&path).to_string() };
        screen::line(format_args!("{path}:{line}:{column}  {rule}  {confidence}  {mark}"))?;
    }
    Ok(())
}

/// A path as a line for people holds it: of a long one its beginning and its end.
fn shortened(path: &str) -> String {
    let count = path.chars().count();
    if count <= MAX_SHOWN_PATH {
        return path.to_owned();
    }
    let half = MAX_SHOWN_PATH / 2;
    let (head, tail): (String, String) =
        (path.chars().take(half).collect(), path.chars().skip(count - half).collect());
    format!("{head}…{tail}")
}

/// How many values stand in more than one place.
fn reused(all: &[Told]) -> usize {
    let mut marks: Vec<&str> = all.iter().map(|one| one.secret.mark.as_str()).collect();
    marks.sort_unstable();
    marks.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).count()
}

/// Tells a person at a terminal how far it is, until it is done.
fn tell(progress: &Survey, done: &AtomicBool) {
    while !done.load(Ordering::Acquire) {
        let (files, of) = (progress.files.load(Ordering::Relaxed), progress.of_files.load(Ordering::Relaxed));
        let megabytes = progress.bytes.load(Ordering::Relaxed) / 1_000_000;
        let _ = write!(std::io::stderr(), "\r\u{1b}[K  {files} of {of} files, {megabytes} MB …");
        std::thread::park_timeout(TELL_AGAIN);
    }
    let _ = write!(std::io::stderr(), "\r\u{1b}[K");
}
