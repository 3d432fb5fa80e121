//! What a pipe feeds as names of files: where a search started, and what it asked for.
//!
//! Whatever reads those names reaches somewhere below the roots, so a root that is secret, hidden or outside counts for the
//! next program as if it had been named there.

use writ_model::EffectClass;

use super::path::{self, Place};
use super::walk::Walk;
use super::word::{UNKNOWN, UNKNOWN_TEXT, Value};
use super::{Target, catalogue, flags};

/// How many places stand for one search.
const MOST: usize = 512;

/// Paths chosen by a search, or named in a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// As written, seen from the folder where the search ran.
    pub roots: Vec<String>,
    /// Patterns of names that were asked for.
    pub names: Vec<String>,
    /// Only directories that hold nothing.
    pub is_empty_only: bool,
    /// Nothing whose name begins with a dot, and nothing that the repository ignores.
    pub is_visible_only: bool,
}

/// A program that prints names of files it is pointed at: its options with a value, how many words come before the files,
/// the options without which it prints something else, and whether it leaves out what is hidden.
struct Lister {
    names: &'static str,
    values: &'static str,
    skip: usize,
    only_with: &'static str,
    leaves_out_hidden: bool,
}

const LISTERS: &[Lister] = &[
    Lister {
        names: "ls dir vdir exa eza lsd tree du realpath readlink",
        values: "-I --ignore -w --width -T --block-size -d --max-depth -L -P",
        skip: 0,
        only_with: "",
        leaves_out_hidden: false,
    },
    Lister {
        names: "grep egrep fgrep rgrep zgrep",
        values: "-e --regexp -f --file -A -B -C -m --max-count --include --exclude --exclude-dir --exclude-from \
            -d --directories -D --devices",
        skip: 1,
        only_with: "-l -L --files-with-matches --files-without-match",
        leaves_out_hidden: false,
    },
    Lister {
        names: "rg ag ack",
        values: "-e --regexp -f --file -A -B -C -m --max-count -g --glob --iglob -t --type -T --type-not -j -d --max-depth \
            --sort --sortr",
        skip: 1,
        only_with: "-l -L --files-with-matches --files-without-match --files",
        leaves_out_hidden: true,
    },
];

// === impl Walk ===

impl Walk<'_> {
    /// Notes which names the program prints, for what comes after the pipe.
    pub(super) fn lists_names(&mut self, program: &str, args: &[Value]) {
        if program == "git" {
            self.found = listed_by_git(args);
            return;
        }
        let Some(lister) = LISTERS.iter().find(|lister| flags::lists(lister.names, program)) else { return };
        if !lister.only_with.is_empty() && !flags::has_any(args, lister.only_with) {
            return;
        }
        let has_pattern = flags::has_any(args, "-e --regexp -f --file --files");
        let skip = if has_pattern { 0 } else { lister.skip };
        let words = flags::positionals(args, lister.values);
        let mut roots: Vec<String> = words.iter().skip(skip).map(|word| word.text.clone()).collect();
        if roots.is_empty() {
            if self.feed.is_some && lister.skip == 0 {
                return;
            }
            roots.push(".".to_owned());
        }
        let shows_all = flags::has_any(args, "-u -uu -uuu --unrestricted --hidden -. --no-ignore");
        self.found = Some(Found {
            roots,
            names: flags::values(args, "--include").into_iter().map(str::to_owned).collect(),
            is_empty_only: false,
            is_visible_only: lister.leaves_out_hidden && !shows_all,
        });
    }

    /// The names in a folder are looked at. Where credentials are kept, and in hidden folders elsewhere, that tells
    /// something by itself.
    pub(super) fn looks_at_names(&mut self, value: &Value) {
        let path = self.resolved(value);
        if path::place(&path, self.facts) != Place::Outside {
            return;
        }
        let keeps_secrets = path::is_secret(&path) || path::is_secret(&format!("{path}/x"));
        if keeps_secrets || is_hidden(path.trim_start_matches('~')) {
            let text = "lists names outside the workspace";
            self.effect(EffectClass::Read, Target::Path(value.shown()), "listing.outside", text);
        }
    }

    /// What was found, where a value stands for it.
    pub(super) fn stands_for(&self, value: &Value) -> Option<Found> {
        let is_stand_in = super::command::path_part(&value.text).starts_with(UNKNOWN);
        self.feed.paths.clone().filter(|found| is_stand_in && !found.roots.is_empty())
    }

    /// Texts that stand for the found paths where no list of them can be kept, those that say most first.
    pub(super) fn found_as_texts(&self, found: &Found) -> Vec<String> {
        let rank = |place: &String| {
            let path = self.resolved(&Value::known(place.as_str()));
            match () {
                () if path::is_secret(&path) => 0,
                () if path::place(&path, self.facts) == Place::Outside => 1,
                () if is_hidden(place) => 2,
                () => 3,
            }
        };
        let mut places = found.places();
        places.sort_by_cached_key(rank);
        let text = |place: &String| {
            let is_named = place.contains(['*', '?', '['])
                || found.names.iter().any(|name| place.ends_with(name.as_str()));
            match is_named {
                true => Some(place.trim_start_matches("./").to_owned()),
                false if is_everywhere(place) => None,
                false => Some(format!("{}/{UNKNOWN_TEXT}", place.trim_end_matches('/'))),
            }
        };
        places.iter().filter_map(text).collect()
    }

    /// What a loop that reads line by line gets of what was found; nothing where the names say no more than the search.
    pub(super) fn found_by_line(&self) -> Vec<Value> {
        const MOST_LINES: usize = 5;
        let Some(found) = self.feed.paths.as_ref() else { return Vec::new() };
        let texts = self.found_as_texts(found);
        let is_secret = |text: &String| path::is_secret(&self.resolved(&Value::known(text.as_str())));
        let here = found.roots.iter().any(|root| is_everywhere(root));
        let kept = texts.into_iter().filter(|text| !here || is_secret(text)).take(MOST_LINES);
        kept.map(|text| Value { text, ..Value::unknown() }).collect()
    }
}

