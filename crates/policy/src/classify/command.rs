//! One command: find out which program it is, and hand it to whoever knows that program.
//!
//! The order matters. Functions of the line shadow programs; wrappers run something else; families look at
//! arguments in code; the catalogue knows the rest. What is left is unknown, and whatever evidence its arguments
//! give is listed too.

mod argument;
mod breakout;
mod name;

use writ_model::EffectClass;

use self::breakout::attaches;
use self::name::is_in_bin;
use super::catalogue::{self, Listed};
use super::walk::Walk;
use super::word::{self, Value};
use super::{Target, flags};

pub(in crate::classify) use self::argument::path_part;
pub(in crate::classify) use self::breakout::starts_shell;
pub(in crate::classify) use self::name::{is_shell, knows, program_name};

/// Programs whose arguments are names to look at, never files to read.
const NAMES_ONLY: &str = "ls ll dir df stat test [ du tree exa eza lsd which type basename dirname realpath readlink namei wc \
    locate touch mkdir rmdir chmod mountpoint findmnt lsattr getfacl \
    mktemp export unset declare local alias true false : sleep wait expr seq getent lsof fuser ps pgrep \
    uname";

/// Those of them that tell what is in a folder.
const LISTS_NAMES: &str = "ls ll dir vdir stat du tree exa eza lsd";

/// Programs that write the files they are given.
const WRITES_ALL: &str = "touch mkdir mkfifo mknod fallocate mktemp sponge";

// === impl Walk ===

