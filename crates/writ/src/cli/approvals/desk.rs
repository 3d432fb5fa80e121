//! `writ approvals watch` in a terminal: one request after the other, answered where it is shown.

use std::collections::VecDeque;
use std::io::{BufRead as _, Read as _, Write as _};
use std::process::ExitCode;

use tokio::sync::mpsc;
use writ_control::api::client::{Client as Office, ClientError, Subscription};
use writ_control::api::message::{ApprovalView, Approve, Deny, GrantWish};
use writ_model::{ApprovalId, ApprovalState};

use super::{news, stream_ended};
use crate::cli::answer::answered;
use crate::cli::grant::{offered, proposal};
use crate::failure::{Failure, Outcome};
use crate::screen;

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 1 << 10;

/// What a person typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Yes,
    Grant,
    No,
    /// Leaves it for somebody else, or for later.
    Later,
    Unclear,
}

/// What the person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// What to say to the request.
    Answer,
    /// Whether the grant that is shown is meant.
    Grant,
}

/// The requests that wait, with the one that lies on top.
#[derive(Default)]
struct Desk {
    waiting: VecDeque<ApprovalView>,
    question: Option<Question>,
}

/// What is to be done about the request on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Approve,
    Grant,
    Deny,
    /// Show what a grant would allow, and ask whether it is meant.
    Propose,
    PutAside,
    /// Ask about the request itself once more.
    Back,
    AskAgain,
}

/// Shows each request as it comes and takes the answer.
pub(super) async fn sit(office: &Office, mut changes: Subscription<ApprovalView>) -> Outcome {
    screen::say("waiting for requests; end with Ctrl-C");
    let mut lines = lines();
    let mut desk = Desk::default();
    loop {
        tokio::select! {
            next = changes.next() => {
                let view = next.ok_or_else(stream_ended)??;
                if let Some(said) = desk.learn(view) {
                    screen::line(format_args!("\n{said}"))?;
                }
                desk.ask()?;
            }
            line = lines.recv() => match line {
                Some(line) => {
                    desk.hear(office, &line).await?;
                    desk.ask()?;
                }
                None => return Ok(ExitCode::SUCCESS),
            },
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// The lines that a person types. A thread reads them, and ends with the process.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        loop {
            let mut line = String::new();
            let read = std::io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line);
            if !matches!(read, Ok(1..)) || sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

// === impl Desk ===

impl Desk {
    /// Takes a change in. What is said of it now, if anything: a request that waits is shown when its turn comes.
    fn learn(&mut self, view: ApprovalView) -> Option<String> {
        let at = self.waiting.iter().position(|waiting| waiting.id == view.id);
        match (view.state, at) {
            (ApprovalState::Pending, None) => {
                self.waiting.push_back(view);
                None
            }
            (ApprovalState::Pending, Some(_)) => None,
            (
                ApprovalState::Approved
                | ApprovalState::Consumed
                | ApprovalState::Refused
                | ApprovalState::Expired,
                at,
            ) => {
                if let Some(at) = at {
                    self.put_away(at);
                }
                Some(news(&view))
            }
        }
    }

    fn put_away(&mut self, at: usize) -> Option<ApprovalView> {
        if at == 0 {
            self.question = None;
        }
        self.waiting.remove(at)
    }

    /// Shows the request on top, where nobody has been asked about it yet.
    fn ask(&mut self) -> Result<(), Failure> {
        let Some(view) = self.waiting.front().filter(|_| self.question.is_none()) else { return Ok(()) };
        screen::line(news(view))?;
        prompt(question(view))?;
        self.question = Some(Question::Answer);
        Ok(())
    }

    async fn hear(&mut self, office: &Office, line: &str) -> Result<(), Failure> {
        let (Some(view), Some(asked)) = (self.waiting.front(), self.question) else { return Ok(()) };
        let (approval, action) = (view.id, view.action);
        match step(asked, Word::of(line), view.grantable.is_some()) {
            Step::AskAgain => prompt(if asked == Question::Grant { CONFIRM } else { question(view) })?,
            Step::Propose => {
                screen::line(proposal(view, &offered(view, false)?, None))?;
                prompt(CONFIRM)?;
                self.question = Some(Question::Grant);
            }
            Step::Back => {
                prompt(question(view))?;
                self.question = Some(Question::Answer);
            }
            Step::PutAside => {
                self.put_away(0);
            }
            Step::Approve => {
                self.done(approval, office.call(Approve { approval, action, as_grant: None }).await)?
            }
            Step::Grant => {
                let as_grant = Some(GrantWish::default());
                self.done(approval, office.call(Approve { approval, action, as_grant }).await)?;
            }
            Step::Deny => self.done(approval, office.call(Deny { approval }).await)?,
        }
        Ok(())
    }

    /// The request is off the desk. Why an answer did not count is said, and the others still wait.
    fn done(&mut self, id: ApprovalId, answer: Result<ApprovalView, ClientError>) -> Result<(), Failure> {
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) {
            self.put_away(at);
        }
        match answer {
            Ok(view) => answered(&view, false).map(drop),
            Err(ClientError::Refused(refused)) => {
                Failure::refused(refused).report();
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

const CONFIRM: &str = "Grant this? [y/N] ";

fn question(view: &ApprovalView) -> &'static str {
    match view.grantable {
        Some(_) => "[y]es, once  [g]rant  [n]o  [l]ater: ",
        None => "[y]es, once  [n]o  [l]ater: ",
    }
}

fn step(asked: Question, word: Word, grantable: bool) -> Step {
    match (asked, word) {
        (Question::Answer, Word::Yes) => Step::Approve,
        (Question::Answer, Word::Grant) if grantable => Step::Propose,
        (Question::Answer, Word::No) => Step::Deny,
        (Question::Answer, Word::Later) => Step::PutAside,
        (Question::Answer, Word::Grant | Word::Unclear) => Step::AskAgain,
        (Question::Grant, Word::Yes) => Step::Grant,
        (Question::Grant, Word::Grant | Word::No | Word::Later | Word::Unclear) => Step::Back,
    }
}

fn prompt(question: &str) -> Result<(), Failure> {
    let mut stderr = std::io::stderr().lock();
    stderr.write_all(question.as_bytes())?;
    Ok(stderr.flush()?)
}

// === impl Word ===

impl Word {
    fn of(line: &str) -> Self {
        match line.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Self::Yes,
            "g" | "grant" => Self::Grant,
            "n" | "no" => Self::No,
            "l" | "later" => Self::Later,
            _ => Self::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_word_is_an_answer() {
        for (line, grantable, taken) in [
            ("y\n", true, Step::Approve),
            ("YES", false, Step::Approve),
            ("g", true, Step::Propose),
            ("g", false, Step::AskAgain),
            ("n", true, Step::Deny),
            ("l", true, Step::PutAside),
            ("", true, Step::AskAgain),
            ("yn", true, Step::AskAgain),
            ("\u{1b}[Ay", true, Step::AskAgain),
        ] {
            assert_eq!(step(Question::Answer, Word::of(line), grantable), taken, "{line:?}");
        }
    }

    #[test]
    fn a_grant_takes_a_second_yes() {
        for (line, taken) in
            [("y", Step::Grant), ("yes", Step::Grant), ("g", Step::Back), ("n", Step::Back), ("", Step::Back)]
        {
            assert_eq!(step(Question::Grant, Word::of(line), true), taken, "{line:?}");
        }
    }
}
