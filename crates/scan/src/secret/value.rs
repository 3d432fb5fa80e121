//! What a value looks like: drawn by a machine, chosen by a person, or no secret at all.

mod pair;

pub(super) use pair::rare;

/// How much a text looks drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Drawn {
    /// Words, paths, numbers, code.
    No,
    /// Could be a password, or a short token.
    Perhaps,
    /// A token beside the right word.
    Likely,
    /// Hardly anything else.
    Surely,
}

/// What the bytes of a text are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) length: usize,
    pub(super) digits: usize,
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) other: usize,
    /// Bytes that are no hexadecimal digits and no hyphen.
    beyond_hex: usize,
    /// Changes between lower, upper and digit, without those that a word's first letter makes.
    pub(super) changes: usize,
    pub(super) distinct: u32,
}

/// What a byte counts as.
#[derive(Clone, Copy, Default)]
struct Kind {
    kind: u8,
    beyond_hex: bool,
}

const DIGIT: u8 = 1;
const LOWER: u8 = 2;
const UPPER: u8 = 3;
const OTHER: u8 = 4;

/// What each byte counts as.
static KINDS: [Kind; 256] = kinds();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated when the program is built: a wrong index does not compile"
)]
const fn kinds() -> [Kind; 256] {
    let mut all = [Kind { kind: OTHER, beyond_hex: true }; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let kind = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            _ => OTHER,
        };
        all[byte as usize] = Kind { kind, beyond_hex: !byte.is_ascii_hexdigit() && byte != b'-' };
        byte += 1;
    }
    all
}

impl Counts {
    pub(super) fn of(text: &[u8]) -> Self {
        let mut counts = Self { length: text.len(), ..Self::default() };
        let mut kinds = [0_usize; 5];
        let mut seen = 0_u128;
        let mut before = 0_u8;
        for byte in text {
            seen |= u128::from(*byte < 0x80) << (byte & 0x7F);
            let Kind { kind, beyond_hex } = KINDS.get(usize::from(*byte)).copied().unwrap_or_default();
            if let Some(count) = kinds.get_mut(usize::from(kind)) {
                *count += 1;
            }
            counts.beyond_hex += usize::from(beyond_hex);
            let differs = kind != before && before != 0 && kind != OTHER && before != OTHER;
            counts.changes += usize::from(differs && !(before == UPPER && kind == LOWER));
            before = kind;
        }
        [_, counts.digits, counts.lower, counts.upper, counts.other] = kinds;
        counts.distinct = seen.count_ones();
        counts
    }

    pub(super) const fn letters(&self) -> usize {
        self.lower + self.upper
    }
}

/// How much a text looks drawn, by itself.
pub(super) fn drawn(text: &[u8]) -> Drawn {
    // Words and short numbers are most of what is asked about: nothing below takes them for drawn.
    if text.len() < 8 || text.len() < 16 && !text.iter().any(u8::is_ascii_digit) {
        return Drawn::No;
    }
    let counts = Counts::of(text);
    let length = counts.length;
    if counts.digits == 0 && counts.other > 0 && (counts.upper < 2 || counts.lower < 2) {
        return Drawn::No;
    }
    if counts.distinct < 4 || is_path_or_code(text) {
        return Drawn::No;
    }
    if is_uuid(text) {
        return Drawn::Likely;
    }
    if counts.digits == length {
        return match length {
            0..12 => Drawn::No,
            12..30 => Drawn::Perhaps,
            _ => Drawn::Likely,
        };
    }
    if is_written(text) {
        return Drawn::No;
    }
    if counts.beyond_hex == 0 && counts.other <= 5 && counts.digits > 0 && counts.letters() > 0 {
        return match length {
            0..8 => Drawn::No,
            8..16 => Drawn::Perhaps,
            16..32 => Drawn::Likely,
            _ => Drawn::Surely,
        };
    }
    let varied = counts.distinct as usize >= (length / 3).min(10);
    if counts.digits >= 2 && counts.letters() >= 2 && varied {
        return match length {
            0..8 => Drawn::No,
            8..15 => Drawn::Perhaps,
            15..20 => Drawn::Likely,
            _ if counts.changes * 6 >= length => Drawn::Surely,
            _ => Drawn::Likely,
        };
    }
    if counts.digits >= 1 && counts.letters() >= 2 && length >= 8 {
        let mixed = counts.upper > 0 && counts.lower > 0;
        return if length >= 16 && (mixed && counts.changes * 5 >= length) {
            Drawn::Likely
        } else {
            Drawn::Perhaps
        };
    }
    if counts.upper > 1 && counts.lower > 1 && length >= 16 && counts.changes * 6 >= length {
        return if length >= 24 { Drawn::Surely } else { Drawn::Likely };
    }
    if length >= 16 && counts.other == 0 && consonants(text) {
        return Drawn::Perhaps;
    }
    Drawn::No
}

