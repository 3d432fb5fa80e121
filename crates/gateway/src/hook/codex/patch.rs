//! Which files a patch of Codex touches: the headers of its `*** Begin Patch` format, and nothing else of it.

/// Most files one patch may name.
const MAX_PATHS: usize = 256;
/// Longest path.
const MAX_PATH_BYTES: usize = 4096;

/// Every path the patch adds, updates, deletes or moves to, in order, each once.
///
/// A line that is neither a known header nor plainly the body of one makes the whole patch unknown: Codex' own reader
/// might make a path of it.
pub(in crate::hook) fn paths(patch: &str) -> Result<Vec<String>, String> {
    const UNREADABLE: &str = "its patch is not of the form that Codex applies";
    let mut lines = patch.trim().lines();
    if lines.next().map(str::trim) != Some("*** Begin Patch") {
        return Err(UNREADABLE.to_owned());
    }
    let mut paths: Vec<String> = Vec::new();
    let mut ended = false;
    for line in lines {
        if ended {
            return Err("its patch goes on after its end".to_owned());
        }
        let Some(header) = line.trim().strip_prefix("*** ") else {
            // `***` without a blank, or a body line before any file, is nothing that we can place.
            if line.trim_start().starts_with("***") || (paths.is_empty() && !line.trim().is_empty()) {
                return Err(UNREADABLE.to_owned());
            }
            if !(line.is_empty() || line.starts_with([' ', '+', '-', '@', '\t'])) {
                return Err(UNREADABLE.to_owned());
            }
            continue;
        };
        match header.trim_end() {
            "End Patch" => ended = true,
            "End of File" => {}
            other => {
                let path = ["Add File: ", "Update File: ", "Delete File: ", "Move to: "]
                    .iter()
                    .find_map(|prefix| other.strip_prefix(prefix))
                    .map(str::trim)
                    .filter(|path| !path.is_empty() && path.len() <= MAX_PATH_BYTES && !path.contains('\0'))
                    .ok_or_else(|| UNREADABLE.to_owned())?;
                if path.starts_with('~') {
                    return Err(
                        "its patch names a path that starts with `~`; use an absolute path".to_owned()
                    );
                }
                if !paths.iter().any(|known| known == path) {
                    paths.push(path.to_owned());
                }
                if paths.len() > MAX_PATHS {
                    return Err(format!("its patch names more than {MAX_PATHS} files"));
                }
            }
        }
    }
    if !ended || paths.is_empty() {
        return Err(UNREADABLE.to_owned());
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_touched_path_is_found() {
        let patch = "*** Begin Patch\n*** Add File: a/new.txt\n+one\n+*** Delete File: not/me\n*** Update File: b.rs\n*** Move to: ../c.rs\n@@ fn x\n-old\n+new\n ctx\n*** End of File\n*** Delete File: /etc/passwd\n*** End Patch\n";
        assert_eq!(paths(patch).unwrap(), ["a/new.txt", "b.rs", "../c.rs", "/etc/passwd"]);
    }

    #[test]
    fn what_is_not_plainly_a_patch_is_unknown() {
        for patch in [
            "",
            "echo hi",
            "*** Begin Patch\n*** End Patch",
            "*** Begin Patch\n*** Add File: a\n+x",
            "*** Begin Patch\n*** Add File:\n+x\n*** End Patch",
            "*** Begin Patch\n*** Rename File: a\n*** End Patch",
            "*** Begin Patch\n***Add File: a\n*** End Patch",
            "*** Begin Patch\nstray\n*** Add File: a\n+x\n*** End Patch",
            "*** Begin Patch\n*** Add File: a\nstray\n*** End Patch",
            "*** Begin Patch\n*** Add File: ~/.bashrc\n+x\n*** End Patch",
            "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch\n*** Begin Patch\n*** Add File: b\n+x\n*** End Patch",
        ] {
            assert!(paths(patch).is_err(), "{patch:?}");
        }
        let many: String = (0..300).map(|n| format!("*** Delete File: f{n}\n")).collect();
        assert!(paths(&format!("*** Begin Patch\n{many}*** End Patch")).is_err());
    }

    #[test]
    fn a_header_is_found_with_blanks_around_it() {
        // Codex' reader is lenient about blanks, so ours must see the same headers.
        let patch = "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n  *** Delete File: b\n*** End Patch";
        assert_eq!(paths(patch).unwrap(), ["a", "b"]);
    }
}
