//! Patterns of paths in `include`: `*` within a folder, `**` through folders, as <https://docs.gitlab.com/ci/yaml/includes/> has them.

use std::path::Path;

/// Most files of one pattern, and most entries of folders that are looked at for it.
const MAX_FILES: usize = 100;
const MAX_ENTRIES: usize = 20_000;

/// One part of a pattern.
enum Part {
    Is(char),
    /// `*`
    InName,
    /// `**`
    Any,
    /// `**/`
    Folders,
}

/// The files below a folder that a path or a pattern names, in their order.
pub(crate) fn files(top: &Path, pattern: &str) -> Vec<String> {
    let Some(star) = pattern.find('*') else { return vec![pattern.to_owned()] };
    let head = pattern.get(..star).and_then(|head| head.rsplit_once('/')).map_or("", |(head, _)| head);
    let is_plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    if !Path::new(head).components().all(is_plain) {
        return Vec::new();
    }
    let parts = parts(pattern);
    let (mut found, mut left) = (Vec::new(), MAX_ENTRIES);
    let mut folders = vec![head.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(top.join(&folder)) else { continue };
        for entry in entries.flatten() {
            let Some(fewer) = left.checked_sub(1) else { break };
            left = fewer;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            // Links are neither: they could lead elsewhere, and in circles.
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !path.ends_with(".git") => folders.push(path),
                Ok(kind) if kind.is_file() && is_named(&parts, &path) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found.truncate(MAX_FILES);
    found
}

fn parts(pattern: &str) -> Vec<Part> {
    let (mut parts, mut rest) = (Vec::new(), pattern);
    while let Some(letter) = rest.chars().next() {
        let (part, length) = if rest.starts_with("**/") {
            (Part::Folders, 3)
        } else if rest.starts_with("**") {
            (Part::Any, 2)
        } else if letter == '*' {
            (Part::InName, 1)
        } else {
            (Part::Is(letter), letter.len_utf8())
        };
        parts.push(part);
        rest = rest.get(length..).unwrap_or("");
    }
    parts
}

/// Whether a path is one of a pattern's. Goes over it once with all places of the pattern that it may be at.
fn is_named(parts: &[Part], path: &str) -> bool {
    if !(path.ends_with(".yml") || path.ends_with(".yaml")) {
        return false;
    }
    let mut at = vec![false; parts.len() + 1];
    reach(parts, &mut at, 0);
    for letter in path.chars() {
        let mut next = vec![false; parts.len() + 1];
        for (place, part) in parts.iter().enumerate().filter(|(place, _)| at.get(*place) == Some(&true)) {
            match part {
                Part::Is(own) if *own == letter => reach(parts, &mut next, place + 1),
                Part::InName if letter != '/' => reach(parts, &mut next, place),
                Part::Any => reach(parts, &mut next, place),
                Part::Folders => {
                    // Whole folders only: what follows begins behind a slash.
                    if let Some(seen) = next.get_mut(place) {
                        *seen = true;
                    }
                    if letter == '/' {
                        reach(parts, &mut next, place + 1);
                    }
                }
                Part::Is(_) | Part::InName => {}
            }
        }
        at = next;
    }
    at.last() == Some(&true)
}

/// Marks a place of a pattern, and those behind it that need no letter.
fn reach(parts: &[Part], at: &mut [bool], place: usize) {
    let mut place = place;
    loop {
        if let Some(seen) = at.get_mut(place) {
            *seen = true;
        }
        match parts.get(place) {
            Some(Part::InName | Part::Any | Part::Folders) => place += 1,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_files() {
        for (pattern, path, expected) in [
            ("ci/*.yml", "ci/a.yml", true),
            ("ci/*.yml", "ci/a/b.yml", false),
            ("ci/*.yml", "ci/a.yaml", false),
            ("ci/**.yml", "ci/a/b.yml", true),
            ("ci/**.yml", "ci/b.yml", true),
            ("ci/**/*.yml", "ci/a/b/c.yml", true),
            ("ci/**/*.yml", "ci/c.yml", true),
            ("ci/**/a.yml", "ci/ba.yml", false),
            ("**/agent.yml", "agent.yml", true),
            ("**/agent.yml", "a/agent.yml", true),
            ("ci/*/x-*.yaml", "ci/a/x-b.yaml", true),
            ("ci/*", "ci/script.sh", false),
            ("*", "é.yml", true),
        ] {
            assert_eq!(is_named(&parts(pattern), path), expected, "{pattern} {path}");
        }
        let long = parts(&"*a".repeat(2_000));
        assert!(!is_named(&long, &format!("{}.yml", "a".repeat(4_000))));
    }
}
