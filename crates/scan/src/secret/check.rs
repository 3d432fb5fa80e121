//! Checksums and inner forms that published formats have.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde::Deserialize;

/// Which one a shape has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    #[default]
    None,
    /// The last six characters are the CRC-32 of those after the prefix, in base 62 (GitHub and npm, which publish it).
    Crc32Base62,
    /// The first part is base64 of a JSON object (RFC 7519).
    Jwt,
    /// A macaroon whose location is named within (PyPI).
    Macaroon,
    /// A private key whose header says what it is.
    Base64Json,
    /// `user:password` in base64 (RFC 7617).
    Basic,
    /// Four groups of four, of which at least two are no words (Google's app passwords, as they are shown).
    AppPassword,
    /// The last four bytes are the beginning of a double SHA-256 of the rest, in base 58 (Bitcoin's wallet import format).
    Base58,
    /// Small and capital letters, digits and hardly any letter twice, where punctuation is part of the format.
    Mixed,
    /// Looks drawn, where only the name in front is published.
    Drawn,
    /// The first part is base64 of a number of seventeen to twenty digits, as Discord counts what it knows.
    Snowflake,
    /// A password within a URL (RFC 3986, section 3.2.1).
    Userinfo,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    /// There is nothing to check.
    None,
    /// It does not fit, and samples are often made up so: worth a look.
    Off,
    Wrong,
}

/// Looks at the secret.
pub(super) fn of(check: Check, secret: &[u8]) -> Verdict {
    let right = |yes: bool| if yes { Verdict::Right } else { Verdict::Wrong };
    match check {
        Check::None => Verdict::None,
        Check::Crc32Base62 => match crc32_base62(secret) {
            Some(true) => Verdict::Right,
            Some(false) if super::value::is_counted(secret) => Verdict::Wrong,
            Some(false) => Verdict::Off,
            None => Verdict::Wrong,
        },
        Check::Jwt => match secret.split(|byte| *byte == b'.').next().and_then(decoded) {
            Some(header)
                if header.starts_with(b"{")
                    && header.trim_ascii_end().ends_with(b"}")
                    && !is_published_jwt(secret) =>
            {
                Verdict::None
            }
            _ => Verdict::Wrong,
        },
        Check::Macaroon => {
            right(secret.get(5..).and_then(decoded).is_some_and(|bytes| bytes.first() == Some(&2)))
        }
        Check::Base64Json => match decoded(secret) {
            Some(text) if text.starts_with(b"{") => Verdict::None,
            _ => Verdict::Wrong,
        },
        Check::Basic => match decoded(secret) {
            Some(text) if is_pair(&text) => Verdict::None,
            _ => Verdict::Wrong,
        },
        Check::AppPassword => {
            if secret.split(|byte| *byte == b' ').filter(|group| is_no_word(group)).count() >= 2 {
                Verdict::None
            } else {
                Verdict::Wrong
            }
        }
        Check::Base58 => right(base58_check(secret)),
        Check::Mixed if is_mixed(secret) => Verdict::None,
        Check::Mixed => Verdict::Wrong,
        Check::Drawn if super::value::drawn(secret) == super::value::Drawn::No => Verdict::Wrong,
        Check::Drawn => Verdict::None,
        Check::Snowflake => {
            let number = secret.split(|byte| *byte == b'.').next().and_then(decoded).unwrap_or_default();
            if (17..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit) {
                Verdict::None
            } else {
                Verdict::Wrong
            }
        }
        Check::Userinfo => {
            if super::value::is_reference(secret) || super::value::is_placeholder(secret) || secret.len() < 3
            {
                Verdict::Wrong
            } else {
                Verdict::None
            }
        }
    }
}

/// `user:password`, printable, with something on the left.
fn is_pair(text: &[u8]) -> bool {
    let printable = text.iter().all(|byte| (0x20..0x7f).contains(byte) || *byte >= 0x80);
    printable && text.iter().position(|byte| *byte == b':').is_some_and(|at| at > 0)
}

/// Base64 of either alphabet, with or without padding; a rest that is no whole group is left out.
fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|byte| *byte != b'=').map_or(0, |at| at + 1);
    let text = text.get(..end)?;
    let whole = text.get(..text.len() - usize::from(text.len() % 4 == 1))?;
    let mut whole = whole.to_vec();
    for byte in &mut whole {
        match *byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    let lenient = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
    );
    lenient
        .decode(&whole)
        .or_else(|_| STANDARD_NO_PAD.decode(text))
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .ok()
}

/// Whether a token says of itself that all may have it: Supabase's key of pages, and those of its demonstration.
pub(super) fn is_published_jwt(secret: &[u8]) -> bool {
    let claims = secret.split(|byte| *byte == b'.').nth(1).and_then(decoded).unwrap_or_default();
    let has = |part: &[u8]| super::value::contains(&claims, part);
    has(b"\"iss\":\"supabase-demo\"") || has(b"\"iss\":\"supabase\"") && has(b"\"role\":\"anon\"")
}

fn is_no_word(group: &[u8]) -> bool {
    group.iter().any(u8::is_ascii_digit)
        || !group.iter().any(|byte| b"aeiouy".contains(byte))
        || super::value::rare(group) > 0
}

fn is_mixed(text: &[u8]) -> bool {
    let counts = super::value::Counts::of(text);
    let all = counts.digits > 0 && counts.upper > 0 && counts.lower > 0;
    all && counts.distinct as usize * 5 >= counts.length.min(60) * 3
        && !super::value::is_reference(text)
        && !super::value::is_placeholder(text)
}

/// Bytes of a wallet's key: a network's byte, 32 of the key, perhaps one that says how it is used, four of checksum.
const WALLET_BYTES: [usize; 2] = [37, 38];

fn base58_check(text: &[u8]) -> bool {
    const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes: Vec<u8> = Vec::new();
    for letter in text {
        let Some(digit) = DIGITS.iter().position(|digit| digit == letter) else { return false };
        // The number so far times 58, its lowest byte first.
        let mut carry = digit;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry > 0 {
            bytes.push(carry.to_le_bytes()[0]);
        }
    }
    bytes.reverse();
    let Some((rest, sum)) = bytes.split_at_checked(bytes.len().saturating_sub(4)) else { return false };
    let once = digest(&SHA256, rest);
    WALLET_BYTES.contains(&bytes.len()) && digest(&SHA256, once.as_ref()).as_ref().starts_with(sum)
}

/// The checksum of GitHub's and npm's tokens: after the prefix and its `_`, thirty characters and six of checksum.
fn crc32_base62(secret: &[u8]) -> Option<bool> {
    let at = secret.iter().rposition(|byte| *byte == b'_')?;
    let body = secret.get(at + 1..)?;
    let (entropy, sum) = body.split_at_checked(body.len().checked_sub(6)?)?;
    let mut written = 0_u64;
    for byte in sum {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        written = written * 62 + u64::from(digit);
    }
    Some(written == u64::from(crc32(entropy)))
}

/// CRC-32 as in ISO 3309, bit by bit: few bytes, and only of what already has the form.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
