//! Waiting longer after each failed dial: 1 s, doubled, at most 3 min.

use crate::limits::{BACK_OFF_FIRST_S, BACK_OFF_MAX_S};
use engine::ports::DialError;
use jiff::{SignedDuration, Timestamp};

/// One machine's failures in a row. No jitter: each machine has its own wait, and handshakes are capped overall.
#[derive(Debug, Default)]
pub(crate) struct BackOff {
    failures: u32,
    wait: Option<(Timestamp, DialError)>,
}

impl BackOff {
    /// The refusal, while it is too early for another try.
    pub(crate) fn refusal(&self, now: Timestamp) -> Option<DialError> {
        let (until, last) = self.wait.as_ref()?;
        (now < *until).then(|| DialError::BackingOff { until: *until, last: Box::new(last.clone()) })
    }

    pub(crate) fn failed(&mut self, now: Timestamp, error: &DialError) {
        let seconds = BACK_OFF_FIRST_S
            .checked_shl(self.failures.min(16))
            .map_or(BACK_OFF_MAX_S, |seconds| seconds.min(BACK_OFF_MAX_S));
        self.failures = self.failures.saturating_add(1);
        let until = now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(now);
        self.wait = Some((until, error.clone()));
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_three_minutes_and_start_again_after_success() {
        let start = Timestamp::UNIX_EPOCH;
        let mut back_off = BackOff::default();
        let mut waits = Vec::new();
        for _ in 0..40 {
            back_off.failed(start, &DialError::Refused);
            let Some(DialError::BackingOff { until, last }) = back_off.refusal(start) else {
                panic!("a failure must be followed by a wait");
            };
            assert_eq!(*last, DialError::Refused);
            assert_eq!(back_off.refusal(until), None, "due at the given time");
            waits.push(until.duration_since(start).as_secs());
        }
        assert_eq!(waits.get(..9).expect("nine"), [1, 2, 4, 8, 16, 32, 64, 128, 180]);
        assert!(waits.iter().skip(8).all(|wait| *wait == 180));
        back_off.reset();
        assert_eq!(back_off.refusal(start), None);
    }
}
