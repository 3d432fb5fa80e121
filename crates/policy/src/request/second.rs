//! Methods that a body names beside the one of the request line (Rack's `_method` and its like), and bodies of which that
//! cannot be told.

use writ_model::Body;

use super::body::{self, is_like_json, is_packed};
use super::form;
use super::json::has_member;
use super::parts::{FormParts, MAX_HELD_NAME_BYTES, is_method_field, says_method};
use super::wire::{Verb, Wire};
use crate::names::Meaning;

/// How far a body is read as a form whose media type servers take no fields from.
const BYTES_OF_FILE: usize = 16 << 10;

/// Shortest name of a field that is taken for a method.
const MIN_NAME_BYTES: usize = "_method".len();

/// Charsets in which names are written as they are in ASCII.
const CHARSETS: &[&str] = &["iso-8859-1", "us-ascii", "utf-8", "utf8"];

/// Whether a field or a member of the body names another method than the request line.
pub(super) fn names_method(wire: &Wire<'_>) -> bool {
    let (bytes, _) = body::bytes(wire);
    if body::is_json(wire) {
        return in_json(bytes);
    }
    let most = if takes_fields(wire) { bytes.len() } else { bytes.len().min(BYTES_OF_FILE) };
    let text = bytes.get(..most).unwrap_or_default();
    in_pairs(text) || in_json(bytes) || in_parts(wire, bytes)
}

/// Whether a body that servers take fields from may name another method, for all that can be read of it. They obey one in a
/// `POST` alone.
pub(super) fn may_name_method(wire: &Wire<'_>) -> bool {
    if wire.verb != Verb::Post || !takes_fields(wire) {
        return false;
    }
    match &wire.request.body {
        // One that nobody reads is decided without it.
        Body::None | Body::Unread => false,
        Body::Start(_) => true,
        Body::Long { .. } => !body::bytes(wire).1 || !is_charset(wire),
        Body::Whole(bytes) if bytes.is_empty() => false,
        Body::Whole(bytes) => {
            // Only a map has members. A script or a text may begin as JSON with comments or a list does.
            let is_map =
                is_like_json(bytes) && !matches!(bytes.trim_ascii_start().first(), Some(b'/' | b'['));
            let is_json = body::is_json(wire) || is_map;
            is_packed(wire)
                || !is_charset(wire)
                || (is_json && may_spell_method(bytes) && !body::is_json_once(bytes))
        }
    }
}

/// Whether servers take fields from a body of this media type. One without a type is read as a form by Rack.
fn takes_fields(wire: &Wire<'_>) -> bool {
    const FILES: [&str; 6] = ["application/", "audio/", "font/", "image/", "model/", "video/"];
    const FIELDS: [&str; 4] = ["-form", "json", "multipart", ","];
    let mut all = wire.headers("content-type");
    let (Some(kind), None) = (all.next(), all.next()) else { return true };
    let kind = kind.trim().to_ascii_lowercase();
    !FILES.iter().any(|start| kind.starts_with(start)) || FIELDS.iter().any(|word| kind.contains(word))
}

/// Whether the media type names no charset, or one that is read.
pub(super) fn is_charset(wire: &Wire<'_>) -> bool {
    wire.headers("content-type").all(|kind| {
        let kind = kind.to_ascii_lowercase();
        let mut charsets = kind.split(';').skip(1).filter_map(|part| part.trim().strip_prefix("charset"));
        let is_edge = |c: char| c == '=' || c == '"' || c.is_whitespace();
        charsets.all(|charset| CHARSETS.contains(&charset.trim_matches(is_edge)))
    })
}

/// Whether a member of the outermost objects names a method, however often it stands there and whatever comes after it.
fn in_json(bytes: &[u8]) -> bool {
    if !may_spell_method(bytes) {
        return false;
    }
    has_member(bytes, &|name| Meaning::of_member(name) == Some(Meaning::Method))
}

/// Whether some spelling of JSON could make the name of a method of these bytes.
fn may_spell_method(bytes: &[u8]) -> bool {
    let is_escape = |pair: &[u8]| matches!(pair, [b'\\', b'u' | b'U' | b'x' | b'X'] | [0, _] | [_, 0]);
    says_method(bytes) || bytes.windows(2).any(is_escape)
}

/// Whether a form names a method, whatever its length; of names beyond a bound nobody says. Some take `;` for `&`.
fn in_pairs(bytes: &[u8]) -> bool {
    body::pairs(bytes).any(|(name, _)| {
        let may_be = name.len() >= MIN_NAME_BYTES && (name.contains(&b'%') || says_method(name));
        may_be && (name.len() > MAX_HELD_NAME_BYTES || is_method_field(&body::field(name)))
    })
}

/// Whether a form in parts names a method. Of one that calls itself that all names count that some server would read.
fn in_parts(wire: &Wire<'_>, bytes: &[u8]) -> bool {
    if wire.says_in("content-type", "multipart/") {
        let mut parts = FormParts::new(MAX_HELD_NAME_BYTES);
        return parts.push(bytes).is_err() || parts.finish().is_err();
    }
    let names = form::parts(bytes).into_iter().flat_map(|part| part.names);
    names.into_iter().any(|name| is_method_field(&name))
}
