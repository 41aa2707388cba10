//! One try at a time for each name: of many that come together each sees what the others have cost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Whose password or code is being looked at. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Turns {
    /// What was typed as a name stays only as long as somebody waits with it: people type passwords there by mistake.
    tried: Arc<Mutex<BTreeMap<String, Weak<Turn<()>>>>>,
}

impl Turns {
    /// Waits for the name's turn, which lasts until the guard is dropped. Upper and lower case are the same, as for accounts;
    /// a name that nobody has waits like any other.
    pub(crate) async fn take(&self, name: &str) -> OwnedMutexGuard<()> {
        self.of(name.trim().to_lowercase()).lock_owned().await
    }

    fn of(&self, name: String) -> Arc<Turn<()>> {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = tried.get(&name).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        tried.insert(name, Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn a_name_has_one_turn_and_nothing_of_it_stays() {
        let turns = Turns::default();
        let first = turns.take("anna").await;
        assert!(turns.take(" Anna ").now_or_never().is_none(), "two at once");
        let other = turns.take("bert").await;
        drop(first);
        assert!(turns.take("anna").now_or_never().is_some());
        drop(other);
        let last = turns.take("carl").await;
        assert_eq!(turns.tried.lock().expect("whole").len(), 1);
        drop(last);
    }
}
