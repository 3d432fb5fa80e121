//! Requests to a model.

use serde_json::{Map, Value};
use writ_model::{Digest, Operation};
use writ_policy::json_once;

use super::hosted::{Hosted, Sort, short, sort};
use super::results::{ToolResult, results};
use super::{MAX_REQUEST_BYTES, TrafficError, Wire, digest};

/// How many tools of the vendor are told apart. A request with more has one that is unknown.
const HOSTED: usize = 64;

/// What a request tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestFacts {
    pub wire: Wire,
    /// As written; empty where the path names it ([`Wire::Gemini`]).
    pub model: String,
    /// Over the texts that tell the model what it is and does; nothing where there are none.
    pub system: Option<Digest>,
    /// Over the list of tools, connectors included, in canonical JSON; nothing where there are none.
    pub tools: Option<Digest>,
    /// Tools that run at the vendor, sorted, each once.
    pub hosted: Vec<Hosted>,
    /// The request goes on with what is kept at the vendor, so that its own words are not all that counts.
    pub is_continued: bool,
    /// What came of calls that the model had asked for, in order.
    pub results: Vec<ToolResult>,
}

/// Reads a request, unpacked and whole.
pub fn read_request(wire: Wire, body: &[u8]) -> Result<RequestFacts, TrafficError> {
    if body.len() > MAX_REQUEST_BYTES {
        return Err(TrafficError::TooLong);
    }
    let Some(Value::Object(members)) = json_once(body, MAX_REQUEST_BYTES) else {
        return Err(TrafficError::NotRead);
    };
    let of_batch: Vec<&str> =
        members.keys().map(String::as_str).filter(|name| BATCH.contains(&folded(name).as_str())).collect();
    match (of_batch.as_slice(), members.get("requests"), members.get("model")) {
        ([], _, _) => read_members(wire, &members),
        (["requests"], Some(Value::Array(requests)), None) => read_batch(wire, requests),
        // What is asked lies at the vendor, in a form that is not read, or in two forms of which a server takes either.
        _ => {
            let kind = "a batch of requests that is not read".to_owned();
            Ok(RequestFacts { hosted: vec![Hosted::Unknown { kind }], ..RequestFacts::empty(wire) })
        }
    }
}

/// Members that a batch has and no single request, as [`folded`].
const BATCH: [&str; 4] = ["batch", "inputconfig", "inputfileid", "requests"];

/// Members that switch something on at the vendor, as they are read and as a server that does not look closely takes them.
const SWITCHES: [(&str, &str); 8] = [
    ("container", "container"),
    ("enable_search", "enablesearch"),
    ("mcp_servers", "mcpservers"),
    ("plugins", "plugins"),
    ("preset", "preset"),
    ("search_parameters", "searchparameters"),
    ("tools", "tools"),
    ("web_search_options", "websearchoptions"),
];

/// A name in small letters, without what servers leave out.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Reads requests that are asked later: the vendor's tools of all of them count.
fn read_batch(wire: Wire, requests: &[Value]) -> Result<RequestFacts, TrafficError> {
    let mut all = RequestFacts::empty(wire);
    let mut hosted = std::collections::BTreeSet::new();
    for request in requests {
        let Some(Value::Object(params)) = request.get("params") else {
            return Err(TrafficError::Field("requests"));
        };
        let facts = read_members(wire, params)?;
        if hosted.len() <= HOSTED {
            hosted.extend(facts.hosted.iter().cloned());
        }
        if all.model.is_empty() {
            all = facts;
        }
    }
    if all.model.is_empty() {
        return Err(TrafficError::NoModel);
    }
    all.results = Vec::new();
    all.hosted = hosted.into_iter().collect();
    Ok(all)
}