impl Walk<'_> {
    /// Judges one argument list. Wrappers come back here with the list they run.
    pub(super) fn argv(&mut self, argv: &[Value]) {
        self.started(argv, false);
    }

    /// Judges the words of a command of the line itself, where functions come before programs.
    pub(super) fn own_argv(&mut self, argv: &[Value]) {
        self.started(argv, true);
    }

    fn started(&mut self, argv: &[Value], is_own: bool) {
        if !self.enter() {
            return;
        }
        if let Some((name, args)) = argv.split_first() {
            self.named(name, args, is_own);
        }
        self.leave();
    }

    fn named(&mut self, name: &Value, args: &[Value], is_own: bool) {
        let Some(written) = name.literal().filter(|text| !text.is_empty()) else {
            self.unresolved(name, args);
            return;
        };
        if !name.exact {
            let target = Target::Command(name.shown());
            self.unknown(target, "command.by-default", "which program runs depends on a variable");
        }
        if name.marks.is_foreign() {
            self.foreign("runs a command that was fetched or decoded");
        }
        if is_own && self.called(written, args) {
            return;
        }
        if let Some(escape) = written.strip_prefix([':', '!']).filter(|rest| !rest.is_empty()) {
            // What one types into a pager or an editor to get a shell.
            let mut text = escape.trim_start_matches(['!', ':']).to_owned();
            for arg in args {
                text.push(' ');
                text.push_str(&arg.text);
            }
            self.nested(&text);
            return;
        }
        // A line of a makefile may start with the mark that keeps it from being printed.
        if let Some(recipe) = written.strip_prefix('@').filter(|recipe| knows(recipe)) {
            self.known_as(recipe, args);
            return;
        }
        let program = program_name(written);
        let is_file = written.contains('/') && (!is_in_bin(written) || !knows(&program));
        if is_file {
            self.runs_file(written);
            if !knows(&program) {
                return;
            }
        }
        self.known_as(&program, args);
    }

    fn known_as(&mut self, program: &str, args: &[Value]) {
        let apart = flags::apart(program, args);
        let args = apart.as_deref().unwrap_or(args);
        if let [only] = args
            && matches!(only.text.as_str(), "--version" | "--help" | "-help" | "-version")
            && knows(program)
        {
            self.listed(program, args, Listed { class: EffectClass::Read, pattern: "", is_database: false });
            return;
        }
        if asks_for_help(program, args) {
            self.plain_read(program);
            return;
        }
        self.indexes(program, args);
        self.option_programs(program, args);
        self.operands(program, args);
        self.sweeps(program, args);
        self.lists_names(program, args);
        self.statements(program, args);
        self.writes_manifest(program, args);
        self.writes_what_is_fed(program, args);
        self.carries(program, args);
        if attaches(program, args) {
            let target = Target::Command(program.to_owned());
            self.effect(
                EffectClass::EscapeAttempt,
                target,
                "process.attach",
                "takes hold of a running process",
            );
        }
        let done = self.builtin(program, args)
            || self.wrapper(program, args)
            || self.shell(program, args)
            || self.interpreter(program, args)
            || self.runner(program, args)
            || self.file_tool(program, args)
            || self.network_tool(program, args)
            || self.container(program, args);
        if done {
            return;
        }
        if program == "git" {
            self.git(args);
            return;
        }
        if matches!(program, "gh" | "glab") {
            self.forge_api(program, args);
        }
        match catalogue::lookup(program, args) {
            Some(listed) => self.listed(program, args, listed),
            None => self.unlisted(program, args),
        }
    }

    fn listed(&mut self, program: &str, args: &[Value], listed: Listed) {
        let target = self.command_target(program, args);
        let mut class = self.database_class(listed, args);
        if names_local_cluster(program, args)
            && matches!(class, EffectClass::Deploy | EffectClass::Network | EffectClass::Destructive)
        {
            class = EffectClass::BuildTest;
        }
        if self.is_remote && class == EffectClass::BuildTest && starts_service(program, args) {
            class = EffectClass::Deploy;
        }
        if program == "systemctl" && class != EffectClass::Read && flags::has(args, "--user") {
            class = EffectClass::EscapeAttempt;
        }
        // What is installed says more than the program that does it.
        let is_named = listed.class == EffectClass::PackageInstall && self.takes_packages(program, args);
        if !is_named {
            let shown = match &target {
                Target::Command(command) => command.as_str(),
                _ => program,
            };
            let text = format!("`{shown}` {}", in_words(class));
            let target = match class {
                EffectClass::Network if self.asks_here(program, args) => Target::Host("localhost".to_owned()),
                _ => target,
            };
            self.effect(class, target, format!("command.{program}"), text);
        }
        if matches!(class, EffectClass::Read | EffectClass::Network) && catalogue::has_subcommands(program) {
            self.addresses(args);
        }
        if listed.class == EffectClass::PackageInstall && !is_named {
            self.packages(program, args);
        }
        self.arguments(program, args, listed.class);
        if class == EffectClass::BuildTest {
            self.builds_elsewhere(args);
        }
        self.loads_library(program, args);
        if program == "sysctl" {
            for setting in args.iter().filter_map(|arg| arg.text.split_once('=')) {
                let path = format!("/proc/sys/{}", setting.0.trim().replace('.', "/"));
                self.writes_path(&Value::known(path), false);
            }
        }
        self.break_out_in(args, listed.class);
    }

    /// A program nobody listed: unknown, with whatever its arguments show.
    fn unlisted(&mut self, program: &str, args: &[Value]) {
        let target = Target::Command(word::shown(program));
        self.unknown(target, "command.unlisted", format!("`{}` is no program we know", word::shown(program)));
        for arg in args {
            if self.is_secret(arg) {
                self.secret(arg, "argument.secret");
            }
        }
        self.break_out_in(args, EffectClass::Unknown);
        self.may_carry(args);
        // `some-runner sh -c '…'`: the shell behind an unknown program is still a shell.
        let shell =
            args.iter().position(|arg| arg.literal().is_some_and(|text| is_shell(&program_name(text))));
        if let Some(rest) = shell.and_then(|at| args.get(at..))
            && rest.get(1).is_some_and(|option| option.text.starts_with('-') && option.text.ends_with('c'))
        {
            self.argv(rest);
        }
    }

    /// A command whose name is only known at run time.
    fn unresolved(&mut self, name: &Value, args: &[Value]) {
        if name.marks.is_foreign() {
            self.foreign("runs a command that was fetched or decoded");
        }
        if name.text.is_empty() && args.is_empty() {
            return;
        }
        let target = Target::Command(name.shown());
        self.unknown(target, "command.unresolved", "which program runs is only known at run time");
        // `$PYTHON -m pytest`, `$(MAKE) test`: the name of the variable says what it most likely holds.
        let likely = name.from.as_deref().map(|from| program_name(&from.to_lowercase()));
        if let Some(likely) = likely.filter(|likely| knows(likely)) {
            self.known_as(&likely, args);
        }
    }

    /// A file of the project, or any other file that is no listed program.
    pub(super) fn runs_file(&mut self, written: &str) {
        self.runs(written);
        let target = Target::Path(word::shown(written));
        self.effect(EffectClass::BuildTest, target, "command.file", "runs a program or script by its path");
        self.content_of(written);
    }

    /// What is known of a file that is about to run.
    pub(super) fn content_of(&mut self, file: &str) {
        if let Some(text) = self.scope.file(file).map(str::to_owned) {
            self.nested(&text);
        }
        if self.scope.was_fetched(file) {
            let target = Target::Path(word::shown(file));
            self.effect(
                EffectClass::PackageInstall,
                target,
                "fetched.run",
                "runs a file that was just downloaded",
            );
        }
    }

    pub(super) fn foreign(&mut self, text: &str) {
        self.effect(EffectClass::EscapeAttempt, Target::Unknown, "foreign.run", text);
    }

    pub(super) fn command_target(&self, program: &str, args: &[Value]) -> Target {
        match catalogue::subcommand(program, args) {
            Some(sub) => Target::Command(word::shown(&format!("{program} {sub}"))),
            None => Target::Command(program.to_owned()),
        }
    }

    /// Hosts that a program which looks is told to ask, as by `--registry`, `--server` or `--endpoint-url`.
    fn addresses(&mut self, args: &[Value]) {
        const MOST: usize = 8;
        let address = |arg: &Value| {
            let text = match arg.text.split_once('=') {
                Some((name, value)) if name.starts_with('-') => value,
                _ => arg.text.as_str(),
            };
            super::network::url_host(text).filter(|_| text.contains("://"))
        };
        let servers = flags::values(args, "--server --kube-apiserver --api-server").into_iter();
        let servers = servers.filter(|text| !text.contains("://")).map(str::to_owned);
        let hosts: Vec<String> = args.iter().filter_map(address).chain(servers).take(MOST).collect();
        for host in hosts {
            let text = "is told to talk to this host";
            self.effect(EffectClass::Network, Target::Host(host), "argument.address", text);
        }
    }

    /// What a build, a test or a tool is told to write outside of where it stands. What it writes below is its business.
    fn builds_elsewhere(&mut self, args: &[Value]) {
        const WRITES: &str = "-o --output --out --outfile --output-file --out-dir --outdir --outDir --output-dir \
            --target-dir --html-report --junitxml --junit-xml --cov-report --report-file --log-file -coverprofile \
            --coverprofile -cpuprofile -memprofile --build-path --prefix";
        for text in flags::values(args, WRITES) {
            if text.starts_with(['/', '~']) || text.starts_with("..") {
                self.writes_path(&Value::known(text), false);
            }
        }
    }

    /// Whether the client of a database asks one on this machine, as far as its words and the line's variables tell.
    fn asks_here(&self, program: &str, args: &[Value]) -> bool {
        const CLIENTS: &str = "psql pg_isready pg_dump mysql mysqladmin mysqldump mariadb redis-cli mongosh";
        const VARIABLES: &[&str] = &["PGHOST", "PGHOSTADDR", "PGSERVICE", "MYSQL_HOST", "REDISCLI_URL"];
        let is_here = |host: &str| {
            host.starts_with('/') || matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]" | "0.0.0.0")
        };
        let names_other = |arg: &Value| {
            let text = arg.text.as_str();
            let host = match text.split_once("://") {
                Some((_, rest)) => {
                    let authority = rest.split(['/', '?']).next().unwrap_or_default();
                    let host = authority.rsplit('@').next().unwrap_or_default();
                    Some(host.rsplit_once(':').map_or(host, |(host, _)| host))
                }
                None => text.strip_prefix("host=").or_else(|| text.strip_prefix("service=")),
            };
            !arg.exact
                || host.is_some_and(|host| !host.is_empty() && !is_here(host))
                || text.contains(" host=")
        };
        let given = flags::values(args, "-h --host --hostname");
        let attached =
            args.iter().filter_map(|arg| arg.text.strip_prefix("-h")).filter(|host| !host.is_empty());
        flags::lists(CLIENTS, program)
            && !args.iter().any(names_other)
            && given.into_iter().chain(attached).all(is_here)
            && VARIABLES.iter().all(|name| self.scope.values(name).is_empty())
    }

    fn packages(&mut self, program: &str, args: &[Value]) {
        const MOST: usize = 20;
        let words = flags::positionals(args, "-r --requirement -c --constraint -e --index-url -i");
        for word in words.iter().skip(1).take(MOST).filter(|word| word.literal().is_some()) {
            let target = Target::Package(super::Package::named("", &word.shown()));
            self.effect(
                EffectClass::PackageInstall,
                target,
                format!("command.{program}"),
                "installs or removes it",
            );
        }
    }
}

