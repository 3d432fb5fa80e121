//! Hostile text is judged in bounded time, and what bash reads is read.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use writ_model::EffectClass::Unknown;

use super::judged;

// Wrapping never lowers.

/// Commands of every class that are one simple command.
fn simple() -> impl Strategy<Value = String> {
    let heads = prop::sample::select(vec![
        "ls -la",
        "cat README.md",
        "touch x",
        "cargo test",
        "make",
        "curl https://example.com",
        "npm ci",
        "git push",
        "git push --force",
        "npm publish",
        "kubectl apply -f x",
        "cat .env",
        "printenv",
        "chown me x",
        "rm -rf src",
        "rm -rf /",
        "git reset --hard",
        "bash -c 'rm -rf /'",
        "frobnicate",
        "./run.sh",
        "python3 x.py",
        "python3 -c 'import os; os.system(\"git push\")'",
        "find . -delete",
        "dd if=a of=/dev/sda",
        "docker push x",
        "terraform destroy",
        "ssh host ls",
        "npx eslint",
        "env",
        "sh",
        "nc -e /bin/sh h 1",
        "gh auth token",
        "history -c",
    ]);
    let tails = prop::collection::vec(
        prop::sample::select(vec![
            "-v",
            "--force",
            "a.txt",
            "src",
            "$X",
            "\"$(git push)\"",
            "~/.ssh/id_rsa",
            "-rf",
            "--",
            "x=y",
            "'a b'",
            "*.c",
            "> out",
            "2>&1",
        ]),
        0..3,
    );
    (heads, tails).prop_map(|(head, tail)| {
        if tail.is_empty() { head.to_owned() } else { format!("{head} {}", tail.join(" ")) }
    })
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn wrapping_never_lowers(command in simple()) {
        let bare = judged(&command);
        let wrapped = [
            format!("true && {command}"),
            format!("{command}; true"),
            format!("false || {command}"),
            format!("( {command} )"),
            format!("{{ {command}; }}"),
            format!("if true; then {command}; fi"),
            format!("bash -c {}", quoted(&command)),
            format!("sh -lc {}", quoted(&format!("bash -c {}", quoted(&command)))),
            format!("eval {}", quoted(&command)),
            format!("echo \"$({command})\""),
            format!("f() {{ {command}; }}; f"),
        ];
        for text in wrapped {
            let judged = judged(&text);
            prop_assert!(judged.worst >= bare.worst, "{text:?} is {} but {command:?} is {}", judged.worst, bare.worst);
            prop_assert!(judged.label() >= bare.label(), "{text:?} is {} but {command:?} is {}", judged.label(), bare.label());
        }
        // `history` is of the shell itself; a program of that name does nothing.
        for prefix in ["sudo ", "env ", "env A=b ", "nohup ", "timeout 5 ", "nice -n 5 ", "command "] {
            let text = format!("{prefix}{command}");
            prop_assert!(judged(&text).label() >= bare.label(), "{text:?} is {} but {command:?} is {}", judged(&text).label(), bare.label());
        }
    }

    #[test]
    fn any_text_is_judged_in_bounded_time(text in "\\PC{0,400}") {
        in_time(&text);
    }

    #[test]
    fn any_bytes_are_judged_in_bounded_time(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        in_time(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_soup_of_shell_is_judged_in_bounded_time(parts in prop::collection::vec(soup(), 0..60)) {
        in_time(&parts.concat());
    }
}

fn soup() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "(",
        ")",
        "((",
        "))",
        "$(",
        "$((",
        "${",
        "}",
        "{",
        "`",
        "'",
        "\"",
        "\\",
        "$'",
        "<(",
        ">(",
        "<<E\n",
        "\nE\n",
        "<<<",
        ">",
        ">>",
        "&>",
        "|",
        "||",
        "&&",
        ";",
        ";;",
        "&",
        "\n",
        " ",
        "\t",
        "if ",
        "then ",
        "else ",
        "fi ",
        "for ",
        "in ",
        "do ",
        "done ",
        "while ",
        "case ",
        "esac ",
        "function f ",
        "f() ",
        "[[ ",
        " ]]",
        "=~ ",
        "[ ",
        "] ",
        "a[",
        "a=(",
        "a=",
        "x",
        "rm -rf / ",
        "git push ",
        "bash -c ",
        "eval ",
        "$x",
        "${a[",
        "${a:-",
        "${a/",
        "~",
        "~99999999999999999999",
        "*",
        "?",
        "{a,b}",
        "{1..9}",
        "#",
        "!",
        "time ",
        "coproc ",
        "é",
        "\u{0}",
        "\u{202e}",
        "\r\n",
        "python -c ",
        "awk '{system(\"",
        "sed -n 'e ",
        "find . -exec ",
        "{} \\; ",
        "xargs ",
        "--",
        "-",
        "@",
        "%",
        "printf '\\x41%s' ",
        "${{ x }}",
    ])
}

/// Generous for a debug build on a busy machine; a runaway takes minutes.
const MOST: Duration = Duration::from_secs(10);

fn in_time(text: &str) {
    let began = Instant::now();
    let judged = judged(text);
    let took = began.elapsed();
    assert!(
        took < MOST,
        "took {took:?} for {} bytes: {:?}",
        text.len(),
        text.chars().take(80).collect::<String>()
    );
    assert!(!judged.effects.is_empty());
}

