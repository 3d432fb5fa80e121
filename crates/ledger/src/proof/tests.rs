use std::convert::Infallible;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::tree::tests::{numbered, reference_root};

/// Complete subtrees computed from the leaves themselves.
struct Leaves<'a>(&'a [Hash]);

impl HashReader for Leaves<'_> {
    type Error = String;

    fn node(&mut self, height: u8, index: u64) -> Result<Hash, String> {
        let start = usize::try_from(index << height).unwrap();
        let range = self.0.get(start..start + (1 << height)).ok_or("beyond the tree")?;
        Ok(reference_root(range))
    }
}

/// Tiles cut from the leaves, as the store cuts them.
fn tiles(leaves: &[Hash]) -> impl FnMut(TileId, usize) -> Result<Vec<Hash>, Infallible> {
    let leaves = leaves.to_vec();
    move |id, _| {
        let span = 1_usize << (8 * id.level);
        let start = usize::try_from(id.index).unwrap() * 256 * span;
        let complete = leaves.len() / span * span;
        let end = (start + 256 * span).min(complete);
        Ok(leaves.get(start..end).unwrap_or_default().chunks(span).map(reference_root).collect())
    }
}

#[test]
fn published_cases() {
    let (mut accepted, mut refused) = (0, 0);
    for line in include_str!("../../tests/data/merkle-proofs/cases.jsonl").lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["case"].as_str().unwrap();
        let expected = !case["wantErr"].as_bool().unwrap();
        assert_eq!(answer(name, &case).is_some(), expected, "{name}");
        if expected { accepted += 1 } else { refused += 1 }
    }
    assert_eq!((accepted, refused), (8, 126), "the committed set changed");
}

/// `Some` if the case is accepted; wrong hash lengths are refused before any proof is looked at.
fn answer(name: &str, case: &Value) -> Option<()> {
    let number = |field: &str| case[field].as_u64();
    let hash = |value: &Value| Hash::from_slice(&STANDARD.decode(value.as_str()?).ok()?);
    let field = |field: &str| hash(&case[field]);
    let proof: Vec<Hash> = match &case["proof"] {
        Value::Null => Vec::new(),
        list => list.as_array()?.iter().map(hash).collect::<Option<_>>()?,
    };
    let (index, start, end) = (number("leafIdx"), number("start"), number("end"));
    match name.split('/').next()? {
        "inclusion" => {
            verify_inclusion(index?, number("treeSize")?, field("leafHash")?, &proof, field("root")?)
        }
        "consistency" => {
            verify_consistency(number("size1")?, number("size2")?, &proof, field("root1")?, field("root2")?)
        }
        "subtreeinclusion" => {
            subtree::verify_inclusion(index?, start?, end?, field("leafHash")?, &proof, field("root")?)
        }
        "subtreeconsistency" => subtree::verify_consistency(
            start?,
            end?,
            number("size")?,
            &proof,
            field("root1")?,
            field("root2")?,
        ),
        other => panic!("unknown kind of case `{other}`"),
    }
    .ok()
}

#[test]
fn the_empty_tree_proves_nothing() {
    let root = Hash::EMPTY;
    assert_eq!(verify_consistency(0, 0, &[], root, root), Ok(()));
    assert_eq!(verify_consistency(0, 5, &[], root, root), Err(ProofError::EmptyTree));
    assert_eq!(verify_consistency(3, 2, &[], root, root), Err(ProofError::SizesReversed { old: 3, new: 2 }));
    assert_eq!(
        verify_inclusion(0, 0, root, &[], root),
        Err(ProofError::IndexBeyondSize { index: 0, size: 0 })
    );
}

#[test]
fn huge_sizes_do_not_overflow() {
    let hash = Hash::EMPTY;
    let long = vec![hash; 100];
    assert!(verify_inclusion(u64::MAX - 1, u64::MAX, hash, &long, hash).is_err());
    assert!(verify_inclusion(0, u64::MAX, hash, &long[..64], hash).is_err());
    assert!(verify_consistency(1, u64::MAX, &long, hash, hash).is_err());
    assert!(verify_consistency(u64::MAX - 1, u64::MAX, &long, hash, hash).is_err());
    assert!(subtree::verify_consistency(u64::MAX - 1, u64::MAX, u64::MAX, &long, hash, hash).is_err());
    assert!(subtree::verify_inclusion(5, 0, u64::MAX, hash, &long, hash).is_err());
}

