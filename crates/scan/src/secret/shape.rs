//! Shapes: published formats that begin with a text of their own. The table is data; this reads and applies it.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, Span};
use serde::Deserialize;

use super::check::{self, Check};
use super::local::{is_default_pair, is_local};
use super::value;
use super::{Confidence, Found, View, is_word};

mod head;
mod track;

use head::Head;
use track::Track;

/// The table. A test reads all of it.
const TABLE: &str = include_str!("shapes.toml");
/// How far around a secret a word that must be near may stand, on the same line.
const NEAR: usize = 160;
/// How far before a secret its name may begin.
const NAMED: usize = 64;
/// Longest text that a shape may match.
const LONGEST: usize = super::window::AHEAD - 1024;

/// One line of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The stable name.
    id: String,
    /// Texts that it begins with.
    at: Vec<String>,
    /// The whole as a regular expression, from the first byte of the anchor; the secret is its group, if it has one.
    is: String,
    /// Where the format is published.
    #[serde(rename = "from")]
    _from: String,
    #[serde(default)]
    check: Check,
    /// Words of which one must stand near.
    #[serde(default)]
    near: Vec<String>,
    /// Whether upper and lower case are alike.
    #[serde(default)]
    fold: bool,
    /// Whether it may stand inside a longer word.
    #[serde(default)]
    inside: bool,
    /// How many bytes before its anchor it begins.
    #[serde(default)]
    back: usize,
    /// Whether what is matched is the head of armoured text, all of which is the secret.
    #[serde(default)]
    armour: bool,
    /// Whether it begins with the word that its anchor ends or follows.
    #[serde(default)]
    run: bool,
    /// Whether bytes that repeat do not show that it is a sample.
    #[serde(default)]
    plain: bool,
    /// Words right before it that say that it is given out to be published.
    #[serde(default)]
    public: Vec<String>,
    #[serde(default)]
    sure: Sure,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sure {
    Low,
    Medium,
    #[default]
    High,
}

#[derive(Deserialize)]
struct Table {
    shape: Vec<Row>,
}

/// One published format.
pub(super) struct Shape {
    pub(super) id: &'static str,
    pub(super) anchors: Vec<&'static str>,
    pub(super) exact: bool,
    pub(super) apart: bool,
    is: String,
    head: OnceLock<Head>,
    track: OnceLock<Option<Track>>,
    built: OnceLock<Option<Regex>>,
    back: usize,
    run: bool,
    armour: bool,
    check: Check,
    near: Vec<String>,
    plain: bool,
    public: Vec<String>,
    /// Its name where it is published.
    pub(super) public_id: Option<&'static str>,
    confidence: Confidence,
}

/// All rows. One that cannot be read is left out; a test says that none is.
pub(super) fn shipped() -> Vec<Shape> {
    toml::from_str::<Table>(TABLE)
        .map(|table| table.shape.into_iter().map(Shape::new).collect())
        .unwrap_or_default()
}

// === impl Shape ===

impl Shape {
    fn new(row: Row) -> Self {
        let Row { id, at, is, _from: _, check, near, fold, inside, back, run, armour, plain, public, sure } =
            row;
        let confidence = match sure {
            Sure::Low => Confidence::Low,
            Sure::Medium => Confidence::Medium,
            Sure::High => Confidence::High,
        };
        // The table lives as long as the program: names and anchors are leaked once, so that findings stay small.
        let anchors = at.into_iter().map(|text| &*String::leak(text)).collect();
        let public_id = (!public.is_empty()).then(|| &*String::leak(format!("{id}-public")));
        Self {
            id: String::leak(id),
            anchors,
            exact: !fold,
            apart: !inside,
            is,
            head: OnceLock::new(),
            track: OnceLock::new(),
            built: OnceLock::new(),
            back,
            run,
            armour,
            check,
            near,
            plain,
            public,
            public_id,
            confidence,
        }
    }

    fn regex(&self) -> Option<&Regex> {
        self.built.get_or_init(|| self.build().ok()).as_ref()
    }

    /// In bytes and without Unicode: sets are small, and invalid text is text like any other.
    fn syntax(&self) -> syntax::Config {
        syntax::Config::new().unicode(false).utf8(false).case_insensitive(!self.exact)
    }

    pub(super) fn build(&self) -> Result<Regex, Box<regex_automata::meta::BuildError>> {
        Regex::builder()
            .syntax(self.syntax())
            .configure(
                // It is asked at one place at a time, and seldom: what helps to find places, or speeds up groups, takes longer
                // to build than it saves.
                Regex::config()
                    .utf8_empty(false)
                    .nfa_size_limit(Some(4 << 20))
                    .auto_prefilter(false)
                    .onepass(false),
            )
            .build(&self.is)
            .map_err(Box::new)
    }

    /// Where the whole begins whose anchor is at `at`.
    fn begin(&self, view: View<'_>, at: usize) -> Option<usize> {
        if self.run {
            let before = view.slice(at.saturating_sub(96), at);
            let run = before.iter().rev().take_while(|byte| is_word(**byte) || **byte == b'-').count();
            return Some(at - run);
        }
        at.checked_sub(self.back)
    }

    /// Whether the first looks say that a match may begin here.
    pub(super) fn may_match(&self, view: View<'_>, at: usize) -> bool {
        let track = || self.track.get_or_init(|| Track::of(&self.is, self.syntax())).as_ref();
        self.head.get_or_init(|| Head::of(&self.is, self.syntax())).fits(view, at)
            && track().is_none_or(|track| track.fits(view, at))
    }

