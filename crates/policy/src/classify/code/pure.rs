//! Whether code uses nothing but its language, and under which names.

use super::super::flags;
use super::words::{family, identifiers};

/// Modules of Python that do nothing to the world when they are only imported.
pub(super) const PURE_MODULES: &str = "sys os json re math time datetime pathlib collections itertools functools string random statistics \
    decimal fractions base64 hashlib binascii struct textwrap csv io glob fnmatch platform sysconfig \
    site ast inspect importlib typing enum dataclasses operator heapq bisect copy pprint uuid secrets \
    unicodedata difflib shlex argparse getpass pwd grp stat zlib html xml configparser tomllib codecs \
    locale calendar numpy tokenize keyword traceback warnings contextlib abc types tempfile shutil \
    fileinput array urllib.parse sqlite3 zoneinfo ipaddress this sysconfig pkgutil importlib.metadata \
    cv2 dateutil h5py jax matplotlib networkx openpyxl packaging pandas PIL pkg_resources pyarrow regex scipy six \
    sklearn sympy tabulate tensorflow tomli toml torch torchvision tqdm transformers yaml";

/// Modules of Perl that only compute.
pub(super) const PURE_PERL: &str = "strict warnings utf8 feature integer bigint bignum open List::Util Scalar::Util Data::Dumper \
    Time::Local Time::HiRes Time::Piece JSON JSON::PP MIME::Base64 Digest::MD5 Digest::SHA Encode Config constant \
    Text::Wrap File::Basename File::Spec Cwd English Unicode::Normalize";

/// `$f(…)`: which function that is, nobody can say.
pub(super) fn calls_variable(code: &str) -> bool {
    code.split('$').skip(1).any(|rest| {
        rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').trim_start().starts_with('(')
    })
}

/// Whether the code takes the environment as a whole, and not one variable of it.
pub(super) fn names_whole_environment(code: &str, language: &str) -> bool {
    let (name, parts): (&str, &[&str]) = match family(language) {
        "node" => ("env", &[".", "[", "?.", "=", ")["]),
        "python" => ("environ", &[".get", ".setdefault", ".pop", ".update", "[", ".keys"]),
        "ruby" => ("ENV", &["[", ".fetch", ".key", ".has_key", ".delete", ".dig"]),
        "php" => ("_ENV", &["["]),
        _ => return false,
    };
    // `const {env} = process`
    let taken =
        |text: &str| text.contains("{env}=process") || text.contains("{env:") && text.contains("}=process");
    if family(language) == "node" && taken(&code.chars().filter(|c| !c.is_whitespace()).collect::<String>()) {
        return true;
    }
    code.match_indices(name).any(|(at, _)| {
        let (before, after) =
            (code.get(..at).unwrap_or_default(), code.get(at + name.len()..).unwrap_or_default());
        let before = match family(language) {
            "node" => match before
                .strip_suffix('.')
                .and_then(|before| ["process", "Bun"].iter().find_map(|owner| before.strip_suffix(owner)))
            {
                Some(before) => before,
                None => return false,
            },
            _ => before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')),
        };
        let before = before.trim_end();
        let ends_word = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        // Handed to a child, looked for one name in it, or only imported.
        let is_other = before.ends_with("env=")
            || before.ends_with("env:")
            || before.ends_with("import")
            || (before.ends_with(" in") && !before.contains("for "));
        ends_word && !is_other && !parts.iter().any(|part| after.trim_start().starts_with(part))
    })
}

/// Code of Python in which imported names stand as what they are: `import os as o; o.x` is `os.x`.
pub(super) fn with_real_names(code: &str) -> std::borrow::Cow<'_, str> {
    const MOST: usize = 64;
    const LONGEST: usize = 64 * 1024;
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if code.len() > LONGEST || !code.contains("import") {
        return code.into();
    }
    let mut names: Vec<(String, String)> = Vec::new();
    for statement in code.split(['\n', ';']).map(str::trim) {
        let (module, list) =
            match statement.strip_prefix("from ").and_then(|rest| rest.split_once(" import ")) {
                Some((module, list)) => (Some(module.trim()), list),
                None => match statement.strip_prefix("import ") {
                    Some(list) => (None, list),
                    None => continue,
                },
            };
        let all =
            if list.trim() == "*" { STARS.iter().find(|(name, _)| Some(*name) == module) } else { None };
        for item in all.map_or(list, |(_, names)| names).trim_matches(['(', ')']).split(',').map(str::trim) {
            let (name, alias) = item.split_once(" as ").unwrap_or((item, item));
            let (name, alias) = (name.trim(), alias.trim());
            let real = module.map_or_else(|| name.to_owned(), |module| format!("{module}.{name}"));
            if is_name(alias) && real != alias && names.len() < MOST {
                names.push((alias.to_owned(), real));
            }
        }
    }
    with_names(code, &names)
}

