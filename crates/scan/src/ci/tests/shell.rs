//! The reader of scripts, at scripts that are made to break it.

use std::time::{Duration, Instant};

use super::super::agent::shell::commands;

/// How long a script takes, at best.
fn took(script: &str) -> Duration {
    (0..3)
        .map(|_| {
            let began = Instant::now();
            let _ = commands(script);
            began.elapsed()
        })
        .min()
        .unwrap()
}

/// Eight times as long a script takes some eight times as long, and not sixty-four times.
#[test]
fn attack_no_sign_makes_the_reader_look_for_its_end_again_and_again() {
    for (head, part) in [
        ("echo \"", "${{ "),
        ("echo \"", "$( "),
        ("[[ ", "a < "),
        ("echo ", "a("),
        ("echo x", "=("),
        ("echo ", "A=( "),
        ("echo ", "<(a "),
        ("cat ", "<<E "),
        ("cat <<E\n", "$(${{`"),
    ] {
        let script = |bytes: usize| format!("{head}{}", part.repeat(bytes / part.len()));
        let (short, long) = (took(&script(64 << 10)), took(&script(512 << 10)));
        assert!(long < 24 * short + Duration::from_secs(2), "{head}{part}: {short:?} and {long:?}");
    }
}

#[test]
fn attack_lists_within_lists_do_not_use_up_the_stack() {
    for (open, close) in [("A=(", ")"), ("A=(b ", ")"), ("A=($(", "))"), ("A=(<(", "))")] {
        let script = format!("{}claude{}", open.repeat(30_000), close.repeat(30_000));
        assert!(!commands(&script).is_empty(), "{open}");
    }
    let words: Vec<String> =
        commands("A=(one $(two))\necho ${A[@]}").into_iter().flat_map(|command| command.words).collect();
    assert!(words.contains(&"one".to_owned()) && words.contains(&"two".to_owned()), "{words:?}");
}

/// A text that runs through programs is held for as many of them as the script is long.
#[test]
fn attack_a_text_that_is_handed_on_does_not_fill_the_memory() {
    let script = format!("cat <<E{}\n{}\nE\n", " | cat".repeat(4_000), "x".repeat(200_000));
    let held: usize =
        commands(&script).iter().filter_map(|command| command.input.as_ref()).map(String::len).sum();
    assert!(held <= 3 * script.len(), "{held}");
    let last = commands("cat <<E | sed s/a/b/ | bash\nclaude -p x\nE\n").pop().unwrap();
    assert_eq!(last.input.as_deref(), Some("claude -p x\n"));
}

#[test]
fn a_test_ends_where_it_is_closed() {
    for (script, words) in [
        ("[[ a < b ]] > out", 5),
        ("[[ a =~ (b|c) ]] && x", 5),
        ("if [[ a > b ]]; then", 6),
        ("echo ]] > out", 2),
        ("[ a ] < in", 3),
    ] {
        assert_eq!(commands(script).first().map(|command| command.words.len()), Some(words), "{script}");
    }
}
