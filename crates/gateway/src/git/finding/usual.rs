//! Credentials that everybody knows: published samples, and the usual ones of services on one's own machine.

use writ_scan::secret::{Confidence, Finding, is_default_pair, is_local};

use crate::admit::sha256;

/// Digests of the sample tokens of jwt.io, now and before: `John Doe`, number 1234567890.
const SAMPLES: &[&str] = &[
    "7f75367e7881255134e1375e723d1dea8ad5f6a4fdb79d938df1f1754a830606",
    "c794fa6d20c64efb9adf980ae93af472a1679775862d421ffe55d4a57fad5b3e",
    "da816f9f2c16e6c5390e7636cadc40c43551bf0bbcf8f36c65539e6633a9c5e8",
];
/// Passwords that images and guides begin with.
const PASSWORDS: &[&str] = &[
    "admin",
    "changeme",
    "dev",
    "example",
    "guest",
    "local",
    "minioadmin",
    "mysecretpassword",
    "mysql",
    "pass",
    "passwd",
    "password",
    "postgres",
    "redis",
    "root",
    "rootpassword",
    "secret",
    "test",
    "user",
];
/// Most bytes of an address before its password.
const MAX_BEFORE: usize = 256;

/// Whether a finding in these bytes is no secret of anybody.
pub(in super::super) fn is_usual(bytes: &[u8], finding: &Finding) -> bool {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let (start, end) = (place(finding.start), place(finding.end));
    let (Some(before), Some(value), Some(behind)) =
        (bytes.get(..start), bytes.get(start..end), bytes.get(end..))
    else {
        return false;
    };
    finding.confidence <= Confidence::Medium
        && (SAMPLES.contains(&sha256(value).to_string().as_str())
            || finding.rule == "url-password" && is_of_this_machine(before, value, behind))
}

/// `…://USER:` + password + `@HOST`, at a host of one's own machine.
fn is_of_this_machine(before: &[u8], password: &[u8], behind: &[u8]) -> bool {
    const SIGN: &[u8] = b"://";
    let before = before.get(before.len().saturating_sub(MAX_BEFORE)..).unwrap_or_default();
    let Some(before) = before.strip_suffix(b":") else { return false };
    let user = before.windows(SIGN.len()).rposition(|part| part == SIGN);
    let user = user.and_then(|at| before.get(at + SIGN.len()..));
    is_local(behind)
        && user.is_some_and(|user| {
            is_default_pair(user, password) || PASSWORDS.iter().any(|known| known.as_bytes() == password)
        })
}

#[cfg(test)]
mod tests {
    use writ_scan::secret::Detector;

    use super::*;

    #[test]
    fn attack_only_what_everybody_knows_is_usual() {
        let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
        let jwt = |rest: &str| format!("token: {header}.{rest}\n");
        let sample = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ";
        for (text, expected) in [
            (jwt(&format!("{sample}.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c")), true),
            // The sample, signed with another key.
            (jwt(&format!("{sample}.XflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c")), false),
            ("postgres://postgres:postgres@localhost:5432/app\n".to_owned(), true),
            ("url: 'mysql://shop_app:shop_app@db/shop'\n".to_owned(), true),
            ("redis://:redis@[::1]:6379\n".to_owned(), true),
            ("amqp://guest:guest@127.0.0.1".to_owned(), true),
            ("amqp://anyone:changeme@rabbitmq:5672/\n".to_owned(), true),
            // Other hosts, and those that only begin so.
            ("postgres://postgres:postgres@db.example.org:5432/app\n".to_owned(), false),
            ("postgres://postgres:postgres@prod-db/app\n".to_owned(), false),
            ("postgres://postgres:postgres@localhost.example.org/app\n".to_owned(), false),
            ("postgres://postgres:postgres@localhost:5432,db.example.org:5432/app\n".to_owned(), false),
            ("postgres://postgres:postgres@localhost%2eexample.org/app\n".to_owned(), false),
            // Other passwords: a drawn one stays one when it is the user as well.
            ("postgres://postgres:q7Rk2ZpL9wXc@localhost:5432/app\n".to_owned(), false),
            ("postgres://q7Rk2ZpL9wXc4VbN:q7Rk2ZpL9wXc4VbN@localhost/app\n".to_owned(), false),
            ("password = \"hunter2\"\n".to_owned(), false),
        ] {
            let found = Detector::shipped().find(text.as_bytes());
            assert!(!found.is_empty() || expected, "{text}");
            assert_eq!(found.iter().all(|finding| is_usual(text.as_bytes(), finding)), expected, "{text}");
        }
    }
}