/// A run of letters that no language writes: five consonants together, more than once for each sixteen letters.
fn consonants(text: &[u8]) -> bool {
    let mut run = 0;
    let mut runs = 0;
    for byte in text {
        if byte.is_ascii_alphabetic() && !b"aeiouyAEIOUY".contains(byte) {
            run += 1;
            runs += usize::from(run == 5);
        } else {
            run = 0;
        }
    }
    runs >= 1
}

/// `8-4-4-4-12`, of letters and digits: some services draw theirs beyond hexadecimal.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        })
        && text.iter().any(u8::is_ascii_digit)
}

/// Words with something between them: `some-name`, `camelCaseName2`, `A_CONSTANT`, `a.path.of.names`.
fn is_written(text: &[u8]) -> bool {
    let mut words = 0;
    let mut letters = 0;
    let mut numbers = 0;
    let mut rare = 0;
    for part in text.split(|byte| !byte.is_ascii_alphanumeric()) {
        if part.is_empty() {
            continue;
        }
        let mut rest = part;
        while let Some(first) = rest.first() {
            let length = if first.is_ascii_digit() {
                let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                numbers += 1;
                if digits > 4 || numbers > 2 {
                    return false;
                }
                digits
            } else {
                let upper = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
                let lower = rest.iter().skip(upper).take_while(|byte| byte.is_ascii_lowercase()).count();
                let length = if upper > 1 && lower > 0 { upper - 1 } else { upper + lower };
                let length = length.max(1);
                let word = rest.get(..length).unwrap_or_default();
                if length > 16 || !is_pronounceable(word) {
                    return false;
                }
                words += 1;
                letters += length;
                rare += pair::rare(word);
                length
            };
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    if rare > 1 || rare == 1 && numbers > 0 && letters <= 12 {
        return false;
    }
    // Drawn letters of both cases fall into words of two and three; names of code have longer ones.
    if numbers == 0 && text.len() >= 16 && letters == text.len() && letters * 10 < words * 32 {
        return false;
    }
    // Drawn texts fall into words of one and two letters.
    words > 0 && letters * 2 >= words * 5 && letters * 10 >= text.len() * 6
}

/// Whether a word has vowels where words have them.
fn is_pronounceable(word: &[u8]) -> bool {
    let mut run = 0;
    let mut vowels = 0;
    for byte in word {
        if b"aeiouyAEIOUY".contains(byte) {
            vowels += 1;
            run = 0;
        } else {
            run += 1;
            if run > 4 {
                return false;
            }
        }
    }
    vowels > 0 || word.len() <= 4
}

/// Paths, addresses, names of variables, calls.
fn is_path_or_code(text: &[u8]) -> bool {
    let starts = |head: &[u8]| text.starts_with(head);
    if contains(text, b"::")
        || contains(text, b"->")
        || contains(text, b"://")
        || is_constant(text)
        || starts(b"./")
        || starts(b"../")
        || starts(b"~/")
        || starts(b"--")
    {
        return true;
    }
    if text.iter().any(|byte| b"()[]{}<>;".contains(byte)) {
        return true;
    }
    let slashes = text.iter().filter(|byte| **byte == b'/').count();
    if is_host(text) || slashes > 0 && has_extension(text) {
        return true;
    }
    slashes > 0
        && text.split(|byte| *byte == b'/').filter(|part| part.len() > 2 && is_written(part)).count() * 2
            > slashes + 1
}

/// Whether the text ends as a name of a file does: a dot, and up to five small letters.
fn has_extension(text: &[u8]) -> bool {
    let letters = text.iter().rev().take_while(|byte| byte.is_ascii_lowercase()).count();
    (1..=5).contains(&letters) && text.iter().rev().nth(letters) == Some(&b'.')
}

/// Whether the text is the name of a host of three parts and more, in small letters.
fn is_host(text: &[u8]) -> bool {
    let last = text.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let small = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
    let words = text.split(|byte| *byte == b'.');
    text.iter().all(small)
        && (2..=10).contains(&last.len())
        && last.iter().all(u8::is_ascii_lowercase)
        && words.clone().count() > 2
        && words.into_iter().all(|word| (1..=20).contains(&word.len()))
}

/// A name of code: words and numbers of sizes between underscores, in one case.
fn is_constant(text: &[u8]) -> bool {
    let name = text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    if !name || !text.contains(&b'_') {
        return false;
    }
    let parts = || text.split(|byte| *byte == b'_');
    let lower = text.iter().any(u8::is_ascii_lowercase);
    let one_case = !(lower && text.iter().any(u8::is_ascii_uppercase));
    let short = parts().all(|part| part.len() <= 12 && Counts::of(part).changes <= 3);
    let words = parts().filter(|part| part.len() > 2 && part.iter().all(u8::is_ascii_alphabetic)).count();
    one_case && short && words * 2 >= parts().count()
}

/// What names a secret instead of being one: variables, templates, look-ups, calls.
pub(super) fn is_reference(text: &[u8]) -> bool {
    const HEADS: [&[u8]; 22] = [
        b"$",
        b"%(",
        b"%s",
        b"%{",
        b"{{",
        b"{",
        b"<",
        b"[",
        b"&",
        b"@",
        b"#{",
        b"os.environ",
        b"os.getenv",
        b"process.env",
        b"env.",
        b"env(",
        b"ENV[",
        b"secrets.",
        b"vault:",
        b"arn:",
        b"op://",
        b"import.meta",
    ];
    if HEADS.iter().any(|head| text.starts_with(head)) {
        // A crypt hash and a password can begin with a dollar: a variable goes on with a name.
        let named = text.get(1).is_none_or(|byte| byte.is_ascii_alphabetic() || b"({_$".contains(byte));
        return text.first() != Some(&b'$') || named;
    }
    text.first() == Some(&b'%') && text.last() == Some(&b'%')
        || contains(text, b"${")
        || contains(text, b"$(")
        || contains(text, b"{{")
        || contains(text, b"ENV[")
}

/// Whether a text begins with a mark of references and goes on as no name does: between quotation marks it can be a password.
pub(super) fn begins_with_sigil(text: &[u8]) -> bool {
    let Some((b'&' | b'@', rest)) = text.split_first() else { return false };
    let counts = Counts::of(rest);
    let plain = !rest.iter().any(|byte| b"/.;:{}()[]<>$".contains(byte));
    plain
        && (6..=40).contains(&rest.len())
        && counts.digits > 0
        && counts.changes > 2
        && !(is_written(rest) && counts.other == 0)
}

/// Whether it is a phrase that stands for a password: three words and more, and none that says something of one.
pub(super) fn is_phrase(text: &[u8]) -> bool {
    const SPOKEN: [&[u8]; 24] = [
        b"a",
        b"an",
        b"and",
        b"are",
        b"be",
        b"enter",
        b"for",
        b"from",
        b"here",
        b"in",
        b"is",
        b"must",
        b"no",
        b"not",
        b"of",
        b"or",
        b"password",
        b"passphrase",
        b"please",
        b"the",
        b"this",
        b"to",
        b"with",
        b"your",
    ];
    let words = || text.split(|byte| *byte == b' ');
    let is_word = |word: &[u8]| {
        (1..=14).contains(&word.len())
            && word.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && !SPOKEN.contains(&word)
    };
    (3..=12).contains(&words().count()) && text.len() >= 12 && words().all(is_word)
}

/// Whether it is the name of a type of secrets: `ed25519.Ed25519PrivateKey`, `SecretKeyV2`.
pub(super) fn is_type(text: &[u8]) -> bool {
    const ENDS: [&[u8]; 7] =
        [b"Key", b"KeyPair", b"Token", b"Secret", b"Credential", b"Credentials", b"Password"];
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let numbered = text.get(..text.len().saturating_sub(digits)).unwrap_or_default();
    let text = if digits > 2 { text } else { numbered.strip_suffix(b"V").unwrap_or(numbered) };
    let last = text.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    text.len() <= 64
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(byte))
        && last.first().is_some_and(u8::is_ascii_uppercase)
        && ENDS.iter().any(|end| last.ends_with(end))
}

/// Whether it is a part of a sentence: words with one between them that joins such.
pub(super) fn is_sentence(text: &[u8]) -> bool {
    let joins: [&[u8]; 6] = [b" and ", b" for ", b" of ", b" the ", b" using ", b" with "];
    text.iter().filter(|byte| **byte == b' ').count() > 2 && joins.iter().any(|part| contains(text, part))
}

/// Whether it is the address of an account or a contract: `0x` and 20 bytes.
pub(super) fn is_address(text: &[u8]) -> bool {
    text.len() == 42
        && text.strip_prefix(b"0x").is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether it has the form in which OpenPGP shows a fingerprint or the end of one: hexadecimal, in capitals.
pub(super) fn is_fingerprint(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    matches!(text.len(), 16 | 32 | 40 | 64)
        && text.iter().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte))
}

