//! Code that hides what it calls, and calls that have no words in `data/code.json`.

use super::super::flags;
use super::literal::{Literal, string_literals};
use super::words::{family, identifiers};

/// Words of languages nobody reads here that only compute and print.
const PLAIN: &str = "print println printf puts putStrLn echo display newline write IO inspect Enum String Integer Float \
    List Map Math math sum map reduce filter reverse sort range length size count product fold show let val var def fn \
    do end true false null nil none if then else for in to of div mod rem sqrt pow abs max min floor ceil round \
    toString to_string upcase downcase join split trim version System build_info VERSION it car cdr list define lambda begin \
    console log";

/// Languages that have no words of their own.
const WORDLESS: &str =
    "groovy scala ghc jshell elixir iex guile clojure clj gjs jrunscript jjs swift erl racket";

/// Why nobody can say what the code calls; `code` is what was written with what is certain worked out.
pub(super) fn reason(code: &str, language: &str) -> Option<&'static str> {
    let family = family(language);
    if flags::lists(WORDLESS, language) {
        let literals = string_literals(code);
        let is_text = |end: usize| literals.iter().any(|literal| literal.start <= end && end < literal.end);
        let plain = identifiers(code).all(|(name, end)| {
            is_text(end)
                || name.len() == 1
                || flags::lists(PLAIN, name)
                || name.bytes().all(|b| b.is_ascii_digit())
        });
        return (!plain).then_some("the code is in a language whose calls are not known here");
    }
    if opens_spelt(code) {
        return Some("which file the code opens is only known at run time");
    }
    let spelt = "what the code calls is only known at run time";
    match family {
        "python" => python(code),
        "node" | "deno" => node(code),
        "perl" => {
            let by_name = code.contains("&$") || code.contains("&{") || code.contains("->can(");
            by_name.then_some(spelt).or_else(|| evaluates(code, &["eval"], true))
        }
        "php" => {
            let has_own = code.contains("function") || code.contains("fn(") || code.contains("fn (");
            let calls = super::pure::calls_variable(code) && !has_own;
            calls
                .then_some(spelt)
                .or_else(|| evaluates(code, &["eval", "call_user_func", "call_user_func_array"], false))
        }
        "lua" => evaluates(code, &["load", "loadstring"], false),
        "ruby" | "rake" => {
            evaluates(code, &["eval", "send", "public_send", "__send__", "const_get", "instance_eval"], true)
        }
        "R" | "Rscript" => {
            let evaluates = code.contains("eval(parse(") && !code.contains("eval(parse(text=\"");
            (evaluates || computed(code, "do.call")).then_some(spelt)
        }
        "julia" => (code.contains("Meta.parse") || code.contains("include_string") || code.contains("ccall"))
            .then_some(spelt),
        _ => None,
    }
}

fn python(code: &str) -> Option<&'static str> {
    const TYPED: &[&str] = &["code.interact", "InteractiveConsole", "InteractiveInterpreter", "input())"];
    if TYPED.iter().any(|word| code.contains(word))
        && (code.contains("code.") || code.contains("eval(") || code.contains("exec("))
    {
        return Some("the code takes commands that nobody has seen");
    }
    const NATIVE: &[&str] = &["CDLL(", "cdll.", "LoadLibrary(", "pythonapi", "dlopen("];
    if NATIVE.iter().any(|word| code.contains(word)) {
        return Some("the code calls into a library of the system");
    }
    // `getattr(os, name)`: of a module that starts programs, whatever is asked for.
    const MODULES: &str = "os subprocess posix pty shutil builtins __builtins__ importlib sys ctypes";
    let asks = after_calls(code, "getattr").any(|rest| {
        let owner = rest.trim_start();
        let end = owner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(owner.len());
        flags::lists(MODULES, owner.get(..end).unwrap_or_default())
            || owner.starts_with("__import__")
            || owner.starts_with("importlib")
    });
    if asks || code.contains("__subclasses__") || code.contains("os.__dict__") || code.contains("vars(os)") {
        return Some("what the code calls is only known at run time");
    }
    if computed(code, "__import__") || computed(code, "import_module") {
        return Some("which module the code loads is only known at run time");
    }
    evaluates(code, &["eval", "exec"], false)
}

fn node(code: &str) -> Option<&'static str> {
    const NATIVE: &[&str] =
        &["process.binding", "_linkedBinding", "process.dlopen", "Deno.dlopen", "bun:ffi"];
    if NATIVE.iter().any(|word| code.contains(word)) {
        return Some("the code calls into the runtime itself");
    }
    if computed(code, "require") || computed(code, "import") {
        return Some("which module the code loads is only known at run time");
    }
    if code.contains(".constructor(") || code.contains("globalThis[") || code.contains("process[") {
        return Some("what the code calls is only known at run time");
    }
    evaluates(code, &["eval", "Function"], false)
}

/// What stands in the brackets of each call of a function that is no method.
fn after_calls<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    identifiers(code).filter(move |(word, _)| *word == name).filter_map(move |(word, end)| {
        let before = code.get(..end - word.len()).unwrap_or_default().trim_end();
        let is_method = before.ends_with('.')
            && name != "import_module"
            && !name.contains("send")
            && !name.ends_with("_get");
        let is_own = before.ends_with("def") || before.ends_with("function");
        (!is_method && !is_own).then(|| code.get(end..)?.trim_start().strip_prefix('('))?
    })
}

