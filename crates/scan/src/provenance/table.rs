//! The table of agents and of programs that act on their own.

use serde::Deserialize;

use super::Identity;

const TABLE: &str = include_str!("agents.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    #[serde(default)]
    mails: Vec<String>,
    #[serde(default)]
    logins: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    lines: Vec<String>,
    #[serde(default)]
    trailers: Vec<String>,
}

#[derive(Deserialize)]
struct Table {
    agent: Vec<Row>,
}

/// One agent.
struct Agent {
    id: &'static str,
    row: Row,
}

/// All agents that are known.
pub(super) struct Known(Vec<Agent>);

/// Programs without a model that commit.
pub(super) struct Bots;

// === impl Known ===

impl Known {
    /// The shipped table; empty when it cannot be read, which a test forbids.
    pub(super) fn shipped() -> Self {
        let rows = toml::from_str::<Table>(TABLE).map(|table| table.agent).unwrap_or_default();
        // The table lives as long as the program.
        Self(rows.into_iter().map(|row| Agent { id: String::leak(row.id.clone()), row }).collect())
    }

    pub(super) fn agents(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|agent| agent.id)
    }

    /// The agent whose account this is: by its address, or by the account of a forge. A name alone is anybody's.
    pub(super) fn acting(&self, identity: &Identity) -> Option<&'static str> {
        let is = |agent: &&Agent| {
            agent.row.mails.contains(&identity.mail)
                || identity.account.as_deref().is_some_and(|account| agent.is_account(account, identity))
                || identity
                    .name
                    .strip_suffix("[bot]")
                    .is_some_and(|login| agent.row.logins.iter().any(|own| own == login))
                || identity.name.ends_with(" (aider)") && agent.id == "aider"
        };
        self.0.iter().find(is).map(|agent| agent.id)
    }

    /// The agent that a trailer names.
    pub(super) fn named(&self, identity: &Identity) -> Option<&'static str> {
        self.acting(identity).or_else(|| {
            let is = |agent: &&Agent| agent.row.names.iter().any(|name| begins(&identity.name, name));
            self.0.iter().find(is).map(|agent| agent.id)
        })
    }

    /// The agent that a trailer speaks of whose value is a tool: `Claude:opus-4`, `[Cursor](…)`.
    pub(super) fn tool(&self, value: &str) -> Option<&'static str> {
        let value: String = value.trim_start_matches(['[', '@', '`', '"', '\'']).chars().take(200).collect();
        let value = value.to_lowercase();
        let is =
            |agent: &&Agent| agent.row.words.iter().chain(&agent.row.names).any(|word| begins(&value, word));
        self.0.iter().find(is).map(|agent| agent.id)
    }

    pub(super) fn by_trailer(&self, key: &str) -> Option<&'static str> {
        self.0.iter().find(|agent| agent.row.trailers.iter().any(|own| own == key)).map(|agent| agent.id)
    }

    /// The agent whose tool signs with such a line.
    pub(super) fn by_line(&self, line: &str) -> Option<&'static str> {
        // Marks begin with few words, after a picture or none.
        let start = line.trim_start_matches(|c: char| {
            !c.is_ascii_alphanumeric() && c != '>' && c != '`' && c != '"' && c != '\''
        });
        let start: String = start.chars().take(120).collect();
        let start = start.to_lowercase();
        let is = |agent: &&Agent| {
            agent.row.lines.iter().any(|mark| {
                let mark = mark.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
                begins(&start, mark)
            })
        };
        self.0.iter().find(is).map(|agent| agent.id)
    }
}

// === impl Agent ===

impl Agent {
    /// Whether an account of a forge is this agent's. A short name is a person's too, unless it is marked as a bot's.
    fn is_account(&self, account: &str, identity: &Identity) -> bool {
        let (login, bot) = account.strip_suffix("[bot]").map_or((account, false), |login| (login, true));
        let own = self.row.logins.iter().any(|own| own == login);
        own && (bot
            || login.contains('-')
            || identity.name.ends_with("[bot]")
            || self.is_its_number(identity))
    }

    /// Whether the address has the number of an account that is known to be the agent's (GitHub's, which never change).
    fn is_its_number(&self, identity: &Identity) -> bool {
        const NUMBERS: [(&str, &str); 4] = [
            ("copilot", "198982749+"),
            ("copilot", "175728472+"),
            ("copilot", "223556219+"),
            ("claude-code", "81847+"),
        ];
        NUMBERS.iter().any(|(id, number)| *id == self.id && identity.mail.starts_with(number))
    }
}

// === impl Bots ===

impl Bots {
    /// Whether an identity is one of a program: marked by its forge, or known.
    pub(super) fn is_one(identity: &Identity) -> bool {
        const NAMES: [&str; 32] = [
            "actions-user",
            "allcontributors",
            "appveyor",
            "autofix-ci",
            "bors",
            "buildkite",
            "circleci",
            "concourse ci",
            "crowdin",
            "hosted weblate",
            "codecov",
            "dependabot",
            "dependabot-preview",
            "github actions",
            "github-actions",
            "gitlab-bot",
            "greenkeeper",
            "imgbot",
            "imgbotapp",
            "jenkins",
            "mergify",
            "netlify",
            "pre-commit-ci",
            "pyup-bot",
            "release-please",
            "renovate",
            "renovate bot",
            "semantic-release-bot",
            "snyk-bot",
            "teamcity",
            "travis ci",
            "weblate",
        ];
        const MAILS: [&str; 10] = [
            "action@github.com",
            "actions@github.com",
            "bot@renovateapp.com",
            "github-actions@github.com",
            "hosted@weblate.org",
            "imgbothelp@gmail.com",
            "semantic-release-bot@martynus.net",
            "snyk-bot@snyk.io",
            "support+bot@crowdin.com",
            "support@dependabot.com",
        ];
        let account = identity.account.as_deref().unwrap_or_default();
        identity.name.ends_with("[bot]")
            || account.ends_with("[bot]")
            || [" bot", "-bot", "_bot"].iter().any(|end| identity.name.ends_with(end))
            || NAMES.contains(&identity.name.as_str())
            || MAILS.contains(&identity.mail.as_str())
            || account.starts_with("project_") && account.contains("_bot")
    }
}

/// Whether a text begins with these words, and not in the middle of a longer one.
fn begins(text: &str, words: &str) -> bool {
    text.strip_prefix(words).is_some_and(|rest| {
        !words.ends_with(char::is_alphanumeric) || !rest.starts_with(char::is_alphanumeric)
    })
}
