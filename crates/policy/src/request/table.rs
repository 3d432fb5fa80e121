//! Tables of operations: a method, a form of path, and what it does. The grammar of a row is told in the data files.

use super::wire::Verb;

/// Most words of one row.
const WORDS: usize = 24;

/// How many steps matching one row may take: rows with several open places are tried in more than one way.
const STEPS: usize = 512;

/// `PUT /repos/{owner}/{repo}/pulls/{n}/merge`.
#[derive(Clone, Debug)]
pub(super) struct Row {
    verb: Option<Verb>,
    parts: Vec<Part>,
    /// The row may stand behind other segments.
    is_open: bool,
}

#[derive(Clone, Debug)]
enum Part {
    /// In lower case.
    Word(&'static str),
    /// `{name}`: one segment, without an encoded slash.
    One(&'static str),
    /// `{name*}`: one or more segments.
    Some(&'static str),
    /// `**`: whatever follows, or nothing.
    Rest,
}

/// What stands in the places of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places(Vec<(&'static str, String)>);

// === impl Places ===

impl Places {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

// === impl Row ===

impl Row {
    /// `METHOD /path`, where the method may be `*` (any that changes something) and the path may start with `…/`.
    pub fn read(text: &'static str) -> Option<Self> {
        let (method, path) = text.split_once(' ')?;
        let verb = match method {
            "*" => None,
            method => Some(Verb::of(method)).filter(|verb| *verb != Verb::Other).map(Some)?,
        };
        let (is_open, path) = match path.strip_prefix("…/") {
            Some(path) => (true, path),
            None => (false, path.strip_prefix('/')?),
        };
        let parts: Vec<Part> = path
            .split('/')
            .filter(|word| !word.is_empty())
            .map(|word| match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
                Some(name) => match name.strip_suffix('*') {
                    Some(name) => Part::Some(name),
                    None => Part::One(name),
                },
                None if word == "**" => Part::Rest,
                None => Part::Word(word),
            })
            .collect();
        (parts.len() <= WORDS).then_some(Self { verb, parts, is_open })
    }

    /// How much a row says: of several that fit, the one that says most counts.
    pub fn weight(&self) -> usize {
        let words = self.parts.iter().filter(|part| matches!(part, Part::Word(_))).count();
        let ones = self.parts.iter().filter(|part| matches!(part, Part::One(_))).count();
        100 * words + 2 * ones + usize::from(self.verb.is_some())
    }

    pub fn fit(&self, verb: Verb, segments: &[String]) -> Option<Places> {
        match self.verb {
            Some(own) if own != verb => return None,
            None if verb == Verb::Read => return None,
            Some(_) | None => {}
        }
        let mut steps = STEPS;
        if !self.is_open {
            return fit(&self.parts, segments, &mut steps);
        }
        (0..=segments.len())
            .find_map(|from| fit(&self.parts, segments.get(from..).unwrap_or_default(), &mut steps))
    }
}

fn fit(parts: &[Part], segments: &[String], steps: &mut usize) -> Option<Places> {
    *steps = steps.checked_sub(1)?;
    let Some((part, parts)) = parts.split_first() else {
        return segments.is_empty().then(Places::default);
    };
    if matches!(part, Part::Rest) {
        return Some(Places::default());
    }
    let (first, rest) = segments.split_first()?;
    match part {
        Part::Rest => Some(Places::default()),
        Part::Word(word) if first.eq_ignore_ascii_case(word) => fit(parts, rest, steps),
        Part::Word(_) => None,
        Part::One(_) if first.contains('/') => None,
        Part::One(name) => {
            let mut places = fit(parts, rest, steps)?;
            places.0.push((name, first.clone()));
            Some(places)
        }
        Part::Some(name) => (1..=segments.len()).find_map(|taken| {
            let mut places = fit(parts, segments.get(taken..)?, steps)?;
            places.0.push((name, segments.get(..taken)?.join("/")));
            Some(places)
        }),
    }
}

/// The row of a table that says most about a request, and what stands in its places.
pub(super) fn best<'t, D>(table: &'t [(Row, D)], verb: Verb, segments: &[String]) -> Option<(&'t D, Places)> {
    table
        .iter()
        .filter_map(|(row, does)| Some((row.weight(), does, row.fit(verb, segments)?)))
        .max_by_key(|(weight, ..)| *weight)
        .map(|(_, does, places)| (does, places))
}
