//! What an installation takes, and from where: packages by their normal names, the project's lock file or manifest,
//! another index, an address, a folder.

use writ_model::{EffectClass, PackageSource};

use super::walk::Walk;
use super::word::{self, Value};
use super::{Package, Target, flags};

/// How many packages of one command are named. The command stands for what is more.
const MOST: usize = 20;

/// One package manager.
struct Manager {
    ecosystem: &'static str,
    /// The words that start an installation or a change of one; each may be two words.
    installs: &'static str,
    /// Options that take a value, as far as they would hide a name.
    values: &'static str,
    /// Options that name another index, registry or source.
    index: &'static str,
    /// Options by which only what the lock file names is taken, checked; `*` for the command as it is.
    locks: &'static str,
    /// Options whose value is a folder or file to install.
    local: &'static str,
    /// Options whose value is a repository to install.
    address: &'static str,
}

const NODE_VALUES: &str = "--registry --prefix -C --dir --cwd --filter -F -w --workspace --cache --omit --include --loglevel \
    --tag --userconfig --globalconfig --network-timeout --modules-folder --store-dir";
const PIP_VALUES: &str = "-r --requirement --requirements -c --constraint --constraints -e --editable -i --index-url --extra-index-url \
    --index --default-index -f --find-links --trusted-host -t --target --prefix --root --python -p --platform \
    --python-version --implementation --abi --no-binary --only-binary --progress-bar --proxy --timeout --cert \
    --client-cert --cache-dir --log --report --group -G --extra --package --with --python-platform --exclude-newer \
    --upgrade-package -P --build --src --config-settings -C --keyring-provider --source";
const CARGO_VALUES: &str = "--manifest-path --git --branch --tag --rev --path --registry --index --version --vers --root --target \
    --target-dir -F --features -j --jobs --profile -p --package --color --config -Z --rename --message-format --bin --example";
const SYSTEM_VALUES: &str = "-o --option -c --config-file -t --target-release --default-release --repository -X --root -p \
    --setopt --enablerepo --disablerepo --repo --installroot --releasever --mode --virtual --keys-dir --cachedir --dbpath";

const NPM: Manager = Manager {
    ecosystem: "npm",
    installs: "install i in ins add ci clean-install ic install-clean install-test it update up upgrade udpate \
        uninstall un unlink remove rm r link ln dedupe ddp prune fetch import rebuild rb create init dlx",
    values: NODE_VALUES,
    index: "--registry --userconfig --globalconfig",
    locks: "--frozen-lockfile --immutable",
    local: "",
    address: "",
};
const PIP: Manager = Manager {
    ecosystem: "pypi",
    installs: "install download wheel uninstall sync compile",
    values: PIP_VALUES,
    index: "-i --index-url --extra-index-url --index --default-index -f --find-links --source",
    locks: "",
    local: "-e --editable",
    address: "",
};
const UV: Manager =
    Manager { installs: "add remove sync lock upgrade install", locks: "--frozen --locked", ..PIP };
