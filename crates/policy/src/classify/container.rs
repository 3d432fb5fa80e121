//! Containers: what is run inside, and what of this machine it can reach.

use writ_model::{EffectClass, PackageSource};

use super::path;
use super::walk::Walk;
use super::word::Value;
use super::{Package, Target, catalogue, flags, shell};

const RUN_VALUES: &str = "-v --volume -e --env -p --publish -w --workdir -u --user --name --network --net --mount --entrypoint \
    -h --hostname -m --memory --cpus --env-file -l --label --add-host --platform --pull --restart \
    --device --cap-add --cap-drop --security-opt --pid --ipc --gpus --shm-size --tmpfs --ulimit \
    --log-driver --log-opt -a --link --dns --privileged-x --userns --volumes-from --cidfile --expose \
    --init-path --stop-signal --stop-timeout --health-cmd --runtime --index --detach-keys";
const COMPOSE_VALUES: &str = "-f --file -p --project-name --env-file --profile --project-directory --ansi";
const GLOBAL_VALUES: &str = "--context -c -H --host --config -l --log-level";

// === impl Walk ===

impl Walk<'_> {
    /// `docker run|exec`, `kubectl exec`, `docker compose run|exec`, `lxc exec`. `false` for everything else.
    pub(super) fn container(&mut self, program: &str, args: &[Value]) -> bool {
        match program {
            "docker" | "podman" | "nerdctl" => self.docker(program, args),
            "docker-compose" => self.compose(program, shell::after_options(args, COMPOSE_VALUES), args),
            "kubectl" | "oc" | "k" => self.kubectl(program, args),
            "lxc" | "incus" | "machinectl" | "vagrant" | "gcloud" | "fly" | "flyctl" | "heroku"
            | "multipass" => self.remote_command(program, args),
            _ => false,
        }
    }

    fn docker(&mut self, program: &str, args: &[Value]) -> bool {
        let rest = shell::after_options(args, GLOBAL_VALUES);
        let rest = match rest.first().map(|sub| sub.text.as_str()) {
            Some("container") => rest.get(1..).unwrap_or_default(),
            Some("compose") => {
                return self.compose(
                    program,
                    shell::after_options(rest.get(1..).unwrap_or_default(), COMPOSE_VALUES),
                    args,
                );
            }
            _ => rest,
        };
        let Some((sub, rest)) = rest.split_first() else { return false };
        match sub.text.as_str() {
            "run" | "create" => {
                let inner = shell::after_options(rest, RUN_VALUES);
                let options = rest.get(..rest.len() - inner.len()).unwrap_or_default();
                self.reach(program, options);
                self.effect(
                    EffectClass::BuildTest,
                    Target::Command(format!("{program} run")),
                    "container.run",
                    "runs an image",
                );
                if let Some(image) = inner.first() {
                    self.pulls(image, options);
                }
                let entry = flags::values(options, "--entrypoint").first().map(|entry| Value::known(*entry));
                let command = inner.get(1..).unwrap_or_default();
                let command: Vec<Value> = entry.into_iter().chain(command.iter().cloned()).collect();
                self.inside(&command);
            }
            "exec" => {
                self.effect(
                    EffectClass::BuildTest,
                    Target::Command(format!("{program} exec")),
                    "container.run",
                    "runs a command in a container",
                );
                if flags::has(rest, "--privileged") {
                    self.privileged(program);
                }
                self.inside(shell::after_options(rest, RUN_VALUES).get(1..).unwrap_or_default());
            }
            "inspect" if rest.iter().any(|arg| arg.text.contains(".Env")) => {
                let target = Target::Secret("environment of a container".to_owned());
                let text = "prints the environment of a container";
                self.effect(EffectClass::SecretRead, target, "environment.whole", text);
                return false;
            }
            "build" | "buildx" | "builder" | "image" => {
                let is_build = rest.iter().chain([sub]).any(|word| word.text == "build");
                if is_build {
                    let tags = flags::values(rest, "-t --tag").into_iter().map(str::to_owned);
                    self.scope.images.extend(tags);
                }
                for text in flags::values(rest, "--secret").iter().filter(|_| is_build) {
                    if let Some(file) = text.split(',').find_map(|part| part.strip_prefix("src=")) {
                        self.reads_path(&Value::known(file), "argument.sent");
                    }
                }
                if is_build && !flags::values(rest, "--ssh").is_empty() {
                    let target = Target::Secret("ssh agent".to_owned());
                    let text = "lends the keys of the user's agent to a build";
                    self.effect(EffectClass::SecretRead, target, "container.ssh", text);
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    /// An image that is not here yet is fetched, and what is in it runs.
    fn pulls(&mut self, image: &Value, options: &[Value]) {
        let is_here = flags::values(options, "--pull").contains(&"never")
            || image.literal().is_some_and(|name| {
                let name = name.trim_end_matches(":latest");
                self.scope.images.iter().any(|built| built.trim_end_matches(":latest") == name)
            });
        if !is_here {
            let package =
                Package { source: PackageSource::Registry, ..Package::named("image", &image.shown()) };
            let text = "fetches an image that is not here, and runs it";
            self.effect(EffectClass::PackageInstall, Target::Package(package), "container.image", text);
        }
    }

    /// What a container gets of the host.
    fn reach(&mut self, program: &str, options: &[Value]) {
        let host =
            ["--pid=host", "--privileged", "--userns=host", "--ipc=host", "--net=host", "--network=host"];
        let by_value =
            flags::values(options, "--pid --cap-add --device --security-opt --net --network --ipc --userns");
        if options.iter().any(|option| host.contains(&option.text.as_str()))
            || by_value.iter().any(|value| {
                matches!(
                    *value,
                    "host"
                        | "ALL"
                        | "SYS_ADMIN"
                        | "SYS_PTRACE"
                        | "SYS_MODULE"
                        | "apparmor=unconfined"
                        | "seccomp=unconfined"
                )
            })
            || by_value.iter().any(|value| value.starts_with("/dev/sd") || value.starts_with("/dev/mem"))
        {
            self.privileged(program);
        }
        let mounts = flags::values(options, "-v --volume").into_iter().map(str::to_owned);
        let long = flags::values(options, "--mount").into_iter().filter_map(|mount| {
            mount
                .split(',')
                .find_map(|part| part.strip_prefix("source=").or_else(|| part.strip_prefix("src=")))
                .map(str::to_owned)
        });
        for mount in mounts.chain(long) {
            let source = mount.split(':').next().unwrap_or_default();
            let normal = path::normalise(source, self.facts);
            let is_root = normal == "/"
                || matches!(
                    normal.as_str(),
                    "/etc" | "/root" | "/proc" | "/sys" | "/dev" | "/var" | "/var/run" | "/run"
                );
            let is_socket = normal.ends_with("docker.sock")
                || normal.ends_with("containerd.sock")
                || normal.ends_with("podman.sock");
            if is_root || is_socket {
                let class = EffectClass::EscapeAttempt;
                let text = "gives the container control over this machine";
                self.effect(class, Target::Path(super::word::shown(source)), "container.mount", text);
            } else if path::is_secret(&normal) || normal == "~" {
                self.secret(&Value::known(source), "container.mount");
            }
        }
        for file in flags::values(options, "--env-file") {
            self.reads_path(&Value::known(file), "argument.read");
        }
    }

    fn privileged(&mut self, program: &str) {
        let text = "the container gets rights on this machine";
        self.effect(
            EffectClass::EscapeAttempt,
            Target::Command(program.to_owned()),
            "container.privileged",
            text,
        );
    }

    fn compose(&mut self, program: &str, rest: &[Value], all: &[Value]) -> bool {
        let Some((sub, rest)) = rest.split_first() else { return false };
        let is_production = |arg: &Value| {
            arg.text
                .to_lowercase()
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|part| matches!(part, "prod" | "production"))
        };
        if matches!(sub.text.as_str(), "up" | "restart" | "start" | "pull") && all.iter().any(is_production) {
            let text = "starts what its name says is production";
            self.effect(
                EffectClass::Deploy,
                Target::Command(format!("{program} {}", sub.text)),
                "container.production",
                text,
            );
        }
        if !matches!(sub.text.as_str(), "run" | "exec") {
            return false;
        }
        self.effect(
            EffectClass::BuildTest,
            Target::Command(format!("{program} {}", sub.text)),
            "container.run",
            "runs a command in a container",
        );
        self.inside(shell::after_options(rest, RUN_VALUES).get(1..).unwrap_or_default());
        true
    }

    fn kubectl(&mut self, program: &str, args: &[Value]) -> bool {
        let values = "-n --namespace --context --kubeconfig -c --container -f";
        let words = flags::positionals(args, values);
        let sub = words.first().map(|word| word.text.as_str()).unwrap_or_default();
        if !matches!(sub, "exec" | "run" | "debug") {
            return false;
        }
        if let Some(listed) = catalogue::lookup("kubectl", args) {
            let text = "runs a command in a cluster";
            self.effect(listed.class, Target::Command(format!("{program} {sub}")), "container.cluster", text);
        }
        for text in flags::values(args, "--overrides") {
            let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            let host = ["\"privileged\":true", "\"hostPID\":true", "\"hostPath\"", "\"hostNetwork\":true"];
            if host.iter().any(|right| text.contains(right)) {
                self.privileged(program);
            }
        }
        let at = args.iter().position(|arg| arg.text == "--");
        let inner: Vec<Value> = match at {
            Some(at) => args.get(at + 1..).unwrap_or_default().to_vec(),
            None if sub == "exec" => words.iter().skip(2).map(|word| (*word).clone()).collect(),
            None => Vec::new(),
        };
        self.inside(&inner);
        true
    }

    /// `lxc exec NAME -- …`, `vagrant ssh -c TEXT`, `gcloud compute ssh HOST --command=TEXT`.
    fn remote_command(&mut self, program: &str, args: &[Value]) -> bool {
        let is_session = args.iter().any(|arg| {
            matches!(
                arg.text.as_str(),
                "exec" | "ssh" | "shell" | "console" | "run" | "run:detached" | "ps:exec"
            )
        });
        if !is_session {
            return false;
        }
        let texts = flags::values(args, "-c --command -C");
        for text in &texts {
            self.elsewhere(|walk| walk.nested(text));
        }
        if let Some(at) = args.iter().position(|arg| arg.text == "--") {
            self.inside(args.get(at + 1..).unwrap_or_default());
        }
        match catalogue::lookup(program, args) {
            Some(listed) => self.effect(
                listed.class,
                self.command_target(program, args),
                "container.remote",
                "runs a command elsewhere",
            ),
            None => self.effect(
                EffectClass::BuildTest,
                Target::Command(program.to_owned()),
                "container.run",
                "runs a command elsewhere",
            ),
        }
        true
    }

    fn inside(&mut self, argv: &[Value]) {
        if !argv.is_empty() {
            self.elsewhere(|walk| walk.argv(argv));
        }
    }

    fn elsewhere(&mut self, act: impl FnOnce(&mut Self)) {
        let was = std::mem::replace(&mut self.is_elsewhere, true);
        act(self);
        self.is_elsewhere = was;
    }
}