#[test]
fn a_tile_that_is_too_short_is_an_error() {
    let leaves = numbered(10);
    let mut reader = TileReader::new(tiles(&leaves));
    assert!(matches!(inclusion(&mut reader, 3, 11), Err(ProveError::Read(TileReadError::TooShort { .. }))));
}

#[test]
fn proofs_from_tiles_cross_levels() {
    let leaves = numbered(256 * 256 + 700);
    let size = leaves.len() as u64;
    let mut tree = crate::tree::Frontier::default();
    leaves.iter().for_each(|l| tree.push(*l));
    let mut reader = TileReader::new(tiles(&leaves));
    assert_eq!(root(&mut reader, size).unwrap(), tree.root());
    for index in [0, 255, 256, 65_535, 65_536, size - 1] {
        let proof = inclusion(&mut reader, index, size).unwrap();
        verify_inclusion(index, size, leaves[usize::try_from(index).unwrap()], &proof, tree.root()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn inclusion_holds_for_its_leaf_and_no_other(size in 1_u64..400, pick: u64, flip: usize) {
        let leaves = numbered(size);
        let index = pick % size;
        let leaf = leaves[usize::try_from(index).unwrap()];
        let root = reference_root(&leaves);
        let proof = inclusion(&mut Leaves(&leaves), index, size).unwrap();
        prop_assert_eq!(&proof, &inclusion(&mut TileReader::new(tiles(&leaves)), index, size).unwrap());
        prop_assert_eq!(verify_inclusion(index, size, leaf, &proof, root), Ok(()));
        prop_assert_eq!(subtree::verify_inclusion(index, 0, size, leaf, &proof, root), Ok(()));

        prop_assert!(verify_inclusion(index, size, Hash::leaf(b"other"), &proof, root).is_err());
        prop_assert!(verify_inclusion(index, size, leaf, &proof, Hash::leaf(b"other")).is_err());
        if size > 1 {
            prop_assert!(verify_inclusion((index + 1) % size, size, leaf, &proof, root).is_err());
            let mut changed = proof.clone();
            let at = flip % changed.len();
            changed[at] = Hash::leaf(changed[at].as_bytes());
            prop_assert!(verify_inclusion(index, size, leaf, &changed, root).is_err());
            prop_assert!(verify_inclusion(index, size, leaf, &proof[1..], root).is_err());
        }
        let longer = [proof.as_slice(), &[leaf]].concat();
        prop_assert!(verify_inclusion(index, size, leaf, &longer, root).is_err());
    }

    #[test]
    fn consistency_holds_for_its_sizes_and_no_others(new in 2_u64..400, pick: u64, flip: usize) {
        let leaves = numbered(new);
        let old = 1 + pick % (new - 1);
        let old_root = reference_root(&leaves[..usize::try_from(old).unwrap()]);
        let new_root = reference_root(&leaves);
        let proof = consistency(&mut Leaves(&leaves), old, new).unwrap();
        prop_assert!(proof.len() <= MAX_PROOF_HASHES);
        prop_assert_eq!(verify_consistency(old, new, &proof, old_root, new_root), Ok(()));

        prop_assert!(verify_consistency(old, new, &proof, new_root, new_root).is_err());
        prop_assert!(verify_consistency(old, new, &proof, old_root, old_root).is_err());
        let mut changed = proof.clone();
        let at = flip % changed.len();
        changed[at] = Hash::leaf(changed[at].as_bytes());
        prop_assert!(verify_consistency(old, new, &changed, old_root, new_root).is_err());
        prop_assert!(verify_consistency(old, new, &proof[1..], old_root, new_root).is_err());
        let longer = [proof.as_slice(), &[new_root]].concat();
        prop_assert!(verify_consistency(old, new, &longer, old_root, new_root).is_err());
    }

    #[test]
    fn any_proof_is_judged_without_trouble(
        numbers: [u64; 3],
        small in prop::array::uniform3(0_u64..20),
        length in 0_usize..70,
    ) {
        let hashes = vec![Hash::leaf(b""); length];
        for [a, b, c] in [numbers, small] {
            let _ = verify_inclusion(a, b, Hash::EMPTY, &hashes, Hash::EMPTY);
            let _ = verify_consistency(a, b, &hashes, Hash::EMPTY, Hash::EMPTY);
            let _ = subtree::verify_consistency(a, b, c, &hashes, Hash::EMPTY, Hash::EMPTY);
            let _ = subtree::verify_inclusion(a, b, c, Hash::EMPTY, &hashes, Hash::EMPTY);
        }
    }
}
