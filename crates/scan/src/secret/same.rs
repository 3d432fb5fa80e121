//! What names a secret from scan to scan and from machine to machine, where no key to marks is shared, and who reads it
//! learns next to nothing: for lists of what is known, which are kept and handed around.

use aws_lc_rs::digest::{SHA256, digest};

/// Bits of a value's digest that are told. Of changed values one in 4,096 is taken for the old one; of a million passwords
/// that somebody would try, some 250 are left to try.
const VALUE_BITS: u32 = 12;
/// Longest name that counts.
const MAX_NAME: usize = 64;
/// Bytes before a value that are kept to find its name in: two for each letter, and as much for what stands between.
const MAX_BEFORE: usize = 4 * MAX_NAME;
/// Stands for a value; part of no name, and nothing that stands between a name and a value.
const COVER: u8 = 0x1a;

/// The last bytes of a text, values covered.
#[derive(Default)]
pub(super) struct Before(Vec<u8>);

// === impl Before ===

impl Before {
    /// Takes the next bytes, in which no value stands.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        let last = bytes.get(bytes.len().saturating_sub(MAX_BEFORE)..).unwrap_or_default();
        self.0.extend_from_slice(last);
        self.0.drain(..self.0.len().saturating_sub(MAX_BEFORE));
    }

    /// Takes a value.
    pub(super) fn cover(&mut self) {
        self.0.clear();
        self.0.push(COVER);
    }

    /// The name that the next byte is a value of: `TOKEN` of `TOKEN=`, `"TOKEN": "`, `<token>`. Nothing where a blank alone
    /// stands between: that may be a value which nobody found.
    fn name(&self) -> Vec<u8> {
        // Every second byte of wide text is a zero.
        let mut back = self.0.iter().rev().copied().filter(|byte| *byte != 0).peekable();
        let mut is_joined = false;
        while let Some(byte) = back.next_if(|byte| b" \t\"'`=:>([{".contains(byte)) {
            is_joined |= b"=:>([{".contains(&byte);
        }
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
        let name: Vec<u8> = std::iter::from_fn(|| back.next_if(is_name)).take(MAX_NAME + 1).collect();
        if is_joined && name.len() <= MAX_NAME { name } else { Vec::new() }
    }
}

/// The bits of a value's digest that are told.
pub(crate) fn value_bits(value: &[u8]) -> u16 {
    let of = digest(&SHA256, value);
    let first = of.as_ref().iter().take(2).fold(0_u16, |number, byte| number << 8 | u16::from(*byte));
    first >> (u16::BITS - VALUE_BITS)
}

/// What stays the same for a value under its name, wherever its line moves: 16 hexadecimal digits.
pub(super) fn same(before: &Before, value: &[u8]) -> String {
    let first = |bytes: &[u8]| {
        let of = digest(&SHA256, bytes);
        of.as_ref().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let mut named = u64::from(value_bits(value)).to_be_bytes().to_vec();
    named.extend(before.name());
    format!("{:016x}", first(&named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &[u8], value: &[u8]) -> String {
        let mut text = Before::default();
        text.pass(before);
        same(&text, value)
    }

    #[test]
    fn a_name_stands_right_before_its_value() {
        for (text, name) in [
            ("TOKEN=", "TOKEN"),
            ("a: 1\n  \"the-token\" : \"", "the-token"),
            ("<token>", "token"),
            ("login('", "login"),
            ("b=\"hunter2\", token => '", "token"),
            ("Authorization: Bearer ", ""),
            ("hunter2 ", ""),
            ("\"hunter2\",\"", ""),
            ("key:\n", ""),
            ("", ""),
            ("T\0O\0K\0=\0", "TOK"),
        ] {
            let mut before = Before::default();
            before.pass(text.as_bytes());
            let mut found = before.name();
            found.reverse();
            assert_eq!(String::from_utf8_lossy(&found), name, "{text:?}");
        }
        assert_eq!(of(format!("{}=", "a".repeat(MAX_NAME + 1)).as_bytes(), b"x"), of(b"", b"x"));
        let mut covered = Before::default();
        covered.pass(b"TOKEN=");
        covered.cover();
        covered.pass(b"=");
        assert!(covered.name().is_empty());
    }

    #[test]
    fn what_is_told_holds_twelve_bits_of_a_value_and_no_more() {
        let all: std::collections::BTreeSet<String> =
            (0..100_000_u32).map(|number| of(b"TOKEN=", &number.to_be_bytes())).collect();
        assert_eq!(all.len(), 1 << VALUE_BITS);
        assert_ne!(of(b"A=", b"x"), of(b"B=", b"x"));
        assert_eq!(of(b"\n\nA=", b"x"), of(b"B=y\n  A = \"", b"x"));
    }
}
