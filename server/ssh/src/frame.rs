//! Where one command's output ends in the sweep shell's streams; pure.
//!
//! The shell prints, after each command, `\nMARKER CODE\n` on standard output and `\nMARKER\n` on standard error.
//! The marker is unguessable, so nothing that a command prints can be taken for it.

/// Looks for `\nMARKER` up to its line's end.
#[derive(Debug)]
pub(crate) struct Frame {
    needle: Vec<u8>,
    /// Everything before this was searched already.
    searched: usize,
}

/// A complete frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The output's length; the line break that the shell put before the marker is not part of it.
    pub(crate) output_len: usize,
    /// The rest of the marker's line, without the line break.
    pub(crate) rest: Vec<u8>,
    /// Where the next command's output begins.
    pub(crate) next: usize,
}

impl Frame {
    pub(crate) fn new(marker: &str) -> Self {
        Self { needle: format!("\n{marker}").into_bytes(), searched: 0 }
    }

    /// The frame, once the buffer holds all of it.
    pub(crate) fn find(&mut self, buffer: &[u8]) -> Option<Found> {
        let unseen = buffer.get(self.searched..)?;
        let Some(at) = unseen.windows(self.needle.len()).position(|window| window == self.needle) else {
            // The needle may begin in the last bytes.
            self.searched = buffer.len().saturating_sub(self.needle.len());
            return None;
        };
        let output_len = self.searched.saturating_add(at);
        self.searched = output_len;
        let after = output_len.saturating_add(self.needle.len());
        let line = buffer.get(after..)?;
        let length = line.iter().position(|byte| *byte == b'\n')?;
        Some(Found {
            output_len,
            rest: line.get(..length)?.to_vec(),
            next: after.saturating_add(length).saturating_add(1),
        })
    }
}

/// Reads ` CODE` of the marker's line.
pub(crate) fn exit_code(rest: &[u8]) -> Option<i32> {
    std::str::from_utf8(rest.strip_prefix(b" ")?).ok()?.parse().ok().filter(|code| (0..=255).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: &str = "q-00112233445566778899aabbccddeeff";

    fn all_at_once(text: &str) -> Option<Found> {
        Frame::new(MARKER).find(text.as_bytes())
    }

    #[test]
    fn output_is_kept_to_the_byte() {
        for output in ["", "pve1", "pve1\n", "\n\n", "q-\nq-0011\n", "\nq-00112233445566778899aabbccddeef"] {
            let found = all_at_once(&format!("{output}\n{MARKER} 124\n")).expect("complete");
            assert_eq!(found.output_len, output.len(), "{output:?}");
            assert_eq!(exit_code(&found.rest), Some(124));
            assert_eq!(found.next, output.len() + MARKER.len() + 6);
        }
    }

    #[test]
    fn a_frame_is_found_byte_by_byte_and_never_early() {
        let text = format!("one\nq-\ntwo\n{MARKER} 0\n");
        let mut frame = Frame::new(MARKER);
        for end in 0..text.len() {
            assert_eq!(frame.find(&text.as_bytes()[..end]), None, "after {end} bytes");
        }
        let found = frame.find(text.as_bytes()).expect("complete");
        assert_eq!(&text[..found.output_len], "one\nq-\ntwo");
        assert_eq!(found.next, text.len());
    }

    #[test]
    fn only_an_exit_code_is_an_exit_code() {
        assert_eq!(exit_code(b" 0"), Some(0));
        for bad in ["", "0", " ", " x", " -1", " 256", "  1", " 1 "] {
            assert_eq!(exit_code(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
