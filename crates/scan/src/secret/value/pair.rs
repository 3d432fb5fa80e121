//! Pairs of letters that words do not have: what tells a drawn text that happens to have vowels from names of code.
//!
//! Counted over 50,877 different words of the documentation and sources of Python and of JavaScript packages: a pair is
//! rare when fewer than 12 of 100,000 are it. Of drawn texts of eight letters, four of five hold one; of words, one in twenty.

/// For each letter, those that hardly ever follow it.
const RARE: [&[u8]; 26] = [
    b"q",
    b"kqvwxz",
    b"jqwxz",
    b"kqz",
    b"",
    b"hjkqvwxz",
    b"jkqwx",
    b"ghjqvwxz",
    b"wy",
    b"bcdfghjklmnpqrtvwxyz",
    b"jkqvxz",
    b"jqxz",
    b"jqxz",
    b"q",
    b"qz",
    b"jqxz",
    b"abcdefghijkmnopqvwxyz",
    b"jqxz",
    b"jz",
    b"j",
    b"hjkquvwyz",
    b"hjkquvxz",
    b"gjkquvwxyz",
    b"ghjknquvwz",
    b"hjkqxy",
    b"bcdfghjklmnpqrsuvwxyz",
];

/// How many pairs of a word are rare, in any case.
pub(in crate::secret) fn rare(word: &[u8]) -> usize {
    let pairs = word.array_windows::<2>();
    pairs
        .filter(|[first, second]| follows_rarely(first.to_ascii_lowercase(), second.to_ascii_lowercase()))
        .count()
}

fn follows_rarely(first: u8, second: u8) -> bool {
    let row = first.checked_sub(b'a').and_then(|row| RARE.get(usize::from(row)));
    row.is_some_and(|row| row.contains(&second))
}