const CARGO: Manager = Manager {
    ecosystem: "crates",
    installs: "install binstall quickinstall uninstall update add remove rm upgrade fetch vendor generate-lockfile install-update",
    values: CARGO_VALUES,
    index: "--registry --index",
    locks: "--locked --frozen",
    local: "--path",
    address: "--git",
};
const GO: Manager = Manager {
    ecosystem: "go",
    installs: "get install mod",
    values: "-C -modfile -tags -mod -ldflags -gcflags",
    index: "",
    locks: "",
    local: "",
    address: "",
};
const GEM: Manager = Manager {
    ecosystem: "rubygems",
    installs: "install i update uninstall",
    values: "-v --version -s --source -i --install-dir -n --bindir -P --platform",
    index: "-s --source --clear-sources",
    locks: "",
    local: "",
    address: "",
};
const BUNDLE: Manager = Manager {
    installs: "install update add remove lock cache package clean",
    values: "--gemfile --path --jobs -j --with --without -v --version --group --source --git --branch --ref",
    locks: "--frozen --deployment",
    local: "--path",
    address: "--git --github",
    ..GEM
};
const COMPOSER: Manager = Manager {
    ecosystem: "packagist",
    installs: "install i update u upgrade require r remove create-project global reinstall",
    values: "-d --working-dir --repository --repository-url",
    index: "--repository --repository-url",
    locks: "",
    local: "",
    address: "",
};
const DOTNET: Manager = Manager {
    ecosystem: "nuget",
    installs: "restore add remove tool install update",
    values: "-v --version -s --source -f --framework --configfile --packages -p",
    index: "-s --source --configfile",
    locks: "--locked-mode",
    local: "",
    address: "",
};
const HEX: Manager = Manager {
    ecosystem: "hex",
    installs: "deps.get deps.update local.hex local.rebar archive.install escript.install",
    values: "--only --target",
    index: "",
    locks: "",
    local: "",
    address: "",
};
const PUB: Manager = Manager {
    ecosystem: "pub",
    installs: "get add upgrade downgrade remove global",
    values: "-C --directory --git-url --git-ref --git-path --hosted-url --path --sdk",
    index: "--hosted-url",
    locks: "--enforce-lockfile",
    local: "--path",
    address: "--git-url",
};
const SWIFT: Manager = Manager {
    ecosystem: "swift",
    installs: "resolve update",
    values: "--package-path --cache-path --scratch-path --version --branch --revision",
    index: "",
    locks: "--force-resolved-versions --only-use-versions-from-resolved-file",
    local: "",
    address: "",
};
const SYSTEM: Manager = Manager {
    ecosystem: "system",
    installs: "install reinstall add upgrade update dist-upgrade full-upgrade remove purge autoremove del erase localinstall \
        build-dep group groupinstall swap tap in up",
    values: SYSTEM_VALUES,
    index: "--repository -X --repofrompath --enablerepo --repo",
    locks: "",
    local: "",
    address: "",
};

/// Settings of the environment that name another index, or let what is not locked through.
const INDEX_VARIABLES: &str = "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CONFIG_FILE UV_INDEX_URL UV_EXTRA_INDEX_URL \
    UV_DEFAULT_INDEX UV_INDEX UV_FIND_LINKS POETRY_REPOSITORIES NPM_CONFIG_REGISTRY npm_config_registry \
    NPM_CONFIG_USERCONFIG npm_config_userconfig YARN_REGISTRY YARN_NPM_REGISTRY_SERVER BUN_CONFIG_REGISTRY GOPROXY \
    GONOSUMDB GONOSUMCHECK GOFLAGS GOSUMDB GOINSECURE GOPRIVATE CARGO_REGISTRIES_CRATES_IO_INDEX \
    CARGO_REGISTRY_INDEX CARGO_SOURCE_CRATES_IO_REPLACE_WITH BUNDLE_MIRROR__HTTPS GEM_SOURCE COMPOSER_REPO_PACKAGIST \
    HOMEBREW_BOTTLE_DOMAIN CONDA_CHANNELS";

/// Commands that change the manifest of the project: program, first words, file.
const MANIFESTS: &[(&str, &str, &str)] = &[
    ("npm", "pkg", "package.json"),
    ("npm", "install i add uninstall rm remove un r", "package.json"),
    ("pnpm", "add remove rm", "package.json"),
    ("yarn", "add remove", "package.json"),
    ("bun", "add remove", "package.json"),
    ("cargo", "add remove rm upgrade", "Cargo.toml"),
    ("poetry", "add remove", "pyproject.toml"),
    ("pdm", "add remove", "pyproject.toml"),
    ("uv", "add remove", "pyproject.toml"),
    ("pipenv", "install uninstall", "Pipfile"),
    ("go", "get", "go.mod"),
    ("composer", "require remove", "composer.json"),
    ("bundle", "add remove", "Gemfile"),
];

/// Whether a variable changes where packages come from.
pub(super) fn is_index_variable(name: &str) -> bool {
    flags::lists(INDEX_VARIABLES, name)
        || name.starts_with("CARGO_REGISTRIES_")
        || name.starts_with("CARGO_SOURCE_")
        || name.starts_with("BUNDLE_MIRROR_")
        || name.starts_with("UV_INDEX_")
}

