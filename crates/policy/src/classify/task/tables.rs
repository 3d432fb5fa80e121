//! Tasks in TOML: aliases of cargo, `Makefile.toml`, tables of `pyproject.toml` and `mise.toml`.

use toml::{Table, Value as Toml};

use super::super::word::Value;
use super::{Body, Step, quoted};

pub(super) fn find(text: &str, program: &str, name: &str, arguments: &[Value]) -> Option<(String, Body)> {
    let file: Table = text.parse().ok()?;
    let within = |path: &[&str]| -> Option<Toml> {
        let (last, path) = path.split_last()?;
        let mut table = &file;
        for key in path {
            table = table.get(*key)?.as_table()?;
        }
        table.get(*last)?.as_table()?.get(name).cloned()
    };
    let found = match program {
        "cargo" => within(&["alias"]),
        "cargo make" | "mise" => within(&["tasks"]),
        "poe" => within(&["tool", "poe", "tasks"]),
        "pdm" => within(&["tool", "pdm", "scripts"]),
        "taskipy" => within(&["tool", "taskipy", "tasks"]),
        _ => None,
    }?;
    let mut body = Body::default();
    read(&found, program, &mut body);
    if let [Step::Shell(text)] = body.steps.as_mut_slice() {
        text.push_str(&quoted(arguments));
    }
    Some((name.to_owned(), body))
}

fn read(task: &Toml, program: &str, body: &mut Body) {
    match task {
        Toml::String(text) if program == "cargo" => body.steps.push(Step::Shell(format!("cargo {text}"))),
        Toml::String(text) => body.steps.push(Step::Shell(text.clone())),
        Toml::Array(words) if program == "cargo" => {
            let words: Vec<Value> = words.iter().filter_map(Toml::as_str).map(Value::known).collect();
            body.steps.push(Step::Shell(format!("cargo{}", quoted(&words))));
        }
        Toml::Array(others) => {
            for other in others {
                match other {
                    Toml::String(name) if program == "poe" => body.steps.push(Step::Task(name.clone())),
                    other => read(other, program, body),
                }
            }
        }
        Toml::Table(table) => read_table(table, program, body),
        Toml::Integer(_) | Toml::Float(_) | Toml::Boolean(_) | Toml::Datetime(_) => {}
    }
}

fn read_table(table: &Table, program: &str, body: &mut Body) {
    for key in ["dependencies", "depends", "deps"] {
        let needs = table.get(key).and_then(Toml::as_array).into_iter().flatten();
        body.needs.extend(needs.filter_map(Toml::as_str).map(str::to_owned));
    }
    if let Some(command) = table.get("command").and_then(Toml::as_str) {
        let words = table.get("args").and_then(Toml::as_array).into_iter().flatten();
        let words: Vec<Value> = words.filter_map(Toml::as_str).map(Value::known).collect();
        body.steps.push(Step::Shell(format!("{command}{}", quoted(&words))));
    }
    for key in ["cmd", "shell", "run", "script", "sequence", "composite"] {
        match table.get(key) {
            Some(Toml::Array(lines)) if program == "cargo make" => {
                let lines: Vec<&str> = lines.iter().filter_map(Toml::as_str).collect();
                body.steps.push(Step::Shell(lines.join("\n")));
            }
            Some(steps) => read(steps, program, body),
            None => {}
        }
    }
    if let Some(other) = table.get("run_task").and_then(Toml::as_str) {
        body.steps.push(Step::Task(other.to_owned()));
    }
}