/// Whether a call of this function is given more, or else, than one literal.
fn computed(code: &str, name: &str) -> bool {
    if name.contains('.') {
        return code.split(name).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('(')).any(|rest| {
            literal_of(rest).is_none() && !rest.trim_start().starts_with(|c: char| c.is_ascii_alphabetic())
        });
    }
    after_calls(code, name).any(|rest| literal_of(rest).is_none() && !rest.trim_start().starts_with(')'))
}

/// The literal that is the whole first argument.
fn literal_of(rest: &str) -> Option<Literal> {
    let rest = rest.trim_start();
    if !rest.starts_with(['"', '\'', '`']) {
        return None;
    }
    let literal = string_literals(rest).into_iter().next()?;
    let after = rest.get(literal.end..)?.trim_start();
    (after.starts_with([')', ',']) && !literal.text.contains("${")).then_some(literal)
}

/// Whether text that is no literal is run as code.
fn evaluates(code: &str, names: &[&str], has_symbols: bool) -> Option<&'static str> {
    let is_hidden = names.iter().any(|name| {
        after_calls(code, name).any(|rest| {
            let rest = rest.trim_start();
            let is_symbol = has_symbols && rest.starts_with(':');
            // `exec(open("x.py").read())` runs a file, which is seen as one.
            let is_file = rest.strip_prefix("open(").is_some_and(|rest| literal_of(rest).is_some());
            let is_compiled = rest.strip_prefix("compile(").is_some_and(|rest| {
                literal_of(rest).is_some()
                    || rest.strip_prefix("open(").is_some_and(|rest| literal_of(rest).is_some())
            });
            !is_symbol && !is_file && !is_compiled && literal_of(rest).is_none()
        })
    });
    is_hidden.then_some("the code runs text that is only known at run time")
}

/// Whether a file is opened whose name is spelt out by the code.
fn opens_spelt(code: &str) -> bool {
    const SPELT: &[&str] = &[
        "chr(",
        "chr,",
        "[::-1]",
        "fromhex",
        "b64decode",
        "fromCharCode",
        "unhexlify",
        ".reverse",
        "strrev",
        "rot13",
        "atob(",
    ];
    const OPENS: &[&str] =
        &["open", "Path", "readFileSync", "readFile", "createReadStream", "file_get_contents", "readlines"];
    SPELT.iter().any(|word| code.contains(word))
        && OPENS.iter().any(|name| {
            identifiers(code).filter(|(word, _)| word == name).any(|(_, end)| {
                code.get(end..)
                    .and_then(|rest| rest.trim_start().strip_prefix('('))
                    .is_some_and(|rest| literal_of(rest).is_none() && !rest.trim_start().starts_with(')'))
            })
        })
}

/// Literals that are code of the same language: what `eval("…")` is given.
pub(super) fn evaluated(code: &str, language: &str) -> Vec<String> {
    const MOST: usize = 8;
    let names: &[&str] = match family(language) {
        "python" => &["eval", "exec"],
        "node" | "deno" => &["eval", "Function"],
        "lua" => &["load", "loadstring"],
        "perl" | "ruby" | "php" => &["eval"],
        _ => &[],
    };
    names
        .iter()
        .flat_map(|name| after_calls(code, name))
        .filter_map(literal_of)
        .map(|literal| literal.text)
        .take(MOST)
        .collect()
}

/// Commands that stand in a template of a shell: `` $`…` ``, `` Bun.$`…` ``.
pub(super) fn shell_templates(code: &str, language: &str) -> Vec<String> {
    if !matches!(family(language), "node" | "deno") {
        return Vec::new();
    }
    let literals = string_literals(code);
    literals
        .iter()
        .filter(|literal| {
            code.get(..literal.start.saturating_sub(1)).is_some_and(|before| before.ends_with('$'))
                && code.get(literal.start.saturating_sub(1)..).is_some_and(|rest| rest.starts_with('`'))
        })
        .filter_map(|literal| code.get(literal.start..literal.end.checked_sub(1)?))
        .map(with_variables)
        .collect()
}

/// What is put into a template, as a variable nobody knows.
fn with_variables(text: &str) -> String {
    let mut out = String::new();
    for (at, piece) in text.split("${").enumerate() {
        let rest = if at == 0 { piece } else { piece.split_once('}').map_or("", |(_, rest)| rest) };
        if at > 0 {
            out.push_str("\"$TEMPLATE_VALUE\"");
        }
        out.push_str(rest);
    }
    out
}

/// `{execSync: e} = require("child_process")`: other names under which programs are started, and the real ones.
pub(super) fn renamed(code: &str) -> Vec<(String, String)> {
    const MOST: usize = 8;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("child_process") {
        let before = code.get(..at).unwrap_or_default();
        let Some((_, list)) = before.rsplit_once('{') else { continue };
        let Some((list, _)) = list.split_once('}') else { continue };
        for item in list.split(',').take(MOST) {
            let pair = item.split_once(':').or_else(|| item.split_once(" as "));
            if let Some((real, name)) = pair {
                found.push((name.trim().to_owned(), real.trim().to_owned()));
            }
        }
    }
    found
}
