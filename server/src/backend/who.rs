//! Who is signed in, and what their session has shown lately.

use crate::sessions::{ABSOLUTE_H, ACCOUNT, Account, TOUCH_EVERY_S};
use crate::state::AppState;
use app::api::{ApiError, Me};
use engine::ports::StoredUser;
use jiff::SignedDuration;
use model::Timestamp;
use model::clock::is_within;
use model::policy::{FRESH_SIGN_IN_MIN, SecondFactor, Shown};
use model::problem::{Problem, ProblemCode};
use tower_sessions::Session;

pub(super) fn broken(_: tower_sessions::session::Error) -> ApiError {
    ProblemCode::StoreFailed.into()
}

/// Who is signed in with this session, which goes on by that; ends sessions that are too old or whose account is gone.
///
/// # Errors
/// `NotSignedIn`.
pub async fn caller_of(state: &AppState, session: &Session) -> Result<Me, Problem> {
    let (me, mut account) = known(state, session).await?;
    let now = state.engine.clock.now();
    if now.duration_since(account.touched_at).as_secs() >= TOUCH_EVERY_S {
        account.touched_at = now;
        session.insert(ACCOUNT, &account).await.map_err(|_| Problem::from(ProblemCode::NotSignedIn))?;
    }
    Ok(me)
}

/// The same for what a page asks by itself again and again: a tab that stands open does not keep its session alive.
pub(super) async fn known(state: &AppState, session: &Session) -> Result<(Me, Account), Problem> {
    let nobody = || Problem::from(ProblemCode::NotSignedIn);
    let account: Option<Account> = session.get(ACCOUNT).await.map_err(|_| nobody())?;
    let account = account.ok_or_else(nobody)?;
    let now = state.engine.clock.now();
    let user = state.engine.store.user(account.user).await.map_err(|_| nobody())?;
    let is_good = is_within(account.signed_in_at, now, SignedDuration::from_hours(ABSOLUTE_H));
    if !is_good || user.disabled {
        session.flush().await.map_err(|_| nobody())?;
        return Err(nobody());
    }
    let shown = shown(&account, user.second_factor, now);
    Ok((me(state, user, shown), account))
}

/// The page's view of who is signed in.
pub(super) fn me(state: &AppState, user: StoredUser, shown: Shown) -> Me {
    Me {
        id: user.id,
        name: user.name,
        access: user.access,
        shown,
        demo: state.demo.is_some(),
        demo_speed: demo_speed(state),
    }
}

/// What has been shown lately in a session.
pub(super) fn shown(account: &Account, enrolled: bool, now: Timestamp) -> Shown {
    let fresh = SignedDuration::from_mins(i64::from(FRESH_SIGN_IN_MIN));
    let lately = |at: Timestamp| is_within(at, now, fresh);
    let second_factor = match (enrolled, account.second_at) {
        (false, _) => SecondFactor::NotEnrolled,
        (true, Some(at)) if lately(at) => SecondFactor::Fresh,
        (true, _) => SecondFactor::Old,
    };
    Shown { password: lately(account.fresh_at), second_factor }
}

/// Said only where it differs from real time.
fn demo_speed(state: &AppState) -> Option<String> {
    let speed = state.demo.as_ref()?.speed();
    ((speed - 1.0).abs() > f64::EPSILON).then(|| speed.to_string())
}
