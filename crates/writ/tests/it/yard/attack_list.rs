//! The list of files to look at, when a task ends: whole, and readable whatever a client leaves behind.

use super::{furnished, played, put};
use crate::corner::{finished, text};

/// What runs by itself and was made anew is told, however much of it there is and whatever it is called.
#[test]
fn attack_the_list_at_the_end_is_not_flooded() {
    let corner = furnished();
    let play = "start\nmkdir .buildkite && (cd .buildkite && seq 3000 | xargs touch)\n\
        for n in $(seq 100); do mkdir -p a$n && echo x >a$n/AGENTS.md; done\n\
        mkdir -p src/deep && echo x >src/deep/.envrc; mkdir -p $'b\\e[2J' && echo x >$'b\\e[2J/.mcp.json'\n\
        mkdir -p node_modules/x && echo x >node_modules/x/.npmrc; git init -q evil; mkdir -p .git/rebase-merge && echo exec x >.git/rebase-merge/git-rebase-todo\n\
        finish\n";
    let said = played(&corner, &[], play);
    for wanted in [
        "    src/deep/.envrc",
        "\"b\\u{1b}[2J/.mcp.json\"",
        "    .buildkite (2000 files or more",
        "    .git (1 file: rebase-merge/git-rebase-todo)",
        "    evil/.git (",
        "more such files and folders",
        "and 1 files in folders of dependencies",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "{said:?}");
    assert!(said.lines().count() < 60, "{said}");
}

/// Two tasks: the first marks folders of a person's, the second would write what is in them.
#[test]
fn attack_a_folder_that_is_marked_as_built_stays_kept() {
    let corner = furnished();
    put(&corner, &[("env/.envrc", "mine"), ("target/.envrc", "mine"), ("target/debug/.envrc", "mine")]);
    let said = played(&corner, &[], "start\ntouch env/pyvenv.cfg target/CACHEDIR.TAG\nfinish\n");
    assert!(said.contains("LOOKS BUILT NOW") && said.contains("\n    target\n"), "{said}");
    let play = "start\n(for f in env target; do echo evil >$f/.envrc && echo $f >>free; done) 2>>tried\n\
        echo evil >target/debug/.envrc\nfinish\n";
    let said = played(&corner, &[], play);
    assert_eq!(corner.left("free"), "", "{said}");
    // What is left open is told.
    assert!(said.contains("and 1 files in folders of dependencies"), "{said}");
}

/// A client that leaves the other screen on, text hidden and a string open does not hide what is said after it.
#[test]
fn attack_the_list_at_the_end_is_not_hidden_by_the_terminal() {
    let corner = furnished();
    let play = "start\necho x >.envrc\nprintf '\\e[?1049h\\e[8m\\e[?25l\\e[1;1r\\e]0;never ended' >/dev/tty\nfinish\n";
    let command = corner.play(&[], play);
    let line: Vec<String> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let mut screen = std::process::Command::new("script");
    screen.args(["-qec", &line.join(" "), "/dev/null"]).env_clear().current_dir(corner.work());
    screen.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = text(&finished(screen));
    let (left, told) = said.split_once("never ended").expect("what the client left");
    assert!(left.contains("\u{1b}[?1049h"), "{said:?}");
    let list = told.find("LOOK AT THESE").expect("the list");
    for undone in ["\u{18}", "\u{1b}[?1049l", "\u{1b}[0m", "\u{1b}(B", "\u{1b}[r", "\u{1b}[?25h"] {
        assert!(told.find(undone).is_some_and(|at| at < list), "{undone:?}: {told:?}");
    }
}
