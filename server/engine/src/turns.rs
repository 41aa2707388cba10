//! One probe at a time on the machines of a cluster: it listens on corosync's ports, and a second one would find them taken
//! and call that a fault of the machine.

use model::ids::ClusterId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OwnedMutexGuard;

/// Whose probe runs where. Cheap to clone.
#[derive(Clone, Default)]
pub struct Turns {
    places: Arc<Mutex<BTreeMap<ClusterId, Arc<Place>>>>,
}

#[derive(Default)]
struct Place {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The name of whoever has the turn.
    holder: Mutex<Option<String>>,
}

/// A turn, until it is dropped.
pub struct Turn {
    _turn: OwnedMutexGuard<()>,
    place: Arc<Place>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&self.place.holder) = None;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Turns {
    fn place(&self, cluster: ClusterId) -> Arc<Place> {
        Arc::clone(lock(&self.places).entry(cluster).or_default())
    }

    /// The turn at once.
    ///
    /// # Errors
    /// The name of whoever has it.
    pub fn take(&self, cluster: ClusterId, who: &str) -> Result<Turn, String> {
        let place = self.place(cluster);
        match Arc::clone(&place.turn).try_lock_owned() {
            Ok(turn) => Ok(begun(turn, place, who)),
            Err(_) => Err(lock(&place.holder).clone().unwrap_or_default()),
        }
    }

    /// The turn, once whoever has it is done: a probe ends by itself.
    pub async fn wait(&self, cluster: ClusterId, who: &str) -> Turn {
        let place = self.place(cluster);
        let turn = Arc::clone(&place.turn).lock_owned().await;
        begun(turn, place, who)
    }
}

fn begun(turn: OwnedMutexGuard<()>, place: Arc<Place>, who: &str) -> Turn {
    *lock(&place.holder) = Some(who.to_owned());
    Turn { _turn: turn, place }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[tokio::test]
    async fn a_turn_is_one_persons_in_one_cluster_until_it_ends() {
        let turns = Turns::default();
        let [one, other] = [1, 2].map(|id| ClusterId::from_uuid(Uuid::from_u128(id)));
        let first = turns.take(one, "anna").unwrap_or_else(|_| panic!("nobody has it"));
        assert_eq!(turns.take(one, "olga").err().as_deref(), Some("anna"));
        assert!(turns.take(other, "olga").is_ok(), "another cluster has its own");
        drop(first);
        let waited = turns.wait(one, "olga").await;
        assert_eq!(turns.take(one, "anna").err().as_deref(), Some("olga"));
        drop(waited);
        assert!(turns.take(one, "anna").is_ok());
    }
}
