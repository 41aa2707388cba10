//! Every limit of this crate, with its unit.

use std::time::Duration;

/// How long a name may take to be resolved: the system asks its second name server after 5 s (resolv.conf(5), `timeout`).
pub const LOOKUP_LIMIT: Duration = Duration::from_secs(7);
/// How long one TCP connection may take, over all of a name's addresses.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A name's next address is tried after this time, while the one before is still being tried (RFC 8305, 5).
pub(crate) const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// How many addresses of one name are tried.
pub(crate) const ADDRESSES_MAX: usize = 8;

/// How long the SSH handshake may take, from the first byte to the checked host key.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// How long the log-in may take; PAM holds a wrong password back for some seconds.
pub const LOGIN_LIMIT: Duration = Duration::from_secs(15);
/// How many questions a server may ask in a keyboard-interactive log-in.
pub(crate) const LOGIN_ROUNDS_MAX: u32 = 4;
/// How much of a server's first bytes is kept to be quoted, in bytes.
pub(crate) const GREETING_MAX_BYTES: usize = 256;
/// How much of a server's words is quoted, in characters.
pub(crate) const QUOTE_MAX_CHARS: usize = 200;

/// A silent connection is asked for a sign of life after this time.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// So many unanswered questions end the connection.
pub const KEEPALIVE_MAX: usize = 3;

/// How many connections the console holds at once, over all machines.
pub const CONNECTIONS_MAX: usize = 2048;
/// How many handshakes run at once: each costs the console some milliseconds of arithmetic.
pub const HANDSHAKES_MAX: usize = 32;
/// How long a caller waits for a place among the handshakes, or for the same machine's dial by another caller.
pub const DIAL_WAIT: Duration = Duration::from_secs(40);

/// The first wait after a failed dial.
pub const BACK_OFF_FIRST_S: i64 = 1;
/// The longest wait after failed dials.
pub const BACK_OFF_MAX_S: i64 = 3 * 60;

/// How many commands run at once on one connection.
///
/// OpenSSH allows ten sessions on a connection (`MaxSessions`): four commands, four followers and the sweep shell leave one.
pub const RUN_CHANNELS_MAX: usize = 4;
/// How many followers run at once on one connection.
pub const FOLLOW_CHANNELS_MAX: usize = 4;
/// How long a command waits for its place.
pub const CHANNEL_WAIT: Duration = Duration::from_secs(30);
/// How long the node may take to open a channel.
pub const CHANNEL_OPEN_LIMIT: Duration = Duration::from_secs(10);
/// How long a closed channel waits for the node's own close before its place is given to another.
pub(crate) const CLOSE_WAIT: Duration = Duration::from_secs(5);
/// How long a sweep waits for the one before.
pub const SWEEP_WAIT: Duration = Duration::from_secs(30);
/// The console's own limit is so much above the node's `timeout`, in seconds: `-k 2`, and one for the way.
pub const RUN_GRACE_S: u32 = 3;

/// The longest chunk of a followed command, in bytes.
pub const STREAM_CHUNK_MAX_BYTES: usize = 16 * 1024;
/// How many chunks wait for a slow reader before its stream is closed.
pub const STREAM_CHUNKS_MAX: usize = 256;

/// How much a node may send on one channel before it is read, in bytes.
pub(crate) const WINDOW_BYTES: u32 = 1 << 20;
/// How many messages of one channel wait to be read.
pub(crate) const CHANNEL_MESSAGES_MAX: usize = 64;
