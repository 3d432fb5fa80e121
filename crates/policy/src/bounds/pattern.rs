//! Patterns of paths, matched by components and never by a regular expression.
//!
//! | written | stands for |
//! |---|---|
//! | `src/**`, `./src/**`, `src/`, `src/*` | below the workspace; a slash inside ties it to the workspace's own folder |
//! | `*.toml`, `CLAUDE.md` | that name at any depth |
//! | `**/.env` | at any depth; where something is put off limits, outside the workspace too |
//! | `~/.ssh/**` | below the user's home folder |
//! | `/etc/**` | below the root of the machine |
//!
//! `folder/**` is the folder and all below it, and so is a plain name of a folder. Where something is put off limits,
//! whatever lies below a match is off limits too. Time is bounded by the length of the pattern times that of the path.

use writ_model::PathPattern;

/// Most alternatives that braces stand for.
const ALTERNATIVES: usize = 64;

/// The folders that patterns are measured from. Folded where the path is folded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground<'a> {
    pub root: &'a str,
    pub home: Option<&'a str>,
}

/// What a match means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sense {
    /// The path may be reached: exactly what is written, in the workspace unless the pattern says where else.
    Allow,
    /// The path is off limits: anywhere on the machine, and with all that lies below.
    Bar,
}

/// A pattern, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Written with `!`: what fits is taken out again.
    pub negated: bool,
    base: Base,
    /// One for each alternative of its braces.
    choices: Vec<Vec<Part>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// Begins with `**/`, or is a name without a slash.
    Anywhere,
    Home,
    Root,
    Workspace,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// `**`: any components, also none.
    Any,
    Name(String),
}

/// How a pattern fits a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    /// How many components of the path, from the pattern's base, what it names has: of `.git/**` on `.git/hooks/x`, one.
    pub depth: usize,
    /// How many components the base itself has.
    pub base: usize,
}

// === impl Pattern ===

impl Pattern {
    /// Reads a pattern. Folded ones compare with folded paths.
    pub fn read(pattern: &PathPattern, fold: impl Fn(&str) -> String) -> Self {
        let text = pattern.as_str();
        let (negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = fold(text);
        let (base, rest) = if let Some(rest) = text.strip_prefix("~/") {
            (Base::Home, rest)
        } else if text == "~" {
            (Base::Home, "")
        } else if let Some(rest) = text.strip_prefix('/') {
            (Base::Root, rest)
        } else if let Some(rest) = text.strip_prefix("./") {
            (Base::Workspace, rest)
        } else if text.starts_with("**/")
            || !text.trim_end_matches('/').contains('/') && text != "**" && text != "."
        {
            (Base::Anywhere, text.as_str())
        } else {
            (Base::Workspace, text.as_str())
        };
        let mut choices = Vec::new();
        braces(rest, &mut choices);
        let choices = choices.iter().map(|choice| parts(choice, base)).collect();
        Self { negated, base, choices }
    }

    /// How it fits a real, absolute path, if it does.
    pub fn fit(&self, ground: Ground<'_>, path: &str, sense: Sense) -> Option<Fit> {
        let (base, rest) = match self.base {
            Base::Root => ("/", path.strip_prefix('/')?),
            Base::Home => (ground.home?, below(path, ground.home?)?),
            Base::Workspace => (ground.root, below(path, ground.root)?),
            Base::Anywhere => match (below(path, ground.root), sense) {
                (Some(rest), _) => (ground.root, rest),
                (None, Sense::Bar) => ("/", path.strip_prefix('/')?),
                (None, Sense::Allow) => return None,
            },
        };
        let names: Vec<&str> = components(rest).collect();
        let depth = self.choices.iter().filter_map(|choice| depth(choice, &names, sense)).min()?;
        Some(Fit { depth, base: components(base).count() })
    }

    /// Whether it ends with `**`: a folder, for what is in it.
    pub fn is_open(&self) -> bool {
        self.choices.iter().any(|choice| matches!(choice.last(), Some(Part::Any)))
    }

    /// Whether something that it names could lie below a folder: what is destroyed with the folder.
    pub fn starts_below(&self, ground: Ground<'_>, folder: &str) -> bool {
        let base = match self.base {
            Base::Root => "/",
            Base::Home => match ground.home {
                Some(home) => home,
                None => return false,
            },
            Base::Workspace => ground.root,
            // Only what is surely there counts: a name at any depth could be everywhere.
            Base::Anywhere => return false,
        };
        self.choices.iter().any(|choice| {
            let start: Vec<&str> = choice
                .iter()
                .map_while(|part| match part {
                    Part::Name(name) if !is_wild(name) => Some(name.as_str()),
                    Part::Name(_) | Part::Any => None,
                })
                .collect();
            let named: Vec<&str> = components(base).chain(start).collect();
            let folder: Vec<&str> = components(folder).collect();
            named.len() > folder.len() && named.starts_with(&folder)
        })
    }

    /// The path that it names without any wildcard, from the root of the machine: of `docs/**` the folder `docs`.
    /// Nothing where a wildcard comes first.
    pub fn spelled(&self, ground: Ground<'_>) -> Vec<String> {
        let base = match self.base {
            Base::Root => "/",
            Base::Home => ground.home.unwrap_or_default(),
            Base::Workspace => ground.root,
            Base::Anywhere => return Vec::new(),
        };
        let mut found = Vec::new();
        for choice in &self.choices {
            let names: Vec<&str> = choice
                .iter()
                .filter_map(|part| match part {
                    Part::Name(name) if !is_wild(name) => Some(name.as_str()),
                    Part::Name(_) | Part::Any => None,
                })
                .collect();
            let ends_open = matches!(choice.last(), Some(Part::Any));
            if !names.is_empty() && names.len() + usize::from(ends_open) == choice.len() {
                found.push(format!("{}/{}", base.trim_end_matches('/'), names.join("/")));
            }
        }
        found
    }
}

/// The rest of a path below a folder; empty for the folder itself.
pub(super) fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

fn parts(text: &str, base: Base) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    if base == Base::Anywhere {
        parts.push(Part::Any);
    }
    for name in components(text).filter(|name| *name != ".") {
        match name {
            "**" if matches!(parts.last(), Some(Part::Any)) => {}
            "**" => parts.push(Part::Any),
            name => parts.push(Part::Name(name.to_owned())),
        }
    }
    parts
}

