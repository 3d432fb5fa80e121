//! The form of a command line, for grants: which of its commands must come again word for word.
//!
//! A grant for `npm install left-pad` must not serve `npm install --registry … left-pad`, and not the same words after
//! `cd /elsewhere` or with another program in front of them in the search path. So a form keeps the commands that have
//! the granted effects as they were written, apart from what a typed resource says already and what only changes how
//! much is printed, and whatever before them changes how they would be read. A line that is more than a list of plain
//! commands has no form but itself.
//!
//! Nothing is decided here: every action of a call is judged, whatever its line looks like.

use std::collections::BTreeSet;

use brush_parser::ast::{
    AndOrList, Command, CommandPrefixOrSuffixItem, CompoundList, IoFileRedirectKind, IoFileRedirectTarget,
    IoRedirect, Pipeline, Program, SeparatorOperator, SimpleCommand,
};
use writ_model::{EffectClass, GrantWord, LineForm};

use crate::classify::{Facts, Target, classify, parsed, whole_word};
use crate::host::host_of;

/// Programs whose only business is to change how the shell reads what follows, or where it stands.
const SETTINGS: &[&str] = &[
    ".", "alias", "builtin", "cd", "command", "declare", "enable", "eval", "exec", "export", "hash", "local",
    "popd", "pushd", "read", "readonly", "set", "shift", "shopt", "source", "trap", "typeset", "ulimit",
    "umask", "unalias", "unset",
];
/// Those of them that set no variable that a word could be filled in from.
const MOVES: &[&str] = &["cd", "popd", "pushd"];
/// Options that only change how much is printed, by program.
const PRINTS: &[(&[&str], &[&str])] = &[
    (
        &["npm", "pnpm", "yarn", "bun"],
        &["-s", "--silent", "-q", "--quiet", "--verbose", "--no-fund", "--no-audit", "--no-progress"],
    ),
    (&["pip", "pip3", "uv"], &["-q", "--quiet", "-v", "--verbose", "--disable-pip-version-check"]),
    (&["cargo", "go"], &["-q", "--quiet", "-v", "--verbose"]),
    (&["git"], &["-q", "--quiet", "-v", "--verbose", "--progress", "--no-progress"]),
    (&["curl"], &["-s", "--silent", "-S", "--show-error", "-sS", "-f", "--fail", "-fsS", "-sf"]),
    (&["wget"], &["-q", "--quiet", "-nv", "--no-verbose"]),
];

/// A list of plain commands.
struct Plain {
    pipelines: Vec<Piped>,
}

/// One pipeline of plain commands.
struct Piped {
    commands: Vec<Single>,
    /// As the shell would read it.
    text: String,
}

/// One plain command: its words and its own text.
struct Single {
    words: Vec<GrantWord>,
    text: String,
}

/// Effects of a text by itself.
type Classes = BTreeSet<EffectClass>;

/// The form of a command line, seen from the effects that are to be granted, or that a grant is for.
///
/// `own_branches` is the prefix of the task's branches.
pub fn line_form(command: &str, facts: &Facts<'_>, effects: &[EffectClass], own_branches: &str) -> LineForm {
    plain(command)
        .and_then(|line| line.form(command, facts, effects, own_branches))
        .unwrap_or_else(|| LineForm::Same { text: command.to_owned() })
}

/// Whether a command line is of the granted form.
pub fn line_fits(
    granted: &LineForm,
    command: &str,
    facts: &Facts<'_>,
    effects: &[EffectClass],
    own_branches: &str,
) -> bool {
    match (granted, line_form(command, facts, effects, own_branches)) {
        (LineForm::Same { text }, _) => text == command,
        (LineForm::Commands { .. }, LineForm::Same { .. }) => false,
        (LineForm::Commands { before, commands }, LineForm::Commands { before: first, commands: then }) => {
            *before == first && !then.is_empty() && then.iter().all(|words| commands.contains(words))
        }
    }
}

// === impl Plain ===

