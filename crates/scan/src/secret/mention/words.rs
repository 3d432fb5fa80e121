//! The words of mentions: what secrets are called, who gives them out, and commands that take them as arguments.

/// Names of services that give out credentials, one a line; `?` before those that are everyday words too.
const SERVICES: &str = include_str!("services.txt");

/// What a word says of the value after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// A program that takes credentials as arguments.
    Command(Command),
    /// `Authorization:` and its like.
    Header,
    /// A key: of an interface, a lock, or a map.
    Key,
    /// Chosen by a person.
    Password,
    /// The name of one who gives out credentials.
    Service {
        /// Also a word that means something else.
        everyday: bool,
    },
    /// Drawn by a machine.
    Token,
}

/// How a program takes a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Command {
    /// `-u user:password`.
    Pair,
    /// `-k password`.
    Key,
    /// `-p password`.
    Password,
    /// `-P password`.
    Share,
    /// `-U user%password`.
    Percent,
    /// `-w password`.
    Word,
}

/// A word and what it says.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Word {
    pub(super) kind: Kind,
    length: u8,
}

// === impl Word ===

impl Word {
    pub(super) fn length(self) -> usize {
        usize::from(self.length)
    }

    /// Whether it says nothing in the middle of another word. Its rule looks closer.
    pub(in super::super) const fn needs_beginning(self) -> bool {
        match self.kind {
            Kind::Command(_) | Kind::Header | Kind::Service { .. } => true,
            Kind::Key | Kind::Password | Kind::Token => false,
        }
    }
}

/// All words, in no order: any case, anywhere in a name.
pub(in super::super) fn words() -> impl Iterator<Item = (&'static str, Word)> {
    const OWN: [(&str, Kind); 41] = [
        ("authorization", Kind::Header),
        ("bearer", Kind::Header),
        ("contrasena", Kind::Password),
        ("contraseña", Kind::Password),
        ("cqlsh ", Kind::Command(Command::Password)),
        ("credential", Kind::Token),
        ("curl ", Kind::Command(Command::Pair)),
        ("docker login", Kind::Command(Command::Password)),
        ("helm registry login", Kind::Command(Command::Password)),
        ("kennwort", Kind::Password),
        ("key", Kind::Key),
        ("ldapadd ", Kind::Command(Command::Word)),
        ("ldapmodify ", Kind::Command(Command::Word)),
        ("ldapsearch ", Kind::Command(Command::Word)),
        ("mongo ", Kind::Command(Command::Password)),
        ("mongodump ", Kind::Command(Command::Password)),
        ("mongosh ", Kind::Command(Command::Password)),
        ("mysql ", Kind::Command(Command::Password)),
        ("mysqldump ", Kind::Command(Command::Password)),
        ("openssl enc", Kind::Command(Command::Key)),
        ("oras login", Kind::Command(Command::Password)),
        ("parola", Kind::Password),
        ("pass", Kind::Password),
        ("passcode", Kind::Password),
        ("passphrase", Kind::Password),
        ("passwd", Kind::Password),
        ("password", Kind::Password),
        ("passwort", Kind::Password),
        ("podman login", Kind::Command(Command::Password)),
        ("psexec", Kind::Command(Command::Password)),
        ("pwd", Kind::Password),
        ("redis-cli ", Kind::Command(Command::Password)),
        ("secret", Kind::Token),
        ("senha", Kind::Password),
        ("smbclient ", Kind::Command(Command::Percent)),
        ("sqlcmd ", Kind::Command(Command::Share)),
        ("sshpass ", Kind::Command(Command::Password)),
        ("token", Kind::Token),
        ("unzip ", Kind::Command(Command::Share)),
        ("wget ", Kind::Command(Command::Pair)),
        ("пароль", Kind::Password),
    ];
    let services = SERVICES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| {
        let (name, everyday) = line.strip_prefix('?').map_or((line, false), |name| (name, true));
        (name, Kind::Service { everyday: everyday || name.ends_with('_') })
    });
    OWN.into_iter()
        .chain(services)
        .map(|(text, kind)| (text, Word { kind, length: u8::try_from(text.len()).unwrap_or(u8::MAX) }))
}
