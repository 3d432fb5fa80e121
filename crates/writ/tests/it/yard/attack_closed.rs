//! Folders that an ordinary user closes: nobody can look into them, and their owner can open them again.

use std::os::unix::fs::PermissionsExt as _;

use super::{SECRET, played, put};
use crate::corner::Corner;

#[test]
fn attack_a_folder_that_is_closed_between_two_tasks_stays_out_of_reach() {
    let corner = Corner::of_ordinary_user();
    for mode in ["0300", "0000", "0600"] {
        put(&corner, &[("sub/.env", SECRET), ("sub/CLAUDE.md", "mine"), ("src/main.rs", "")]);
        corner.give();
        if mode == "0300" {
            corner.register("claude-code");
        }
        let said = played(&corner, &[], &format!("start\nchmod {mode} sub\nfinish\n"));
        assert!(
            said.contains("NOT ALL WAS LOOKED AT: these") && said.contains("\n    sub\n"),
            "{mode}: {said}"
        );
        let play = "start\n(chmod 0755 sub; cat sub/.env; echo evil >>sub/CLAUDE.md && echo wrote; \
            mv sub other && echo moved; echo x >src/main.rs && echo work) >tried 2>&1\nfinish\n";
        let said = played(&corner, &[], play);
        assert!(said.contains("empty inside") && said.contains(": sub;"), "{mode}: {said}");
        let tried = corner.left("tried");
        for free in [SECRET, "wrote", "moved"] {
            assert!(!tried.contains(free), "{mode}: {tried}");
        }
        assert!(tried.contains("work"), "{mode}: {tried}{said}");
        let sub = corner.work().join("sub");
        std::fs::set_permissions(&sub, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(std::fs::read_to_string(sub.join("CLAUDE.md")).unwrap(), "mine", "{mode}");
    }
}
