//! Every wait, queue and retry of the engine, with its unit.

use std::time::Duration;

/// Between two looks while waiting for a state (a proof, a unit's end).
pub const POLL_PAUSE: Duration = Duration::from_millis(400);
/// Between two sweeps of a node that is watched (`decisions.md`, freshness).
pub const SWEEP_PAUSE: Duration = Duration::from_secs(10);
/// After an event, before the sweep that it brings forward: further events fall into the same one.
pub const SWEEP_COALESCE: Duration = Duration::from_millis(150);
/// After a follower ended by itself, before the next try.
pub const FOLLOW_RETRY_PAUSE: Duration = Duration::from_secs(5);
/// After a failed dial; the dialer itself backs off further.
pub const DIAL_RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Live events kept for browsers that are a little behind.
pub const LIVE_BACKLOG: usize = 512;
/// The window in which all nodes run their end of the port probe, in seconds.
pub const PROBE_WINDOW_S: u8 = 4;
/// Looks at a node's clock; the one with the shortest way counts.
pub const CLOCK_SAMPLES: usize = 3;
/// Lines of one output that are kept as evidence on screen.
pub const EVIDENCE_LINES_MAX: usize = 60;
/// Output of one command that goes into the audit, in bytes.
pub const AUDIT_OUTPUT_MAX_BYTES: usize = 16 * 1024;
/// Lines of a running step that are kept, per operation.
pub const OUTPUT_LINES_MAX: u64 = 20_000;
/// A lost connection in the middle of a step is dialled again for this long.
pub const REDIAL_FOR: Duration = Duration::from_secs(60);
/// Looks for a unit whose start was cut off, one every `POLL_PAUSE`.
pub const LATE_START_LOOKS: u32 = 8;
/// The first bytes of what a unit printed that are kept in memory, per stream.
pub const PRINTED_HEAD_MAX_BYTES: usize = 128 * 1024;
/// The last bytes of it that are kept beside them, per stream.
pub const PRINTED_TAIL_MAX_BYTES: usize = 128 * 1024;
/// The longest line of it that waits for its end before it is shown, in bytes.
pub const PRINTED_LINE_MAX_BYTES: usize = 16 * 1024;
/// Tries to save a draft that people change at the same time.
pub const DRAFT_TRIES: u32 = 5;
/// Resumptions of one operation that are looked through for the last person among them.
pub const RESUMES_MAX: u32 = 100;
/// After a unit's own time limit, before it surely has ended: its kill, and clocks that differ. In seconds.
pub const UNIT_OVER_MARGIN_S: i64 = 120;
