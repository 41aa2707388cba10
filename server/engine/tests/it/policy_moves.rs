//! Two people change a policy at the same time, each as they saw it.

use crate::house::House;
use engine::approvals::{PolicyChange, PolicyWish};
use engine::audit::Person;
use lab::Scenario;
use model::approval::{RequestState, Subject};
use model::policy::{Demand, Policy, Row};
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use model::role::Role;

#[tokio::test(start_paused = true)]
async fn of_two_changes_that_begin_from_the_same_policy_one_takes() {
    // The same wish twice is one request: who comes second finds it used up.
    for wishes in [[Demand::AnotherPerson, Demand::AnotherApprover], [Demand::AnotherPerson; 2]] {
        let house = house(&["ada"]).await;
        let before = policy(&house).await;
        let [first, second] = wishes.map(|demand| change(&house, "ada", &before, with_line(demand)));
        let (one, other) = tokio::join!(first, second);
        let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
        let Ok(PolicyChange::InForce(request)) = won else { panic!("{won:?} {lost:?}") };
        assert_eq!(lost.expect_err("it has moved").code, ProblemCode::PolicyMoved, "{wishes:?}");
        let subject = house.engine().request(request).await.expect("request").subject;
        let Subject::Policy { after, .. } = subject else { panic!("a policy: {subject:?}") };
        assert_eq!(policy(&house).await, after);
        let open = house.store().requests(Some(house.cluster), true, 10).await.expect("requests");
        assert!(open.is_empty(), "nothing waits that could turn it back: {open:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_looked_before_the_last_change_asks_for_nothing() {
    let house = house(&["ada"]).await;
    let before = policy(&house).await;
    change(&house, "ada", &before, with_line(Demand::AnotherPerson)).await.expect("in force");
    let now = policy(&house).await;
    let late = change(&house, "ada", &before, with_line(Demand::AnotherApprover)).await;
    assert_eq!(late.expect_err("it has moved").code, ProblemCode::PolicyMoved);
    assert_eq!(policy(&house).await, now);
    let asked = house.store().requests(Some(house.cluster), false, 10).await.expect("requests");
    assert_eq!(asked.len(), 1, "{asked:?}");
    // Lines that say what is so anyway are no other policy.
    let mut wordy = now.clone();
    wordy.classes.insert(Risk::Disruptive, Row::shipped(Risk::Disruptive));
    change(&house, "ada", &wordy, Policy::default()).await.expect("seen as it is");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_applied_over_no_other_change() {
    let house = house(&["ada", "alan"]).await;
    let before = policy(&house).await;
    let mut waiting = Vec::new();
    for (name, demand) in [("ada", Demand::AnotherPerson), ("alan", Demand::AnotherApprover)] {
        let asked = change(&house, name, &before, with_line(demand)).await;
        let Ok(PolicyChange::Waits(request)) = asked else { panic!("{asked:?}") };
        waiting.push(request);
    }
    let engine = house.engine();
    engine.approve(&person("alan"), waiting[0], "", true).await.expect("in force");
    let late = engine.approve(&person("ada"), waiting[1], "", true).await;
    assert_eq!(late.expect_err("it has moved").code, ProblemCode::FactsChanged);
    let state = engine.request(waiting[1]).await.expect("request").state;
    assert!(matches!(state, RequestState::Void { .. }), "{state:?}");
    assert_eq!(policy(&house).await, with_line(Demand::AnotherPerson));
}

async fn house(admins: &[&str]) -> House {
    let house = House::new(Scenario::bare(2)).await;
    for name in admins {
        house.person(name, Role::Admin).await;
    }
    house
}

fn person(name: &str) -> Person {
    Person { name: name.into() }
}

async fn policy(house: &House) -> Policy {
    house.store().policy(house.cluster).await.expect("policy")
}

async fn change(house: &House, who: &str, before: &Policy, after: Policy) -> Result<PolicyChange, Problem> {
    let wish = PolicyWish { before: Some(before.clone()), after };
    house.engine().change_policy(&person(who), house.cluster, wish, "a lab", true).await
}

fn with_line(agreement: Demand) -> Policy {
    let mut policy = Policy::default();
    policy.actions.insert("withdraw".into(), Row { agreement, ..Row::shipped(Risk::Disruptive) });
    policy
}
