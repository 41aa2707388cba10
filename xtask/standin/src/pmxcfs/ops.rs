//! One change of the tree, and how it gets to all members.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::peers::{self, Answer, Reached, Request};
use super::store::Bytes;
use super::{Shared, reload_corosync};
use crate::words;

/// How long a change waits for the members to be in step, as a write into pmxcfs waits for its sync.
const SYNC_LIMIT: Duration = Duration::from_secs(8);
/// How long a change waits for a member that does not answer and has not left yet; totem would block as long.
const ACK_LIMIT: Duration = Duration::from_secs(15);
const RETRY_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    Folder(String),
    File(String),
    Write { path: String, offset: u64, data: Bytes },
    Truncate { path: String, size: u64 },
    Remove(String),
    Rename { from: String, to: String },
}

/// Why a change was not made; each is an errno.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// No quorum: EACCES.
    NoQuorum,
    Exists,
    NotFound,
    NotEmpty,
    IsFolder,
    TooBig,
    /// The members could not be reached and did not leave either: EIO.
    Unreachable,
}

impl Op {
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Self::Folder(path) | Self::File(path) | Self::Remove(path) => vec![path],
            Self::Write { path, .. } | Self::Truncate { path, .. } => vec![path],
            Self::Rename { from, to } => vec![from, to],
        }
    }
}

impl Shared {
    /// Makes a change: on a node alone at once, in a cluster through the leader of its partition.
    pub fn submit(&self, op: &Op) -> Result<(), Refused> {
        if !self.clustered {
            self.store().apply(op, words::now_us() / 1_000_000)?;
            self.changed();
            return Ok(());
        }
        let end = Instant::now() + SYNC_LIMIT;
        loop {
            if !self.view().quorate {
                return Err(Refused::NoQuorum);
            }
            match self.submit_once(op) {
                Some(result) => return result,
                None if Instant::now() > end => return Err(Refused::NoQuorum),
                None => std::thread::sleep(RETRY_PAUSE),
            }
        }
    }

    /// None when the partition is not in step yet or its leader is not known.
    fn submit_once(&self, op: &Op) -> Option<Result<(), Refused>> {
        let (ring, members, local, in_step) = {
            let view = self.view();
            (view.ring.clone(), view.members.clone(), view.local, view.in_step())
        };
        if !in_step {
            return None;
        }
        for member in members {
            if member == local {
                return self.lead(&ring, op);
            }
            match peers::call(self, member, &Request::Submit { ring: ring.clone(), op: op.clone() }) {
                Reached::Answer(Answer::Submitted(result)) => return Some(result),
                // Its pmxcfs is down: the next one leads.
                Reached::Refused => {}
                Reached::Answer(_) | Reached::Nothing => return None,
            }
        }
        None
    }

    /// The leader's part: every member has the change before the leader itself makes it.
    /// None when the membership changed on the way.
    pub fn lead(&self, ring: &str, op: &Op) -> Option<Result<(), Refused>> {
        let order = self.order.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = words::now_us() / 1_000_000;
        let mut next = self.store().clone();
        if let Err(refused) = next.apply(op, now) {
            return Some(Err(refused));
        }
        let request = Request::Apply { ring: ring.to_owned(), version: next.version, now, op: op.clone() };
        let (members, local) = self.view().who();
        let end = Instant::now() + ACK_LIMIT;
        for member in members.into_iter().filter(|member| *member != local) {
            loop {
                {
                    let view = self.view();
                    if view.ring != ring || !view.in_step() {
                        return None;
                    }
                }
                match peers::call(self, member, &request) {
                    Reached::Answer(Answer::Applied) | Reached::Refused => break,
                    Reached::Answer(Answer::Behind) => {
                        let state = self.store().clone();
                        peers::call(self, member, &Request::Adopt { ring: ring.to_owned(), store: Box::new(state) });
                    }
                    _ if Instant::now() > end => return Some(Err(Refused::Unreachable)),
                    _ => std::thread::sleep(RETRY_PAUSE),
                }
            }
        }
        *self.store() = next;
        if self.changed() {
            reload_corosync();
        }
        drop(order);
        Some(Ok(()))
    }
}
