//! How the agent logged in at a remote, so that the supervisor's own fetch gets in there as well.
//!
//! What is kept are the headers as the agent sent them, with placeholders. A value is put on outside, for one fetch, and
//! only where it is bound to fetching from this repository.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap};
use hyper::http::request::Parts;
use hyper::{Method, Request as HttpRequest, Uri};
use writ_model::{Account, Body, Label, Request, Secret};

use super::account::is_credential_header;
use super::lend::{self, Known, Plan};
use super::port::{Lent, Placeholder};

/// The service that a fetch asks for (gitprotocol-http).
const FETCH: &str = "git-upload-pack";

/// Headers of an admitted request to a remote. Without any, nothing is lent there.
#[derive(Clone, Debug)]
pub struct Login {
    to: Request,
    /// Path of the repository.
    path: String,
    headers: HeaderMap,
}

/// A login with the credential that it wants.
#[derive(Debug)]
pub struct Wanted {
    /// The credential to be asked for.
    pub name: Label,
    placeholders: Arc<[Placeholder]>,
    plan: Plan,
    head: Parts,
}

// === impl Login ===

impl Login {
    /// Of a request for the refs of a remote, where something is lent to it.
    pub(super) fn of(head: &Parts, request: &Request) -> Option<Self> {
        let is_lent = matches!(request.account, Account::Lent(_));
        let path = request.path.strip_suffix("/info/refs").filter(|_| is_lent)?.to_owned();
        let mut headers = HeaderMap::new();
        for (name, value) in &head.headers {
            if *name == AUTHORIZATION || is_credential_header(name.as_str()) {
                headers.append(name.clone(), value.clone());
            }
        }
        let to = Request { headers: Vec::new(), body: Body::None, query: None, ..request.clone() };
        Some(Self { to, path, headers })
    }

    /// What a fetch from there has to be lent. `None` where no credential, or none alone, is bound to that.
    #[must_use]
    pub fn wanted(&self, placeholders: &Arc<[Placeholder]>) -> Option<Wanted> {
        let known = Known::new(Arc::clone(placeholders));
        let asked = |method: &Method, path: String| {
            let mut head = HttpRequest::new(()).into_parts().0;
            head.method = method.clone();
            head.uri = path.parse::<Uri>().ok()?;
            head.headers = self.headers.clone();
            let request = Request { method: method.to_string(), path, ..self.to.clone() };
            let plan = known.plan(&head, &request, false).ok()?;
            Some((plan, head))
        };
        let (plan, head) = asked(&Method::GET, format!("{}/info/refs", self.path))?;
        // The second half of every fetch.
        let (again, _) = asked(&Method::POST, format!("{}/{FETCH}", self.path))?;
        let mut names = plan.puts.iter().filter_map(|put| placeholders.get(put.index)).map(|one| &one.name);
        let name = names.next()?.clone();
        (plan.puts == again.puts && names.all(|other| *other == name)).then(|| Wanted {
            name,
            placeholders: Arc::clone(placeholders),
            plan,
            head,
        })
    }
}

// === impl Wanted ===

impl Wanted {
    /// The headers of the fetch, as `Name: value`. `None` where the value cannot be put there.
    #[must_use]
    pub fn with(mut self, value: &Lent) -> Option<Vec<Secret>> {
        for put in &self.plan.puts {
            let text = &self.placeholders.get(put.index)?.text;
            lend::put(&mut self.head, put, text, value).ok()?;
        }
        let line = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            Some(Secret::new(format!("{name}: {}", value.to_str().ok()?)))
        };
        self.head.headers.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use hyper::header::HeaderValue;
    use writ_model::Scheme;

    use super::super::port::{How, Use};
    use super::*;

    const TEXT: &str = "writ_placeholder_forge_0123456789abcdef0123456789abcdef";

    fn placeholders(methods: &[&str], paths: &[&str]) -> Arc<[Placeholder]> {
        let all = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let uses = [How::Header(Vec::new()), How::Basic].map(|how| Use {
            hosts: vec!["forge.example".parse().unwrap()],
            methods: all(methods),
            paths: all(paths),
            how,
        });
        [Placeholder { text: TEXT.to_owned(), name: Label::lossy("forge"), uses: uses.to_vec() }].into()
    }

    /// The headers of a fetch from `team/app.git`, where the agent sent this one.
    fn filled(host: &str, header: &str, known: &Arc<[Placeholder]>) -> Option<Vec<String>> {
        let mut head = HttpRequest::new(()).into_parts().0;
        head.headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
        let request = Request {
            method: "GET".to_owned(),
            scheme: Scheme::Https,
            host: host.to_owned(),
            port: 443,
            path: "/team/app.git/info/refs".to_owned(),
            query: Some("service=git-receive-pack".to_owned()),
            headers: Vec::new(),
            body: Body::None,
            account: Account::Lent(Label::lossy("forge")),
        };
        let wanted = Login::of(&head, &request)?.wanted(known)?;
        let value = Lent::Text(Secret::new("made-up".to_owned()));
        Some(wanted.with(&value)?.iter().map(|line| line.expose().to_owned()).collect())
    }

    #[test]
    fn a_fetch_is_lent_what_is_bound_to_fetching_there_and_nothing_else() {
        let basic = |inside: &str| format!("Basic {}", BASE64_STANDARD.encode(inside));
        let sent = basic(&format!("dev:{TEXT}"));
        let line = format!("authorization: {}", basic("dev:made-up"));
        let any = placeholders(&[], &[]);
        assert_eq!(filled("forge.example", &sent, &any), Some(vec![line.clone()]));
        let bearer = filled("forge.example", &format!("Bearer {TEXT}"), &any);
        assert_eq!(bearer, Some(vec!["authorization: Bearer made-up".to_owned()]));
        assert_eq!(filled("forge.example", &sent, &placeholders(&[], &["/team"])), Some(vec![line]));
        // Bound to another host, another path or reading alone, or not a placeholder at all.
        assert_eq!(filled("other.example", &sent, &any), None);
        assert_eq!(filled("forge.example", &sent, &placeholders(&[], &["/other"])), None);
        assert_eq!(filled("forge.example", &sent, &placeholders(&["GET"], &[])), None);
        assert_eq!(filled("forge.example", &basic("dev:of-somebody"), &any), None);
    }
}
