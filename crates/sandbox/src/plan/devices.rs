//! Device nodes that the system's root user opens without any capability.
//!
//! A yard that is started by root keeps that user id, and the owner of `/dev/sda` reads the whole disk, mask or no
//! mask. For everybody else the file modes decide, as they do outside.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Names under `/dev` that ordinary programs need.
const HARMLESS: [&str; 9] = ["null", "zero", "full", "random", "urandom", "tty", "ptmx", "fuse", "kvm"];

/// Directories under `/dev` whose nodes belong to whoever opened them.
const HARMLESS_DIRECTORIES: [&str; 4] = ["pts", "shm", "dri", "mqueue"];

/// How deep `/dev` is walked; its own directories are two deep.
const MAX_DEPTH: usize = 4;

/// Device nodes to hide from a client that runs as root.
pub(super) fn dangerous() -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(Path::new("/dev"), MAX_DEPTH, &mut found);
    found.sort();
    found
}

fn walk(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let name = entry.file_name();
        let top = directory == Path::new("/dev");
        if metadata.is_dir() {
            let harmless = top && HARMLESS_DIRECTORIES.iter().any(|known| name == *known);
            if depth > 0 && !harmless {
                walk(&entry.path(), depth - 1, found);
            }
            continue;
        }
        let harmless =
            top && !metadata.file_type().is_block_device() && HARMLESS.iter().any(|known| name == *known);
        if is_device(&metadata) && !harmless && metadata.uid() == 0 {
            found.push(entry.path());
        }
    }
}

/// Whether a path is a device node.
fn is_device(found: &fs::Metadata) -> bool {
    found.file_type().is_block_device() || found.file_type().is_char_device()
}
