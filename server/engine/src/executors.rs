//! Operations that are carried out in this process, and the way to end one where it stands.

use model::ids::OperationId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Operation -> how it is told to end. Cheap to clone.
#[derive(Clone, Default)]
pub struct Executors(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    /// The number of executors so far: an operation that goes on has another one than before.
    count: u64,
    running: BTreeMap<OperationId, (u64, watch::Sender<bool>)>,
}

/// One executor's place in the list, for as long as it lives.
pub struct Place {
    id: OperationId,
    number: u64,
    asked: watch::Receiver<bool>,
    all: Executors,
}

impl Executors {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(&self, id: OperationId) -> Place {
        let (sender, asked) = watch::channel(false);
        let mut inner = self.lock();
        inner.count += 1;
        let number = inner.count;
        inner.running.insert(id, (number, sender));
        Place { id, number, asked, all: self.clone() }
    }

    /// Whether it is carried out by this console at this moment.
    pub(crate) fn is_running(&self, id: OperationId) -> bool {
        self.lock().running.contains_key(&id)
    }

    /// Ends an operation's executor as the end of the console would, and returns once it has let go.
    pub async fn stop(&self, id: OperationId) {
        let Some((_, sender)) = self.lock().running.get(&id).cloned() else { return };
        sender.send_replace(true);
        sender.closed().await;
    }
}

impl Place {
    /// Returns once somebody wants it to end.
    pub(crate) async fn ended(&mut self) {
        // Without its sender nobody can want it any more.
        if self.asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.all.lock();
        if inner.running.get(&self.id).is_some_and(|(number, _)| *number == self.number) {
            inner.running.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use uuid::Uuid;

    #[tokio::test]
    async fn it_has_let_go_when_stopping_returns() {
        let all = Executors::default();
        let id = OperationId::from_uuid(Uuid::nil());
        let mut place = all.enter(id);
        let (sender, gone) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let held = sender;
            place.ended().await;
            drop(held);
        });
        all.stop(id).await;
        assert!(gone.await.is_err(), "what it held is gone");
        task.await.expect("no panic");
        all.stop(id).await;
        assert!(all.lock().running.is_empty());
    }

    #[test]
    fn the_end_of_an_earlier_executor_takes_no_place_of_a_later_one() {
        let all = Executors::default();
        let id = OperationId::from_uuid(Uuid::nil());
        let (first, second) = (all.enter(id), all.enter(id));
        drop(first);
        assert!(all.is_running(id));
        drop(second);
        assert!(!all.is_running(id) && all.lock().running.is_empty());
    }
}