/// What a command of this class does, for a person.
const fn in_words(class: EffectClass) -> &'static str {
    match class {
        EffectClass::Read => "only looks",
        EffectClass::WriteWorkspace => "writes or removes files",
        EffectClass::BuildTest => "runs code of the project",
        EffectClass::Network => "talks to other hosts",
        EffectClass::PackageInstall => "installs or removes packages",
        EffectClass::GitPush => "changes something at a code host",
        EffectClass::Publish => "publishes or changes a release",
        EffectClass::Deploy => "changes a running environment",
        EffectClass::SecretRead => "gives out credentials",
        EffectClass::IdentityChange => "changes who may do what, or as whom",
        EffectClass::Destructive => "removes, ends or overwrites what nothing brings back",
        EffectClass::EscapeAttempt => "gets around what watches over this session",
        EffectClass::Unknown => "runs text nobody has read",
    }
}

/// `docker push --help`: a program with subcommands that is only asked what it can do.
fn asks_for_help(program: &str, args: &[Value]) -> bool {
    const MOST_WORDS: usize = 3;
    let Some((last, words)) = args.split_last() else { return false };
    let runs_other = |word: &Value| {
        matches!(word.text.as_str(), "run" | "exec" | "x" | "dlx" | "tool" | "task" | "debug" | "--")
    };
    last.text == "--help"
        && words.len() <= MOST_WORDS
        && catalogue::has_subcommands(program)
        && words.iter().all(|word| !word.text.starts_with('-') && word.exact && !runs_other(word))
}

