//! One changed file, as a person reads it.

use writ_gateway::setup::Change;

/// Unchanged lines around what changed.
const AROUND: usize = 3;

/// What changed between the first and the last line that differ, in the unified form.
pub(super) fn unified(change: &Change) -> String {
    let before: Vec<&str> = change.before.as_deref().unwrap_or_default().lines().collect();
    let after: Vec<&str> = change.after.as_deref().unwrap_or_default().lines().collect();
    let same_start = before.iter().zip(&after).take_while(|(old, new)| old == new).count();
    let shorter = before.len().min(after.len());
    let same_end = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(shorter - same_start)
        .take_while(|(old, new)| old == new)
        .count();
    let name = change.path.display();
    let side = |text: &Option<String>| if text.is_some() { name.to_string() } else { "/dev/null".to_owned() };
    let mut lines = vec![format!("--- {}", side(&change.before)), format!("+++ {}", side(&change.after))];
    let start = same_start.saturating_sub(AROUND);
    let (old_end, new_end) = (before.len() - same_end, after.len() - same_end);
    let tail = same_end.min(AROUND);
    let old_count = old_end + tail - start;
    let new_count = new_end + tail - start;
    lines.push(format!("@@ -{},{old_count} +{},{new_count} @@", start + 1, start + 1));
    let part = |lines: &[&str], from: usize, to: usize, mark: char| -> Vec<String> {
        lines.iter().take(to).skip(from).map(|line| format!("{mark}{}", visible(line))).collect()
    };
    lines.extend(part(&before, start, same_start, ' '));
    lines.extend(part(&before, same_start, old_end, '-'));
    lines.extend(part(&after, same_start, new_end, '+'));
    lines.extend(part(&after, new_end, new_end + tail, ' '));
    lines.join("\n")
}

/// The line, with what could move the cursor written out.
fn visible(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() && c != '\t' { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: Option<&str>, after: Option<&str>) -> String {
        let change = Change {
            path: "/h/settings.json".into(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        unified(&change)
    }

    #[test]
    fn only_what_differs_is_shown_with_a_little_around_it() {
        assert_eq!(
            shown(Some("1\n2\n3\n4\n5\n6\n7\n8\n"), Some("1\n2\n3\n4\nfive\n6\n7\n8\n")),
            "--- /h/settings.json\n+++ /h/settings.json\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8"
        );
        assert_eq!(shown(None, Some("a\n")), "--- /dev/null\n+++ /h/settings.json\n@@ -1,0 +1,1 @@\n+a");
        assert_eq!(shown(Some("a\n"), None), "--- /h/settings.json\n+++ /dev/null\n@@ -1,1 +1,0 @@\n-a");
        assert_eq!(
            shown(Some("a\na\n"), Some("a\na\na\n")),
            "--- /h/settings.json\n+++ /h/settings.json\n@@ -1,2 +1,3 @@\n a\n a\n+a"
        );
    }

    #[test]
    fn control_characters_are_written_out() {
        assert!(shown(None, Some("a\u{1b}[2J")).contains("\\u{1b}"));
    }
}
