//! Grants at the door: which grants of the task serve a call, and what a held call could be made a grant for.
//!
//! A grant serves an action of its own shape, asked for by a command of its own form, in the same folder, while the
//! files that the command obeys are as they were and the session has touched no more than it had. Whether that lifts
//! anything is the judge's to say, who counts it as the approval that was given for it.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use writ_model::{
    Action, ApprovalLevel, EffectClass, Grant, GrantFile, GrantId, GrantLine, GrantShape, GrantTerms,
    GrantWord, LineForm, MAX_GRANT_BYTES, Operation, Timestamp, ToolCall, Touch,
};
use writ_policy::{Entry, Facts, Footprint, Grants, Moment, line_fits, line_form};

use super::decide::Runs;
use super::room::Room;
use crate::port::FileDigests;

/// Settings of package managers, which say where packages come from and what runs beside them.
const SETTINGS: &[&str] = &[
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
    "pnpm-workspace.yaml",
    "bunfig.toml",
    "pip.conf",
    "uv.toml",
    ".cargo/config",
    ".cargo/config.toml",
];

/// A call as grants look at it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) room: &'a Room,
    pub(super) files: &'a dyn FileDigests,
    pub(super) call: &'a ToolCall,
    /// The files that it would run.
    pub(super) runs: &'a Runs,
}

/// The grants that may serve one call.
pub(super) struct Serving<'a> {
    asked: Asked<'a>,
    /// With whether the call's command is of its form, worked out when it is asked for.
    grants: Vec<(&'a Grant, OnceCell<bool>)>,
}

// === impl Serving ===

impl<'a> Serving<'a> {
    /// Those of the task's grants that are in force. None where the call repeats, carries or runs what came in from
    /// outside: nobody who gave a grant has seen that.
    pub(super) fn new(asked: Asked<'a>, grants: &'a [Grant], now: Timestamp, moment: &Moment) -> Self {
        let chained = moment.chain.members().iter().any(|(_, holds)| *holds);
        let touched = Touch::of_sources(moment.taint.sources.iter());
        let task = asked.room.facts.task.id;
        let serves = |grant: &&Grant| !chained && grant.task == task && grant.is_in_force(now, &touched);
        let grants = grants.iter().filter(serves).map(|grant| (grant, OnceCell::new())).collect();
        Self { asked, grants }
    }

    fn fits(&self, grant: &Grant) -> bool {
        let Operation::Shell { command } = &self.asked.call.operation else { return true };
        let Some(line) = &grant.terms.line else { return false };
        let asked = self.asked;
        line_fits(&line.form, command, &asked.facts(), &grant.terms.effects(), asked.own_branches())
            && asked.places(&line.form).is_some_and(|(_, places)| places == line.places)
            && line.files.iter().all(|file| asked.look(Path::new(&file.path)).as_ref() == Some(file))
    }
}

impl Grants for Serving<'_> {
    fn covering(&self, action: &Action) -> Option<(GrantId, ApprovalLevel)> {
        let covers = |(grant, fits): &&(&Grant, OnceCell<bool>)| {
            grant.terms.covers(action) && *fits.get_or_init(|| self.fits(grant))
        };
        let (grant, _) = self.grants.iter().filter(covers).max_by_key(|(grant, _)| grant.level)?;
        Some((grant.id, grant.level))
    }
}

// === impl Asked ===

