//! The words in code that say what it does, and where they stand.

use std::collections::HashMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use serde::Deserialize;

use super::super::flags;

pub(super) const DATA: &str = include_str!("../../../data/code.json");

/// What a word in code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sign {
    Process,
    Evaluate,
    Network,
    Socket,
    Decode,
    Write,
    /// Changes modes, names or links of files.
    Change,
    Remove,
    RemoveTree,
    Terminal,
    Publish,
    SetUser,
    /// Neither of these, and not without effect.
    Impure,
    WholeEnvironment,
    Environment,
    Install,
}

pub(super) static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| Words::read(DATA));

pub(super) struct Words {
    automaton: AhoCorasick,
    /// The meaning of each word, in the automaton's order.
    signs: Vec<Sign>,
    /// Family of languages -> sign -> names that say it wherever they stand as a word.
    names: HashMap<String, HashMap<Sign, String>>,
}

#[derive(Deserialize)]
pub(super) struct File {
    signs: HashMap<Sign, Vec<String>>,
    names: HashMap<String, HashMap<Sign, String>>,
}

// === impl Words ===

impl Words {
    fn read(data: &str) -> Option<Self> {
        let file: File = serde_json::from_str(data).ok()?;
        let pairs =
            file.signs.into_iter().flat_map(|(sign, words)| words.into_iter().map(move |word| (word, sign)));
        let (words, signs): (Vec<String>, Vec<Sign>) = pairs.unzip();
        Some(Self { automaton: AhoCorasick::new(words).ok()?, signs, names: file.names })
    }

    /// Every word of the code in order: what it says and where it ends. Bounded.
    pub(super) fn find(&self, code: &str, language: &str) -> Vec<(Sign, usize)> {
        const MOST: usize = 2_000;
        let found = self.automaton.find_overlapping_iter(code).take(MOST);
        let mut found: Vec<(Sign, usize)> = found
            .filter_map(|found| Some((*self.signs.get(found.pattern().as_usize())?, found.end())))
            .collect();
        if let Some(names) = self.names.get(family(language)) {
            let said = identifiers(code).flat_map(|(name, end)| {
                names
                    .iter()
                    .filter(move |(_, list)| flags::lists(list, name))
                    .map(move |(sign, _)| (*sign, end))
            });
            found.extend(said.take(MOST));
            found.sort_by_key(|(_, end)| *end);
        }
        found
    }
}

/// Languages that share their names.
pub(super) fn family(language: &str) -> &str {
    match language {
        "pypy" | "ipython" => "python",
        "nodejs" | "bun" | "tsx" | "ts-node" => "node",
        "luajit" => "lua",
        "irb" | "rake" => "ruby",
        language => language,
    }
}

/// Words of the code that are no variable of perl or php, and where they end.
pub(super) fn identifiers(code: &str) -> impl Iterator<Item = (&str, usize)> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let bytes = code.as_bytes();
            let start = from + bytes.get(from..)?.iter().position(|byte| is_part(*byte))?;
            let length = bytes.get(start..)?.iter().position(|byte| !is_part(*byte));
            from = length.map_or(bytes.len(), |length| start + length);
            if start.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b'$') {
                return Some((code.get(start..from)?, from));
            }
        }
    })
}
