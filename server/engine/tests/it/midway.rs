//! The table of what can go wrong midway in a join: fault, recognised, plan, proof, and the test's own look at the nodes.

mod stuck;

use crate::again::once_more;
use crate::crashes::every_write;
use crate::faults::{Trouble, every_step};
use crate::house::{House, anna};
use crate::look;
use crate::works::Work;
use lab::{Fault, JoinPoint, Scenario};
use model::audit::AuditCode;
use model::midway::{MidwayState, ToldWord, TraceCode, Way};
use model::operation::{OperationState, StepStatus};
use model::problem::ProblemCode;
use model::risk::Risk;
use std::collections::BTreeSet;
use std::time::Duration;
pub use stuck::{AUTHKEY, Stuck};

/// From the state through a plan to its proof.
async fn leads_out(stuck: Stuck, way: Way) {
    eprintln!("{stuck:?}: {way:?}");
    let house = stuck.house().await;
    let seen = stuck.seen(&house).await;
    assert!(seen.ways.iter().any(|one| one.way == way && one.closed.is_none()), "{stuck:?}: {:?}", seen.ways);
    if way != Way::Undo {
        stuck.heal(&house);
        house.lab.settle().await;
    }
    let operation = house.done(&stuck.intent(&house, way).await).await;
    look::is_done(&house, &operation).await;
    look::audit_is_whole(&house).await;
    house.lab.settle().await;
    stuck.check(&house, &house.lab.inspect(), way);
    let left = house.engine().midway(house.cluster).await.expect("a look");
    assert!(left.is_empty(), "{stuck:?}: nothing is left midway: {left:#?}");
    if way == Way::Undo {
        stuck.heal(&house);
        house.lab.settle().await;
        // The proof of a clean machine: it joins in the ordinary way.
        let again = house.done(&house.join_intent(&[stuck.joiner()]).await).await;
        look::is_done(&house, &again).await;
        stuck.check(&house, &house.lab.inspect(), Way::Join);
    }
}

/// Whoever asks who lowered votes is told of those that were lowered on the way, too.
#[tokio::test(start_paused = true)]
async fn votes_that_were_lowered_on_the_way_are_told_with_all_others() {
    let house = Stuck::ListedAlone.house().await;
    let operation = house.done(&Stuck::ListedAlone.intent(&house, Way::Undo).await).await;
    let told = house.engine().lowerings(None).await.expect("the store answers");
    let [run] = told.runs.as_slice() else { panic!("{:?}", told.runs) };
    assert_eq!((run.operation, run.command.as_str(), run.node.as_str()), (operation.id, "pvecm expected 1", "pve1"));
    let (before, after) = (run.before.as_ref().expect("a look before"), run.after.as_ref().expect("and after"));
    assert_eq!((before.quorate, before.expected, after.quorate, after.expected), (false, 2, true, 1));
    house.engine().watch(house.cluster).await;
    let restored = async || {
        house.engine().look_at_lowered_votes(&mut BTreeSet::new()).await.expect("the store answers");
        house.audit().await.iter().any(|one| one.entry.code == AuditCode::ExpectedRestored)
    };
    // The node is out of the configuration, which has no more votes than are expected.
    house.until("nothing is lowered any more", Duration::from_secs(120), restored).await;
}

