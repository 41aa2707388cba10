//! Brings the members of a new membership to one state: the highest version, then the newest, then the lowest node id.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::Shared;
use super::peers::{self, Answer, Reached, Request};
use crate::journal::writer;

/// How often a node that is not in step tries again.
const RETRY_PAUSE: Duration = Duration::from_millis(150);
/// How long the leader waits for a member that neither answers nor leaves.
const STATE_LIMIT: Duration = Duration::from_secs(10);

/// What a member says of its tree.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    version: u64,
    mtime: u64,
    digest: String,
}

/// Keeps the node in step for ever.
pub fn spawn(shared: Arc<Shared>) {
    std::thread::spawn(move || {
        loop {
            let (ring, members, local) = wait_until_needed(&shared);
            for member in members {
                if member == local {
                    bring_in_step(&shared, &ring);
                    break;
                }
                match peers::call(&shared, member, &Request::Hello { ring: ring.clone() }) {
                    Reached::Refused => {}
                    _ => break,
                }
            }
            std::thread::sleep(RETRY_PAUSE);
        }
    });
}

/// The leader's part: collects the members' states, chooses one, gives it to those that differ.
pub fn bring_in_step(shared: &Shared, ring: &str) {
    let _order = shared.order.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(states) = collect(shared, ring) else { return };
    let local = shared.view().local;
    let best = states.iter().max_by(|(left_id, left), (right_id, right)| {
        (left.version, left.mtime, right_id).cmp(&(right.version, right.mtime, left_id))
    });
    let Some((best, state)) = best else { return };
    if *best != local && states.get(&local) != Some(state) {
        let Reached::Answer(Answer::Whole(store)) = peers::call(shared, *best, &Request::Fetch) else { return };
        peers::adopt(shared, *store);
    }
    let mine = shared.store().digest();
    for (member, state) in &states {
        if *member == local {
            continue;
        }
        let request = if state.digest == mine {
            Request::InStep { ring: ring.to_owned() }
        } else {
            Request::Adopt { ring: ring.to_owned(), store: Box::new(shared.store().clone()) }
        };
        peers::call(shared, *member, &request);
    }
    let mut view = shared.view();
    if view.ring == ring {
        view.synced = ring.to_owned();
        writer::log("pmxcfs", "[dcdb] notice: all data is up to date");
    }
    drop(view);
    shared.view_changed.notify_all();
}

/// The states of all members whose pmxcfs runs; None when the membership changed or a member stays silent.
fn collect(shared: &Shared, ring: &str) -> Option<BTreeMap<u32, State>> {
    let (members, local) = shared.view().who();
    let mut states = BTreeMap::new();
    let end = Instant::now() + STATE_LIMIT;
    for member in members {
        if member == local {
            let store = shared.store();
            let (version, mtime, digest) = (store.version, store.mtime, store.digest());
            states.insert(member, State { version, mtime, digest });
        } else if let Some(state) = ask(shared, ring, member, end)? {
            states.insert(member, state);
        }
    }
    Some(states)
}

/// A member's state, or that its pmxcfs does not run; None as in `collect`.
fn ask(shared: &Shared, ring: &str, member: u32, end: Instant) -> Option<Option<State>> {
    loop {
        if shared.view().ring != ring || Instant::now() > end {
            return None;
        }
        match peers::call(shared, member, &Request::State) {
            Reached::Answer(Answer::State { version, mtime, digest, .. }) => {
                return Some(Some(State { version, mtime, digest }));
            }
            Reached::Refused => return Some(None),
            _ => std::thread::sleep(RETRY_PAUSE),
        }
    }
}

fn wait_until_needed(shared: &Shared) -> (String, std::collections::BTreeSet<u32>, u32) {
    let mut view = shared.view();
    while view.ring.is_empty() || view.in_step() {
        view = shared.view_changed.wait(view).unwrap_or_else(PoisonError::into_inner);
    }
    (view.ring.clone(), view.members.clone(), view.local)
}
