//! Which names carry credentials, and which values under them are real ones and not a reference or a filler.

/// Values at the head of which vendors put their own mark, by their published token formats. Any of them followed by
/// [`MARKED_TAIL`] more characters counts, whatever the name beside it says.
const MARKS: &[&str] = &[
    "AIza",
    "AKIA",
    "ASIA",
    "ATATT",
    "SG.",
    "ctx7sk-",
    "dop_v1_",
    "fc-",
    "figd_",
    "github_pat_",
    "gho_",
    "ghp_",
    "ghs_",
    "ghu_",
    "glpat-",
    "gsk_",
    "hf_",
    "lin_api_",
    "npm_",
    "ntn_",
    "nvapi-",
    "pplx-",
    "pypi-",
    "r8_",
    "rk_live_",
    "sbp_",
    "sk-",
    "sk_live_",
    "tvly-",
    "xai-",
    "xapp-",
    "xoxb-",
    "xoxp-",
];
const MARKED_TAIL: usize = 16;
/// Words that say: put yours here.
const FILLERS: &[&str] = &[
    "...",
    "<",
    "changeme",
    "change-me",
    "change_me",
    "dummy",
    "example",
    "fake",
    "insert",
    "placeholder",
    "redacted",
    "replace",
    "sample",
    "todo",
    "xxx",
    "your",
    "***",
    "_here",
    "-here",
    "not-needed",
    "not_needed",
    "none-required",
];
/// Whole values that are the name of a thing and not the thing.
const BARE: &[&str] = &[
    "admin",
    "anonymous",
    "api-key",
    "api_key",
    "apikey",
    "bearer",
    "default",
    "disabled",
    "empty",
    "false",
    "guest",
    "key",
    "local",
    "localhost",
    "n/a",
    "na",
    "nil",
    "none",
    "null",
    "oauth",
    "ollama",
    "optional",
    "pass",
    "passwd",
    "password",
    "postgres",
    "root",
    "secret",
    "test",
    "testing",
    "token",
    "true",
    "unset",
    "unused",
    "user",
];

/// Whether a variable, header or flag of this name would carry a credential.
pub(crate) fn is_credential_name(name: &str) -> bool {
    let words = words(name);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    let last = words.last().map_or("", String::as_str);
    // The working folder of a shell, now and before.
    if matches!(name, "PWD" | "OLDPWD") {
        return false;
    }
    if has(&["public", "publishable", "max", "limit", "count", "budget", "tokenizer"])
        || matches!(
            last,
            "file" | "path" | "url" | "uri" | "dir" | "name" | "type" | "header" | "ttl" | "endpoint"
        )
    {
        // A place of a credential, or a number of model tokens.
        return matches!(last, "url" | "uri")
            && has(&["database", "postgres", "redis", "mongodb", "mongo", "mysql"])
            && !has(&["public", "max"]);
    }
    has(&[
        "apikey",
        "credential",
        "credentials",
        "passphrase",
        "passwd",
        "password",
        "pat",
        "secret",
        "secrets",
        "token",
        "bearer",
        "authorization",
        "dsn",
        "pwd",
    ]) || last == "key"
        || last == "auth"
        || last == "cookie"
        || words.windows(2).any(
            |pair| matches!(pair, [a, b] if (a == "api" || a == "access" || a == "private") && b == "key"),
        )
        || words.windows(2).any(|pair| matches!(pair, [a, b] if a == "connection" && b == "string"))
}

/// The words of a name in any of the usual spellings, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for letter in name.chars() {
        let begins = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
        if (!letter.is_ascii_alphanumeric() || begins) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if letter.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(letter.to_ascii_lowercase());
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a value carries its vendor's mark.
pub(crate) fn is_marked(value: &str) -> bool {
    let value = without_scheme(value);
    let token = value.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
    MARKS.iter().any(|mark| {
        token.strip_prefix(mark).is_some_and(|tail| {
            tail.len() >= MARKED_TAIL
                && tail.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=/+".contains(&byte))
                && tail.bytes().any(|byte| byte.is_ascii_digit())
        })
    }) && !is_reference(value)
        && !is_filler(value)
}

/// Whether the value under a credential's name is one, and not a reference to it or a filler.
pub(crate) fn is_real(name: &str, value: &str) -> bool {
    let value = without_scheme(value.trim());
    if let Some(default) = default_of(value) {
        return is_real(name, default);
    }
    if value.eq_ignore_ascii_case(name) || is_reference(value) || is_filler(value) {
        return false;
    }
    if value.contains("://") {
        return has_password(value);
    }
    if value.starts_with(['/', '~', '.']) || value.contains(char::is_whitespace) {
        return false;
    }
    let spoken = ["password", "passwd", "pwd", "passphrase"]
        .iter()
        .any(|word| name.to_ascii_lowercase().contains(word));
    let least = if spoken { 4 } else { 8 };
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    value.len() >= least
        && (spoken || digits > 0 || value.len() >= 20)
        && !(digits == value.len() && value.len() < 12)
        && value.parse::<f64>().map_or(true, |_| value.len() >= 12)
}

