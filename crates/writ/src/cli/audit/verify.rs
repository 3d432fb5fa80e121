//! `writ audit verify`: the whole record against its signatures, offline, with or without a control plane running.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use writ_control::audit::{HeldCheckpoint, Verified, verify};
use writ_control::keys::{Keys, WhenMissing};
use writ_control::store::{LedgerKeys, SqliteAudit};
use writ_ledger::note::{SigningSeed, VerifyingKey};
use writ_ledger::vault::MasterKey;
use writ_ledger::{Origin, Stream};

use crate::cli::Context;
use crate::failure::{Failure, Kind, Outcome};
use crate::screen;

/// Largest checkpoint file that is read.
const MAX_CHECKPOINT_BYTES: u64 = 64 << 10;

#[derive(clap::Args)]
#[command(after_help = "\
Looks at every entry, hash, tile and signature, and does the fold again. After one changed, dropped or moved entry it
says which. A cut tail shows only against a checkpoint that somebody kept: closing a task prints one of each log.

A stranger gives the ledger's public keys with --key; without, they are made from the private ones in the state
directory.

Ends with 0 when all is as it was signed, with 5 when it is not.")]
pub(in crate::cli) struct Arguments {
    /// A checkpoint that was kept elsewhere, as a signed note; may be given several times
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The ledger's folder; the one of this user, unless said otherwise
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,
    /// Verifier key of a log, as `/keys` and `writ audit prove` print it; one for each log
    #[arg(long, value_name = "VKEY", num_args = 1)]
    key: Vec<String>,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    intact: bool,
    origin: String,
    control: Log,
    activity: Log,
    /// Everything that is wrong, in the order of the logs.
    faults: Vec<Found>,
}

#[derive(Serialize)]
struct Log {
    size: u64,
    root: Option<String>,
    rows: u64,
}

#[derive(Serialize)]
struct Found {
    /// `control`, `activity`, an entry, or `snapshot`.
    place: String,
    what: String,
}

pub(super) fn main(context: &Context, arguments: Arguments) -> Outcome {
    let Arguments { checkpoint, ledger, key, json } = arguments;
    let folder = ledger.unwrap_or_else(|| context.state.ledger());
    let mut source = SqliteAudit::open(&folder)?;
    let origin = source.claimed_origin()?;
    let keys = if key.is_empty() { own_keys(context, &origin)? } else { given_keys(&origin, &key)? };
    let held = checkpoint.iter().map(|path| held(path)).collect::<Result<Vec<_>, _>>()?;
    let verified = verify(&mut source, &keys, &held)?;
    let report = report(origin, &verified);
    if json {
        screen::json(&report)?;
    } else {
        for Found { place, what } in &report.faults {
            screen::line(format_args!("{place}: {what}"))?;
        }
        let Report { control, activity, .. } = &report;
        screen::line(format_args!("{} control and {} activity entries", control.size, activity.size))?;
        screen::line(match (report.intact, held.len()) {
            (true, 0) => {
                "intact; a cut tail would show only against a checkpoint that you kept (--checkpoint)"
            }
            (true, _) => "intact, and nothing was cut off since the checkpoints that you kept",
            (false, _) => "NOT as it was signed",
        })?;
    }
    Ok(if report.intact { ExitCode::SUCCESS } else { ExitCode::from(Kind::Integrity.code()) })
}

fn report(origin: String, verified: &Verified) -> Report {
    let log = |report: &writ_ledger::verify::Report| Log {
        size: report.size,
        root: report.root.as_ref().map(ToString::to_string),
        rows: report.rows,
    };
    let mut faults: Vec<Found> = verified
        .faults()
        .map(|(stream, fault)| Found { place: stream.to_string(), what: fault.to_string() })
        .collect();
    faults.extend(
        verified.findings.iter().map(|found| Found { place: found.place.clone(), what: found.what.clone() }),
    );
    Report {
        intact: verified.is_intact(),
        origin,
        control: log(&verified.control),
        activity: log(&verified.activity),
        faults,
    }
}

/// The public keys that belong to the private ones of this state directory. Nothing is signed.
fn own_keys(context: &Context, origin: &str) -> Result<[VerifyingKey; 2], Failure> {
    let keys = Keys::open(&context.state.keys(), WhenMissing::Refuse)
        .map_err(|error| Failure::from(error).hint("give the ledger's public keys with --key"))?;
    let keys = LedgerKeys {
        origin: Origin::new(origin)?,
        signer: SigningSeed::from_bytes(keys.checkpoint_seed()),
        vault_master: MasterKey::from_bytes(keys.vault_key()),
    };
    Ok([keys.verifying_key(Stream::Activity)?, keys.verifying_key(Stream::Control)?])
}

fn given_keys(origin: &str, texts: &[String]) -> Result<[VerifyingKey; 2], Failure> {
    let origin = Origin::new(origin)?;
    let keys = texts
        .iter()
        .map(|text| {
            VerifyingKey::parse(text).map_err(|error| Failure::usage(format_args!("`{text}`: {error}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let of = |stream: Stream| {
        let name = origin.of(stream);
        keys.iter()
            .find(|key| key.name() == name)
            .cloned()
            .ok_or_else(|| Failure::usage(format_args!("no key was given for `{name}`")))
    };
    Ok([of(Stream::Activity)?, of(Stream::Control)?])
}

/// A kept checkpoint. The indentation of a terminal that it was copied from does not count.
fn held(path: &Path) -> Result<HeldCheckpoint, Failure> {
    let text = crate::config::read_text(path, MAX_CHECKPOINT_BYTES)
        .ok_or_else(|| Failure::usage(format_args!("`{}` cannot be read as a checkpoint", path.display())))?;
    let mut note: String = text.trim().lines().map(|line| format!("{}\n", line.trim_start())).collect();
    if note.is_empty() {
        note.push('\n');
    }
    Ok(HeldCheckpoint(note.into_bytes()))
}
