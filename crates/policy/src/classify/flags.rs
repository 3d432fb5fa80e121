//! Options and positionals of an argument list, the way most programs read them.

use super::word::Value;

/// Options of one letter that take a value, by program. Others of these programs take none, so that `-sSLo x` can be told
/// from `-ox`.
const VALUED: &[(&str, &str)] = &[
    ("curl", "AbcCdDeEFHKmoPQrtTuUwxXyYz"),
    ("wget", "aABDeiIlOoPQRStTUwX"),
    ("cp gcp mv gmv ln gln", "tS"),
    ("install ginstall", "tSmog"),
    ("sort gsort", "kotST"),
    ("grep egrep fgrep zgrep ggrep", "ABCDdefm"),
    ("rg", "ABCEdefgjMmrtT"),
    ("unzip", "dP"),
    ("make gmake", "CfIoW"),
    ("rsync", "BefMT"),
    ("scp sftp", "bcDFiJloPRSX"),
    ("ssh", "BbcDEeFIiJLlmOopQRSWw"),
    ("xargs gxargs", "adEILnPs"),
    ("zip", "bitxn"),
    ("shuf gshuf", "ino"),
    ("tee gtee uniq guniq comm gcomm", "fsw"),
];

/// The same arguments with clusters of short options apart, where one of them takes a value: `-sSLo x` as `-s -S -L -o x`,
/// `-sox` as `-s -ox`. `None` where nothing has to change, or where the program's letters are not known.
pub(super) fn apart(program: &str, args: &[Value]) -> Option<Vec<Value>> {
    let (_, valued) = VALUED.iter().find(|(names, _)| lists(names, program))?;
    let end = args.iter().position(|arg| arg.text == "--").unwrap_or(args.len());
    let (options, rest) = args.split_at_checked(end)?;
    let mut found = Vec::with_capacity(args.len() + 4);
    let mut changed = false;
    for arg in options {
        match split(program, &arg.text, valued) {
            Some(texts) => {
                changed = true;
                found.extend(texts.into_iter().map(|text| Value { text, ..arg.clone() }));
            }
            None => found.push(arg.clone()),
        }
    }
    found.extend_from_slice(rest);
    changed.then_some(found)
}

/// The options of one cluster, where one behind the first takes a value.
fn split(program: &str, text: &str, valued: &str) -> Option<Vec<String>> {
    let cluster = text.strip_prefix('-').filter(|cluster| !cluster.starts_with('-'))?;
    let mut found = Vec::new();
    let mut letters = cluster.char_indices();
    while let Some((at, letter)) = letters.next() {
        if !letter.is_ascii_alphanumeric() {
            return None;
        }
        // `-nv`, `-nc` and the like are one option each.
        if program == "wget" && letter == 'n' {
            let (_, second) = letters.next()?;
            found.push(format!("-n{second}"));
            continue;
        }
        if valued.contains(letter) {
            if at == 0 {
                return None;
            }
            found.push(format!("-{}", cluster.get(at..)?));
            return Some(found);
        }
        found.push(format!("-{letter}"));
    }
    None
}

/// Whether the option is present: `-f` (alone or in a cluster), `--force`, `--force=…`.
pub(super) fn has(args: &[Value], option: &str) -> bool {
    before_end(args).any(|arg| is_option(&arg.text, option))
}

/// Whether any of these options, separated by blanks, is present.
pub(super) fn has_any(args: &[Value], options: &str) -> bool {
    options.split(' ').any(|option| has(args, option))
}

/// Whether a list of words, separated by blanks, has this word.
pub(super) fn lists(words: &str, word: &str) -> bool {
    words.split(' ').any(|listed| listed == word)
}

fn is_option(arg: &str, option: &str) -> bool {
    if option.starts_with("--") || option.len() != 2 {
        return arg == option || arg.strip_prefix(option).is_some_and(|rest| rest.starts_with('='));
    }
    let letter = option.chars().nth(1).unwrap_or('-');
    match arg.strip_prefix('-') {
        Some(cluster) if !cluster.starts_with('-') => {
            cluster.chars().take_while(|c| c.is_ascii_alphanumeric()).any(|c| c == letter)
        }
        _ => false,
    }
}

/// Values given to any of the options: `-o x`, `-ox`, `--out x`, `--out=x`.
pub(super) fn values<'a>(args: &'a [Value], options: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut args = before_end(args).peekable();
    while let Some(arg) = args.next() {
        for option in options.split(' ').filter(|option| !option.is_empty()) {
            let Some(rest) = arg.text.strip_prefix(option) else { continue };
            if rest.is_empty() {
                found.extend(args.peek().map(|next| next.text.as_str()));
            } else if let Some(value) = rest.strip_prefix('=') {
                found.push(value);
            } else if !option.starts_with("--") && option.len() == 2 {
                found.push(rest);
            } else {
                continue;
            }
            break;
        }
    }
    found
}

/// The words that are no option and no option's value. `takes_value` names the options that consume the next word.
pub(super) fn positionals<'a>(args: &'a [Value], takes_value: &str) -> Vec<&'a Value> {
    let mut found = Vec::with_capacity(args.len());
    let mut skip = false;
    let mut only = false;
    for arg in args {
        if std::mem::take(&mut skip) {
            continue;
        }
        if only || !arg.text.starts_with('-') || arg.text == "-" {
            found.push(arg);
        } else if arg.text == "--" {
            only = true;
        } else {
            skip = lists(takes_value, &arg.text);
        }
    }
    found
}

fn before_end(args: &[Value]) -> impl Iterator<Item = &Value> {
    args.iter().take_while(|arg| arg.text != "--")
}
