//! The lists of files that something runs or obeys after they were written, each with what that something is.
//!
//! Names are folded (lower case). In a list of paths a name that ends in `/` is a folder with everything in it. Lists
//! grow; nothing here is the only thing between an agent and what it could plant.

use std::collections::HashMap;
use std::sync::LazyLock;

use writ_model::Binding;

use super::secret::names;

/// Paths below the home folder.
const AT_HOME: &[(Binding, &[&str])] = &[
    (
        Binding::ShellProfile,
        &[
            ".bash_aliases",
            ".bash_login",
            ".bash_logout",
            ".bash_profile",
            ".bashrc",
            ".config/environment.d/",
            ".config/fish/",
            ".config/nushell/",
            ".config/tmux/",
            ".cshrc",
            ".inputrc",
            ".kshrc",
            ".login",
            ".pam_environment",
            ".profile",
            ".screenrc",
            ".tcshrc",
            ".tmux.conf",
            ".xinitrc",
            ".xprofile",
            ".xsession",
            ".xsessionrc",
            ".zlogin",
            ".zlogout",
            ".zprofile",
            ".zshenv",
            ".zshrc",
        ],
    ),
    (
        Binding::Scheduled,
        &[
            ".config/autostart/",
            ".config/systemd/",
            ".local/share/applications/",
            ".local/share/systemd/",
            "library/launchagents/",
        ],
    ),
    (
        Binding::Program,
        &[".cargo/bin/", ".cargo/env", ".local/bin/", ".nvm/", ".pyenv/", ".rustup/", "bin/", "go/bin/"],
    ),
    (Binding::Environment, &[".asdfrc", ".config/direnv/", ".config/mise/"]),
    (Binding::GitConfig, &[".config/git/", ".gitconfig", ".hgrc"]),
    (
        Binding::PackageSettings,
        &[
            ".cargo/config",
            ".cargo/config.toml",
            ".config/pypoetry/",
            ".config/uv/",
            ".m2/settings.xml",
            ".yarnrc",
        ],
    ),
    (
        Binding::ToolSettings,
        &[".curlrc", ".editrc", ".gdbinit", ".gnupg/", ".irbrc", ".lldbinit", ".pdbrc", ".perldb", ".wgetrc"],
    ),
    (
        Binding::EditorTask,
        &[
            ".config/code/",
            ".config/emacs/",
            ".config/jetbrains/",
            ".config/nvim/",
            ".config/zed/",
            ".emacs",
            ".emacs.d/",
            ".vim/",
            ".vimrc",
            ".vscode-server/",
            ".vscode/",
            "library/application support/code/",
        ],
    ),
    (
        Binding::AgentSettings,
        &[
            ".agents/",
            ".aider.conf.yml",
            ".claude/",
            ".codeium/",
            ".codex/",
            ".config/amp/",
            ".config/goose/",
            ".config/opencode/",
            ".continue/",
            ".copilot/",
            ".cursor/",
            ".factory/",
            ".gemini/",
            ".kiro/",
            ".opencode/",
            ".qwen/",
        ],
    ),
];

/// Paths of the machine.
const ABSOLUTE: &[(Binding, &[&str])] = &[
    (
        Binding::Scheduled,
        &[
            "/etc/anacrontab",
            "/etc/at.allow",
            "/etc/cron.d/",
            "/etc/cron.daily/",
            "/etc/cron.hourly/",
            "/etc/cron.monthly/",
            "/etc/cron.weekly/",
            "/etc/crontab",
            "/etc/init.d/",
            "/etc/rc.local",
            "/etc/systemd/",
            "/etc/udev/",
            "/etc/xdg/autostart/",
            "/lib/systemd/",
            "/library/launchagents/",
            "/library/launchdaemons/",
            "/usr/lib/systemd/",
            "/var/spool/at/",
            "/var/spool/cron/",
        ],
    ),
    (
        Binding::ShellProfile,
        &[
            "/etc/bash.bashrc",
            "/etc/bashrc",
            "/etc/environment",
            "/etc/fish/",
            "/etc/ld.so.conf",
            "/etc/ld.so.conf.d/",
            "/etc/ld.so.preload",
            "/etc/profile",
            "/etc/profile.d/",
            "/etc/zsh/",
            "/etc/zshenv",
            "/etc/zshrc",
        ],
    ),
    (Binding::GitConfig, &["/etc/gitconfig"]),
    (Binding::PackageSettings, &["/etc/apt/", "/etc/npmrc", "/etc/pip.conf", "/etc/yum.repos.d/"]),
    (Binding::AgentSettings, &["/etc/claude-code/", "/etc/codex/", "/etc/gemini-cli/"]),
    (
        Binding::Program,
        &["/bin/", "/sbin/", "/usr/bin/", "/usr/local/bin/", "/usr/local/sbin/", "/usr/sbin/"],
    ),
];

