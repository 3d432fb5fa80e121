use proptest::prelude::*;

use super::*;

mod cases;
mod rows;

/// What is found, as rule and value.
fn found(text: &str) -> Vec<(&'static str, String)> {
    let show = |finding: Finding| {
        let bytes = text.as_bytes().get(finding.start as usize..finding.end as usize).unwrap();
        (finding.rule, String::from_utf8_lossy(bytes).into_owned())
    };
    Detector::shipped().find(text.as_bytes()).into_iter().map(show).collect()
}

#[test]
fn every_row_of_the_table_can_be_read() {
    let shapes = shape::shipped();
    assert!(shapes.len() >= 250, "{}", shapes.len());
    for shape in &shapes {
        assert!(shape.build().is_ok(), "{}: {:?}", shape.id, shape.build().err());
        assert!(!shape.anchors.is_empty(), "{}", shape.id);
        for anchor in &shape.anchors {
            assert!(anchor.len() >= 3, "{}: an anchor of three bytes at least", shape.id);
        }
    }
    let mut names: Vec<_> = Detector::shipped().rules().collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn heads_fit_whatever_is_matched() {
    let shapes = shape::shipped();
    for text in cases::SECRETS.iter().map(|case| cases::built(case.0)) {
        let view = View { bytes: text.as_bytes() };
        for shape in &shapes {
            for at in 0..text.len() {
                assert!(!shape.matches(view, at) || shape.may_match(view, at), "{} {at} {text}", shape.id);
            }
        }
    }
}

#[test]
fn no_text_of_a_rule_is_too_short_to_be_looked_for() {
    assert!(mention::words().all(|(text, _)| text.len() >= 3));
}

#[test]
fn nothing_shows_a_value() {
    let text = cases::built("GITHUB_TOKEN=ghp_{a36}");
    let findings = Detector::shipped().find(text.as_bytes());
    let value = &text["GITHUB_TOKEN=".len()..];
    assert_eq!(findings.len(), 1);
    assert!(!format!("{findings:?}{:?}", Detector::shipped()).contains(&value[4..]));
    let covered = String::from_utf8(redact(text.as_bytes(), &findings)).unwrap();
    assert_eq!(covered, "GITHUB_TOKEN=[secret: github-token]");
    let marker = Marker::new(b"key");
    assert_eq!(marker.mark(value.as_bytes()), marker.mark(value.as_bytes()));
    assert_ne!(marker.mark(value.as_bytes()), Marker::new(b"other").mark(value.as_bytes()));
    assert!(!format!("{marker:?}").contains("key"));
}

#[test]
fn checksums_are_told_apart() {
    let entropy: String = "0Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj".into();
    let mut sum = u64::from(check::crc32(entropy.as_bytes()));
    let digits = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut written = [b'0'; 6];
    for place in written.iter_mut().rev() {
        *place = digits[(sum % 62) as usize];
        sum /= 62;
    }
    let right = format!("npm_{entropy}{}", String::from_utf8(written.into()).unwrap());
    let finding = Detector::shipped().find(right.as_bytes());
    assert_eq!(finding[0].confidence, Confidence::High);
    let wrong = format!("npm_{entropy}zzzzz9");
    assert_eq!(Detector::shipped().find(wrong.as_bytes())[0].confidence, Confidence::Low);
}

/// The format of a wallet's key, from its bytes.
fn wallet_key(network: u8, compressed: bool) -> String {
    let mut bytes = vec![network];
    bytes.extend((0_u8..32).map(|index| index.wrapping_mul(73).wrapping_add(41)));
    bytes.extend(compressed.then_some(1));
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, sum.as_ref());
    bytes.extend(&sum.as_ref()[..4]);
    let mut text = Vec::new();
    while bytes.iter().any(|byte| *byte > 0) {
        let mut rest = 0_u32;
        for byte in &mut bytes {
            rest = rest * 256 + u32::from(*byte);
            *byte = (rest / 58) as u8;
            rest %= 58;
        }
        text.push(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[rest as usize]);
    }
    text.reverse();
    String::from_utf8(text).unwrap()
}

#[test]
fn a_wallets_key_has_its_checksum() {
    for (network, compressed) in [(0x80, false), (0x80, true), (0xef, false), (0xef, true)] {
        let key = wallet_key(network, compressed);
        for text in [
            format!("wallet.importprivkey(\"{key}\")"),
            format!("BITCOIN_PRIVATE_KEY={key}\n"),
            format!("bitcoin-cli importprivkey {key} label"),
        ] {
            assert_eq!(found(&text), [("wallet-key", key.clone())], "{text}");
        }
        let mut other = key.into_bytes();
        other[20] = if other[20] == b'2' { b'3' } else { b'2' };
        let text = format!("wallet {}", String::from_utf8(other).unwrap());
        assert!(!found(&text).iter().any(|(rule, _)| *rule == "wallet-key"), "{text}");
    }
}

