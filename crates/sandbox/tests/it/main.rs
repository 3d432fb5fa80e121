//! The yard, tried from inside by programs that want out.
//!
//! This binary is its own yard: `writ_sandbox::dispatch` starts it again as the stages, and [`role`] as the attackers.
//! So it has a `main` and a small runner of its own, which speaks the listing protocol of `cargo nextest`.
//! Started by root, every case also runs as an ordinary user, under `user::`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "test code fails by panicking and reports by printing"
)]

use std::process::ExitCode;

mod end;
mod escape;
mod hide;
mod host;
mod layer;
mod peer;
mod plan;
mod role;
mod runner;
mod technique;
mod terminal;
mod weak;
mod world;

fn main() -> ExitCode {
    if let Some(code) = writ_sandbox::dispatch(std::env::args_os()) {
        return code;
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == role::ROLE) {
        return role::play(&args[1..]);
    }
    runner::run(
        &args,
        &[
            end::CASES,
            escape::CASES,
            hide::CASES,
            host::CASES,
            layer::CASES,
            peer::CASES,
            plan::CASES,
            technique::CASES,
            terminal::CASES,
            weak::CASES,
        ],
    )
}
