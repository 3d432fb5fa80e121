//! Placeholders: where they may stand in a request, and putting the real value in their place at the moment of sending.

mod second;

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use writ_model::{Label, Request, Scheme};
pub use writ_policy::{FormParts, NamesMethod};
use writ_policy::{Meaning, Zone};
use zeroize::Zeroizing;

pub(crate) use self::second::MAX_OBEYED_BYTES;
pub use self::second::{closed, overrides};
pub(super) use self::second::{may_obey, most_unpacked, passes_in_parts, readable};
use super::account::{decoded, is_credential_header, pairs, percent_decoded};
use super::find::Needles;
use super::head::is_dots;
use super::port::{How, Lent, Placeholder, Use};

/// Longest name of a field that is read while a form passes, with what stands around it.
pub(super) const MAX_NAME_BYTES: usize = 1 << 10;
/// What may stand in place of the password where a placeholder is the user: nothing, and what says that it is a token.
const BESIDE: [&str; 3] = ["", "x", "x-oauth-basic"];
/// The header of a session of AWS, which goes with its key.
const SESSION_TOKEN: &str = "x-amz-security-token";

/// The placeholders of a run, ready to be looked for.
pub(super) struct Known {
    pub(super) all: Arc<[Placeholder]>,
    pub(super) needles: Arc<Needles>,
}

/// A placeholder stands where what it stands for is not for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elsewhere(pub(super) Label);

/// What is put on a request.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) puts: Vec<Put>,
}

/// One placeholder at one place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Put {
    /// Which placeholder.
    pub(super) index: usize,
    pub(super) spot: Spot,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Header(HeaderName),
    Basic,
    Query(String),
    Body,
    SigV4 { regions: Vec<String>, services: Vec<String> },
}

/// The value cannot be put there.
#[derive(Debug)]
pub(super) struct Unputtable;

// === impl Known ===

impl Known {
    pub(super) fn new(all: Arc<[Placeholder]>) -> Self {
        let mut needles = Needles::default();
        for (index, placeholder) in all.iter().enumerate() {
            if placeholder.text.len() >= super::MIN_PLACEHOLDER_BYTES {
                needles.add(index, placeholder.text.as_bytes(), b"");
                needles.add_encoded(index, placeholder.text.as_bytes(), b"");
                needles.add_written(index, &placeholder.text, b"");
                // Names of headers come in lower case.
                needles.add(index, placeholder.text.to_ascii_lowercase().as_bytes(), b"");
            }
        }
        Self { all, needles: Arc::new(needles) }
    }

    /// Whether a text is a placeholder and nothing else.
    pub(super) fn is_whole(&self, text: &str) -> bool {
        self.all.iter().any(|placeholder| placeholder.text == text)
    }

    /// The first placeholder in these bytes, however often they are percent-encoded.
    fn within(&self, bytes: &[u8]) -> Option<usize> {
        let mut bytes = bytes.to_vec();
        for _ in 0..4 {
            if let Some(index) = self.needles.find(&bytes) {
                return Some(index);
            }
            let next = percent_decoded(&bytes, false);
            if next == bytes {
                return None;
            }
            bytes = next;
        }
        self.needles.find(&bytes)
    }

    /// Says what is put where. Any placeholder that stands elsewhere ends it.
    pub(super) fn plan(&self, head: &Parts, request: &Request, has_body: bool) -> Result<Plan, Elsewhere> {
        let mut plan = Plan::default();
        if self.needles.is_empty() {
            return Ok(plan);
        }
        if let Some(index) = self.within(request.path.as_bytes()) {
            return Err(self.elsewhere(index));
        }
        for (name, value) in &head.headers {
            if let Some(index) = self.within(name.as_str().as_bytes()) {
                return Err(self.elsewhere(index));
            }
            self.plan_header(name, value.as_bytes(), request, &mut plan)?;
        }
        for (key, value) in pairs(request.query.as_deref().unwrap_or_default()) {
            self.plan_query(key, value, request, &mut plan)?;
        }
        // What stands across the borders of two parts.
        let taken = |put: &Put| matches!(put.spot, Spot::Query(_) | Spot::SigV4 { .. });
        if let Some(query) = &request.query
            && !plan.puts.iter().any(taken)
            && let Some(index) = self.within(query.as_bytes())
        {
            return Err(self.elsewhere(index));
        }
        if !(has_body && plan.puts.is_empty()) {
            return Ok(plan);
        }
        for (index, placeholder) in self.all.iter().enumerate() {
            if placeholder.uses.iter().any(|one| one.how == How::Body && fits(one, request)) {
                plan.puts.push(Put { index, spot: Spot::Body });
            }
        }
        Ok(plan)
    }

