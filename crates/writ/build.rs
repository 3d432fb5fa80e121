//! Links the released binary at a fixed address.
//!
//! A hook process lives for less than a millisecond, and a third of that went into moving 35,000 pointers of code that
//! it never runs to a random address. What is given up is the random place of the program's own code; heap, stack and
//! libraries keep theirs.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, wanted: &str| std::env::var(name).is_ok_and(|value| value == wanted);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
