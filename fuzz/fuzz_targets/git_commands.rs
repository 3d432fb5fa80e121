//! The commands of a push: read or refused; what is read says the same once it is written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use writ_gateway::git::{Advertisement, Capabilities, CommandReader, Heading, problem_of_ref};

fn offered() -> Capabilities {
    let list = "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta push-options agent=x";
    let first = format!("{} capabilities^{{}}\0{list}", "0".repeat(40));
    let bytes = format!("001f# service=git-receive-pack\n0000{:04x}{first}0000", first.len() + 4);
    let mut advertisement = Advertisement::default();
    advertisement.take(bytes.as_bytes(), &mut Vec::new()).expect("our own");
    advertisement.finish().expect("our own")
}

fuzz_target!(|bytes: &[u8]| {
    let mut reader = CommandReader::new(offered());
    let mut rest = bytes;
    if reader.take(&mut rest) != Ok(true) {
        return;
    }
    let Ok(Heading::Push(read)) = reader.finish() else { return };
    assert!(read.list.iter().all(|command| problem_of_ref(command.name.as_bytes()).is_none()));
    let mut again = CommandReader::new(offered());
    let written = read.bytes();
    assert_eq!(again.take(&mut written.as_slice()), Ok(true));
    assert_eq!(again.finish(), Ok(Heading::Push(read)));
});
