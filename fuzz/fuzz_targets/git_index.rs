//! Git's index, which whoever works in a workspace can write, is read or refused, within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;

/// What the reader takes of its crate; files are not opened here.
mod config {
    use std::path::Path;

    pub(crate) fn read_bytes(_: &Path, _: u64) -> Option<Vec<u8>> {
        None
    }
}

// The reader lies in a program, which nothing links: it is read from there, under the names that it has there.
#[path = "."]
mod cli {
    #[path = "."]
    pub(crate) mod run {
        #[path = "."]
        pub(crate) mod yard {
            #[allow(dead_code, unreachable_pub)]
            #[path = "../../crates/writ/src/cli/run/yard/index.rs"]
            mod index;

            pub(crate) fn read(bytes: &[u8], digest_bytes: usize) {
                let Some(index) = index::Index::parsed(bytes, digest_bytes) else { return };
                assert!(!index.is_unread());
                let folders = ["", "a", ".git", "src/b"].map(std::path::Path::new);
                assert!(!index.is_empty() || !folders.iter().any(|folder| index.has_below(folder)));
                assert!(folders.iter().all(|path| index.digest(path).is_none_or(|digest| digest.len() == digest_bytes)));
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // As they are, with a digest that git was told not to reckon, and without a beginning to be found first.
    cli::run::yard::read(bytes, 20);
    cli::run::yard::read(bytes, 32);
    cli::run::yard::read(&[bytes, &[0; 20]].concat(), 20);
    cli::run::yard::read(&[&b"DIRC\0\0\0"[..], bytes, &[0; 20]].concat(), 20);
});
