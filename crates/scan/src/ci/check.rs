//! Steps that find out who asks, and whether they end what they are part of for those who may not.

use super::agent::{self, Around, joined};
use super::all_text;
use super::files::Files;
use super::gate::{OUTSIDERS, TRUSTED_ASSOCIATIONS};
use super::stop::{self, LESS, RIGHTS, Told};
use super::subject;
use super::trigger::{Each, MOMENTS, Trigger};
use crate::document::Node;

/// Inputs of actions that ask for a right.
const ASKED: &[&str] =
    &["minimum-permission", "permission", "permission-level", "require", "required-permission"];
/// Texts without which nothing is asked of who is there.
const MARKS: &[&str] = &[
    "actor",
    "association",
    "collaborator",
    "head.repo",
    "login",
    "member",
    "permission",
    "role_name",
    "sender.id",
    "user.id",
];
/// How deep local actions that look may use each other.
const MAX_ACTIONS: usize = 4;
const MAX_STEPS: usize = 200;

/// Whether a step finds out who asks, at each moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Check {
    /// How it ends tells, or its outputs do.
    pub(super) tells: Each<bool>,
    /// It ends the job for those who may not.
    refuses: Each<bool>,
}

/// What is found out by looking at a step.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) check: Check,
    /// What its outputs can be for an outsider, at each moment.
    pub(super) told: Each<Told>,
}

// === impl Look ===

impl Look {
    pub(super) fn tells(&self) -> bool {
        self.check.tells.contains(&true) || self.told.iter().any(|told| !told.is_empty())
    }
}

impl From<Check> for Look {
    fn from(check: Check) -> Self {
        Self { check, told: Default::default() }
    }
}

// === impl Check ===

impl Check {
    const NONE: Self = Self { tells: [false; 3], refuses: [false; 3] };

    const fn tells(at: Each<bool>) -> Self {
        Self { tells: at, refuses: [false; 3] }
    }

    const fn refuses(at: Each<bool>) -> Self {
        Self { tells: at, refuses: at }
    }

    /// What both find out together.
    pub(super) fn or(self, other: Self) -> Self {
        let either = |left: Each<bool>, right: Each<bool>| MOMENTS.map(|at| at.of(&left) || at.of(&right));
        Self { tells: either(self.tells, other.tells), refuses: either(self.refuses, other.refuses) }
    }

    pub(super) fn tells_at(&self, trigger: &Trigger) -> bool {
        trigger.moment().of(&self.tells)
    }

    /// Whether an outsider who pulls this trigger is refused.
    pub(super) fn refuses_at(&self, trigger: &Trigger) -> bool {
        trigger.moment().of(&self.refuses)
    }
}

/// Whether a job or step may fail without ending what it is part of; an expression could say so.
pub(super) fn may_fail(node: &Node) -> bool {
    node.get("continue-on-error").is_some_and(|said| said.truth() != Some(false))
}

/// Whether a script ends with an error somewhere, and nothing on that line takes the error back.
fn ends_with_error(script: &str) -> bool {
    const ENDS: &[&str] =
        &["exit 1", "setfailed", "process.exit(1)", "throw ", "exit(1)", "exit 2", "return 1"];
    const TAKEN_BACK: &[&str] = &["true", ":", "exit 0", "echo", "/bin/true"];
    script.replace("\\\n", " ").lines().filter(|line| !line.trim_start().starts_with('#')).any(|line| {
        ENDS.iter().filter_map(|end| line.split_once(end)).any(|(_, rest)| {
            !rest.split("||").skip(1).any(|back| {
                let back = back.trim_start();
                TAKEN_BACK.iter().any(|word| back.starts_with(word))
            })
        })
    })
}

/// Looks at a step for a look at who asks. `set` is where variables are set around it.
pub(super) fn check(step: &Node, set: (&[Option<&Node>], bool), files: &Files<'_>) -> Look {
    check_at(step, set, files, 0)
}

