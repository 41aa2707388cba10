//! Somebody sets the console's clock: nothing counts for longer by that, and no countdown is shorter.

use crate::enough::{asked, person, protected, restarts, stands};
use crate::house::{House, anna};
use crate::lapsing::resumes;
use model::approval::RequestState;
use model::ids::RequestId;
use model::problem::ProblemCode;
use model::role::Role;
use std::time::Duration;

const HOUR_S: i64 = 3_600;
/// More than the countdown's minute, in seconds.
const AHEAD_S: i64 = 61;

async fn state(house: &House, request: RequestId) -> RequestState {
    house.engine().request(request).await.expect("the request").state
}

#[tokio::test(start_paused = true)]
async fn a_countdown_takes_its_minute_although_the_clock_is_put_forward() {
    let house = protected().await;
    let request = asked(&house, "olga").await;
    house.engine().break_glass(&person("olga"), request, true).await.expect("counting");
    house.set_clock(AHEAD_S);
    tokio::time::sleep(Duration::from_secs(55)).await;
    let counts = state(&house, request).await;
    assert!(matches!(counts, RequestState::Counting { .. }), "everybody can stop it still: {counts:?}");
    let runs = async || state(&house, request).await.operation().is_some();
    house.until("it has run out", Duration::from_secs(30), runs).await;
}

#[tokio::test(start_paused = true)]
async fn a_countdown_whose_clock_is_set_back_is_over_and_nothing_runs() {
    let house = protected().await;
    let request = asked(&house, "olga").await;
    house.engine().break_glass(&person("olga"), request, true).await.expect("counting");
    house.set_clock(-HOUR_S);
    let over = async || !state(&house, request).await.is_open();
    house.until("it is over", Duration::from_secs(10), over).await;
    let over = state(&house, request).await;
    assert!(matches!(over, RequestState::Expired { .. }), "{over:?}");
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(restarts(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_not_good_for_longer_because_the_clock_is_set_back() {
    let house = protected().await;
    let (engine, request) = (house.engine(), asked(&house, "anna").await);
    engine.approve(&person("otto"), request, "go", true).await.expect("agreed");
    house.set_clock(-HOUR_S);
    let refused = engine.run_agreed(&anna(), request, true).await.expect_err("nobody knows how old it is");
    assert_eq!(refused.code, ProblemCode::RequestExpired);
    // And it stays over when the clock is right again.
    house.set_clock(HOUR_S);
    let refused = engine.run_agreed(&anna(), request, true).await.expect_err("it is over");
    assert_eq!(refused.code, ProblemCode::RequestOver);
    assert_eq!(restarts(&house), 0);
}

#[tokio::test(start_paused = true)]
async fn what_stands_is_not_gone_on_with_by_an_agreement_from_the_future() {
    let house = protected().await;
    let id = stands(&house).await;
    house.set_clock(-HOUR_S);
    let old = Err(ProblemCode::AgreementOld);
    assert_eq!(resumes(&house, "anna", Role::Operator, true, id).await, old, "nobody knows how old it is");
    assert_eq!(restarts(&house), 0);
    house.set_clock(HOUR_S - 30);
    resumes(&house, "anna", Role::Operator, true, id).await.expect("a clock that was corrected");
}
