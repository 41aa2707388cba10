//! Cuts the output of `journalctl -f -o json` into entries as it arrives.

use super::{JournalEntry, LINE_MAX_BYTES, WHAT, entry};
use crate::error::{ParseError, Reason};

/// Takes bytes in any pieces, gives an entry for each line.
#[derive(Debug, Default)]
pub struct LineReader {
    line: Vec<u8>,
    /// The rest of a line that was given up.
    skipping: bool,
}

impl LineReader {
    /// Adds what arrived; every line that is now complete comes back, readable or not.
    ///
    /// A line beyond 128 KiB is one error, and reading goes on at the next.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<JournalEntry, ParseError>> {
        let mut out = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = piece.strip_suffix(b"\n").map_or((piece, false), |text| (text, true));
            if !self.skipping {
                self.line.extend_from_slice(text);
                if self.line.len() > LINE_MAX_BYTES {
                    self.line.clear();
                    self.skipping = true;
                    out.push(Err(ParseError::new(WHAT, Reason::TooLong { max_bytes: LINE_MAX_BYTES })));
                }
            }
            if ends {
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.skipping) && !line.trim_ascii().is_empty() {
                    out.push(entry(&line));
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1000000","MESSAGE":"link: host: 3 link: 1 is down"}"#;

    #[test]
    fn lines_come_in_any_pieces_and_a_bad_one_is_not_the_end() {
        let text = format!("{GOOD}\n\nno JSON at all\n{GOOD}\n{{\"half");
        for size in [1, 7, 64, 4096] {
            let mut reader = LineReader::default();
            let told: Vec<bool> =
                text.as_bytes().chunks(size).flat_map(|piece| reader.push(piece)).map(|entry| entry.is_ok()).collect();
            assert_eq!(told, [true, false, true], "in pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_one_error_and_bounded() {
        let mut reader = LineReader::default();
        let mut errors = 0;
        for _ in 0..64 {
            errors += reader.push(&[b'x'; 16 * 1024]).len();
            assert!(reader.line.len() <= LINE_MAX_BYTES);
        }
        assert_eq!(errors, 1);
        let after = reader.push(format!("\n{GOOD}\n").as_bytes());
        assert_eq!(after.iter().map(Result::is_ok).collect::<Vec<_>>(), [true]);
    }
}