impl Plain {
    fn form(
        &self,
        command: &str,
        facts: &Facts<'_>,
        effects: &[EffectClass],
        own_branches: &str,
    ) -> Option<LineForm> {
        let whole = classes(command, facts);
        let wanted: Classes = effects.iter().copied().filter(|effect| whole.contains(effect)).collect();
        let own: Vec<Classes> = self.pipelines.iter().map(|piped| classes(&piped.text, facts)).collect();
        // What only comes about by the commands together is everybody's doing.
        let explained = wanted.iter().all(|effect| own.iter().any(|classes| classes.contains(effect)));
        let all = wanted.is_empty() || !explained;
        let sets_words = self.pipelines.iter().any(Piped::sets_words);
        let is_meant = |piped: &Piped, classes: &Classes| {
            all || !classes.is_disjoint(&wanted) || sets_words && piped.is_filled_in()
        };
        let meant: Vec<bool> =
            self.pipelines.iter().zip(&own).map(|(piped, classes)| is_meant(piped, classes)).collect();
        let last = meant.iter().rposition(|meant| *meant)?;
        // These obey files, which an earlier command of the same line could have changed a moment ago.
        let obeys = wanted.iter().any(|effect| {
            matches!(effect, EffectClass::BuildTest | EffectClass::PackageInstall | EffectClass::Unknown)
        });
        let slots = Slots { effects, own_branches };
        let (mut before, mut commands) = (Vec::new(), Vec::new());
        for ((piped, classes), meant) in self.pipelines.iter().zip(&own).zip(meant).take(last + 1) {
            let changes = obeys && classes.iter().any(|effect| *effect != EffectClass::Read);
            if piped.is_setting() || changes && !meant {
                before.push(piped.words(piped.commands.len(), None));
            }
            if meant {
                commands.push(piped.words(piped.meant(facts, &wanted), Some(&slots)));
            }
        }
        Some(LineForm::Commands { before, commands })
    }
}

// === impl Piped ===

impl Piped {
    /// The words of the first commands, with a bar between each two.
    fn words(&self, count: usize, slots: Option<&Slots<'_>>) -> Vec<GrantWord> {
        let mut words = Vec::new();
        for (at, single) in self.commands.iter().take(count).enumerate() {
            if at > 0 {
                words.push(GrantWord::Raw("|".to_owned()));
            }
            match slots {
                Some(slots) => words.extend(slots.fill(&single.words)),
                None => words.extend(single.words.iter().cloned()),
            }
        }
        words
    }

    /// How many of its commands belong to the effects: what stands behind the last of them only reads what it prints.
    fn meant(&self, facts: &Facts<'_>, wanted: &Classes) -> usize {
        let has = |single: &Single| !classes(&single.text, facts).is_disjoint(wanted);
        self.commands.iter().rposition(has).map_or(self.commands.len(), |at| at + 1)
    }

    fn is_setting(&self) -> bool {
        self.commands.iter().any(|single| single.sets(SETTINGS))
    }

    /// Whether it could change what a later word is filled in with.
    fn sets_words(&self) -> bool {
        self.is_setting() && !self.commands.iter().all(|single| single.sets(MOVES))
    }

    fn is_filled_in(&self) -> bool {
        let filled = |word: &GrantWord| matches!(word, GrantWord::Raw(raw) if raw.contains(['$', '`']));
        self.commands.iter().any(|single| single.words.iter().any(filled))
    }
}

// === impl Single ===

impl Single {
    /// Whether it is one of these programs, or nobody knows which program it is. Assignments alone set something too.
    fn sets(&self, programs: &[&str]) -> bool {
        match self.words.iter().find(|word| !is_assignment(word)) {
            Some(GrantWord::Word(program)) => programs.contains(&program.as_str()),
            Some(GrantWord::Raw(_) | GrantWord::Branch(_) | GrantWord::Page(_)) | None => {
                programs.len() == SETTINGS.len()
            }
        }
    }
}

fn is_assignment(word: &GrantWord) -> bool {
    let (GrantWord::Word(text) | GrantWord::Raw(text)) = word else { return false };
    text.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '[' || c == ']')
    })
}

/// Words that a typed resource says better.
struct Slots<'a> {
    effects: &'a [EffectClass],
    own_branches: &'a str,
}

// === impl Slots ===

impl Slots<'_> {
    fn fill(&self, words: &[GrantWord]) -> Vec<GrantWord> {
        let program = words.iter().find(|word| !is_assignment(word));
        let prints: Vec<&str> = match program {
            Some(GrantWord::Word(program)) => PRINTS
                .iter()
                .filter(|(programs, _)| programs.contains(&program.as_str()))
                .flat_map(|(_, options)| options.iter().copied())
                .collect(),
            Some(GrantWord::Branch(_) | GrantWord::Page(_) | GrantWord::Raw(_)) | None => Vec::new(),
        };
        let kept = words
            .iter()
            .filter(|word| !matches!(word, GrantWord::Word(word) if prints.contains(&word.as_str())));
        kept.map(|word| self.slot(word).unwrap_or_else(|| word.clone())).collect()
    }

    fn slot(&self, word: &GrantWord) -> Option<GrantWord> {
        let GrantWord::Word(text) = word else { return None };
        match self.effects {
            [EffectClass::Network] => {
                let host = host_of(text)?;
                let (scheme, _) = text.split_once("://")?;
                Some(GrantWord::Page(format!("{}://{host}", scheme.to_ascii_lowercase())))
            }
            [EffectClass::GitPush] => {
                let own = text.len() > self.own_branches.len()
                    && !self.own_branches.is_empty()
                    && text.starts_with(self.own_branches)
                    && !text.contains([':', '+']);
                own.then(|| GrantWord::Branch(self.own_branches.to_owned()))
            }
            _ => None,
        }
    }
}