/// What `from MODULE import *` brings, as far as it matters.
const STARS: &[(&str, &str)] = &[
    ("subprocess", "run,Popen,call,check_call,check_output,getoutput,getstatusoutput"),
    (
        "os",
        "system,popen,execl,execv,execvp,execlp,execve,spawnl,spawnlp,spawnv,spawnvp,posix_spawn,environ,getenv,remove,unlink,\
         rmdir,removedirs,rename,chmod,chown,symlink,link,path",
    ),
    ("shutil", "rmtree,move,copy,copyfile"),
    ("pty", "spawn"),
    ("pathlib", "Path"),
];

/// Code in which these names stand as what they are called by others.
pub(super) fn with_names<'a>(code: &'a str, names: &[(String, String)]) -> std::borrow::Cow<'a, str> {
    if names.is_empty() {
        return code.into();
    }
    let mut out = String::with_capacity(code.len() + 64);
    let mut from = 0;
    for (name, end) in identifiers(code) {
        let start = end - name.len();
        let is_attribute = code.get(..start).is_some_and(|before| before.ends_with('.'));
        if !is_attribute
            && let Some((_, real)) = names.iter().find(|(alias, _)| alias == name)
            && code.get(end..).is_some_and(|after| after.starts_with(['.', '(']))
        {
            out.push_str(code.get(from..start).unwrap_or_default());
            out.push_str(real);
            from = end;
        }
    }
    out.push_str(code.get(from..).unwrap_or_default());
    out.into()
}

/// Whether the code uses nothing but its language.
pub(super) fn is_pure(code: &str, language: &str) -> bool {
    match language {
        "python" | "pypy" | "ipython" => {
            let words = code.split(['\n', ';']).map(str::trim);
            words
                .filter_map(|line| {
                    line.strip_prefix("import ").or_else(|| {
                        line.strip_prefix("from ").map(|rest| rest.split(" import").next().unwrap_or(rest))
                    })
                })
                .flat_map(|names| names.split(','))
                .filter_map(|name| name.split_whitespace().next())
                .all(|name| {
                    flags::lists(PURE_MODULES, name)
                        || name.split('.').next().is_some_and(|root| flags::lists(PURE_MODULES, root))
                })
        }
        "node" | "nodejs" | "bun" | "tsx" | "ts-node" => {
            let requires = code.matches("require(").count()
                + code.matches("import ").count()
                + code.matches("import(").count();
            let pure = [
                "fs",
                "path",
                "os",
                "util",
                "crypto",
                "url",
                "assert",
                "process",
                "./package.json",
                "../package.json",
            ]
            .iter()
            .map(|name| {
                let bare = code.matches(&format!("require('{name}')")).count()
                    + code.matches(&format!("require(\"{name}\")")).count();
                bare + code.matches(&format!("require('node:{name}')")).count()
                    + code.matches(&format!("require(\"node:{name}\")")).count()
            })
            .sum::<usize>();
            requires == pure
        }
        "perl" => code.split("use ").skip(1).all(|rest| {
            let name = rest.split([' ', ';', '(', '\'', '"']).next().unwrap_or(rest);
            flags::lists(PURE_PERL, name) || name.starts_with(|c: char| c.is_ascii_digit() || c == 'v')
        }),
        "ruby" => !code.contains("require"),
        "lua" | "luajit" | "php" | "R" | "Rscript" | "julia" => {
            !code.contains("require")
                && !code.contains("library(")
                && !code.contains("include")
                && !code.contains("using ")
                && !(matches!(language, "R" | "Rscript") && (code.contains("::") || code.contains("source(")))
                && !calls_variable(code)
        }
        _ => false,
    }
}
