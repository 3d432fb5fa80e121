//! Taskfiles, as far as they are written the usual way: block style, one task under another.
//!
//! Only names, commands and needs are wanted, and what is written another way counts as not there; so this reads
//! lines by their indentation and is no reader of YAML.

use super::{Body, MAX_STEPS, Step, without_templates};

const MAX_LINES: usize = 8_000;

pub(super) fn find(text: &str, name: Option<&str>) -> Option<(String, Body)> {
    let name = name.unwrap_or("default");
    let lines: Vec<(usize, &str)> = text
        .lines()
        .take(MAX_LINES)
        .map(|line| (line.len() - line.trim_start_matches(' ').len(), line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let tasks = below(&lines, lines.iter().position(|(depth, line)| *depth == 0 && *line == "tasks:")?);
    let at = tasks.iter().position(|(depth, line)| {
        Some(*depth) == tasks.first().map(|(depth, _)| *depth)
            && key(line).is_some_and(|(task, _)| task == name)
    })?;
    let mut body = Body::default();
    if let Some((_, command)) =
        tasks.get(at).and_then(|(_, line)| key(line)).filter(|(_, value)| !value.is_empty())
    {
        body.steps.push(Step::Shell(without_templates(unquoted(command))));
    }
    let own = below(tasks, at);
    for (index, (_, line)) in own.iter().enumerate() {
        match key(line) {
            Some(("cmds" | "cmd", value)) if !value.is_empty() && value != "|" => {
                body.steps.push(Step::Shell(without_templates(unquoted(value))));
            }
            Some(("cmds" | "cmd", _)) => body.steps.extend(commands(below(own, index))),
            Some(("deps", value)) if value.starts_with('[') => {
                let names = value.trim_matches(['[', ']']).split(',');
                body.needs.extend(names.map(|name| unquoted(name.trim()).to_owned()));
            }
            Some(("deps", _)) => {
                let names = below(own, index).iter().filter_map(|(_, line)| line.strip_prefix("- "));
                body.needs
                    .extend(names.map(|name| unquoted(name.trim_start_matches("task: ").trim()).to_owned()));
            }
            _ => {}
        }
    }
    Some((name.to_owned(), body))
}

fn commands(lines: &[(usize, &str)]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let depth = lines.first().map_or(0, |(depth, _)| *depth);
    for (at, line) in lines {
        let item = line.strip_prefix("- ").filter(|_| *at == depth);
        match (item, steps.last_mut()) {
            (Some("|" | ">" | "|-"), _) => steps.push(Step::Shell(String::new())),
            (Some(item), _) => match key(item) {
                Some(("task", task)) => steps.push(Step::Task(unquoted(task).to_owned())),
                Some(("cmd", command)) => {
                    let command = if command.starts_with('|') { "" } else { unquoted(command) };
                    steps.push(Step::Shell(without_templates(command)));
                }
                _ => steps.push(Step::Shell(without_templates(unquoted(item)))),
            },
            // A line of a command in a block.
            (None, Some(Step::Shell(text))) if key(line).is_none_or(|(key, _)| key != "silent") => {
                text.push_str(&without_templates(line));
                text.push('\n');
            }
            (None, _) => {}
        }
        if steps.len() > MAX_STEPS {
            break;
        }
    }
    steps
}

/// The lines under a line: those that are indented more.
fn below<'a, 'b>(lines: &'a [(usize, &'b str)], at: usize) -> &'a [(usize, &'b str)] {
    let Some((depth, _)) = lines.get(at) else { return &[] };
    let rest = lines.get(at + 1..).unwrap_or_default();
    // A list may stand as far left as its key.
    let is_list = rest.first().is_some_and(|(first, line)| first == depth && line.starts_with("- "));
    let end = rest.iter().position(|(other, line)| match is_list {
        true => other < depth || (other == depth && !line.starts_with("- ")),
        false => other <= depth,
    });
    rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
}

fn key(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let key = unquoted(key.trim());
    let is_key = !key.is_empty() && !key.contains([' ', '"', '\'', '$', '/', '|', '{']);
    // `a:b:` is a task in a namespace.
    if let Some((rest, "")) = value.rsplit_once(':').filter(|(rest, _)| !rest.contains(' ') && is_key) {
        return line.get(..key.len() + 1 + rest.len()).map(|key| (key, ""));
    }
    (is_key && (value.is_empty() || value.starts_with(' '))).then(|| (key, value.trim()))
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['\'', '"'].iter().find_map(|mark| text.strip_prefix(*mark)?.strip_suffix(*mark)).unwrap_or(text)
}