impl Asked<'_> {
    /// What a grant of this call would allow, if the actions that are held may be granted at all.
    pub(super) fn offer(
        self,
        held: &[Action],
        level: ApprovalLevel,
        moment: &Moment,
        print: &Footprint,
    ) -> Option<GrantTerms> {
        if !GrantTerms::can_rest_on(level) {
            return None;
        }
        let mut shapes: Vec<GrantShape> = Vec::new();
        for action in held {
            let shape = GrantShape::of(action, self.own_branches())?;
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        let touched = Touch::of_sources(moment.taint.sources.iter().chain(print.sources()));
        let mut terms = GrantTerms { shapes, line: None, touched };
        if let Operation::Shell { command } = &self.call.operation {
            terms.line = Some(self.line(command, &terms.effects())?);
        }
        let fits = serde_json::to_string(&terms).is_ok_and(|text| text.len() <= MAX_GRANT_BYTES);
        (fits && terms.is_grantable()).then_some(terms)
    }

    fn line(self, command: &str, effects: &[EffectClass]) -> Option<GrantLine> {
        let form = line_form(command, &self.facts(), effects, self.own_branches());
        let (folders, places) = self.places(&form)?;
        let mut paths: Vec<PathBuf> =
            self.runs.iter().map(|(name, _)| Path::new(&self.call.cwd).join(name)).collect();
        if effects.iter().any(|effect| obeys_files(*effect)) {
            let roots = folders.iter().map(Path::new).chain([self.room.facts.workspace.as_path()]);
            paths.extend(roots.flat_map(|root| SETTINGS.iter().map(|name| root.join(name))));
        }
        paths.sort();
        paths.dedup();
        let files = paths.iter().map(|path| self.look(path)).collect::<Option<_>>()?;
        Some(GrantLine { places, form, files })
    }

    /// A file as it is now. Nothing where nobody can say.
    fn look(self, path: &Path) -> Option<GrantFile> {
        let digest = self.files.digest(path);
        let ground = self.room.judge.ground();
        let known = digest.is_some() || matches!(ground.files.entry(path), Entry::Missing);
        known.then(|| path.to_str().map(|path| GrantFile { path: path.to_owned(), digest })).flatten()
    }

    /// The folders that the form's commands stand in, and those with whatever their words lead to by links or upwards:
    /// real paths. Nothing where that cannot be told.
    fn places(self, form: &LineForm) -> Option<(Vec<String>, Vec<String>)> {
        let mut folder = self.real("", &self.call.cwd)?;
        let mut folders = vec![folder.clone()];
        let mut places = folders.clone();
        let (before, commands) = match form {
            LineForm::Commands { before, commands } => (before.as_slice(), commands.as_slice()),
            LineForm::Same { .. } => (&[][..], &[][..]),
        };
        for words in before.iter().chain(commands) {
            match words.as_slice() {
                [GrantWord::Word(moves), rest @ ..] if matches!(moves.as_str(), "cd" | "pushd" | "popd") => {
                    let [GrantWord::Word(to)] = rest else { return None };
                    folder = self.real(&folder, to).filter(|_| !to.starts_with(['-', '+']))?;
                    folders.push(folder.clone());
                    places.push(folder.clone());
                }
                words => places.extend(words.iter().filter_map(|word| self.led_elsewhere(&folder, word))),
            }
        }
        Some((folders, places))
    }

    /// Where a word leads, if that is not what it says.
    fn led_elsewhere(self, folder: &str, word: &GrantWord) -> Option<String> {
        let GrantWord::Word(word) = word else { return None };
        let value = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
        if value.is_empty() || value.starts_with('-') {
            return None;
        }
        let real = self.real(folder, value)?;
        (Path::new(&real) != Path::new(folder).join(value)).then_some(real)
    }

    /// A real path; nothing where it cannot be told, or programs would disagree about it.
    fn real(self, folder: &str, path: &str) -> Option<String> {
        let ground = self.room.judge.ground();
        let mut placed = ground.workspace.place(ground.files, folder, path).ok()?;
        let first = placed.pop()?;
        placed.is_empty().then_some(first.path)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            workspace: self.room.facts.workspace.to_str(),
            cwd: Some(&self.call.cwd),
            home: self.room.judge.home().and_then(Path::to_str),
            ..Facts::default()
        }
    }

    fn own_branches(&self) -> &str {
        self.room.facts.task.branch_prefix.as_str()
    }
}

/// Whether what has this effect takes its orders from files beside it.
const fn obeys_files(effect: EffectClass) -> bool {
    match effect {
        EffectClass::BuildTest | EffectClass::PackageInstall | EffectClass::Unknown => true,
        EffectClass::Read
        | EffectClass::WriteWorkspace
        | EffectClass::Network
        | EffectClass::GitPush
        | EffectClass::Publish
        | EffectClass::Deploy
        | EffectClass::SecretRead
        | EffectClass::IdentityChange
        | EffectClass::Destructive
        | EffectClass::EscapeAttempt => false,
    }
}
