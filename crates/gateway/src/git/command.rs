//! What a client says before the pack of a push: commands, shallow lines, push options (gitprotocol-pack, "Reference
//! Update Request").

use std::collections::BTreeSet;

use super::capability::Capabilities;
use super::oid::{ObjectFormat, Oid};
use super::pkt::{self, Pkt, PktError, PktReader};
use super::ref_name::problem_of_ref;

/// Most refs that one push moves, most boundaries of a shallow clone that it names, most push options.
pub const MAX_COMMANDS: usize = 1_000;
const MAX_SHALLOW: usize = 4_096;
const MAX_OPTIONS: usize = 64;
const MAX_OPTION_BYTES: usize = 4_096;
/// Most bytes before the pack.
const MAX_HEAD_BYTES: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    #[error("the push is not in packet lines")]
    Pkt(#[from] PktError),
    #[error("the push holds a line that is no command")]
    Line,
    #[error("the push ends before its commands do")]
    End,
    #[error("signed pushes are not passed on; push without `--signed`")]
    Signed,
    #[error("the push uses `{0}`, which the server does not offer")]
    NotOffered(String),
    #[error("the push's capabilities cannot be read")]
    Capabilities,
    #[error("the client cannot show why a ref is refused; use a newer git")]
    NoReport,
    #[error("the push mixes names of objects of two hash functions, or not the server's")]
    Format,
    #[error("the name of ref `{name}` {problem}")]
    Ref { name: String, problem: &'static str },
    #[error("the push names ref `{0}` twice")]
    Twice(String),
    #[error("the command for ref `{0}` neither creates nor moves nor deletes it")]
    Nothing(String),
    #[error("one push moves at most {MAX_COMMANDS} refs; push in parts")]
    TooManyCommands,
    #[error(
        "one push has at most {MAX_OPTIONS} options of {MAX_OPTION_BYTES} bytes, without control characters"
    )]
    Options,
    #[error("the clone is too shallow to push from: it names more than {MAX_SHALLOW} boundaries")]
    Shallow,
    #[error("there are more than {MAX_HEAD_BYTES} bytes before the pack")]
    TooLong,
    #[error("the push sends no commands, and something else")]
    Empty,
}

/// One ref that a push asks to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    pub old: Oid,
    pub new: Oid,
    /// Whole, as `refs/heads/main`.
    pub name: String,
}

/// Everything before the pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commands {
    /// In the order of the wire. Never empty.
    pub list: Vec<Command>,
    pub capabilities: Capabilities,
    pub format: ObjectFormat,
    pub shallow: Vec<Oid>,
    pub options: Vec<String>,
}

/// Reads a push up to its pack.
#[derive(Debug)]
pub struct CommandReader {
    offered: Capabilities,
    pkts: PktReader,
    at: At,
    taken: usize,
    shallow: Vec<Oid>,
    list: Vec<Command>,
    seen: BTreeSet<String>,
    capabilities: Option<Capabilities>,
    options: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Commands,
    Options,
    /// Behind a flush without commands: a client looks whether it may speak at all.
    Probe,
    Done,
}

/// What a push turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heading {
    Probe,
    Push(Commands),
}

// === impl Command ===

impl Command {
    #[must_use]
    pub fn is_create(&self) -> bool {
        self.old.is_none()
    }

    #[must_use]
    pub fn is_delete(&self) -> bool {
        self.new.is_none()
    }
}

// === impl Commands ===

impl Commands {
    /// A pack follows unless everything is deleted.
    #[must_use]
    pub fn have_pack(&self) -> bool {
        self.list.iter().any(|command| !command.is_delete())
    }

    #[must_use]
    pub fn is_atomic(&self) -> bool {
        self.capabilities.has("atomic")
    }

    /// The bytes of this request, made anew: what goes on is what was read, and nothing that another reader of the same
    /// bytes could understand in another way.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for oid in &self.shallow {
            pkt::put(&mut bytes, format!("shallow {oid}").as_bytes());
        }
        let mut capabilities = format!("\0 {}", self.capabilities.list());
        for Command { old, new, name } in &self.list {
            pkt::put(&mut bytes, format!("{old} {new} {name}{capabilities}").as_bytes());
            capabilities.clear();
        }
        pkt::put_flush(&mut bytes);
        if self.capabilities.has("push-options") {
            for option in &self.options {
                pkt::put(&mut bytes, option.as_bytes());
            }
            pkt::put_flush(&mut bytes);
        }
        bytes
    }
}

// === impl CommandReader ===

impl CommandReader {
    /// `offered` is what the server said it can.
    #[must_use]
    pub fn new(offered: Capabilities) -> Self {
        Self {
            offered,
            pkts: PktReader::default(),
            at: At::Commands,
            taken: 0,
            shallow: Vec::new(),
            list: Vec::new(),
            seen: BTreeSet::new(),
            capabilities: None,
            options: Vec::new(),
        }
    }

