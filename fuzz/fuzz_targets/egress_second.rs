//! A second method in a body: any body is read, one that names it is found whatever stands before and behind, and a form in
//! parts says the same in any pieces.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::lend::{FormParts, closed, overrides};

fn through<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut parts = FormParts::new(1 << 10);
    for piece in pieces {
        match parts.push(piece) {
            Ok(open) => assert!(open <= 1 << 10),
            Err(_) => return true,
        }
    }
    parts.finish().is_err()
}

fuzz_target!(|data: &[u8]| {
    let is_one = overrides(data);
    assert!(!is_one || closed(&Default::default(), data, true).is_some());
    let step = 1 + data.first().map_or(0, |byte| usize::from(byte % 16));
    assert_eq!(through(data.chunks(step)), through(std::iter::once(data)));
    let mut form = data.to_vec();
    form.extend_from_slice(b"\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE");
    assert!(overrides(&form) && through(form.chunks(step)));
    let mut pairs = b"_method=DELETE&".to_vec();
    pairs.extend_from_slice(data);
    assert!(overrides(&pairs));
});
