//! C2SP tlog-tiles: which tile holds what, and the paths under which tiles and entry bundles are served.
//!
//! Hash `i` of tile `n` at level `l` is the root over leaves `(n*256+i)*256^l .. (n*256+i+1)*256^l`. Paths come from
//! untrusted HTTP requests; only the one canonical spelling is accepted.

use std::fmt;

use thiserror::Error;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: usize = 256;
/// The highest level the format knows. A tree of 2^64 leaves needs eight.
pub const MAX_LEVEL: u8 = 63;
/// The longest path that is looked at.
pub const MAX_PATH_BYTES: usize = 64;

/// Position of a tile, whatever its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// `0..=63`; level 0 holds leaf hashes.
    pub level: u8,
    pub index: u64,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TilePath {
    /// `tile/entries/<N>[.p/<W>]`: the entries below level-0 tile `index`.
    Entries { index: u64, width: u16 },
    /// `tile/<L>/<N>[.p/<W>]`.
    Hashes { id: TileId, width: u16 },
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not the path of a tile: `{0}`")]
pub struct TilePathError(String);

// === impl TileId ===

impl TileId {
    /// Width of this tile in a tree of `size` leaves: 256 if full, 1..=255 at the edge, 0 if there is no such tile.
    pub fn width(self, size: u64) -> u16 {
        let hashes = size.checked_shr(8 * u32::from(self.level)).unwrap_or(0);
        let start = self.index.saturating_mul(TILE_WIDTH as u64);
        u16::try_from(hashes.saturating_sub(start).min(TILE_WIDTH as u64)).unwrap_or(0)
    }

    /// Every tile of a tree of `size`, full and partial, lowest level first.
    pub fn all(size: u64) -> impl Iterator<Item = (Self, u16)> {
        (0_u8..8).flat_map(move |level| {
            let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
            (0..hashes.div_ceil(TILE_WIDTH as u64)).map(move |index| {
                let id = Self { level, index };
                (id, id.width(size))
            })
        })
    }
}

// === impl TilePath ===

impl TilePath {
    /// Reads a path without leading slash.
    ///
    /// # Errors
    /// Anything but the canonical spelling of a tile or entry bundle.
    pub fn parse(path: &str) -> Result<Self, TilePathError> {
        let bad = || {
            TilePathError(path.chars().take(MAX_PATH_BYTES).collect::<String>().escape_debug().to_string())
        };
        if path.len() > MAX_PATH_BYTES {
            return Err(bad());
        }
        let parsed = Self::read(path).ok_or_else(bad)?;
        // Writing it again settles every question of leading zeros and needless groups.
        if parsed.to_string() == path { Ok(parsed) } else { Err(bad()) }
    }

    fn read(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, decimal(width).filter(|w| (1..256).contains(w))?),
            None => (rest, TILE_WIDTH as u64),
        };
        let width = u16::try_from(width).ok()?;
        let index = Self::read_index(number)?;
        if kind == "entries" {
            return Some(Self::Entries { index, width });
        }
        let level = u8::try_from(decimal(kind)?).ok().filter(|level| *level <= MAX_LEVEL)?;
        Some(Self::Hashes { id: TileId { level, index }, width })
    }

    fn read_index(groups: &str) -> Option<u64> {
        let mut index = 0_u64;
        let mut groups = groups.split('/').peekable();
        while let Some(group) = groups.next() {
            let last = groups.peek().is_none();
            let digits = if last { group } else { group.strip_prefix('x')? };
            if digits.len() != 3 {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(decimal(digits)?)?;
        }
        Some(index)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (*index, *width)
            }
            Self::Hashes { id, width } => {
                write!(f, "tile/{}/", id.level)?;
                (id.index, *width)
            }
        };
        let mut groups = vec![index % 1000];
        let mut rest = index / 1000;
        while rest > 0 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        for (place, group) in groups.iter().enumerate().rev() {
            if place == 0 { write!(f, "{group:03}")? } else { write!(f, "x{group:03}/")? }
        }
        if usize::from(width) < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
    }
}

/// Plain decimal digits; `u64::from_str` would also take a plus sign.
fn decimal(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests;
