//! Calls that are held, and are not this door's to ask about: another one sees the effect, or nobody could say a yes that
//! is worth something.

use std::path::Path;
use std::sync::Arc;

use writ_model::{ReasonCode, Resource, ToolCall};
use writ_policy::StepUp;

use super::session::{Opened, Slot};
use super::{Door, No, fetch, lock};
use crate::admit::{self, Admitted};
use crate::port::Office;
use crate::shown::plain;
use crate::yes::is_by_organisation;

/// Most reasons that a refusal names.
const MAX_REASONS: usize = 6;
/// Longest path that a refusal names.
const MAX_PATH_CHARS: usize = 300;

/// Whose decision a held call is.
pub(super) enum Elsewhere {
    /// This door's: the call waits for a person.
    Nowhere,
    /// Another door decides, or has decided.
    Decided(ReasonCode),
    /// Nobody is asked.
    Unasked(No),
}

// === impl Door ===

impl<O: Office> Door<O> {
    /// Whether a held call is for another door to decide.
    pub(super) fn elsewhere(&self, held: &StepUp, opened: &Opened) -> Elsewhere {
        // A yes would be worth nothing, so nobody is asked for one.
        if let Some(path) = self.empty_in(held) {
            return Elsewhere::Unasked(No::new(ReasonCode::StepUp, &told_of_empty(path)));
        }
        let call = &held.ruling().call;
        let Some(ways) = &self.plan.ways_out else { return Elsewhere::Nowhere };
        // A call that is held as a whole, by none of its actions, is nobody else's.
        if held.held().is_empty() {
            return Elsewhere::Nowhere;
        }
        if !call.operation.is_of_boundary() {
            // Where the effect is seen with what it really is, the person is asked there, once.
            let all = held.held().iter().all(|action| ways.sees(action));
            return if all { Elsewhere::Decided(ReasonCode::AtBoundary) } else { Elsewhere::Nowhere };
        }
        let touched = opened.room.touched();
        // What a push moves is asked about when it is known, and not its first look at the refs too.
        if fetch::begins_push(&call.operation, held.held())
            && !is_by_organisation(held)
            && self.runs(None, Admitted::takes_repositories)
        {
            return Elsewhere::Decided(ReasonCode::UnderWay);
        }
        // A repository is more than its host: it is asked about by its own name, once for all requests of a fetch.
        if let Some(repositories) = fetch::read_by(&call.operation, held.held()) {
            let is_named =
                |name: &String| self.runs(Some(&touched), |call| call.fetches(name) && call.covers(held));
            let is_open = |name: &String| {
                self.fetches.is_open(name, &touched, |yes| yes.covers(held)) || is_named(name)
            };
            if repositories.iter().all(is_open) {
                return Elsewhere::Decided(ReasonCode::UnderWay);
            }
            // Clients look for plugins and news of their own by git: nobody is asked where no call could want it.
            let hosts: Vec<&str> = repositories.iter().filter_map(|name| name.split('/').next()).collect();
            if self.runs(None, Admitted::takes_repositories) || self.reach(&hosts, |_| true, None) {
                return Elsewhere::Nowhere;
            }
            return Elsewhere::Unasked(not_read(&repositories));
        }
        let all_hosts = held.held().iter().all(|action| matches!(action.resource, Resource::Host { .. }));
        let hosts: Option<Vec<&str>> = held.held().iter().map(admit::reached).collect();
        match hosts {
            Some(hosts)
                if hosts.iter().all(|host| ways.model.iter().any(|own| own == host))
                    && !is_by_organisation(held) =>
            {
                Elsewhere::Decided(ReasonCode::Model)
            }
            // Who was asked about the call is not asked about each of its requests.
            Some(hosts) if all_hosts && self.reach(&hosts, |call| call.covers(held), Some(&touched)) => {
                Elsewhere::Decided(ReasonCode::UnderWay)
            }
            // Nor about those of an installation or a build to hosts that the requester named.
            Some(hosts)
                if all_hosts
                    && opened.room.names_hosts(&hosts)
                    && self.runs(Some(&touched), |call| call.takes_repositories() && call.covers(held)) =>
            {
                Elsewhere::Decided(ReasonCode::UnderWay)
            }
            Some(hosts)
                if all_hosts
                    && opened.room.names_hosts(&hosts)
                    && self.runs(None, Admitted::takes_repositories) =>
            {
                Elsewhere::Nowhere
            }
            // What was read since then, or is in the request, nobody knew of who said yes.
            Some(hosts) if all_hosts && self.reach(&hosts, |_| true, None) => Elsewhere::Nowhere,
            // Programs call home by themselves: nobody is asked about a host that no call named.
            Some(hosts) => {
                let is_named = opened.room.names_hosts(&hosts);
                Elsewhere::Unasked(not_reached(hosts, is_named.then(|| in_words(held))))
            }
            None => Elsewhere::Nowhere,
        }
    }

