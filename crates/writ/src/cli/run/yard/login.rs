//! A client's own login on disk: the client renews it, so what it writes there outlives the task. Nothing else of it does.
//!
//! Whoever renews a login and whoever exchanges it for another write the same file, and the kernel cannot tell them apart. So
//! only what renewing changes may change: the tokens and their times. A token that names its owner has to name the same one.

use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rustix::fs::OFlags;
use serde_json::{Map, Value};
use writ_model::Secret;

use super::super::note::{Guard, Note, Sort};
use super::super::straight::{self, Place};
use crate::config::read_text;
use crate::screen;

/// Largest file that is remembered.
const MAX_BYTES: u64 = 1 << 20;
/// Values in one another.
const MAX_DEPTH: usize = 16;

/// What a renewed login has anew. Folded, without `-` and `_`.
const RENEWED: [&str; 14] = [
    "access",
    "accesstoken",
    "expires",
    "expiresat",
    "expiresin",
    "expirydate",
    "idtoken",
    "lastrefresh",
    "refresh",
    "refreshtoken",
    "refreshtokenexpiresat",
    "token",
    "updatedat",
    "useridtoken",
];

/// The logins of a client as they were before a task, and before all other tasks that run at the same time: what one of
/// them wrote there is nothing to go back to.
#[derive(Debug)]
pub(in crate::cli::run) struct Logins {
    runs: PathBuf,
    known: Vec<Known>,
}

/// One of them. The first run of several writes down what it was, and the last one goes by that.
#[derive(Debug)]
struct Known {
    /// As it is called.
    path: PathBuf,
    /// Where it lay when the task began, without links: inside, another can be put in the place of a folder around it.
    real: PathBuf,
    before: Secret,
    /// Where it is written down.
    note: Note,
}

// === impl Logins ===

impl Logins {
    /// Remembers what is there, in a folder that no task sees. A file that is too large, or no text, is not looked at again.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub(in crate::cli::run) fn of(runs: &Path, files: Vec<PathBuf>) -> io::Result<Self> {
        std::fs::create_dir_all(runs)?;
        let _guard = Guard::hold(runs)?;
        let mut known = Vec::new();
        for path in files {
            let Some(text) = read_text(&path, MAX_BYTES) else { continue };
            known.push(Known::of(runs, path, text)?);
        }
        Ok(Self { runs: runs.to_owned(), known })
    }

    /// Puts back what is more than renewed, and says so. While other runs go on that leave it to the last of them.
    pub(in crate::cli::run) fn settle(&self) -> Vec<String> {
        let mut told = Vec::new();
        // Without it two could both take themselves for the last one, which does no harm.
        let _guard = Guard::hold(&self.runs);
        for Known { path, real, before, note } in &self.known {
            if !note.is_last() {
                if straight::text(real, MAX_BYTES)
                    .is_none_or(|now| now != before.expose() && !is_renewed(before.expose(), &now))
                {
                    told.push(format!(
                        "  LOGIN CHANGED: {} was changed by more than a renewal, and is put back when the last task that \
                         runs now ends",
                        screen::path(path)
                    ));
                }
                continue;
            }
            // Compared here and written back where it stood; shown to nobody.
            let before = before.expose();
            let now = straight::text(real, MAX_BYTES);
            if now.as_deref() == Some(before) {
                continue;
            }
            let shown = screen::path(path);
            if now.is_some_and(|now| is_renewed(before, &now)) {
                told.push(format!("  login   the client renewed {shown}"));
            } else if put_back(real, before).is_ok() {
                told.push(format!(
                    "  LOGIN PUT BACK: {shown} was changed inside by more than a renewal, and is as it was before the task; \
                     log in again if the client asks for it"
                ));
            } else {
                told.push(format!(
                    "  LOGIN CHANGED: {shown} was changed inside by more than a renewal, and could not be put back; log in again"
                ));
            }
        }
        told
    }
}

// === impl Known ===

impl Known {
    fn of(runs: &Path, path: PathBuf, text: String) -> io::Result<Self> {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let (mut note, is_first) = Note::take(runs, Sort::Login, &real)?;
        let before = if is_first {
            note.write(&text)?;
            text
        } else {
            note.read()?
        };
        Ok(Self { path, real, before: Secret::new(before), note })
    }
}

/// In place, because the file may be mounted somewhere else as well. What stands in its place by now is not followed.
fn put_back(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = Place::of(path)?.open(OFlags::WRONLY)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::ErrorKind::InvalidInput.into());
    }
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

/// Whether two texts of a login differ in nothing but what renewing changes.
fn is_renewed(before: &str, now: &str) -> bool {
    let (Some(before), Some(now)) = (value(before), value(now)) else { return false };
    is_same(&before, &now, MAX_DEPTH)
}

/// One client puts lines of comment before it.
fn value(text: &str) -> Option<Value> {
    let start =
        text.lines().take_while(|line| line.trim_start().starts_with("//")).map(|line| line.len() + 1);
    let value = serde_json::from_str(text.get(start.sum::<usize>()..)?).ok()?;
    Some(value).filter(Value::is_object)
}