/// What a variable stands for where it is not set: `x` of `${A:-x}` and `${A-x}`.
fn default_of(value: &str) -> Option<&str> {
    let inner = value.strip_prefix("${")?.strip_suffix('}')?;
    let name = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let rest = inner.get(name..).filter(|_| name > 0)?;
    rest.strip_prefix(":-").or_else(|| rest.strip_prefix('-')).filter(|default| !default.contains('$'))
}

/// `https://user:secret@host`: a password in a URL.
pub(crate) fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let Some((user, _)) = authority.rsplit_once('@') else { return false };
    match user.split_once(':') {
        Some((_, password)) => password.len() >= 4 && !is_reference(password) && !is_filler(password),
        None => is_marked(user),
    }
}

/// A value that names a variable, a file or a vault entry instead of holding the credential.
pub(crate) fn is_reference(value: &str) -> bool {
    let value = value.trim();
    value.is_empty()
        || value.contains("${")
        || value.contains("$(")
        || value.contains("{{")
        || value.contains("{env:")
        || value.contains("{file:")
        || value.starts_with(['$', '`', '!', '@'])
        || (value.starts_with('%') && value.ends_with('%'))
        || [
            "arn:",
            "env:",
            "env.",
            "op://",
            "projects/",
            "ssm:",
            "vault:",
            "keyring:",
            "keychain:",
            "secret:",
            "input:",
            "file:",
            "process.env",
        ]
        .iter()
        .any(|head| value.starts_with(head))
}

fn is_filler(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let first = lower.chars().next();
    FILLERS.iter().any(|filler| lower.contains(filler))
        || BARE.contains(&lower.as_str())
        || lower.chars().all(|letter| Some(letter) == first)
        // `MY_API_KEY`: the name of a variable in a variable's place.
        || (value.contains('_')
            && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            && is_credential_name(value))
}

/// `Bearer x` is `x`.
pub(crate) fn without_scheme(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, rest))
            if ["bearer", "basic", "token", "apikey", "api-key", "flyv1"]
                .contains(&scheme.to_ascii_lowercase().as_str()) =>
        {
            rest.trim()
        }
        _ => value,
    }
}

/// The variables that a value refers to, in the spellings of clients: `${A}`, `${A:-x}`, `${env:A}`, `{env:A}`, `$A`,
/// `${{ secrets.A }}`.
pub(crate) fn variables(value: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find(['$', '{']) {
        let after = rest.get(at..).unwrap_or("");
        let inner = after
            .trim_start_matches(['$', '{', ' '])
            .trim_start_matches("env:")
            .trim_start_matches("env.")
            .trim_start_matches("secrets.");
        let length = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let name = inner.get(..length).unwrap_or("");
        let referred = after.starts_with('$') || after.starts_with("{env:");
        if referred && name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            found.push(name);
        }
        let step = after.len() - inner.len() + length;
        rest = after.get(step.max(1)..).unwrap_or("");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_known() {
        for name in [
            "GITHUB_PERSONAL_ACCESS_TOKEN",
            "OPENAI_API_KEY",
            "apiKey",
            "X-Api-Key",
            "Authorization",
            "DB_PASSWORD",
            "GITHUB_PAT",
            "clientSecret",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "DATABASE_URL",
            "api_key",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "BASIC_AUTH",
        ] {
            assert!(is_credential_name(name), "{name}");
        }
        for name in [
            "PATH",
            "MAX_MCP_OUTPUT_TOKENS",
            "AWS_REGION",
            "AWS_PROFILE",
            "KEYBOARD",
            "SNYK_API",
            "TOKEN_LIMIT",
            "SSL_KEY_FILE",
            "AUTH_TYPE",
            "PATTERN",
            "BASE_URL",
            "PUBLIC_KEY",
            "Content-Type",
        ] {
            assert!(!is_credential_name(name), "{name}");
        }
    }

    #[test]
    fn references_and_fillers_are_no_credentials() {
        for value in [
            "${TOKEN}",
            "$TOKEN",
            "{env:TOKEN}",
            "YOUR_KEY_HERE",
            "<token>",
            "xxxxxxxx",
            "${{ secrets.X }}",
            "%TOKEN%",
            "changeme",
            "API_KEY",
            "",
            "op://vault/item",
            "${input:token}",
            "Bearer ${TOKEN}",
            "sk-your-key-1234567890123",
        ] {
            assert!(!is_real("API_KEY", value), "{value}");
            assert!(!is_marked(value), "{value}");
        }
        for value in [
            "8f3b2c1d9e7a4b60",
            "Bearer 8f3b2c1d9e7a4b60",
            "FlyV1 fm2_lJPECAAAAAAAB8r0xBCk",
            "kdJfhgqweoiruTnxcmvbqp",
            "https://u:p4sswd9x@host/",
        ] {
            assert!(is_real("API_KEY", value), "{value}");
        }
        assert!(is_marked("ghp_0123456789abcdefghij0123456789abcdef"));
    }

    #[test]
    fn variables_are_read_in_each_spelling() {
        for (text, names) in [
            ("${A_B}", vec!["A_B"]),
            ("${A:-x} and $B", vec!["A", "B"]),
            ("{env:A}", vec!["A"]),
            ("${env:A}", vec!["A"]),
            ("${{ secrets.A }}", vec!["A"]),
            ("{a}", vec![]),
            ("$", vec![]),
        ] {
            assert_eq!(variables(text), names, "{text}");
        }
    }
}
