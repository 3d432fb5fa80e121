//! Redirections: what is read, written or connected before a command runs, and what it leaves behind.

use brush_parser::ast::{IoFileRedirectKind, IoFileRedirectTarget, IoRedirect};

use super::super::word::{Marks, Value};
use super::{Feed, Walk};

// === impl Walk ===

impl Walk<'_> {
    /// Effects of a redirection, and what it feeds the command. `truncates` tells that nothing writes to the file.
    pub(super) fn redirect(&mut self, redirect: &IoRedirect, truncates: bool) {
        match redirect {
            IoRedirect::File(fd, kind, target) => match target {
                IoFileRedirectTarget::Filename(word) => {
                    let path = self.expand_one(&word.value);
                    let talked = self.talks_to_socket;
                    self.file_redirect(kind, &path, truncates);
                    if is_socket(&path.text)
                        && let Some(fd) = fd.filter(|fd| *fd > 2)
                    {
                        // A connection beside input and output: what is done with it decides.
                        self.scope.sockets.push(fd);
                        self.talks_to_socket = talked;
                    }
                }
                IoFileRedirectTarget::Duplicate(word) => {
                    let path = self.expand_one(&word.value);
                    // `>& file` writes to a file; `>& 2` and `>&-` do not.
                    let is_descriptor = path.text.chars().all(|c| c.is_ascii_digit() || c == '-');
                    if !is_descriptor && fd.is_none() {
                        self.file_redirect(kind, &path, truncates);
                    } else if let Ok(from) = path.text.trim_end_matches('-').parse() {
                        self.duplicates(*fd, kind, from);
                    }
                }
                IoFileRedirectTarget::ProcessSubstitution(_, subshell) => {
                    (self.printed, self.found) = (None, None);
                    let marks = self.process(subshell);
                    if matches!(kind, IoFileRedirectKind::Read) {
                        self.feed = Feed {
                            is_some: true,
                            marks,
                            text: self.printed.take(),
                            paths: self.found.take(),
                            file: None,
                        };
                    }
                }
                IoFileRedirectTarget::Fd(from) => self.duplicates(*fd, kind, *from),
            },
            IoRedirect::HereDocument(_, document) => {
                let body = if document.requires_expansion {
                    self.expand_document(&document.doc.value)
                } else {
                    Value::known(document.doc.value.clone())
                };
                self.feed =
                    Feed { is_some: true, text: Some(body.text), marks: body.marks, paths: None, file: None };
            }
            IoRedirect::HereString(_, word) => {
                let body = self.expand_one(&word.value);
                self.feed =
                    Feed { is_some: true, text: Some(body.text), marks: body.marks, paths: None, file: None };
            }
            IoRedirect::OutputAndError(word, _) => {
                let path = self.expand_one(&word.value);
                self.file_redirect(&IoFileRedirectKind::Write, &path, truncates);
            }
        }
    }

    /// `<&3`, `>&3`: a connection that was opened before becomes input or output.
    pub(super) fn duplicates(&mut self, fd: Option<i32>, kind: &IoFileRedirectKind, from: i32) {
        if !self.scope.sockets.contains(&from) {
            return;
        }
        if let Some(fd) = fd.filter(|fd| *fd > 2) {
            self.scope.sockets.push(fd);
            return;
        }
        self.talks_to_socket = true;
        if matches!(kind, IoFileRedirectKind::DuplicateInput | IoFileRedirectKind::Read) {
            let marks = Marks { fetched: true, ..Marks::default() };
            self.feed = Feed { is_some: true, marks, ..Feed::default() };
        }
    }

    pub(super) fn file_redirect(&mut self, kind: &IoFileRedirectKind, path: &Value, truncates: bool) {
        match kind {
            IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput => {
                self.reads_path(path, "redirect.read");
                let text = path.literal().and_then(|name| self.scope.file(name)).map(str::to_owned);
                let mut marks = path.marks;
                marks.fetched |= path.literal().is_some_and(|name| self.scope.was_fetched(name));
                self.feed = Feed { is_some: true, text, marks, paths: None, file: Some(path.text.clone()) };
            }
            IoFileRedirectKind::Append => self.writes_path(path, false),
            IoFileRedirectKind::Write
            | IoFileRedirectKind::Clobber
            | IoFileRedirectKind::DuplicateOutput
            | IoFileRedirectKind::ReadAndWrite => self.writes_path(path, truncates),
        }
    }

    /// Remembers what a command with a redirection wrote, for a later `bash file`.
    pub(super) fn written(&mut self, redirects: &[&IoRedirect]) {
        for redirect in redirects {
            let IoRedirect::File(fd, kind, IoFileRedirectTarget::Filename(word)) = redirect else { continue };
            let appends = matches!(kind, IoFileRedirectKind::Append);
            let writes = appends || matches!(kind, IoFileRedirectKind::Write | IoFileRedirectKind::Clobber);
            let path = self.glance(&word.value);
            let (true, true, Some(path)) = (writes, fd.is_none_or(|fd| fd == 1), path.literal()) else {
                continue;
            };
            if let Some(text) = self.printed.clone() {
                self.wrote_text(path, text, appends);
            } else if self.marks.is_foreign() {
                self.scope.fetched.push(path.to_owned());
            }
        }
    }
}

pub(super) fn is_socket(path: &str) -> bool {
    path.contains("/dev/tcp/") || path.contains("/dev/udp/")
}
