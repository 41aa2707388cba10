//! What the console does on its own account, apart from the request that asked for it: a closed tab ends a request,
//! and must not end the work half-way. The end of the console does, before the store is closed.

use std::future::Future;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// All work that runs. Cheap to clone.
#[derive(Clone)]
pub struct Work {
    stopped: watch::Sender<bool>,
    running: watch::Sender<usize>,
}

impl Default for Work {
    fn default() -> Self {
        Self { stopped: watch::Sender::new(false), running: watch::Sender::new(0) }
    }
}

/// Counts one piece of work for as long as it lives.
struct Counted(watch::Sender<usize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running = running.saturating_sub(1));
    }
}

impl Work {
    /// Runs something to its end, whoever waits for it or not; `None` where the console was stopped in between.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<Option<T>> {
        self.running.send_modify(|running| *running += 1);
        let counted = Counted(self.running.clone());
        let mut stopped = self.stopped.subscribe();
        tokio::spawn(async move {
            let _counted = counted;
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stopped| *stopped) => None,
                done = work => Some(done),
            }
        })
    }

    /// Ends everything where it stands, as a crash would, and waits until it has let go; false when that takes longer.
    pub async fn stop(&self, within: Duration) -> bool {
        self.stopped.send_replace(true);
        let mut running = self.running.subscribe();
        tokio::time::timeout(within, running.wait_for(|running| *running == 0)).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn work_goes_on_when_nobody_waits_for_it() {
        let work = Work::default();
        let (go, ready) = oneshot::channel::<()>();
        let (done, end) = oneshot::channel();
        drop(work.spawn(async move {
            let came = ready.await.is_ok();
            done.send(came)
        }));
        go.send(()).expect("it waits");
        assert_eq!(end.await, Ok(true));
    }

    #[tokio::test]
    async fn stopping_ends_everything_and_what_comes_late() {
        let work = Work::default();
        let waiting = work.spawn(std::future::pending::<()>());
        assert!(work.stop(LIMIT).await);
        assert_eq!(waiting.await.expect("no panic"), None);
        assert_eq!(work.spawn(async { 1 }).await.expect("no panic"), None, "after the end nothing begins");
    }
}