/// In any folder of the workspace: folders with everything in them.
const FOLDERS: &[(Binding, &[&str])] = &[
    (Binding::GitConfig, &[".git", ".hg", ".jj", ".svn"]),
    (Binding::GitHook, &[".githooks", ".husky", ".lefthook"]),
    (
        Binding::Ci,
        &[
            ".azure-pipelines",
            ".buildkite",
            ".builds",
            ".ci",
            ".circleci",
            ".forgejo",
            ".gitea",
            ".gitlab",
            ".teamcity",
            ".tekton",
            ".woodpecker",
            ".zuul.d",
            "zuul.d",
        ],
    ),
    (
        Binding::EditorTask,
        &[
            ".devcontainer",
            ".fleet",
            ".helix",
            ".idea",
            ".nova",
            ".nvim",
            ".settings",
            ".theia",
            ".vim",
            ".vs",
            ".vscode",
            ".zed",
        ],
    ),
    (Binding::Environment, &[".direnv", ".mise"]),
    (
        Binding::AgentSettings,
        &[
            ".agent",
            ".agents",
            ".aider",
            ".amazonq",
            ".augment",
            ".claude",
            ".claude-plugin",
            ".cline",
            ".clinerules",
            ".codex",
            ".continue",
            ".copilot",
            ".cursor",
            ".factory",
            ".gemini",
            ".goose",
            ".junie",
            ".kiro",
            ".opencode",
            ".qwen",
            ".roo",
            ".trae",
            ".windsurf",
        ],
    ),
    (Binding::Own, &[".writ"]),
];

/// In any folder of the workspace: two names in a row, with everything below where the second is a folder.
const PAIRS: &[(Binding, &str, &str)] = &[
    (Binding::Ci, ".github", "workflows"),
    (Binding::Ci, ".github", "actions"),
    (Binding::Ci, ".github", "dependabot.yml"),
    (Binding::Ci, ".github", "dependabot.yaml"),
    (Binding::Ci, ".github", "codeowners"),
    (Binding::Ci, ".github", "renovate.json"),
    (Binding::AgentSettings, ".github", "agents"),
    (Binding::AgentSettings, ".github", "hooks"),
    (Binding::AgentSettings, ".github", "skills"),
    (Binding::AgentSettings, ".github", "chatmodes"),
    (Binding::Instructions, ".github", "prompts"),
    (Binding::Instructions, ".github", "instructions"),
    (Binding::Instructions, ".github", "copilot-instructions.md"),
    (Binding::PackageSettings, ".yarn", "releases"),
    (Binding::PackageSettings, ".yarn", "plugins"),
    (Binding::PackageSettings, ".cargo", "config"),
    (Binding::PackageSettings, ".cargo", "config.toml"),
    (Binding::Environment, ".config", "mise"),
    (Binding::ToolSettings, ".config", "nextest.toml"),
    (Binding::BuildScript, "gradle", "wrapper"),
    (Binding::BuildScript, ".mvn", "wrapper"),
    (Binding::PackageSettings, ".mvn", "extensions.xml"),
    (Binding::PackageSettings, ".mvn", "jvm.config"),
    (Binding::PackageSettings, ".mvn", "maven.config"),
    (Binding::PackageSettings, ".bundle", "config"),
    (Binding::Program, "tools", "bazel"),
];

