//! The tests of the shipped profiles. They are part of the program, so that anybody can run them on it.

use writ_policy::SourceFile;

macro_rules! tests {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../../../policies/profiles/", $name, ".tests.toml")))),*]
    };
}

const TESTS: [(&str, &str); 13] = tests![
    "bugfix",
    "dependency-update",
    "docs",
    "every",
    "feature",
    "hooked",
    "named",
    "ops",
    "refactor",
    "release",
    "review",
    "test",
    "work",
];

pub(super) fn tests() -> Vec<SourceFile> {
    TESTS
        .into_iter()
        .map(|(name, text)| SourceFile { name: format!("{name}.tests.toml"), text: text.to_owned() })
        .collect()
}
