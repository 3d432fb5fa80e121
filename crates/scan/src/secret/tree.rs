//! A whole tree: every regular file below a folder, read in pieces by several threads. Nothing that is found is opened in
//! a way that could block, followed out of the tree, or run.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;

use rustix::fs::{CWD, FileType, Mode, OFlags, openat};
use rustix::io::Errno;

use super::mark::Marker;
use super::place::{Lines, Place};
use super::same::{Before, same};
use super::wide::Wide;
use super::{Confidence, Detector, Finding, Scanner};
use crate::walk::exclude::Exclude;

/// Most files of one survey.
const MAX_FILES: usize = 4_000_000;
/// Deepest folder below the first.
const MAX_DEPTH: usize = 128;
/// Most bytes that are read of one file; what its holes would give is not read and not counted.
const MAX_FILE_BYTES: u64 = 4 << 30;
/// Length from which a file may have holes worth a question to the system.
const MAY_HAVE_HOLES: u64 = 16 << 20;
/// Most findings of one file: more than that is a list of samples, or a file made to fill reports.
const MAX_FINDINGS: usize = 2_000;
/// Bytes that are read at a time.
const PIECE: usize = 256 << 10;
/// Batches of findings that wait for whoever takes them.
const WAITING: usize = 64;
/// Files, or findings, after which a batch is given away.
const BATCH: usize = 256;

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
    /// Equal from scan to scan for a value under its name, and telling next to nothing of the value.
    pub same: String,
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
    found: impl FnMut(FileFinding),
    mut noted: impl FnMut(Note),
) {
    let files = files_below(root, progress, |_, _| false, &mut noted);
    survey_files(detector, &files, threads, marker, progress, found, noted);
}

/// Looks through these files, as [`survey`] does.
pub fn survey_files(
    detector: &'static Detector,
    files: &[PathBuf],
    threads: usize,
    marker: &Marker,
    progress: &Survey,
    mut found: impl FnMut(FileFinding),
    mut noted: impl FnMut(Note),
) {
    let next = AtomicUsize::new(0);
    let work = |tell: &mut dyn FnMut(Vec<Told>) -> bool| {
        work(detector, files, &next, marker, progress, tell);
    };
    let mut take = |told: Vec<Told>| {
        for told in told {
            match told {
                Told::Found(finding) => found(finding),
                Told::Note(note) => noted(note),
            }
        }
    };
    // A program of one thread has less to lock, also in the system.
    if threads <= 1 {
        work(&mut |told| {
            take(told);
            true
        });
        return;
    }
    let (tell, told) = mpsc::sync_channel::<Vec<Told>>(WAITING);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(64) {
            let (tell, work) = (tell.clone(), &work);
            scope.spawn(move || work(&mut |told| tell.send(told).is_ok()));
        }
        drop(tell);
        told.into_iter().for_each(take);
    });
}

/// Looks through one file after the other, as long as there are more and somebody takes what is told.
fn work(
    detector: &'static Detector,
    files: &[PathBuf],
    next: &AtomicUsize,
    marker: &Marker,
    progress: &Survey,
    tell: &mut dyn FnMut(Vec<Told>) -> bool,
) {
    let (mut piece, mut scanner) = (vec![0; PIECE], Scanner::new(detector));
    let (mut told, mut since, mut near) = (Vec::new(), 0, Near::default());
    while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
        if progress.stop.load(Ordering::Relaxed) {
            break;
        }
        told.extend(file(&mut scanner, &mut near, path, &mut piece, marker, progress));
        since += 1;
        // Waking the other side for each file costs as much as looking at it.
        if since >= BATCH || told.len() >= BATCH {
            since = 0;
            if !told.is_empty() && !tell(std::mem::take(&mut told)) {
                return;
            }
        }
        progress.files.fetch_add(1, Ordering::Relaxed);
    }
    // Nobody takes the rest if the other side is gone.
    tell(told);
}