fn read_members(wire: Wire, members: &Map<String, Value>) -> Result<RequestFacts, TrafficError> {
    let model = match (members.get("model"), wire) {
        (Some(Value::String(model)), _) if !model.is_empty() => model.clone(),
        (None, Wire::Gemini) => String::new(),
        (Some(_) | None, _) => return Err(TrafficError::NoModel),
    };
    let mut systems: Vec<&str> = Vec::new();
    let mut hosted: Vec<Hosted> = Vec::new();
    let mut listed: Vec<&Value> = Vec::new();
    match wire {
        Wire::AnthropicMessages => {
            texts(members.get("system"), &mut systems);
            hosted.extend(servers(members, &mut listed)?);
            // Skills are code that runs at the vendor; a bare name takes up a container again.
            if members.get("container").is_some_and(|given| !given.is_string() && !given.is_null()) {
                hosted.push(Hosted::CodeExecution);
            }
        }
        Wire::OpenaiChat => {
            roles(list(members, "messages")?, &mut systems);
            if members.get("web_search_options").is_some() || model.contains("-search-") {
                hosted.push(Hosted::WebSearch);
            }
        }
        Wire::OpenaiResponses => {
            texts(members.get("instructions"), &mut systems);
            if let Some(Value::Array(items)) = members.get("input") {
                roles(items, &mut systems);
            }
            // Its text and its tools are kept at the vendor.
            if members.get("prompt").is_some_and(|prompt| !prompt.is_null()) {
                hosted.push(Hosted::Unknown { kind: "a stored prompt".to_owned() });
            }
        }
        Wire::Gemini => {
            let system = either(members, "systemInstruction", "system_instruction")?;
            texts(system.and_then(|system| system.get("parts")).or(system), &mut systems);
        }
    }
    hosted.extend(switches(members, &model)?);
    let tools = list(members, "tools")?;
    for tool in tools.iter().chain(added(members)) {
        listed.push(tool);
        hosted.extend(sort(wire, tool).into_iter().filter_map(|sort| match sort {
            Sort::Client => None,
            Sort::Hosted(tool) => Some(tool),
        }));
    }
    if added_oddly(members) {
        hosted.push(Hosted::Unknown { kind: "tools in a form that is not read".to_owned() });
    }
    hosted.sort();
    hosted.dedup();
    if hosted.len() > HOSTED {
        hosted.truncate(HOSTED);
        hosted.push(Hosted::Unknown { kind: "more than are told apart".to_owned() });
    }
    let kept = ["previous_response_id", "conversation", "cachedContent", "cached_content"];
    Ok(RequestFacts {
        wire,
        model: short(&model),
        system: (!systems.is_empty()).then(|| digest(systems.iter().map(|text| text.as_bytes()))),
        tools: tools_digest(&listed),
        hosted,
        is_continued: kept.iter().any(|name| members.get(*name).is_some_and(|value| !value.is_null())),
        results: results(wire, members),
    })
}

// === impl RequestFacts ===

impl RequestFacts {
    const fn empty(wire: Wire) -> Self {
        Self {
            wire,
            model: String::new(),
            system: None,
            tools: None,
            hosted: Vec::new(),
            is_continued: false,
            results: Vec::new(),
        }
    }

    /// What the vendor's tools would do. Each is judged like a call, before the request goes on.
    pub fn operations(&self) -> Vec<Operation> {
        self.hosted.iter().filter_map(Hosted::operation).collect()
    }
}

fn list<'v>(members: &'v Map<String, Value>, name: &'static str) -> Result<&'v [Value], TrafficError> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(values)) => Ok(values),
        Some(_) => Err(TrafficError::Field(name)),
    }
}