    fn plan_header(
        &self,
        name: &HeaderName,
        value: &[u8],
        request: &Request,
        plan: &mut Plan,
    ) -> Result<(), Elsewhere> {
        let is_signed = *name == AUTHORIZATION && value.starts_with(b"AWS4-");
        if is_signed || name.as_str() == SESSION_TOKEN {
            return self.plan_signed(value, request, plan);
        }
        if *name == AUTHORIZATION
            && let Some(inside) = basic(value)
        {
            return self.plan_basic(value, &inside, request, plan);
        }
        let Some(index) = self.within(value) else { return Ok(()) };
        let placeholder = self.all.get(index).ok_or_else(|| self.elsewhere(index))?;
        let may_stand = |one: &Use| match &one.how {
            How::Header(names) if names.is_empty() => is_credential_header(name.as_str()),
            How::Header(names) => names.iter().any(|own| own.eq_ignore_ascii_case(name.as_str())),
            How::Basic | How::Query(_) | How::Body | How::SigV4 { .. } => false,
        };
        let is_for = placeholder.uses.iter().any(|one| may_stand(one) && fits(one, request));
        if !(is_for && stands_alone(value, placeholder.text.as_bytes())) {
            return Err(self.elsewhere(index));
        }
        plan.puts.push(Put { index, spot: Spot::Header(name.clone()) });
        Ok(())
    }

    fn plan_basic(
        &self,
        value: &[u8],
        inside: &[u8],
        request: &Request,
        plan: &mut Plan,
    ) -> Result<(), Elsewhere> {
        let Some(index) = self.within(inside).or_else(|| self.within(value)) else { return Ok(()) };
        let placeholder = self.all.get(index).ok_or_else(|| self.elsewhere(index))?;
        let is_for = placeholder.uses.iter().any(|one| one.how == How::Basic && fits(one, request));
        let text = placeholder.text.as_bytes();
        let mut parts = inside.splitn(2, |byte| *byte == b':');
        let (user, word) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let is_whole =
            (user == text && self.within(word).is_none()) || (word == text && self.within(user).is_none());
        // Some forges go by the word alone: then another account's would ride on ours.
        let is_ours = word == text || BESIDE.iter().any(|known| known.as_bytes() == word);
        if !(is_for && is_whole && is_ours) {
            return Err(self.elsewhere(index));
        }
        plan.puts.push(Put { index, spot: Spot::Basic });
        Ok(())
    }

    fn plan_query(
        &self,
        key: &str,
        value: &str,
        request: &Request,
        plan: &mut Plan,
    ) -> Result<(), Elsewhere> {
        let (key_text, value_text) = (decoded(key), decoded(value));
        if let Some(index) = self.within(key.as_bytes()) {
            return Err(self.elsewhere(index));
        }
        let lower = key_text.to_ascii_lowercase();
        if lower == "x-amz-credential" || lower == SESSION_TOKEN {
            return self.plan_signed(value_text.as_bytes(), request, plan);
        }
        let found = self.within(value.as_bytes()).or_else(|| self.within(value_text.as_bytes()));
        let Some(index) = found else { return Ok(()) };
        let placeholder = self.all.get(index).ok_or_else(|| self.elsewhere(index))?;
        let may_stand = |one: &Use| match &one.how {
            How::Query(own) => *own == key_text,
            How::Header(_) | How::Basic | How::Body | How::SigV4 { .. } => false,
        };
        let is_for = placeholder.uses.iter().any(|one| may_stand(one) && fits(one, request));
        if !(is_for && value == placeholder.text) {
            return Err(self.elsewhere(index));
        }
        plan.puts.push(Put { index, spot: Spot::Query(key_text) });
        Ok(())
    }

