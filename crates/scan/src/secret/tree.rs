//! A whole tree: every regular file below a folder, read in pieces by several threads. Nothing that is found is opened in
//! a way that could block, followed out of the tree, or run.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use rustix::fs::{FileType, OFlags};

use super::mark::Marker;
use super::place::{Lines, Place};
use super::wide::Wide;
use super::{Confidence, Detector, Finding, Scanner};
use crate::walk::exclude::Exclude;

/// Most files of one survey.
const MAX_FILES: usize = 4_000_000;
/// Deepest folder below the first.
const MAX_DEPTH: usize = 128;
/// Most bytes that are read of one file.
const MAX_FILE_BYTES: u64 = 64 << 30;
/// Most findings of one file: more than that is a list of samples, or a file made to fill reports.
const MAX_FINDINGS: usize = 2_000;
/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;
/// Batches of findings that wait for whoever takes them.
const WAITING: usize = 64;
/// Files, or findings, after which a batch is given away.
const BATCH: usize = 32;

/// A secret in a file.
#[derive(Clone, Debug)]
pub struct FileFinding {
    pub path: PathBuf,
    pub place: Place,
    /// First byte of the value, and the first after it.
    pub start: u64,
    pub end: u64,
    pub rule: &'static str,
    pub confidence: Confidence,
    /// Equal for equal values of one marker.
    pub mark: String,
}

/// Something that was not looked at as a whole, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub path: PathBuf,
    pub why: &'static str,
}

/// How far a survey is, to be read while it runs, and to be stopped; and what it leaves out.
#[derive(Debug, Default)]
pub struct Survey {
    /// Patterns over paths below the root.
    pub exclude: Exclude,
    /// Files that were looked at, of those that were found so far.
    pub files: AtomicU64,
    pub of_files: AtomicU64,
    pub bytes: AtomicU64,
    /// Folders and files that a person wanted left out.
    pub left_out: AtomicU64,
    pub stop: AtomicBool,
}

/// What workers tell.
enum Told {
    Found(FileFinding),
    Note(Note),
}

/// Looks through everything below `root`, or through one file. `found` and `noted` are called on this thread, files in the
/// order in which they are done, findings of one file in order.
pub fn survey(
    detector: &'static Detector,
    root: &Path,
    threads: usize,
    marker: &Marker,
    progress: &Survey,
    mut found: impl FnMut(FileFinding),
    mut noted: impl FnMut(Note),
) {
    let mut files = Vec::new();
    gather(root, &mut files, progress, &mut noted);
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::sync_channel::<Vec<Told>>(WAITING);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, 64) {
            let (tell, next, files) = (tell.clone(), &next, &files);
            scope.spawn(move || {
                let (mut piece, mut scanner) = (vec![0; PIECE], Scanner::new(detector));
                let (mut told, mut since) = (Vec::new(), 0);
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if progress.stop.load(Ordering::Relaxed) {
                        break;
                    }
                    told.extend(file(&mut scanner, path, &mut piece, marker, progress));
                    since += 1;
                    // Waking the other side for each file costs as much as looking at it.
                    if since >= BATCH || told.len() >= BATCH {
                        since = 0;
                        if !told.is_empty() && tell.send(std::mem::take(&mut told)).is_err() {
                            return;
                        }
                    }
                    progress.files.fetch_add(1, Ordering::Relaxed);
                }
                // Nobody takes the rest if the other side is gone.
                let _ = tell.send(told);
            });
        }
        drop(tell);
        for told in told.into_iter().flatten() {
            match told {
                Told::Found(finding) => found(finding),
                Told::Note(note) => noted(note),
            }
        }
    });
}

/// All regular files below a folder, in order of name. Links are not followed, so nothing loops.
fn gather(root: &Path, files: &mut Vec<PathBuf>, progress: &Survey, noted: &mut impl FnMut(Note)) {
    let mut note = |path: &Path, why| noted(Note { path: path.to_owned(), why });
    if !root.is_dir() {
        files.push(root.to_owned());
        progress.of_files.fetch_add(1, Ordering::Relaxed);
        return;
    }
    let excluded = |path: &Path, is_folder| {
        let out = progress.exclude.leaves_out(path.strip_prefix(root).unwrap_or(path), is_folder);
        progress.left_out.fetch_add(u64::from(out), Ordering::Relaxed);
        out
    };
    // Folders that are begun, from the first to the deepest, each with what is left of it.
    let mut open = vec![entries(root, &mut note)];
    while let Some(folder) = open.last_mut() {
        if progress.stop.load(Ordering::Relaxed) {
            return;
        }
        let Some((name, is_folder)) = folder.left.next() else {
            open.pop();
            continue;
        };
        let path = folder.path.join(name);
        if excluded(&path, is_folder) {
            continue;
        }
        if !is_folder {
            if files.len() >= MAX_FILES {
                note(&path, "too many files: this one and all after it were left out");
                return;
            }
            files.push(path);
            progress.of_files.fetch_add(1, Ordering::Relaxed);
        } else if open.len() <= MAX_DEPTH {
            open.push(entries(&path, &mut note));
        } else {
            note(&path, "lies too deep");
        }
    }
}

