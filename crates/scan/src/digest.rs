//! Digests over sets of files: by label and content, in a fixed order, with a bound that still shows a change.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use writ_model::Digest;

use crate::walk::{open_regular, read_regular};

/// Files larger than this count by their length only, so that a change still shows.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Most files taken out of one folder, and how deep.
const MAX_FILES: usize = 2_000;
const MAX_DEPTH: usize = 6;
/// What a client unpacks below its own folders at every start (Codex does). Its version stands for it.
const UNPACKED: &str = ".system";

/// Adds a file, or every file below a folder, under labels that do not name the machine.
///
/// What is missing adds nothing, so a file that appears later is a change. Links are followed to what a client would
/// read; a folder is entered once per name and at most [`MAX_DEPTH`] deep, so a loop of links ends.
pub fn collect(into: &mut BTreeMap<String, PathBuf>, label: &str, path: &Path) {
    walk(into, label, path, 0);
}

fn walk(into: &mut BTreeMap<String, PathBuf>, label: &str, path: &Path, depth: usize) {
    if into.len() >= MAX_FILES || depth > MAX_DEPTH {
        return;
    }
    let Ok(facts) = std::fs::metadata(path) else { return };
    if facts.is_file() && !says_nothing(path, facts.len()) {
        into.insert(label.to_owned(), path.to_owned());
    } else if facts.is_dir() {
        let Ok(entries) = std::fs::read_dir(path) else { return };
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort();
        for name in names.into_iter().filter(|name| name != UNPACKED) {
            walk(into, &format!("{label}/{}", name.to_string_lossy()), &path.join(&name), depth + 1);
        }
    }
}

/// An empty JSON object, as clients leave behind by themselves: as good as no file.
fn says_nothing(path: &Path, length: u64) -> bool {
    (2..=4).contains(&length) && read_regular(path, 4).is_ok_and(|bytes| bytes.trim_ascii() == b"{}")
}

/// SHA-256 over (label, SHA-256 of the content) of every file, sorted by label; `None` when one cannot be read.
pub fn of_files(files: &BTreeMap<String, PathBuf>) -> Option<Digest> {
    let mut whole = Context::new(&SHA256);
    for (label, path) in files {
        part(&mut whole, label.as_bytes());
        whole.update(of_file(path)?.as_bytes());
    }
    finished(whole)
}

/// SHA-256 over (label, bytes) of every part, sorted by label.
pub fn of_parts(parts: &BTreeMap<String, Vec<u8>>) -> Option<Digest> {
    let mut whole = Context::new(&SHA256);
    for (label, bytes) in parts {
        part(&mut whole, label.as_bytes());
        part(&mut whole, bytes);
    }
    finished(whole)
}

fn of_file(path: &Path) -> Option<Digest> {
    let (mut file, found) = open_regular(path).ok()?;
    let length = found.len();
    let mut content = Context::new(&SHA256);
    if length > MAX_FILE_BYTES {
        content.update(format!("a file of {length} bytes").as_bytes());
        return finished(content);
    }
    let mut buffer = vec![0; 64 << 10];
    let mut left = MAX_FILE_BYTES;
    while left > 0 {
        let read = file.read(&mut buffer).ok()?;
        if read == 0 {
            break;
        }
        content.update(buffer.get(..read)?);
        left = left.saturating_sub(u64::try_from(read).ok()?);
    }
    finished(content)
}

/// Length first, so that no two lists of parts give the same bytes.
fn part(whole: &mut Context, bytes: &[u8]) {
    whole.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    whole.update(bytes);
}

fn finished(context: Context) -> Option<Digest> {
    context.finish().as_ref().try_into().ok().map(Digest::new)
}
