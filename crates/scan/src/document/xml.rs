//! Settings of JetBrains's editors in XML, as far as they name MCP servers: a map `mcpServers`, as clients that write JSON have
//! it. No document type is read and no entity but the five of XML itself, so nothing multiplies or is fetched.
//!
//! AI Assistant keeps its servers in a component of the editor's `options/llm.mcpServers.xml` or of a project's
//! `.idea/workspace.xml`: right in it (2025.1), or below `commands` and `urls`; each as `option`s with a name and a value, with lists of
//! variables and headers. Later versions keep definitions in `.ai/mcp/mcp.json` and states alone here.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{DocumentError, Member, Node, Read, Reading, Value};

const COMPONENTS: &[&str] = &["McpApplicationServerCommands", "McpProjectServerCommands"];
/// Elements of a component that only hold servers.
const HOLDERS: &[&str] = &["commands", "urls"];

/// What an open element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Component,
    Server,
    /// Variables or headers of a server.
    List(&'static str),
}

#[derive(Default)]
struct Server {
    line: u32,
    members: Vec<Member>,
}

pub(super) fn read(text: &str) -> Read {
    let mut reading = Reading::of(text);
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Place> = Vec::new();
    let (mut servers, mut server) = (Vec::new(), None::<Server>);
    let mut problem = None;
    loop {
        let line = reading.line(usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX));
        let (element, is_empty) = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(Event::Start(element)) => (element, false),
            Ok(Event::Empty(element)) => (element, true),
            Ok(Event::End(_)) => {
                if open.pop() == Some(Place::Server) && open.last() == Some(&Place::Component) {
                    servers.extend(server.take().and_then(Server::member));
                }
                continue;
            }
            Ok(_) => continue,
            Err(_) => {
                problem = Some(DocumentError::Syntax { line });
                break;
            }
        };
        if let Err(bound) = reading.enter(open.len()) {
            problem = Some(bound);
            break;
        }
        let name = element.local_name().as_ref().to_owned();
        let (own, value) = pair(&element);
        let place = match open.last().copied().unwrap_or(Place::Outside) {
            Place::Outside if name == "component" && COMPONENTS.contains(&own.as_str()) => Place::Component,
            Place::Outside => Place::Outside,
            Place::Component if HOLDERS.contains(&name.as_str()) => Place::Component,
            Place::Component => {
                server = Some(Server { line, members: Vec::new() });
                Place::Server
            }
            Place::Server => {
                let label = if name == "option" { own.as_str() } else { name.as_str() };
                let list = match label {
                    "env" | "envs" | "environment" => Some("env"),
                    "headers" => Some("headers"),
                    _ => None,
                };
                if let (None, Some(server), Some(value)) = (list, &mut server, value) {
                    server.say(line, &own, value);
                }
                list.map_or(Place::Server, Place::List)
            }
            Place::List(list) => {
                if let (Some(server), Some(value)) = (&mut server, value) {
                    server.add(line, list, own, value);
                }
                Place::List(list)
            }
        };
        if !is_empty {
            open.push(place);
        } else if place == Place::Server && open.last() == Some(&Place::Component) {
            servers.extend(server.take().and_then(Server::member));
        }
    }
    // One that was cut off is told as far as it goes.
    servers.extend(server.and_then(Server::member));
    let members = match servers.as_slice() {
        [] => Vec::new(),
        [first, ..] => {
            let line = first.line;
            vec![Member {
                key: "mcpServers".to_owned(),
                line,
                node: Node { line, value: Value::Map(servers) },
            }]
        }
    };
    Read { node: Node { line: 1, value: Value::Map(members) }, problem }
}

/// `name="…"` or `key="…"`, and `value="…"`.
fn pair(element: &BytesStart<'_>) -> (String, Option<String>) {
    let (mut name, mut value) = (String::new(), None);
    for attribute in element.attributes().with_checks(false).flatten() {
        let Ok(text) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
        match attribute.key.local_name().as_ref() {
            "name" | "key" => name = text.into_owned(),
            "value" => value = Some(text.into_owned()),
            _ => {}
        }
    }
    (name, value)
}

// === impl Server ===

impl Server {
    fn say(&mut self, line: u32, name: &str, value: String) {
        let (key, value) = match (name, value.as_str()) {
            ("programPath", _) => ("command", Value::Text(value)),
            (name, "true" | "false") => (name, Value::Bool(value == "true")),
            (name, _) => (name, Value::Text(value)),
        };
        self.members.push(Member { key: key.to_owned(), line, node: Node { line, value } });
    }

    fn add(&mut self, line: u32, list: &str, name: String, value: String) {
        let one = Member { key: name, line, node: Node { line, value: Value::Text(value) } };
        match self.members.iter_mut().find(|member| member.key == list).map(|member| &mut member.node.value) {
            Some(Value::Map(members)) => members.push(one),
            _ => {
                let node = Node { line, value: Value::Map(vec![one]) };
                self.members.push(Member { key: list.to_owned(), line, node });
            }
        }
    }

    /// Under its name; nothing of one that is only switched on or off here.
    fn member(self) -> Option<Member> {
        let Self { line, members } = self;
        let says = |key: &str| members.iter().any(|member| member.key == key && member.node.text().is_some());
        let name = members.iter().find(|member| member.key == "name")?.node.text()?.to_owned();
        let whole = says("command") || says("url") || says("serverUrl");
        whole.then_some(Member { key: name, line, node: Node { line, value: Value::Map(members) } })
    }
}