// === impl Walk ===

impl Walk<'_> {
    /// The manifest that a command changes is written like by any other hand.
    pub(super) fn writes_manifest(&mut self, program: &str, args: &[Value]) {
        let words = flags::positionals(args, NODE_VALUES);
        let Some((sub, rest)) = words.split_first() else { return };
        let Some((_, _, file)) =
            MANIFESTS.iter().find(|(name, subs, _)| *name == program && flags::lists(subs, &sub.text))
        else {
            if program == "go" && sub.text == "mod" && rest.first().is_some_and(|word| word.text == "edit") {
                self.writes_path(&Value::known("go.mod"), false);
            }
            return;
        };
        let writes = match sub.text.as_str() {
            "pkg" => rest.first().is_some_and(|word| flags::lists("set delete fix", &word.text)),
            _ => !rest.is_empty() && !flags::has_any(args, "-g --global --no-save --dry-run"),
        };
        if writes {
            let folder = super::task::given(args, "--prefix -C --cwd --dir --directory --manifest-path");
            let path = match folder {
                Some(folder) if folder.ends_with(file) => folder.to_owned(),
                Some(folder) => format!("{}/{file}", folder.trim_end_matches('/')),
                None => (*file).to_owned(),
            };
            self.writes_path(&Value::known(path), false);
        }
    }

    /// Records what an installation takes. `false`: no package manager that is read here, or nothing was found.
    pub(super) fn takes_packages(&mut self, program: &str, args: &[Value]) -> bool {
        let Some((manager, args)) = manager(program, args) else { return false };
        let found = taken(program, &manager, args, self.scope.foreign_index);
        let any = !found.is_empty();
        for package in found {
            self.effect(
                EffectClass::PackageInstall,
                Target::Package(package),
                format!("command.{program}"),
                "installs or removes it",
            );
        }
        any
    }
}

/// The manager behind a command, and its arguments from the word that says what to do.
fn manager<'a>(program: &str, args: &'a [Value]) -> Option<(Manager, &'a [Value])> {
    let first =
        args.iter().find(|arg| !arg.text.starts_with('-')).map(|arg| arg.text.as_str()).unwrap_or_default();
    let after = |word: &str| {
        let at = args.iter().position(|arg| arg.text == word)?;
        args.get(at + 1..)
    };
    Some(match program {
        "npm" | "pnpm" | "yarn" | "bun" => (NPM, args),
        "pip" | "pip3" | "pipx" | "easy_install" => (PIP, args),
        "uv" if first == "pip" => (PIP, after("pip")?),
        "uv" if first == "tool" => (UV, after("tool")?),
        "uv" => (UV, args),
        // These install what their lock file names, and refuse or warn when it does not fit.
        "poetry" | "pdm" | "rye" | "hatch" => (UV, args),
        "pipenv" => (Manager { locks: "--deploy --ignore-pipfile", ..UV }, args),
        "cargo" => (CARGO, args),
        "go" => (GO, args),
        "gem" => (GEM, args),
        "bundle" | "bundler" => (BUNDLE, args),
        "composer" => (COMPOSER, args),
        "dotnet" | "nuget" => (DOTNET, args),
        "mix" => (HEX, args),
        "flutter" | "dart" if first == "pub" => (PUB, after("pub")?),
        "swift" if first == "package" => (SWIFT, after("package")?),
        "conda" | "mamba" | "micromamba" => (
            Manager {
                ecosystem: "conda",
                installs: "install create update upgrade remove env",
                values: "-n --name -p --prefix -c --channel -f --file --solver",
                index: "-c --channel --override-channels",
                ..SYSTEM
            },
            args,
        ),
        "apt" | "apt-get" | "aptitude" => (Manager { ecosystem: "deb", ..SYSTEM }, args),
        "dnf" | "yum" | "microdnf" | "zypper" => (Manager { ecosystem: "rpm", ..SYSTEM }, args),
        "apk" => (Manager { ecosystem: "apk", ..SYSTEM }, args),
        "brew" => (Manager { ecosystem: "brew", ..SYSTEM }, args),
        _ => return None,
    })
}

