//! Lists of words that a word is compared with, by its first letter and its length first: almost all are in no list.

/// Words in small letters, in any order.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    /// For each first letter, a bit for each length.
    lengths: [u32; 26],
}

// === impl Words ===

impl<const N: usize> Words<N> {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated when the program is built: a wrong index does not compile"
    )]
    pub(super) const fn new(words: [&'static str; N]) -> Self {
        let mut lengths = [0; 26];
        let mut at = 0;
        while at < N {
            let word = words[at].as_bytes();
            assert!(word.len() < 32, "a word of a list is too long");
            lengths[(word[0] - b'a') as usize] |= 1 << word.len();
            at += 1;
        }
        Self { words, lengths }
    }

    /// Whether the word is one of these, in any case.
    pub(super) fn has(&self, word: &[u8]) -> bool {
        self.may_begin(word.first().copied().unwrap_or(0)) >> word.len().min(31) & 1 == 1
            && self.words.iter().any(|own| word.eq_ignore_ascii_case(own.as_bytes()))
    }

    /// Those that stand at the beginning of a text, in any case.
    pub(super) fn heads<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'static str> + 'a {
        let any = self.may_begin(text.first().copied().unwrap_or(0)) != 0;
        let words = if any { self.words.as_slice() } else { &[] };
        words.iter().copied().filter(|word| {
            let same = |first: u8| text.first().is_some_and(|own| own.eq_ignore_ascii_case(&first));
            word.bytes().next().is_some_and(same)
                && text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
        })
    }

    /// A bit for each length of the words that begin with a letter.
    fn may_begin(&self, letter: u8) -> u32 {
        let letter = letter.to_ascii_lowercase().checked_sub(b'a');
        letter.and_then(|letter| self.lengths.get(usize::from(letter))).copied().unwrap_or(0)
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