    /// Whether a match begins here.
    #[cfg(test)]
    pub(super) fn matches(&self, view: View<'_>, at: usize) -> bool {
        let input = Input::new(view.bytes).range(at..).anchored(Anchored::Yes);
        self.regex().is_some_and(|regex| regex.is_match(input))
    }

    /// The secret whose anchor begins at `at`.
    pub(super) fn find(&self, view: View<'_>, at: usize) -> Option<Found> {
        let at = self.begin(view, at)?;
        if !self.may_match(view, at) {
            return None;
        }
        let regex = self.regex()?;
        let span = Span { start: at, end: view.bytes.len().min(at + LONGEST) };
        let input = Input::new(view.bytes).span(span).anchored(Anchored::Yes);
        // Most anchors lead to nothing; only a match is worth a place for its groups.
        regex.search_half(&input)?;
        let mut captures = regex.create_captures();
        regex.captures(input, &mut captures);
        let whole = captures.get_match()?;
        if self.apart
            && is_word(view.at(whole.end() - usize::from(whole.end() > at)))
            && is_word(view.at(whole.end()))
        {
            return None;
        }
        let Span { start, mut end } = captures.get_group(1).unwrap_or_else(|| whole.span());
        if self.armour {
            end = armoured(view, end)?;
        }
        let secret = view.slice(start, end);
        let few = secret.len() >= 40 && value::Counts::of(secret).distinct < 7;
        if few
            || !self.plain && value::is_sample(secret)
            || self.apart && is_within_base64(view, at, whole.end())
        {
            return None;
        }
        if !self.near.is_empty() {
            let line = view.line(at, NEAR).to_ascii_lowercase();
            if !self.near.iter().any(|word| value::contains(&line, word.as_bytes())) {
                return None;
            }
        }
        if self.check == Check::Userinfo && is_usual(view, start, end) {
            return None;
        }
        if let Some(rule) = self.public_id {
            let before = view.slice(start.saturating_sub(NAMED), start).to_ascii_lowercase();
            let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
            if self.public.iter().any(|word| value::contains(line, word.as_bytes())) {
                return Some(Found { start, end, rule, confidence: Confidence::Low });
            }
        }
        let confidence = match check::of(self.check, secret) {
            check::Verdict::Right => Confidence::High,
            check::Verdict::None => self.confidence,
            check::Verdict::Off => Confidence::Low,
            check::Verdict::Wrong => return None,
        };
        Some(Found { start, end, rule: self.id, confidence })
    }
}

/// Whether a password in a URL is the name of its user, at a service of this machine or of a composition on it: what images and
/// packages come with.
fn is_usual(view: View<'_>, start: usize, end: usize) -> bool {
    let password = view.slice(start, end);
    let before = view.slice(start.saturating_sub(password.len() + 2), start);
    let user = before.strip_prefix(b"/").and_then(|user| user.strip_suffix(b":"));
    user.is_some_and(|user| is_default_pair(user, password)) && is_local(view.slice(end, end + NEAR))
}

/// Whether what stands at `from..until` is a piece of a longer text in base64, in which any letters come by chance.
fn is_within_base64(view: View<'_>, from: usize, until: usize) -> bool {
    const LONG: usize = 40;
    let letter = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let (before, after) = (view.slice(from.saturating_sub(LONG), from), view.slice(until, until + LONG));
    let before =
        matches!(before.last(), Some(b'+' | b'/')) && before.iter().rev().take_while(letter).count() == LONG;
    before || matches!(after.first(), Some(b'+' | b'/')) && after.iter().take_while(letter).count() == LONG
}

/// The end of armoured text whose head ends at `at`: its foot, or as far as it goes when it is cut off. `None` when there is
/// no text. Source code puts quotation marks and escapes between the lines.
fn armoured(view: View<'_>, at: usize) -> Option<usize> {
    /// So many without a break but those of lines: words of code are shorter.
    const LEAST: usize = 30;
    let text = view.slice(at, at + LONGEST);
    let mut letters = 0;
    let mut run = 0;
    for (index, byte) in text.iter().enumerate() {
        run = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' | b'=' => run + 1,
            b'"' | b'\'' | b'`' | b',' | b'\\' | b'>' | b'#' => run,
            byte if byte.is_ascii_whitespace() => run,
            _ => 0,
        };
        letters = letters.max(run);
        match byte {
            b'-' if letters >= LEAST && text.get(index..).is_some_and(|rest| rest.starts_with(b"---")) => {
                let foot = text
                    .get(index..)?
                    .iter()
                    .take(80)
                    .position(|byte| matches!(byte, b'\n' | b'"' | b'\\' | b'\''));
                return Some(at + index + foot.unwrap_or(0));
            }
            b'-' if text.get(index..).is_some_and(|rest| rest.starts_with(b"-----BEGIN")) => return None,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => {}
            b'+' | b'/' | b'=' | b'-' | b'"' | b'\'' | b'`' | b',' | b'\\' | b'.' | b':' | b'(' | b')'
            | b'>' | b'#' => {}
            byte if byte.is_ascii_whitespace() => {}
            _ => return (letters >= LEAST).then_some(at + index),
        }
    }
    (letters >= LEAST).then_some(at + text.len())
}
