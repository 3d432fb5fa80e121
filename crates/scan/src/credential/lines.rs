//! Credentials in files of lines: INI, properties, variables, and the one-line tags of XML settings.

use crate::credential_name::{has_password, is_credential_name, is_real};

use super::{Draft, Life, Page, end, service, start};

/// Longest line that is looked at, in bytes.
pub(super) const MAX_LINE_BYTES: usize = 16 << 10;

/// One `key = value` of a file, and the section that it is in.
pub(super) struct Pair<'a> {
    pub(super) section: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
    pub(super) line: u32,
}

/// Every pair. Comments are passed by.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = Pair<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(number, line)| {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || line.len() > MAX_LINE_BYTES {
            return None;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.trim();
            return None;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        // `//host:port/:_authToken=value` has its sign of equality after colons.
        let at = line.find('=').or_else(|| line.find(": "))?;
        let (key, value) = (line.get(..at)?, line.get(at + 1..)?);
        let value = value.trim().trim_matches(['"', '\'']);
        Some(Pair { section, key: key.trim(), value, line: u32::try_from(number + 1).unwrap_or(u32::MAX) })
    })
}

pub(super) fn read(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    if text.trim_start().starts_with('<') {
        tags(&text, page);
        return;
    }
    for Pair { section, key, value, line } in pairs(&text) {
        // `//registry.example/:_authToken`: the host is the name.
        let (of_key, last) = key.rsplit_once(':').unwrap_or(("", key));
        let real = is_credential_name(last.trim_start_matches('_')) && is_real(last, value);
        let of_host = of_bundler(key, value);
        if is_public(last) {
            continue;
        }
        // A name that says nothing hides no value that says it itself.
        let value = match of_host {
            Some(password) => password,
            None if real || has_password(value) => value,
            None => match start::format(value) {
                Some(value) => value,
                None => continue,
            },
        };
        let host = of_key.trim_matches('/');
        let name = if !host.is_empty() {
            host
        } else if section.is_empty() {
            key
        } else {
            section
        };
        let of_name = service::of_name(key);
        let (life, _) = end::of_kept(value.as_bytes());
        page.add(Draft {
            life,
            opens: of_name.map(|service| service.opens.to_owned()),
            instead: of_name.map(|service| service.instead),
            ..Draft::of(what(last), name, line, value)
        });
    }
    password_file(&text, page);
}

/// `BUNDLE_GEMS__EXAMPLE__ORG: "user:password"`, where two lines below stand for a dot: the password.
fn of_bundler<'a>(key: &str, value: &'a str) -> Option<&'a str> {
    key.strip_prefix("BUNDLE_").filter(|host| host.contains("__") && !host.contains('/'))?;
    let (user, password) = value.split_once(':')?;
    let is_user = !user.is_empty() && !user.contains(['/', ' ', '-', '~']);
    (is_user && !password.starts_with("//") && is_real("password", password)).then_some(password)
}

/// `host:port:database:user:password` of PostgreSQL.
fn password_file(text: &str, page: &mut Page<'_>) {
    if page.shown.file_name().is_none_or(|name| name != ".pgpass") {
        return;
    }
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let parts: Vec<&str> = line.splitn(5, ':').collect();
        if let [host, _, database, user, password] = parts.as_slice() {
            let opens = format!("database {database} on {host} as {user}");
            let line = u32::try_from(number + 1).unwrap_or(u32::MAX);
            page.add(Draft {
                life: Life::Long,
                opens: Some(opens),
                ..Draft::of("password", host, line, password)
            });
        }
    }
}

/// `<password>value</password>` and `<add key="ClearTextPassword" value="…"/>`, named by the `<id>` before them.
fn tags(text: &str, page: &mut Page<'_>) {
    let mut id = String::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| line.len() <= MAX_LINE_BYTES) {
        let line_number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let line = line.trim();
        let attribute =
            |name: &str| line.split_once(&format!("{name}=\"")).and_then(|(_, rest)| rest.split('"').next());
        let (key, value) = match (attribute("key"), attribute("value")) {
            (Some(key), Some(value)) => (key, value),
            _ => {
                let Some(rest) = line.strip_prefix('<') else { continue };
                let Some((key, rest)) = rest.split_once('>') else { continue };
                let Some((value, _)) = rest.split_once("</") else { continue };
                (key, value)
            }
        };
        if key == "id" {
            value.clone_into(&mut id);
        } else if is_credential_name(key) && is_real(key, value) && !value.starts_with('{') {
            page.add(Draft {
                life: Life::Long,
                ..Draft::of(what(key), if id.is_empty() { key } else { &id }, line_number, value)
            });
        }
    }
}

/// A file that holds one token and nothing else.
pub(super) fn whole(bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    let value = text.trim();
    if value.len() >= 8 && value.len() <= MAX_LINE_BYTES && !value.contains(char::is_whitespace) {
        let (life, _) = end::of_kept(value.as_bytes());
        page.add(Draft { life, ..Draft::of("token", "", 1, value) });
    }
}

/// An identifier beside a secret, which opens nothing by itself.
pub(super) fn is_public(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["access_key_id", "key_id", "fingerprint"].iter().any(|tail| key.ends_with(tail))
}

pub(super) fn what(key: &str) -> &'static str {
    let key = key.to_ascii_lowercase();
    if key.contains("pass") || key.contains("pwd") {
        "password"
    } else if key.contains("token") || key.contains("auth") {
        "token"
    } else if key.contains("key") {
        "key"
    } else {
        "secret"
    }
}
