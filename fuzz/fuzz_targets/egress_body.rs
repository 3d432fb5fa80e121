//! Credentials in members of bodies: any body is read, and one that is put in front is found whatever follows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::http::account::holds_credential;

fuzz_target!(|data: &[u8]| {
    for kind in ["", "application/json", "multipart/form-data"] {
        let _ = holds_credential(kind, data, &|_| false);
    }
    let mut form = b"password=made-up&".to_vec();
    form.extend_from_slice(data);
    assert!(holds_credential("application/x-www-form-urlencoded", &form, &|_| false));
    let mut document = b"{\"token\":\"made-up\",\"x\":".to_vec();
    document.extend_from_slice(data);
    assert!(holds_credential("application/json", &document, &|_| false));
});
