//! How many sweeps run at once. Nodes that hang wait in a lane of their own, so that nobody waits for them.

use crate::limits::{HANGING_SWEEPS_AT_ONCE_MAX, SWEEPS_AT_ONCE_MAX};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

#[derive(Debug, Clone)]
pub struct Lanes {
    quick: Arc<Semaphore>,
    hanging: Arc<Semaphore>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            quick: Arc::new(Semaphore::new(SWEEPS_AT_ONCE_MAX)),
            hanging: Arc::new(Semaphore::new(HANGING_SWEEPS_AT_ONCE_MAX)),
        }
    }
}

impl Lanes {
    /// Waits for a turn; dropping it gives it on. `None` never comes: the lanes are not closed.
    pub async fn turn(&self, hangs: bool) -> Option<SemaphorePermit<'_>> {
        let lane = if hangs { &self.hanging } else { &self.quick };
        lane.acquire().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn nodes_that_hang_do_not_take_the_others_turns() {
        let lanes = Lanes::default();
        let mut held = Vec::new();
        for _ in 0..HANGING_SWEEPS_AT_ONCE_MAX {
            held.push(lanes.turn(true).await);
        }
        assert!(lanes.turn(true).now_or_never().is_none(), "the lane is full");
        for _ in 0..SWEEPS_AT_ONCE_MAX {
            held.push(lanes.turn(false).now_or_never().expect("free"));
        }
        assert!(lanes.turn(false).now_or_never().is_none(), "there is a cap");
        held.clear();
        assert!(lanes.turn(true).now_or_never().is_some() && lanes.turn(false).now_or_never().is_some());
    }
}