#[tokio::test(start_paused = true)]
async fn what_stopped_is_finished() {
    for stuck in [
        Stuck::ListedOnly,
        Stuck::ListedAlone,
        Stuck::FilesWritten,
        Stuck::DatabaseMoved,
        Stuck::PmxcfsDown,
        Stuck::NotInRing,
        Stuck::CertificateMissing,
    ] {
        leads_out(stuck, Way::Finish).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_stopped_is_undone() {
    for stuck in [
        Stuck::KeysCarried,
        Stuck::ListedOnly,
        Stuck::ListedAlone,
        Stuck::FilesWritten,
        Stuck::DatabaseMoved,
        Stuck::ServicesDown,
        Stuck::PmxcfsDown,
        Stuck::NotInRing,
        Stuck::ForeignAuthkey,
        Stuck::NotListed,
    ] {
        leads_out(stuck, Way::Undo).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_with_other_addresses_is_taken_out_and_the_machine_joins() {
    leads_out(Stuck::OtherAddresses, Way::Undo).await;
}

#[tokio::test(start_paused = true)]
async fn a_join_that_changed_nothing_is_taken_up_in_the_ordinary_way() {
    leads_out(Stuck::KeysCarried, Way::Join).await;
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_done_from_here_no_plan_is_made() {
    for stuck in [Stuck::MembersDisagree, Stuck::JoinerSilent, Stuck::OtherCluster, Stuck::CannotTell] {
        let house = stuck.house().await;
        assert!(stuck.seen(&house).await.ways.is_empty(), "{stuck:?}");
        for way in [Way::Finish, Way::Undo] {
            let intent = stuck.intent(&house, way).await;
            let refused = house.engine().plan(house.cluster, &intent).await.expect_err("no plan");
            assert_eq!(refused.code, ProblemCode::JoinNoSuchWay, "{stuck:?} {way:?}: {refused}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_member_is_neither_finished_nor_undone() {
    let house = House::built(Scenario::bare(3), 3).await;
    assert!(house.engine().midway(house.cluster).await.expect("a look").is_empty());
    for way in [Way::Finish, Way::Undo] {
        let intent = Stuck::ListedOnly.intent(&house, way).await;
        let refused = house.engine().plan(house.cluster, &intent).await.expect_err("no plan");
        assert_eq!(refused.code, ProblemCode::WasAMember);
    }
}

#[tokio::test(start_paused = true)]
async fn what_lowers_votes_removes_an_entry_or_forces_is_destructive() {
    for (stuck, way, risk) in [
        (Stuck::ListedOnly, Way::Finish, Risk::Disruptive),
        (Stuck::ListedAlone, Way::Finish, Risk::Destructive),
        (Stuck::FilesWritten, Way::Finish, Risk::Destructive),
        (Stuck::DatabaseMoved, Way::Finish, Risk::Disruptive),
        (Stuck::ListedOnly, Way::Undo, Risk::Destructive),
        (Stuck::KeysCarried, Way::Undo, Risk::Disruptive),
    ] {
        let house = stuck.house().await;
        let plan = house.engine().plan(house.cluster, &stuck.intent(&house, way).await).await.expect("a plan").plan;
        assert_eq!(plan.risk, risk, "{stuck:?} {way:?}");
        let forced = plan.steps.iter().flat_map(|step| &step.commands).any(|line| line.contains("--force"));
        assert_eq!(forced, stuck == Stuck::FilesWritten);
    }
}

/// A plan that was agreed to, and a fault that comes right before it acts.
async fn refused_right_before(stuck: Stuck, fault: impl FnOnce(&House), code: ProblemCode) {
    let house = stuck.house().await;
    let intent = stuck.intent(&house, Way::Finish).await;
    let index = house.engine().plan(house.cluster, &intent).await.expect("a plan").plan.steps.len() - 1;
    let adds = house.lab.inspect().ran("pvecm add");
    let id = house.start(&intent).await.expect("it starts");
    fault(&house);
    let operation = house.ended(id).await;
    let OperationState::Failed { step, problem } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!((usize::from(*step), problem.code), (index, code), "{problem}");
    assert_eq!(house.lab.inspect().ran("pvecm add"), adds, "nothing was forced");
}

#[tokio::test(start_paused = true)]
async fn guests_and_foreign_keys_are_looked_for_again_right_before_force() {
    let guest = |house: &House| house.inject(Fault::AddGuest { node: "pve3".into(), vmid: 100 });
    refused_right_before(Stuck::ListedOnly, guest, ProblemCode::GuestsOnJoiner).await;
    let key = |house: &House| assert!(house.lab.put_file("pve3", AUTHKEY, b"of another cluster"));
    refused_right_before(Stuck::ListedOnly, key, ProblemCode::LeftoverAuthkey).await;
    refused_right_before(Stuck::FilesWritten, key, ProblemCode::LeftoverAuthkey).await;
}

#[tokio::test(start_paused = true)]
async fn guests_that_came_between_close_the_join_and_the_keys_are_taken_back() {
    let house = House::built(Scenario::bare(3), 2).await;
    house.inject(Fault::AddGuest { node: "pve3".into(), vmid: 100 });
    let operation = house.run(&house.join_intent(&["pve3"]).await).await;
    let OperationState::Failed { problem, .. } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!(problem.code, ProblemCode::GuestsOnJoiner);
    let seen = Stuck::KeysCarried.seen(&house).await;
    assert_eq!(seen.state, MidwayState::KeysCarried);
    let join = seen.ways.iter().find(|one| one.way == Way::Join).expect("named");
    assert_eq!(join.closed.as_ref().map(|problem| problem.code), Some(ProblemCode::GuestsOnJoiner));
    let shared = seen.traces.iter().find(|trace| trace.about == TraceCode::RootKey).expect("a line");
    assert_eq!(shared.word, Some(ToldWord::Yes));
    house.done(&Stuck::KeysCarried.intent(&house, Way::Undo).await).await;
    let key = house.lab.file("pve3", "/root/.ssh/id_rsa.pub").expect("root's key");
    let blob = String::from_utf8_lossy(&key).split_whitespace().nth(1).expect("a key").to_owned();
    assert_eq!(house.lab.files_with("pve1", blob.as_bytes()), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_parked_join_holds_the_cluster_until_it_is_given_up() {
    let house = House::built(Scenario::bare(3), 2).await;
    house.inject(Fault::JoinDiesAt { node: "pve3".into(), point: JoinPoint::AfterAddnode });
    let parked = house.run(&house.join_intent(&["pve3"]).await).await;
    assert!(matches!(parked.state, OperationState::Parked { .. }), "{:?}", parked.state);
    let intent = Stuck::ListedOnly.intent(&house, Way::Finish).await;
    assert_eq!(house.start(&intent).await.expect_err("the place is taken").code, ProblemCode::AlreadyRunning);
    house.engine().abandon(&anna(), parked.id, "it is finished by another plan").await.expect("given up");
    house.done(&intent).await;
    Stuck::ListedOnly.check(&house, &house.lab.inspect(), Way::Finish);
}

#[tokio::test(start_paused = true)]
async fn every_step_may_be_repeated() {
    for (stuck, way) in works() {
        eprintln!("{stuck:?} {way:?} once more");
        let house = stuck.house().await;
        let first = house.done(&stuck.intent(&house, way).await).await;
        house.lab.settle().await;
        let before = house.lab.inspect();
        // What has to be agreed to is planned anew; here the very same steps run, whatever their risk.
        let mut same = first.clone();
        same.plan.risk = Risk::Disruptive;
        let again = once_more(&house, &same).await;
        assert_eq!(again.state, OperationState::Done, "{:#?}", again.steps);
        let already = again.steps.iter().all(|step| matches!(step, StepStatus::Proven { already: true, .. }));
        assert!(already, "{stuck:?} {way:?}: {:#?}", again.steps);
        assert_eq!(house.lab.inspect(), before, "{stuck:?} {way:?}");
    }
}

/// Every kind of step in the shortest plans that have it; all plans where there is time.
fn works() -> Vec<(Stuck, Way)> {
    let mut works = vec![
        (Stuck::ListedAlone, Way::Finish),
        (Stuck::DatabaseMoved, Way::Finish),
        (Stuck::ListedAlone, Way::Undo),
        (Stuck::DatabaseMoved, Way::Undo),
    ];
    if std::env::var_os("QUORATE_LONG_TESTS").is_some() {
        works.extend([
            (Stuck::ListedOnly, Way::Finish),
            (Stuck::FilesWritten, Way::Finish),
            (Stuck::PmxcfsDown, Way::Finish),
            (Stuck::CertificateMissing, Way::Finish),
            (Stuck::KeysCarried, Way::Undo),
            (Stuck::ListedOnly, Way::Undo),
            (Stuck::FilesWritten, Way::Undo),
            (Stuck::PmxcfsDown, Way::Undo),
            (Stuck::NotListed, Way::Undo),
        ]);
    }
    works
}

macro_rules! every_way {
    ($($module:ident: $stuck:expr, $way:expr;)*) => {
        $(mod $module {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn a_node_hangs_or_drops_the_connection_at_any_step() {
                for trouble in [Trouble::Hanging, Trouble::Dropped] {
                    every_step(Work::Midway($stuck, $way), trouble).await;
                }
            }

            #[tokio::test(start_paused = true)]
            async fn a_node_prints_garbage_at_any_step() {
                every_step(Work::Midway($stuck, $way), Trouble::Garbage).await;
            }

            #[tokio::test(start_paused = true)]
            async fn the_console_dies_at_every_write_of_its_journal() {
                every_write(Work::Midway($stuck, $way), 0, 1).await;
            }
        })*
    };
}

every_way! {
    finish_listed: Stuck::ListedAlone, Way::Finish;
    finish_moved: Stuck::DatabaseMoved, Way::Finish;
    undo_listed: Stuck::ListedAlone, Way::Undo;
    undo_moved: Stuck::DatabaseMoved, Way::Undo;
}
