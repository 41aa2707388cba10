//! Warnings that a person has seen, and goes on with: who, when, why. Kept with the draft, then with the plan.

use super::{Cell, CheckId, FindingCode, Matrix, Verdict};
use crate::ids::NodeId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The shortest reason, in characters without the blanks around it.
pub const REASON_MIN_CHARS: usize = 5;
/// The longest reason, in characters.
pub const REASON_MAX_CHARS: usize = 500;

/// One warning that somebody answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    pub check: CheckId,
    pub node: NodeId,
    /// What the cell said then; a warning of another kind needs another look.
    pub codes: BTreeSet<FindingCode>,
    pub reason: String,
    pub by: String,
    pub at: Timestamp,
}

impl Acknowledgement {
    /// True for the same check on the same node with nothing new in it; numbers may have changed.
    #[must_use]
    pub fn covers(&self, cell: &Cell) -> bool {
        self.check == cell.check && self.node == cell.node && codes(cell).is_subset(&self.codes)
    }
}

/// What a cell says.
#[must_use]
pub fn codes(cell: &Cell) -> BTreeSet<FindingCode> {
    cell.findings.iter().map(|finding| finding.code).collect()
}

impl Matrix {
    /// The warnings that nobody answers for yet.
    pub fn unacknowledged<'a>(&'a self, known: &'a [Acknowledgement]) -> impl Iterator<Item = &'a Cell> {
        let open = move |cell: &&Cell| !known.iter().any(|one| one.covers(cell));
        self.cells.iter().filter(|cell| cell.verdict == Verdict::Warn).filter(open)
    }

    /// The cells without the raw answers of those that passed: a page asks for them when somebody opens one.
    #[must_use]
    pub fn for_page(&self) -> Self {
        let mut page = self.clone();
        for cell in page.cells.iter_mut().filter(|cell| matches!(cell.verdict, Verdict::Pass | Verdict::Skipped)) {
            cell.evidence.clear();
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::id;
    use crate::preflight::Finding;

    fn cell(code: FindingCode) -> Cell {
        Cell {
            check: CheckId::Memory,
            node: id(1),
            verdict: Verdict::Warn,
            brief: None,
            findings: vec![Finding::new(code).with("mebibytes", 900)],
            evidence: Vec::new(),
        }
    }

    fn seen(code: FindingCode) -> Acknowledgement {
        let at = Timestamp::UNIX_EPOCH;
        let codes = [code].into();
        Acknowledgement {
            check: CheckId::Memory,
            node: id(1),
            codes,
            reason: "small lab".into(),
            by: "anna".into(),
            at,
        }
    }

    #[test]
    fn the_same_warning_is_covered_and_another_one_is_not() {
        let matrix = Matrix {
            started_at: Timestamp::UNIX_EPOCH,
            finished_at: None,
            nodes: Vec::new(),
            cells: vec![cell(FindingCode::MemoryLow)],
        };
        assert_eq!(matrix.unacknowledged(&[]).count(), 1);
        assert_eq!(matrix.unacknowledged(&[seen(FindingCode::MemoryLow)]).count(), 0);
        assert_eq!(matrix.unacknowledged(&[seen(FindingCode::IoStalls)]).count(), 1);
        let elsewhere = Acknowledgement { node: id(2), ..seen(FindingCode::MemoryLow) };
        assert_eq!(matrix.unacknowledged(&[elsewhere]).count(), 1);
    }
}