/// What is switched on beside the list of tools. Services take these in every form, so none is left out by the form.
fn switches(members: &Map<String, Value>, model: &str) -> Result<Vec<Hosted>, TrafficError> {
    let mut found = Vec::new();
    for name in members.keys() {
        let bare = folded(name);
        let other = SWITCHES.iter().any(|(known, loose)| *loose == bare && known != name);
        // What a client's library would have unpacked before.
        if other || bare == "extrabody" {
            found.push(Hosted::Unknown { kind: short(name) });
        }
    }
    // Qwen's and xAI's.
    let is_on = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
    let is_searched = members
        .get("search_parameters")
        .is_some_and(|given| is_on(given) && given.get("mode").and_then(Value::as_str) != Some("off"));
    if is_searched || members.get("enable_search").is_some_and(is_on) {
        found.push(Hosted::WebSearch);
    }
    // OpenRouter's: the model, those that are asked instead of it, and what is kept there.
    let others = list(members, "models")?.iter().filter_map(Value::as_str);
    for name in others.chain([model]) {
        let name = name.trim().to_lowercase();
        if name.split(':').skip(1).any(|variant| variant.trim() == "online") {
            found.push(Hosted::WebSearch);
        }
        if name.starts_with("@preset/") {
            found.push(Hosted::Unknown { kind: "a stored preset".to_owned() });
        }
    }
    if members.get("preset").is_some_and(is_on) {
        found.push(Hosted::Unknown { kind: "a stored preset".to_owned() });
    }
    for plugin in list(members, "plugins")? {
        found.push(match plugin.get("id").and_then(Value::as_str) {
            Some("web") => Hosted::WebSearch,
            id => Hosted::Unknown { kind: short(id.unwrap_or("a plugin")) },
        });
    }
    Ok(found)
}

/// The lists of tools that come among the messages, for models that call tools from code.
fn lists_added(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let items = members.get("input").and_then(Value::as_array).into_iter().flatten();
    let added = items.filter(|item| item.get("type").and_then(Value::as_str) == Some("additional_tools"));
    added.filter_map(|item| item.get("tools"))
}

fn added(members: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    lists_added(members).filter_map(Value::as_array).flatten()
}

/// Whether such a list is no list.
fn added_oddly(members: &Map<String, Value>) -> bool {
    lists_added(members).any(|list| !list.is_array())
}

/// A member that is taken in two spellings. Both at once is none.
fn either<'v>(
    members: &'v Map<String, Value>,
    one: &'static str,
    other: &str,
) -> Result<Option<&'v Value>, TrafficError> {
    match (members.get(one), members.get(other)) {
        (Some(_), Some(_)) => Err(TrafficError::Field(one)),
        (found, None) | (None, found) => Ok(found),
    }
}

/// Servers that the vendor calls.
fn servers<'v>(
    members: &'v Map<String, Value>,
    listed: &mut Vec<&'v Value>,
) -> Result<Vec<Hosted>, TrafficError> {
    let mut found = Vec::new();
    for server in list(members, "mcp_servers")? {
        let text = |name: &str| server.get(name).and_then(Value::as_str).map(str::to_owned);
        listed.push(server);
        found.push(Hosted::Connector {
            name: text("name").map(|name| short(&name)).unwrap_or_default(),
            url: text("url"),
        });
    }
    Ok(found)
}

/// The texts of a text, of blocks of text, or of parts.
fn texts<'v>(value: Option<&'v Value>, found: &mut Vec<&'v str>) {
    match value {
        Some(Value::String(text)) => found.push(text),
        Some(Value::Array(blocks)) => {
            found.extend(blocks.iter().filter_map(|block| block.get("text")?.as_str()));
        }
        Some(Value::Object(block)) => found.extend(block.get("text").and_then(Value::as_str)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => {}
    }
}

/// The texts of messages that speak for the developer.
fn roles<'v>(messages: &'v [Value], found: &mut Vec<&'v str>) {
    for message in messages {
        let role = message.get("role").and_then(Value::as_str);
        if matches!(role, Some("system" | "developer")) {
            texts(message.get("content"), found);
        }
    }
}

fn tools_digest(listed: &[&Value]) -> Option<Digest> {
    // Credentials of connectors change from request to request, and are nobody's business.
    const SEALED: &[&str] = &["authorization", "authorization_token", "cache_control", "headers"];
    let bare = |tool: &&Value| match tool {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !SEALED.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => (*other).clone(),
    };
    let bare: Vec<Value> = listed.iter().map(bare).collect();
    let text = serde_json_canonicalizer::to_vec(&bare).ok()?;
    (!listed.is_empty()).then(|| digest([text.as_slice()]))
}
