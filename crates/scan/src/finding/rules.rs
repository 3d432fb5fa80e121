//! Every rule, with what to do about it.

use super::Severity;

/// A kind of finding.
#[derive(Debug)]
pub struct Rule {
    /// Stable.
    pub id: &'static str,
    pub severity: Severity,
    pub title: &'static str,
    /// What to do.
    pub help: &'static str,
}

pub(crate) static HARD_CODED: Rule = Rule {
    id: "writ/hard-coded-credential",
    severity: Severity::High,
    title: "A credential stands in plain text",
    help: "Revoke it, then name a variable there that is set outside the file. What was committed stays in the history.",
};
pub(crate) static BLANKET: Rule = Rule {
    id: "writ/blanket-approval",
    severity: Severity::High,
    title: "A client runs any command without asking",
    help: "Take the setting out, or list the few commands that need no question. Under `writ run` each call is decided anyway.",
};
pub(crate) static UNREAD: Rule = Rule {
    id: "writ/unread-settings",
    severity: Severity::Medium,
    title: "What a tool may do could not be read whole",
    help: "Look at the file: its tool may read what is not read here, so that anything could stand in it. Repair it, or make it smaller.",
};
pub(crate) static TRUSTED_SERVER: Rule = Rule {
    id: "writ/trusted-server",
    severity: Severity::Medium,
    title: "All tools of an MCP server run without asking",
    help: "List the tools that only read, and let the client ask for the others.",
};
pub(crate) static UNPINNED_SERVER: Rule = Rule {
    id: "writ/unpinned-server",
    severity: Severity::Low,
    title: "An MCP server runs whatever version is newest",
    help: "Write an exact version, or the digest of an image: a new version can change what each tool does.",
};
pub(crate) static PLAIN_HTTP: Rule = Rule {
    id: "writ/plain-http-server",
    severity: Severity::Medium,
    title: "An MCP server is called without encryption",
    help: "Use https: who is on the way reads and changes what the agent is told.",
};
pub(crate) static PROJECT_HOOKS: Rule = Rule {
    id: "writ/project-hooks",
    severity: Severity::Note,
    title: "A project brings commands that clients run by themselves",
    help: "Read them before you open the project with an agent.",
};
pub(crate) static PROJECT_MODEL: Rule = Rule {
    id: "writ/project-model-host",
    severity: Severity::High,
    title: "A project sends what its agent says, and the key to the model, to a host of its choice",
    help: "Whoever opens the project hands that host a key and all that the agent reads. Remove the address, or set it for yourself.",
};
pub(crate) static MODEL_HOST: Rule = Rule {
    id: "writ/model-host",
    severity: Severity::Low,
    title: "What an agent says to its model goes to a host that is no vendor's",
    help: "Look whether that host is yours: it sees all that the agent reads.",
};
pub(crate) static PROJECT_HELPER: Rule = Rule {
    id: "writ/project-helper",
    severity: Severity::Medium,
    title: "A project brings a program that clients run for keys",
    help: "Read it before you open the project with an agent; what gives keys belongs into your own settings.",
};
pub(crate) static WIDE_FOLDERS: Rule = Rule {
    id: "writ/wide-folders",
    severity: Severity::Medium,
    title: "An agent may work in folders far beyond its project",
    help: "Name the folders that it needs.",
};
pub(crate) static OUTSIDER_STARTS: Rule = Rule {
    id: "writ/ci-outsider-starts-agent",
    severity: Severity::Critical,
    title: "Anybody can start an agent that holds secrets or a writing token",
    help: "Let a condition on the job ask for the author association, or run the agent on a trigger of maintainers, without secrets in reach of the text that it reads.",
};
pub(crate) static UNSEEN_AGENT: Rule = Rule {
    id: "writ/ci-unseen-agent",
    severity: Severity::Medium,
    title: "Anybody can start a workflow of another repository that runs an agent",
    help: "Look at what that workflow asks of whoever starts it, fix it to a commit, and let a condition on the job here ask too.",
};
pub(crate) static STRANGERS_CODE: Rule = Rule {
    id: "writ/ci-strangers-code",
    severity: Severity::High,
    title: "An agent works on a stranger's code with the repository's rights",
    help: "Check out the base, or run in a job without secrets and with a token that only reads.",
};
pub(crate) static OPEN_ACTION: Rule = Rule {
    id: "writ/ci-open-action",
    severity: Severity::High,
    title: "The action's own check of who asks is switched off",
    help: "List accounts, or leave the check on.",
};
pub(crate) static WRITE_ALL: Rule = Rule {
    id: "writ/ci-write-all",
    severity: Severity::High,
    title: "The token beside an agent may write everything",
    help: "Name the few scopes that the job needs.",
};
pub(crate) static INHERITED_TOKEN: Rule = Rule {
    id: "writ/ci-inherited-token",
    severity: Severity::Medium,
    title: "Nothing says what the token beside an agent may do",
    help: "Write `permissions:` on the job; the default of the repository or organisation may be write access to everything.",
};
pub(crate) static SELF_HOSTED: Rule = Rule {
    id: "writ/ci-self-hosted",
    severity: Severity::High,
    title: "Strangers' work runs on a runner that keeps state",
    help: "Use runners that are thrown away after each job.",
};
pub(crate) static CI_BYPASS: Rule = Rule {
    id: "writ/ci-bypass",
    severity: Severity::Medium,
    title: "An agent in CI runs any command",
    help: "List the commands that the job needs: there is nobody to ask in CI.",
};
pub(crate) static CI_ANY_BRANCH: Rule = Rule {
    id: "writ/ci-any-branch",
    severity: Severity::Low,
    title: "An agent's job gets credentials on branches that anybody in the project pushes to",
    help: "Mark the variables as protected and run the job on protected branches, or give it a credential that only reads.",
};
pub(crate) static UNPINNED_ACTION: Rule = Rule {
    id: "writ/ci-unpinned-action",
    severity: Severity::Low,
    title: "An agent's action is not fixed to a commit",
    help: "Write the commit in place of the tag or branch.",
};
pub(crate) static LEFT_TOKEN: Rule = Rule {
    id: "writ/ci-left-token",
    severity: Severity::Medium,
    title: "A checkout leaves a pushing token where an agent reads it",
    help: "Set `persist-credentials: false` on the checkout.",
};
pub(crate) static ESCALATOR: Rule = Rule {
    id: "writ/ci-escalator",
    severity: Severity::Note,
    title: "A step beside an agent gives rights that the token does not show",
    help: "Move it into another job, or after the agent.",
};
pub(crate) static MORE_RIGHTS: Rule = Rule {
    id: "writ/ci-more-rights",
    severity: Severity::Medium,
    title: "An agent's job has more rights than its token shows",
    help: "Move what gives them into another job, or after the agent, and give the agent what it needs alone.",
};

