//! The wall clock of the console in these tests.

use crate::house::House;
use engine::ports::Clock;
use jiff::{SignedDuration, Timestamp};
use std::sync::Mutex;
use tokio::time::Instant;

/// tokio's, which tests let stand, and set where they want.
pub struct TokioClock {
    base: Timestamp,
    started: Instant,
    set_by: Mutex<SignedDuration>,
}

impl TokioClock {
    pub fn start() -> Self {
        Self { base: Timestamp::now(), started: Instant::now(), set_by: Mutex::default() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.started.elapsed()).expect("a short test");
        self.base.checked_add(passed + *self.set_by.lock().expect("no panic")).expect("a short test")
    }
}

impl House {
    /// Somebody sets the console's clock, forwards or back, by so many seconds; whatever takes time takes as long as before.
    pub fn set_clock(&self, seconds: i64) {
        *self.clock.set_by.lock().expect("no panic") += SignedDuration::from_secs(seconds);
    }
}
