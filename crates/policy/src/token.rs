//! Credentials by their own form: tokens that their issuers made recognisable, and private keys. Only what is certain is
//! found, so that a call is not held for a word that looks odd.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// Beginning, fewest characters behind it, and what these are.
const FORMS: &[(&str, usize, Letters)] = &[
    ("AGE-SECRET-KEY-1", 40, Letters::Plain),
    ("AIza", 33, Letters::Dashed),
    ("AKIA", 16, Letters::Upper),
    ("ASIA", 16, Letters::Upper),
    ("SG.", 40, Letters::Dotted),
    ("atlasv1.", 40, Letters::Dotted),
    ("dapi", 32, Letters::Hex),
    ("dckr_pat_", 20, Letters::Dashed),
    ("doo_v1_", 60, Letters::Hex),
    ("dop_v1_", 60, Letters::Hex),
    ("eyJ", 60, Letters::Dotted),
    ("gho_", 30, Letters::Plain),
    ("ghp_", 30, Letters::Plain),
    ("ghr_", 30, Letters::Plain),
    ("ghs_", 30, Letters::Plain),
    ("ghu_", 30, Letters::Plain),
    ("github_pat_", 40, Letters::Dashed),
    ("glpat-", 18, Letters::Dashed),
    ("glrt-", 18, Letters::Dashed),
    ("gsk_", 40, Letters::Plain),
    ("hf_", 30, Letters::Plain),
    ("hvb.", 24, Letters::Dashed),
    ("hvs.", 24, Letters::Dashed),
    ("lin_api_", 30, Letters::Plain),
    ("npm_", 34, Letters::Plain),
    ("nvapi-", 40, Letters::Dashed),
    ("pypi-", 50, Letters::Dashed),
    ("r8_", 36, Letters::Plain),
    ("rk_live_", 20, Letters::Plain),
    ("rubygems_", 40, Letters::Hex),
    ("sbp_", 40, Letters::Hex),
    ("shpat_", 30, Letters::Hex),
    ("sk-", 32, Letters::Dashed),
    ("sk_live_", 20, Letters::Plain),
    ("sntrys_", 40, Letters::Dashed),
    ("tskey-", 20, Letters::Dashed),
    ("whsec_", 24, Letters::Plain),
    ("xai-", 40, Letters::Plain),
    ("xapp-", 30, Letters::Dashed),
    ("xoxa-", 24, Letters::Dashed),
    ("xoxb-", 24, Letters::Dashed),
    ("xoxe.", 24, Letters::Dotted),
    ("xoxp-", 24, Letters::Dashed),
    ("xoxr-", 24, Letters::Dashed),
    ("xoxs-", 24, Letters::Dashed),
    ("ya29.", 30, Letters::Dashed),
];

/// What people write where a credential would stand.
const DUMMIES: &[&str] = &[
    "example",
    "dummy",
    "placeholder",
    "redacted",
    "xxxx",
    "your",
    "changeme",
    "sample",
    "fake",
    "0000000",
    "notreal",
];

/// Fewest different characters of one that somebody could use.
const DIFFERENT: usize = 9;

/// Of which characters the rest of a token is.
#[derive(Clone, Copy, Debug)]
enum Letters {
    Upper,
    Hex,
    Plain,
    Dashed,
    Dotted,
}

/// All beginnings at once, so that a long text is passed over once.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(FORMS.iter().map(|(beginning, ..)| beginning)).ok());

/// Beginnings that nobody writes by chance: a letter before one does not make it the middle of a word.
const CERTAIN: &[&str] = &[
    "AGE-SECRET-KEY-1",
    "dckr_pat_",
    "doo_v1_",
    "dop_v1_",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "glrt-",
    "lin_api_",
    "rk_live_",
    "rubygems_",
    "shpat_",
    "sk_live_",
    "sntrys_",
    "xoxa-",
    "xoxb-",
    "xoxe.",
    "xoxp-",
    "xoxr-",
    "xoxs-",
];

/// Most beginnings of one form that are looked at in a text.
const MAX_LOOKED_AT: usize = 64;

/// Whether the text holds a credential that somebody could use. Text of two bytes a letter (UTF-16), which arrives with a
/// zero beside each, is read too.
#[must_use]
pub fn holds_token(text: &str) -> bool {
    holds(text) || (text.contains('\0') && holds(&text.replace('\0', "")))
}

