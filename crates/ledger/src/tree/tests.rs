use proptest::prelude::*;

use super::*;

/// The leaves used across Certificate Transparency implementations.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// RFC 6962 section 2.1 word for word, slow: the yardstick for everything else.
pub(crate) fn reference_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::EMPTY,
        [one] => *one,
        _ => {
            let mut k = 1;
            while k * 2 < leaves.len() {
                k *= 2;
            }
            Hash::node(&reference_root(&leaves[..k]), &reference_root(&leaves[k..]))
        }
    }
}

pub(crate) fn numbered(count: u64) -> Vec<Hash> {
    (0..count).map(|i| Hash::leaf(&i.to_be_bytes())).collect()
}

#[test]
fn published_roots() {
    assert_eq!(Hash::EMPTY, Hash::of(b""));
    assert_eq!(Frontier::default().root(), Hash::EMPTY);
    let mut frontier = Frontier::default();
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        frontier.push(Hash::leaf(&unhex(leaf)));
        assert_eq!(frontier.root().to_string(), root);
    }
}

#[test]
fn a_leaf_hashes_alike_on_both_sides_of_the_stack_buffer() {
    for length in [0, 1, 1023, 1024, 1025, 1026, 65_535] {
        let data = vec![7_u8; length];
        let mut prefixed = vec![0_u8];
        prefixed.extend_from_slice(&data);
        assert_eq!(Hash::leaf(&data), Hash::of(&prefixed), "{length} bytes");
    }
}

#[test]
fn a_tree_hands_out_each_tile_once_and_in_order() {
    let mut tree = Tree::default();
    let mut full = Vec::new();
    for leaf in numbered(256 * 256 + 3) {
        tree.push(leaf, &mut |tile| full.push(tile));
    }
    let level = |level| full.iter().filter(move |t| t.id.level == level);
    assert!(level(0).map(|t| t.id.index).eq(0..256));
    assert!(level(1).map(|t| t.id.index).eq(0..1));
    assert!(full.iter().all(|t| t.hashes.len() == 256));
    let level0: Vec<Hash> = level(0).map(|t| subtree_root(&t.hashes)).collect();
    assert_eq!(level(1).next().unwrap().hashes, level0);
    assert_eq!((tree.edge(0).len(), tree.edge(1).len(), tree.edge(2).len()), (3, 0, 1));
}

#[test]
fn a_wrong_edge_is_refused() {
    let leaves = numbered(5);
    assert!(Tree::from_edges(5, vec![leaves.clone()]).is_ok());
    for size in [4, 6, 261] {
        assert!(
            matches!(Tree::from_edges(size, vec![leaves.clone()]), Err(TreeError::EdgeWidth { .. })),
            "{size}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn root_is_that_of_the_standard_and_survives_a_reload(count in 0_u64..1500) {
        let leaves = numbered(count);
        let mut tree = Tree::default();
        for leaf in &leaves {
            tree.push(*leaf, &mut |_| ());
        }
        prop_assert_eq!(tree.root(), reference_root(&leaves));
        let edges = (0..u8::try_from(Tree::levels(count)).unwrap()).map(|l| tree.edge(l).to_vec()).collect();
        let reloaded = Tree::from_edges(count, edges).unwrap();
        prop_assert_eq!(reloaded.root(), tree.root());
        prop_assert_eq!(reloaded, tree);
    }
}