// === impl Found ===

impl Found {
    /// Where the found files are, as far as anybody can say: the roots, with the names that were asked for.
    pub(super) fn places(&self) -> Vec<String> {
        let names: Vec<&str> = self
            .names
            .iter()
            .map(|name| name.rsplit('/').next().unwrap_or(name))
            .filter(|name| !name.is_empty() && name.chars().any(|c| c != '*'))
            .collect();
        let mut places = Vec::new();
        for root in &self.roots {
            let root = if root.is_empty() { "." } else { root.as_str() };
            if names.is_empty() || root.contains(['*', '[']) {
                places.push(root.to_owned());
            }
            for name in &names {
                places.push(format!("{}/{name}", root.trim_end_matches('/')));
            }
            if places.len() >= MOST {
                break;
            }
        }
        places
    }

    /// Whether there are more places than are looked at.
    pub(super) fn is_long(&self) -> bool {
        self.roots.len() > MOST
    }

    /// Whether some of it may be hidden, or be of any kind.
    pub(super) fn is_open(&self) -> bool {
        self.roots.is_empty()
            || self.roots.iter().any(|root| is_hidden(root))
            || !self.is_visible_only && self.roots.iter().any(|root| is_everywhere(root))
    }

    /// The same places, with nothing known of the names.
    pub(super) fn without_names(self) -> Self {
        Self { names: Vec::new(), is_empty_only: false, ..self }
    }

    /// Arguments that stand for the paths a search found.
    pub(super) fn is_stand_in(value: &Value) -> bool {
        value.text.starts_with(UNKNOWN)
    }
}

fn is_hidden(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') && !matches!(part, "." | ".."))
}

/// The working directory itself, by any of its names.
fn is_everywhere(root: &str) -> bool {
    root.trim_end_matches('/').trim_end_matches("/.").trim_start_matches("./").trim_matches('.').is_empty()
        && !root.starts_with('/')
        && !root.contains("..")
}

/// `git ls-files`, `git grep -l`, `git diff --name-only`: the files it names lie below the folders it is given.
fn listed_by_git(args: &[Value]) -> Option<Found> {
    let words = flags::positionals(args, "-C -c --git-dir --work-tree");
    let (sub, rest) = words.split_first()?;
    let lists = match sub.text.as_str() {
        "ls-files" | "ls-tree" | "status" => true,
        "grep" => flags::has_any(args, "-l -L --name-only --files-with-matches --files-without-match"),
        "diff" | "show" | "log" | "diff-tree" | "whatchanged" => {
            flags::has_any(args, "--name-only --name-status")
        }
        _ => false,
    };
    if !lists {
        return None;
    }
    let after_dashes = args.iter().position(|arg| arg.text == "--").and_then(|at| args.get(at + 1..));
    let specs: Vec<&str> = match (after_dashes, sub.text.as_str()) {
        (Some(specs), _) => specs.iter().map(|spec| spec.text.as_str()).collect(),
        (None, "ls-files") => rest.iter().map(|spec| spec.text.as_str()).collect(),
        (None, "grep") if flags::has(args, "-e") => rest.iter().map(|spec| spec.text.as_str()).collect(),
        (None, "grep") => rest.iter().skip(1).map(|spec| spec.text.as_str()).collect(),
        (None, _) => Vec::new(),
    };
    let base = flags::values(args.get(..1).unwrap_or_default(), "-C").first().copied();
    let base = base.or_else(|| {
        args.first().filter(|arg| arg.text == "-C").and(args.get(1)).map(|folder| folder.text.as_str())
    });
    let (names, roots): (Vec<&str>, Vec<&str>) = specs.into_iter().partition(|spec| spec.starts_with('*'));
    let root = |spec: &str| match base {
        Some(base) if !spec.starts_with('/') => format!("{}/{spec}", base.trim_end_matches('/')),
        _ => spec.to_owned(),
    };
    let mut roots: Vec<String> = roots.into_iter().map(root).collect();
    if roots.is_empty() {
        roots.push(base.unwrap_or(".").to_owned());
    }
    Some(Found { roots, names: names.into_iter().map(str::to_owned).collect(), ..Found::default() })
}

/// Filters that hand on lines of their input, whole or in part; the second kind may make other names of them.
pub(super) fn hands_on(program: &str, found: Found) -> Option<Found> {
    const WHOLE: &str = "head tail sort gsort uniq grep egrep fgrep rg shuf tee cat tac pv sponge nl";
    const IN_PART: &str =
        "sed gsed awk gawk cut tr perl rev paste column xargs dirname basename realpath readlink jq";
    if flags::lists(WHOLE, program) {
        Some(found)
    } else if flags::lists(IN_PART, program) || catalogue::is_listed(program) && program == "parallel" {
        Some(found.without_names())
    } else {
        None
    }
}
