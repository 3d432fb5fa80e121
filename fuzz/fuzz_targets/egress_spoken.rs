//! What a connection speaks, by its first bytes: more of them change no mind, and a request is never taken for something else.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::spoken::{Spoken, greeted, spoken};

fuzz_target!(|data: &[u8]| {
    let mut before = Spoken::Unclear;
    for end in 0..=data.len().min(256) {
        let now = spoken(&data[..end]);
        assert!(before == Spoken::Unclear || now == before, "{before:?} {now:?}");
        before = now;
    }
    let mut request = b"\r\nPUT /x HTTP/1.1\r\n".to_vec();
    request.extend_from_slice(data);
    assert_eq!(spoken(&request), Spoken::Http);
    let _ = greeted(data);
});
