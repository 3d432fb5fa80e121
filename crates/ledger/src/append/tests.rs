use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::entry::BundleEntries;
use crate::tree::tests::reference_root;

fn entries(from: u64, count: usize) -> Vec<Entry> {
    (from..).take(count).map(|i| Entry::new(format!("{{\"n\":{i}}}").into_bytes()).unwrap()).collect()
}

#[test]
fn a_batch_has_at_least_one_entry_and_is_bounded() {
    assert_eq!(plan(&Tree::default(), &[]), Err(PlanError::Empty));
    let many = entries(0, MAX_ROW_ENTRIES + 1);
    assert_eq!(plan(&Tree::default(), &many), Err(PlanError::TooMany(MAX_ROW_ENTRIES + 1)));
    assert!(plan(&Tree::default(), many.split_last().unwrap().1).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// However the entries are cut into batches, the same log, tiles and roots come out.
    #[test]
    fn batches_of_any_size_make_the_same_log(sizes in prop::collection::vec(1_usize..700, 1..8)) {
        let (mut tree, mut stored, mut leaves) = (Tree::default(), BTreeMap::new(), Vec::new());
        for count in sizes {
            let batch = entries(tree.size(), count);
            let plan = plan(&tree, &batch).unwrap();
            prop_assert_eq!((plan.row.first, plan.row.count as usize), (tree.size(), count));
            let read: Vec<_> = BundleEntries::new(&plan.row.bundle).map(|e| e.unwrap().to_vec()).collect();
            prop_assert!(read.iter().map(Vec::as_slice).eq(batch.iter().map(Entry::as_bytes)));
            leaves.extend(batch.iter().map(Entry::leaf_hash));
            prop_assert_eq!(Hash::split_bytes(&plan.row.leaves).unwrap(), &leaves[leaves.len() - count..]);
            prop_assert_eq!(plan.row.root, reference_root(&leaves));
            stored.extend(plan.tiles.into_iter().map(|t| (t.id, t.hashes)));
            tree = plan.tree;
        }
        // Every tile that the format wants is either stored at its full width or is the level-0 edge.
        for (id, width) in TileId::all(tree.size()) {
            if id.level == 0 && width < 256 {
                prop_assert_eq!(tree.edge(0).len(), usize::from(width));
                continue;
            }
            let span = 1_usize << (8 * id.level);
            let start = usize::try_from(id.index).unwrap() * 256 * span;
            let expected: Vec<Hash> =
                leaves[start..start + usize::from(width) * span].chunks(span).map(reference_root).collect();
            prop_assert_eq!(stored.get(&id), Some(&expected), "{:?}", id);
        }
    }
}