/// The packages that a command takes, or the one that stands for all that a lock file or manifest names.
fn taken(program: &str, manager: &Manager, args: &[Value], foreign: bool) -> Vec<Package> {
    let words = flags::positionals(args, manager.values);
    let (sub, names) =
        words.split_first().map_or(("", words.as_slice()), |(sub, rest)| (sub.text.as_str(), rest));
    // `yarn` and `bundle` alone install.
    if !sub.is_empty() && !flags::lists(manager.installs, sub) {
        return Vec::new();
    }
    // `go mod tidy`, `dotnet add package x`, `npm link`: words that are no names.
    let no_names: &[&str] = match manager.ecosystem {
        "go" if sub == "mod" => &["download", "edit", "graph", "init", "tidy", "vendor", "verify", "why"],
        "nuget" => &["install", "package", "reference", "restore", "update"],
        "packagist" if sub == "global" => &["remove", "require", "update"],
        "pub" if sub == "global" => &["activate", "deactivate", "list", "run"],
        _ => &[],
    };
    let removes =
        matches!(sub, "uninstall" | "un" | "remove" | "rm" | "r" | "purge" | "del" | "erase" | "autoremove");
    let foreign =
        !removes && (foreign || !flags::values(args, manager.index).is_empty() && !manager.index.is_empty());
    let usual = if foreign { PackageSource::ForeignIndex } else { PackageSource::Registry };
    let mut found: Vec<Package> = Vec::new();
    for (options, source) in
        [(manager.local, PackageSource::Local), (manager.address, PackageSource::Address)]
    {
        for place in flags::values(args, options).into_iter().filter(|_| !options.is_empty()) {
            let source = if is_address(place) { PackageSource::Address } else { source };
            found.push(Package { source, ..Package::named(manager.ecosystem, &word::shown(place)) });
        }
    }
    // A name beside a place says which part of that place is meant.
    let is_placed = !found.is_empty() && manager.ecosystem != "pypi";
    let names = names.iter().filter(|word| !is_placed && !no_names.contains(&word.text.as_str()));
    for name in names.take(MOST) {
        found.push(match name.literal() {
            Some(text) => read(manager.ecosystem, text, usual),
            None => {
                Package { source: PackageSource::Unknown, ..Package::named(manager.ecosystem, &name.shown()) }
            }
        });
    }
    let lists = requirement_files(manager, args);
    if found.is_empty() || !lists.is_empty() {
        let source = match () {
            () if lists.iter().any(|list| is_address(list)) => PackageSource::Address,
            () if foreign => PackageSource::ForeignIndex,
            () if is_locked(program, sub, manager, args) => PackageSource::Lockfile,
            // Newer versions of everything, whatever was locked.
            () if matches!(
                sub,
                "update" | "upgrade" | "up" | "udpate" | "deps.update" | "generate-lockfile"
            ) =>
            {
                PackageSource::Registry
            }
            () => PackageSource::Manifest,
        };
        found.push(Package { source, ..Package::named(manager.ecosystem, "*") });
    }
    found
}

/// Lists of requirements that an installation with pip reads.
fn requirement_files<'a>(manager: &Manager, args: &'a [Value]) -> Vec<&'a str> {
    if manager.ecosystem == "pypi" {
        flags::values(args, "-r --requirement --requirements")
    } else {
        Vec::new()
    }
}

/// Whether a command without names takes exactly what was locked.
fn is_locked(program: &str, sub: &str, manager: &Manager, args: &[Value]) -> bool {
    let said = !manager.locks.is_empty() && flags::has_any(args, manager.locks);
    match (program, sub) {
        ("npm", "ci" | "clean-install" | "ic" | "install-clean") | ("bun", "ci") => true,
        ("npm", _) => false,
        ("pip" | "pip3", "install" | "download") => flags::has(args, "--require-hashes"),
        ("uv", "install" | "sync") if flags::has(args, "--require-hashes") => true,
        ("poetry", "install" | "sync") | ("pdm", "sync") | ("pipenv", "sync") => true,
        ("bundle" | "bundler" | "composer", "" | "install" | "i") => true,
        ("go", "mod") => args.iter().any(|arg| matches!(arg.text.as_str(), "download" | "verify" | "vendor")),
        ("cargo", "fetch" | "vendor")
        | ("uv", "sync")
        | ("flutter" | "dart", "get")
        | ("swift", "resolve")
        | ("dotnet", "restore") => said,
        ("pnpm" | "yarn" | "bun", "" | "install" | "i") => said && !flags::has(args, "--no-frozen-lockfile"),
        ("pipenv", "install") => said,
        _ => false,
    }
}

