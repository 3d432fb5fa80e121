//! What the scripted model will say, in words that fit every client.
//!
//! A turn names an effect, not a tool: the model picks the tool of the client that asks.

use serde_json::Value;

/// One step of the model in one conversation.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    /// Run a shell command by the client's shell tool.
    Shell(String),
    /// Write a new file by the client's file tool. The path is absolute.
    Write { path: String, content: String },
    /// Call a tool of an MCP server that the client was configured with.
    Mcp { server: String, tool: String, arguments: Value },
    /// Start a subagent with this prompt and wait for it where the client lets the model wait.
    Spawn { prompt: String },
    /// Call a tool by its own name, with its own arguments.
    Tool { name: String, arguments: Value },
    /// Say something and end the conversation.
    Say(String),
}

/// The turns of the main conversation, and those of each subagent, which is known by its prompt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    turns: Vec<Turn>,
    agents: Vec<(String, Vec<Turn>)>,
}

// === impl Script ===

impl Script {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn shell(self, command: impl Into<String>) -> Self {
        self.turn(Turn::Shell(command.into()))
    }

    #[must_use]
    pub fn write(self, path: impl Into<String>, content: impl Into<String>) -> Self {
        self.turn(Turn::Write { path: path.into(), content: content.into() })
    }

    #[must_use]
    pub fn mcp(self, server: &str, tool: &str, arguments: Value) -> Self {
        self.turn(Turn::Mcp { server: server.to_owned(), tool: tool.to_owned(), arguments })
    }

    #[must_use]
    pub fn tool(self, name: &str, arguments: Value) -> Self {
        self.turn(Turn::Tool { name: name.to_owned(), arguments })
    }

    #[must_use]
    pub fn say(self, text: impl Into<String>) -> Self {
        self.turn(Turn::Say(text.into()))
    }

    /// Spawns a subagent that plays `inner`. The prompt must be unlike any other prompt of the test, as the
    /// subagent's conversation is recognised by it.
    #[must_use]
    pub fn spawn(mut self, prompt: impl Into<String>, inner: Script) -> Self {
        let prompt = prompt.into();
        self.agents.push((prompt.clone(), inner.turns));
        self.agents.extend(inner.agents);
        self.turn(Turn::Spawn { prompt })
    }

    fn turn(mut self, turn: Turn) -> Self {
        self.turns.push(turn);
        self
    }

    pub(crate) fn turns(&self) -> &[Turn] {
        &self.turns
    }

    pub(crate) fn agents(&self) -> impl Iterator<Item = (&str, &[Turn])> {
        self.agents.iter().map(|(prompt, turns)| (prompt.as_str(), turns.as_slice()))
    }
}
