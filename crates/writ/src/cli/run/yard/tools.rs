//! Tool chains, package caches and settings that lie in the user's home.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::system;

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
    "ANDROID_HOME",
    "ANDROID_SDK_ROOT",
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "BUN_INSTALL",
    "CARGO_HOME",
    "CONDA_PREFIX",
    "CUDA_HOME",
    "CUDA_PATH",
    "DENO_DIR",
    "DENO_INSTALL",
    "DOTNET_ROOT",
    "EMSDK",
    "FLUTTER_ROOT",
    "FNM_DIR",
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_USER_HOME",
    "JAVA_HOME",
    "M2_HOME",
    "MAVEN_HOME",
    "MISE_DATA_DIR",
    "NPM_CONFIG_CACHE",
    "NPM_CONFIG_PREFIX",
    "NVM_DIR",
    "PIP_CACHE_DIR",
    "PNPM_HOME",
    "POETRY_HOME",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "SDKMAN_DIR",
    "UV_CACHE_DIR",
    "UV_PYTHON_INSTALL_DIR",
    "VCPKG_ROOT",
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
pub(super) fn roots(
    home: &Path,
    workspace: &Path,
    variable: &dyn Fn(&str) -> Option<OsString>,
) -> Vec<PathBuf> {
    let values: Vec<OsString> = ROOT_VARIABLES.iter().filter_map(|name| variable(name)).collect();
    let named = values.iter().flat_map(std::env::split_paths);
    // One that is the home itself, or around it, would show everything; the system shows anyway, and so does what lies in
    // the workspace, where changes are to stay.
    let fits = |path: &PathBuf| {
        path.is_absolute()
            && path.parent().is_some()
            && !home.starts_with(path)
            && !workspace.starts_with(path)
            && !path.starts_with(workspace)
            && !system::is_shown(path)
    };
    ROOTS.iter().map(|name| home.join(name)).chain(named.filter(fits)).collect()
}

/// Settings, whether they exist or not.
pub(super) fn settings(home: &Path) -> Vec<PathBuf> {
    SETTINGS.iter().map(|name| home.join(name)).collect()
}

/// Folders in which programs are looked for, and the tool chains that such a folder is a part of. `apart` are the home
/// and the workspace.
pub(super) fn of_path(search: Option<&OsStr>, apart: &[&Path]) -> Vec<PathBuf> {
    let folders = search.map(|search| std::env::split_paths(search).collect::<Vec<_>>()).unwrap_or_default();
    let fits = |path: &PathBuf| {
        path.is_absolute() && path.parent().is_some() && !apart.iter().any(|apart| apart.starts_with(path))
    };
    let folders: Vec<PathBuf> = folders.into_iter().filter(fits).collect();
    let whole: Vec<PathBuf> = folders.iter().map(|folder| system::tool_chain(folder, apart)).collect();
    folders.into_iter().chain(whole).collect()
}