pub(super) static IDENTITY: Rule = Rule {
    id: "writ/identity-made",
    severity: Severity::Note,
    title: "Code makes an identity or gives it rights",
    help: "Ask who owns it, what it is for and when it ends; register it where an agent acts as it.",
};
pub(super) static IDENTITY_WILDCARD: Rule = Rule {
    id: "writ/identity-wildcard",
    severity: Severity::Medium,
    title: "Code gives rights by a wildcard or a broad role",
    help: "List the actions and the resources that the work needs.",
};
pub(super) static IDENTITY_ADMINISTRATOR: Rule = Rule {
    id: "writ/identity-administrator",
    severity: Severity::High,
    title: "Code makes an administrator",
    help: "Give the few rights that the work needs; the right to give rights stays with people.",
};
pub(super) static IDENTITY_ANYBODY: Rule = Rule {
    id: "writ/identity-anybody",
    severity: Severity::High,
    title: "Anybody may become or use an identity",
    help: "Name who may, and tie a forge's identity tokens to one repository and one branch or environment.",
};
pub(super) static STANDING_CREDENTIAL: Rule = Rule {
    id: "writ/identity-standing-credential",
    severity: Severity::Medium,
    title: "Code makes a credential without an end",
    help: "Use the platform's short-lived form: a role that is assumed, a bound token, workload identity.",
};
pub(crate) static LONG_LIVED: Rule = Rule {
    id: "writ/long-lived-credential",
    severity: Severity::Medium,
    title: "A credential without an end lies where an agent can read it, and a short-lived form exists",
    help: "Change to the form that the finding names, then revoke this one.",
};
pub(crate) static REUSED_CREDENTIAL: Rule = Rule {
    id: "writ/reused-credential",
    severity: Severity::Medium,
    title: "One credential stands in several places",
    help: "Give each place one of its own: whoever gets one of them has all, and revoking it ends all at once.",
};
pub(crate) static OPEN_KEY: Rule = Rule {
    id: "writ/open-key",
    severity: Severity::Medium,
    title: "A private key has no passphrase",
    help: "Lock it with `ssh-keygen -p -f FILE`, or use a key that asks for a touch.",
};
pub(crate) static OTHERS_READ: Rule = Rule {
    id: "writ/readable-credential",
    severity: Severity::Medium,
    title: "Others on this machine can read a credential",
    help: "Take their rights away: `chmod 600 FILE`.",
};
pub(crate) static STORED_PASSWORDS: Rule = Rule {
    id: "writ/stored-passwords",
    severity: Severity::Medium,
    title: "Passwords of git are kept in plain text",
    help: "Use a helper that keeps them locked: `libsecret`, `osxkeychain`, `manager`.",
};
pub(crate) static EXPIRED_CREDENTIAL: Rule = Rule {
    id: "writ/expired-credential",
    severity: Severity::Note,
    title: "A credential has ended and still lies there",
    help: "Log out of that account, or remove it.",
};
pub(crate) static RUNNING_UNASKED: Rule = Rule {
    id: "writ/running-unasked",
    severity: Severity::High,
    title: "An agent runs right now and asks nobody",
    help: "End it, or start it under `writ run`, where each call is decided anyway.",
};
pub(crate) static SECRET: Rule = Rule {
    id: "writ/secret",
    severity: Severity::High,
    title: "A credential stands in a file",
    help: "Revoke it, then keep it where only the program that needs it can read it. What was committed stays in the history.",
};
pub(crate) static LIKELY_SECRET: Rule = Rule {
    id: "writ/likely-secret",
    severity: Severity::Medium,
    title: "Something with the form of a credential stands in a file",
    help: "Look whether it is one; if so, revoke it and keep its successor elsewhere.",
};
pub(crate) static POSSIBLE_SECRET: Rule = Rule {
    id: "writ/possible-secret",
    severity: Severity::Low,
    title: "Something that may be a credential stands in a file",
    help: "Look whether it is one; if so, revoke it and keep its successor elsewhere.",
};