    fn plan_signed(&self, value: &[u8], request: &Request, plan: &mut Plan) -> Result<(), Elsewhere> {
        let Some(index) = self.within(value) else { return Ok(()) };
        let placeholder = self.all.get(index).ok_or_else(|| self.elsewhere(index))?;
        let spot = placeholder.uses.iter().filter(|one| fits(one, request)).find_map(|one| match &one.how {
            How::SigV4 { regions, services } => {
                Some(Spot::SigV4 { regions: regions.clone(), services: services.clone() })
            }
            How::Header(_) | How::Basic | How::Query(_) | How::Body => None,
        });
        let Some(spot) = spot else { return Err(self.elsewhere(index)) };
        let put = Put { index, spot };
        if !plan.puts.contains(&put) {
            plan.puts.push(put);
        }
        Ok(())
    }

    /// Why nothing is put on a request for the place it is for: some servers would take it for another request.
    pub(super) fn doubt(
        &self,
        plan: &Plan,
        head: &Parts,
        request: &Request,
        has_body: bool,
    ) -> Option<(&Label, &'static str)> {
        plan.puts.iter().filter_map(|put| self.all.get(put.index)).find_map(|placeholder| {
            let uses = || placeholder.uses.iter().filter(|one| is_host(one, request));
            let by_method = uses().any(|one| !one.methods.is_empty());
            let by_path = uses().any(|one| !one.paths.is_empty());
            let reads = matches!(request.method.as_str(), "GET" | "HEAD");
            let mut headers = head.headers.keys().filter_map(|name| Meaning::of_header(name.as_str()));
            let mut parts = pairs(request.query.as_deref().unwrap_or_default())
                .filter_map(|(key, _)| Meaning::of_parameter(&decoded(key)));
            let why = if headers.any(|one| matches!(one, Meaning::Method | Meaning::Path)) {
                Some("a header names another method or path")
            } else if parts.any(|one| one == Meaning::Method) {
                Some("the query names another method")
            } else if by_method && reads && has_body {
                Some("it reads, and has a body that some servers obey")
            } else if by_path && !is_plain(&request.path) {
                Some("its path is encoded so that servers read it differently")
            } else {
                None
            };
            why.map(|why| (&placeholder.name, why))
        })
    }

    /// Whether what is put on is for some methods of this host only, and others take a request of this method for them.
    pub(super) fn is_by_method(&self, plan: &Plan, request: &Request) -> bool {
        let by_method = |put: &Put| {
            let placeholder = self.all.get(put.index);
            placeholder.is_some_and(|one| {
                one.uses.iter().any(|one| is_host(one, request) && !one.methods.is_empty())
            })
        };
        request.method == "POST" && plan.puts.iter().any(by_method)
    }

    fn elsewhere(&self, index: usize) -> Elsewhere {
        let name = self.all.get(index).map(|placeholder| placeholder.name.clone());
        Elsewhere(name.unwrap_or_else(|| Label::lossy("placeholder")))
    }

    /// Whether a placeholder is for this host at all, so that its value could come back from there.
    pub(super) fn concern(&self, request: &Request) -> bool {
        self.all.iter().flat_map(|placeholder| &placeholder.uses).any(|one| is_host(one, request))
    }
}

// === impl Plan ===

impl Plan {
    /// Headers whose credential is ours.
    pub(super) fn headers(&self) -> Vec<String> {
        self.puts
            .iter()
            .flat_map(|put| match &put.spot {
                Spot::Header(name) => vec![name.to_string()],
                Spot::Basic => vec![AUTHORIZATION.to_string()],
                Spot::SigV4 { .. } => vec![AUTHORIZATION.to_string(), SESSION_TOKEN.to_owned()],
                Spot::Query(_) | Spot::Body => Vec::new(),
            })
            .collect()
    }

