//! Proofs with any sizes and any hashes: judged, and never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_ledger::Hash;
use writ_ledger::proof::{subtree, verify_consistency, verify_inclusion};

fuzz_target!(|input: ([u64; 3], Vec<[u8; 32]>, [u8; 32], [u8; 32])| {
    let ([a, b, c], proof, one, other) = input;
    let proof: Vec<Hash> = proof.into_iter().map(Hash::from_bytes).collect();
    let (one, other) = (Hash::from_bytes(one), Hash::from_bytes(other));
    let _ = verify_inclusion(a, b, one, &proof, other);
    let _ = verify_consistency(a, b, &proof, one, other);
    let _ = subtree::verify_inclusion(a, b, c, one, &proof, other);
    let _ = subtree::verify_consistency(a, b, c, &proof, one, other);
});
