//! A throw-away home and repository for one run of a client.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Both go when it is dropped.
pub struct Stage {
    root: tempfile::TempDir,
}

// === impl Stage ===

impl Stage {
    /// Makes the home, and a repository with one commit.
    ///
    /// `base` is a directory on a real disk, such as `CARGO_TARGET_TMPDIR`: some clients refuse to work below the
    /// system's directory for temporary files.
    ///
    /// # Errors
    /// When a directory cannot be made or `git` fails.
    pub fn new(base: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(base)?;
        let stage = Self { root: tempfile::Builder::new().prefix("stage-").tempdir_in(base)? };
        std::fs::create_dir(stage.home())?;
        std::fs::create_dir(stage.repo())?;
        std::fs::write(stage.repo().join("README.md"), "# A repository\n")?;
        stage.git(&["init", "-q", "-b", "main"])?;
        stage.git(&["add", "README.md"])?;
        stage.git(&[
            "-c",
            "user.name=Tester",
            "-c",
            "user.email=tester@example.org",
            "commit",
            "-qm",
            "Start",
        ])?;
        Ok(stage)
    }

    /// For whatever else the test needs beside home and repository.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    #[must_use]
    pub fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// Runs `git` in the repository, with no configuration but the repository's own.
    ///
    /// # Errors
    /// When `git` cannot be started or fails.
    pub fn git(&self, args: &[&str]) -> std::io::Result<String> {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.repo())
            .env("HOME", self.home())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(std::io::Error::other(format!("`git {}` failed: {said}", args.join(" "))))
    }

    pub(crate) fn put(&self, path: &Path, content: &str) -> std::io::Result<()> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)
    }
}