/// All regular files below a folder, in order of name, but for what `passes_by` says of a path below it and whether that is
/// a folder. Links are not followed, so nothing loops.
pub fn files_below(
    root: &Path,
    progress: &Survey,
    mut passes_by: impl FnMut(&Path, bool) -> bool,
    mut noted: impl FnMut(Note),
) -> Vec<PathBuf> {
    let mut note = |path: &Path, why| noted(Note { path: path.to_owned(), why });
    let mut files = Vec::new();
    if !root.is_dir() {
        files.push(root.to_owned());
        progress.of_files.fetch_add(1, Ordering::Relaxed);
        return files;
    }
    let mut excluded = |path: &Path, is_folder| {
        let below = path.strip_prefix(root).unwrap_or(path);
        let out = progress.exclude.leaves_out(below, is_folder);
        progress.left_out.fetch_add(u64::from(out), Ordering::Relaxed);
        out || passes_by(below, is_folder)
    };
    // Folders that are begun, from the first to the deepest, each with what is left of it.
    let mut open = vec![entries(root, &mut note)];
    while let Some(folder) = open.last_mut() {
        if progress.stop.load(Ordering::Relaxed) {
            return files;
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
                return files;
            }
            files.push(path);
            progress.of_files.fetch_add(1, Ordering::Relaxed);
        } else if open.len() <= MAX_DEPTH {
            open.push(entries(&path, &mut note));
        } else {
            note(&path, "lies too deep");
        }
    }
    files
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

/// The folder of the file before: the next file is mostly of the same one, and its path need not be gone along again.
#[derive(Default)]
struct Near {
    path: PathBuf,
    folder: Option<OwnedFd>,
}

// === impl Near ===

impl Near {
    /// Opens a file. A name can become a FIFO or a link between listing and opening: neither may block or lead elsewhere.
    fn open(&mut self, path: &Path) -> Option<File> {
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
        let opened = match (self.folder(path), path.file_name()) {
            (Some(folder), Some(name)) => openat(folder, name, flags, Mode::empty()),
            _ => openat(CWD, path, flags, Mode::empty()),
        };
        opened.ok().map(File::from)
    }

    fn folder(&mut self, path: &Path) -> Option<&OwnedFd> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty())?;
        if self.path.as_os_str() != parent.as_os_str() {
            parent.clone_into(&mut self.path);
            self.folder = openat(CWD, parent, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok();
        }
        self.folder.as_ref()
    }
}

