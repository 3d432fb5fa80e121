//! Starts programs and says what failed.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs a program in `dir` with the terminal as it is; any exit code but 0 is an error.
pub fn run(dir: &Path, program: &str, args: &[&str]) -> Result<()> {
    eprintln!("$ {program} {}", args.join(" "));
    let status = Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("could not start `{program}`"))?;
    if !status.success() {
        bail!("`{program} {}` ended with {status}", args.join(" "));
    }
    Ok(())
}

/// What a program prints on standard output; any exit code but 0 is an error.
pub fn output(dir: &Path, program: &str, args: &[&str]) -> Result<String> {
    let done = Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{program}`"))?;
    if !done.status.success() {
        bail!(
            "`{program} {}` ended with {}: {}",
            args.join(" "),
            done.status,
            String::from_utf8_lossy(&done.stderr)
        );
    }
    String::from_utf8(done.stdout).with_context(|| format!("`{program}` printed what is no UTF-8"))
}

/// Whether a program can be started here.
pub fn is_there(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
