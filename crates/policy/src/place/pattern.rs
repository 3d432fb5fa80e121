//! Patterns of names, as shells and searchers read them: `*`, `?`, `[…]` and `{a,b}`.
//!
//! Where readers differ, more is matched and not less: what is asked here is whether a listed file could be caught.

/// How many patterns one with braces may stand for. What is more counts as any name.
const ALTERNATIVES: usize = 64;

/// Whether a text has any sign of a pattern.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// The patterns that one with braces stands for.
pub(crate) fn alternatives(pattern: &str) -> Vec<String> {
    let mut ahead = vec![pattern.to_owned()];
    let mut plain = Vec::new();
    while let Some(next) = ahead.pop() {
        if ahead.len() + plain.len() > ALTERNATIVES {
            return vec!["*".to_owned()];
        }
        match innermost(&next) {
            Some((before, choices, after)) => {
                ahead.extend(choices.split(',').map(|choice| format!("{before}{choice}{after}")));
            }
            None if plain.contains(&next) => {}
            None => plain.push(next),
        }
    }
    plain
}

/// What stands before, in and behind the first pair of braces that holds no other.
fn innermost(pattern: &str) -> Option<(&str, &str, &str)> {
    let close = pattern.find('}')?;
    let open = pattern.get(..close)?.rfind('{')?;
    Some((pattern.get(..open)?, pattern.get(open + 1..close)?, pattern.get(close + 1..)?))
}

/// Whether a name matches a pattern without braces. Brackets count as any one character.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let signs: Vec<Sign> = signs(pattern);
    let text: Vec<char> = name.chars().collect();
    let (mut at, mut reached) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while reached < text.len() {
        match signs.get(at) {
            Some(Sign::Any) => {
                star = Some((at, reached));
                at += 1;
            }
            Some(sign) if sign.takes(text.get(reached)) => {
                at += 1;
                reached += 1;
            }
            _ => match star.as_mut() {
                Some((after, from)) => {
                    *from += 1;
                    (at, reached) = (*after + 1, *from);
                }
                None => return false,
            },
        }
    }
    signs.iter().skip(at).all(|sign| *sign == Sign::Any)
}

#[derive(PartialEq, Eq)]
enum Sign {
    Any,
    One,
    Is(char),
}

// === impl Sign ===

impl Sign {
    fn takes(&self, c: Option<&char>) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Is(this) => c == Some(this),
        }
    }
}

fn signs(pattern: &str) -> Vec<Sign> {
    let mut found = Vec::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => found.push(Sign::Any),
            '?' => found.push(Sign::One),
            '[' => {
                // A bracket that closes at once stands for itself.
                let mut inside = rest.clone();
                let is_set = inside.next().is_some() && inside.any(|c| c == ']');
                if is_set {
                    rest = inside;
                }
                found.push(if is_set { Sign::One } else { Sign::Is('[') });
            }
            '\\' => found.extend(rest.next().map(Sign::Is)),
            c => found.push(Sign::Is(c)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_their_patterns() {
        for (pattern, name, does) in [
            ("*", ".env", true),
            ("*.ts", "a.ts", true),
            ("*.ts", "a.tsx", false),
            (".e*", ".env", true),
            (".[e]nv", ".env", true),
            (".en?", ".env", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("a[", "a[", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, name), does, "{pattern} {name}");
        }
    }

    #[test]
    fn braces_are_written_out() {
        let mut found = alternatives("{.env,*.{ts,js}}");
        found.sort();
        assert_eq!(found, ["*.js", "*.ts", ".env"]);
        assert_eq!(alternatives("plain"), ["plain"]);
        assert_eq!(alternatives("{a,b"), ["{a,b"]);
        assert_eq!(alternatives(&"{a,b}".repeat(40)), ["*"]);
    }

    proptest::proptest! {
        #[test]
        fn a_star_in_front_never_loses_a_name(pattern in "[a-z.*?\\[\\]]{0,8}", name in "[a-z.]{0,8}") {
            if matches(&pattern, &name) {
                let starred = format!("*{pattern}");
                proptest::prop_assert!(matches(&starred, &name));
            }
        }
    }
}
