//! Agents that are no program of this machine: those of pipelines, and tools that a repository has settings for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use writ_scan::survey::Level;
use writ_scan::walk::read_regular;

use super::{Found, Place};
use crate::cli::scan::Whole;
use crate::git::history;
use crate::screen;

/// Most agents of one scan; a person looks at each.
const MAX_FOUND: usize = 500;
/// Most files or jobs named of one.
const MOST_NAMED: usize = 5;
/// Longest settings of git that are read, in bytes.
const MAX_CONFIG: usize = 1 << 20;
/// What is no tool, or nobody's alone.
const NO_TOOLS: &[&str] =
    &["agents-md", "generic-mcp", "git", "github-actions", "gitlab-ci", "identity-code"];

/// One for each tool and repository: in pipelines, and where folders were named, in settings.
pub(super) fn found(whole: &Whole) -> Vec<Found> {
    let mut names: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut pipelines: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
    let mut projects: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
    for file in whole.found.iter().filter(|file| file.level == Level::Project) {
        let Some(repository) = whole.place(&file.path).and_then(|path| repository(&path)) else { continue };
        let name = names.entry(repository).or_insert_with_key(|folder| name(folder)).clone();
        let path = file.path.to_string_lossy();
        for step in file.workflow.iter().flat_map(|workflow| &workflow.agents) {
            let by = if step.outsider_by.is_empty() { "" } else { ", which anybody can start" };
            let evidence = format!("job {} of {path}{by}", step.job);
            pipelines.entry((step.agent, name.clone())).or_default().push(evidence);
        }
        for job in file.gitlab.iter().flat_map(|pipeline| &pipeline.agents) {
            let evidence = format!("job {} of {path}", job.job);
            pipelines.entry((job.agent, name.clone())).or_default().push(evidence);
        }
        let is_settings = file.kind.is_configuration() && !NO_TOOLS.contains(&file.tool);
        if is_settings && whole.repository.is_none() {
            projects.entry((file.tool, name)).or_default().push(format!("settings in {path}"));
        }
    }
    let of =
        |((tool, repository), evidence): ((&'static str, String), Vec<String>),
         place: fn(String) -> Place| { Found::new(tool, place(repository), named(evidence)) };
    let pipelines = pipelines.into_iter().map(|one| of(one, Place::Pipeline));
    let mut found: Vec<Found> =
        pipelines.chain(projects.into_iter().map(|one| of(one, Place::Project))).collect();
    if found.len() > MAX_FOUND {
        screen::say(format_args!(
            "note: {} agents were found in pipelines and repositories; the first {MAX_FOUND} are compared",
            found.len()
        ));
        found.truncate(MAX_FOUND);
    }
    found
}

fn named(mut evidence: Vec<String>) -> Vec<String> {
    evidence.sort();
    evidence.dedup();
    let more = evidence.len().saturating_sub(MOST_NAMED);
    evidence.truncate(MOST_NAMED);
    if more > 0 {
        evidence.push(format!("{more} more"));
    }
    evidence
}

/// The working copy that a file lies in; without one, the folder that holds the tool's own.
fn repository(file: &Path) -> Option<PathBuf> {
    let copy = file.ancestors().skip(1).find(|folder| folder.join(".git").exists());
    let own = || {
        let hidden =
            |folder: &&Path| folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        file.ancestors().skip(1).find(hidden).unwrap_or(file).parent()
    };
    copy.or_else(own).map(Path::to_owned)
}

/// What people call a repository: the end of its origin's address, `owner-name`, or its folder's name.
fn name(folder: &Path) -> String {
    let origin = history::place(folder)
        .filter(|_| folder.join(".git").exists())
        .and_then(|(_, common)| read_regular(&common.join("config"), MAX_CONFIG).ok())
        .and_then(|bytes| of_address(&origin(&String::from_utf8_lossy(&bytes))?));
    origin
        .or_else(|| Some(folder.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "repository".to_owned())
}

/// The address of `origin` in git's settings.
fn origin(config: &str) -> Option<String> {
    let mut within = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            within = line.replace(char::is_whitespace, "") == "[remote\"origin\"]";
        } else if within
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "url"
        {
            return Some(value.trim().trim_matches('"').to_owned());
        }
    }
    None
}

/// The last two parts of an address's path. What stands before the path may hold a password.
fn of_address(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.rsplit_once('@').map_or(rest, |(_, rest)| rest).split_once('/')?.1,
        None => address.rsplit_once(':').map_or(address, |(_, path)| path),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let mut parts =
        path.trim_end_matches(".git").rsplit('/').filter(|part| !part.is_empty() && !part.contains('@'));
    match (parts.next(), parts.next()) {
        (Some(name), Some(owner)) => Some(format!("{owner}-{name}")),
        (Some(name), None) => Some(name.to_owned()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_the_name_of_its_origin_and_no_password_in_it() {
        for (address, name) in [
            ("https://forge.test/acme/shop.git", Some("acme-shop")),
            ("https://t0k3n@forge.test/acme/shop", Some("acme-shop")),
            ("https://t0k3n@forge.test/shop.git", Some("shop")),
            ("git@forge.test:acme/shop.git", Some("acme-shop")),
            ("ssh://git@forge.test:22/group/acme/shop/", Some("acme-shop")),
            ("/srv/git/shop.git", Some("git-shop")),
            ("https://t0k3n@forge.test", None),
            ("https://me:t0/k3/n@forge.test/shop", Some("shop")),
            ("", None),
        ] {
            assert_eq!(of_address(address).as_deref(), name, "{address}");
        }
        let config = "[core]\n\turl = no\n[remote \"other\"]\n\turl = no\n[remote \"origin\"]\n\tfetch = x\n\turl = a:b/c\n";
        assert_eq!(origin(config).as_deref(), Some("a:b/c"));
        assert_eq!(origin("[remote \"origin\"]\n[x]\nurl = no"), None);
    }

    #[test]
    fn a_file_belongs_to_the_folder_that_holds_its_tools_own() {
        for (file, folder) in [
            ("/none/a/.github/workflows/x.yml", "/none/a"),
            ("/none/a/.claude/settings.json", "/none/a"),
            ("/none/a/.gitlab-ci.yml", "/none/a"),
            ("/none/a/.mcp.json", "/none/a"),
        ] {
            assert_eq!(repository(Path::new(file)).as_deref(), Some(Path::new(folder)), "{file}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_settings_of_git_break_the_reader_or_show_what_stands_before_a_path(
            config in ".{0,80}",
            user in "[a-z0-9]{1,9}",
            password in "[A-Z0-9]{6,12}",
            path in "[a-z./:?#-]{0,20}",
        ) {
            let _ = origin(&config).and_then(|address| of_address(&address));
            let config = format!("[remote \"origin\"]\nurl = https://{user}:{password}@forge.test{path}");
            let name = origin(&config).and_then(|address| of_address(&address)).unwrap_or_default();
            proptest::prop_assert!(!name.contains(&password), "{name}");
        }
    }
}