    /// Parts of the query whose credential is ours.
    pub(super) fn keys(&self) -> Vec<String> {
        self.puts
            .iter()
            .flat_map(|put| match &put.spot {
                Spot::Query(key) => vec![key.clone()],
                Spot::SigV4 { .. } => ["X-Amz-Credential", "X-Amz-Security-Token", "X-Amz-Signature"]
                    .map(str::to_owned)
                    .to_vec(),
                Spot::Header(_) | Spot::Basic | Spot::Body => Vec::new(),
            })
            .collect()
    }
}

/// Whether a path has one reading: encoded once, in UTF-8 of the shortest form (RFC 3629, section 3), and not in the way that
/// some servers had of their own.
fn is_plain(path: &str) -> bool {
    let once = percent_decoded(path.as_bytes(), false);
    std::str::from_utf8(&once).is_ok_and(|text| {
        // A sign that is left was no code, or hides one.
        let is_read = !text.contains(['%', ';', '\\']) && !text.contains("//");
        is_read && !text.chars().any(char::is_control) && !text.split('/').any(is_dots)
    })
}

/// Puts a value where its placeholder stands. Signing and bodies have places of their own.
pub(super) fn put(head: &mut Parts, put: &Put, text: &str, lent: &Lent) -> Result<(), Unputtable> {
    let value = match lent {
        // Safe: it goes into the request for the host that it is for, and nowhere else.
        Lent::Text(value) => value.expose(),
        Lent::Aws { .. } => return Err(Unputtable),
    };
    match &put.spot {
        Spot::Header(name) => {
            let old = head.headers.get(name).and_then(|value| value.to_str().ok()).ok_or(Unputtable)?;
            let new = Zeroizing::new(old.replace(text, value));
            let mut new = HeaderValue::from_str(&new).map_err(|_| Unputtable)?;
            new.set_sensitive(true);
            head.headers.insert(name, new);
        }
        Spot::Basic => {
            let old = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).ok_or(Unputtable)?;
            let inside = basic(old).and_then(|inside| String::from_utf8(inside).ok()).ok_or(Unputtable)?;
            let inside = Zeroizing::new(inside.replace(text, value));
            let new = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(inside.as_bytes())));
            let mut new = HeaderValue::from_str(&new).map_err(|_| Unputtable)?;
            new.set_sensitive(true);
            head.headers.insert(AUTHORIZATION, new);
        }
        Spot::Query(_) => {
            let old = head.uri.path_and_query().ok_or(Unputtable)?.as_str();
            let new = Zeroizing::new(old.replace(text, &encoded(value)));
            head.uri = new.parse().map_err(|_| Unputtable)?;
        }
        Spot::Body | Spot::SigV4 { .. } => {}
    }
    Ok(())
}

/// Percent-encoded but for what is never reserved (RFC 3986, section 2.3).
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What stands inside `Basic` (RFC 7617, section 2).
fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, inside) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    BASE64_STANDARD.decode(inside.trim_ascii()).ok()
}

/// The placeholder is the whole value, after at most one word as `Bearer` or `name=`.
fn stands_alone(value: &[u8], text: &[u8]) -> bool {
    let Some(before) = value.strip_suffix(text) else { return false };
    let word = |end: u8| {
        before.strip_suffix(&[end]).is_some_and(|word| {
            !word.is_empty()
                && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
    };
    before.is_empty() || word(b' ') || word(b'=')
}

fn is_host(one: &Use, request: &Request) -> bool {
    one.hosts.iter().any(|pattern| pattern.covers(&request.authority()))
}

/// Whether a credential is for this request. None goes over a line that others can listen to.
fn fits(one: &Use, request: &Request) -> bool {
    let Use { hosts: _, methods, paths, how: _ } = one;
    let is_private = request.scheme == Scheme::Https || Zone::of(&request.host) == Zone::Loopback;
    let is_method = methods.is_empty() || methods.contains(&request.method);
    let is_below = |prefix: &String| {
        request
            .path
            .strip_prefix(prefix.as_str())
            .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
    };
    is_private && is_method && is_host(one, request) && (paths.is_empty() || paths.iter().any(is_below))
}
