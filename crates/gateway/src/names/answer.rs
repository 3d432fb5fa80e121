//! One question to its answer (RFC 1035, section 4). Pure; nothing is kept.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::MAX_QUESTION_BYTES;

/// Longest name on the wire (RFC 1035, section 2.3.4).
const MAX_NAME_BYTES: usize = 255;
/// Longest label. Above it stand pointers into the message and forms that nobody uses (RFC 1035, section 4.1.4).
const MAX_LABEL_BYTES: u8 = 63;
/// The head of a message.
const HEAD_BYTES: usize = 12;
/// How long `localhost` is what it is, in seconds.
const LIFE: u32 = 3600;

/// Kinds of records (IANA, "Resource Record (RR) TYPEs").
const A: u16 = 1;
const AAAA: u16 = 28;
const SVCB: u16 = 64;
const HTTPS: u16 = 65;
/// The one class in use.
const INTERNET: u16 = 1;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The whole message, at most 300 bytes.
    pub bytes: Vec<u8>,
    /// The name that was asked for, where it is not this machine's own: in small letters, bytes that are none escaped as in
    /// zone files, at most 1,020 characters.
    pub asked: Option<String>,
}

/// The lower half of the second word of the head (RFC 1035, section 4.1.1).
#[derive(Clone, Copy)]
enum Code {
    Fine = 0,
    Malformed = 1,
    NoSuchName = 3,
    NotImplemented = 4,
}

/// Answers a message. Nothing where it is no question at all: to that nobody listens, and an answer could be answered.
#[must_use]
pub fn answer(message: &[u8]) -> Option<Answer> {
    let (head, rest) = message.split_first_chunk::<HEAD_BYTES>()?;
    let [id_high, id_low, first, _, questions_high, questions_low, ..] = *head;
    let is_answer = first & 0x80 != 0;
    if is_answer {
        return None;
    }
    let id = [id_high, id_low];
    if message.len() > MAX_QUESTION_BYTES || [questions_high, questions_low] != [0, 1] {
        return Some(bare(id, first, Code::Malformed));
    }
    if first & 0x78 != 0 {
        return Some(bare(id, first, Code::NotImplemented));
    }
    let Some((name, kind, class)) = question(rest) else { return Some(bare(id, first, Code::Malformed)) };
    let is_own = name.last().is_some_and(|last| last.eq_ignore_ascii_case(b"localhost"));
    let address = match kind {
        A if is_own && class == INTERNET => Some(Ipv4Addr::LOCALHOST.octets().to_vec()),
        AAAA if is_own && class == INTERNET => Some(Ipv6Addr::LOCALHOST.octets().to_vec()),
        _ => None,
    };
    let code = match kind {
        // How a service is reached, keys for hiding its name among it: there is never anything to say.
        SVCB | HTTPS => Code::Fine,
        _ if is_own => Code::Fine,
        _ => Code::NoSuchName,
    };
    let mut bytes = head_of(id, first, code, 1, u8::from(address.is_some()));
    let question = rest.get(..encoded_length(&name).saturating_add(4))?;
    bytes.extend_from_slice(question);
    if let Some(address) = address {
        // The name is the question's, by a pointer to it.
        bytes.extend_from_slice(&[0xc0, 12]);
        bytes.extend_from_slice(&kind.to_be_bytes());
        bytes.extend_from_slice(&INTERNET.to_be_bytes());
        bytes.extend_from_slice(&LIFE.to_be_bytes());
        bytes.extend_from_slice(&u16::try_from(address.len()).unwrap_or_default().to_be_bytes());
        bytes.extend_from_slice(&address);
    }
    Some(Answer { bytes, asked: (!is_own).then(|| written(&name)) })
}

/// Name, kind and class. Nothing where the name is longer than a name can be, or points anywhere: in the first question of a
/// message there is nothing to point to.
fn question(mut rest: &[u8]) -> Option<(Vec<&[u8]>, u16, u16)> {
    let mut name = Vec::new();
    let mut length = 1;
    loop {
        let (label, after) = rest.split_first()?;
        if *label == 0 {
            rest = after;
            break;
        }
        let (text, after) = after.split_at_checked(usize::from(*label))?;
        length += text.len().saturating_add(1);
        if *label > MAX_LABEL_BYTES || length > MAX_NAME_BYTES {
            return None;
        }
        name.push(text);
        rest = after;
    }
    let [kind_high, kind_low, class_high, class_low] = *rest.first_chunk()?;
    Some((name, u16::from_be_bytes([kind_high, kind_low]), u16::from_be_bytes([class_high, class_low])))
}

fn encoded_length(name: &[&[u8]]) -> usize {
    name.iter().fold(1, |length, label| length.saturating_add(label.len()).saturating_add(1))
}

fn bare(id: [u8; 2], first: u8, code: Code) -> Answer {
    Answer { bytes: head_of(id, first, code, 0, 0), asked: None }
}

/// An answer, to the same sort of request, with recursion "available": who wants it is not sent elsewhere for it.
fn head_of(id: [u8; 2], first: u8, code: Code, questions: u8, answers: u8) -> Vec<u8> {
    let [high, low] = id;
    vec![high, low, 0x80 | (first & 0x79), 0x80 | code as u8, 0, questions, 0, answers, 0, 0, 0, 0]
}

/// As zone files write a name (RFC 1035, section 5.1), without the last dot.
fn written(name: &[&[u8]]) -> String {
    let label = |label: &&[u8]| {
        label.iter().fold(String::new(), |mut text, byte| {
            match byte.to_ascii_lowercase() {
                plain @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_') => text.push(char::from(plain)),
                other => text.push_str(&format!("\\{other:03}")),
            }
            text
        })
    };
    if name.is_empty() { ".".to_owned() } else { name.iter().map(label).collect::<Vec<_>>().join(".") }
}
