//! The names of programs.

use super::super::catalogue;
use super::super::flags;

/// Whether any part of the classifier knows the program by this name.
pub(in crate::classify) fn knows(program: &str) -> bool {
    catalogue::is_listed(program)
        || is_shell(program)
        || flags::lists(super::super::files::KNOWN, program)
        || flags::lists(super::super::network::KNOWN, program)
        || super::super::interpreter::is_interpreter(program)
        || super::super::wrapper::is_wrapper(program)
        || flags::lists(super::super::runner::KNOWN, program)
        || program == "git"
}

pub(in crate::classify) fn is_shell(program: &str) -> bool {
    matches!(
        program,
        "sh" | "bash"
            | "dash"
            | "zsh"
            | "ksh"
            | "mksh"
            | "ash"
            | "fish"
            | "csh"
            | "tcsh"
            | "rbash"
            | "elvish"
            | "lksh"
            | "nu"
            | "oksh"
            | "posh"
            | "sash"
            | "xonsh"
            | "yash"
    )
}

/// The name a program is known by: without its directory, version and extension.
pub(in crate::classify) fn program_name(written: &str) -> String {
    let base = written.rsplit(['/', '\\']).next().unwrap_or(written);
    let base =
        [".exe", ".cmd", ".bat", ".phar"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
    const VERSIONED: &str = "python pypy pip node nodejs ruby perl php lua luajit gcc g++ clang clang++ clang-format \
        clang-tidy pydoc ipython idle go java tclsh guile R";
    let stem = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    if stem != base && flags::lists(VERSIONED, stem) { stem.to_owned() } else { base.to_owned() }
}

/// Whether a path leads to where programs are installed. Elsewhere the name of a file says little about what it is.
pub(super) fn is_in_bin(written: &str) -> bool {
    const ROOTS: &[&str] = &["bin", "sbin", ".bin", "libexec", "Scripts", "shims", "System32"];
    let is_local = !written.starts_with(['/', '~']);
    !is_local && written.rsplit(['/', '\\']).skip(1).any(|part| ROOTS.contains(&part))
}
