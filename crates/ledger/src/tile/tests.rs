use proptest::prelude::*;

use super::*;

const fn hashes(level: u8, index: u64, width: u16) -> TilePath {
    TilePath::Hashes { id: TileId { level, index }, width }
}

#[test]
fn canonical_paths() {
    let check = |path: &str, expected: TilePath| {
        assert_eq!(TilePath::parse(path), Ok(expected), "{path}");
        assert_eq!(expected.to_string(), path);
    };
    check("tile/0/x001/x234/067", hashes(0, 1_234_067, 256));
    check("tile/0/x001/x234/067.p/1", hashes(0, 1_234_067, 1));
    check("tile/0/000", hashes(0, 0, 256));
    check("tile/63/999.p/255", hashes(63, 999, 255));
    check("tile/1/x001/000", hashes(1, 1000, 256));
    check("tile/entries/x001/x234/067.p/8", TilePath::Entries { index: 1_234_067, width: 8 });
    check("tile/0/x018/x446/x744/x073/x709/x551/615", hashes(0, u64::MAX, 256));
}

#[test]
fn every_other_spelling_is_refused() {
    let check = |path: &str| assert!(TilePath::parse(path).is_err(), "{path}");
    for path in [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile/00/000",
        "tile/+1/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/x001/x002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/1/",
        "tile/0/../000",
        "tile/data/000",
        "tile/entries/000.p/300",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/٣٣٣",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
    ] {
        check(path);
    }
}

#[test]
fn widths_of_the_published_example() {
    // tlog-tiles: a tree of 70,000 entries.
    let width = |level, index| TileId { level, index }.width(70_000);
    assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (256, 112, 0));
    assert_eq!((width(1, 0), width(1, 1), width(1, 2)), (256, 17, 0));
    assert_eq!((width(2, 0), width(2, 1), width(3, 0)), (1, 0, 0));
    assert_eq!(TileId::all(70_000).count(), 274 + 2 + 1);
    assert_eq!(TileId::all(0).count(), 0);
    assert_eq!(TileId::all(256).collect::<Vec<_>>().len(), 2);
}

#[test]
fn absurd_levels_have_no_tiles() {
    assert_eq!(TileId { level: 63, index: 0 }.width(u64::MAX), 0);
    assert_eq!(TileId { level: 0, index: u64::MAX }.width(u64::MAX), 0);
}

proptest! {
    #[test]
    fn paths_round_trip(level in 0_u8..=63, index: u64, width in 1_u16..=256, entries: bool) {
        let path = if entries { TilePath::Entries { index, width } } else { hashes(level, index, width) };
        prop_assert_eq!(TilePath::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn any_text_is_refused_or_canonical(text in "(tile/)?[0-9x./pentris]{0,40}") {
        if let Ok(path) = TilePath::parse(&text) {
            prop_assert_eq!(path.to_string(), text);
        }
    }
}
