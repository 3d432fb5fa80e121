use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn keys_are_made_once_and_stay_the_same() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("keys");
    let first = Keys::open(&directory, WhenMissing::Make).unwrap();
    let again = Keys::open(&directory, WhenMissing::Refuse).unwrap();
    assert_eq!(first.checkpoint_seed(), again.checkpoint_seed());
    assert_eq!(first.vault_key(), again.vault_key());
    assert_eq!(first.writ_pkcs8(), again.writ_pkcs8());
    assert_ne!(first.checkpoint_seed(), first.vault_key());
    let mut names: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            (entry.file_name().into_string().unwrap(), mode)
        })
        .collect();
    names.sort();
    assert_eq!(names, [CHECKPOINT, VAULT, WRIT].map(|name| (name.to_owned(), 0o600)));
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn what_others_could_read_or_replace_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("keys");
    Keys::open(&directory, WhenMissing::Make).unwrap();
    let refused = || Keys::open(&directory, WhenMissing::Refuse).err();
    mode(&directory, 0o750);
    assert!(matches!(refused(), Some(KeyError::Permissions { mode: 0o750, .. })));
    mode(&directory, 0o700);
    mode(&directory.join(WRIT), 0o640);
    assert!(matches!(refused(), Some(KeyError::Permissions { mode: 0o640, .. })));
    mode(&directory.join(WRIT), 0o600);
    std::fs::write(directory.join(VAULT), b"short").unwrap();
    assert!(matches!(refused(), Some(KeyError::Content { .. })));
    std::fs::remove_file(directory.join(VAULT)).unwrap();
    assert!(matches!(refused(), Some(KeyError::Missing { .. })));
    std::os::unix::fs::symlink(directory.join(CHECKPOINT), directory.join(VAULT)).unwrap();
    assert!(matches!(refused(), Some(KeyError::Io { .. })));
}
