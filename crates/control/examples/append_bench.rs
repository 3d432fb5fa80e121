//! Measures durable appends: `append_bench DIR [WRITERS] [SECONDS]` prints one JSON object.
//!
//! The yardstick is a 4 KiB append with `fdatasync` on the same disk, measured before and after in the same run.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use writ_control::store::{LedgerKeys, Options, SqliteLedger};
use writ_ledger::note::SigningSeed;
use writ_ledger::vault::MasterKey;
use writ_ledger::{Append, Durability, Entry, Origin, Stream};

const ENTRY_BYTES: usize = 512;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: append_bench DIR [WRITERS] [SECONDS]");
        std::process::exit(2);
    };
    let writers = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let time = Duration::from_secs_f64(arguments.next().map_or(Ok(3.0), |text| text.parse())?);
    std::fs::create_dir_all(&directory)?;

    let ledger = open(&directory.join("lone"))?;
    let before = yardstick(&directory.join("yardstick"), time / 2)?;
    let single = one_writer(&ledger, time)?;
    let after = yardstick(&directory.join("yardstick"), time / 2)?;
    drop(ledger);
    let yard = percentiles([before, after].concat());
    let single = percentiles(single);
    let ratio =
        |name: &str| match (single.get(name).and_then(Value::as_f64), yard.get(name).and_then(Value::as_f64))
        {
            (Some(ours), Some(theirs)) if theirs > 0.0 => json!((ours / theirs * 100.0).round() / 100.0),
            _ => Value::Null,
        };
    let report = json!({
        "entry_bytes": ENTRY_BYTES,
        "fdatasync_4k_append": yard,
        "single_writer_synced": single,
        "single_writer_ratio_p50": ratio("p50_us"),
        "single_writer_ratio_p99": ratio("p99_us"),
        "writers": writers,
        "events_per_second_single_entry": many_writers(&open(&directory.join("single"))?, writers, 1, time)?,
        "events_per_second_16_entries": many_writers(&open(&directory.join("sixteen"))?, writers, 16, time)?,
    });
    println!("{report:#}");
    Ok(())
}

fn open(directory: &Path) -> Outcome<SqliteLedger> {
    let keys = LedgerKeys {
        origin: Origin::new("bench.example/ledger")?,
        signer: SigningSeed::from_bytes([1; 32]),
        vault_master: MasterKey::from_bytes([2; 32]),
    };
    Ok(SqliteLedger::open(directory, keys, Options::default())?)
}

fn entry(number: u64) -> Outcome<Append> {
    let mut text = format!("{{\"bench\":{number},\"pad\":\"");
    text.extend(std::iter::repeat_n('x', ENTRY_BYTES.saturating_sub(text.len() + 2)));
    text.push_str("\"}");
    Ok(Append { stream: Stream::Activity, entry: Entry::new(text.into_bytes())?, payloads: Vec::new() })
}

/// Latencies of appending 4 KiB and syncing.
fn yardstick(path: &Path, time: Duration) -> Outcome<Vec<Duration>> {
    let mut file: File = OpenOptions::new().create(true).append(true).open(path)?;
    let block = [7; 4096];
    let (start, mut latencies) = (Instant::now(), Vec::new());
    while start.elapsed() < time {
        let begun = Instant::now();
        file.write_all(&block)?;
        rustix::fs::fdatasync(&file)?;
        latencies.push(begun.elapsed());
    }
    Ok(latencies)
}

fn one_writer(ledger: &SqliteLedger, time: Duration) -> Outcome<Vec<Duration>> {
    let (start, mut latencies) = (Instant::now(), Vec::new());
    while start.elapsed() < time {
        let batch = vec![entry(latencies.len() as u64)?];
        let begun = Instant::now();
        ledger.append(batch, None, Durability::Synced)?;
        latencies.push(begun.elapsed());
    }
    Ok(latencies)
}

fn many_writers(ledger: &SqliteLedger, writers: usize, entries: u64, time: Duration) -> Outcome<u64> {
    let (stop, appended) = (AtomicBool::new(false), AtomicU64::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        let write = || -> Outcome<()> {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let batch = (number..number + entries).map(entry).collect::<Outcome<_>>()?;
                number += entries;
                ledger.append(batch, None, Durability::Synced)?;
                appended.fetch_add(entries, Ordering::Relaxed);
            }
            Ok(())
        };
        let threads: Vec<_> = (0..writers).map(|_| scope.spawn(write)).collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a writer panicked")?)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    Ok((appended.into_inner() as f64 / seconds) as u64)
}

fn percentiles(mut latencies: Vec<Duration>) -> Value {
    latencies.sort_unstable();
    let at = |share: f64| {
        let place = (latencies.len() as f64 * share) as usize;
        latencies
            .get(place.min(latencies.len().saturating_sub(1)))
            .map_or(0.0, |d| d.as_nanos() as f64 / 1000.0)
    };
    json!({ "count": latencies.len(), "min_us": at(0.0), "p50_us": at(0.5), "p99_us": at(0.99) })
}