/// In any folder of the workspace: names of files.
const FILES: &[(Binding, &[&str])] = &[
    (
        Binding::Ci,
        &[
            ".appveyor.yml",
            ".cirrus.yml",
            ".drone.yaml",
            ".drone.yml",
            ".gitlab-ci.yaml",
            ".gitlab-ci.yml",
            ".readthedocs.yaml",
            ".readthedocs.yml",
            ".renovaterc",
            ".renovaterc.json",
            ".semaphore.yml",
            ".travis.yml",
            ".woodpecker.yaml",
            ".woodpecker.yml",
            ".zuul.yaml",
            "appveyor.yml",
            "azure-pipelines.yaml",
            "azure-pipelines.yml",
            "bitbucket-pipelines.yml",
            "buildspec.yaml",
            "buildspec.yml",
            "cloudbuild.yaml",
            "cloudbuild.yml",
            "codefresh.yml",
            "codeowners",
            "jenkinsfile",
            "readthedocs.yml",
            "renovate.json",
            "renovate.json5",
            "wercker.yml",
            "zuul.yaml",
        ],
    ),
    (Binding::GitConfig, &[".gitattributes", ".gitconfig", ".gitmodules", ".hgrc", ".lfsconfig"]),
    (
        Binding::GitHook,
        &[
            ".huskyrc",
            ".lefthook-local.yaml",
            ".lefthook-local.yml",
            ".lefthook.json",
            ".lefthook.toml",
            ".lefthook.yaml",
            ".lefthook.yml",
            ".overcommit.yml",
            ".pre-commit-config.yaml",
            ".pre-commit-config.yml",
            "lefthook-local.yaml",
            "lefthook-local.yml",
            "lefthook.json",
            "lefthook.toml",
            "lefthook.yaml",
            "lefthook.yml",
        ],
    ),
    (
        Binding::Environment,
        &[
            ".envrc",
            ".mise.local.toml",
            ".mise.toml",
            ".rtx.toml",
            ".tool-versions",
            "mise.local.toml",
            "mise.toml",
            "rust-toolchain",
            "rust-toolchain.toml",
        ],
    ),
    (
        Binding::EditorTask,
        &[
            ".devcontainer.json",
            ".dir-locals-2.el",
            ".dir-locals.el",
            ".exrc",
            ".gitpod.yml",
            ".local.vimrc",
            ".lvimrc",
            ".nvim.lua",
            ".nvimrc",
            ".project",
            ".vimrc",
            ".vimspector.json",
            ".ycm_extra_conf.py",
            "_vimrc",
            "rust-analyzer.toml",
            "rust-project.json",
        ],
    ),
    (
        Binding::ToolSettings,
        &[
            ".bazeliskrc",
            ".byebugrc",
            ".gdbinit",
            ".ghci",
            ".irbrc",
            ".lldbinit",
            ".ocamlinit",
            ".pdbrc",
            ".perldb",
            ".pryrc",
            ".psqlrc",
            ".rdbgrc",
            ".rprofile",
            ".sqliterc",
        ],
    ),
    (Binding::ShellProfile, &[".bash_profile", ".bashrc", ".profile", ".zshenv", ".zshrc"]),
    (
        Binding::PackageSettings,
        &[
            ".jvmopts",
            ".npmrc",
            ".pnpmfile.cjs",
            ".pnpmfile.mjs",
            ".yarnrc",
            ".yarnrc.yml",
            ".sbtopts",
            "pip.conf",
        ],
    ),
    (
        Binding::Instructions,
        &[
            ".clinerules",
            ".cursorrules",
            ".goosehints",
            ".roorules",
            ".rules",
            ".windsurfrules",
            "agent.md",
            "agents.md",
            "agents.override.md",
            "claude.local.md",
            "claude.md",
            "codex.md",
            "copilot.md",
            "crush.md",
            "gemini.md",
            "qwen.md",
            "skill.md",
            "warp.md",
        ],
    ),
    (
        Binding::AgentSettings,
        &[
            ".aider.conf.yml",
            ".crush.json",
            ".cursorignore",
            ".roomodes",
            "crush.json",
            "opencode.json",
            "opencode.jsonc",
        ],
    ),
    (Binding::McpSettings, MCP_FILES),
    (
        Binding::BuildScript,
        &[
            ".bazelrc",
            ".justfile",
            "build.bazel",
            "build.gradle",
            "build.gradle.kts",
            "build.rs",
            "build.sh",
            "build.xml",
            "build.zig",
            "cmakelists.txt",
            "compose.yaml",
            "compose.yml",
            "configure",
            "configure.ac",
            "conftest.py",
            "containerfile",
            "default.nix",
            "docker-compose.yaml",
            "docker-compose.yml",
            "dockerfile",
            "earthfile",
            "flake.nix",
            "gnumakefile",
            "gradlew",
            "gradlew.bat",
            "gruntfile.js",
            "gulpfile.js",
            "init.gradle",
            "justfile",
            "magefile.go",
            "makefile",
            "meson.build",
            "module.bazel",
            "mvnw",
            "noxfile.py",
            "procfile",
            "rakefile",
            "sconstruct",
            "settings.gradle",
            "settings.gradle.kts",
            "shell.nix",
            "sitecustomize.py",
            "taskfile.yaml",
            "taskfile.yml",
            "tiltfile",
            "tox.ini",
            "usercustomize.py",
            "vagrantfile",
            "workspace.bazel",
            "wscript",
        ],
    ),
    (
        Binding::ManifestScripts,
        &[
            "build.sbt",
            "bunfig.toml",
            "cargo.toml",
            "composer.json",
            "conanfile.py",
            "conanfile.txt",
            "constraints.txt",
            "deno.json",
            "deno.jsonc",
            "directory.build.props",
            "directory.build.targets",
            "elm.json",
            "environment.yaml",
            "environment.yml",
            "gemfile",
            "go.mod",
            "lerna.json",
            "mix.exs",
            "package.json",
            "package.swift",
            "pipfile",
            "pnpm-workspace.yaml",
            "podfile",
            "pom.xml",
            "project.clj",
            "pubspec.yaml",
            "pyproject.toml",
            "rebar.config",
            "requirements.in",
            "requirements.txt",
            "setup.cfg",
            "setup.py",
            "stack.yaml",
            "vcpkg.json",
        ],
    ),
    (
        Binding::LockFile,
        &[
            "bun.lock",
            "bun.lockb",
            "cargo.lock",
            "cartfile.resolved",
            "composer.lock",
            "conan.lock",
            "deno.lock",
            "flake.lock",
            "gemfile.lock",
            "go.sum",
            "gradle.lockfile",
            "mix.lock",
            "npm-shrinkwrap.json",
            "package-lock.json",
            "package.resolved",
            "packages.lock.json",
            "pdm.lock",
            "pipfile.lock",
            "pnpm-lock.yaml",
            "podfile.lock",
            "poetry.lock",
            "pubspec.lock",
            "pylock.toml",
            "requirements.lock",
            "uv.lock",
            "yarn.lock",
        ],
    ),
];

