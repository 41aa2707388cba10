//! Who asks again for what rests on something else by now: that is another request, and nothing begins by the old one.

use crate::fence::Side;
use crate::house::House;
use crate::look;
use crate::works::Work;
use engine::approvals::PolicyChange;
use engine::audit::Person;
use engine::limits::REQUESTS_OWN_MAX;
use lab::{Fault, Scenario};
use model::approval::{FactCode, Request, RequestState, Subject, VoidCode};
use model::audit::AuditCode;
use model::ids::RequestId;
use model::observation::Freshness;
use model::plan::Intent;
use model::policy::{Consent, Policy, Row};
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use model::role::Role;
use model::topology::{Contact, Membership};
use std::time::Duration;

/// Longer than a list of guests is believed (90 s).
const TOLD_TOO_LONG_AGO: Duration = Duration::from_secs(100);
/// The machine that is to be cut off.
const NODE: &str = "pve3";

fn person(name: &str) -> Person {
    Person { name: name.into() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

/// Three nodes, of which one is to be cut off: guests matter for that, and stand nowhere in the plan itself.
async fn watched() -> (House, Intent) {
    let house = watched_for(Work::PowerOff).await;
    let intent = Work::PowerOff.intent(&house).await;
    (house, intent)
}

/// The house of some work on three nodes that live, of which the console knows everything.
pub async fn watched_for(work: Work) -> House {
    let house = work.house().await;
    house.two_people().await;
    told(&house, &[]).await;
    house
}

/// Until the console knows everything that such a request rests on, with these guests on the machine.
pub async fn told(house: &House, guests: &[u32]) {
    let engine = house.engine();
    engine.watch(house.cluster).await;
    let known = async || {
        let snapshot = engine.hub.snapshot(house.cluster);
        let nodes = snapshot.is_some_and(|one| {
            let told = one.nodes.iter().all(|node| {
                let reached = matches!(node.contact, Contact::Connected { .. });
                reached && node.membership == Membership::Member && node.freshness == Freshness::Fresh
            });
            let votes = one.quorum.as_ref().is_some_and(|aged| aged.freshness == Freshness::Fresh);
            let files = one.config_version.is_some() && one.nodes.iter().all(|node| node.votes.is_some());
            told && one.nodes.len() == 3 && votes && files
        });
        let list = engine.watchers.guests.of(house.cluster, engine.clock.now());
        nodes && list.is_some_and(|all| all.get(NODE).into_iter().flatten().eq(guests))
    };
    house.until("everything is told", Duration::from_secs(120), known).await;
}

/// The plan stays the same to the byte; what it rests on does not.
pub async fn a_guest_comes(house: &House) {
    house.inject(Fault::AddGuest { node: NODE.into(), vmid: 100 });
    told(house, &[100]).await;
}

async fn ask(house: &House, who: &str, intent: &Intent) -> Result<RequestId, ProblemCode> {
    let proposal = house.engine().plan(house.cluster, intent).await.expect("a plan");
    let consent = Consent { reason: "its fans have died".into(), typed: proposal.plan.target.clone() };
    let digest = proposal.digest.as_str();
    let asked = house.engine().ask(&person(who), house.cluster, intent, digest, &consent, true).await;
    asked.map_err(|problem| problem.code)
}

async fn agree(house: &House, id: RequestId) -> Result<(), Problem> {
    house.engine().approve(&person("olga"), id, "go", true).await
}

async fn request(house: &House, id: RequestId) -> Request {
    house.engine().request(id).await.expect("the request")
}

/// As the request has it.
fn guests(request: &Request) -> Option<&str> {
    let Subject::Plan { facts, .. } = &request.subject else { panic!("a plan") };
    let line = facts.iter().find(|line| line.code == FactCode::Guests && line.about == NODE);
    line.expect("guests matter").value.as_deref()
}

/// Void for what has moved, by the console, with one entry.
async fn is_void(house: &House, old: RequestId) {
    let state = request(house, old).await.state;
    assert!(matches!(state, RequestState::Void { why: VoidCode::FactsChanged, .. }), "{state:?}");
    let void: Vec<(String, String, String)> = look::audit_is_whole(house)
        .await
        .into_iter()
        .map(|one| one.entry)
        .filter(|entry| entry.code == AuditCode::ApprovalVoid)
        .map(|entry| (entry.who.clone(), entry.details["request"].clone(), entry.details["why"].clone()))
        .collect();
    assert_eq!(void, [("system".to_owned(), old.to_string(), "facts_changed".to_owned())]);
}

/// Neither what was agreed to, nor another agreement to it.
async fn begins_nothing(house: &House, old: RequestId) {
    let run = house.engine().run_agreed(&person("anna"), old, true).await;
    assert_eq!(code(run), ProblemCode::RequestOver);
    assert_eq!(code(agree(house, old).await), ProblemCode::RequestOver);
    let begun = house.store().operations(Some(house.cluster), 10).await.expect("the list");
    assert!(begun.is_empty(), "{begun:?}");
    assert_eq!(house.lab.inspect().ran("power off"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_rests_on_something_else_is_another_request_and_nothing_begins_by_the_old_one() {
    let (house, intent) = watched().await;
    let old = ask(&house, "anna", &intent).await.expect("asked");
    agree(&house, old).await.expect("agreed");
    a_guest_comes(&house).await;
    ask(&house, "bert", &intent).await.expect("his own");
    let state = request(&house, old).await.state;
    assert!(
        matches!(state, RequestState::Approved { .. }),
        "what somebody else asks for says nothing of it: {state:?}"
    );

    let new = ask(&house, "Anna", &intent).await.expect("asked again, however she writes her name");
    assert_ne!(new, old);
    let (then, now) = (request(&house, old).await, request(&house, new).await);
    assert_eq!(then.subject.seen().digest, now.subject.seen().digest, "the plan itself is the same");
    assert_eq!((guests(&then), guests(&now)), (Some("0"), Some("100")));
    assert_eq!(now.state, RequestState::Waiting, "nobody has agreed to that one");
    is_void(&house, old).await;
    begins_nothing(&house, old).await;
    let unagreed = house.engine().run_agreed(&person("anna"), new, true).await;
    assert_eq!(code(unagreed), ProblemCode::RequestOver);
    assert_eq!(ask(&house, "anna", &intent).await, Ok(new), "the same is not asked twice");

    agree(&house, new).await.expect("agreed");
    let operation = house.engine().run_agreed(&person("anna"), new, true).await.expect("it starts");
    look::is_done(&house, &house.ended(operation).await).await;
    Work::PowerOff.check(&house);
    look::audit_is_whole(&house).await;
}

/// A console that sees nothing for a moment throws nothing away.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_at_this_moment_is_the_same_request() {
    let (house, intent) = watched().await;
    let id = ask(&house, "anna", &intent).await.expect("asked");
    agree(&house, id).await.expect("agreed");
    house.engine().watchers.stop_all();
    tokio::time::sleep(TOLD_TOO_LONG_AGO).await;
    assert_eq!(house.engine().watchers.guests.of(house.cluster, house.engine().clock.now()), None);
    assert_eq!(ask(&house, "anna", &intent).await, Ok(id));
    let state = request(&house, id).await.state;
    assert!(matches!(state, RequestState::Approved { .. }), "{state:?}");
    assert_eq!(code(house.engine().run_agreed(&person("anna"), id, true).await), ProblemCode::FactsUnknown);
    told(&house, &[]).await;
    let operation = house.engine().run_agreed(&person("anna"), id, true).await.expect("it sees again");
    look::is_done(&house, &house.ended(operation).await).await;
}

/// As many other requests as one may have open, and one more of which she is refused.
async fn asks_for_many(house: &House, who: &str, open: u32) {
    // Where there is no other admin a policy waits for nobody.
    house.person("ada", Role::Admin).await;
    let words = ["power_on", "remove_qdevice", "restart_corosync", "join_nodes", "create_cluster", "withdraw"];
    let mut wishes = words.into_iter().flat_map(|word| [false, true].map(|protected| (word, protected)));
    for number in open..=REQUESTS_OWN_MAX {
        let (word, protected) = wishes.next().expect("enough of them");
        let actions = [(word.to_owned(), Row::shipped(Risk::Destructive))].into();
        let policy = Policy { protected, actions, ..Policy::default() };
        let asked = house.engine().change_policy(&person(who), house.cluster, policy, "for a while", true).await;
        if number < REQUESTS_OWN_MAX {
            assert!(matches!(asked, Ok(PolicyChange::Waits(_))), "{number}: {asked:?}");
        } else {
            assert_eq!(code(asked), ProblemCode::TooManyRequests);
        }
    }
}

/// The new one takes the place of the old one, and needs none of its own.
#[tokio::test(start_paused = true)]
async fn who_asks_again_is_not_one_too_many() {
    let (house, intent) = watched().await;
    let old = ask(&house, "anna", &intent).await.expect("asked");
    asks_for_many(&house, "anna", 1).await;
    a_guest_comes(&house).await;
    let new = ask(&house, "anna", &intent).await.expect("in the old one's place");
    assert_ne!(new, old);
    is_void(&house, old).await;
    begins_nothing(&house, old).await;
}

/// Whoever asks for a lot closes the way to an agreement for nobody else.
#[tokio::test(start_paused = true)]
async fn many_requests_of_one_person_are_not_one_too_many_of_another() {
    let house = Work::Expected.house().await;
    house.two_people().await;
    for name in ["bert", "carl", "dora", "emil", "fred"] {
        asks_for_many(&house, name, 0).await;
    }
    let operation = house.done(&house.expected_intent().await).await;
    look::is_done(&house, &operation).await;
    Work::Expected.check(&house);
}

/// The console dies as it makes the old one void.
async fn dies_between(side: Side) {
    let (mut house, intent) = watched().await;
    let old = ask(&house, "anna", &intent).await.expect("asked");
    agree(&house, old).await.expect("agreed");
    a_guest_comes(&house).await;
    house.arm((1, side)).await;
    told(&house, &[100]).await;
    tokio::select! {
        biased;
        asked = ask(&house, "anna", &intent) => panic!("it did not die: {asked:?}"),
        () = house.console.fence.death() => {}
    }
    house.restart().await;
    told(&house, &[100]).await;
    let state = request(&house, old).await.state;
    assert_eq!(matches!(state, RequestState::Approved { .. }), side == Side::Before, "{state:?}");
    let open = house.store().requests(Some(house.cluster), true, 10).await.expect("the list");
    assert_eq!(open.len(), usize::from(side == Side::Before), "no other one is there yet");
    let new = ask(&house, "anna", &intent).await.expect("asked again");
    assert_ne!(new, old);
    is_void(&house, old).await;
    begins_nothing(&house, old).await;
    assert_eq!(request(&house, new).await.state, RequestState::Waiting);
}

#[tokio::test(start_paused = true)]
async fn a_console_that_ends_between_the_two_leaves_nothing_that_could_begin() {
    for side in [Side::Before, Side::After] {
        dies_between(side).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_policy_that_is_asked_for_again_rests_on_the_policy_of_now() {
    let house = House::new(Scenario::healthy(2)).await;
    for name in ["ada", "rita"] {
        house.person(name, Role::Admin).await;
    }
    let engine = house.engine();
    let wish = async |who: &str, policy: &Policy| match engine
        .change_policy(&person(who), house.cluster, policy.clone(), "guests run here", true)
        .await
    {
        Ok(PolicyChange::Waits(id)) => id,
        other => panic!("{other:?}"),
    };
    let wanted = Policy { protected: true, ..Policy::default() };
    let line = [("power_on".to_owned(), Row::shipped(Risk::Destructive))];
    let moved = Policy { actions: line.into(), ..Policy::default() };
    let old = wish("ada", &wanted).await;
    let other = wish("rita", &moved).await;
    engine.approve(&person("ada"), other, "", true).await.expect("in force");
    let new = wish("ada", &wanted).await;
    assert_ne!(new, old);
    is_void(&house, old).await;
    let Subject::Policy { before, after, .. } = request(&house, new).await.subject else { panic!("a policy") };
    assert_eq!((&before, &after), (&moved, &wanted));
    assert_eq!(code(engine.approve(&person("rita"), old, "", true).await), ProblemCode::RequestOver);
    let in_force = async || engine.store.policy(house.cluster).await.expect("the policy");
    assert_eq!(in_force().await, moved, "nothing of the old one");
    engine.approve(&person("rita"), new, "", true).await.expect("in force");
    assert_eq!(in_force().await, wanted);
}
