//! Cuts the output of `corosync-quorumtool -m` into blocks as it arrives.

use super::{BLOCK_HEAD, WHAT, is_table_head, read_status};
use crate::error::{ParseError, Reason};
use model::facts::QuorumStatus;

/// The longest block, in bytes; more without an end is not what corosync prints.
const BLOCK_MAX_BYTES: usize = 1 << 16;

/// Takes bytes in any pieces, gives whole blocks.
///
/// A block ends with the blank line behind its table of members, so it is there as soon as corosync has printed it.
#[derive(Debug, Default)]
pub struct BlockReader {
    line: Vec<u8>,
    block: String,
    in_block: bool,
    in_table: bool,
}

impl BlockReader {
    /// Adds what arrived; every block that is now complete comes back, readable or not.
    ///
    /// Lines outside of a block are skipped; a block beyond 64 KiB is one error, and reading goes on at the next.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Result<QuorumStatus, ParseError>> {
        self.push_with_text(bytes).into_iter().map(|(_, status)| status).collect()
    }

    /// As [`Self::push`], each with its text as it was printed; one that was given up has none.
    pub fn push_with_text(&mut self, bytes: &[u8]) -> Vec<(String, Result<QuorumStatus, ParseError>)> {
        let mut out = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() + self.block.len() > BLOCK_MAX_BYTES {
                    out.push((String::new(), Err(self.give_up())));
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if let Some(status) = self.take_line(&String::from_utf8_lossy(&line)) {
                out.push(status);
            }
        }
        out
    }

    fn take_line(&mut self, line: &str) -> Option<(String, Result<QuorumStatus, ParseError>)> {
        let mut done = None;
        if line.trim_end() == BLOCK_HEAD {
            // A head inside of a block: the one before was cut off.
            if self.in_block {
                done = Some(self.finish());
            }
            self.in_block = true;
        } else if self.in_table && line.trim().is_empty() {
            return Some(self.finish());
        }
        if self.in_block {
            self.in_table = self.in_table || is_table_head(line);
            self.block.push_str(line);
            self.block.push('\n');
        }
        done
    }

    fn finish(&mut self) -> (String, Result<QuorumStatus, ParseError>) {
        let block = self.reset();
        let status = read_status(&block);
        (block, status)
    }

    fn give_up(&mut self) -> ParseError {
        self.reset();
        ParseError::new(WHAT, Reason::TooLong { max_bytes: BLOCK_MAX_BYTES })
    }

    fn reset(&mut self) -> String {
        self.in_block = false;
        self.in_table = false;
        self.line.clear();
        std::mem::take(&mut self.block)
    }
}
