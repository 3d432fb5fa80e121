//! A client's configuration as a user may have written it: our hooks go in and out again, or it is refused.
#![no_main]

use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use writ_gateway::setup::{HookCommand, Host, Level, System, install, uninstall};
use writ_model::Client;

fuzz_target!(|input: (u8, String)| {
    let (client, text) = input;
    let client = Client::HOOKED[usize::from(client) % Client::HOOKED.len()];
    let command = HookCommand {
        program: "/opt/writ".into(),
        socket: "/run/hook.sock".into(),
        deadline: Duration::from_secs(590),
    };
    let with = |text: &Option<String>, look: &dyn Fn(&Host<'_>) -> Option<String>| {
        let read = |_: &Path| text.clone();
        let variable = |_: &str| None;
        look(&Host { home: Path::new("/h"), workspace: Path::new("/w"), variable: &variable, read: &read })
    };
    let put_in =
        |host: &Host<'_>| install(client, Level::User, System::Linux, host, &command).ok()?.pop()?.after;
    let once = with(&Some(text), &put_in);
    if once.is_none() {
        return;
    }
    assert_eq!(with(&once, &put_in), once, "a second time changes nothing");
    let gone = with(&once, &|host| uninstall(client, Level::User, System::Linux, host).ok()?.pop()?.after);
    assert!(gone.is_none_or(|text| !text.contains("/opt/writ hook")));
});