/// How names of files end, after their last dot.
const ENDINGS: &[(Binding, &str)] = &[
    (Binding::BuildScript, "bazel"),
    (Binding::BuildScript, "bzl"),
    (Binding::BuildScript, "cmake"),
    (Binding::BuildScript, "mk"),
    (Binding::EditorTask, "code-workspace"),
    (Binding::EditorTask, "sublime-project"),
    (Binding::ManifestScripts, "cabal"),
    (Binding::ManifestScripts, "csproj"),
    (Binding::ManifestScripts, "fsproj"),
    (Binding::ManifestScripts, "gemspec"),
    (Binding::ManifestScripts, "rockspec"),
    (Binding::ManifestScripts, "vbproj"),
];

/// How names of files begin that have many endings.
const BEGINNINGS: &[(Binding, &str)] =
    &[(Binding::Ci, ".cirrus."), (Binding::Ci, ".drone."), (Binding::Ci, "jenkinsfile")];

/// How agents and editors name the file that lists MCP servers, in any of their folders too.
const MCP_FILES: &[&str] = &[
    ".mcp.json",
    "cline_mcp_settings.json",
    "mcp-config.json",
    "mcp.json",
    "mcp_config.json",
    "mcp_settings.json",
];

static BY_FOLDER: LazyLock<HashMap<&'static str, Binding>> = LazyLock::new(|| by_name(FOLDERS));
static BY_FILE: LazyLock<HashMap<&'static str, Binding>> = LazyLock::new(|| by_name(FILES));

fn by_name(lists: &[(Binding, &'static [&'static str])]) -> HashMap<&'static str, Binding> {
    lists.iter().flat_map(|(binding, list)| list.iter().map(|name| (*name, *binding))).collect()
}

/// Whether writing the file is part of ordinary work, although it runs later: build scripts and manifests.
pub(super) const fn is_everyday(binding: Binding) -> bool {
    match binding {
        Binding::BuildScript | Binding::LockFile | Binding::ManifestScripts => true,
        Binding::AgentSettings
        | Binding::Ci
        | Binding::EditorTask
        | Binding::Environment
        | Binding::GitConfig
        | Binding::GitHook
        | Binding::Instructions
        | Binding::McpSettings
        | Binding::Own
        | Binding::PackageSettings
        | Binding::Program
        | Binding::Scheduled
        | Binding::ShellProfile
        | Binding::ToolSettings => false,
    }
}

/// What obeys a file of the home folder. `rest` is folded and below it.
pub(super) fn at_home(rest: &str) -> Option<Binding> {
    listed(AT_HOME, rest).map(|binding| of_agent(binding, rest))
}

/// What obeys a file of the machine. `folded` is absolute.
pub(super) fn of_machine(folded: &str) -> Option<Binding> {
    listed(ABSOLUTE, folded)
}

