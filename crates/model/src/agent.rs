//! Agents: AI coding tools as non-human identities, with a lifecycle in which only the listed moves exist.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::{Digest, Label};
use crate::time::Timestamp;

/// The coding clients whose wire format Writ speaks, and every other program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    ClaudeCode,
    Cline,
    Codex,
    CopilotCli,
    Cursor,
    GeminiCli,
    Kiro,
    #[serde(rename = "opencode")]
    OpenCode,
    QwenCode,
    #[serde(rename = "vscode")]
    VsCode,
    Windsurf,
    /// A program without a hook adapter. Only a mandatory boundary can govern it.
    Other,
}

/// How far an agent acts by itself, as its settings and its start show it: 0 where a person answers each time, 1 where
/// listed things go unasked, 2 where it does not ask, 3 where others than its user start it besides. What nobody could look
/// at counts as the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AutonomyLevel(u8);

/// Where an agent stands in its life. Only `active` agents get a writ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifecycleState {
    Discovered,
    Requested,
    Approved,
    Active,
    Suspended,
    Quarantined,
    Retired,
}

/// What can be done to an agent's lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifecycleMove {
    Request,
    Approve,
    Activate,
    Suspend,
    Resume,
    Quarantine,
    Retire,
}

/// The move does not exist from that state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an agent that is {from} cannot be {}", .step.done())]
pub struct IllegalMove {
    pub from: LifecycleState,
    pub step: LifecycleMove,
}

/// Why an agent was suspended or quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LifecycleReason {
    /// A person asked for it.
    ByPerson,
    /// The review date has passed.
    ReviewLapsed,
    /// The agent's expiry has passed.
    Expired,
    /// Model, instructions, tools or client differ from what was accepted.
    FingerprintChanged,
    /// A person accepted the changed fingerprint.
    FingerprintAccepted,
    /// A person looked at the agent and set a new review date.
    Reviewed,
    /// Its owner is gone, and no deputy took it over in time.
    Orphaned,
    /// Its deputy took it over, or its owner is there again.
    TakenOver,
    /// A person revoked the agent or its owner.
    Revoked,
    /// Something was leaving for which the organisation's policies suspend an agent.
    Incident,
    /// First registration.
    Registered,
}

/// A human: the operating-system user as `uid:N` in the embedded control plane, an OIDC subject in a team.
///
/// A person is never represented by an agent's token, nor the other way round.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Human(pub Label);

/// What makes an agent behave as it does. A part nobody could look at is `None`: unobserved, never unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// Version of the client program.
    pub client_version: Option<Label>,
    /// Digest over the instruction files (path and content) that the client reads.
    pub instructions: Option<Digest>,
    /// Name of the model that the client says it uses.
    pub model: Option<Label>,
    /// Digest over the MCP servers that the client is configured with.
    pub tools: Option<Digest>,
}

/// One part of a [`Fingerprint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FingerprintPart {
    ClientVersion,
    Instructions,
    Model,
    Tools,
}

/// What a registration must say. There is no registration without owner, purpose or review date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Unique among live agents of this control plane.
    pub name: Label,
    pub client: Client,
    pub owner: Human,
    pub deputy: Option<Human>,
    /// Commitment to the purpose text, which lies in the vault under the agent's key.
    pub purpose: Digest,
    pub environment: Label,
    pub function: Label,
    pub review_by: Timestamp,
    pub expires_at: Option<Timestamp>,
}

// === impl AutonomyLevel ===

impl AutonomyLevel {
    /// A person answers each time.
    pub const ASKS: Self = Self(0);
    /// Listed things go unasked.
    pub const SOME: Self = Self(1);
    /// It does not ask.
    pub const FREE: Self = Self(2);
    /// Also what nobody could look at.
    pub const MOST: Self = Self(3);

    /// What is higher than the highest is the highest.
    pub const fn of(level: u8) -> Self {
        if level < Self::MOST.0 { Self(level) } else { Self::MOST }
    }

    pub const fn number(self) -> u8 {
        self.0
    }
}

// === impl Client ===

