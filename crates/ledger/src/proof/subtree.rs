//! Proofs about a subtree `start..end` of a larger tree, as witnesses sign them and Merkle tree certificates use them.
//!
//! A range is a subtree if `start` is a multiple of the smallest power of two that is at least `end - start`. It need
//! not be complete: its right end may be the right end of an older tree.

use super::ProofError;
use crate::tree::Hash;

/// Checks that `leaf` is entry `index` of the log, by a path to the root of the subtree `start..end`.
pub fn verify_inclusion(
    index: u64,
    start: u64,
    end: u64,
    leaf: Hash,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    check_range(start, end, end)?;
    if index < start || index >= end {
        return Err(ProofError::IndexBeyondSize { index, size: end });
    }
    super::verify_inclusion(index - start, end - start, leaf, proof, root)
}

/// Checks that the subtree `start..end` with root `node` lies in the tree of `size` leaves with root `root`.
///
/// The empty range lies in every tree and says nothing about `root`, unless the tree is empty too.
pub fn verify_consistency(
    start: u64,
    end: u64,
    size: u64,
    proof: &[Hash],
    node: Hash,
    root: Hash,
) -> Result<(), ProofError> {
    if start == end && end <= size {
        if !proof.is_empty() {
            return Err(ProofError::Length { wanted: 0, got: proof.len() });
        }
        let fits = node == Hash::EMPTY && (size > 0 || root == Hash::EMPTY);
        return if fits { Ok(()) } else { Err(ProofError::RootMismatch) };
    }
    check_range(start, end, size)?;
    let (mut first, mut last, mut tree) = (start, end - 1, size - 1);
    let ends_with_tree = last == tree;
    // Skip the levels on which the verifier's own subtree root already stands for everything below.
    while first != last && (ends_with_tree || last & 1 == 1) {
        (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
    }
    let too_short = ProofError::Length { wanted: proof.len() + 1, got: proof.len() };
    let (mut from_node, mut from_root, rest) = if first == last {
        (node, node, proof)
    } else {
        let (seed, rest) = proof.split_first().ok_or(too_short.clone())?;
        (*seed, *seed, rest)
    };
    for sibling in rest {
        if tree == 0 {
            return Err(ProofError::Length { wanted: proof.len() - 1, got: proof.len() });
        }
        if last & 1 == 1 || last == tree {
            if first < last {
                from_node = Hash::node(sibling, &from_node);
            }
            from_root = Hash::node(sibling, &from_root);
            // Not endless: `last` is odd, or equals `tree`, which is not zero.
            while last & 1 == 0 {
                (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
            }
        } else {
            from_root = Hash::node(&from_root, sibling);
        }
        (first, last, tree) = (first >> 1, last >> 1, tree >> 1);
    }
    if tree != 0 {
        return Err(too_short);
    }
    if from_node == node && from_root == root { Ok(()) } else { Err(ProofError::RootMismatch) }
}

fn check_range(start: u64, end: u64, size: u64) -> Result<(), ProofError> {
    let error = ProofError::NotASubtree { start, end, size };
    if start >= end || end > size {
        return Err(error);
    }
    match (end - start).checked_next_power_of_two() {
        Some(cover) if start.is_multiple_of(cover) => Ok(()),
        // A cover of 2^64 leaves only the range that starts at nothing.
        None if start == 0 => Ok(()),
        Some(_) | None => Err(error),
    }
}
