//! Server-sent events (WHATWG HTML, section 9.2.6), as far as models use them: only the data counts.

/// Longest data of one event, in bytes. A longer one is left out, and the reader says so.
pub(super) const MAX_EVENT_BYTES: usize = 8 << 20;

/// Takes lines and events apart, wherever the bytes are cut.
#[derive(Debug, Default)]
pub(super) struct EventReader {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_return: bool,
    is_over: bool,
    /// An event was longer than is read.
    pub is_cut: bool,
}

// === impl EventReader ===

impl EventReader {
    /// The data of the events that end in these bytes.
    pub fn push(&mut self, bytes: &[u8], found: &mut Vec<Vec<u8>>) {
        for byte in bytes {
            let after_return = std::mem::take(&mut self.after_return);
            match byte {
                b'\n' if after_return => {}
                b'\n' => self.end_line(found),
                b'\r' => {
                    self.after_return = true;
                    self.end_line(found);
                }
                byte if self.line.len() < MAX_EVENT_BYTES => self.line.push(*byte),
                _ => self.is_over = true,
            }
        }
    }

    /// What stands behind the last empty line. The standard drops it; a model's last words count all the same.
    pub fn finish(&mut self, found: &mut Vec<Vec<u8>>) {
        if !self.line.is_empty() {
            self.end_line(found);
        }
        self.end_event(found);
    }

    fn end_line(&mut self, found: &mut Vec<Vec<u8>>) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() && !self.is_over {
            return self.end_event(found);
        }
        let Some(data) = line.strip_prefix(b"data") else { return };
        let value = match data.strip_prefix(b":") {
            Some(value) => value.strip_prefix(b" ").unwrap_or(value),
            None if data.is_empty() => data,
            None => return,
        };
        if self.data.len() + value.len() >= MAX_EVENT_BYTES {
            self.is_over = true;
            return;
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
    }

    fn end_event(&mut self, found: &mut Vec<Vec<u8>>) {
        let data = std::mem::take(&mut self.data);
        let has_data = std::mem::take(&mut self.has_data);
        if std::mem::take(&mut self.is_over) {
            self.is_cut = true;
        } else if has_data {
            found.push(data);
        }
    }
}
