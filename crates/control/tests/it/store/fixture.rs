//! Ledgers, entries and children for these tests.

use std::path::Path;
use std::process::Command;

use writ_control::store::{LedgerKeys, Options, SqliteAudit, SqliteLedger};
use writ_ledger::note::SigningSeed;
use writ_ledger::vault::{MasterKey, Salt};
use writ_ledger::verify::{Fault, Report, Trust, verify_stream};
use writ_ledger::{Append, Checkpoint, Durability, Entry, Origin, Payload, Storage, Stream, SubjectId};

/// Tells a child where to work; only tests read it.
const CHILD: &str = "WRIT_TEST_CHILD";

pub(crate) fn keys() -> LedgerKeys {
    LedgerKeys {
        origin: Origin::new("writ.example/test").unwrap(),
        signer: SigningSeed::from_bytes([1; 32]),
        vault_master: MasterKey::from_bytes([2; 32]),
    }
}

pub(crate) fn open(directory: &Path) -> SqliteLedger {
    open_with(directory, Options::default())
}

pub(crate) fn open_with(directory: &Path, options: Options) -> SqliteLedger {
    SqliteLedger::open(directory, keys(), options).unwrap()
}

pub(crate) fn append(stream: Stream, text: &str) -> Append {
    Append { stream, entry: Entry::new(text.as_bytes().to_vec()).unwrap(), payloads: Vec::new() }
}

pub(crate) fn with_payload(stream: Stream, text: &str, payload: Payload) -> Append {
    Append { payloads: vec![payload], ..append(stream, text) }
}

pub(crate) fn subject(name: &str) -> SubjectId {
    SubjectId::new(name).unwrap()
}

/// A salt that differs for every number.
pub(crate) fn salt(number: u64) -> Salt {
    let mut bytes = [0x5a; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Salt::from_random(bytes)
}

/// One row of `count` numbered entries.
pub(crate) fn append_row(ledger: &dyn Storage, stream: Stream, count: u64) {
    let from = ledger.tip(stream);
    let batch = (from..from + count).map(|n| append(stream, &numbered(n))).collect();
    ledger.append(batch, None, Durability::Synced).unwrap();
}

pub(crate) fn numbered(number: u64) -> String {
    format!("{{\"n\":{number}}}")
}

/// Verifies a stream read-only, as a stranger would.
pub(crate) fn verify(directory: &Path, stream: Stream, held: &[Checkpoint]) -> Report {
    let trust = Trust { key: keys().verifying_key(stream).unwrap(), held: held.to_vec() };
    verify_stream(&mut SqliteAudit::open(directory).unwrap(), stream, &trust).unwrap()
}

pub(crate) fn assert_intact(directory: &Path) {
    for stream in Stream::ALL {
        assert_eq!(verify(directory, stream, &[]).faults, Vec::<Fault>::new(), "{stream}");
    }
}

/// This test binary again, to run one test as a child that works on `argument`.
pub(crate) fn child(test: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, argument);
    command
}

/// What a child was told; `None` in the ordinary run of the same test.
pub(crate) fn told() -> Option<String> {
    std::env::var(CHILD).ok()
}

/// The same, in user and mount namespaces of its own, after `mount` has run there. `None` where that is not permitted.
pub(crate) fn child_in_namespace(mount: &str, test: &str, argument: &str) -> Option<Command> {
    let permitted = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: user and mount namespaces are not permitted here");
        return None;
    }
    let script = format!("set -e; {mount}; exec \"$0\" --exact \"$1\" --nocapture --test-threads=1");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    command.arg(std::env::current_exe().unwrap()).arg(test).env(CHILD, argument);
    Some(command)
}
