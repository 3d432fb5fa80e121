//! Lays help texts out. In the sources their lines end where the source does; on a screen a paragraph is filled to its width,
//! and only what is indented (examples, tables) stays as it was written.

use clap::Command;

/// Widest line of help, in columns.
pub(super) const WIDEST: usize = 120;

/// The same command line, with the paragraphs of every help text on one line each, for clap to wrap.
pub(super) fn laid_out(mut command: Command) -> Command {
    if let Some(text) = command.get_after_help().map(|text| filled(&text.to_string())) {
        command = command.after_help(text);
    }
    command.mut_subcommands(laid_out)
}

/// Joins the lines of each paragraph. What is indented, and a line before it, begins and ends a paragraph of its own.
fn filled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut was_prose = false;
    for line in text.lines() {
        let is_prose = !line.is_empty() && !line.starts_with(' ');
        if is_prose && was_prose {
            out.push(' ');
        } else if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(line);
        was_prose = is_prose;
    }
    out
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Arguments;
    use super::*;

    /// What is said in these columns is set in two columns, and its second column begins here at the earliest.
    const SECOND_COLUMN: usize = 12;

    fn each(command: Command, path: &str, check: &mut impl FnMut(&str, Command)) {
        let path = format!("{path} {}", command.get_name());
        for sub in command.get_subcommands() {
            each(sub.clone(), &path, check);
        }
        check(&path, command);
    }

    /// The lines of a help text that are too long, or that end before their half although their paragraph goes on.
    fn ragged(help: &str, width: usize) -> Vec<String> {
        let columns = |line: &str| line.chars().count();
        let indent = |line: &str| columns(line) - columns(line.trim_start());
        let lines: Vec<&str> = help.lines().collect();
        let mut found: Vec<String> =
            lines.iter().filter(|line| columns(line) > width).map(|line| (*line).to_owned()).collect();
        for pair in lines.windows(2) {
            let [line, next] = pair else { continue };
            let is_prose = !line.is_empty() && !next.is_empty() && indent(next) == indent(line);
            if is_prose && (indent(line) == 0 || indent(line) >= SECOND_COLUMN) && columns(line) < width / 2 {
                found.push((*line).to_owned());
            }
        }
        found
    }

    #[test]
    fn every_help_text_fills_its_lines_and_none_is_too_long() {
        for width in [80, 100, 120] {
            let mut wrong = Vec::new();
            each(laid_out(Arguments::command()), "", &mut |path, command| {
                let command = command.term_width(width);
                for help in [command.clone().render_help(), command.clone().render_long_help()] {
                    let found = ragged(&help.to_string(), width);
                    wrong.extend(found.into_iter().map(|line| format!("{path}: {line}")));
                }
            });
            assert!(wrong.is_empty(), "at {width}: {wrong:#?}");
        }
    }

    #[test]
    fn what_is_indented_stays_and_the_rest_is_filled() {
        let text = "One sentence\nthat goes on.\nAnd one.\n\nExamples:\n  a\n  b\n\nEnd\nof it.";
        assert_eq!(filled(text), "One sentence that goes on. And one.\n\nExamples:\n  a\n  b\n\nEnd of it.");
        assert_eq!(ragged("a\nb\n\n  c\n  d", 80), ["a"]);
        assert_eq!(ragged(&"x".repeat(81), 80).len(), 1);
    }

    #[test]
    fn examples_fit_into_eighty_columns_as_they_are_written() {
        let mut wrong = Vec::new();
        each(laid_out(Arguments::command()), "", &mut |path, command| {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let long = text.lines().filter(|line| line.starts_with(' ') && line.chars().count() > 80);
            wrong.extend(long.map(|line| format!("{path}: {line}")));
        });
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
