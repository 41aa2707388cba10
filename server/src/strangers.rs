//! Names that are no accounts wait as accounts do: otherwise the wait would tell which names exist.

use crate::accounts::wait_until;
use model::Timestamp;
use rand::RngCore;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names that are remembered at most; whoever was tried longest ago is forgotten first.
const STRANGERS_MAX: usize = 10_000;

type Key = [u8; 32];

/// What was tried as a name; people type passwords there by mistake, so only a salted hash is kept, in memory.
pub struct Strangers {
    salt: [u8; 32],
    tried: Mutex<BTreeMap<Key, Tries>>,
}

struct Tries {
    failures: u32,
    locked_until: Option<Timestamp>,
    last: Timestamp,
}

impl Default for Strangers {
    fn default() -> Self {
        let mut salt = [0; 32];
        rand::rng().fill_bytes(&mut salt);
        Self { salt, tried: Mutex::default() }
    }
}

impl Strangers {
    fn tried(&self) -> MutexGuard<'_, BTreeMap<Key, Tries>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Upper and lower case are the same, as for accounts.
    fn key(&self, name: &str) -> Key {
        let mut hasher = Sha256::new();
        hasher.update(self.salt);
        hasher.update(name.trim().to_lowercase().as_bytes());
        hasher.finalize().into()
    }

    /// When the name may be tried again.
    pub fn locked_until(&self, name: &str) -> Option<Timestamp> {
        self.tried().get(&self.key(name)).and_then(|tries| tries.locked_until)
    }

    pub fn note_failure(&self, name: &str, now: Timestamp) {
        let key = self.key(name);
        let mut tried = self.tried();
        if tried.len() >= STRANGERS_MAX && !tried.contains_key(&key) {
            let oldest = tried.iter().min_by_key(|(_, tries)| tries.last).map(|(key, _)| *key);
            oldest.and_then(|oldest| tried.remove(&oldest));
        }
        let tries = tried.entry(key).or_insert(Tries { failures: 0, locked_until: None, last: now });
        tries.failures = tries.failures.saturating_add(1);
        tries.locked_until = wait_until(tries.failures, now);
        tries.last = now;
    }

    pub fn forget(&self, name: &str) {
        self.tried().remove(&self.key(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_name_waits_after_the_same_number_of_failures_as_an_account() {
        let strangers = Strangers::default();
        for _ in 0..3 {
            strangers.note_failure("nobody", at(0));
        }
        assert_eq!(strangers.locked_until("nobody"), None);
        strangers.note_failure(" Nobody ", at(0));
        assert_eq!(strangers.locked_until("nobody"), wait_until(4, at(0)));
        assert_eq!(strangers.locked_until("somebody"), None);
        strangers.forget("nobody");
        strangers.note_failure("nobody", at(1));
        assert_eq!(strangers.locked_until("nobody"), None, "the count begins anew");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let strangers = Strangers::default();
        for second in 0..i64::try_from(STRANGERS_MAX).expect("a number") + 5 {
            strangers.note_failure(&format!("name{second}"), at(second));
        }
        assert_eq!(strangers.tried().len(), STRANGERS_MAX);
        assert!(!strangers.tried().contains_key(&strangers.key("name4")));
        assert!(strangers.tried().contains_key(&strangers.key("name5")));
    }
}