fn classes(text: &str, facts: &Facts<'_>) -> Classes {
    let mut found = Classes::new();
    for effect in classify(text, facts).effects {
        found.insert(effect.class);
        // A file that binds somebody: the same write as by a tool.
        if matches!(effect.target, Target::Path(_)) && effect.class == EffectClass::IdentityChange {
            found.insert(EffectClass::WriteWorkspace);
        }
    }
    found
}

// === reading ===

/// The commands of a line that is nothing but a list of pipelines of plain commands.
fn plain(text: &str) -> Option<Plain> {
    let program: Program = parsed(text)?;
    let mut pipelines = Vec::new();
    for CompoundList(items) in &program.complete_commands {
        for item in items {
            let (list, separator): (&AndOrList, _) = (&item.0, &item.1);
            if !matches!(separator, SeparatorOperator::Sequence) {
                return None;
            }
            for (_, pipeline) in list {
                pipelines.push(piped(pipeline)?);
            }
        }
    }
    (!pipelines.is_empty()).then_some(Plain { pipelines })
}

fn piped(pipeline: &Pipeline) -> Option<Piped> {
    if pipeline.bang || pipeline.timed.is_some() {
        return None;
    }
    let commands = pipeline.seq.iter().map(|command| match command {
        Command::Simple(simple) => single(simple),
        Command::Compound(..) | Command::Function(_) | Command::ExtendedTest(..) => None,
    });
    Some(Piped { commands: commands.collect::<Option<_>>()?, text: pipeline.to_string() })
}

fn single(simple: &SimpleCommand) -> Option<Single> {
    let mut words = Vec::new();
    let prefix = simple.prefix.iter().flat_map(|items| &items.0);
    let suffix = simple.suffix.iter().flat_map(|items| &items.0);
    for item in prefix {
        words.extend(item_words(item)?);
    }
    words.extend(simple.word_or_name.iter().map(|name| word(&name.value)));
    for item in suffix {
        words.extend(item_words(item)?);
    }
    Some(Single { words, text: simple.to_string() })
}

/// The words of an item; none of a redirection of output, which is judged by itself. Nothing where it reads from
/// somewhere.
fn item_words(item: &CommandPrefixOrSuffixItem) -> Option<Vec<GrantWord>> {
    match item {
        CommandPrefixOrSuffixItem::Word(named) => Some(vec![word(&named.value)]),
        CommandPrefixOrSuffixItem::AssignmentWord(_, named) => Some(vec![word(&named.value)]),
        CommandPrefixOrSuffixItem::IoRedirect(redirect) => writes(redirect).then(Vec::new),
        CommandPrefixOrSuffixItem::ProcessSubstitution(..) => None,
    }
}

fn writes(redirect: &IoRedirect) -> bool {
    match redirect {
        IoRedirect::File(_, kind, target) => {
            let out = match kind {
                IoFileRedirectKind::Write
                | IoFileRedirectKind::Append
                | IoFileRedirectKind::Clobber
                | IoFileRedirectKind::DuplicateOutput => true,
                IoFileRedirectKind::Read
                | IoFileRedirectKind::ReadAndWrite
                | IoFileRedirectKind::DuplicateInput => false,
            };
            let to_file = match target {
                IoFileRedirectTarget::Filename(_)
                | IoFileRedirectTarget::Fd(_)
                | IoFileRedirectTarget::Duplicate(_) => true,
                IoFileRedirectTarget::ProcessSubstitution(..) => false,
            };
            out && to_file
        }
        IoRedirect::OutputAndError(..) => true,
        IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => false,
    }
}

/// A word without its quotation marks, or as it is written where the shell fills something in.
fn word(raw: &str) -> GrantWord {
    let filled = |text: &str| {
        // The question mark of an address; no file has such a name.
        let asks = text.contains('?') && host_of(text).is_none();
        asks || text.contains(['*', '[', ']', '{', '}', '~', '!', '\0'])
    };
    match whole_word(raw) {
        Some(text) if !filled(&text) => GrantWord::Word(text),
        Some(_) | None => GrantWord::Raw(raw.to_owned()),
    }
}

#[cfg(test)]
mod tests;