#[test]
fn places_are_counted_in_characters() {
    let mut lines = Lines::default();
    lines.pass("ä\nöü".as_bytes());
    assert_eq!(lines.here(), Place { line: 2, column: 3, chars: 4 });
    lines.pass(b"a");
    lines.pass(b"");
    assert_eq!(lines.here(), Place { line: 2, column: 4, chars: 5 });
    lines.pass("\n\nö".as_bytes());
    assert_eq!(lines.here(), Place { line: 4, column: 2, chars: 8 });
    lines.pass(b"\n");
    assert_eq!(lines.here(), Place { line: 5, column: 1, chars: 9 });
}

/// Bytes as those of an image or an archive, the same in each run (a linear congruential generator of Knuth's, MMIX).
fn compressed(length: usize) -> impl Iterator<Item = u8> {
    let next = |seed: &u64| {
        Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    };
    std::iter::successors(Some(1_u64), next).map(|seed| (seed >> 56) as u8).take(length)
}

#[test]
fn words_that_stand_in_compressed_bytes_by_chance_name_nothing() {
    let mut bytes = Vec::new();
    let words = ["pw=", "PW:", "password=", "token: ", "api_key=", "secret=\"", "creds: a/", "-p "];
    for (at, byte) in compressed(1 << 20).enumerate() {
        bytes.push(byte);
        if at % 64 == 0 {
            bytes.extend_from_slice(words[(at / 64) % words.len()].as_bytes());
        }
    }
    assert_eq!(Detector::shipped().find(&bytes), []);
    // The texts of a program end with zeros, and in a database lengths stand before them.
    for (before, after) in [
        ("\0\0DB=x\0", "\0\0"),
        ("\u{3}\u{17}", "\u{8}name"),
        ("\u{1}\u{4}\u{1}\u{2}", "\u{1}\0\u{4}Code\u{1}\0\u{3}()V"),
    ] {
        let text = format!("{before}password={}{after}", "tR7vbQ2zLm9xW4kP");
        assert_eq!(found(&text).len(), 1, "{text:?}");
    }
}

#[test]
fn a_password_with_a_letter_of_a_charset_of_one_byte_is_found() {
    let text = [b"db_password = \"P" as &[u8], b"\xe4", b"ssw0rd9xT\"\n"].concat();
    assert_eq!(Detector::shipped().find(&text).len(), 1);
}

#[test]
fn what_does_not_stop_is_looked_at_in_bounds() {
    for text in [
        "-----BEGIN RSA PRIVATE KEY-----".repeat(4000),
        "://a:".repeat(100_000),
        "eyJ".repeat(200_000),
        "-eyJ0123456789".repeat(3_000),
        "token=".repeat(100_000),
        "password = \"".repeat(50_000),
        "\"".repeat(500_000),
        "key_".repeat(100_000),
        "curl -u ".repeat(50_000),
        "PuTTY-User-Key-File-2: x\n".repeat(20_000),
        "-----BEGIN PRIVATE KEY-----AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHH\n".repeat(20_000),
    ] {
        let began = std::time::Instant::now();
        let _ = Detector::shipped().find(text.as_bytes());
        assert!(began.elapsed().as_secs() < 60, "{}…", &text[..20]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Secrets at any place, in pieces of any size: the same is found as in the whole.
    #[test]
    fn pieces_do_not_matter(
        parts in proptest::collection::vec((0..cases::SECRETS.len(), 0_usize..90_000, any::<u8>()), 1..8),
        cuts in proptest::collection::vec(1_usize..200_000, 1..40),
    ) {
        let mut text = Vec::new();
        for (which, filler, byte) in parts {
            let byte = if byte.is_ascii_alphanumeric() { b' ' } else { byte };
            text.extend(std::iter::repeat_n(byte, filler));
            text.push(b'\n');
            text.extend_from_slice(cases::built(cases::SECRETS[which].0).as_bytes());
            text.push(b'\n');
        }
        let whole = Detector::shipped().find(&text);
        let mut scanner = Scanner::new(Detector::shipped());
        let mut found = Vec::new();
        let mut rest = text.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            found.extend(scanner.push(now));
            rest = later;
        }
        found.extend(scanner.finish());
        prop_assert_eq!(found, whole);
    }

    /// Whatever the bytes are: findings lie within them, in order, and do not overlap.
    #[test]
    fn any_bytes_can_be_looked_at(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), which in 0..cases::SECRETS.len(), at in any::<prop::sample::Index>()) {
        let place = at.index(bytes.len() + 1);
        bytes.splice(place..place, cases::built(cases::SECRETS[which].0).into_bytes());
        let findings = Detector::shipped().find(&bytes);
        let mut last = 0;
        for finding in findings {
            prop_assert!(finding.start >= last && finding.start < finding.end && finding.end <= bytes.len() as u64);
            last = finding.end;
        }
    }
}
