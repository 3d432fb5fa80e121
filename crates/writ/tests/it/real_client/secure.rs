//! A model at a host by name, spoken to by TLS: read where the client trusts the authority of the run.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use writ_model::Client;
use writ_testkit::Script;

use super::Play;
use crate::certificate;
use crate::house::{House, PATIENCE};

/// Ends TLS before a service and passes each request on.
const FRONT: &str = r#"
const [key, cert, to] = process.argv.slice(2), fs = require('fs'), http = require('http');
const server = require('https').createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (asked, answer) => {
  const { hostname, port } = new URL(to);
  const on = http.request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (back) => {
    answer.writeHead(back.statusCode, back.headers);
    back.pipe(answer);
  });
  on.on('error', () => answer.destroy());
  asked.pipe(on);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"#;

pub struct Front {
    child: Child,
    pub port: u16,
    /// What vouches for it outside.
    pub trust: PathBuf,
}

impl Front {
    pub fn start(folder: &Path, to: &str) -> Self {
        let script = folder.join("front.cjs");
        std::fs::write(&script, FRONT).unwrap();
        let (key, cert) = certificate::made(folder, "model.test");
        let mut child = Command::new("node")
            .arg(&script)
            .args([&key, &cert])
            .arg(to)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, port: line.trim().parse().unwrap(), trust: cert }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Works, and what was said to the model is on record; a login of the client's own is no obstacle.
fn is_read_at_a_host_by_name(client: Client) {
    let mut play = Play::new(House::new(), Script::new().shell("echo worked > seen.txt").say("done"));
    let outside = tempfile::tempdir().unwrap();
    let front = Front::start(outside.path(), &play.model.own_url());
    play.model.stand_behind(format!("https://model.test:{}", front.port));
    let config = play.house.stage.home().join(".config/writ/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    std::fs::write(&config, "[network]\nhosts = { \"model.test\" = \"127.0.0.1\" }\n").unwrap();
    let run = play.run(client, &[]);
    let ended = run.env("NODE_EXTRA_CA_CERTS", &front.trust).run(PATIENCE).unwrap();
    let story = play.story(&ended);
    assert!(ended.status.success(), "{story}");
    assert_eq!(play.made("seen.txt").as_deref(), Some("worked\n"), "{story}");
    let kinds = play.kinds();
    assert!(kinds.iter().any(|kind| kind == "model-used"), "{kinds:?}\n{story}");
}

#[test]
fn claude_code_is_read_at_a_host_by_name() {
    is_read_at_a_host_by_name(Client::ClaudeCode);
}

#[test]
fn codex_is_read_at_a_host_by_name() {
    is_read_at_a_host_by_name(Client::Codex);
}

#[test]
fn gemini_cli_is_read_at_a_host_by_name() {
    is_read_at_a_host_by_name(Client::GeminiCli);
}

#[test]
fn opencode_is_read_at_a_host_by_name() {
    is_read_at_a_host_by_name(Client::OpenCode);
}

#[test]
fn qwen_code_is_read_at_a_host_by_name() {
    is_read_at_a_host_by_name(Client::QwenCode);
}
