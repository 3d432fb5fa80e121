//! Scans a folder and prints what is found, one JSON object a line: the survey without the rest of the program. With a
//! second argument, what folders held is kept in that file for the next time.

#![allow(clippy::print_stderr, reason = "this is what an example is for")]

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::time::Instant;

use writ_scan::report;
use writ_scan::survey::{Level, scan};
use writ_scan::walk::cache::{Cache, MAX_CACHE_BYTES};
use writ_scan::walk::{WalkOptions, read_regular, walk};

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let root = arguments.next().unwrap_or_else(|| PathBuf::from("."));
    let file = arguments.next();
    let began = Instant::now();
    let old = file.as_deref().and_then(|file| read_regular(file, MAX_CACHE_BYTES).ok()).unwrap_or_default();
    let cache = Cache::new(&old, i64::MAX / 4);
    let walked = walk(&root, &WalkOptions::default(), file.is_some().then_some(&cache), None);
    let walking = began.elapsed();
    let scan = scan(&root, Level::Project, walked);
    if let Some(file) = file {
        let _ = std::fs::write(file, cache.bytes());
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    let told = scan.found.iter().map(report::file).chain(scan.notes.iter().map(report::note));
    for line in told {
        let _ = writeln!(out, "{line}");
    }
    drop(out);
    eprintln!("{} entries; walk {walking:?}, all {:?}", scan.entries, began.elapsed());
}
