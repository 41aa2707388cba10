//! Two who go on with the same operation at the same moment.

use crate::fence::held;
use crate::house::{House, anna};
use crate::look;
use engine::audit::Person;
use engine::ports::OperationStore;
use lab::Scenario;
use model::audit::{AuditCode, AuditEntry};
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepEvent};
use model::problem::ProblemCode;

fn bert() -> Person {
    Person { name: "bert".into() }
}

/// A join that somebody has paused.
async fn paused() -> (House, OperationId) {
    let house = House::built(Scenario::bare(2), 1).await;
    let id = house.start(&house.join_intent(&["pve2"]).await).await.expect("it starts");
    house.engine().pause(&bert(), id).await.expect("it will pause");
    let operation = house.ended(id).await;
    assert!(matches!(operation.state, OperationState::Paused { .. }), "{:?}", operation.state);
    (house, id)
}

/// No step was begun by a second one as well, and no command either.
async fn was_begun_once(house: &House, operation: &Operation) {
    let journal = held(house.raw().journal_of(operation.id)).await.expect("the journal");
    let started = journal.iter().filter(|entry| entry.event == StepEvent::Started).map(|entry| entry.step);
    let each: Vec<u16> = (0..).zip(&operation.steps).map(|(step, _)| step).collect();
    assert_eq!(started.collect::<Vec<_>>(), each);
    let entries = look::audit_is_whole(house).await;
    look::ran_what_was_shown(operation, &entries);
    let truth = house.lab.inspect();
    assert_eq!((truth.ran("pvecm add"), truth.ran("pvecm addnode")), (1, 1));
}

/// Who presses in the same moment as somebody else wants the same, and is not refused for it.
#[tokio::test(start_paused = true)]
async fn two_who_go_on_at_once_begin_it_once() {
    let (house, id) = paused().await;
    let (anna, bert) = (anna(), bert());
    let (one, other) = tokio::join!(house.engine().resume(&anna, id), house.engine().resume(&bert, id));
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    for late in [one, other].into_iter().filter_map(Result::err) {
        assert_eq!(late.code, ProblemCode::OperationOver, "{late}");
    }
    let operation = house.ended(id).await;
    look::is_done(&house, &operation).await;
    was_begun_once(&house, &operation).await;
    let all: Vec<AuditEntry> = house.audit().await.into_iter().map(|one| one.entry).collect();
    let ours = all.iter().filter(|entry| entry.operation == Some(id));
    let since: Vec<&AuditEntry> = ours.skip_while(|entry| entry.code != AuditCode::OperationResumed).collect();
    let resumed: Vec<&str> = whose(&since, AuditCode::OperationResumed);
    let [first] = resumed.as_slice() else { panic!("{resumed:?}") };
    let commands = whose(&since, AuditCode::CommandStarted);
    assert!(!commands.is_empty() && commands.iter().all(|who| who == first), "{first} went on: {commands:?}");
}

fn whose<'a>(entries: &[&'a AuditEntry], code: AuditCode) -> Vec<&'a str> {
    entries.iter().filter(|entry| entry.code == code).map(|entry| entry.who.as_str()).collect()
}
