//! Scripts in `package.json`, `deno.json` and `composer.json`, with those that run before and after.

use serde_json::{Map, Value as Json};

use super::super::word::Value;
use super::{Body, Step, quoted};

pub(super) fn find(text: &str, program: &str, name: &str, arguments: &[Value]) -> Option<(String, Body)> {
    let file: Json = serde_json::from_str(text).ok()?;
    let scripts = ["scripts", "tasks"]
        .iter()
        .find_map(|key| file.get(key)?.as_object().filter(|map| !map.is_empty()))?;
    let mut body = Body::default();
    let has_own = steps(scripts, program, name, arguments, &mut body);
    // Installing and publishing run scripts of these names without being asked for them.
    let around: &[&str] = match (program, name) {
        (_, "install") => &["preinstall", "postinstall", "prepare"],
        (_, "publish") => &["prepublishOnly", "prepack", "prepare", "postpack", "postpublish"],
        (_, "pack") => &["prepack", "prepare", "postpack"],
        ("npm" | "pnpm" | "yarn" | "bun", _) => &["pre", "post"],
        _ => &[],
    };
    let mut has_other = false;
    for other in around {
        let other =
            if matches!(*other, "pre" | "post") { format!("{other}{name}") } else { (*other).to_owned() };
        has_other |= steps(scripts, program, &other, &[], &mut body);
    }
    (has_own || has_other).then(|| (name.to_owned(), body))
}

fn steps(
    scripts: &Map<String, Json>,
    program: &str,
    name: &str,
    arguments: &[Value],
    body: &mut Body,
) -> bool {
    match scripts.get(name) {
        Some(Json::String(text)) => body.steps.push(step(program, text, arguments)),
        Some(Json::Array(list)) => {
            body.steps.extend(list.iter().filter_map(Json::as_str).map(|text| step(program, text, &[])));
        }
        Some(Json::Object(task)) => {
            let needs = task.get("dependencies").and_then(Json::as_array).into_iter().flatten();
            body.needs.extend(needs.filter_map(Json::as_str).map(str::to_owned));
            if let Some(text) = task.get("command").and_then(Json::as_str) {
                body.steps.push(step(program, text, arguments));
            }
        }
        Some(Json::Null | Json::Bool(_) | Json::Number(_)) | None => return false,
    }
    true
}

fn step(program: &str, text: &str, arguments: &[Value]) -> Step {
    if program == "composer"
        && let Some(other) = text.strip_prefix('@')
    {
        return match other.split_once(' ') {
            Some(("php" | "composer", _)) => Step::Shell(other.to_owned()),
            _ => Step::Task(other.to_owned()),
        };
    }
    Step::Shell(format!("{text}{}", quoted(arguments)))
}
