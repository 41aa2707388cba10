use crate::support::{Room, at, cluster_id, conflict, entry, failure, missing, operation};
use engine::ports::{AuditStore as _, JournalEntry, OperationStore as _, StoreError};
use model::audit::{AuditCode, AuditFilter};
use model::ids::OperationId;
use model::operation::{Operation, OperationState, OutputLine, StepEvent, StepStatus};
use model::problem::ProblemCode;
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn an_operation_comes_back_as_it_was_proposed() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let first = operation(one.id, 1);
    room.store.propose(&first, entry(AuditCode::PlanProposed)).await.expect("propose");
    assert_eq!(room.store.operation(first.id).await.expect("operation"), first);
    assert_eq!(conflict(room.store.propose(&first, entry(AuditCode::PlanProposed)).await), "operation");
    assert_eq!(
        missing(room.store.propose(&operation(cluster_id(9), 2), entry(AuditCode::PlanProposed)).await),
        "cluster"
    );
    assert_eq!(total(&room).await, 2, "only what was kept is in the audit");
}

#[tokio::test]
async fn a_plan_without_its_digest_is_refused_and_found() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let mut other = operation(one.id, 1);
    other.digest = operation(cluster_id(7), 1).digest;
    assert!(matches!(
        room.store.propose(&other, entry(AuditCode::PlanProposed)).await,
        Err(StoreError::Corrupt { what: "plan", .. })
    ));
    let good = operation(one.id, 1);
    room.store.propose(&good, entry(AuditCode::PlanProposed)).await.expect("propose");
    let mut intruder = room.intruder().await;
    sqlx::query("UPDATE operations SET plan = replace(plan, 'pve1', 'pve9')")
        .execute(&mut intruder)
        .await
        .expect("tamper");
    assert!(matches!(room.store.operation(good.id).await, Err(StoreError::Corrupt { what: "plan", .. })));
}

#[tokio::test]
async fn lists_are_newest_first_and_by_cluster() {
    let room = Room::new().await;
    let (one, two) = (room.cluster(1).await, room.cluster(2).await);
    for (cluster, number) in [(one.id, 1), (two.id, 2), (one.id, 3)] {
        room.store.propose(&operation(cluster, number), entry(AuditCode::PlanProposed)).await.expect("propose");
    }
    let numbers = |list: Vec<Operation>| list.into_iter().map(|o| o.id.as_uuid().as_u128()).collect::<Vec<_>>();
    assert_eq!(numbers(room.store.operations(None, 10).await.expect("all")), [3, 2, 1]);
    assert_eq!(numbers(room.store.operations(None, 2).await.expect("two")), [3, 2]);
    assert_eq!(numbers(room.store.operations(Some(one.id), 10).await.expect("one")), [3, 1]);
}

#[tokio::test]
async fn a_state_changes_only_from_what_it_is() {
    let room = Room::new().await;
    let id = started(&room).await;
    assert_eq!(
        conflict(set(&room, id, OperationState::Proposed, OperationState::Running).await),
        "another state of the operation"
    );
    let parked = OperationState::Parked { step: 1, problem: ProblemCode::OutcomeUnknown.into() };
    set(&room, id, OperationState::Running, parked.clone()).await.expect("park");
    assert_eq!(room.store.operation(id).await.expect("operation").state, parked);
    conflict(set(&room, id, OperationState::Running, OperationState::Done).await);
    set(&room, id, parked, OperationState::Abandoned).await.expect("abandon");
    let over = room.store.operation(id).await.expect("operation");
    assert_eq!((over.state, over.finished_at), (OperationState::Abandoned, Some(at(7))));
    assert_eq!(
        conflict(set(&room, id, OperationState::Abandoned, OperationState::Running).await),
        "finished operation"
    );
    assert_eq!(
        missing(set(&room, operation(cluster_id(1), 99).id, OperationState::Proposed, OperationState::Running).await),
        "operation"
    );
}