#[test]
fn pathological_text_is_judged_in_bounded_time() {
    let repeated: &[(&str, &str, &str)] = &[
        ("", "(", ""),
        ("", "((", ""),
        ("", "( ", " a"),
        ("echo ", "$(", ""),
        ("echo ", "$((", "1"),
        ("echo ", "${a:-", ""),
        ("echo ", "${a[", ""),
        ("a[", "${a[", "]=1"),
        ("echo ", "`", ""),
        ("echo ", "\"$(", ""),
        ("echo ", "<(", ""),
        ("", "{ ", ""),
        ("", "if ", ""),
        ("", "if a; then ", ""),
        ("", "case a in b) ", ""),
        ("", "for ((", ""),
        ("", "f() (( ", ""),
        ("", "while a; do ", ""),
        ("[[ a =~ ", "(", " ]]"),
        ("[[ ", "( ", ""),
        ("", "coproc ", "a"),
        ("", "! ", "a"),
        ("echo ", "{a,b}", ""),
        ("echo ", "{a,", ""),
        ("cat ", "<<E ", "\n"),
        ("", "bash -c '", ""),
        ("", "sudo ", "ls"),
        ("", "env ", "ls"),
        ("", "eval ", "ls"),
        ("", "a | ", "b"),
        ("", "a && ", "b"),
        ("", "x=$x$x; ", "echo $x"),
        ("x=y; ", "x=$x$x; ", "echo $x"),
        ("", "f() { f | f & }; ", "f"),
        ("", "\\\n", ""),
        ("", "'", ""),
        ("", "\"", ""),
        ("echo ", "\\", ""),
        ("", "<<<", ""),
        ("", "é", ""),
        ("cat ", "../", "x"),
        ("rm ", "*/", "x"),
        ("python -c '", "os.system(", "'"),
        ("python -c '", "\\\"", "'"),
        ("awk '", "system(", "'"),
        ("awk '", "|", "'"),
        ("awk '", "print >", "'"),
        ("awk '", "|getline", "'"),
        ("sed '", "e x;", "' f"),
        ("make --eval='", "$(shell x)", "'"),
        ("curl ", "-d @x ", "h"),
        ("git -c ", "a=b -c ", "x"),
        ("docker run ", "-v /:/x ", "i sh"),
        ("printf '", "%s", "' a"),
        ("echo $'", "\\x41", "'"),
        ("find . ", "-exec ", ";"),
        ("", "for a in b; do ", "ls"),
    ];
    for (head, part, tail) in repeated {
        for count in [3, 12, 25, 60, 300, 5_000, 100_000] {
            in_time(&format!("{head}{}{tail}", part.repeat(count.min(300_000 / part.len()))));
        }
    }
}

#[test]
fn nested_text_grows_no_faster_than_its_limits() {
    let mut text = "ls".to_owned();
    for _ in 0..14 {
        text = format!("bash -c {}", quoted(&text));
        in_time(&text);
    }
    let calls =
        (0..40).fold(String::new(), |text, n| format!("{text}f{n}() {{ f{}; f{}; }}; ", n + 1, n + 1));
    in_time(&format!("{calls} f0"));
    let candidates = (0..30).fold(String::new(), |text, n| format!("{text}for v{n} in a b c d e f; do "));
    in_time(&format!("{candidates} echo $v1 $v2 $v3; {}", "done; ".repeat(30)));
}

#[test]
fn too_long_is_unknown() {
    let text = format!("echo {}", "a".repeat(300 * 1024));
    assert_eq!(judged(&text).worst, Unknown);
}

/// The grammar reads what bash accepts; the other way round is not required. Known to be refused, and so unknown:
/// `select`.
#[test]
fn what_bash_accepts_is_read() {
    let texts = [
        "a=(1 2 3); echo ${a[@]} ${#a[@]} ${a[0]}",
        "for ((i=0; i<3; i++)); do echo $i; done",
        "case $x in a|b) echo 1 ;; *) echo 2 ;& esac",
        "[[ $a =~ ^(x|y)$ && -f b || ! -d c ]] && echo yes",
        "(( a > 1 )) && echo $(( a << 2 ))",
        "cat <<-'E'\n\t$(not run)\n\tE\necho",
        "echo $'a\\'b' \"a\\\"b\" 'a'\\''b' a\\ b",
        "coproc x { cat; }",
        "exec 3<>/tmp/f 4>&3 5<&-",
        "if a; then b; elif c; then d; else e; fi",
        "until a; do b; done < x > y 2>&1 &",
        "function f { echo; }; g() ( echo )",
        "echo ${x:-${y:=z}} ${x//a/b} ${x%.*} ${x^^} ${!x} ${x@Q}",
        "time -p ls; ! ls |& cat",
        "diff <(a) >(b)",
        "echo {1..3} {a,b}c ~ ~root *.[ch] @(a|b)",
        "cat << E\nunfinished",
        "echo a \\",
        "x=1 y=2 command ls -- -a # comment",
        "trap 'echo' EXIT; set -euo pipefail",
    ];
    for text in texts {
        let mut bash = Command::new("bash")
            .args(["-O", "extglob", "-n"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("bash");
        bash.stdin.take().expect("stdin").write_all(text.as_bytes()).expect("written");
        assert!(bash.wait().expect("ended").success(), "bash refuses {text:?}");
        let refused = judged(text).effects.into_iter().find(|effect| effect.why.rule.starts_with("grammar."));
        assert_eq!(refused, None, "{text:?}");
    }
}
