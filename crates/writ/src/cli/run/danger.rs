//! What a person gives up of the sandbox, by name. Each is on record.

use std::collections::BTreeSet;

use writ_sandbox::Danger;

#[derive(clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Giving up parts of the sandbox, on record")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Arguments {
    /// Refuse no system call: debuggers work, and so does whatever else the kernel offers
    #[arg(long)]
    danger_all_calls: bool,
    /// Let the client write and run whatever file modes and mounts allow
    #[arg(long)]
    danger_all_files: bool,
    /// Run without the sandbox: the client can then reach Writ's own state and end its supervisor
    #[arg(long)]
    danger_no_namespaces: bool,
    /// Let the client reach every host, and every service of this machine
    #[arg(long)]
    danger_open_network: bool,
}

// === impl Arguments ===

impl Arguments {
    pub(super) fn chosen(&self) -> BTreeSet<Danger> {
        Danger::ALL
            .into_iter()
            .filter(|danger| match danger {
                Danger::AllCalls => self.danger_all_calls,
                Danger::AllFiles => self.danger_all_files,
                Danger::NoNamespaces => self.danger_no_namespaces,
                Danger::OpenNetwork => self.danger_open_network,
            })
            .collect()
    }
}
