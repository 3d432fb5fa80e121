//! Findings that are known: one key a line, with what it was for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use writ_scan::finding::Finding;
use writ_scan::walk::read_regular;

use crate::failure::Failure;

/// Longest baseline that is read, in bytes.
const MAX_BYTES: usize = 64 << 20;
const HEAD: &str =
    "# writ scan baseline 1: findings that are known. A line ends to count when its finding is gone.\n";

/// The keys of a baseline.
pub(super) fn read(file: &Path) -> Result<BTreeSet<String>, Failure> {
    let bytes = read_regular(file, MAX_BYTES).map_err(|error| {
        Failure::usage(format_args!("could not read the baseline `{}`: {error}", file.display()))
    })?;
    let text = String::from_utf8_lossy(&bytes);
    if !text.starts_with("# writ scan baseline 1") {
        return Err(Failure::usage(format_args!("`{}` is no baseline of a scan", file.display()))
            .hint("`writ scan --write-baseline FILE` writes one"));
    }
    let keys = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    Ok(keys.filter(|key| key.len() == 32).map(str::to_owned).collect())
}

/// Writes the findings of a scan as known.
pub(super) fn write(file: &Path, findings: &[Finding]) -> Result<(), Failure> {
    let mut text = HEAD.to_owned();
    let mut lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} {} {:?}", finding.key, finding.rule.id, finding.path.to_string_lossy()))
        .collect();
    lines.sort();
    lines.dedup();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    std::fs::write(file, text).map_err(|error| {
        Failure::usage(format_args!("could not write the baseline `{}`: {error}", file.display()))
    })
}
