//! The line of a hook process: read or refused; what is read survives being written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::hook::Frame;

fuzz_target!(|line: &[u8]| {
    if let Ok(frame) = Frame::from_line(line) {
        let again = frame.to_line().expect("what fitted once fits again");
        assert_eq!(Frame::from_line(&again).expect("our own line"), frame);
    }
});
