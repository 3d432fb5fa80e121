//! What a server says before a push: passed on or refused; what was passed on passes again and says the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::git::Advertisement;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Advertisement::default();
    let mut out = Vec::new();
    if reader.take(bytes, &mut out).is_err() {
        return;
    }
    let Ok(offered) = reader.finish() else { return };
    let mut again = Advertisement::default();
    let mut same = Vec::new();
    again.take(&out, &mut same).expect("what was passed on");
    assert_eq!(again.finish().expect("what was passed on"), offered);
    assert_eq!(same, out);
});