#[tokio::test]
async fn at_most_one_operation_holds_a_cluster() {
    let room = Room::new().await;
    let (one, two) = (room.cluster(1).await, room.cluster(2).await);
    for number in 1..=8 {
        room.store.propose(&operation(one.id, number), entry(AuditCode::PlanProposed)).await.expect("propose");
    }
    let tasks: Vec<_> = (1..=8)
        .map(|number| {
            let store = room.store.clone();
            let id = operation(one.id, number).id;
            let audit = Some(entry(AuditCode::OperationStarted));
            tokio::spawn(async move {
                store.set_state(id, &OperationState::Proposed, &OperationState::Running, audit, at(1)).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.expect("task") {
            Ok(()) => won += 1,
            refused => assert_eq!(conflict(refused), "running operation"),
        }
    }
    assert_eq!(won, 1);
    let started = AuditFilter { code: Some(AuditCode::OperationStarted), ..AuditFilter::default() };
    assert_eq!(room.store.find(&started, 9).await.expect("find").total, 1);
    let holder = room.store.unfinished().await.expect("unfinished").remove(0);
    let parked = OperationState::Parked { step: 0, problem: ProblemCode::OutcomeUnknown.into() };
    set(&room, holder.id, OperationState::Running, parked.clone()).await.expect("park");
    let next = operation(one.id, if holder.id == operation(one.id, 1).id { 2 } else { 1 }).id;
    assert_eq!(
        conflict(set(&room, next, OperationState::Proposed, OperationState::Running).await),
        "running operation",
        "parked holds too"
    );
    room.store.propose(&operation(two.id, 20), entry(AuditCode::PlanProposed)).await.expect("propose");
    set(&room, operation(two.id, 20).id, OperationState::Proposed, OperationState::Running)
        .await
        .expect("another cluster is free");
    set(&room, holder.id, parked, OperationState::Abandoned).await.expect("abandon");
    set(&room, next, OperationState::Proposed, OperationState::Running).await.expect("now it is free");
}

#[tokio::test]
async fn the_journal_moves_the_steps() {
    let room = Room::new().await;
    let id = started(&room).await;
    let events = [
        (0, StepEvent::Started),
        (0, StepEvent::Acted),
        (0, StepEvent::Proven { already: false }),
        (1, StepEvent::Started),
        (1, StepEvent::Failed { problem: ProblemCode::ProofMissing.into() }),
    ];
    for (second, (step, event)) in (0..).zip(events.clone()) {
        journal(&room, id, step, event, second).await.expect("journal");
    }
    let steps = room.store.operation(id).await.expect("operation").steps;
    assert_eq!(steps[0], StepStatus::Proven { at: at(2), already: false });
    assert_eq!(steps[1], StepStatus::Failed { at: at(4), problem: ProblemCode::ProofMissing.into() });
    let read = room.store.journal_of(id).await.expect("journal");
    assert_eq!(read.iter().map(|e| (e.step, e.event.clone())).collect::<Vec<_>>(), events);
    assert!(read.iter().all(|e| e.operation == id));
}

#[tokio::test]
async fn illegal_events_leave_nothing_behind() {
    let room = Room::new().await;
    let id = started(&room).await;
    let before = total(&room).await;
    for event in [
        StepEvent::Acted,
        StepEvent::Proven { already: true },
        StepEvent::Failed { problem: ProblemCode::Garbage.into() },
    ] {
        assert_eq!(conflict(journal(&room, id, 0, event, 1).await), "other status of the step");
    }
    assert_eq!(missing(journal(&room, id, 2, StepEvent::Started, 1).await), "step");
    assert!(room.store.journal_of(id).await.expect("journal").is_empty());
    assert_eq!(room.store.operation(id).await.expect("operation").steps, [StepStatus::Waiting, StepStatus::Waiting]);
    assert_eq!(total(&room).await, before);
}

#[tokio::test]
async fn nothing_is_journalled_for_what_does_not_run() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    let id = operation(one.id, 1).id;
    assert_eq!(missing(journal(&room, id, 0, StepEvent::Started, 1).await), "operation");
    room.store.propose(&operation(one.id, 1), entry(AuditCode::PlanProposed)).await.expect("propose");
    assert_eq!(conflict(journal(&room, id, 0, StepEvent::Started, 1).await), "operation that does not run");
    set(&room, id, OperationState::Proposed, OperationState::Abandoned).await.expect("abandon");
    assert_eq!(conflict(journal(&room, id, 0, StepEvent::Started, 1).await), "operation that does not run");
}

#[tokio::test]
async fn the_journal_is_append_only() {
    let room = Room::new().await;
    let id = started(&room).await;
    journal(&room, id, 0, StepEvent::Started, 1).await.expect("journal");
    let mut intruder = room.intruder().await;
    for sql in [
        "UPDATE journal SET step = 1",
        "DELETE FROM journal",
        "REPLACE INTO journal SELECT operation, seq, 1, entry FROM journal",
    ] {
        let error = sqlx::query(AssertSqlSafe(sql)).execute(&mut intruder).await.expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn output_is_read_from_where_one_was() {
    let room = Room::new().await;
    let id = started(&room).await;
    let lines: Vec<OutputLine> = (1..=5)
        .map(|seq| OutputLine { seq, step: 0, at: at(1), error: seq == 3, text: format!("line {seq}") })
        .collect();
    room.store.append_output(id, &lines).await.expect("append");
    assert_eq!(room.store.output_of(id, 0, 10).await.expect("output"), lines);
    assert_eq!(room.store.output_of(id, 2, 2).await.expect("output"), lines[2..4]);
    let more = [OutputLine { seq: 6, ..lines[0].clone() }, lines[4].clone()];
    assert_eq!(conflict(room.store.append_output(id, &more).await), "line of output");
    assert_eq!(room.store.output_of(id, 0, 10).await.expect("output").len(), 5, "all lines or none");
    assert_eq!(missing(room.store.append_output(operation(cluster_id(1), 99).id, &lines).await), "operation");
}

#[tokio::test]
async fn numbers_that_no_database_keeps_are_refused() {
    let room = Room::new().await;
    let id = started(&room).await;
    assert!(matches!(room.store.output_of(id, u64::MAX, 1).await, Err(StoreError::Corrupt { what: "sequence", .. })));
    room.store.close().await;
    assert!(!failure(room.store.operation(id).await).is_empty(), "a closed store says so");
}

async fn started(room: &Room) -> OperationId {
    let one = room.cluster(1).await;
    let running = operation(one.id, 1);
    room.store.propose(&running, entry(AuditCode::PlanProposed)).await.expect("propose");
    set(room, running.id, OperationState::Proposed, OperationState::Running).await.expect("run");
    running.id
}

async fn set(room: &Room, id: OperationId, from: OperationState, to: OperationState) -> Result<(), StoreError> {
    room.store.set_state(id, &from, &to, None, at(7)).await
}

async fn journal(
    room: &Room,
    operation: OperationId,
    step: u16,
    event: StepEvent,
    second: i64,
) -> Result<(), StoreError> {
    let line = JournalEntry { operation, step, at: at(second), event };
    room.store.journal(&line, Some(entry(AuditCode::CommandStarted))).await
}

async fn total(room: &Room) -> u64 {
    room.store.find(&AuditFilter::default(), 1).await.expect("find").total
}