fn is_same(before: &Value, now: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let names = before.keys().chain(now.keys());
            names.into_iter().all(|name| is_same_member(name, before, now, depth))
        }
        (Value::Array(before), Value::Array(now)) => {
            before.len() == now.len()
                && before.iter().zip(now).all(|(before, now)| is_same(before, now, depth))
        }
        _ => before == now,
    }
}

fn is_same_member(name: &str, before: &Map<String, Value>, now: &Map<String, Value>, depth: usize) -> bool {
    let folded: String =
        name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
    match (before.get(name), now.get(name)) {
        (Some(before), Some(now)) if is_same(before, now, depth) => true,
        (before, Some(now)) if RENEWED.contains(&folded.as_str()) => {
            let is_plain = matches!(now, Value::String(_) | Value::Number(_) | Value::Null);
            // A word that is none of these can be an address as well as a token.
            let is_address = now.as_str().is_some_and(|now| now.contains("://"));
            is_plain && !is_address && before.is_none_or(|before| owner(before) == owner(now))
        }
        (Some(_) | None, Some(_) | None) => false,
    }
}

/// Whom a token names as its owner, where it says so (RFC 7519, section 4.1.2).
fn owner(token: &Value) -> Option<Value> {
    let body = token.as_str()?.split('.').nth(1)?;
    let body = BASE64_URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Value>(&body).ok()?.get("sub").cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(owner: &str) -> String {
        format!("e30.{}.sig{owner}", BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{owner}","exp":1}}"#)))
    }

    #[test]
    fn a_renewal_is_told_and_anything_else_is_undone() {
        let before =
            r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"b","expiresAt":1,"scopes":["x"]}}"#;
        let of_owner =
            |owner: &str| format!(r#"{{"tokens":{{"id_token":"{}","account_id":"1"}}}}"#, token(owner));
        for (before, now, is_fine) in [
            (before.to_owned(), before.replace(r#""a""#, r#""c""#).replace(":1", ":2"), true),
            (before.to_owned(), before.replace(r#""x""#, r#""y""#), false),
            (before.to_owned(), before.replace(r#""a""#, r#""https://evil.example""#), false),
            (before.to_owned(), before.replace(r#""a""#, r#"{"a":1}"#), false),
            (before.to_owned(), "{}".to_owned(), false),
            (before.to_owned(), "junk".to_owned(), false),
            (before.to_owned(), before.replace("{\"claude", "{\"baseUrl\":\"x\",\"claude"), false),
            (of_owner("me"), of_owner("me").replace("sigme", "signew"), true),
            (of_owner("me"), of_owner("other"), false),
            (of_owner("me"), of_owner("me").replace("\"1\"", "\"2\""), false),
            (format!("// kept\n{before}"), format!("// kept\n{}", before.replace(":1", ":5")), true),
        ] {
            let root = tempfile::tempdir().unwrap();
            let path = root.path().join("login");
            std::fs::write(&path, &before).unwrap();
            let runs = root.path().join("run");
            let logins = Logins::of(&runs, vec![path.clone(), root.path().join("absent")]).unwrap();
            std::fs::write(&path, &now).unwrap();
            let told = logins.settle().join("\n");
            let wanted = if is_fine { ("the client renewed", &now) } else { ("LOGIN PUT BACK", &before) };
            assert!(told.contains(wanted.0), "{now}: {told}");
            assert_eq!(&std::fs::read_to_string(&path).unwrap(), wanted.1, "{now}");
            assert_eq!(std::fs::read_dir(&runs).unwrap().count(), 0);
            drop(logins);
            let unchanged = Logins::of(&runs, vec![path]).unwrap();
            assert_eq!(unchanged.settle(), Vec::<String>::new());
        }
    }

    #[test]
    fn attack_a_link_in_the_place_of_the_folder_is_not_written_through() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["own", "other"] {
            std::fs::create_dir(at(name)).unwrap();
            std::fs::write(at(name).join("login"), format!("{{\"account\":\"{name}\"}}")).unwrap();
        }
        let logins = Logins::of(&at("run"), vec![at("own/login")]).unwrap();
        std::fs::rename(at("own"), at("moved")).unwrap();
        std::os::unix::fs::symlink("other", at("own")).unwrap();
        let told = logins.settle().join("\n");
        assert!(told.contains("could not be put back"), "{told}");
        assert_eq!(std::fs::read_to_string(at("other/login")).unwrap(), r#"{"account":"other"}"#);
    }

    #[test]
    fn attack_what_one_task_wrote_is_nothing_to_go_back_to_for_another() {
        let (good, evil) = (r#"{"account":"mine"}"#, r#"{"account":"theirs"}"#);
        for first_ends_first in [true, false] {
            let root = tempfile::tempdir().unwrap();
            let (runs, path) = (root.path().join("run"), root.path().join("login"));
            let begin = || Logins::of(&runs, vec![path.clone()]).unwrap();
            std::fs::write(&path, good).unwrap();
            let first = begin();
            std::fs::write(&path, evil).unwrap();
            let second = begin();
            let (one, last) = if first_ends_first { (first, second) } else { (second, first) };
            assert!(one.settle().join("").contains("LOGIN CHANGED"));
            drop(one);
            assert!(last.settle().join("").contains("LOGIN PUT BACK"));
            drop(last);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), good, "{first_ends_first}");
        }
    }
}