/// What stands where a secret will be put: samples, blanks, instructions.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    const PARTS: [&[u8]; 33] = [
        b"your",
        b"example",
        b"changeme",
        b"change-me",
        b"change_me",
        b"change-in",
        b"change_in",
        b"changethis",
        b"placeholder",
        b"xxxx",
        b"****",
        b"....",
        b"insert",
        b"replace",
        b"dummy",
        b"sample",
        b"todo",
        b"fixme",
        b"redacted",
        b"_here",
        b"-here",
        b"notreal",
        b"not-real",
        b"not_a_",
        b"not-a-",
        b"foobar",
        b"fake",
        b"masked",
        b"undefined",
        b"test-token",
        b"test_token",
        b"some-",
        b"abcdefg-",
    ];
    const WHOLE: [&[u8]; 31] = [
        b"pass",
        b"password",
        b"passwd",
        b"secret",
        b"token",
        b"apikey",
        b"api_key",
        b"api-key",
        b"none",
        b"null",
        b"nil",
        b"true",
        b"false",
        b"string",
        b"str",
        b"test",
        b"username",
        b"user",
        b"admin",
        b"default",
        b"empty",
        b"required",
        b"optional",
        b"hidden",
        b"string,",
        b"boolean",
        b"number",
        b"bytes",
        b"any",
        b"unset",
        b"...",
    ];
    let lower = text.to_ascii_lowercase();
    WHOLE.iter().any(|whole| lower == *whole)
        || PARTS.iter().any(|part| contains(&lower, part))
        || repeats(text)
}

