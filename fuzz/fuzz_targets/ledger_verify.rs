//! The verifier over rows of arbitrary content: a report, and never a panic.
#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use writ_ledger::Stream;
use writ_ledger::note::VerifyingKey;
use writ_ledger::tile::TileId;
use writ_ledger::verify::{LogSource, StoredRow, Trust, verify_stream};

struct Rows(Vec<StoredRow>, Vec<u8>);

impl LogSource for Rows {
    type Error = Infallible;

    fn rows(&mut self, _: Stream, from: u64, max: usize) -> Result<Vec<StoredRow>, Infallible> {
        Ok(self.0.iter().filter(|row| row.first >= from).take(max).cloned().collect())
    }

    fn tile(&mut self, _: Stream, id: TileId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok((id.index == 0).then(|| self.1.clone()))
    }
}

type Row = (u8, u8, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

fuzz_target!(|input: (Vec<Row>, Vec<u8>)| {
    let (rows, tile) = input;
    let mut rows: Vec<StoredRow> = rows
        .into_iter()
        .map(|(first, count, leaves, root, signature, bundle)| StoredRow {
            first: if first == 255 { u64::MAX } else { first.into() },
            count: if count == 255 { u64::MAX } else { count.into() },
            leaves,
            root,
            signature,
            bundle,
        })
        .collect();
    rows.sort_by_key(|row| row.first);
    rows.dedup_by_key(|row| row.first);
    let trust = Trust { key: VerifyingKey::new("fuzz/control", [7; 32]).expect("a name"), held: Vec::new() };
    let _ = verify_stream(&mut Rows(rows, tile), Stream::Control, &trust);
});
