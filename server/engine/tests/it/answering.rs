//! Who ran `pvecm expected`: the one answer, from the real store, whatever became of the run.

use crate::fence::held;
use crate::house::{House, anna};
use crate::works::Work;
use engine::ports::UserStore;
use lab::Fault;
use model::approval::Agreed;
use model::lowering::{Fate, Lowering};
use model::operation::{OperationState, StepEvent};
use model::policy::Consent;
use model::role::Role;
use std::collections::BTreeSet;
use std::time::Duration;

async fn runs(house: &House) -> Vec<Lowering> {
    let told = house.engine().lowerings(None).await.expect("the store answers");
    assert_eq!(told.next, None);
    told.runs
}

async fn one(house: &House) -> Lowering {
    let mut all = runs(house).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

async fn look(house: &House) {
    house.engine().look_at_lowered_votes(&mut BTreeSet::new()).await.expect("the store answers");
}

#[tokio::test(start_paused = true)]
async fn everybody_and_everything_around_it_in_one_answer_until_the_votes_have_risen() {
    let house = Work::Expected.house().await;
    let operation = house.done(&house.expected_intent().await).await;
    let told = one(&house).await;
    assert_eq!((told.operation, told.node.as_str(), told.votes), (operation.id, "pve1", 1));
    assert_eq!((told.asked_by.as_str(), told.reason.as_str()), ("anna", "a cluster is needed"));
    assert!(told.command.ends_with("pvecm expected 1"), "{}", told.command);
    let agreed = told.agreed.expect("somebody agreed");
    let Agreed::By { by, comment, .. } = &agreed.agreed else { panic!("{agreed:?}") };
    assert_eq!((by.as_str(), comment.as_str(), agreed.requested_by.as_str()), ("olga", "I see it too", "anna"));
    let proofs: Vec<_> =
        told.proofs.iter().map(|one| (one.params["node"].as_str(), one.params["by"].as_str())).collect();
    assert_eq!(proofs, [("pve2", "anna"), ("pve3", "anna")]);
    let (before, after) = (told.before.expect("a look before"), told.after.expect("a look after"));
    assert_eq!((before.quorate, before.votes, before.expected, before.quorum), (false, 1, 3, 2));
    assert_eq!((after.quorate, after.votes, after.expected, after.quorum), (true, 1, 1, 1));
    assert!(before.printed.contains("Expected votes:   3"), "word for word: {}", before.printed);
    assert!(matches!(told.fate, Fate::Lowered { alarmed: None, watched: true, .. }), "{:?}", told.fate);
    assert!(told.entries.is_sorted_by_key(|line| line.index) && told.entries.len() >= 6, "{:#?}", told.entries);

    house.engine().watch(house.cluster).await;
    tokio::time::sleep(Duration::from_secs(3_700)).await;
    look(&house).await;
    assert!(matches!(one(&house).await.fate, Fate::Lowered { alarmed: Some(_), .. }));
    for node in ["pve2", "pve3"] {
        house.inject(Fault::Start { node: node.into() });
    }
    let risen = async || {
        look(&house).await;
        matches!(one(&house).await.fate, Fate::Restored { .. })
    };
    house.until("they have risen", Duration::from_secs(300), risen).await;
    let fate = one(&house).await.fate;
    let seconds = fate.seconds(house.engine().clock.now()).expect("it is over");
    assert!((3_700..4_100).contains(&seconds), "{seconds}");
    let Fate::Restored { expected, returned, alarmed, .. } = fate else { panic!("{fate:?}") };
    assert_eq!((expected, returned), (Some(3), vec!["pve2".to_owned(), "pve3".to_owned()]));
    assert!(alarmed.is_some(), "that it took too long is not forgotten");
}

#[tokio::test(start_paused = true)]
async fn half_a_run_says_that_nobody_knows_and_a_whole_one_follows() {
    let house = Work::Expected.house().await;
    let lab = house.lab.clone();
    house.console.fence.after(
        |entry| entry.event == StepEvent::Acted,
        move || lab.inject(Fault::HangCommands { node: "pve1".into(), on: true }).expect("the fault"),
    );
    let operation = house.run(&house.expected_intent().await).await;
    assert!(matches!(operation.state, OperationState::Parked { .. }), "{:?}", operation.state);
    let told = one(&house).await;
    assert!(matches!(told.fate, Fate::Unclear { .. }), "{:?}", told.fate);
    assert!(told.before.is_some() && told.after.is_none());
    house.inject(Fault::HangCommands { node: "pve1".into(), on: false });
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    house.ended(operation.id).await;
    let told = one(&house).await;
    assert!(matches!(told.fate, Fate::Lowered { .. }), "{:?}", told.fate);
    assert_eq!(told.after.map(|seen| seen.expected), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_stopped_before_its_command_lowered_nothing() {
    let house = Work::Expected.house().await;
    let intent = house.expected_intent().await;
    house.inject(Fault::Start { node: "pve2".into() });
    let back = async || house.lab.inspect().partitions.iter().any(|one| one.nodes.len() == 2);
    house.until("one is back", Duration::from_secs(120), back).await;
    let operation = house.run(&intent).await;
    assert!(matches!(operation.state, OperationState::Failed { .. }), "{:?}", operation.state);
    let told = one(&house).await;
    assert_eq!((told.fate, told.after), (Fate::Never, None));
}

#[tokio::test(start_paused = true)]
async fn what_nobody_agreed_to_says_so_and_who_looked_at_it_since() {
    let house = Work::Expected.house().await;
    house.two_people().await;
    let anna_id = held(house.raw().user_by_name("anna")).await.expect("her account").id;
    let entry = house.entry(model::audit::AuditCode::RoleChanged);
    held(house.raw().set_role(anna_id, None, Role::Approver, entry)).await.expect("she may");
    let intent = house.expected_intent().await;
    let engine = house.engine();
    let proposal = engine.plan(house.cluster, &intent).await.expect("a plan");
    let consent = Consent { reason: "nobody is awake".into(), typed: proposal.plan.target.clone() };
    let request =
        engine.ask(&anna(), house.cluster, &intent, proposal.digest.as_str(), &consent, true).await.expect("asked");
    engine.break_glass(&anna(), request, true).await.expect("the countdown begins");
    let ran = async || engine.request(request).await.is_ok_and(|one| one.state.operation().is_some());
    house.until("the countdown is over", Duration::from_secs(90), ran).await;
    let id = engine.request(request).await.expect("the request").state.operation().expect("it ran");
    house.ended(id).await;
    let agreed = one(&house).await.agreed.expect("its request");
    assert!(matches!(agreed.agreed, Agreed::Alone { .. }) && agreed.review.is_none(), "{agreed:?}");
    let olga = engine::audit::Person { name: "olga".into() };
    engine.review(&olga, request, "I would have done the same").await.expect("she looks at it");
    let review = one(&house).await.agreed.and_then(|agreed| agreed.review).expect("reviewed");
    assert_eq!((review.by.as_str(), review.comment.as_str()), ("olga", "I would have done the same"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_taken_out_is_not_said_to_be_watched() {
    let house = Work::Expected.house().await;
    house.done(&house.expected_intent().await).await;
    let entry = house.entry(model::audit::AuditCode::ClusterForgotten);
    house.store().forget_cluster(house.cluster, entry).await.expect("forgotten");
    assert!(matches!(one(&house).await.fate, Fate::Lowered { watched: false, .. }));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_ever_did_nobody_is_named() {
    let house = House::new(lab::Scenario::healthy(2)).await;
    house.done(&house.qdevice_intent().await).await;
    assert!(runs(&house).await.is_empty());
}
