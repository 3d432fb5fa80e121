//! Programs that talk to other hosts: fetch, send, copy, log in.

use writ_model::EffectClass;

use super::path;
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags};
use crate::host;

pub(super) const KNOWN: &str = "curl wget wget2 ssh autossh mosh scp rsync sftp nc ncat netcat nc.openbsd nc.traditional socat \
    telnet dig nslookup host ping openssl http https xh aria2c tailscale sshpass tcpdump nmap ftp tftp";

/// Options of curl that take a value, as far as they would hide a URL.
const CURL_VALUES: &str = "-X --request -H --header -d --data --data-raw --data-binary --data-urlencode --json -F --form -T \
    --upload-file -o --output -u --user -A --user-agent -e --referer -b --cookie -c --cookie-jar -m \
    --max-time --connect-timeout --retry --retry-delay -w --write-out -x --proxy --cacert --cert -E \
    --key -K --config --resolve -D --dump-header --output-dir -y -Y -z -r --range --limit-rate \
    --max-filesize --unix-socket -C";
const SSH_VALUES: &str = "-i -p -l -o -F -J -L -R -D -b -c -E -e -I -m -O -Q -S -W -w -B";

/// Words in a host name that say that people depend on it.
const PRODUCTION: &[&str] = &["prod", "production", "live"];

// === impl Walk ===

