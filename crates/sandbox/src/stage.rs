//! The processes between the supervisor and the client: the same binary, started again under a private name.
//!
//! ```text
//! supervisor            any number of threads; keeps the handle
//!   └ stage `enter`     outside, one thread: makes the namespaces, then minds the terminal
//!       └ stage `init`  inside, process 1, a fork of it: last layers, proof, reaping
//!           └ client    inside, in its own process group
//! ```

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;

use rustix::fs::FileType;
use rustix::process::Signal;

use crate::layer::{Layer, Refusal};

mod blank;
mod devices;
pub(crate) mod enter;
mod identity;
pub(crate) mod init;
mod limits;
mod mask;
mod network;
mod privilege;
mod proof;
mod rights;
mod terminal;
mod told;
mod tree;
mod trial;

/// First argument that makes the binary the outer stage.
pub(crate) const ENTER: &str = "yard-enter";

/// Exit code of a stage that could not do its work. The supervisor reads the reason from the socket.
const BROKEN: u8 = 125;

/// Turns this process into a stage of the yard when its arguments say so.
///
/// `main` calls this before it starts any thread and before it reads anything, with all of its arguments, and returns
/// what comes back. The name is private to this crate: started by hand, a stage finds no control socket and ends.
#[must_use]
pub fn dispatch<A: IntoIterator<Item = OsString>>(args: A) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    let name = args.next()?;
    if name.as_os_str() != OsStr::new(ENTER) {
        return None;
    }
    if args.next().is_some() {
        return Some(ExitCode::from(BROKEN));
    }
    Some(enter::run())
}

/// Closes the way for descriptors that were inherited, and refuses a directory among the standard streams: whoever
/// holds an open directory walks from it past every mask.
fn seal_descriptors() -> Result<(), Refusal> {
    let failed = |what, error: io::Error| Layer::Descriptors.refused(what, &error);
    crate::sys::close_on_exec_from(3).map_err(|error| failed("cannot close what was inherited", error))?;
    for stream in [io::stdout().as_fd(), io::stderr().as_fd()] {
        refuse_directory(stream)?;
    }
    Ok(())
}

fn refuse_directory<F: AsFd>(stream: F) -> Result<(), Refusal> {
    match rustix::fs::fstat(stream) {
        Ok(found) if FileType::from_raw_mode(found.st_mode) == FileType::Directory => {
            Err(Layer::Descriptors.broken("a standard stream is a directory; redirect it to a file"))
        }
        Ok(_) => Ok(()),
        Err(rustix::io::Errno::BADF) => Ok(()),
        Err(error) => Err(Layer::Descriptors.refused("cannot look at a standard stream", &error.into())),
    }
}

/// Dies with the parent, whose process number must still be `parent`.
fn die_with_parent(parent: Option<i32>) -> Result<(), Refusal> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| Layer::Liveness.refused("cannot ask to die with the supervisor", &error.into()))?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    if parent.is_some() && now != parent {
        return Err(Layer::Liveness.broken("the supervisor has ended"));
    }
    Ok(())
}
