//! Lists of words that a word is compared with, by its first letter and its length first: almost all are in no list.

/// Words in small letters, those of one first letter together.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    letters: [Letter; 26],
}

/// The words that begin with a letter.
#[derive(Clone, Copy)]
struct Letter {
    /// Where they begin and end.
    from: usize,
    until: usize,
    /// A bit for each length.
    lengths: u32,
}

// === impl Words ===

impl<const N: usize> Words<N> {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated when the program is built: a wrong index does not compile"
    )]
    pub(super) const fn new(words: [&'static str; N]) -> Self {
        let mut letters = [Letter { from: 0, until: 0, lengths: 0 }; 26];
        let mut at = 0;
        while at < N {
            let word = words[at].as_bytes();
            assert!(word.len() < 32, "a word of a list is too long");
            let letter = &mut letters[(word[0] - b'a') as usize];
            assert!(letter.lengths == 0 || letter.until == at, "words of one first letter stand apart");
            if letter.lengths == 0 {
                letter.from = at;
            }
            letter.until = at + 1;
            letter.lengths |= 1 << word.len();
            at += 1;
        }
        Self { words, letters }
    }

    /// Whether the word is one of these, in any case.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        let (words, lengths) = self.of(word);
        lengths >> word.len().min(31) & 1 == 1
            && words.iter().any(|own| word.eq_ignore_ascii_case(own.as_bytes()))
    }

    /// Those that stand at the beginning of a text, in any case.
    pub(super) fn heads<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'static str> + 'a {
        let (words, _) = self.of(text);
        words.iter().copied().filter(|word| {
            text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
        })
    }

    /// The words that begin with the first letter of a text, and a bit for each of their lengths.
    fn of(&self, text: &[u8]) -> (&[&'static str], u32) {
        let letter = text.first().and_then(|first| first.to_ascii_lowercase().checked_sub(b'a'));
        let letter = letter.and_then(|letter| self.letters.get(usize::from(letter)));
        letter.map_or((&[], 0), |letter| {
            (self.words.get(letter.from..letter.until).unwrap_or_default(), letter.lengths)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SOME: Words<3> = Words::new(["key", "keys", "token"]);

    #[test]
    fn words_are_found_in_any_case() {
        for (word, expected) in [
            ("key", true),
            ("KeyS", true),
            ("TOKEN", true),
            ("ke", false),
            ("keyst", false),
            ("", false),
            ("1", false),
        ] {
            assert_eq!(SOME.has(word.as_bytes()), expected, "{word}");
        }
        assert!(!SOME.has("k".repeat(40).as_bytes()));
        assert_eq!(SOME.heads(b"KEYSTORE").collect::<Vec<_>>(), ["key", "keys"]);
        assert_eq!(SOME.heads(b"ke").count(), 0);
        assert_eq!(SOME.heads(b"").count(), 0);
    }
}
