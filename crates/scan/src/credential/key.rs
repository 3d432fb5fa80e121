//! Private keys, whether a passphrase locks them, and when certificates end.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use writ_model::Timestamp;

use crate::walk::read_regular;

use super::forge::hosts_of_keys;
use super::{Credential, Draft, Guard, Life, Page};

/// Longest certificate that is read, in bytes.
const MAX_CERTIFICATE_BYTES: usize = 64 << 10;
/// Longest configuration of SSH that is read, in bytes.
const MAX_SETTINGS_BYTES: usize = 1 << 20;
/// What an OpenSSH key begins with (PROTOCOL.key of OpenSSH).
const OPENSSH_MAGIC: &[u8] = b"openssh-key-v1\0";

pub(super) fn read(path: &Path, bytes: &[u8], page: &mut Page<'_>) {
    let text = String::from_utf8_lossy(bytes);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if name.ends_with(".pub") {
        return;
    }
    if let Some(value) = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")) {
        page.add(Draft { life: Life::Long, ..Draft::of("private key", &name, 1, value) });
        return;
    }
    let Some(locked) = private_key(&text) else { return };
    let guard = if locked { Guard::Passphrase } else { Guard::None };
    page.add(Draft { life: Life::Long, guard, ..Draft::of("private key", &name, 1, text.trim()) });
}

/// Whether a text is a private key in PEM, and if so, whether a passphrase locks it.
pub fn private_key(text: &str) -> Option<bool> {
    let begin = text
        .lines()
        .position(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with("PRIVATE KEY-----"))?;
    let mut lines = text.lines().skip(begin);
    let head = lines.next()?;
    if head.contains("OPENSSH") {
        let body: String = lines.take_while(|line| !line.starts_with("-----END")).map(str::trim).collect();
        // What cannot be read is not called open.
        let Ok(bytes) = STANDARD.decode(body) else { return Some(true) };
        let Some(rest) = bytes.strip_prefix(OPENSSH_MAGIC) else { return Some(true) };
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { return Some(true) };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        return Some(rest.get(..length) != Some(b"none"));
    }
    Some(
        head.contains("ENCRYPTED")
            || lines.take(3).any(|line| line.starts_with("Proc-Type:") && line.contains("ENCRYPTED")),
    )
}

/// When an X.509 certificate ends: PEM in base 64, as a kubeconfig holds it.
pub(super) fn certificate_end(data: &str) -> Option<Timestamp> {
    if data.len() > MAX_CERTIFICATE_BYTES {
        return None;
    }
    let pem = STANDARD.decode(data.trim()).ok()?;
    let text = String::from_utf8(pem).ok()?;
    let body: String = text
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN CERTIFICATE"))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END"))
        .map(str::trim)
        .collect();
    let der = STANDARD.decode(body).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(Timestamp::from_millis(seconds.checked_mul(1_000)?))
}

/// Says of each SSH key which hosts the user's settings give it to.
pub(super) fn name_hosts(home: &Path, credentials: &mut [Credential]) {
    let Ok(bytes) = read_regular(&home.join(".ssh/config"), MAX_SETTINGS_BYTES) else { return };
    let known = hosts_of_keys(&String::from_utf8_lossy(&bytes));
    for credential in credentials.iter_mut().filter(|credential| credential.kind == "ssh") {
        let hosts: Vec<&str> = known
            .iter()
            .filter(|(file, hosts)| *file == credential.name && !hosts.is_empty())
            .map(|(_, hosts)| hosts.as_str())
            .take(10)
            .collect();
        if !hosts.is_empty() {
            credential.opens = format!("by SSH: {}", hosts.join(", ")).chars().take(400).collect();
        }
    }
}