/// Whether variables that are set around steps name who is there.
pub(super) fn asks_around(set: &[Option<&Node>]) -> bool {
    let around: String = set.iter().flatten().map(|node| all_text(node).to_ascii_lowercase()).collect();
    MARKS.iter().any(|mark| around.contains(mark))
}

fn check_at(
    step: &Node,
    (set, asks_around): (&[Option<&Node>], bool),
    files: &Files<'_>,
    depth: usize,
) -> Look {
    if let Some(folder) = step.get("uses").and_then(Node::text).and_then(|uses| uses.strip_prefix("./")) {
        return of_local_action(step, folder, files, depth).into();
    }
    let uses = step.get("uses").and_then(Node::text).unwrap_or("").to_ascii_lowercase();
    let name = uses.split('@').next().unwrap_or("");
    let by_name = [
        "check-user-permission",
        "check-actor-permission",
        "action-repository-permission",
        "repo-permission",
        "user-permission",
        "actor-permission",
        "check-permission",
        "get-user-teams-membership",
        "actions-authorized-user",
        "is-actor-authorized",
        "check-collaborator",
        "verify-actor",
        "team-membership",
        "check-team-member",
    ]
    .iter()
    .any(|part| name.contains(part));
    let script =
        ["run", "with", "env"].iter().filter_map(|key| step.get(key)).map(all_text).collect::<String>();
    let lower = script.to_ascii_lowercase();
    let asks = lower.contains("getcollaboratorpermissionlevel")
        || (lower.contains("/collaborators/") && (lower.contains("/permission") || lower.contains("gh api")))
        || lower.contains("checkcollaborator")
        || lower.contains("checkmembershipforuser")
        || lower.contains("getmembershipforuserinorg")
        || lower.contains("/memberships/")
        || (lower.contains("orgs/") && lower.contains("/members/"))
        || (lower.contains("author_association")
            && step.get("uses").is_none_or(|_| name == "actions/github-script"));
    if !(by_name || asks || asks_around || MARKS.iter().any(|mark| lower.contains(mark))) {
        return Check::NONE.into();
    }
    let run = step.get("run").and_then(Node::text);
    if run.is_some_and(stop::pastes) {
        return Check::NONE.into();
    }
    // An agent that is told to look is no gate.
    if agent::of_step(step, &Around::default()).is_some() {
        return Check::NONE.into();
    }
    let run = run.filter(|_| is_shell(step));
    let set: Vec<Option<&Node>> = set.iter().copied().chain([step.get("env")]).collect();
    let mut ways = MOMENTS.map(|moment| run.and_then(|script| stop::ways(script, &set, moment)));
    let told = ways.each_mut().map(|ways| ways.as_mut().map(|ways| std::mem::take(&mut ways.told)));
    let look = |check| Look { check, told: told.map(Option::unwrap_or_default) };
    let found = ways.each_ref().map(|ways| ways.as_ref().is_some_and(|ways| !ways.succeeds));
    if found.contains(&true) {
        return look(if may_fail(step) { Check::tells(found) } else { Check::refuses(found) });
    }
    let rights: Vec<String> = ASKED.iter().filter_map(|key| step.get("with")?.get(key)?.scalar()).collect();
    // Who may read is everybody.
    let reads = rights.iter().any(|right| !asks_for_rights(right));
    if !(by_name || asks) || (by_name && reads) {
        return look(Check::NONE);
    }
    // That somebody else may tells nothing of who asks.
    let asked = MOMENTS.map(|moment| !subject::asks_for_another(step, &set, moment));
    // A script that lets those through who may read refuses nobody.
    let is_weak = ways.iter().flatten().any(|ways| ways.is_weak) || lets_strangers(&lower);
    let ends = ends_with_error(&lower) && !is_weak;
    let exits = step.get("with").and_then(|with| with.get("exit-on-failure")).is_some();
    let required = by_name && (!rights.is_empty() || exits) && !uses.contains("user-permission");
    look(if (ends || required) && !may_fail(step) { Check::refuses(asked) } else { Check::tells(asked) })
}