impl Walk<'_> {
    /// `false` when the program is none of these.
    pub(super) fn network_tool(&mut self, program: &str, args: &[Value]) -> bool {
        if program == "openssl" {
            // What comes out of it was on the way, or was not to be read.
            let sub = args.first().map(|sub| sub.text.as_str()).unwrap_or_default();
            self.marks.fetched |= sub == "s_client";
            self.marks.decoded |= matches!(sub, "enc" | "base64") && flags::has(args, "-d")
                || matches!(sub, "smime" | "cms" | "rsautl" | "pkeyutl") && flags::has(args, "-decrypt");
        }
        match program {
            "curl" => self.curl(args),
            "wget" | "wget2" | "aria2c" => self.wget(program, args),
            "http" | "https" | "xh" => self.fetches(program, args),
            "ssh" | "autossh" | "mosh" => self.ssh(program, args),
            "sshpass" => self.argv(super::shell::after_options(args, "-p -f -d")),
            "scp" | "rsync" | "sftp" => self.copies_remote(program, args),
            "nc" | "ncat" | "netcat" | "nc.openbsd" | "nc.traditional" | "socat" | "telnet" => {
                self.connects(program, args)
            }
            "dig" | "nslookup" | "host" | "ping" => self.looks_up(program, args),
            "tailscale" => {
                let class = match args.first().map(|sub| sub.text.as_str()) {
                    Some("up" | "login" | "logout" | "set" | "cert") => EffectClass::IdentityChange,
                    _ => EffectClass::Network,
                };
                self.effect(
                    class,
                    Target::Command(program.to_owned()),
                    "command.tailscale",
                    "changes or reads the private network",
                );
            }
            "tcpdump" | "nmap" => {
                self.effect(
                    EffectClass::Network,
                    Target::Command(program.to_owned()),
                    "network.probe",
                    "listens to or probes the network",
                );
                for text in flags::values(args, "-z").iter().filter(|_| program == "tcpdump") {
                    self.runs_file(text);
                    self.breaks_out(program);
                }
                for file in flags::values(args, "--script").iter().filter(|file| file.contains('/')) {
                    self.runs_file(file);
                }
                if flags::has(args, "--interactive") {
                    let text = "starts a shell out of another program";
                    self.effect(
                        EffectClass::EscapeAttempt,
                        Target::Command(program.to_owned()),
                        "argument.shell",
                        text,
                    );
                }
            }
            _ => return false,
        }
        true
    }

    pub(super) fn reaches(&mut self, host: &str, rule: &'static str, text: &str) {
        if asks_container_daemon(host) {
            let text = "talks to the daemon that starts containers";
            self.effect(EffectClass::EscapeAttempt, Target::Host(word::shown(host)), "network.daemon", text);
        }
        self.effect(EffectClass::Network, Target::Host(word::shown(host)), rule, text);
        if path::gives_credentials(host.split(':').next().unwrap_or(host)) || path::gives_credentials(host) {
            let target = Target::Secret(word::shown(host));
            self.effect(
                EffectClass::SecretRead,
                target,
                "network.metadata",
                "the host hands out credentials of the machine",
            );
        }
    }

    /// Every URL or host-like word of the arguments. Something is recorded even when none is readable.
    fn urls(&mut self, program: &str, words: &[&Value], rule: &'static str) {
        let mut any = false;
        for word in words {
            if let Some(host) = url_host(&word.text) {
                self.reaches(&host, rule, "talks to another host");
                any = true;
            }
        }
        if !any {
            let target = Target::Command(program.to_owned());
            self.effect(EffectClass::Network, target, rule, "talks to another host");
        }
    }

    fn fetches(&mut self, program: &str, args: &[Value]) {
        let words = flags::positionals(args, "-a --auth -o --output");
        self.urls(program, &words, "network.http");
        self.marks.fetched = true;
    }

    fn curl(&mut self, args: &[Value]) {
        let mut words = flags::positionals(args, CURL_VALUES);
        let given: Vec<Value> = flags::values(args, "--url").into_iter().map(Value::known).collect();
        words.extend(given.iter());
        if words.iter().all(|word| word.text.starts_with("file:")) && !words.is_empty() {
            for word in words {
                self.reads_path(&Value::known(word.text.trim_start_matches("file://")), "argument.read");
            }
            self.plain_read("curl");
            return;
        }
        self.urls("curl", &words, "network.http");
        self.curl_asks(args, &words);
        let is_installer = is_installer(&words);
        let is_api = words
            .iter()
            .filter_map(|word| url_host(&word.text))
            .any(|host| host.starts_with("api.github.") || host.starts_with("api.bitbucket."));
        let method = flags::values(args, "-X --request").first().map(|method| method.to_uppercase());
        const BODY: &str =
            "-d --data --data-raw --data-binary --data-urlencode --json -F --form -T --upload-file";
        let bodies = flags::values(args, BODY);
        let sends = !bodies.is_empty()
            || method.as_deref().is_some_and(|method| !matches!(method, "GET" | "HEAD" | "OPTIONS"));
        if sends && is_api {
            let target = Target::Command("curl api".to_owned());
            self.effect(EffectClass::GitPush, target, "network.forge", "changes something at a code host");
        }
        self.sends_files(&bodies);
        for file in flags::values(args, "-K --config --netrc-file") {
            self.reads_path(&Value::known(file), "argument.read");
        }
        let outputs = flags::values(args, "-o --output");
        for file in &outputs {
            self.writes_path(&Value::known(*file), false);
            self.scope.fetched.push((*file).to_owned());
        }
        if flags::has_any(args, "-O --remote-name -J") {
            self.fetched_by_name(&words);
        }
        self.marks.installer |= is_installer;
        self.marks.fetched |= !is_installer;
    }

    fn wget(&mut self, program: &str, args: &[Value]) {
        let values = "-O --output-document -P --directory-prefix -o -a -U -t -T -w -e -i --header --post-data --post-file -d --dir";
        let words = flags::positionals(args, values);
        self.urls(program, &words, "network.http");
        self.sends_files(
            &flags::values(args, "--post-file --body-file")
                .iter()
                .map(|file| format!("@{file}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
        for text in flags::values(args, "--use-askpass") {
            self.nested(text);
            self.breaks_out(program);
        }
        let outputs = flags::values(args, "-O --output-document -o");
        let to_stdout = outputs.contains(&"-")
            || args.iter().any(|arg| arg.text.ends_with("O-") && arg.text.starts_with('-'));
        for file in outputs.iter().filter(|file| **file != "-") {
            self.writes_path(&Value::known(*file), false);
            self.scope.fetched.push((*file).to_owned());
        }
        if outputs.is_empty() {
            self.fetched_by_name(&words);
        }
        let is_installer = is_installer(&words);
        self.marks.installer |= to_stdout && is_installer;
        self.marks.fetched |= to_stdout && !is_installer;
    }

    fn fetched_by_name(&mut self, words: &[&Value]) {
        for word in words {
            let path = word.text.split(['?', '#']).next().unwrap_or_default();
            if let Some((_, name)) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty()) {
                self.scope.fetched.push(name.to_owned());
            }
        }
    }

    /// `-d @file`, `-F x=@file`, `-T file`.
    fn sends_files(&mut self, bodies: &[&str]) {
        for body in bodies {
            let file = body
                .split_once("=@")
                .map(|(_, file)| file)
                .or_else(|| body.strip_prefix(['@', '<']))
                .unwrap_or(body);
            self.reads_path(&Value::known(file), "argument.sent");
        }
    }

    fn ssh(&mut self, program: &str, args: &[Value]) {
        let at = {
            let rest = super::shell::after_options(args, SSH_VALUES);
            args.len() - rest.len()
        };
        let (options, rest) = args.split_at_checked(at).unwrap_or((args, &[]));
        for text in flags::values(options, "-o") {
            let (name, value) = text.split_once(['=', ' ']).unwrap_or((text, ""));
            if matches!(
                name.to_lowercase().as_str(),
                "proxycommand" | "localcommand" | "knownhostscommand" | "permitlocalcommand"
            ) && !value.is_empty()
                && value != "yes"
            {
                self.command_setting(name, &Value::known(value.trim_matches(['"', '\''])));
            }
        }
        if program == "ssh" && flags::has_any(options, "-V -Q") {
            self.plain_read(program);
            return;
        }
        let Some((host, command)) = rest.split_first() else {
            self.effect(
                EffectClass::Network,
                Target::Command(program.to_owned()),
                "network.login",
                "logs in to another host",
            );
            return;
        };
        let name = host.text.rsplit('@').next().unwrap_or_default();
        self.reaches(name, "network.login", "logs in to another host");
        let (was_elsewhere, was_remote) = (self.is_elsewhere, self.is_remote);
        let is_here = matches!(name, "localhost" | "127.0.0.1" | "::1");
        (self.is_elsewhere, self.is_remote) = (!is_here, !is_here);
        let before = self.effects.len();
        let mut text = Value::known("");
        for word in command.iter().skip_while(|word| word.text.starts_with('-')) {
            text.append(word);
            text.text.push(' ');
        }
        if !text.text.trim().is_empty() {
            self.nested_value(&text);
        } else if let Some(script) = self.feed.text.clone() {
            self.nested(&script);
        }
        let runs = self
            .effects
            .iter()
            .skip(before)
            .any(|effect| !matches!(effect.class, EffectClass::Read | EffectClass::Network));
        if is_production(name) && (runs || command.is_empty()) {
            self.effect(
                EffectClass::Deploy,
                Target::Host(word::shown(name)),
                "network.production",
                "acts on a host in production",
            );
        }
        (self.is_elsewhere, self.is_remote) = (was_elsewhere, was_remote);
    }

    fn copies_remote(&mut self, program: &str, args: &[Value]) {
        const VALUES: &str = "-i -P -l -o -F -J -c -S -e --rsh --exclude --include --rsync-path --files-from \
            --exclude-from -b -B -s -f --filter --password-file --log-file -T -M --bwlimit --port -X -D";
        let words = flags::positionals(args, VALUES);
        for text in flags::values(args, "-e --rsh -S") {
            let is_usual = text
                .split_whitespace()
                .next()
                .is_some_and(|first| super::command::program_name(first) == "ssh");
            if !is_usual {
                self.command_setting("rsh", &Value::known(text));
                if program == "scp" {
                    self.breaks_out(program);
                }
            }
        }
        for text in flags::values(args, "-o") {
            if let Some((_, value)) =
                text.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("proxycommand"))
            {
                self.command_setting("ProxyCommand", &Value::known(value));
            }
        }
        let (to, from) =
            words.split_last().map_or((None, words.as_slice()), |(last, rest)| (Some(*last), rest));
        let mut is_remote = program == "sftp";
        if let Some(host) = words.first().filter(|host| is_remote && remote_path(&host.text).is_none()) {
            self.reaches(&host.shown(), "network.copy", "copies to or from another host");
            return;
        }
        for word in &words {
            if let Some((host, _)) = remote_path(&word.text) {
                is_remote = true;
                self.reaches(host, "network.copy", "copies to or from another host");
            }
        }
        for source in from.iter().filter(|source| remote_path(&source.text).is_none()) {
            self.reads_path(source, "argument.copied");
        }
        let deletes =
            args.iter().any(|arg| arg.text.starts_with("--delete") || arg.text == "--remove-source-files");
        match to {
            Some(to) => match remote_path(&to.text) {
                Some((host, path)) if is_served(host, path) => {
                    let target = Target::Host(word::shown(host));
                    self.effect(
                        EffectClass::Deploy,
                        target,
                        "network.production",
                        "copies to where something is served from",
                    );
                }
                Some(_) => {}
                None => {
                    self.writes_path(to, false);
                    if deletes {
                        self.removes_path(to, true);
                    }
                }
            },
            None if is_remote => {
                self.effect(
                    EffectClass::Network,
                    Target::Command(program.to_owned()),
                    "network.copy",
                    "copies to or from another host",
                );
            }
            None => {}
        }
        if !is_remote {
            self.effect(
                EffectClass::WriteWorkspace,
                Target::Command(program.to_owned()),
                "path.write",
                "copies files",
            );
        }
    }

    /// `nc`, `socat`, `telnet`: a connection, and perhaps a program on it.
    fn connects(&mut self, program: &str, args: &[Value]) {
        let words = flags::positionals(args, "-p -w -e -c -s -q -i -x -X --exec --sh-exec");
        let runs = flags::values(args, "-e -c --exec --sh-exec --lua-exec");
        if !runs.is_empty() && program != "telnet" && program != "socat" {
            let text = "puts a program on a network connection";
            self.effect(
                EffectClass::EscapeAttempt,
                Target::Command(program.to_owned()),
                "network.program",
                text,
            );
        }
        if program == "socat" {
            self.socat(&words);
            return;
        }
        match words.first() {
            Some(host) => self.reaches(&host.shown(), "network.connect", "opens a connection"),
            None => self.effect(
                EffectClass::Network,
                Target::Command(program.to_owned()),
                "network.connect",
                "opens or awaits a connection",
            ),
        }
        // `nc host port | sh` and `sh | nc host port` are both a shell on a connection.
        let feeds_shell = self
            .next
            .as_deref()
            .and_then(|next| next.first())
            .is_some_and(|name| super::command::is_shell(&name.text));
        if feeds_shell || (self.feed.is_some && self.feed.marks.fetched) {
            let text = "a shell on a network connection";
            self.effect(
                EffectClass::EscapeAttempt,
                Target::Command(program.to_owned()),
                "network.program",
                text,
            );
        }
        self.marks.fetched = true;
    }

    fn socat(&mut self, words: &[&Value]) {
        let upper = |word: &&Value| word.text.to_uppercase();
        let is_socket = |text: &String| {
            ["TCP", "UDP", "SSL", "OPENSSL", "SOCKS", "PROXY", "SCTP", "VSOCK"]
                .iter()
                .any(|kind| text.starts_with(kind))
        };
        let is_program = |text: &String| {
            text.starts_with("EXEC") || text.starts_with("SYSTEM") || text.starts_with("SHELL")
        };
        let has_socket = words.iter().map(upper).any(|text| is_socket(&text));
        for word in words {
            if is_program(&upper(word)) {
                let command = word.text.split_once(':').map_or("", |(_, command)| command);
                let command = command.split(',').next().unwrap_or_default().trim_matches(['"', '\'']);
                self.nested(command);
                if has_socket {
                    let text = "puts a program on a network connection";
                    self.effect(
                        EffectClass::EscapeAttempt,
                        Target::Command("socat".to_owned()),
                        "network.program",
                        text,
                    );
                }
            } else if let Some((kind, rest)) = word.text.split_once(':') {
                if is_socket(&kind.to_uppercase()) {
                    self.reaches(
                        rest.split(',').next().unwrap_or_default(),
                        "network.connect",
                        "opens or awaits a connection",
                    );
                } else if matches!(kind.to_uppercase().as_str(), "FILE" | "OPEN" | "GOPEN" | "CREATE") {
                    let path = Value::known(rest.split(',').next().unwrap_or_default());
                    self.reads_path(&path, "argument.read");
                }
            }
        }
        if !has_socket {
            self.effect(
                EffectClass::Network,
                Target::Command("socat".to_owned()),
                "network.connect",
                "relays between two ends",
            );
        }
    }

    fn looks_up(&mut self, program: &str, args: &[Value]) {
        match flags::positionals(args, "-c -i -W -w -t -p -s -f").iter().rfind(|word| word.text.contains('.'))
        {
            Some(host) => {
                self.reaches(host.text.trim_start_matches('@'), "network.lookup", "asks about a host")
            }
            None => self.effect(
                EffectClass::Network,
                Target::Command(program.to_owned()),
                "network.lookup",
                "asks about a host",
            ),
        }
    }

    /// `/dev/tcp/HOST/PORT` in a redirection.
    pub(super) fn socket(&mut self, path: &Value, is_output: bool) {
        let after = path.text.split_once("/dev/").map_or("", |(_, after)| after);
        let mut parts = after.split('/').skip(1);
        let host = parts.next().unwrap_or_default().to_owned();
        self.reaches(&host, "network.socket", "opens a connection from the shell");
        self.marks.fetched = true;
        self.talks_to_socket |= is_output;
    }
}

