//! Makes a large ledger quickly: `make_ledger DIR COUNT [LINES]`.
//!
//! Appends COUNT activity entries, taken line by line from the file LINES (canonical JSON, repeated from the start when
//! it ends), or made up. The ledger's keys are fixed and for benchmarks only; they are printed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use writ_control::store::{LedgerKeys, Options, SqliteAudit, SqliteLedger};
use writ_ledger::note::SigningSeed;
use writ_ledger::storage::MAX_BATCH_ENTRIES;
use writ_ledger::vault::MasterKey;
use writ_ledger::verify::{Trust, verify_stream};
use writ_ledger::{Append, Durability, Entry, Origin, Storage, Stream};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(count)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("usage: make_ledger DIR COUNT [LINES]");
        std::process::exit(2);
    };
    let count: u64 = count.parse()?;
    let lines: Vec<String> = match arguments.next() {
        Some(path) => std::fs::read_to_string(path)?.lines().map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let keys = bench_keys()?;
    println!("verifying key {}", keys.verifying_key(Stream::Activity)?.to_text());
    let ledger = SqliteLedger::open(&directory, keys, Options::default())?;
    let start = Instant::now();
    let mut lines = lines.iter().cycle();
    let mut text = |number: u64| match lines.next() {
        Some(line) => line.clone(),
        None => format!("{{\"n\":{number},\"outcome\":\"allow\",\"type\":\"tool_call.decided\"}}"),
    };
    let first = ledger.tip(Stream::Activity);
    let mut next = first;
    while next < first + count {
        let to = (first + count).min(next + MAX_BATCH_ENTRIES as u64);
        let batch = (next..to).map(|number| {
            let entry = Entry::new(text(number).into_bytes())?;
            Ok(Append { stream: Stream::Activity, entry, payloads: Vec::new() })
        });
        let durability = if to == first + count { Durability::Synced } else { Durability::Written };
        ledger.append(batch.collect::<Result<_, Box<dyn Error>>>()?, None, durability)?;
        next = to;
    }
    println!("{count} entries in {:.2} s", start.elapsed().as_secs_f64());
    drop(ledger);
    let start = Instant::now();
    let keys = bench_keys()?;
    let ledger = SqliteLedger::open(&directory, keys, Options::default())?;
    println!("opened again in {:.2} ms", start.elapsed().as_secs_f64() * 1000.0);
    let start = Instant::now();
    let (mut from, mut bytes) = (0, 0);
    loop {
        let read = ledger.read(Stream::Activity, from, 65_536)?;
        let Some((last, _)) = read.last() else { break };
        from = last + 1;
        bytes += read.iter().map(|(_, entry)| entry.len()).sum::<usize>();
    }
    println!("read {from} entries, {bytes} bytes, in {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let key = bench_keys()?.verifying_key(Stream::Activity)?;
    let trust = Trust { key, held: Vec::new() };
    let report = verify_stream(&mut SqliteAudit::open(&directory)?, Stream::Activity, &trust)?;
    println!(
        "verified {} entries, {} faults, in {:.2} s",
        report.size,
        report.faults.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn bench_keys() -> Result<LedgerKeys, Box<dyn Error>> {
    Ok(LedgerKeys {
        origin: Origin::new("bench.example/ledger")?,
        signer: SigningSeed::from_bytes([1; 32]),
        vault_master: MasterKey::from_bytes([2; 32]),
    })
}