fn holds(text: &str) -> bool {
    // Without the searcher nobody knows what the text holds.
    let Some(beginnings) = BEGINNINGS.as_ref() else { return true };
    if holds_key(text) {
        return true;
    }
    let mut looked_at = [0_usize; FORMS.len()];
    beginnings.find_overlapping_iter(text).any(|found| {
        let which = found.pattern().as_usize();
        let (Some((beginning, fewest, letters)), Some(looked_at)) =
            (FORMS.get(which), looked_at.get_mut(which))
        else {
            return false;
        };
        *looked_at += 1;
        // In the middle of a word it is no beginning.
        let is_start = CERTAIN.contains(beginning)
            || !text
                .get(..found.start())
                .is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()));
        let rest = text.get(found.end()..).unwrap_or_default();
        let rest = rest.split(|c: char| !letters.have(c)).next().unwrap_or_default();
        *looked_at <= MAX_LOOKED_AT && is_start && rest.len() >= *fewest && is_real(beginning, rest)
    })
}

fn is_real(beginning: &str, rest: &str) -> bool {
    let lower = rest.to_ascii_lowercase();
    let mut seen = [false; 128];
    for byte in lower.bytes() {
        if let Some(slot) = seen.get_mut(usize::from(byte)) {
            *slot = true;
        }
    }
    let has = |part: &str| lower.split(['-', '_']).any(|word| word == part);
    seen.iter().filter(|slot| **slot).count() >= DIFFERENT
        && !DUMMIES.iter().any(|dummy| lower.contains(dummy))
        && !has("test")
        // Three parts, the last of which signs.
        && (beginning != "eyJ" || (rest.split('.').count() == 3 && !rest.ends_with('.') && !rest.contains("eyJzdWIiOiIxMjM0NTY3ODkw")))
}

/// A private key with something in it.
fn holds_key(text: &str) -> bool {
    const FEWEST: usize = 64;
    text.match_indices("PRIVATE KEY").take(16).any(|(at, mark)| {
        let before = text.get(..at).unwrap_or_default();
        let is_begun = before.rsplit("-----BEGIN").next().is_some_and(|between| {
            between.len() <= 24 && before.len() > between.len() && !between.contains('\n')
        });
        let rest = text.get(at + mark.len()..).unwrap_or_default().trim_start_matches("-----");
        let body = rest.split("-----").next().unwrap_or_default().replace("\\n", "");
        let letters: Vec<char> =
            body.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/')).collect();
        let different: std::collections::BTreeSet<&char> = letters.iter().collect();
        is_begun && letters.len() >= FEWEST && different.len() > DIFFERENT
    })
}

// === impl Letters ===

impl Letters {
    const fn have(self, c: char) -> bool {
        match self {
            Self::Upper => c.is_ascii_uppercase() || c.is_ascii_digit(),
            Self::Hex => c.is_ascii_hexdigit(),
            Self::Plain => c.is_ascii_alphanumeric(),
            Self::Dashed => c.is_ascii_alphanumeric() || matches!(c, '-' | '_'),
            Self::Dotted => c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_used_is_told_from_what_stands_for_it() {
        let made = |start: &str, n: usize| {
            let letters = b"q7Rk2ZpL9wXc4VbN8mTd5YfH3gJsEaU6";
            format!(
                "{start}{}",
                letters.iter().cycle().take(n).map(|byte| char::from(*byte)).collect::<String>()
            )
        };
        let key = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END", made("b3Blb", 90));
        for text in [
            made("ghp_", 36),
            format!("CI uses {} now", made("glpat-", 20)),
            format!("https://a.example/?t={}", made("sk-proj-", 40)),
            format!("AKIA{}", "Q7RK2ZPL9WXC4VBN"),
            made("xghp_", 36),
            made("feature9glpat-", 20),
            made("task_ghp_", 36),
            made("ghp_", 36).chars().flat_map(|c| [c, '\0']).collect(),
            made("\0x\0ghp_", 36).chars().flat_map(|c| ['\0', c]).collect(),
            key,
        ] {
            assert!(holds_token(&text), "{text}");
        }
        for text in [
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx".to_owned(),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "sk-test".to_owned(),
            format!("xAKIA{}", "Q7RK2ZPL9WXC4VBN"),
            made("sk-test-", 40),
            "ghp_your_token_here".to_owned(),
            "glpat-00000000000000000000".to_owned(),
            "a commit: 16c7e42f292c6912e7710c838347ae178b4a0000".to_owned(),
            "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----".to_owned(),
            "task-force-of-people-who-write-long-branch-names-for-fun".to_owned(),
            "feature/ask-what-the-user-wants-before-installing-more".to_owned(),
        ] {
            assert!(!holds_token(&text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_searched(text in "(?s).{0,300}", more in "(-----BEGIN |PRIVATE KEY|ghp_|eyJ|[a-z0-9.-]){0,60}") {
            let _ = holds_token(&text);
            let _ = holds_token(&more);
        }
    }
}