pub(crate) static ORPHAN: Rule = Rule {
    id: "writ/orphan",
    severity: Severity::Medium,
    title: "The owner of an agent is gone",
    help: "Its deputy takes it over with `writ agent adopt`; unanswered, it is suspended.",
};
pub(crate) static ORPHAN_WITHOUT_DEPUTY: Rule = Rule {
    id: "writ/orphan-without-deputy",
    severity: Severity::High,
    title: "Nobody answers for an agent",
    help: "Retire it, and register it anew under somebody who answers for it.",
};
pub(crate) static REVIEW_LAPSED: Rule = Rule {
    id: "writ/review-lapsed",
    severity: Severity::Medium,
    title: "Nobody looked at an agent in time",
    help: "Look whether it is still needed as it is: `writ agent review`, or `writ agent retire`.",
};
pub(crate) static TWO_ENVIRONMENTS: Rule = Rule {
    id: "writ/two-environments",
    severity: Severity::Medium,
    title: "One identity works in two environments",
    help: "Register an agent for each environment, so that each can be stopped by itself.",
};
pub(crate) static RUNS_WITHOUT_AUTHORITY: Rule = Rule {
    id: "writ/runs-without-authority",
    severity: Severity::High,
    title: "An agent runs that may not",
    help: "End its process, or approve it. What was started without `writ run` has no boundary.",
};
pub(crate) static ACTS_THOUGH_RETIRED: Rule = Rule {
    id: "writ/acts-though-retired",
    severity: Severity::High,
    title: "An agent acted after it was retired",
    help: "Find out who started it, take its program away, or approve what is recorded as discovered.",
};
pub(crate) static BEYOND_ITS_SETTINGS: Rule = Rule {
    id: "writ/beyond-its-settings",
    severity: Severity::High,
    title: "An agent did more unasked than its settings say",
    help: "Find out what let it: a flag, a setting that was not found, or a session of somebody else's.",
};
pub(crate) static UNUSED_RIGHTS: Rule = Rule {
    id: "writ/unused-rights",
    severity: Severity::Low,
    title: "An agent may do what it never does",
    help: "Take the right away from it in the organisation's policies.",
};
pub(crate) static SHADOW_AGENT: Rule = Rule {
    id: "writ/shadow-agent",
    severity: Severity::Medium,
    title: "An agent is here that nobody took in",
    help: "`writ agent approve` takes it in, `writ agent retire` says that it is not to be here.",
};

/// All of them.
pub static RULES: &[&Rule] = &[
    &HARD_CODED,
    &BLANKET,
    &UNREAD,
    &TRUSTED_SERVER,
    &UNPINNED_SERVER,
    &PLAIN_HTTP,
    &PROJECT_HOOKS,
    &PROJECT_MODEL,
    &MODEL_HOST,
    &PROJECT_HELPER,
    &WIDE_FOLDERS,
    &OUTSIDER_STARTS,
    &UNSEEN_AGENT,
    &STRANGERS_CODE,
    &OPEN_ACTION,
    &WRITE_ALL,
    &INHERITED_TOKEN,
    &SELF_HOSTED,
    &CI_BYPASS,
    &CI_ANY_BRANCH,
    &UNPINNED_ACTION,
    &LEFT_TOKEN,
    &ESCALATOR,
    &MORE_RIGHTS,
    &IDENTITY,
    &IDENTITY_WILDCARD,
    &IDENTITY_ADMINISTRATOR,
    &IDENTITY_ANYBODY,
    &STANDING_CREDENTIAL,
    &LONG_LIVED,
    &REUSED_CREDENTIAL,
    &OPEN_KEY,
    &OTHERS_READ,
    &STORED_PASSWORDS,
    &EXPIRED_CREDENTIAL,
    &RUNNING_UNASKED,
    &SECRET,
    &LIKELY_SECRET,
    &POSSIBLE_SECRET,
    &ORPHAN,
    &ORPHAN_WITHOUT_DEPUTY,
    &REVIEW_LAPSED,
    &TWO_ENVIRONMENTS,
    &RUNS_WITHOUT_AUTHORITY,
    &ACTS_THOUGH_RETIRED,
    &BEYOND_ITS_SETTINGS,
    &UNUSED_RIGHTS,
    &SHADOW_AGENT,
];
