//! What a try that failed or succeeded means for the place and for the message; pure.

use crate::limits::{NOTICE_KEEP, NOTICE_OUTAGE_TRIES, NOTICE_RETRY_FIRST, NOTICE_RETRY_MAX};
use crate::ports::{Delivery, Fate, PlaceState};
use jiff::{SignedDuration, Timestamp};
use model::problem::Problem;
use std::time::Duration;

/// Whatever was wrong is over.
pub(super) fn arrived(before: &PlaceState, now: Timestamp) -> PlaceState {
    PlaceState {
        failures: 0,
        failing_since: None,
        told: false,
        resume_at: None,
        delivered_at: Some(now),
        ..before.clone()
    }
}

/// The whole place waits, not only this message: where one does not arrive the next would not either.
pub(super) fn failed(before: &PlaceState, problem: &Problem, now: Timestamp) -> PlaceState {
    let failures = before.failures.saturating_add(1);
    PlaceState {
        failures,
        failing_since: before.failing_since.or(Some(now)),
        told: before.told || failures >= NOTICE_OUTAGE_TRIES,
        resume_at: Some(later(now, pause_after(failures))),
        last_failure: Some((now, problem.clone())),
        ..before.clone()
    }
}

/// The message waits too, and longer each time, so that one which its place never takes does not stand before the others.
pub(super) fn fate(one: &Delivery, now: Timestamp) -> Fate {
    if now.duration_since(one.made_at).unsigned_abs() >= NOTICE_KEEP {
        return Fate::GivenUp(one.id);
    }
    let tries = one.tries.saturating_add(1);
    Fate::Later { id: one.id, tries, next_at: later(now, pause_after(tries)) }
}

/// The pause after so many tries that failed: doubled after each, up to a limit.
#[must_use]
pub fn pause_after(tries: u32) -> Duration {
    let doubled = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
    NOTICE_RETRY_FIRST.saturating_mul(doubled).min(NOTICE_RETRY_MAX)
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| now.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::notice::Notice;
    use model::problem::ProblemCode;
    use uuid::Uuid;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn pauses_grow_and_end_growing() {
        assert_eq!(pause_after(1), NOTICE_RETRY_FIRST);
        assert_eq!(pause_after(2), NOTICE_RETRY_FIRST * 2);
        assert_eq!(pause_after(30), NOTICE_RETRY_MAX);
        assert_eq!(pause_after(u32::MAX), NOTICE_RETRY_MAX);
    }

    #[test]
    fn an_outage_is_told_once_and_forgotten_when_it_is_over() {
        let problem = Problem::from(ProblemCode::PlaceUnreachable);
        let mut state = PlaceState::default();
        let mut told = Vec::new();
        for second in 0..5 {
            let next = failed(&state, &problem, at(second));
            told.push(next.told && !state.told);
            state = next;
        }
        assert_eq!(told, [false, false, true, false, false]);
        assert_eq!((state.failures, state.failing_since), (5, Some(at(0))));
        let over = arrived(&state, at(9));
        assert!(!over.told && over.failures == 0 && over.resume_at.is_none());
        assert_eq!(over.last_failure, Some((at(4), problem)), "what it was stays to be read");
    }

    #[test]
    fn a_message_is_tried_for_a_day() {
        let one = Delivery { id: Uuid::nil(), notice: Notice::test("anna", at(0)), made_at: at(0), tries: 3 };
        assert_eq!(fate(&one, at(60)), Fate::Later { id: Uuid::nil(), tries: 4, next_at: at(60 + 40) });
        assert_eq!(fate(&one, at(24 * 3_600)), Fate::GivenUp(Uuid::nil()));
    }
}
