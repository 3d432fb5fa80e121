//! Files that tools load by themselves and that ordinary work writes too: settings of linters, of builds, of what is
//! installed. None of them is kept from change; a person is told which did.
//!
//! Names are folded (lower case).

use std::collections::HashSet;
use std::sync::LazyLock;

use super::fold::fold;

/// Whole names.
const NAMES: &[&str] = &[
    ".bazelrc",
    ".php-cs-fixer.dist.php",
    ".php-cs-fixer.php",
    ".pnp.cjs",
    ".pnp.js",
    ".pnp.loader.mjs",
    ".pylintrc",
    ".rspec",
    ".rubocop.yml",
    "action.yaml",
    "action.yml",
    "cmakepresets.json",
    "cmakeuserpresets.json",
    "devbox.json",
    "devenv.nix",
    "gradle.properties",
    "init.gradle",
    "netlify.toml",
    "pylintrc",
    "sitecustomize.py",
    "usercustomize.py",
    "vercel.json",
];

/// How names begin of which there are many: `.eslintrc.cjs`, `eslint.config.ts`.
const BEGINNINGS: &[&str] = &[
    ".babelrc",
    ".commitlintrc",
    ".eslintrc",
    ".lintstagedrc",
    ".prettierrc",
    ".stylelintrc",
    "babel.config.",
    "commitlint.config.",
    "eslint.config.",
    "lint-staged.config.",
    "prettier.config.",
    "stylelint.config.",
];

/// Folders in which installing puts programs.
const OF_PROGRAMS: [&str; 2] = ["bin", "scripts"];

static BY_NAME: LazyLock<HashSet<&'static str>> = LazyLock::new(|| NAMES.iter().copied().collect());
/// Longer names are not looked for.
const LONGEST: usize = 32;

/// Whether something loads a file of this name by itself, although work may change it. `folder` is the name of the folder
/// that it lies in; `built` where that is one of dependencies, in which only what runs unasked counts.
#[must_use]
pub fn tells(folder: &str, name: &str, built: bool) -> bool {
    if built {
        return of_installed(folder, name);
    }
    let is_short = name.len() <= LONGEST;
    ends_with(name, ".pth")
        || BEGINNINGS.iter().any(|beginning| begins_with(name, beginning))
        || (is_short && BY_NAME.contains(&*fold(name)))
}

/// In what was installed: programs by a name that shells find, and what an interpreter runs as it starts.
fn of_installed(folder: &str, name: &str) -> bool {
    let is_script = OF_PROGRAMS.iter().any(|programs| folder.eq_ignore_ascii_case(programs));
    folder == ".bin"
        || ends_with(name, ".pth")
        || name.eq_ignore_ascii_case("sitecustomize.py")
        || name.eq_ignore_ascii_case("usercustomize.py")
        || (is_script && begins_with(name, "activate"))
}

fn begins_with(name: &str, beginning: &str) -> bool {
    name.get(..beginning.len()).is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

fn ends_with(name: &str, ending: &str) -> bool {
    let at = name.len().checked_sub(ending.len());
    at.and_then(|at| name.get(at..)).is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tools_load_is_told_and_ordinary_files_are_not() {
        for (folder, name, built, wanted) in [
            ("", ".eslintrc.cjs", false, true),
            ("web", "ESLint.config.ts", false, true),
            ("", ".Pylintrc", false, true),
            ("", "gradle.properties", false, true),
            ("", ".pnp.cjs", false, true),
            ("site-packages", "x.pth", true, true),
            ("bin", "activate.fish", true, true),
            (".bin", "tsc", true, true),
            ("eslint", ".eslintrc.json", true, false),
            ("src", "activate", false, false),
            ("src", "main.rs", false, false),
            ("src", "eslint.rs", false, false),
            ("", "é", false, false),
            ("", "", false, false),
        ] {
            assert_eq!(tells(folder, name, built), wanted, "{folder}/{name}");
        }
        assert!(NAMES.iter().all(|name| name.len() <= LONGEST));
    }
}
