//! Justfiles: recipes by indentation.

use super::{Body, MAX_STEPS, Step, without_templates};

const MAX_LINES: usize = 8_000;

pub(super) fn find(text: &str, name: Option<&str>) -> Option<(String, Body)> {
    let lines: Vec<&str> = text.lines().take(MAX_LINES).collect();
    let mut wanted = name.map(str::to_owned);
    let alias = lines.iter().find_map(|line| {
        let (alias, recipe) = line.strip_prefix("alias ")?.split_once(":=")?;
        (Some(alias.trim()) == name).then(|| recipe.trim().to_owned())
    });
    wanted = alias.or(wanted);
    let at = lines.iter().position(|line| {
        header(line).is_some_and(|(recipe, _)| wanted.as_deref().is_none_or(|wanted| wanted == recipe))
    })?;
    let (name, needs) = header(lines.get(at)?)?;
    let indented =
        lines.iter().skip(at + 1).take_while(|line| line.is_empty() || line.starts_with([' ', '\t']));
    let recipe: Vec<&str> = indented.copied().filter(|line| !line.trim().is_empty()).collect();
    Some((name.to_owned(), Body { needs, steps: steps(&recipe) }))
}

fn steps(recipe: &[&str]) -> Vec<Step> {
    if let Some(shebang) = recipe.first().and_then(|line| line.trim().strip_prefix("#!")) {
        let text = recipe.iter().skip(1).map(|line| line.trim_start()).collect::<Vec<_>>().join("\n");
        let text = without_templates(&text);
        let mut words = shebang.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
        let program = words.rfind(|word| *word != "env" && !word.starts_with('-')).unwrap_or("sh");
        return match super::super::command::is_shell(program) {
            true => vec![Step::Shell(text)],
            false => vec![Step::Code { language: super::super::command::program_name(program), text }],
        };
    }
    let joined =
        recipe.iter().map(|line| line.trim_start()).collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.trim().trim_start_matches(['@', '-']).trim());
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .take(MAX_STEPS)
        .map(|line| Step::Shell(without_templates(line)))
        .collect()
}

/// `name parameters: needs`.
fn header(line: &str) -> Option<(&str, Vec<String>)> {
    if line.starts_with([' ', '\t', '#', '[']) {
        return None;
    }
    let (left, right) = line.split_once(':')?;
    if right.starts_with('=') {
        return None;
    }
    let name = left.split_whitespace().next()?.trim_start_matches('@');
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    // `(need argument)` names its task first.
    let needs = right.split(" #").next().unwrap_or_default();
    let mut inside = false;
    let needs = needs.split_whitespace().filter_map(|word| {
        let is_argument = inside && !word.starts_with('(');
        inside = (inside || word.starts_with('(')) && !word.ends_with(')');
        let word = word.trim_matches(['(', ')']);
        (!is_argument && word != "&&" && !word.is_empty()).then(|| word.to_owned())
    });
    is_name.then(|| (name, needs.collect()))
}