/// Whether a command on a host starts or changes what runs there.
fn starts_service(program: &str, args: &[Value]) -> bool {
    let words = flags::positionals(args, "-f --file -p --project-name");
    let is = |at: usize, names: &str| words.get(at).is_some_and(|word| flags::lists(names, &word.text));
    match program {
        "systemctl" | "service" | "pm2" | "supervisorctl" | "initctl" | "rc-service" => true,
        "nginx" | "apachectl" | "apache2ctl" => flags::has_any(args, "-s -k"),
        "docker" | "podman" => {
            is(0, "run start restart stack service")
                || is(0, "compose") && is(1, "up start restart pull build")
        }
        "docker-compose" => is(0, "up start restart pull build"),
        _ => false,
    }
}

/// Whether a command says that it means a cluster on this machine, by the names that the programs which start such
/// clusters give them.
fn names_local_cluster(program: &str, args: &[Value]) -> bool {
    const NAMES: &[&str] =
        &["colima", "docker-desktop", "microk8s", "minikube", "orbstack", "rancher-desktop"];
    let contexts = flags::values(args, "--context --kube-context");
    flags::lists("kubectl oc k helm helmfile skaffold tilt stern", program)
        && !contexts.is_empty()
        && contexts
            .iter()
            .all(|name| NAMES.contains(name) || name.starts_with("kind-") || name.starts_with("k3d-"))
        && flags::values(args, "--server -s --kubeconfig --kube-apiserver").is_empty()
}
