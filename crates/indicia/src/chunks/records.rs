//! JSON documents that are written over many lines, as one line a record.
//!
//! The ends of lines inside an object become form feeds, which JSON has nowhere and which readers of fields pass over: so
//! what belongs together stands in one line, no offset changes, and lines can still be counted. Elements of an array that
//! stands in no object stay apart.

/// What the end of a line becomes.
pub(super) const JOINED: u8 = b'\x0c';

/// Where in a document a stream is.
#[derive(Debug, Default)]
pub(super) struct Records {
    state: State,
    /// Ends of lines were replaced.
    joined: bool,
}

#[derive(Debug, Default)]
enum State {
    /// Not told yet: nothing but white space was seen.
    #[default]
    Unknown,
    /// Lines are records as they stand.
    Lines,
    /// Inside a value that may go on in the next line.
    Document(Document),
}

#[derive(Debug, Default)]
struct Document {
    objects: usize,
    arrays: usize,
    in_string: bool,
    escaped: bool,
}

impl Records {
    /// Joins the lines of what comes next in the stream.
    pub(super) fn join(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        if matches!(self.state, State::Unknown) {
            let Some(first) = rest.iter().position(|b| !b.is_ascii_whitespace()) else { return };
            self.state = match rest[first] {
                b'{' | b'[' => State::Document(Document::default()),
                _ => State::Lines,
            };
            rest = &mut rest[first..];
        }
        // A line that holds its whole value is a record, and so are those that follow.
        if let State::Document(document) = &mut self.state
            && !document.join(rest, &mut self.joined)
        {
            self.state = State::Lines;
        }
    }

    /// Whether ends of lines were joined.
    pub(super) fn are_joined(&self) -> bool {
        self.joined
    }
}

impl Document {
    /// `false` where it is none: a line ends in a string, or outside of everything.
    fn join(&mut self, bytes: &mut [u8], joined: &mut bool) -> bool {
        for byte in bytes {
            match (*byte, self.in_string) {
                (b'\n', true) => return false,
                (_, true) if self.escaped => self.escaped = false,
                (b'\\', true) => self.escaped = true,
                (b'"', _) => self.in_string = !self.in_string,
                (_, true) => {}
                (b'{', _) => self.objects += 1,
                (b'}', _) => self.objects = self.objects.saturating_sub(1),
                (b'[', _) => self.arrays += 1,
                (b']', _) => self.arrays = self.arrays.saturating_sub(1),
                (b'\n', _) if self.objects > 0 => (*byte, *joined) = (JOINED, true),
                (b'\n', _) if self.arrays == 0 => return false,
                _ => {}
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_object_are_joined() {
        for (text, joined) in [
            ("{\"a\": 1,\n \"b\": [\n{}]}\nrest\n", "{\"a\": 1,~ \"b\": [~{}]}\nrest\n"),
            ("[\n {\n \"a\": \"{\\\"\"\n },\n {}\n]\n", "[\n {~ \"a\": \"{\\\"\"~ },\n {}\n]\n"),
            (" \n{\"a\":1}\n{\"b\":\n2}\n", " \n{\"a\":1}\n{\"b\":\n2}\n"),
            ("#fields {\n}\n", "#fields {\n}\n"),
            ("{\"a\n\": \n1}", "{\"a\n\": \n1}"),
        ] {
            for size in [1, 3, 100] {
                let mut bytes = text.as_bytes().to_vec();
                let mut records = Records::default();
                bytes.chunks_mut(size).for_each(|piece| records.join(piece));
                let shown = String::from_utf8(bytes).unwrap().replace('\x0c', "~");
                assert_eq!(shown, joined, "{size}");
            }
        }
    }
}