/// Whether code compares what somebody may do, or is, with words that hold for strangers too: a list that has one, or
/// only the lowest of them. `lower` is in lower case.
fn lets_strangers(lower: &str) -> bool {
    let is_strangers = |word: &str| LESS.contains(&word) || OUTSIDERS.contains(&word);
    let is_ones = |word: &str| RIGHTS.contains(&word) || TRUSTED_ASSOCIATIONS.contains(&word);
    let is_known = |word: &str| is_strangers(word) || is_ones(word) || word == "mannequin";
    let asks_lists = [".has(", ".includes(", ".indexof(", ".some("].iter().any(|part| lower.contains(part));
    let listed = lower.match_indices('[').any(|(at, _)| {
        let (before, list) = lower.split_at(at);
        let list = list.strip_prefix('[').unwrap_or_default();
        let ends = list.find(['[', ']']).map(|end| list.split_at(end));
        let Some((inner, _)) = ends.filter(|(_, rest)| rest.starts_with(']')) else { return false };
        let words: Vec<&str> = inner
            .split(',')
            .map(|word| word.trim().trim_matches(['"', '\'', '`']))
            .filter(|word| !word.is_empty())
            .collect();
        // All that a stranger may be, to be turned away.
        let turns_away = words.iter().all(|word| LESS.contains(word))
            && ["none", "read"].iter().all(|word| words.contains(word))
            && !before.trim_end().ends_with('!');
        words.iter().all(|word| is_known(word)) && words.iter().any(|word| is_strangers(word)) && !turns_away
    });
    let quoted = |word: &str| lower.contains(&format!("'{word}'")) || lower.contains(&format!("\"{word}\""));
    let names_others = || {
        RIGHTS.iter().chain(TRUSTED_ASSOCIATIONS).any(|word| quoted(word))
            || LESS.iter().chain(OUTSIDERS).any(|word| *word != "none" && quoted(word))
    };
    (asks_lists && listed) || (lower.contains("==") && quoted("none") && !names_others())
}

/// Whether what an action is to ask for is more than reading.
fn asks_for_rights(asked: &str) -> bool {
    let lower = asked.to_ascii_lowercase();
    let mut words =
        lower.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut some = false;
    words.all(|word| {
        some = true;
        RIGHTS.contains(&word)
    }) && some
}

/// Whether a step's script is one of a shell that ends at an error.
pub(super) fn is_shell(step: &Node) -> bool {
    step.get("shell").and_then(Node::text).is_none_or(|shell| shell == "bash" || shell == "sh")
}

/// What a step of an action counts as work.
const BYTES_OF_STEP: usize = 4 << 10;

/// A composite action of the same repository looks where one of its steps does, whatever else happens.
fn of_local_action(step: &Node, folder: &str, files: &Files<'_>, depth: usize) -> Check {
    let Some(folder) = joined("", folder).filter(|_| depth < MAX_ACTIONS) else { return Check::NONE };
    let names = ["action.yml", "action.yaml"];
    let Some(action) = names.iter().find_map(|name| files.document(&format!("{folder}/{name}"))) else {
        return Check::NONE;
    };
    let steps = action.at(&["runs", "steps"]).map_or(&[][..], Node::items);
    let mut found = Check::NONE;
    for inner in steps.iter().take(MAX_STEPS).take_while(|_| files.may(BYTES_OF_STEP)) {
        // Inputs may bring who asks: `env: {ACTOR: '${{ inputs.actor }}'}`.
        let check = check_at(inner, (&[], false), files, depth + 1).check;
        found = found.or(if inner.get("if").is_some() { Check::tells(check.tells) } else { check });
    }
    if may_fail(step) { Check::tells(found.tells) } else { found }
}
