//! What a person is told when a task has ended: what was decided, what ended, what is missing, and what to keep.

use writ_control::api::message::TaskClosed;
use writ_model::TaskId;

use super::yard::binding::change::Changes;
use crate::screen;
use crate::wire::Counts;

/// Everything that is told.
pub(super) struct Ending<'a> {
    pub(super) task: TaskId,
    /// Why it ended, in our words.
    pub(super) why: &'a str,
    pub(super) counts: &'a Counts,
    /// Whether everything that the client started is dead.
    pub(super) tree_dead: bool,
    /// What the control plane says; nothing when it had closed the task before, or could not be asked.
    pub(super) closed: Option<&'a TaskClosed>,
    /// Why it could not be asked.
    pub(super) unclosed: Option<String>,
    /// What became of the client's own login.
    pub(super) logins: Vec<String>,
    /// Files that are new or changed and that a person's tools run by themselves.
    pub(super) binding: Changes,
    /// Files of the workspace that were empty inside, in words; nothing where there were none.
    pub(super) empty: String,
}

// === impl Ending ===

impl Ending<'_> {
    /// The lines, for standard error.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { task, why, counts, tree_dead, closed, unclosed, logins, binding, empty } = self;
        let by = [(counts.approved, "by a human's approval"), (counts.granted, "by a grant")];
        let by: Vec<String> =
            by.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{count} {how}")).collect();
        let approved = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        let mut lines = vec![
            format!("writ: task {task} has ended: {why}"),
            format!(
                "  calls   {} allowed{approved}, {} denied, {} held for a human",
                counts.allowed, counts.denied, counts.held
            ),
        ];
        if counts.programs > 0 {
            lines.push(format!("  started {} programs inside, each on record", counts.programs));
        }
        if counts.model_requests > 0 {
            lines.push(format!(
                "  model   asked {} times; {} tokens read, {} written, as its vendor counts",
                counts.model_requests, counts.input_tokens, counts.output_tokens
            ));
        }
        match unclosed {
            None => lines.push(
                "  ended   the writ, requests that still waited, and everything the client started"
                    .to_owned(),
            ),
            Some(problem) => {
                lines.push(format!("  NOT CLOSED: {problem}"));
                lines.push(
                    "  the control plane closes the task by itself when it misses its supervisor".to_owned(),
                );
            }
        }
        if !tree_dead {
            lines.push("  STILL ALIVE: something that the client started could not be ended".to_owned());
        }
        if counts.events == 0 {
            lines.push(
                "  NO HOOK WAS EVER CALLED: nothing of what the client did was seen or decided".to_owned(),
            );
        }
        if counts.unmatched > 0 {
            lines.push(format!("  NOT ASKED: {} calls ran without having been decided", counts.unmatched));
        }
        if counts.undecided_results > 0 {
            lines.push(format!(
                "  {} results of tools went to the model of which no hook had told; some tools of this client have none",
                counts.undecided_results
            ));
        }
        if counts.incidents > 0 {
            lines.push(format!(
                "  INCIDENTS: {} on record of what tried to leave; see writ audit search --event incident",
                counts.incidents
            ));
        }
        if counts.refused_input > 0 {
            lines.push(format!("  {} messages of the client could not be read", counts.refused_input));
        }
        match counts.missing.max(u64::try_from(counts.open.len()).unwrap_or(u64::MAX)) {
            0 => {}
            missing => {
                lines.push(format!("  {missing} allowed calls ended without a word about their outcome"))
            }
        }
        if !empty.is_empty() {
            lines.push(format!("  empty   inside, because they look like credentials: {empty}"));
        }
        lines.extend(logins.iter().cloned());
        lines.extend(binding.lines());
        for checkpoint in closed.iter().flat_map(|closed| &closed.checkpoints) {
            lines.push(format!(
                "  checkpoint of the {} log at {}; whoever keeps it can prove a cut:",
                screen::word(&checkpoint.log),
                checkpoint.size
            ));
            lines.extend(checkpoint.note.lines().map(|line| format!("    {line}").trim_end().to_owned()));
        }
        lines.push(format!("  story   writ audit show {task}"));
        lines
    }
}

#[cfg(test)]
mod tests {
    use writ_model::Timestamp;

    use super::*;

    fn told(counts: &Counts, tree_dead: bool, unclosed: Option<String>) -> String {
        let task = TaskId::new(Timestamp::EPOCH, [0; 10]);
        Ending {
            task,
            why: "the client ended",
            counts,
            tree_dead,
            closed: None,
            unclosed,
            logins: Vec::new(),
            binding: Changes::default(),
            empty: String::new(),
        }
        .lines()
        .join("\n")
    }

    #[test]
    fn what_went_wrong_is_said_loudly_and_what_went_well_is_not() {
        let seen = Counts { events: 3, allowed: 2, denied: 1, ..Counts::default() };
        let text = told(&seen, true, None);
        assert!(text.contains("2 allowed, 1 denied, 0 held"), "{text}");
        for loud in ["NO HOOK", "STILL ALIVE", "NOT CLOSED", "NOT ASKED", "without a word"] {
            assert!(!text.contains(loud), "{text}");
        }
        assert!(told(&Counts::default(), true, None).contains("NO HOOK WAS EVER CALLED"));
        assert!(told(&seen, false, None).contains("STILL ALIVE"));
        assert!(told(&seen, true, Some("gone".into())).contains("NOT CLOSED: gone"));
        assert!(told(&Counts { unmatched: 1, ..seen.clone() }, true, None).contains("NOT ASKED: 1"));
        let human = Counts { approved: 1, granted: 3, ..seen.clone() };
        assert!(told(&human, true, None).contains("(1 by a human's approval, 3 by a grant)"));
        assert!(told(&Counts { missing: 2, ..seen }, true, None).contains("2 allowed calls"));
    }
}
