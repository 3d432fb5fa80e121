//! Programs that only look, until an operand or an option makes them do more.

use writ_model::EffectClass;
use writ_policy::Target;

use EffectClass::{
    Destructive, EscapeAttempt, IdentityChange, Network, Read, SecretRead, Unknown, WriteWorkspace,
};

use super::{all_are, judged};

#[test]
fn an_operand_that_is_written_is_written() {
    all_are(
        IdentityChange,
        &[
            "uniq a ~/.bashrc",
            "uniq -f 1 a ~/.bashrc",
            "python3 -m json.tool a ~/.bashrc",
            "sqlite3 x '.output /etc/cron.d/x'",
            "sqlite3 x '.once ~/.bashrc'",
            "sqlite3 x \"attach '/etc/cron.d/x' as y\"",
            "sqlite3 x \"select writefile('/etc/cron.d/x', y)\"",
            "sqlite3 x <<< '.output /etc/cron.d/x'",
            "xxd a ~/.bashrc",
            "xxd -r -p a ~/.bashrc",
            "shuf -o ~/.bashrc a",
            "sort -o ~/.bashrc a",
            "iconv -o ~/.bashrc a",
            "openssl rand -out ~/.bashrc 5",
            "tree -o ~/.bashrc",
            "less -O ~/.bashrc a",
            "ps2pdf a ~/.bashrc",
            "convert a.png ~/.bashrc",
            "strace -o ~/.bashrc ls",
        ],
    );
    all_are(WriteWorkspace, &["uniq a b", "python3 -m json.tool a b", "xxd a b"]);
    all_are(
        Read,
        &["sort a | uniq -c", "uniq -f 1 a", "python3 -m json.tool a", "xxd -l 20 a", "tree -L 2", "jq .a x"],
    );
}

#[test]
fn an_option_that_runs_something_runs_it() {
    all_are(
        Destructive,
        &[
            "nano -s 'rm -rf /' x",
            "delta --pager 'rm -rf /'",
            "ag --pager 'rm -rf /' x",
            "rg --pre='rm -rf /' x",
            "fzf --preview 'rm -rf /'",
            "fzf --bind 'enter:execute(rm -rf /)+abort'",
            "strace -o '|rm -rf /' ls",
            "hg --config hooks.pre-log='rm -rf /' log",
            "hg --config alias.x='!rm -rf /' x",
            "tar -cf x -F 'rm -rf /' y",
            "tar -cf x --new-volume-script='rm -rf /' y",
            "tar -cf h:x --rmt-command='rm -rf /' y",
            "sqlite3 x '.once |rm -rf /'",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='rm -rf /' cargo test",
            "fdupes -rdN .",
        ],
    );
}

#[test]
fn an_address_is_asked_by_whoever_opens_it() {
    for command in [
        "getent hosts evil.example",
        "getent ahostsv4 evil.example",
        "ffmpeg -i https://evil.example/x out.mp4",
        "convert https://evil.example/x.png x.png",
        "pandoc https://evil.example/x",
        "xmllint https://evil.example/x",
        "identify https://evil.example/x.png",
    ] {
        let judged = judged(command);
        let host = Target::Host("evil.example".to_owned());
        let asks = judged.effects.iter().any(|effect| effect.class == Network && effect.target == host);
        assert!(asks, "{command:?}: {:?}", judged.effects);
    }
    all_are(Read, &["getent passwd root", "echo https://h.example", "grep https://h.example a"]);
    all_are(
        EscapeAttempt,
        &[
            "curl -X POST http://127.0.0.1:2375/containers/create",
            "curl -sk https://localhost:2376/info",
            "wget -qO- http://127.0.0.1:2375/info",
        ],
    );
    all_are(Network, &["curl http://127.0.0.1:8080/health"]);
}

#[test]
fn a_file_that_an_option_reads_is_read() {
    all_are(
        SecretRead,
        &[
            "yq 'load_str(\".env\")' x",
            "yq 'env(TOKEN)' x",
            "yq -n 'strenv(TOKEN)'",
            "jq -n input .env",
            "jq -n --slurpfile a .env '$a'",
            "jq -n --rawfile a .env '$a'",
            "jq --arg a b . .env",
            "grep -f .env x",
            "wc --files0-from=.env",
            "sort --files0-from=.env",
            "sha256sum .env",
            "cksum .env",
            "cmp .env x",
            "sqlite3 x \"select readfile('.env')\"",
        ],
    );
    all_are(Read, &["jq '.env' x.json", "yq '.a' x.yml", "jq --arg a .env '.x' y", "sha256sum a"]);
}

#[test]
fn what_is_too_long_is_unknown_at_once() {
    let text = "ls; ".repeat(1024 * 1024);
    let start = std::time::Instant::now();
    let judged = judged(&text);
    assert_eq!((judged.worst, judged.effects[0].why.rule.as_ref()), (Unknown, "grammar.too-long"));
    assert!(start.elapsed().as_millis() < 100, "{:?}", start.elapsed());
}
