//! Every wait, queue and retry of the engine, with its unit.

use std::time::Duration;

/// Between two looks while waiting for a state (a proof, a unit's end).
pub const POLL_PAUSE: Duration = Duration::from_millis(400);
/// How long the members' configurations may differ before a join, while pmxcfs writes the last change beside corosync.
pub const CONFIGURATION_SETTLES: Duration = Duration::from_secs(10);
/// Between two looks at a watched node's files in `/etc/pve` (`.members`, `.version`, `.vmlist`).
pub const FILES_PAUSE: Duration = Duration::from_secs(5);
/// Between two looks with corosync's own tools: a sweep.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(10);
/// Between two looks at versions.
pub const SLOW_PAUSE: Duration = Duration::from_secs(600);
/// After an event, before the sweep that it brings forward: further events fall into the same one.
pub const SWEEP_COALESCE: Duration = Duration::from_millis(150);
/// Between two sweeps that events bring forward: a node that chatters is not asked all the time.
pub const WOKEN_PAUSE: Duration = Duration::from_secs(1);
/// Sweeps in a row without an answer, although the connection stands, until the node counts as lost.
pub const MUTE_SWEEPS_MAX: u32 = 3;
/// Sweeps that run at once, over all clusters.
pub const SWEEPS_AT_ONCE_MAX: usize = 64;
/// Of nodes whose last sweep ran into a limit: they wait for each other, and nobody for them.
pub const HANGING_SWEEPS_AT_ONCE_MAX: usize = 16;
/// What one follower may send in [`FOLLOW_BUDGET_WINDOW`], in bytes; a node that sends more floods, and its follower is ended.
pub const FOLLOW_BUDGET_BYTES: usize = 256 * 1024;
/// The time that the budget is for.
pub const FOLLOW_BUDGET_WINDOW: Duration = Duration::from_secs(10);
/// After a follower ended by itself, before the next try; doubled after each flood.
pub const FOLLOW_RETRY_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause after floods.
pub const FOLLOW_RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// A connection that came or went so often within [`FLAP_WINDOW`] flaps.
pub const FLAP_CHANGES: usize = 3;
/// The time in which the changes are counted.
pub const FLAP_WINDOW: Duration = Duration::from_secs(60);
/// A flapping connection has to last so long before it is shown as standing.
pub const FLAP_HOLD: Duration = Duration::from_secs(30);
/// Between two tries to reach a machine earlier because its peers see it again.
pub const HURRY_PAUSE: Duration = Duration::from_secs(10);
/// After a failed dial; the dialer itself backs off further.
pub const DIAL_RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Between two snapshots that are sent: twenty a second.
pub const SEND_PAUSE: Duration = Duration::from_millis(50);
/// Between two snapshots that differ in the times of their facts alone.
pub const REPEAT_PAUSE: Duration = Duration::from_secs(1);
/// Live events kept for browsers that are a little behind.
pub const LIVE_BACKLOG: usize = 512;
/// Operations' events and lines kept per cluster for browsers that were cut off.
pub const REPLAY_MAX: usize = 512;
/// What a node may take for one round of the prerequisites; where every command hangs, each has a limit of its own, and
/// together they would take minutes. After a round that took so long no other is begun.
pub const ROUND_MAX: Duration = Duration::from_secs(30);
/// Between two looks whether there is a first verdict.
pub const CHECKS_FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Between two states of the matrix that are sent while it fills.
pub const CHECKS_SEND_PAUSE: Duration = Duration::from_millis(250);
/// Between two states of the measured links that are sent while nodes answer.
pub const MEASURE_SEND_PAUSE: Duration = Duration::from_millis(250);
/// The window in which all nodes run their end of the port probe, in seconds.
pub const PROBE_WINDOW_S: u8 = 4;
/// How long a node may take to reach the QDevice's host, in seconds.
pub const QNETD_KNOCK_S: u8 = 3;
/// Lines of one output that are kept as evidence on screen.
pub const EVIDENCE_LINES_MAX: usize = 60;
/// Text of one output that is kept behind what was shown, in bytes.
pub const EVIDENCE_MAX_BYTES: usize = 64 * 1024;
/// Answers that wait to be kept; beyond it the oldest is dropped.
pub const EVIDENCE_QUEUE_MAX: usize = 1_024;
/// Answers that are kept in one transaction.
pub const EVIDENCE_BATCH_MAX: usize = 256;
/// The longest that an answer waits to be kept.
pub const EVIDENCE_FLUSH_PAUSE: Duration = Duration::from_secs(2);
/// Output of one command that goes into the audit, in bytes.
pub const AUDIT_OUTPUT_MAX_BYTES: usize = 16 * 1024;
/// Who heard nothing of the absent nodes, in the entry before `pvecm expected`, in characters.
pub const AUDIT_SILENCE_MAX_CHARS: usize = 4_000;
/// Lines of a running step that are kept, per operation.
pub const OUTPUT_LINES_MAX: u64 = 20_000;
/// A machine that has to refuse the console's key, and does not open its door at all, is knocked at for this long.
pub const KNOCK_FOR: Duration = Duration::from_secs(30);
/// An operation of the console itself waits this long for the cluster's place.
pub const PLACE_WAIT: Duration = Duration::from_secs(15);
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
/// Tries to end or pause an operation whose state people change at the same time.
pub const STATE_TRIES: u32 = 10;
/// No command that is not a unit has a longer limit of its own on its node, in seconds.
pub const COMMAND_LIMIT_MAX_S: u32 = 120;
/// From the loss of the quorum until every watchdog of that moment has run out, with a margin, in seconds.
pub const FENCE_WINDOW_S: i64 = 75;
/// Between two tries to park an operation whose journal could not be written.
pub const STUCK_PAUSE: Duration = Duration::from_secs(5);
/// Tries: an hour.
pub const STUCK_TRIES: u32 = 720;
/// Resumptions of one operation that are looked through for the last person among them.
pub const RESUMES_MAX: u32 = 100;
/// Commands of one operation that are looked through for one step's, newest first.
pub const COMMANDS_MAX: u32 = 100;
/// After a unit's own time limit, before it surely has ended: its kill, and clocks that differ. In seconds.
pub const UNIT_OVER_MARGIN_S: i64 = 120;
/// How often the audit says in one entry per cluster what was watched.
pub const WATCH_SUMMARY: Duration = Duration::from_secs(3_600);
/// Between two looks whether a checkpoint of the audit is due.
pub const CHECKPOINT_LOOK: Duration = Duration::from_secs(5);
/// Entries after which a checkpoint is due.
pub const CHECKPOINT_ENTRIES: u64 = 100;
/// Time after which one is due when there is anything new.
pub const CHECKPOINT_AGE: Duration = Duration::from_secs(600);
/// Between two times that the whole audit is read again while the console runs.
pub const AUDIT_REREAD: Duration = Duration::from_secs(3_600);
/// How long a node knocks at the addresses of one that is absent, in seconds.
pub const RECOVERY_PROBE_S: u8 = 3;
/// Between two looks whether votes that were lowered have risen again.
pub const LOWERED_LOOK: Duration = Duration::from_secs(5);
/// Votes that are still lowered after so long are said so in the audit.
pub const LOWERED_ALARM: Duration = Duration::from_secs(3_600);
/// So long nobody has to have seen the votes of a side, before it is said that nobody can: a connection may come and go.
pub const LOWERED_BLIND: Duration = Duration::from_secs(60);
/// Operations that lowered votes, newest first, that are looked at.
pub const LOWERED_MAX: u32 = 50;
/// Pages of that many entries that are looked through for them.
pub const LOWERED_PAGES_MAX: u32 = 20;
/// Between two answers of a BMC that has said off: a machine that restarts is off for a moment too.
pub const BMC_TWICE_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at a power that has to change.
pub const BMC_POLL_PAUSE: Duration = Duration::from_secs(2);
/// So long a service that was told to restart before the console ended may be away before it is told again.
pub const RESTART_SETTLES: Duration = Duration::from_secs(10);
/// Runs of `pvecm expected` on one page of the answer who ran it.
pub const LOWERINGS_PAGE: u32 = 20;
/// Entries of one run that are put together, the newest of all and the newest of each code that tells of the votes; one that was
/// resumed a hundred times has about five hundred.
pub const LOWERING_ENTRIES_MAX: u32 = 500;
/// Open requests of one person on one cluster; who asks for one more is refused.
pub const REQUESTS_OWN_MAX: u32 = 10;
/// So long a console looks at the nodes before it says that what an operation was agreed to on is not as it was, or cannot be told.
pub const FACTS_LOOK: Duration = Duration::from_secs(20);
/// Between two looks whether a countdown is over.
pub const COUNTDOWN_LOOK: Duration = Duration::from_millis(250);
/// How often requests whose time is over are written down as such (what counts is the time itself, not this), and
/// clusters are protected that have guests by now.
pub const AGREEMENTS_PAUSE: Duration = Duration::from_secs(15);
/// So long chrony may look for a time source before the clock is told to step, and so long again until it is right.
pub const CLOCK_SYNC_WAIT: Duration = Duration::from_secs(10);
/// Operations of one cluster that a withdrawal looks through for copies that they have kept, newest first.
pub const OPERATIONS_SEARCHED: u32 = 1_000;
/// Between two looks whether there is a message to make or to send.
pub const NOTICE_LOOK: Duration = Duration::from_secs(1);
/// Entries that are looked through in one transaction, and messages that are sent to one place at one look.
pub const NOTICE_BATCH: u64 = 200;
/// So long a place may take for one message.
pub const NOTICE_TRY_LIMIT: Duration = Duration::from_secs(15);
/// After the first try that failed; doubled after each further one.
pub const NOTICE_RETRY_FIRST: Duration = Duration::from_secs(5);
/// The longest pause between two tries.
pub const NOTICE_RETRY_MAX: Duration = Duration::from_secs(900);
/// Tries in a row that fail, until it is an outage that people are told of.
pub const NOTICE_OUTAGE_TRIES: u32 = 3;
/// So long a message is tried, and of what is older none is made: a request waits no longer either.
pub const NOTICE_KEEP: Duration = Duration::from_secs(24 * 3_600);
/// Messages that wait for one place; beyond it the oldest are given up.
pub const NOTICES_MAX: u32 = 10_000;
/// What a place said of its refusal, in characters.
pub const NOTICE_ERROR_MAX_CHARS: usize = 300;
