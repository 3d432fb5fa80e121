//! What a credential looks like: by the words in its name, by the shape of its value.
//!
//! Both err towards holding back. A value that is not UTF-8 counts as one by the caller.

/// Words that name credentials. A name is split at `_`, `-` and `.`.
const SECRET_WORDS: &[&str] = &[
    "APIKEY",
    "AUTH",
    "AUTHORIZATION",
    "BEARER",
    "COOKIE",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "KEY",
    "KEYS",
    "JWT",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "PAT",
    "PRIVATE",
    "PWD",
    "SECRET",
    "SECRETS",
    "SIGNATURE",
    "TOKEN",
    "TOKENS",
];

/// Beginnings of names that belong to credentials and to agents that hold them.
const SECRET_BEGINNINGS: &[&str] = &[
    "ACTIONS_ID_TOKEN_",
    "ACTIONS_RUNTIME_",
    "AWS_",
    "AZURE_",
    "ARM_",
    "DBUS_",
    "DOCKER_",
    "GH_",
    "GITHUB_TOKEN",
    "GIT_ASKPASS",
    "GIT_CONFIG",
    "GIT_SSH",
    "GNUPGHOME",
    "GPG_",
    "KRB5",
    "KUBE",
    "NETRC",
    "PGPASS",
    "SSH_",
    "STY",
    "TMUX",
    "VAULT_",
    "WAYLAND_",
    "XAUTHORITY",
];

/// Whole names that look like credentials by their words and are none.
const PLAIN_NAMES: &[&str] = &["AWS_CA_BUNDLE", "OLDPWD", "PWD", "SSH_TTY_NAME"];

/// Beginnings of tokens that their issuers made recognisable.
const TOKEN_BEGINNINGS: &[&str] = &[
    "AGE-SECRET-KEY-",
    "AIza",
    "AKIA",
    "ASIA",
    "Bearer ",
    "EAACEdEose0cBA",
    "Basic ",
    "SG.",
    "atlasv1.",
    "dapi",
    "dckr_pat_",
    "dop_v1_",
    "doo_v1_",
    "eyJ",
    "ghp_",
    "gho_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "gsk_",
    "hf_",
    "hvb.",
    "hvs.",
    "lin_api_",
    "npm_",
    "nvapi-",
    "pypi-",
    "r8_",
    "rk_live_",
    "rubygems_",
    "sbp_",
    "sgp_",
    "shpat_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "sntrys_",
    "tskey-",
    "whsec_",
    "xai-",
    "xapp-",
    "xoxa-",
    "xoxb-",
    "xoxe",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "ya29.",
];

/// Shortest run of random-looking characters that counts.
const RANDOM_LENGTH: usize = 32;
/// Least bits per character of such a run: hexadecimal digits reach 3.5 to 4.
const RANDOM_BITS: f64 = 3.4;

/// Whether the name says that the value is a credential, or a way to an agent that holds some.
pub(super) fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if PLAIN_NAMES.contains(&upper.as_str()) {
        return false;
    }
    SECRET_BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning))
        || upper.split(['_', '-', '.']).any(|word| {
            SECRET_WORDS.contains(&word)
                || ["TOKEN", "SECRET", "PASSWORD", "APIKEY"].iter().any(|end| word.ends_with(end))
        })
}

/// Whether the value looks like a credential whatever its name is.
pub(super) fn is_secret_value(value: &str) -> bool {
    let value = value.trim();
    value.contains("PRIVATE KEY-----")
        || value.split([' ', ',', ';', '=', '"', '\'', '\n']).any(is_token)
        || TOKEN_BEGINNINGS
            .iter()
            .any(|beginning| value.starts_with(beginning) && value.len() >= beginning.len() + 10)
        || has_password(value)
        || is_random(value)
}

/// A command or a part of one, with what looks like a credential left out. For people and their screens only: what is
/// left out depends on shapes and names, so it is no proof that nothing is left in.
pub(crate) fn redacted(command: &str) -> String {
    const GONE: &str = "[redacted]";
    let is_edge =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '&' | '|' | '(' | ')' | '<' | '>');
    let mut out = String::with_capacity(command.len());
    let mut is_next = false;
    for piece in command.split_inclusive(is_edge) {
        let word = piece.strip_suffix(is_edge).unwrap_or(piece);
        let edge = piece.get(word.len()..).unwrap_or_default();
        let is_scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        match word.split_once('=').or_else(|| word.split_once(':').filter(|_| !word.contains("://"))) {
            _ if word.is_empty() => {}
            _ if is_scheme => {
                is_next = true;
                out.push_str(word);
            }
            _ if is_next => {
                is_next = false;
                out.push_str(GONE);
            }
            Some((name, value)) if is_secret_name(name.trim_start_matches('-')) => {
                out.push_str(word.get(..=name.len()).unwrap_or_default());
                is_next = value.is_empty();
                if !value.is_empty() {
                    out.push_str(GONE);
                }
            }
            _ if has_password(word) => {
                let (scheme, rest) = word.split_once("://").unwrap_or_default();
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                out.push_str(&format!("{scheme}://{GONE}@{host}"));
            }
            _ if is_secret_value(word) && !word.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                out.push_str(GONE);
            }
            Some(_) | None => {
                is_next = word.starts_with("--") && is_secret_name(word.trim_start_matches('-'));
                out.push_str(word);
            }
        }
        out.push_str(edge);
    }
    out
}

fn is_token(word: &str) -> bool {
    TOKEN_BEGINNINGS.iter().any(|beginning| {
        word.strip_prefix(beginning).is_some_and(|rest| rest.len() >= 10 && !rest.contains('/'))
    })
}

/// Whether it is a URL with a password, as `postgres://user:password@host`.
fn has_password(value: &str) -> bool {
    value.match_indices("://").any(|(at, mark)| {
        let rest = value.get(at + mark.len()..).unwrap_or_default();
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':') || user.len() >= 20)
    })
}

/// Whether it is one long run of characters without structure: no path, no words, much information.
fn is_random(value: &str) -> bool {
    let alphabet =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    value.len() >= RANDOM_LENGTH
        && !value.starts_with('/')
        && value.bytes().all(alphabet)
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && bits_per_character(value) >= RANDOM_BITS
}

fn bits_per_character(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}