impl Client {
    /// Every client that has a hook adapter.
    pub const HOOKED: [Self; 11] = [
        Self::ClaudeCode,
        Self::Cline,
        Self::Codex,
        Self::CopilotCli,
        Self::Cursor,
        Self::GeminiCli,
        Self::Kiro,
        Self::OpenCode,
        Self::QwenCode,
        Self::VsCode,
        Self::Windsurf,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Cline => "cline",
            Self::Codex => "codex",
            Self::CopilotCli => "copilot-cli",
            Self::Cursor => "cursor",
            Self::GeminiCli => "gemini-cli",
            Self::Kiro => "kiro",
            Self::OpenCode => "opencode",
            Self::QwenCode => "qwen-code",
            Self::VsCode => "vscode",
            Self::Windsurf => "windsurf",
            Self::Other => "other",
        }
    }

    /// Whether it is known by its documentation alone, as a program with a window: it can be hooked, and not started
    /// under a supervisor.
    pub const fn is_windowed(self) -> bool {
        match self {
            Self::Cursor | Self::Kiro | Self::VsCode | Self::Windsurf => true,
            Self::ClaudeCode
            | Self::Cline
            | Self::Codex
            | Self::CopilotCli
            | Self::GeminiCli
            | Self::OpenCode
            | Self::QwenCode
            | Self::Other => false,
        }
    }

    /// The base name of the program that starts it.
    pub const fn program(self) -> Option<&'static str> {
        match self {
            Self::ClaudeCode => Some("claude"),
            Self::Cline => Some("cline"),
            Self::Codex => Some("codex"),
            Self::CopilotCli => Some("copilot"),
            Self::Cursor => Some("cursor"),
            Self::GeminiCli => Some("gemini"),
            Self::Kiro => Some("kiro"),
            Self::OpenCode => Some("opencode"),
            Self::QwenCode => Some("qwen"),
            Self::VsCode => Some("code"),
            Self::Windsurf => Some("windsurf"),
            Self::Other => None,
        }
    }

    /// The client that a program's base name belongs to, as `claude` or `codex`.
    pub fn of_program(base_name: &str) -> Self {
        match base_name {
            "claude" | "claude-code" => Self::ClaudeCode,
            "cline" => Self::Cline,
            "codex" => Self::Codex,
            "copilot" => Self::CopilotCli,
            "cursor" | "cursor-agent" => Self::Cursor,
            "gemini" | "gemini-cli" => Self::GeminiCli,
            "kiro" | "kiro-cli" => Self::Kiro,
            "opencode" => Self::OpenCode,
            "qwen" | "qwen-code" => Self::QwenCode,
            "code" | "code-insiders" => Self::VsCode,
            "windsurf" => Self::Windsurf,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no client that Writ has an adapter for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no client with a hook; known are {}", Client::HOOKED.map(Client::name).join(", "))]
pub struct UnknownClient {
    name: String,
}

impl FromStr for Client {
    type Err = UnknownClient;

    fn from_str(text: &str) -> Result<Self, UnknownClient> {
        Self::HOOKED
            .into_iter()
            .find(|client| client.name() == text)
            .ok_or_else(|| UnknownClient { name: text.chars().take(80).collect() })
    }
}

// === impl LifecycleState ===

impl LifecycleState {
    /// The state after a move, or the typed refusal of a move that does not exist.
    ///
    /// Retiring is possible from every live state, so that an end never needs a detour over `active`.
    pub const fn step(self, step: LifecycleMove) -> Result<Self, IllegalMove> {
        use LifecycleMove as Move;
        match (self, step) {
            (Self::Discovered, Move::Request) => Ok(Self::Requested),
            (Self::Requested, Move::Approve) => Ok(Self::Approved),
            (Self::Approved, Move::Activate) => Ok(Self::Active),
            (Self::Active, Move::Suspend) => Ok(Self::Suspended),
            (Self::Suspended, Move::Resume) => Ok(Self::Active),
            (Self::Approved | Self::Active | Self::Suspended, Move::Quarantine) => Ok(Self::Quarantined),
            (
                Self::Discovered
                | Self::Requested
                | Self::Approved
                | Self::Active
                | Self::Suspended
                | Self::Quarantined,
                Move::Retire,
            ) => Ok(Self::Retired),
            (from, step) => Err(IllegalMove { from, step }),
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Discovered => "discovered",
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Quarantined => "quarantined",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for LifecycleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

// === impl LifecycleMove ===

impl LifecycleMove {
    /// Every move.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Approve,
        Self::Activate,
        Self::Suspend,
        Self::Resume,
        Self::Quarantine,
        Self::Retire,
    ];

    /// As in "it was …".
    pub const fn done(self) -> &'static str {
        match self {
            Self::Request => "requested",
            Self::Approve => "approved",
            Self::Activate => "activated",
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Quarantine => "quarantined",
            Self::Retire => "retired",
        }
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    /// The parts in which `seen` differs from this accepted one.
    ///
    /// A part that `seen` could not observe counts as no news: it neither changes nor confirms anything. A part that
    /// is seen for the first time has nothing to differ from and is adopted by [`Fingerprint::filled_from`].
    pub fn changed_parts(&self, seen: &Self) -> Vec<FingerprintPart> {
        fn differs<T: PartialEq>(accepted: &Option<T>, seen: &Option<T>) -> bool {
            matches!((accepted, seen), (Some(accepted), Some(seen)) if accepted != seen)
        }
        let mut parts = Vec::new();
        if differs(&self.client_version, &seen.client_version) {
            parts.push(FingerprintPart::ClientVersion);
        }
        if differs(&self.instructions, &seen.instructions) {
            parts.push(FingerprintPart::Instructions);
        }
        if differs(&self.model, &seen.model) {
            parts.push(FingerprintPart::Model);
        }
        if differs(&self.tools, &seen.tools) {
            parts.push(FingerprintPart::Tools);
        }
        parts
    }

    /// This fingerprint, with the parts it does not know taken from `seen`.
    pub fn filled_from(&self, seen: &Self) -> Self {
        Self {
            client_version: self.client_version.clone().or_else(|| seen.client_version.clone()),
            instructions: self.instructions.or(seen.instructions),
            model: self.model.clone().or_else(|| seen.model.clone()),
            tools: self.tools.or(seen.tools),
        }
    }
}

impl FingerprintPart {
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientVersion => "client version",
            Self::Instructions => "instruction files",
            Self::Model => "model",
            Self::Tools => "MCP servers",
        }
    }
}

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state × every move. What is not named here is refused.
    #[test]
    fn only_the_listed_moves_exist() {
        use LifecycleMove as Move;
        use LifecycleState as State;
        let states = [
            State::Discovered,
            State::Requested,
            State::Approved,
            State::Active,
            State::Suspended,
            State::Quarantined,
            State::Retired,
        ];
        let mut legal = Vec::new();
        for from in states {
            for step in Move::ALL {
                match from.step(step) {
                    Ok(to) => legal.push(format!("{from} -{}-> {to}", step.done())),
                    Err(refused) => assert_eq!(refused, IllegalMove { from, step }),
                }
            }
        }
        assert_eq!(
            legal,
            [
                "discovered -requested-> requested",
                "discovered -retired-> retired",
                "requested -approved-> approved",
                "requested -retired-> retired",
                "approved -activated-> active",
                "approved -quarantined-> quarantined",
                "approved -retired-> retired",
                "active -suspended-> suspended",
                "active -quarantined-> quarantined",
                "active -retired-> retired",
                "suspended -resumed-> active",
                "suspended -quarantined-> quarantined",
                "suspended -retired-> retired",
                "quarantined -retired-> retired",
            ]
        );
    }

    /// What a record says of a client is the word that a person types.
    #[test]
    fn a_client_is_written_as_it_is_named() {
        use Client::{
            ClaudeCode, Cline, Codex, CopilotCli, Cursor, GeminiCli, Kiro, OpenCode, Other, QwenCode, VsCode,
            Windsurf,
        };
        for client in [
            ClaudeCode, Cline, Codex, CopilotCli, Cursor, GeminiCli, Kiro, OpenCode, Other, QwenCode, VsCode,
            Windsurf,
        ] {
            assert_eq!(serde_json::to_value(client).unwrap(), client.name());
            assert_eq!(client.name().parse().ok(), Client::HOOKED.contains(&client).then_some(client));
        }
    }

    #[test]
    fn an_unobserved_part_is_no_change_and_a_first_sight_is_adopted() {
        let accepted = Fingerprint {
            client_version: None,
            instructions: Some(Digest::new([1; 32])),
            model: Some(Label::lossy("m1")),
            tools: None,
        };
        let blind = Fingerprint { client_version: None, instructions: None, model: None, tools: None };
        assert_eq!(accepted.changed_parts(&blind), []);
        let seen = Fingerprint {
            client_version: Some(Label::lossy("2")),
            instructions: Some(Digest::new([2; 32])),
            model: Some(Label::lossy("m2")),
            tools: None,
        };
        assert_eq!(accepted.changed_parts(&seen), [FingerprintPart::Instructions, FingerprintPart::Model]);
        let filled = accepted.filled_from(&seen);
        assert_eq!(filled.client_version, seen.client_version);
        assert_eq!(filled.model, accepted.model);
    }
}
