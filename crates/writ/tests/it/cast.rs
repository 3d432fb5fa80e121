//! A scripted client: a shell script by a client's name that asks our hook before each command, as the client would,
//! and runs what it was allowed to.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::corner::{Corner, Guest};

/// What every script can say. `call ID COMMAND` asks and then runs; the words of an answer are kept in `replies`.
const WORDS: &str = r#"
exec 2>>"$PWD/script.err"
hook() {
  printf '%s' "$2" | "$WRIT" hook claude-code "$1" --socket "$WRIT_HOOK_SOCKET" --deadline 60 >reply 2>/dev/null
  code=$?
  cat reply >>replies; echo >>replies
  return $code
}
start() {
  hook SessionStart '{"session_id":"s1","cwd":"'"$PWD"'","hook_event_name":"SessionStart","source":"startup","model":"m"}'
}
asked() {
  hook PreToolUse '{"session_id":"s1","cwd":"'"$PWD"'","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"'"$2"'"},"tool_use_id":"'"$1"'"}' &&
    grep -q '"permissionDecision":"allow"' reply
}
call() {
  if asked "$1" "$2"; then
    bash -c "$2"
    hook PostToolUse '{"session_id":"s1","cwd":"'"$PWD"'","hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{"command":"'"$2"'"},"tool_response":"done","tool_use_id":"'"$1"'"}'
    echo "$1 allowed" >>log
  else
    echo "$1 denied" >>log
  fi
}
finish() {
  hook SessionEnd '{"session_id":"s1","cwd":"'"$PWD"'","hook_event_name":"SessionEnd","reason":"other"}'
}
"#;

impl Corner {
    /// Puts the scripted client in place.
    pub fn cast(&self, play: &str) -> PathBuf {
        let head = format!("WRIT={}\nSTATE={}\n", self.program().display(), self.state().display());
        self.script("claude", &format!("{head}{WORDS}\n{play}"))
    }

    /// The scripted client under `writ run`, to be started.
    pub fn play(&self, options: &[&str], play: &str) -> Command {
        self.cast(play);
        let mut arguments = vec!["run", "--kind", "feature", "--task", "play the script"];
        arguments.extend(options);
        arguments.extend(["--", "claude"]);
        self.writ(arguments)
    }

    /// Starts the scripted client under `writ run` and goes on.
    pub fn started(&self, options: &[&str], play: &str) -> Guest {
        let child: Child = self
            .play(options, play)
            .stdout(Stdio::null())
            .stderr(Stdio::from(std::fs::File::create(self.bin().join("run.err")).unwrap()))
            .spawn()
            .unwrap();
        Guest(child)
    }

    /// What a script left in the workspace.
    pub fn left(&self, file: &str) -> String {
        std::fs::read_to_string(self.work().join(file)).unwrap_or_default()
    }
}