/// A package as its manager reads the word: name, version, place.
fn read(ecosystem: &'static str, text: &str, usual: PackageSource) -> Package {
    let shown = word::shown(text);
    let placed = |source| Package { source, ..Package::named(ecosystem, &shown) };
    // `name @ https://…` of Python.
    if is_address(text) || text.split_once(" @ ").is_some_and(|(_, place)| is_address(place)) {
        return placed(PackageSource::Address);
    }
    if is_file(ecosystem, text) {
        return placed(PackageSource::Local);
    }
    let (name, version) = match ecosystem {
        "npm" => {
            // `alias@npm:name@1` is the name behind the alias.
            let text = text.split_once("@npm:").map_or(text, |(_, real)| real);
            let is_short_address = text.contains('/') && !text.starts_with('@');
            if is_short_address {
                return placed(PackageSource::Address);
            }
            split_at_last(text, '@')
        }
        "pypi" => {
            let text = text.split(';').next().unwrap_or(text);
            let end = text.find(['=', '<', '>', '!', '~', '[', ' ', '@']).unwrap_or(text.len());
            let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
            let rest = rest.split_once(']').filter(|_| rest.starts_with('[')).map_or(rest, |(_, rest)| rest);
            (name, rest.trim_start_matches(['=', '@', ' ']))
        }
        "deb" | "apk" | "rpm" => text.split_once(['=', '/']).unwrap_or((text, "")),
        "rubygems" | "packagist" => text.split_once([':', '=']).unwrap_or((text, "")),
        _ => split_at_last(text, '@'),
    };
    Package {
        version: word::shown(version),
        source: usual,
        ..Package::named(ecosystem, &normal(ecosystem, &word::shown(name)))
    }
}

/// `name@1.2`, where a name may start with the sign.
fn split_at_last(text: &str, sign: char) -> (&str, &str) {
    match text.rsplit_once(sign) {
        Some((name, version)) if !name.is_empty() => (name, version),
        _ => (text, ""),
    }
}

/// The name as its index compares it.
fn normal(ecosystem: &str, name: &str) -> String {
    match ecosystem {
        "pypi" => {
            let mut out = String::with_capacity(name.len());
            for c in name.chars().flat_map(char::to_lowercase) {
                match c {
                    '-' | '_' | '.' if out.ends_with('-') => {}
                    '-' | '_' | '.' => out.push('-'),
                    c => out.push(c),
                }
            }
            out
        }
        "crates" => name.to_lowercase().replace('_', "-"),
        "go" => name.to_owned(),
        _ => name.to_lowercase(),
    }
}

fn is_address(text: &str) -> bool {
    const SHORT: &[&str] =
        &["github:", "gitlab:", "bitbucket:", "gist:", "git@", "git+", "hg+", "svn+", "bzr+"];
    (text.contains("://") && !text.starts_with("file:")) || SHORT.iter().any(|start| text.starts_with(start))
}

fn is_file(ecosystem: &str, text: &str) -> bool {
    const ARCHIVES: &[&str] =
        &[".whl", ".tgz", ".tar.gz", ".zip", ".gem", ".deb", ".rpm", ".crate", ".nupkg", ".apk"];
    // A folder below this one is how Go names the packages of the project.
    let is_path = text.starts_with(['/', '~', '.'])
        || ["file:", "link:", "portal:", "workspace:"].iter().any(|start| text.starts_with(start));
    is_path || (ecosystem != "go" && ARCHIVES.iter().any(|end| text.ends_with(end)))
}