/// What obeys a file of the workspace. `rest` is folded and below the workspace.
pub(super) fn in_workspace(rest: &str) -> Option<Binding> {
    let mut everyday = None;
    let mut before = "";
    let mut parts = rest.split('/').peekable();
    while let Some(name) = parts.next() {
        let pair = PAIRS.iter().find(|(_, first, second)| *first == before && *second == name);
        let found = BY_FOLDER.get(name).copied().or(pair.map(|(binding, _, _)| *binding));
        match found {
            Some(binding) if is_everyday(binding) => everyday = Some(binding),
            Some(Binding::GitConfig) if parts.peek() == Some(&"hooks") => return Some(Binding::GitHook),
            Some(binding) => return Some(of_agent(binding, rest)),
            None => {}
        }
        if parts.peek().is_none() {
            return BY_FILE.get(name).copied().or(everyday).or_else(|| by_form(before, name));
        }
        before = name;
    }
    None
}

/// Files that have many names of one form: `Dockerfile.dev`, `requirements-dev.txt`, `x.gemspec`.
fn by_form(folder: &str, name: &str) -> Option<Binding> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    if let Some((binding, _)) = ENDINGS.iter().find(|(_, listed)| *listed == ending) {
        return Some(*binding);
    }
    if name.starts_with("dockerfile.") || ending == "dockerfile" || name.starts_with("makefile.") {
        return Some(Binding::BuildScript);
    }
    if let Some((binding, _)) = BEGINNINGS.iter().find(|(_, beginning)| name.starts_with(beginning)) {
        return Some(*binding);
    }
    if ending == "toml" && name.starts_with("mise.") {
        return Some(Binding::Environment);
    }
    if ending == "txt" && (stem.starts_with("requirements") || folder == "requirements") {
        return Some(Binding::ManifestScripts);
    }
    // Bundlers and test runners load `vite.config.ts` and the like as code.
    let is_code = matches!(ending, "js" | "cjs" | "mjs" | "ts" | "cts" | "mts");
    (is_code && stem.ends_with(".config")).then_some(Binding::BuildScript)
}

/// In an agent's folder: its servers and its instructions have kinds of their own.
fn of_agent(binding: Binding, path: &str) -> Binding {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_folder_of_one = binding == Binding::AgentSettings || binding == Binding::EditorTask;
    if is_folder_of_one && MCP_FILES.contains(&name) {
        Binding::McpSettings
    } else if binding == Binding::AgentSettings && (name.ends_with(".md") || name.ends_with(".mdc")) {
        Binding::Instructions
    } else {
        binding
    }
}

fn listed(lists: &[(Binding, &[&str])], path: &str) -> Option<Binding> {
    lists.iter().find(|(_, list)| list.iter().any(|entry| names(entry, path))).map(|(binding, _)| *binding)
}

/// Names of guarded files and folders that can stand in any folder of the workspace.
pub(super) fn guarded_names() -> impl Iterator<Item = &'static str> {
    let guarded = |(binding, _): &&(Binding, &[&str])| !is_everyday(*binding);
    let files = FILES.iter().filter(guarded);
    files.chain(FOLDERS).flat_map(|(_, list)| list.iter().copied())
}

/// The names that matter, by their first byte: a bit for each length. Most names of a large folder end here.
static LENGTHS: LazyLock<[u64; 128]> = LazyLock::new(|| {
    let mut lengths = [0; 128];
    for name in guarded_names() {
        let slot = name.bytes().next().and_then(|first| lengths.get_mut(usize::from(first)));
        if let (Some(slot), Some(bit)) = (slot, bit(name.len())) {
            *slot |= bit;
        }
    }
    lengths
});

const fn bit(length: usize) -> Option<u64> {
    if length < 64 { Some(1 << length) } else { None }
}

/// Whether a file or folder of this name, which is not folded, could matter by its name alone. It says yes for some that
/// do not.
pub(super) fn could_matter(name: &str) -> bool {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let folds = !name.is_ascii() || matches!(last, b'.' | b' ') || bytes.contains(&b'~');
    let ending = ENDINGS
        .iter()
        .any(|(binding, end)| !is_everyday(*binding) && name.len() > end.len() && ends_with(bytes, end));
    let lengths = LENGTHS.get(usize::from(first.to_ascii_lowercase())).copied().unwrap_or_default();
    let begins =
        BEGINNINGS.iter().any(|(_, beginning)| begins_with(name, beginning)) || begins_with(name, "mise.");
    folds || ending || begins || bit(bytes.len()).is_some_and(|bit| lengths & bit != 0)
}

fn begins_with(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len()).is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

fn ends_with(name: &[u8], end: &str) -> bool {
    let at = name.len().saturating_sub(end.len());
    name.get(at..).is_some_and(|found| found.eq_ignore_ascii_case(end.as_bytes()))
}

/// Whether names in a folder of this name, which is folded, matter by the two together.
pub(super) fn begins_a_pair(folder: &str) -> bool {
    PAIRS.iter().any(|(_, first, _)| *first == folder)
}
