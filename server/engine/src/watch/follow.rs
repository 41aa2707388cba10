//! What a node tells by itself: blocks of `corosync-quorumtool -m`, and lines of the journal.

use super::counts::Counts;
use super::node::Watched;
use crate::evidence;
use crate::hub::Observed;
use crate::limits::{FOLLOW_BUDGET_BYTES, FOLLOW_BUDGET_WINDOW, FOLLOW_RETRY_PAUSE, FOLLOW_RETRY_PAUSE_MAX};
use crate::ports::{Chunk, OutputStream, Stream};
use jiff::Timestamp;
use model::observation::Fact;
use pve::CommandLine;
use pve::journal::{self, Cursor, LineReader};
use pve::quorumtool::{self, BlockReader};
use pve::systemd::Service;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Services whose journal lines bring the next look forward.
const JOURNAL_SERVICES: [Service; 5] =
    [Service::Corosync, Service::PveCluster, Service::PveHaCrm, Service::PveHaLrm, Service::WatchdogMux];

/// Every block of `corosync-quorumtool -m` is an observation of its own and shown at once.
pub async fn quorum(watched: &Watched<'_>) {
    let command = quorumtool::follow();
    let mut pauses = Pauses::default();
    while !watched.shell.is_closed() {
        let mut reader = BlockReader::default();
        let ended = follow(watched, &command, |bytes, at| {
            for (text, status) in reader.push_with_text(bytes) {
                let Ok(value) = status else { continue };
                watched.keep(evidence::block(watched.node.label(), &command, &text, at));
                let node = watched.node.label().to_owned();
                // One that contradicts itself says only that something happened.
                if value.adds_up() {
                    watched.observe(Observed::Block(Fact { value, node, command: command.display(), at }));
                }
                watched.wake.notify_one();
            }
        });
        let ended = ended.await;
        sleep(pauses.after(ended)).await;
    }
}

/// A journal line says that something happened; the look that follows says what is.
///
/// `cursor` is where the last line was: after a break the journal goes on from there.
pub async fn journal(watched: &Watched<'_>, cursor: &mut Option<Cursor>) {
    let mut pauses = Pauses::default();
    while !watched.shell.is_closed() {
        let from = cursor.take();
        let command = journal::follow(&JOURNAL_SERVICES, from.as_ref());
        let mut reader = LineReader::default();
        let ended = follow(watched, &command, |bytes, _| {
            for entry in reader.push(bytes) {
                match entry {
                    Ok(entry) => *cursor = entry.cursor.or_else(|| cursor.take()),
                    // The next line may be whole again.
                    Err(_) => Counts::add(&watched.engine.watchers.counts.bad_journal_lines),
                }
                watched.wake.notify_one();
            }
        });
        let ended = ended.await;
        // A journal that ends at once does not know the place any more.
        if cursor.is_none() && !ended.at_once() {
            *cursor = from;
        }
        sleep(pauses.after(ended)).await;
    }
}

/// How a follower came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ended {
    lasted: Duration,
    bytes: usize,
    flooded: bool,
}

impl Ended {
    const fn at_once(self) -> bool {
        self.bytes == 0 && self.lasted.as_secs() == 0
    }
}

/// Starts a follower and reads it to its end, or until it floods: dropping the stream ends it on the node.
async fn follow(watched: &Watched<'_>, command: &CommandLine, mut take: impl FnMut(&[u8], Timestamp)) -> Ended {
    let started = Instant::now();
    let mut ended = Ended { lasted: Duration::ZERO, bytes: 0, flooded: false };
    if let Ok(stream) = watched.shell.follow(command).await {
        read(stream, &mut ended, &mut take).await;
    }
    ended.lasted = started.elapsed();
    if ended.flooded {
        Counts::add(&watched.engine.watchers.counts.floods);
        tracing::warn!(node = watched.node.label(), command = %command, "watch.follow.flood");
    }
    if ended.bytes > 0 {
        // Its end says something too: corosync stopped, or its tool was ended.
        watched.wake.notify_one();
    }
    ended
}

async fn read(mut stream: OutputStream, ended: &mut Ended, take: &mut impl FnMut(&[u8], Timestamp)) {
    let mut budget = Budget::new(Instant::now());
    while let Some(chunk) = stream.chunks.recv().await {
        let Chunk::Data { stream, bytes, at } = chunk else { continue };
        ended.bytes = ended.bytes.saturating_add(bytes.len());
        if !budget.spend(bytes.len(), Instant::now()) {
            ended.flooded = true;
            return;
        }
        if stream == Stream::Stdout {
            take(&bytes, at);
        }
    }
}

/// Bytes that a follower may still send.
struct Budget {
    since: Instant,
    left: usize,
}

impl Budget {
    const fn new(now: Instant) -> Self {
        Self { since: now, left: FOLLOW_BUDGET_BYTES }
    }

    /// False once it is used up.
    fn spend(&mut self, bytes: usize, now: Instant) -> bool {
        if now.duration_since(self.since) >= FOLLOW_BUDGET_WINDOW {
            *self = Self::new(now);
        }
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

/// How long to wait before a follower is started again.
struct Pauses {
    next: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: FOLLOW_RETRY_PAUSE }
    }
}

impl Pauses {
    fn after(&mut self, ended: Ended) -> Duration {
        if !ended.flooded {
            // Only quiet time forgives: a node that floods again at once is not started over.
            if ended.lasted >= FOLLOW_RETRY_PAUSE_MAX {
                self.next = FOLLOW_RETRY_PAUSE;
            }
            return FOLLOW_RETRY_PAUSE;
        }
        let pause = self.next;
        self.next = self.next.saturating_mul(2).min(FOLLOW_RETRY_PAUSE_MAX);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_for_its_window() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert!(budget.spend(FOLLOW_BUDGET_BYTES, start));
        assert!(!budget.spend(1, start + FOLLOW_BUDGET_WINDOW / 2));
        assert!(budget.spend(FOLLOW_BUDGET_BYTES, start + FOLLOW_BUDGET_WINDOW));
    }

    #[test]
    fn floods_wait_longer_and_longer_and_quiet_time_forgives() {
        let flood = Ended { lasted: Duration::from_secs(1), bytes: 1, flooded: true };
        let mut pauses = Pauses::default();
        let waited: Vec<u64> = (0..6).map(|_| pauses.after(flood).as_secs()).collect();
        assert_eq!(waited, [5, 10, 20, 40, 60, 60]);
        let brief = Ended { flooded: false, ..flood };
        assert_eq!((pauses.after(brief).as_secs(), pauses.after(flood).as_secs()), (5, 60));
        pauses.after(Ended { lasted: FOLLOW_RETRY_PAUSE_MAX, ..brief });
        assert_eq!(pauses.after(flood).as_secs(), 5);
    }
}
