//! Commands that write a request out: what they ask for is read as the proxy would read it off the wire.
//!
//! This only adds to what the command is by its name. What it leaves open, and operations that no table names, stay what
//! they are by the program's own row.

use serde_json::{Map, Value as Json};
use writ_model::{Account, Body, EffectClass, Request, Scheme};

use super::walk::Walk;
use super::word::{UNKNOWN, Value};
use super::{Target, flags};
use crate::host::{self, Zone};
use crate::request::{self, KnownHosts, What};

/// Options of the forges' programs that give a field of the body.
const FIELDS: &str = "-f --raw-field -F --field";

// === impl Walk ===

impl Walk<'_> {
    /// `gh api …`, `glab api …`.
    pub(super) fn forge_api(&mut self, program: &str, args: &[Value]) {
        const VALUES: &str = "-X --method -f --raw-field -F --field -H --header --input --hostname --jq -q --template -t \
            --cache -p --preview";
        let words = flags::positionals(args, VALUES);
        let [first, endpoint, ..] = words.as_slice() else { return };
        if first.text != "api" {
            return;
        }
        let hosts = flags::values(args, "--hostname");
        let (usual, own) = match program {
            "gh" => ("https://api.github.com/".to_owned(), "/api/v3/"),
            "glab" => ("https://gitlab.com/api/v4/".to_owned(), "/api/v4/"),
            _ => return,
        };
        let root = match hosts.first() {
            None | Some(&"github.com") if program == "gh" => usual,
            None => usual,
            Some(host) => format!("https://{host}{own}"),
        };
        let path = endpoint.text.trim_start_matches('/');
        let address = if path.contains("://") { path.to_owned() } else { format!("{root}{path}") };
        let fields = flags::values(args, FIELDS);
        let reads_file = flags::has(args, "--input") || fields.iter().any(|field| field.contains("=@"));
        let body = match (reads_file, fields.is_empty()) {
            (true, _) => Body::Unread,
            (false, true) => Body::None,
            (false, false) => Body::Whole(object(&fields, path == "graphql").into()),
        };
        let methods = flags::values(args, "-X --method");
        let method = match (methods.first(), &body) {
            (Some(method), _) => method.to_uppercase(),
            (None, Body::None) => "GET".to_owned(),
            (None, Body::Unread | Body::Start(_) | Body::Long { .. } | Body::Whole(_)) => "POST".to_owned(),
        };
        self.asks(&method, &address, Vec::new(), body);
    }

    /// `curl …` with the addresses that it names.
    pub(super) fn curl_asks(&mut self, args: &[Value], addresses: &[&Value]) {
        let data =
            flags::values(args, "-d --data --data-raw --data-binary --data-ascii --json --data-urlencode");
        let forms = flags::values(args, "-F --form");
        let reads_file = |text: &&str| text.starts_with('@') || text.contains("=@");
        let mut headers: Vec<(String, String)> = flags::values(args, "-H --header")
            .into_iter()
            .filter_map(|header| header.split_once(':'))
            .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
            .filter(|(name, _)| !name.contains("auth") && !name.contains("token") && !name.contains("cookie"))
            .collect();
        let uploads = flags::has_any(args, "-T --upload-file");
        let body = if uploads || data.iter().any(reads_file) {
            Body::Unread
        } else if !forms.is_empty() {
            headers.push(("content-type".to_owned(), "multipart/form-data".to_owned()));
            let part = |form: &&str| {
                let (name, value) = form.split_once('=').unwrap_or((form, ""));
                format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            };
            Body::Whole(forms.iter().map(part).collect::<String>().into())
        } else if data.is_empty() {
            Body::None
        } else {
            let text = data.join("&");
            let is_form = !text.trim_start().starts_with(['{', '[']);
            if is_form && !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
            }
            Body::Whole(text.into())
        };
        let methods = flags::values(args, "-X --request");
        let method = match (methods.first(), &body) {
            (Some(method), _) => method.to_uppercase(),
            _ if flags::has_any(args, "-G --get -I --head") => "GET".to_owned(),
            (None, Body::None) => "GET".to_owned(),
            (None, _) if uploads => "PUT".to_owned(),
            (None, Body::Unread | Body::Start(_) | Body::Long { .. } | Body::Whole(_)) => "POST".to_owned(),
        };
        for address in addresses {
            let written = address.text.as_str();
            let address =
                if written.contains("://") { written.to_owned() } else { format!("http://{written}") };
            self.asks(&method, &address, headers.clone(), body.clone());
        }
    }

    fn asks(&mut self, method: &str, address: &str, headers: Vec<(String, String)>, body: Body) {
        let Some(request) = written(method, address, headers, body) else { return };
        // What a command calls loopback is its own: a server under test is not the service whose interface it plays.
        // What arrives at the proxy for loopback is a service of the machine around it.
        if Zone::of(&request.host) == Zone::Loopback {
            return;
        }
        for ask in request::read(&request, &KnownHosts::default()).asks {
            let target = match ask.what {
                _ if matches!(ask.effect, EffectClass::Network | EffectClass::Unknown) => continue,
                What::File(file) => Target::Path(file),
                What::Resource(resource) => Target::Thing(resource),
            };
            self.effect(ask.effect, target, "network.asks", ask.says);
        }
    }
}

/// The request that a command writes out; nothing where a part of its address is only known when it runs.
fn written(method: &str, address: &str, headers: Vec<(String, String)>, body: Body) -> Option<Request> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(at);
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = match rest.split_once(UNKNOWN) {
        // The same sign stands for what nobody knows.
        Some((path, query)) => {
            let (name, _) = query.split_once('=')?;
            let is_query = !name.is_empty() && !query.contains(UNKNOWN) && !name.contains('/');
            (path, Some(query).filter(|_| is_query)?)
        }
        None => (rest, ""),
    };
    let authority = host::host_of(&format!("{scheme}://{authority}"))?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host.to_owned(), port.parse().ok()?),
        Some(_) | None => (authority, scheme.port()),
    };
    Some(Request {
        method: method.to_owned(),
        scheme,
        host,
        port,
        path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        query: (!query.is_empty()).then(|| query.to_owned()),
        headers,
        body,
        account: Account::Nobody,
    })
}

/// The body that fields `name=value` make.
fn object(fields: &[&str], is_graphql: bool) -> Vec<u8> {
    let mut members = Map::new();
    let mut variables = Map::new();
    for field in fields {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let value = match value {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            text => Json::String(text.to_owned()),
        };
        if is_graphql && !matches!(name, "query" | "operationName") {
            variables.insert(name.to_owned(), value);
        } else {
            members.insert(name.to_owned(), value);
        }
    }
    if is_graphql {
        members.insert("variables".to_owned(), Json::Object(variables));
    }
    serde_json::to_vec(&members).unwrap_or_default()
}
