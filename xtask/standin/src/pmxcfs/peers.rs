//! Talk between the members: one JSON request and answer per TCP connection, over corosync's link addresses.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::ops::{Op, Refused};
use super::store::Store;
use super::{Shared, reload_corosync, sync};

/// Port of the replication, in the lab's namespaces only.
const PORT: u16 = 5499;
const CONNECT_LIMIT: Duration = Duration::from_millis(400);
/// A submitted change may wait for a member that is leaving.
const ANSWER_LIMIT: Duration = Duration::from_secs(16);

#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// To the leader: make this change.
    Submit { ring: String, op: Op },
    /// To a member: this change is number `version`.
    Apply { ring: String, version: u64, now: u64, op: Op },
    /// How far are you?
    State,
    /// All you have, please.
    Fetch,
    /// Take this state; you are in step with the membership then.
    Adopt { ring: String, store: Box<Store> },
    /// You have what the others have.
    InStep { ring: String },
    /// To the leader: bring me in step.
    Hello { ring: String },
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Submitted(Result<(), Refused>),
    Applied,
    /// The member misses changes before this one.
    Behind,
    State {
        version: u64,
        mtime: u64,
        digest: String,
        address: String,
    },
    Whole(Box<Store>),
    Ok,
    /// Another membership than the asker's.
    OtherRing,
}

/// What became of a request.
#[derive(Debug)]
pub enum Reached {
    Answer(Answer),
    /// The host is there and its pmxcfs is not running.
    Refused,
    Nothing,
}

/// Answers the other members.
pub fn serve(shared: Arc<Shared>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).context("bind")?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(ANSWER_LIMIT));
                let mut line = String::new();
                if BufReader::new(&stream).read_line(&mut line).is_ok()
                    && let Ok(request) = serde_json::from_str(&line)
                {
                    let _ = send(&stream, &answer(&shared, request));
                }
            });
        }
    });
    Ok(())
}

/// Asks a member over its links, lowest first.
pub fn call(shared: &Shared, member: u32, request: &Request) -> Reached {
    let members = shared.conf().map(|conf| conf.members()).unwrap_or_default();
    let Some(known) = members.into_iter().find(|known| known.id == member) else { return Reached::Nothing };
    let mut refused = false;
    for address in known.addresses.values() {
        let Ok(ip) = address.parse() else { continue };
        match TcpStream::connect_timeout(&SocketAddr::new(ip, PORT), CONNECT_LIMIT) {
            Ok(stream) => {
                if let Ok(answer) = exchange(&stream, request) {
                    return Reached::Answer(answer);
                }
            }
            Err(error) => refused = refused || error.kind() == std::io::ErrorKind::ConnectionRefused,
        }
    }
    if refused { Reached::Refused } else { Reached::Nothing }
}

fn exchange(stream: &TcpStream, request: &Request) -> anyhow::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    send(stream, request)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn send<T: Serialize>(mut stream: &TcpStream, message: &T) -> anyhow::Result<()> {
    let mut text = serde_json::to_string(message)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    Ok(())
}

fn answer(shared: &Shared, request: Request) -> Answer {
    match request {
        Request::Submit { ring, op } => {
            let here = {
                let view = shared.view();
                view.ring == ring && view.in_step()
            };
            match here.then(|| shared.lead(&ring, &op)).flatten() {
                Some(result) => Answer::Submitted(result),
                None => Answer::OtherRing,
            }
        }
        Request::Apply { ring, version, now, op } => apply(shared, &ring, version, now, &op),
        Request::State => {
            let store = shared.store();
            Answer::State {
                version: store.version,
                mtime: store.mtime,
                digest: store.digest(),
                address: shared.address.clone(),
            }
        }
        Request::Fetch => Answer::Whole(Box::new(shared.store().clone())),
        Request::Adopt { ring, store } => {
            adopt(shared, *store);
            in_step(shared, &ring)
        }
        Request::InStep { ring } => in_step(shared, &ring),
        Request::Hello { ring } => {
            if shared.view().ring != ring {
                return Answer::OtherRing;
            }
            sync::bring_in_step(shared, &ring);
            Answer::Ok
        }
    }
}

fn apply(shared: &Shared, ring: &str, version: u64, now: u64, op: &Op) -> Answer {
    if shared.view().ring != ring {
        return Answer::OtherRing;
    }
    let mut store = shared.store();
    // A repeated request: the answer to the first one was lost.
    if version <= store.version {
        return Answer::Applied;
    }
    if version != store.version + 1 || store.apply(op, now).is_err() {
        return Answer::Behind;
    }
    drop(store);
    shared.changed();
    Answer::Applied
}

/// Replaces the whole tree by another one.
pub fn adopt(shared: &Shared, next: Store) {
    {
        let mut store = shared.store();
        let mut counters = std::mem::take(&mut store.counters);
        for path in
            next.paths().filter(|path| next.get(path).map(|(node, _)| node) != store.get(path).map(|(node, _)| node))
        {
            *counters.entry(path.clone()).or_insert(1) += 1;
        }
        *store = next;
        store.counters = counters;
    }
    if shared.changed() {
        reload_corosync();
    }
}

fn in_step(shared: &Shared, ring: &str) -> Answer {
    let mut view = shared.view();
    if view.ring != ring {
        return Answer::OtherRing;
    }
    view.synced = ring.to_owned();
    drop(view);
    shared.view_changed.notify_all();
    Answer::Ok
}