/// Whether a text is the version or the date of something: `11.2.0-74515`, `name@1.2.3`, `model-2024-08-06`, `image:v1.2.3`.
pub(super) fn is_version(text: &[u8]) -> bool {
    let number = |part: &[u8]| !part.is_empty() && part.len() <= 4 && part.iter().all(u8::is_ascii_digit);
    // The last part may go on with a word of its own: `3-beta`.
    let begins = |part: &[u8]| part.first().is_some_and(u8::is_ascii_digit);
    let numbered = text
        .split(|byte| b"@:/_-".contains(byte))
        .map(|part| part.strip_prefix(b"v").unwrap_or(part))
        .any(|part| {
            let mut parts = part.split(|byte| *byte == b'.');
            let three = [parts.next(), parts.next(), parts.next()];
            matches!(three, [Some(a), Some(b), Some(c)] if number(a) && number(b) && begins(c))
        });
    let year = |date: &[u8]| date.starts_with(b"20");
    let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    let dated = text
        .array_windows::<8>()
        .any(|date| year(date) && digits(date) && matches!(date.get(4), Some(b'0' | b'1')))
        || text.array_windows::<10>().any(|date @ [_, _, _, _, first, _, _, second, ..]| {
            year(date)
                && (*first, *second) == (b'-', b'-')
                && date.iter().filter(|byte| byte.is_ascii_digit()).count() == 8
        });
    numbered || dated && text.len() <= 64
}

