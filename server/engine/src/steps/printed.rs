//! What a unit prints: shown line by line, kept for the reader of its outcome, and bounded, because a node may print
//! without end.

use super::{StepContext, StepResult, Stop};
use crate::evidence::answer;
use crate::limits::{PRINTED_HEAD_MAX_BYTES, PRINTED_LINE_MAX_BYTES, PRINTED_TAIL_MAX_BYTES};
use crate::ports::Output;
use model::inventory::Node;
use model::problem::ProblemCode;
use pve::unit::{self, UnitName};

/// Both streams of a unit.
pub struct Printed {
    stdout: Kept,
    stderr: Kept,
    next_seq: u64,
}

impl Printed {
    pub async fn new(context: &StepContext<'_>) -> Self {
        let last = context.engine.store.output_of(context.operation.id, 0, u32::MAX).await.ok();
        let next_seq = last.and_then(|lines| lines.last().map(|line| line.seq)).unwrap_or(0);
        Self { stdout: Kept::default(), stderr: Kept::default(), next_seq }
    }

    /// Reads and shows what is new.
    pub async fn fetch(&mut self, context: &StepContext<'_>, node: &Node, unit: &UnitName) -> StepResult<()> {
        for (which, error) in [(unit::Output::Stdout, false), (unit::Output::Stderr, true)] {
            let have = if error { &mut self.stderr } else { &mut self.stdout };
            if have.flooded {
                continue;
            }
            match context.read(node, &unit::read_output(unit, which, have.read)).await {
                Ok(output) => have.push(&unit::new_output(answer(&output)).unwrap_or_default()),
                // It prints faster than anybody can read; its last words are fetched when it has ended.
                Err(Stop::Failed(problem) | Stop::Parked(problem)) if problem.code == ProblemCode::OutputTooLong => {
                    have.flooded = true;
                }
                Err(stop) => return Err(stop),
            }
        }
        self.show(context).await;
        Ok(())
    }

    /// The whole output of a unit that has ended.
    pub async fn end(
        mut self,
        context: &StepContext<'_>,
        node: &Node,
        unit: &UnitName,
        code: i32,
    ) -> StepResult<Output> {
        for (which, error) in [(unit::Output::Stdout, false), (unit::Output::Stderr, true)] {
            let have = if error { &mut self.stderr } else { &mut self.stdout };
            if have.flooded {
                let output = context.read(node, &unit::read_last_output(unit, which)).await?;
                have.push(&unit::new_output(answer(&output)).unwrap_or_default());
            }
            have.close();
        }
        self.show(context).await;
        let at = context.engine.clock.now();
        Ok(Output { stdout: self.stdout.whole(), stderr: self.stderr.whole(), exit: Some(code), at, millis: 0 })
    }

    async fn show(&mut self, context: &StepContext<'_>) {
        let mut lines = Vec::new();
        for (have, error) in [(&mut self.stdout, false), (&mut self.stderr, true)] {
            lines.extend(have.lines.drain(..).map(|line| (error, line)));
        }
        if !lines.is_empty() {
            context.print(lines, &mut self.next_seq).await;
        }
    }
}

/// One stream: its beginning, its end, and how much was left out between.
#[derive(Debug, Default)]
struct Kept {
    /// Bytes read from the file, kept or not.
    read: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    cut: u64,
    /// More came at once than one look may bring: only the end is read.
    flooded: bool,
    /// The beginning of a line whose end has not come.
    half: Vec<u8>,
    /// Whole lines that were not shown yet.
    lines: Vec<String>,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        self.read = self.read.saturating_add(bytes.len() as u64);
        let room = PRINTED_HEAD_MAX_BYTES.saturating_sub(self.head.len());
        let (first, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        let over = self.tail.len().saturating_sub(PRINTED_TAIL_MAX_BYTES);
        self.tail.drain(..over);
        self.cut = self.cut.saturating_add(over as u64);
        self.split(bytes);
    }

    /// Whole lines only, until the end; one without an end is shown in pieces.
    fn split(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(PRINTED_LINE_MAX_BYTES) {
                self.half.extend_from_slice(part);
                if self.half.ends_with(b"\n") || self.half.len() >= PRINTED_LINE_MAX_BYTES {
                    self.flush();
                }
            }
        }
    }

    fn flush(&mut self) {
        let text = String::from_utf8_lossy(&self.half).into_owned();
        self.lines.extend(text.lines().map(str::to_owned));
        self.half.clear();
    }

    fn close(&mut self) {
        self.flush();
        if let Some(note) = self.note() {
            self.lines.push(note);
        }
    }

    fn note(&self) -> Option<String> {
        match (self.flooded, self.cut) {
            (true, _) => Some("[… more was printed than can be read …]".to_owned()),
            (false, 0) => None,
            (false, cut) => Some(format!("[… {cut} bytes are left out …]")),
        }
    }

    /// The beginning, how much is left out, and the end from a line's beginning on.
    fn whole(self) -> Vec<u8> {
        let Some(note) = self.note() else { return [self.head, self.tail].concat() };
        let from = self.tail.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let end = self.tail.get(from..).unwrap_or_default();
        [self.head.as_slice(), b"\n", note.as_bytes(), b"\n", end].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_kept_as_it_came() {
        let mut kept = Kept::default();
        for bytes in [&b"one\ntw"[..], b"o\nthree"] {
            kept.push(bytes);
        }
        assert_eq!(kept.lines, ["one", "two"]);
        kept.close();
        assert_eq!(kept.lines, ["one", "two", "three"]);
        assert_eq!(kept.read, 13);
        assert_eq!(kept.whole(), b"one\ntwo\nthree");
    }

    #[test]
    fn endless_output_keeps_its_two_ends_and_says_what_is_left_out() {
        let mut kept = Kept::default();
        let mut sent = 0u64;
        kept.push(b"the first words\n");
        for _ in 0..100 {
            let noise = vec![b'x'; 64 * 1024];
            sent += noise.len() as u64;
            kept.push(&noise);
            assert!(kept.head.len() <= PRINTED_HEAD_MAX_BYTES && kept.tail.len() <= PRINTED_TAIL_MAX_BYTES);
            assert!(kept.half.len() <= PRINTED_LINE_MAX_BYTES);
            kept.lines.clear();
        }
        kept.push(b"\nthe last words\n");
        kept.close();
        let cut = kept.cut;
        assert_eq!(cut, sent + 32 - (PRINTED_HEAD_MAX_BYTES + PRINTED_TAIL_MAX_BYTES) as u64);
        let text = String::from_utf8(kept.whole()).expect("text");
        assert!(text.starts_with("the first words\n"));
        assert!(
            text.ends_with(&format!("[… {cut} bytes are left out …]\nthe last words\n")),
            "{}",
            &text[text.len() - 99..]
        );
    }
}