/// What stands in one file.
fn file(
    scanner: &mut Scanner,
    near: &mut Near,
    path: &Path,
    piece: &mut [u8],
    marker: &Marker,
    progress: &Survey,
) -> Vec<Told> {
    let note = |why| vec![Told::Note(Note { path: path.to_owned(), why })];
    let Some(mut file) = near.open(path) else { return note("could not be opened") };
    let size = match rustix::fs::fstat(&file) {
        Ok(status) if FileType::from_raw_mode(status.st_mode).is_file() => {
            u64::try_from(status.st_size).unwrap_or(0)
        }
        _ => return note("is no regular file"),
    };
    let mut told = Vec::new();
    scanner.restart();
    let mut findings: Vec<Finding> = Vec::new();
    let (mut read, mut at, mut is_cut) = (0_u64, 0_u64, false);
    let (mut wide, mut whole) = (None, None);
    loop {
        if progress.stop.load(Ordering::Relaxed) {
            break;
        }
        if size > MAY_HAVE_HOLES && wide.is_none() {
            match next_data(&mut file, at) {
                Some(data) if data >= at.saturating_add(PIECE as u64) => {
                    findings.extend(scanner.finish());
                    scanner.restart_at(data);
                    at = data;
                }
                // A hole that one piece passes over is read as the zeros that it is, so that places stay what they are.
                Some(data) if data > at => {
                    if file.seek(SeekFrom::Start(at)).is_err() {
                        is_cut = true;
                        break;
                    }
                }
                Some(_) => {}
                None => break,
            }
        }
        match file.read(piece) {
            Ok(0) => break,
            Ok(length) => {
                read += length as u64;
                at += length as u64;
                progress.bytes.fetch_add(length as u64, Ordering::Relaxed);
                let taken = piece.get_mut(..length).unwrap_or_default();
                let is_first = at == length as u64;
                if is_first {
                    wide = Wide::of(scanner.detector(), taken);
                }
                // Most files are here as a whole now, and need neither a copy nor another question to the system.
                if is_first && read == size && length < PIECE && wide.is_none() {
                    findings = scanner.whole(taken);
                    whole = Some(length);
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
        let places = match whole.and_then(|length| piece.get(..length)) {
            Some(bytes) => placed_here(bytes, &findings, marker),
            None => placed(&mut file, size, &findings, piece, marker),
        };
        match places {
            Some(places) => {
                told.extend(findings.iter().zip(places).map(|(finding, (place, mark, same))| {
                    Told::Found(FileFinding {
                        path: path.to_owned(),
                        place,
                        start: finding.start,
                        end: finding.end,
                        rule: finding.rule,
                        confidence: finding.confidence,
                        mark,
                        same,
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

/// Places and marks in a file that is here as a whole.
fn placed_here(bytes: &[u8], findings: &[Finding], marker: &Marker) -> Option<Vec<(Place, String, String)>> {
    let (mut lines, mut rest) = (Lines::default(), bytes);
    let mut pass = |lines: &mut Lines, until: u64| {
        let length = usize::try_from(until.saturating_sub(lines.offset())).ok()?;
        let (passed, later) = rest.split_at_checked(length)?;
        lines.pass(passed);
        rest = later;
        Some(passed)
    };
    let mut before = Before::default();
    let mut places = Vec::with_capacity(findings.len());
    for finding in findings {
        before.pass(pass(&mut lines, finding.start)?);
        let place = lines.here();
        let value = pass(&mut lines, finding.end)?;
        places.push((place, marker.mark(value), same(&before, value)));
        before.cover();
    }
    Some(places)
}

/// Reads a file once more, up to its last finding, for places and marks. Only long files with findings are read twice, so a
/// survey keeps no value and no table of lines.
fn placed(
    file: &mut File,
    size: u64,
    findings: &[Finding],
    piece: &mut [u8],
    marker: &Marker,
) -> Option<Vec<(Place, String, String)>> {
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut lines = Lines::default();
    let mut before = Before::default();
    let mut places = Vec::with_capacity(findings.len());
    for finding in findings {
        while lines.offset() < finding.start {
            if size > MAY_HAVE_HOLES {
                let at = lines.offset();
                let data = next_data(file, at)?.min(finding.start);
                if data > at {
                    lines.pass_hole(data - at);
                    before.cover();
                    file.seek(SeekFrom::Start(data)).ok()?;
                    continue;
                }
            }
            let left = finding.start - lines.offset();
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            let part = piece.get_mut(..wanted)?;
            file.read_exact(part).ok()?;
            lines.pass(part);
            before.pass(part);
        }
        let place = lines.here();
        let length = usize::try_from(finding.end.checked_sub(lines.offset())?).ok()?;
        let mut value = zeroize::Zeroizing::new(vec![0; length]);
        file.read_exact(&mut value).ok()?;
        lines.pass(&value);
        places.push((place, marker.mark(&value), same(&before, &value)));
        before.cover();
    }
    Some(places)
}

/// Where the next byte at or after `at` stands that is in no hole of the file, which is read from there on. `None` where
/// nothing but a hole is left. A system that knows no holes has none.
fn next_data(file: &mut File, at: u64) -> Option<u64> {
    match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) => Some(data),
        Err(Errno::NXIO) => None,
        Err(_) => file.seek(SeekFrom::Start(at)).ok(),
    }
}