/// The smallest number of leading components that the pattern names, where it fits the whole.
fn depth(choice: &[Part], names: &[&str], sense: Sense) -> Option<usize> {
    let (stem, open) = match choice.split_last() {
        Some((Part::Any, stem)) => (stem, true),
        Some((Part::Name(last), _)) => (choice, sense == Sense::Bar || !is_wild(last)),
        None => (choice, true),
    };
    let mut reached = vec![false; names.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for part in stem {
        let mut next = vec![false; names.len() + 1];
        match part {
            Part::Any => {
                let mut any = false;
                for (slot, was) in next.iter_mut().zip(&reached) {
                    any |= *was;
                    *slot = any;
                }
            }
            Part::Name(pattern) => {
                for ((slot, was), name) in next.iter_mut().skip(1).zip(&reached).zip(names) {
                    *slot = *was && name_fits(pattern, name);
                }
            }
        }
        reached = next;
    }
    if open {
        reached.iter().position(|reached| *reached)
    } else {
        reached.last().copied().unwrap_or_default().then_some(names.len())
    }
}

fn is_wild(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// `*` any text, `?` one character, `[…]` one of some.
fn name_fits(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut on) = (0, 0);
    // Where the last `*` stands, and how much of the name it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while on < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, on));
                at += 1;
                continue;
            }
            Some(_) => {
                if let Some(width) = one_fits(pattern.get(at..).unwrap_or_default(), name.get(on).copied()) {
                    at += width;
                    on += 1;
                    continue;
                }
            }
            None => {}
        }
        let Some((starred, eaten)) = star else { return false };
        star = Some((starred, eaten + 1));
        at = starred + 1;
        on = eaten + 1;
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

/// How many characters of the pattern the next character of the name uses up, where it fits.
fn one_fits(pattern: &[char], c: Option<char>) -> Option<usize> {
    let c = c?;
    match pattern {
        ['?', ..] => Some(1),
        ['[', rest @ ..] => match rest.iter().skip(1).position(|c| *c == ']') {
            Some(close) => {
                let set = rest.get(..=close).unwrap_or_default();
                let (set, wanted) = match set {
                    ['!' | '^', set @ ..] => (set, false),
                    set => (set, true),
                };
                (in_set(set, c) == wanted).then_some(close + 3)
            }
            None => (c == '[').then_some(1),
        },
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        [plain, ..] => (*plain == c).then_some(1),
        [] => None,
    }
}

fn in_set(set: &[char], c: char) -> bool {
    let mut rest = set;
    loop {
        rest = match rest {
            [low, '-', high, rest @ ..] => {
                if (*low..=*high).contains(&c) {
                    return true;
                }
                rest
            }
            [one, rest @ ..] => {
                if *one == c {
                    return true;
                }
                rest
            }
            [] => return false,
        };
    }
}

/// Writes out the alternatives of braces, at most [`ALTERNATIVES`]; braces beyond are meant as they stand.
fn braces(text: &str, found: &mut Vec<String>) {
    let mut waiting = vec![text.to_owned()];
    while let Some(text) = waiting.pop() {
        let open = text.find('{');
        let close = open.and_then(|open| text.get(open..)?.find('}').map(|length| open + length));
        let cut = open.zip(close).and_then(|(open, close)| {
            Some((text.get(..open)?, text.get(open + 1..close)?, text.get(close + 1..)?))
        });
        match cut {
            Some((before, inside, after)) if found.len() + waiting.len() < ALTERNATIVES => {
                waiting.extend(inside.split(',').map(|choice| format!("{before}{choice}{after}")));
            }
            Some(_) | None => found.push(text),
        }
    }
}

#[cfg(test)]
mod tests;
