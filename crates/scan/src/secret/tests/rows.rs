//! Every row of the table by an example that its own expression gives, and by texts that are almost one.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde::Deserialize;

use super::found;

#[derive(Deserialize)]
struct Table {
    shape: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    at: Vec<String>,
    is: String,
    #[serde(default)]
    check: Option<String>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    fold: bool,
    #[serde(default)]
    inside: bool,
    #[serde(default)]
    back: usize,
    #[serde(default)]
    run: bool,
    #[serde(default)]
    armour: bool,
    #[serde(default)]
    plain: bool,
}

/// What has an inner form that letters by chance do not have; each has an example among the cases.
const FORMED: &[&str] = &["base64-json", "basic", "jwt", "macaroon", "snowflake", "userinfo"];

/// Rows that are not tried here: no example of their inner form is written yet, or their anchor is narrower than their
/// expression. What only has to look drawn is tried among the cases. Wallet keys and salts are tried beside this, with checksums and marks that letters by chance do not have.
const UNTRIED: &[&str] = &[
    "credentials-pair",
    "docker-config-auth",
    "dockerfile-env-password",
    "jdbc-password",
    "jwe-token",
    "monday-shortcut-coda",
    "pgpass-line",
    "pypi-token",
    "short-password",
    "url-query-token",
    "wallet-key",
    "wordpress-salt",
];

/// Rows of several formats, of which a shorter one is left when the last letter goes.
const SHORTER: &[&str] = &["newrelic-key"];

/// Rows that take a word that says nothing too: what stands there by their grammar is a password, whatever it is, and a
/// sample of Plaid's has the form of its tokens.
const ANY_WORD: &[&str] =
    &["keystore-password", "plaid-token", "powershell-secure-string", "sql-user-password"];

fn rows() -> Vec<Row> {
    let table: Table = toml::from_str(include_str!("../shapes.toml")).unwrap();
    table.shape.into_iter().filter(|row| !row.armour).collect()
}

/// Numbers that look drawn and are the same every time.
struct Draw {
    state: u64,
    /// Words that may have either case are in capitals.
    upper: bool,
    /// What may be left out is written now and then.
    optional: bool,
}

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        // Knuth's MMIX constants.
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % bound
    }
}

/// How letters of a class are taken.
#[derive(Clone, Copy)]
enum Take {
    Drawn,
    /// The same one each time.
    Same,
}

fn write(hir: &Hir, take: Take, draw: &mut Draw, out: &mut Vec<u8>) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
        HirKind::Class(Class::Bytes(class)) => {
            let all: Vec<u8> = class.iter().flat_map(|range| range.start()..=range.end()).collect();
            let seen = |wanted: fn(&u8) -> bool| all.iter().copied().filter(wanted).collect::<Vec<u8>>();
            let letters = seen(u8::is_ascii_alphanumeric);
            let letters = if letters.is_empty() { seen(u8::is_ascii_graphic) } else { letters };
            let letters = if letters.is_empty() { all } else { letters };
            // A letter of a word in either case: the same one throughout, as people write words.
            if let [upper, lower] = letters.as_slice()
                && upper.to_ascii_lowercase() == *lower
            {
                out.push(if draw.upper { *upper } else { *lower });
                return;
            }
            out.push(match take {
                Take::Drawn => letters[draw.below(letters.len())],
                Take::Same if letters.contains(&b'x') => b'x',
                Take::Same => letters[0],
            });
        }
        HirKind::Class(Class::Unicode(class)) => {
            let all: Vec<u8> = class
                .iter()
                .flat_map(|range| range.start()..=range.end())
                .filter_map(|one| u8::try_from(one).ok())
                .collect();
            out.push(all[draw.below(all.len())]);
        }
        HirKind::Repetition(repeated) => {
            let optional = draw.optional && repeated.min == 0 && repeated.max == Some(1);
            let times = if optional { u32::try_from(draw.below(2)).unwrap() } else { repeated.min };
            for _ in 0..times {
                write(&repeated.sub, take, draw, out);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, take, draw, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, take, draw, out)),
        HirKind::Alternation(parts) => write(&parts[draw.below(parts.len())], take, draw, out),
    }
}

/// Examples that are looked for until one has an anchor of the row, which may be narrower than the expression.
const TRIES: u64 = 2_000;

/// A shortest match of a row.
fn example(row: &Row, take: Take, seed: u64) -> String {
    let has_anchor = |text: &String| {
        let lower = text.to_ascii_lowercase();
        row.at
            .iter()
            .any(|at| text.contains(at.as_str()) || row.fold && lower.contains(&at.to_ascii_lowercase()))
    };
    let shortest = written(row, take, seed, false);
    if has_anchor(&shortest) {
        return shortest;
    }
    let mut tried = (0..TRIES).map(|step| written(row, take, seed + 3 * step, matches!(take, Take::Drawn)));
    tried.find(has_anchor).unwrap_or(shortest)
}

fn written(row: &Row, take: Take, seed: u64, optional: bool) -> String {
    let mut parser =
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).case_insensitive(row.fold).build();
    let mut out = Vec::new();
    write(
        &parser.parse(&row.is).unwrap(),
        take,
        &mut Draw { state: seed, upper: seed.is_multiple_of(2), optional },
        &mut out,
    );
    String::from_utf8(out).unwrap()
}

fn on_its_line(row: &Row, secret: &str) -> String {
    let near = row.near.first().map(|word| format!("{word} ")).unwrap_or_default();
    format!("\n{near}{secret}\n")
}

fn rules(text: &str) -> Vec<&'static str> {
    found(text).into_iter().map(|(rule, _)| rule).collect()
}

#[test]
fn every_row_finds_what_its_expression_gives() {
    let mut wrong = Vec::new();
    for row in rows().into_iter().filter(|row| !UNTRIED.contains(&row.id.as_str())) {
        if row.check.as_deref().is_some_and(|check| FORMED.contains(&check)) {
            let known = super::cases::SECRETS.iter().any(|(_, rule)| *rule == row.id);
            if !known {
                wrong.push(format!("{}: no example among the cases", row.id));
            }
            continue;
        }
        for seed in 1..=3 {
            let text = on_its_line(&row, &example(&row, Take::Drawn, seed));
            let got = rules(&text);
            if got != [row.id.as_str()] {
                wrong.push(format!("{}: {got:?} in {text:?}", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_row_finds_what_is_almost_one() {
    let mut wrong = Vec::new();
    for row in rows() {
        if row.check.as_deref().is_some_and(|check| FORMED.contains(&check)) {
            continue;
        }
        let whole = example(&row, Take::Drawn, 1);
        let mut almost =
            vec![("one letter less", on_its_line(&row, &whole[..whole.len() - 1]).trim_end().to_owned())];
        if SHORTER.contains(&row.id.as_str()) {
            almost.clear();
        }
        if !row.plain && !ANY_WORD.contains(&row.id.as_str()) {
            almost.push(("a placeholder", on_its_line(&row, &example(&row, Take::Same, 1))));
        }
        if !row.inside && !row.run && row.back == 0 && whole.as_bytes()[0].is_ascii_alphanumeric() {
            almost.push(("within a longer word", on_its_line(&row, &format!("q{whole}"))));
        }
        let lower = whole.to_ascii_lowercase();
        if !row.near.is_empty() && !row.near.iter().any(|word| lower.contains(word.as_str())) {
            almost.push(("no word near", format!("\n{whole}\n")));
        }
        for (what, text) in almost {
            if rules(&text).contains(&row.id.as_str()) {
                wrong.push(format!("{} for {what}: {text:?}", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
