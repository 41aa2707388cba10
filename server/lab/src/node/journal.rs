//! What the daemons of a node write to its journal.

/// Most entries kept per node; older ones are dropped.
const ENTRIES_MAX: usize = 5_000;

#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// `corosync.service`, `pve-cluster.service` or another unit.
    pub(crate) unit: &'static str,
    pub(crate) identifier: &'static str,
    pub(crate) pid: u32,
    pub(crate) message: String,
    /// Microseconds since 1970 on the node's own clock.
    pub(crate) time_us: i64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Journal {
    lines: std::collections::VecDeque<Line>,
    dropped: u64,
}

impl Journal {
    pub(crate) fn push(&mut self, line: Line) {
        if self.lines.len() >= ENTRIES_MAX {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }

    /// Sequence number that the next line will get.
    pub(crate) fn next(&self) -> u64 {
        self.dropped + u64::try_from(self.lines.len()).unwrap_or(0)
    }

    /// Lines with their sequence numbers, from `first` on.
    pub(crate) fn since(&self, first: u64) -> Vec<(u64, Line)> {
        let skip = usize::try_from(first.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
        let start = self.dropped.max(first);
        (start..).zip(self.lines.iter().skip(skip).cloned()).collect()
    }
}
