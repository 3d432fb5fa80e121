//! What a person wants left out of a walk, in the words of a `.gitignore`.

use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Most patterns, and the longest one in bytes.
pub const MAX_PATTERNS: usize = 1_000;
pub const MAX_PATTERN_BYTES: usize = 4_096;

/// Patterns over paths below the folder that is scanned. The last one that fits counts, and `!` takes back in; what lies
/// in a folder that is left out stays out. <https://git-scm.com/docs/gitignore#_pattern_format>
#[derive(Clone, Debug, Default)]
pub struct Exclude(Option<Arc<Gitignore>>);

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExcludeError {
    #[error("`{pattern}` is no pattern: {why}")]
    Pattern { pattern: String, why: String },
    #[error("a pattern is longer than {MAX_PATTERN_BYTES} bytes")]
    TooLong,
    #[error("there are more than {MAX_PATTERNS} patterns")]
    TooMany,
}

// === impl Exclude ===

impl Exclude {
    /// Reads patterns, one a text.
    pub fn of(patterns: &[String]) -> Result<Self, ExcludeError> {
        if patterns.is_empty() {
            return Ok(Self::default());
        }
        if patterns.len() > MAX_PATTERNS {
            return Err(ExcludeError::TooMany);
        }
        let mut builder = GitignoreBuilder::new("");
        for pattern in patterns {
            if pattern.len() > MAX_PATTERN_BYTES {
                return Err(ExcludeError::TooLong);
            }
            let wrong = |why: &dyn std::fmt::Display| ExcludeError::Pattern {
                pattern: pattern.clone(),
                why: why.to_string(),
            };
            if pattern.trim().is_empty() || pattern.starts_with('#') || pattern.contains('\n') {
                return Err(wrong(&"it names nothing"));
            }
            builder.add_line(None, pattern).map_err(|error| wrong(&error))?;
        }
        let built = builder
            .build()
            .map_err(|error| ExcludeError::Pattern { pattern: patterns.join(" "), why: error.to_string() })?;
        Ok(Self(Some(Arc::new(built))))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether something below the root is left out. Asked from the root downwards, a folder at a time.
    pub fn leaves_out(&self, relative: &Path, is_folder: bool) -> bool {
        self.0.as_ref().is_some_and(|patterns| match patterns.matched(relative, is_folder) {
            Match::Ignore(_) => true,
            Match::None | Match::Whitelist(_) => false,
        })
    }

    /// The same of a path whose folders nobody asked about: what lies below one that is left out is left out too.
    pub fn leaves_out_below(&self, relative: &Path, is_folder: bool) -> bool {
        if self.0.is_none() {
            return false;
        }
        let mut above = relative.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        self.leaves_out(relative, is_folder) || above.any(|folder| self.leaves_out(folder, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        let long = "a".repeat(MAX_PATTERN_BYTES + 1);
        for (patterns, path, is_folder, expected) in [
            (&["target"][..], "a/target", true, true),
            (&["target/"], "a/target", false, false),
            (&["/target"], "a/target", true, false),
            (&["/target"], "target", true, true),
            (&["*.min.js"], "a/b/x.min.js", false, true),
            (&["a/**/c"], "a/b/b/c", false, true),
            (&["a/*/c"], "a/b/b/c", false, false),
            (&["*.js", "!keep.js"], "a/keep.js", false, false),
            (&["!keep.js", "*.js"], "a/keep.js", false, true),
            (&["vendor"], "vendor/a/b.json", false, true),
            (&["a?[bc]"], "axb", false, true),
            (&[], "a", false, false),
        ] {
            let patterns: Vec<String> = patterns.iter().map(|text| (*text).to_owned()).collect();
            let exclude = Exclude::of(&patterns).unwrap();
            assert_eq!(exclude.leaves_out_below(Path::new(path), is_folder), expected, "{patterns:?} {path}");
        }
        for wrong in ["", "  ", "# a", "a\nb", "a{b", &long] {
            assert!(Exclude::of(&[wrong.to_owned()]).is_err(), "{wrong:?}");
        }
        assert!(Exclude::of(&vec!["a".to_owned(); MAX_PATTERNS + 1]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_breaks_the_reader(pattern in "[ -~]{0,40}", path in "[a-c/]{1,10}") {
            if let Ok(exclude) = Exclude::of(&[pattern]) {
                let _ = exclude.leaves_out_below(Path::new(path.trim_start_matches('/')), false);
            }
        }
    }
}