/// Whether a published form is filled with a sample: hardly any different bytes, or a word that says so.
pub(super) fn is_sample(secret: &[u8]) -> bool {
    const PARTS: [&[u8]; 6] = [b"EXAMPLE", b"example", b"XXXXX", b"xxxxx", b"*****", b"....."];
    let counts = Counts::of(secret);
    PARTS.iter().any(|part| contains(secret, part))
        || counts.length >= 16 && counts.distinct < 7
        || repeats(secret)
        || is_published(secret)
}

/// Whether everybody knows it: what documentation shows and emulators take.
pub(super) fn is_published(text: &[u8]) -> bool {
    text.len() >= SHORTEST_PUBLISHED && PUBLISHED.iter().any(|known| contains(text, known))
}

/// Values that documentation gives as examples: storage emulators, RFC 6749 (sections 2.3.1, 4.1.4), RFC 6455
/// (section 1.3), payment services.
const PUBLISHED: [&[u8]; 8] = [
    b"C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPM",
    b"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
    b"4eC39HqLyjWDarjtT1zdp7dc",
    b"2YotnFZFEjr1zCsicMWpAA",
    b"tGzv3JOkF0XG5Qx2TlKWIA",
    b"czZCaGRSa3F0MzpnWDFmQmF0M2JW",
    b"dGhlIHNhbXBsZSBub25jZQ",
    b"dXNlcm5hbWU6cGFzc3dvcmQ",
];

/// A shorter text is none of these.
const SHORTEST_PUBLISHED: usize = 22;

/// Whether most of a text counts up through the digits or the alphabet, as fillers do.
pub(super) fn is_counted(text: &[u8]) -> bool {
    const LEAST: usize = 15;
    let follows = |[first, second]: &[u8; 2]| {
        let next = match first {
            b'9' => b"0aA",
            b'0' => b"1aA",
            b'z' | b'Z' => b"0aA",
            _ => return first.checked_add(1) == Some(*second) && second.is_ascii_alphanumeric(),
        };
        next.contains(second)
    };
    let (mut run, mut longest) = (1, 1);
    for pair in text.array_windows::<2>() {
        run = if follows(pair) { run + 1 } else { 1 };
        longest = longest.max(run);
    }
    longest >= LEAST && longest * 2 >= text.len()
}

/// Whether more than half of the text is one byte, or one byte six times together.
fn repeats(text: &[u8]) -> bool {
    let mut run = 1;
    let mut longest = 1;
    for pair in text.windows(2) {
        run = if pair.first() == pair.last() { run + 1 } else { 1 };
        longest = longest.max(run);
    }
    text.len() >= 4 && longest >= 6_usize.max(text.len().div_ceil(4))
}

pub(super) fn contains(text: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return false };
    // One byte is asked for first: comparing a whole part costs a call.
    text.windows(part.len()).any(|window| window.first() == Some(first) && window == part)
}

/// The same of a part in small letters, whatever the case of the text.
pub(super) fn contains_folded(text: &[u8], part: &[u8]) -> bool {
    let Some(first) = part.first() else { return false };
    let begins = |window: &[u8]| window.first().is_some_and(|byte| byte.eq_ignore_ascii_case(first));
    text.windows(part.len()).any(|window| begins(window) && window.eq_ignore_ascii_case(part))
}
