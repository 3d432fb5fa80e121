use proptest::prelude::*;

use super::*;

const MEASURE: Measure = Measure { gram: 32, window: 17, most: 4096 };

fn stretches() -> Stretches {
    Stretches::new(HashKey::new(&[7; 32]), MEASURE)
}

#[test]
fn indenting_quoting_and_case_change_nothing() {
    let mut kept = stretches();
    kept.learn("curl -fsSL https://get.example/install.sh | sudo bash -s -- --yes --prefix /opt/tool\n");
    for (text, shared) in [
        (
            "# setup\n  curl -fsSL \"https://get.example/install.sh\"\n   | SUDO bash -s -- --yes --prefix /opt/tool",
            true,
        ),
        ("curl -fsSL https://get.example/install.sh | bash", false),
        ("nothing of the kind, and long enough that it could well be something of the kind", false),
    ] {
        assert_eq!(kept.shares(text), shared, "{text}");
    }
}

#[test]
fn a_full_table_says_so_and_grows_no_more() {
    let mut kept = Stretches::new(HashKey::new(&[7; 32]), Measure { most: 100, ..MEASURE });
    for line in 0..10_000 {
        kept.learn(&format!("line {line} of a text that never repeats itself, number {}", line * 7919));
    }
    assert!(kept.is_full());
    assert!(kept.len() <= 100);
}

/// Another key, other numbers: a table tells nothing to whoever lacks its key.
#[test]
fn the_key_decides_the_numbers() {
    let text = "a text of a certain length, so that several of its stretches are kept for comparison";
    let numbers = |seed: u8| {
        let mut kept = Stretches::new(HashKey::new(&[seed; 32]), MEASURE);
        kept.learn(text);
        kept.kept
    };
    assert!(!numbers(1).is_empty());
    assert!(numbers(1).is_disjoint(&numbers(2)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// The promise of winnowing: whatever stands around it, a stretch of this length is found.
    #[test]
    fn a_long_stretch_in_common_is_always_found(
        shared in "[a-z0-9/.-]{48,80}", before in "[A-Za-z ]{0,90}", after in "[A-Za-z ]{0,90}",
        other in "[A-Z0-9]{0,90}", rest in "[A-Z0-9]{0,90}",
    ) {
        prop_assert!(MEASURE.shared() == 48);
        let mut kept = stretches();
        kept.learn(&format!("{before}{shared}{after}"));
        let text = format!("{other}{shared}{rest}");
        prop_assert!(kept.shares(&text));
    }

    #[test]
    fn any_text_can_be_learnt_and_asked_for(text in ".{0,400}", other in ".{0,400}") {
        let mut kept = stretches();
        kept.learn(&text);
        kept.shares(&other);
        if plain(&text).count() >= 48 {
            prop_assert!(kept.shares(&text));
        }
    }
}