    /// Takes bytes until the commands end; `bytes` then begins with the pack. Says whether they ended.
    ///
    /// # Errors
    /// When this is no push that can be judged.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Result<bool, CommandError> {
        loop {
            match self.at {
                At::Done => return Ok(true),
                At::Probe if bytes.is_empty() => return Ok(false),
                At::Probe => return Err(CommandError::Empty),
                At::Commands | At::Options => {}
            }
            let before = bytes.len();
            let pkt = self.pkts.next(bytes)?;
            self.taken += before - bytes.len();
            if self.taken > MAX_HEAD_BYTES {
                return Err(CommandError::TooLong);
            }
            let Some(pkt) = pkt else { return Ok(false) };
            if self.at == At::Options { self.option(pkt)? } else { self.line(pkt)? }
        }
    }

    /// What was read, once the commands or the bytes ended.
    ///
    /// # Errors
    /// When the commands are not whole.
    pub fn finish(self) -> Result<Heading, CommandError> {
        match (self.at, self.capabilities) {
            (At::Probe, _) => Ok(Heading::Probe),
            (At::Done, Some(capabilities)) => Ok(Heading::Push(Commands {
                format: self.list.first().ok_or(CommandError::End)?.new.format(),
                list: self.list,
                capabilities,
                shallow: self.shallow,
                options: self.options,
            })),
            (At::Done | At::Commands | At::Options, _) => Err(CommandError::End),
        }
    }

    fn line(&mut self, pkt: Pkt) -> Result<(), CommandError> {
        let data = match pkt {
            Pkt::Data(data) => data,
            Pkt::Flush if self.list.is_empty() && self.shallow.is_empty() => {
                self.at = At::Probe;
                return Ok(());
            }
            Pkt::Flush if self.list.is_empty() => return Err(CommandError::Line),
            Pkt::Flush => {
                let has_options = self.capabilities.as_ref().is_some_and(|c| c.has("push-options"));
                self.at = if has_options { At::Options } else { At::Done };
                return Ok(());
            }
            Pkt::Delimiter | Pkt::ResponseEnd => return Err(CommandError::Line),
        };
        let mut parts = data.splitn(2, |byte| *byte == 0);
        let line = parts.next().unwrap_or_default();
        let list = parts.next();
        let line = if list.is_some() { line } else { line.strip_suffix(b"\n").unwrap_or(line) };
        if line == b"push-cert" {
            return Err(CommandError::Signed);
        }
        if let Some(oid) = line.strip_prefix(b"shallow ") {
            if list.is_some() || !self.list.is_empty() {
                return Err(CommandError::Line);
            }
            if self.shallow.len() == MAX_SHALLOW {
                return Err(CommandError::Shallow);
            }
            let oid = Oid::parse(oid).ok_or(CommandError::Line)?;
            self.fits(oid)?;
            self.shallow.push(oid);
            return Ok(());
        }
        if list.is_some() != self.list.is_empty() {
            return Err(CommandError::Capabilities);
        }
        if let Some(list) = list {
            self.agreed(list.strip_suffix(b"\n").unwrap_or(list))?;
        }
        self.command(line)
    }

    /// The client's own capabilities, of which each must have been offered.
    fn agreed(&mut self, list: &[u8]) -> Result<(), CommandError> {
        let wanted = Capabilities::parse(list).ok_or(CommandError::Capabilities)?;
        if wanted.has("push-cert") {
            return Err(CommandError::Signed);
        }
        if let Some(name) = wanted.beyond(&self.offered) {
            return Err(CommandError::NotOffered(super::report::one_line(name)));
        }
        if !wanted.has("report-status") && !wanted.has("report-status-v2") {
            return Err(CommandError::NoReport);
        }
        if wanted.format().is_none()
            || (wanted.has("object-format") && wanted.format() != self.offered.format())
        {
            return Err(CommandError::Format);
        }
        self.capabilities = Some(wanted);
        Ok(())
    }

    fn command(&mut self, line: &[u8]) -> Result<(), CommandError> {
        if self.list.len() == MAX_COMMANDS {
            return Err(CommandError::TooManyCommands);
        }
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next()) else {
            return Err(CommandError::Line);
        };
        let old = Oid::parse(old).ok_or(CommandError::Line)?;
        let new = Oid::parse(new).ok_or(CommandError::Line)?;
        self.fits(old)?;
        self.fits(new)?;
        let shown = super::report::one_line(&String::from_utf8_lossy(name));
        if let Some(problem) = problem_of_ref(name) {
            return Err(CommandError::Ref { name: shown, problem });
        }
        if old == new {
            return Err(CommandError::Nothing(shown));
        }
        let name = String::from_utf8(name.to_vec()).map_err(|_| CommandError::Line)?;
        if !self.seen.insert(name.clone()) {
            return Err(CommandError::Twice(shown));
        }
        self.list.push(Command { old, new, name });
        Ok(())
    }

    /// One push speaks of one repository, which has one hash function.
    fn fits(&self, oid: Oid) -> Result<(), CommandError> {
        if self.offered.format() == Some(oid.format()) { Ok(()) } else { Err(CommandError::Format) }
    }

    fn option(&mut self, pkt: Pkt) -> Result<(), CommandError> {
        match pkt {
            Pkt::Flush => self.at = At::Done,
            Pkt::Data(data) => {
                let text = pkt::text(&data).ok_or(CommandError::Options)?;
                let fits = text.len() <= MAX_OPTION_BYTES && !text.chars().any(char::is_control);
                if !fits || self.options.len() == MAX_OPTIONS {
                    return Err(CommandError::Options);
                }
                self.options.push(text.to_owned());
            }
            Pkt::Delimiter | Pkt::ResponseEnd => return Err(CommandError::Options),
        }
        Ok(())
    }
}
