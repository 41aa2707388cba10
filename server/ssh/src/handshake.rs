//! From a stream of bytes to a checked host key; nothing of ours is sent before the key is known.

use crate::connect::AsyncReadWrite;
use crate::limits::{
    CHANNEL_MESSAGES_MAX, HANDSHAKE_LIMIT, KEEPALIVE_INTERVAL, KEEPALIVE_MAX, QUOTE_MAX_CHARS, WINDOW_BYTES,
};
use crate::pin::{host_key, wanted};
use crate::refusals::Refusals;
use crate::tap::{Cut, Tap};
use engine::ports::DialError;
use model::host_key::{Pin, Verdict, judge};
use pve::clean_text_within;
use russh::client::{Config, DisconnectReason, Handle, Handler, connect_stream};
use russh::keys::PublicKeyOrCertificate;
use russh::{AlgorithmKind, ChannelId, ChannelOpenFailure, Preferred, compression};
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// A connection whose host key is the pinned one; not logged in yet.
pub(crate) struct Session {
    pub(crate) handle: Handle<Client>,
    pub(crate) seen: Arc<Seen>,
    pub(crate) cut: Cut,
}

/// What the connection's task reports to the outside.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    verdict: OnceLock<Verdict>,
    end: OnceLock<String>,
    /// Channels that the machine did not open.
    pub(crate) refusals: Refusals,
}

impl Seen {
    /// Why the connection ended.
    pub(crate) fn end(&self) -> String {
        self.end.get().cloned().unwrap_or_else(|| "the connection was closed".to_owned())
    }
}

/// Runs the handshake up to the checked host key.
///
/// # Errors
/// `UnknownKey` and `ChangedKey` before any log-in; `NotSsh`, `NoCommonAlgorithm`; `TookConnection` where it broke or took too
/// long.
pub(crate) async fn handshake(stream: Box<dyn AsyncReadWrite>, pin: Option<&Pin>) -> Result<Session, DialError> {
    let (tap, cut, greeting) = Tap::new(stream);
    let seen = Arc::new(Seen::default());
    let client = Client { pin: pin.cloned(), seen: Arc::clone(&seen) };
    let connecting = connect_stream(Arc::new(config(pin)), tap, client);
    match tokio::time::timeout(HANDSHAKE_LIMIT, connecting).await {
        Ok(Ok(handle)) => Ok(Session { handle, seen, cut }),
        Ok(Err(error)) => Err(refusal(&error, &greeting.bytes(), seen.verdict.get())),
        Err(_) => {
            let seconds = u32::try_from(HANDSHAKE_LIMIT.as_secs()).unwrap_or(u32::MAX);
            Err(taken(DialError::Timeout { seconds }))
        }
    }
}

/// The stream was open: its kernel, or the jump host's connection to it, says that there is a machine.
fn taken(last: DialError) -> DialError {
    DialError::TookConnection { last: Box::new(last) }
}

/// The callbacks of one connection.
pub(crate) struct Client {
    pin: Option<Pin>,
    seen: Arc<Seen>,
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        // Certificates are never asked for: trust is in one key that a person compared.
        let PublicKeyOrCertificate::PublicKey { key, .. } = key else {
            return Ok(false);
        };
        let Some(offered) = host_key(key) else {
            return Ok(false);
        };
        let verdict = judge(self.pin.as_ref(), offered);
        let known = verdict == Verdict::Known;
        // The first handshake alone is checked here; a later verdict cannot replace it.
        let _ = self.seen.verdict.set(verdict);
        Ok(known)
    }

    async fn channel_open_failure(
        &mut self,
        _channel: ChannelId,
        _reason: ChannelOpenFailure,
        description: &str,
        _language: &str,
        _session: &mut russh::client::Session,
    ) -> Result<(), russh::Error> {
        self.seen.refusals.add(quoted(description));
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<russh::Error>) -> Result<(), russh::Error> {
        let words = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                format!("the machine ended the connection: {}", quoted(&info.message))
            }
            DisconnectReason::Error(error) => broken(&error),
        };
        let _ = self.seen.end.set(words);
        Ok(())
    }
}

fn config(pin: Option<&Pin>) -> Config {
    Config {
        window_size: WINDOW_BYTES,
        channel_buffer_size: CHANNEL_MESSAGES_MAX,
        keepalive_interval: Some(KEEPALIVE_INTERVAL),
        keepalive_max: KEEPALIVE_MAX,
        preferred: Preferred {
            key: wanted(pin),
            // Answers are small, and an untrusted peer cannot send a bomb.
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::DEFAULT
        },
        ..Config::default()
    }
}

fn refusal(error: &russh::Error, heard: &[u8], verdict: Option<&Verdict>) -> DialError {
    match verdict {
        Some(Verdict::Unknown { offered }) => {
            return DialError::UnknownKey { offered: offered.clone() };
        }
        Some(Verdict::Changed { pinned, offered }) => {
            return DialError::ChangedKey { pinned: pinned.clone(), offered: offered.clone() };
        }
        Some(Verdict::Known) | None => {}
    }
    let text = String::from_utf8_lossy(heard);
    match error {
        russh::Error::NoCommonAlgo { kind, ours, theirs } => {
            DialError::NoCommonAlgorithm { text: no_common(kind, ours, theirs) }
        }
        russh::Error::IO(_) if heard.is_empty() => taken(DialError::Unreachable { text: broken(error) }),
        _ if heard.is_empty() => DialError::NotSsh { text: "closed the connection without a word".to_owned() },
        _ if !speaks_ssh(&text) => DialError::NotSsh { text: quoted(&text) },
        _ => taken(DialError::Unreachable { text: broken(error) }),
    }
}

/// RFC 4253, 4.2: other lines may come before the identification.
fn speaks_ssh(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("SSH-2.0-") || line.starts_with("SSH-1.99-"))
}

fn no_common(kind: &AlgorithmKind, ours: &[String], theirs: &[String]) -> String {
    let what = match kind {
        AlgorithmKind::Kex => "key exchange",
        AlgorithmKind::Key => "host key",
        AlgorithmKind::Cipher => "cipher",
        AlgorithmKind::Compression => "compression",
        AlgorithmKind::Mac => "MAC",
    };
    let theirs = quoted(&theirs.join(", "));
    let ours = ours.join(", ");
    format!("{what}: the machine offers {theirs}; the console accepts {ours}")
}

/// The words of an error on the way; none of them holds a key or a credential.
pub(crate) fn broken(error: &russh::Error) -> String {
    quoted(&format!("the connection broke: {error}"))
}

fn quoted(text: &str) -> String {
    clean_text_within(text.trim(), QUOTE_MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_connection_that_breaks_was_taken_by_somebody() {
        let reset = || russh::Error::IO(Error::from(ErrorKind::ConnectionReset));
        for heard in ["", "SSH-2.0-OpenSSH_10.0p2\r\n"] {
            let told = refusal(&reset(), heard.as_bytes(), None);
            let DialError::TookConnection { last } = &told else { panic!("{told:?}") };
            assert!(matches!(**last, DialError::Unreachable { .. }), "{told:?}");
            assert_eq!(told.problem(), last.problem(), "people are told the same as before");
        }
        assert!(matches!(refusal(&reset(), b"220 mail", None), DialError::NotSsh { .. }));
    }
}
