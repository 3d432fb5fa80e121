//! Scans a folder and prints what is found, one JSON object a line: the survey without the rest of the program.

#![allow(clippy::print_stdout, reason = "this is what an example is for")]

use std::path::PathBuf;

use writ_scan::report;
use writ_scan::survey::scan_tree;
use writ_scan::walk::WalkOptions;

fn main() {
    let root = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let scan = scan_tree(&root, WalkOptions::default());
    for found in &scan.found {
        println!("{}", report::file(found));
    }
    for note in &scan.notes {
        println!(
            "{}",
            serde_json::json!({"note": note.why.to_string(), "at": note.relative.to_string_lossy()})
        );
    }
}
