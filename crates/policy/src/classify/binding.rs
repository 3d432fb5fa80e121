//! How a name gets its value: by `read`, `printf -v`, a loop, a default that is kept, another name for it. Whatever the way,
//! it counts as an assignment, also where the variable decides which programs run or how words are split.

use super::environment::decides;
use super::walk::Walk;
use super::word::{self, Piece, UNKNOWN, Value};
use super::{Target, flags};

/// Where words end while nothing was set.
const USUAL: [char; 3] = [' ', '\t', '\n'];

// === impl Walk ===

impl Walk<'_> {
    /// A name gets a value by something else than an assignment. `adds` keeps the values it could have had.
    pub(super) fn bound(&mut self, name: &str, value: &Value, adds: bool) {
        let Some(name) = self.meant(name) else { return };
        if decides(&name) {
            if value.literal().is_none() {
                let text = "sets a variable that decides what runs to text only known at run time";
                self.unknown(Target::Command(name.clone()), "environment.set", text);
            }
            self.environment_set(&name, value);
        }
        self.scope.set(&name, value.clone(), adds);
    }

    /// The variable that a name means. Nothing, and an effect, where that is only known at run time.
    pub(super) fn meant(&mut self, name: &str) -> Option<String> {
        let name = self.scope.referred(name.split('[').next().unwrap_or(name)).to_owned();
        if name.contains(UNKNOWN) {
            let text = "sets a variable whose name is only known at run time";
            self.unknown(Target::Command(word::shown(&name)), "environment.set", text);
            return None;
        }
        Some(name)
    }

    /// `printf -v NAME FORMAT …`: what would be printed is the value.
    pub(super) fn prints_into(&mut self, args: &[Value]) -> bool {
        let Some(name) = flags::values(args, "-v").first().map(|name| (*name).to_owned()) else {
            return false;
        };
        let own = 1 + usize::from(args.first().is_some_and(|option| option.text == "-v"));
        let rest = args.get(own..).unwrap_or_default().to_vec();
        let outer = (self.printed.take(), self.marks);
        self.prints("printf", &rest);
        let text = std::mem::replace(&mut self.printed, outer.0);
        let marks = std::mem::replace(&mut self.marks, outer.1);
        let value = match text {
            Some(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                Value { exact: rest.iter().all(|word| word.exact), marks, ..Value::known(text) }
            }
            None => Value::unknown(),
        };
        let adds = self.may_not_run();
        self.bound(&name, &value, adds);
        true
    }

    /// The characters that end a word of unquoted text.
    pub(super) fn separators(&self) -> Vec<char> {
        let values = self.scope.values("IFS");
        if !self.splits_oddly() {
            return USUAL.to_vec();
        }
        let mut all: Vec<char> = Vec::new();
        for value in values {
            match value.literal() {
                Some(text) => all.extend(text.chars()),
                None => all.extend(USUAL),
            }
        }
        all
    }

    /// The line changes how words are split.
    pub(super) fn splits_oddly(&self) -> bool {
        self.scope.values("IFS").iter().any(|value| !matches!(value.text.as_str(), " " | " \t\n"))
    }

    /// The name of a command comes out of unquoted text, and words are not split as usual.
    pub(super) fn split_into_command(&mut self, raw: &str) {
        let is_split = self.splits_oddly()
            && word::pieces(raw).iter().any(|piece| {
                matches!(piece, Piece::Variable { quoted: false, .. } | Piece::Command { quoted: false, .. })
            });
        if is_split {
            let text = "which program runs depends on how the line splits words";
            self.unknown(Target::Command(word::shown(raw)), "command.split", text);
        }
    }
}
