//! Trae.

use super::{FileKind, Place, Survey};

pub const SURVEY: Survey = Survey {
    id: "trae",
    name: "Trae",
    executables: &["trae"],
    extensions: &[],
    files: &[
        Place { path: ".trae/mcp.json", kind: FileKind::Servers },
        Place { path: ".trae/rules/**.md", kind: FileKind::Rules },
        Place { path: "trae_config.yaml", kind: FileKind::Settings },
    ],
    home: &[".trae/mcp.json", ".trae/rules"],
    administrator: &[],
    read: |_, _| {},
};