/// The daemon of containers on this machine, by the ports that it listens on.
fn asks_container_daemon(host: &str) -> bool {
    let Some((name, port)) = host.rsplit_once(':') else { return false };
    matches!(port, "2375" | "2376")
        && (name == "localhost"
            || name == "0.0.0.0"
            || name == "host.docker.internal"
            || name.contains("::")
            || name.starts_with("127."))
}

/// Whether all that is fetched is an installer many people run.
fn is_installer(words: &[&Value]) -> bool {
    !words.is_empty() && words.iter().all(|word| word.literal().is_some_and(path::is_installer))
}

/// Host of a URL, or of a word that can only be one, in its normal form. `?` where nobody can say which host it is.
pub(super) fn url_host(text: &str) -> Option<String> {
    match text.split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+') => {
            return Some(host::of_address(text).unwrap_or_else(|| "?".to_owned()));
        }
        Some(_) => return None,
        None if text.contains('.') && !text.starts_with(['.', '/', '-', '~']) && !text.contains(' ') => {}
        None if text.starts_with("localhost") => {}
        None => return None,
    }
    let authority = text.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    Some(host::of_word(authority).unwrap_or_else(|| "?".to_owned()))
}

/// `user@host:path` of scp and rsync.
fn remote_path(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text
        .strip_prefix("rsync://")
        .or_else(|| text.strip_prefix("sftp://"))
        .or_else(|| text.strip_prefix("scp://"))
    {
        return rest.split_once('/').or(Some((rest, "")));
    }
    let (host, path) = text.split_once(':')?;
    (!host.contains('/') && !host.is_empty())
        .then(|| (host.rsplit('@').next().unwrap_or(host), path.trim_start_matches(':')))
}

fn is_production(host: &str) -> bool {
    host.to_lowercase().split(|c: char| !c.is_ascii_alphanumeric()).any(|part| PRODUCTION.contains(&part))
}

/// A place that users are served from: by the name of the host, or the directory of a web server.
fn is_served(host: &str, path: &str) -> bool {
    const ROOTS: &[&str] = &[
        "/var/www",
        "/srv/",
        "/usr/share/nginx",
        "public_html",
        "htdocs",
        "/opt/app",
        "/var/lib/tomcat",
        "wwwroot",
    ];
    is_production(host) || ROOTS.iter().any(|root| path.contains(root))
}
