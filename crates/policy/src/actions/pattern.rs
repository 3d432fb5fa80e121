//! Patterns of the shell, where nobody can see which names stand there: what could they catch?

/// The folder that a pattern starts from: what is written before the component that opens at `open`.
pub(super) fn folder_before(path: &str, open: usize) -> &str {
    let before = path.get(..open).unwrap_or_default();
    match before.rfind('/') {
        Some(0) => "/",
        Some(at) => before.get(..at).unwrap_or("."),
        None => ".",
    }
}

/// Listed names that a shell pattern would catch: where the caught component starts, and the name.
pub(super) fn pattern_could_name(path: &str) -> Vec<(usize, &'static str)> {
    let mut start = 0;
    for part in path.split('/') {
        if part.contains(['*', '[', '{']) {
            return crate::place::names_anywhere()
                .filter(|name| could_be(part, name))
                .map(|name| (start, name))
                .collect();
        }
        start += part.len() + 1;
    }
    Vec::new()
}

/// Whether a pattern of the shell could match a name. Brackets and braces count as anything; a leading dot must be
/// written.
pub(super) fn could_be(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with(['.', '[', '{']) {
        return false;
    }
    let Some(open) = pattern.find(['*', '[', '{']) else { return pattern == name };
    let tail_at = pattern.rfind(['*', ']', '}']).map_or(pattern.len(), |at| at + 1);
    let before = pattern.get(..open).unwrap_or_default();
    let after = pattern.get(tail_at.max(open)..).unwrap_or_default();
    // A bare `*` asks for everything in sight and means the ordinary files.
    let bare = before.is_empty() && after.is_empty() && pattern.chars().all(|c| c == '*');
    !bare && name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
}
