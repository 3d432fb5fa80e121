//! Lines of `{"id","text"}` in, what is found out: for trying the detector on labelled text without the whole program.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a developer's tool")]
use std::io::{BufRead as _, Write as _};
use writ_scan::secret::{Detector, Marker, Survey, survey};
fn main() {
    let mut args = std::env::args_os().skip(1);
    if let Some(root) = args.next() {
        let (marker, progress) = (Marker::of_this_run().unwrap(), Survey::default());
        let began = std::time::Instant::now();
        let threads = args.next().and_then(|n| n.to_str()?.parse().ok()).unwrap_or(1);
        let out = std::cell::RefCell::new(std::io::BufWriter::new(std::io::stdout().lock()));
        survey(
            Detector::shipped(),
            root.as_ref(),
            threads,
            &marker,
            &progress,
            |f| {
                writeln!(
                    out.borrow_mut(),
                    "{}:{}:{} {} {} {}-{}",
                    f.path.display(),
                    f.place.line,
                    f.place.column,
                    f.rule,
                    f.confidence.word(),
                    f.start,
                    f.end
                )
                .unwrap();
            },
            |n| writeln!(out.borrow_mut(), "note {} {}", n.path.display(), n.why).unwrap(),
        );
        let (bytes, took) = (progress.bytes.into_inner() as f64, began.elapsed().as_secs_f64());
        let mut out = out.into_inner();
        writeln!(
            out,
            "{} files, {:.1} MB, {took:.2} s, {:.0} MB/s",
            progress.files.into_inner(),
            bytes / 1e6,
            bytes / 1e6 / took
        )
        .unwrap();
        out.flush().unwrap();
        return;
    }
    for line in std::io::stdin().lock().lines() {
        let asked: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = asked.get("text").and_then(|text| text.as_str()).unwrap();
        let chars =
            |at: u64| String::from_utf8_lossy(text.as_bytes().get(..at as usize).unwrap()).chars().count();
        let found: Vec<_> = Detector::shipped()
            .find(text.as_bytes())
            .iter()
            .map(|f| serde_json::json!({"start": chars(f.start), "end": chars(f.end), "rule": f.rule, "confidence": f.confidence.word()}))
            .collect();
        println!(
            "{}",
            serde_json::json!({"id": asked.get("id"), "is_secret": !found.is_empty(), "findings": found})
        );
    }
}
