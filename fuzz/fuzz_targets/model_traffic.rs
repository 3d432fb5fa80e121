//! Requests to models and their answers: read whatever comes, and the same however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::model_traffic::{AnswerReader, Form, Wire, read_request};

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (pick, cut, bytes) = input;
    let wires = [Wire::AnthropicMessages, Wire::Gemini, Wire::OpenaiChat, Wire::OpenaiResponses];
    let wire = wires[usize::from(pick) % wires.len()];
    let _ = read_request(wire, bytes);
    for form in [Form::Events, Form::Whole] {
        let read = |cut: usize| {
            let mut reader = AnswerReader::new(wire, form);
            for part in bytes.chunks(cut) {
                reader.push(part);
            }
            reader.finish()
        };
        assert_eq!(read(usize::from(cut).max(1)), read(1 << 20));
    }
});