    /// Whether a call is under way for which this holds; see [`Slot::runs`].
    fn runs(&self, touched: Option<&str>, holds: impl Fn(&Admitted<ToolCall>) -> bool) -> bool {
        let slots: Vec<Arc<Slot>> = lock(&self.sessions).values().cloned().collect();
        slots.iter().any(|slot| slot.runs(touched, &holds))
    }

    /// Whether calls that are under way, and for which this holds, were allowed to reach all of these hosts; see [`Slot::runs`].
    fn reach(
        &self,
        hosts: &[&str],
        holds: impl Fn(&Admitted<ToolCall>) -> bool,
        touched: Option<&str>,
    ) -> bool {
        let reached = |host: &&str| self.runs(touched, |call| call.reaches(host) && holds(call));
        !hosts.is_empty() && hosts.iter().all(reached)
    }

    /// What the task has touched rose by a request of a call that is under way.
    pub(super) fn rose(&self, before: &str, after: &str) {
        let slots: Vec<Arc<Slot>> = lock(&self.sessions).values().cloned().collect();
        slots.iter().for_each(|slot| slot.rose(before, after));
    }

    /// The first file that a call is held for and that is empty where the agent is.
    fn empty_in<'a>(&self, held: &'a StepUp) -> Option<&'a str> {
        held.held().iter().find_map(|action| {
            let Resource::Path { path, .. } = &action.resource else { return None };
            self.plan.empty.iter().any(|empty| empty == Path::new(path)).then_some(path.as_str())
        })
    }
}

/// Why a call is held, as an agent is told of it: the first reasons.
pub(super) fn in_words(held: &StepUp) -> String {
    let reasons: Vec<&str> = held.reasons().iter().take(MAX_REASONS).map(String::as_str).collect();
    reasons.join("; ")
}

/// What an agent is told that wants to read repositories which no call could.
fn not_read(repositories: &[String]) -> No {
    let reason = ReasonCode::StepUp;
    // The workspace's own remote has a name of its own, and is no host.
    let host = repositories.iter().find_map(|name| name.split_once('/')).map(|(host, _)| host);
    let or_tell = host.map(|host| format!(", or tell the person: writ run --allow-host {host}"));
    let text = format!(
        "`{}` is not read in this task, and no call that is under way takes in repositories. Fetch or clone it in a call of its \
         own, so that a person can be asked{} [{reason}]",
        repositories.join("`, `"),
        or_tell.unwrap_or_default(),
    );
    No { reason, text }
}

/// What an agent is told that wants hosts which no call named; with what holds a host that the requester did name.
fn not_reached(mut hosts: Vec<&str>, held_by: Option<String>) -> No {
    let reason = ReasonCode::StepUp;
    hosts.sort_unstable();
    hosts.dedup();
    if let Some(held_by) = held_by {
        let text = format!(
            "`{}`: {held_by}. Nobody is asked, since no call that is under way reaches out. Name the host in the call itself, so \
             that a person can be asked [{reason}]",
            hosts.join("`, `"),
        );
        return No { reason, text };
    }
    let text = format!(
        "`{}` is not reached in this task, and no call that is under way was allowed to. Name the host in the call itself, so \
         that a person can be asked, or tell the person: writ run --allow-host {} [{reason}]",
        hosts.join("`, `"),
        hosts.first().unwrap_or(&"HOST"),
    );
    No { reason, text }
}

/// What an agent is told that wants what is in a file that is empty inside.
fn told_of_empty(path: &str) -> String {
    let path = plain(path, MAX_PATH_CHARS);
    format!(
        "`{path}` looks like credentials and is empty inside this task: a person's yes would not fill it, so nobody is asked. \
         Work without the value: name the variable or the file in code. If the task cannot be done so, tell the person: they \
         can start it again with `writ run --read PATH`, or lend a value to a host with `writ secret add`"
    )
}
