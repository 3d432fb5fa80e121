//! Tool chains, package caches and settings that lie in the user's home.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Folders of tool chains and caches, below the home.
const ROOTS: &[&str] = &[
    ".asdf",
    ".bun",
    ".cabal",
    ".cache/Cypress",
    ".cache/bazel",
    ".cache/ccache",
    ".cache/deno",
    ".cache/go-build",
    ".cache/golangci-lint",
    ".cache/ms-playwright",
    ".cache/node",
    ".cache/pip",
    ".cache/pnpm",
    ".cache/pre-commit",
    ".cache/pypoetry",
    ".cache/sccache",
    ".cache/typescript",
    ".cache/uv",
    ".cache/yarn",
    ".cargo",
    ".composer/vendor",
    ".config/git",
    ".deno",
    ".dotnet",
    ".elan",
    ".fnm",
    ".gem",
    ".ghcup",
    ".goenv",
    ".gradle",
    ".ivy2",
    ".jenv",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/rtx",
    ".local/share/uv",
    ".local/share/virtualenv",
    ".m2",
    ".mix",
    ".nix-profile",
    ".npm",
    ".npm-global",
    ".nuget",
    ".nvm",
    ".opam",
    ".poetry",
    ".proto",
    ".pub-cache",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".rvm",
    ".sbt",
    ".sdkman",
    ".stack",
    ".swiftly",
    ".virtualenvs",
    ".volta",
    ".yarn",
    "Library/Caches/pip",
    "go",
    "miniconda3",
    "miniforge3",
    "anaconda3",
];

/// Variables that say where a tool chain lies instead.
const ROOT_VARIABLES: &[&str] = &[
    "CARGO_HOME",
    "CONDA_PREFIX",
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_USER_HOME",
    "JAVA_HOME",
    "MAVEN_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "SDKMAN_DIR",
    "UV_CACHE_DIR",
    "VIRTUAL_ENV",
    "VOLTA_HOME",
];

/// Settings that tools read and nobody inside changes.
const SETTINGS: &[&str] = &[
    ".config/git/config",
    ".config/git/ignore",
    ".editorconfig",
    ".gitconfig",
    ".gitignore",
    ".gitignore_global",
    ".rustfmt.toml",
    ".config/rustfmt",
    ".tool-versions",
    ".python-version",
    ".ruby-version",
    ".node-version",
    ".nvmrc",
];

/// All folders of tool chains and caches, whether they exist or not.
pub(super) fn roots(home: &Path, variable: &dyn Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let named = ROOT_VARIABLES.iter().filter_map(|name| variable(name)).map(PathBuf::from);
    // One that is the home itself, or around it, would show everything; the system shows anyway.
    let system = |path: &Path| ["/etc", "/opt", "/usr", "/var"].iter().any(|shown| path.starts_with(shown));
    let named = named.filter(|path| path.is_absolute() && !home.starts_with(path) && !system(path));
    ROOTS.iter().map(|name| home.join(name)).chain(named).collect()
}

/// Settings, whether they exist or not.
pub(super) fn settings(home: &Path) -> Vec<PathBuf> {
    SETTINGS.iter().map(|name| home.join(name)).collect()
}

/// Folders in which programs are looked for, and the tool chains that such a folder is a part of.
pub(super) fn of_path(search: Option<&OsStr>, home: &Path) -> Vec<PathBuf> {
    let folders = search.map(|search| std::env::split_paths(search).collect::<Vec<_>>()).unwrap_or_default();
    let folders: Vec<PathBuf> =
        folders.into_iter().filter(|path| path.is_absolute() && !home.starts_with(path)).collect();
    let whole = folders.iter().filter_map(|folder| {
        let around = folder.parent().filter(|_| folder.ends_with("bin"))?;
        // The user's own prefix is many things beside tools.
        let own = home.starts_with(around) || around.ends_with(".local");
        (around.join("lib").is_dir() && around.parent().is_some() && !own).then(|| around.to_owned())
    });
    let whole: Vec<PathBuf> = whole.collect();
    folders.into_iter().chain(whole).collect()
}