/// A folder that is being gone through.
struct Folder {
    path: PathBuf,
    /// Names in order, and whether each is a folder.
    left: std::vec::IntoIter<(OsString, bool)>,
}

/// The regular files and folders of a folder, in order of name.
fn entries(path: &Path, note: &mut impl FnMut(&Path, &'static str)) -> Folder {
    let mut all = Vec::new();
    match std::fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries {
                let Ok(entry) = entry else {
                    note(path, "could not be listed to the end");
                    break;
                };
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() || kind.is_file() => {
                        all.push((entry.file_name(), kind.is_dir()));
                    }
                    _ => {}
                }
            }
        }
        Err(_) => note(path, "could not be listed"),
    }
    all.sort_unstable();
    Folder { path: path.to_owned(), left: all.into_iter() }
}

/// What stands in one file.
fn file(
    scanner: &mut Scanner,
    path: &Path,
    piece: &mut [u8],
    marker: &Marker,
    progress: &Survey,
) -> Vec<Told> {
    let note = |why| vec![Told::Note(Note { path: path.to_owned(), why })];
    // A name can become a FIFO or a link between listing and opening: neither may block or lead elsewhere.
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY).bits();
    let flags = i32::try_from(flags).unwrap_or(0);
    let Ok(mut file) = File::options().read(true).custom_flags(flags).open(path) else {
        return note("could not be opened");
    };
    let size = match rustix::fs::fstat(&file) {
        Ok(status) if FileType::from_raw_mode(status.st_mode).is_file() => {
            u64::try_from(status.st_size).unwrap_or(0)
        }
        _ => return note("is no regular file"),
    };
    let mut told = Vec::new();
    scanner.restart();
    let mut findings: Vec<Finding> = Vec::new();
    let (mut read, mut is_cut) = (0_u64, false);
    let mut wide = None;
    loop {
        if progress.stop.load(Ordering::Relaxed) {
            break;
        }
        match file.read(piece) {
            Ok(0) => break,
            Ok(length) => {
                read += length as u64;
                progress.bytes.fetch_add(length as u64, Ordering::Relaxed);
                let taken = piece.get_mut(..length).unwrap_or_default();
                let is_first = read == length as u64;
                if is_first {
                    wide = Wide::of(scanner.detector(), taken);
                }
                // Most files are here as a whole now, and need neither a copy nor another question to the system.
                if is_first && read == size && length < PIECE && wide.is_none() {
                    findings = scanner.whole(taken);
                    break;
                }
                findings.extend(scanner.push(taken));
                if let Some(wide) = &mut wide {
                    findings.extend(wide.push(taken));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => {
                told.extend(note("could not be read to the end"));
                break;
            }
        }
        if findings.len() > 2 * MAX_FINDINGS {
            is_cut = true;
            surest(&mut findings);
        }
        if read >= MAX_FILE_BYTES {
            told.extend(note("is too long: the rest was left out"));
            break;
        }
    }
    findings.extend(scanner.finish());
    if let Some(mut wide) = wide {
        findings.extend(wide.finish());
        findings.sort_by_key(|finding| (finding.start, finding.end));
        findings.dedup_by(|later, first| later.start < first.end);
    }
    if findings.len() > MAX_FINDINGS {
        is_cut = true;
        surest(&mut findings);
    }
    if is_cut {
        told.extend(note("has too many findings: the surest are told"));
    }
    if !findings.is_empty() {
        match placed(&mut file, &findings, piece, marker) {
            Some(places) => {
                told.extend(findings.iter().zip(places).map(|(finding, (place, mark))| {
                    Told::Found(FileFinding {
                        path: path.to_owned(),
                        place,
                        start: finding.start,
                        end: finding.end,
                        rule: finding.rule,
                        confidence: finding.confidence,
                        mark,
                    })
                }));
            }
            None => told.extend(note("changed while it was looked at")),
        }
    }
    told
}

/// Keeps as many findings as one file may have: the surest, and of equal ones the first.
fn surest(findings: &mut Vec<Finding>) {
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.confidence), finding.start));
    findings.truncate(MAX_FINDINGS);
    findings.sort_by_key(|finding| finding.start);
}

/// Reads a file once more, up to its last finding, for places and marks. Only files with findings are read twice, so a
/// survey keeps no value and no table of lines.
fn placed(
    file: &mut File,
    findings: &[Finding],
    piece: &mut [u8],
    marker: &Marker,
) -> Option<Vec<(Place, String)>> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut lines = Lines::default();
    let mut places = Vec::with_capacity(findings.len());
    let mut skip = |file: &mut File, lines: &mut Lines, until: u64| -> Option<()> {
        while lines.offset() < until {
            let wanted = usize::try_from(until - lines.offset()).unwrap_or(usize::MAX).min(piece.len());
            let part = piece.get_mut(..wanted)?;
            file.read_exact(part).ok()?;
            lines.pass(part);
        }
        Some(())
    };
    for finding in findings {
        skip(file, &mut lines, finding.start)?;
        let place = lines.here();
        let length = usize::try_from(finding.end.checked_sub(lines.offset())?).ok()?;
        let mut value = zeroize::Zeroizing::new(vec![0; length]);
        file.read_exact(&mut value).ok()?;
        lines.pass(&value);
        places.push((place, marker.mark(&value)));
    }
    Some(places)
}
