use crate::support::{Room, at, conflict, entry, operation};
use engine::ports::{AuditStore as _, ClusterStore as _, JournalEntry, OperationStore as _, StoreError};
use model::audit::{AuditCode, AuditFilter, ChainState};
use model::ids::OperationId;
use model::operation::{OperationState, StepEvent, StepStatus};
use sqlx::{Connection as _, SqliteConnection};
use std::path::Path;

#[tokio::test]
async fn what_was_journalled_is_there_after_a_crash() {
    let mut room = Room::new().await;
    let one = room.cluster(1).await;
    let running = operation(one.id, 1);
    room.store.propose(&running, entry(AuditCode::PlanProposed)).await.expect("propose");
    room.store
        .set_state(running.id, &OperationState::Proposed, &OperationState::Running, None, at(1))
        .await
        .expect("run");
    let events = [StepEvent::Started, StepEvent::Acted, StepEvent::Proven { already: false }];
    for (written, event) in (1..).zip(events) {
        let line = JournalEntry { operation: running.id, step: 0, at: at(2), event };
        room.store.journal(&line, Some(entry(AuditCode::CommandStarted))).await.expect("journal");
        room = room.crash().await;
        assert_eq!(room.store.journal_of(running.id).await.expect("journal").len(), written);
    }
    let unfinished = room.store.unfinished().await.expect("unfinished");
    assert_eq!(unfinished.iter().map(|o| o.id).collect::<Vec<_>>(), [running.id]);
    assert_eq!(unfinished[0].steps[0], StepStatus::Proven { at: at(2), already: false });
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { entries: 5, .. })));
    let second = operation(one.id, 2);
    room.store.propose(&second, entry(AuditCode::PlanProposed)).await.expect("propose");
    let refused =
        room.store.set_state(second.id, &OperationState::Proposed, &OperationState::Running, None, at(3)).await;
    assert_eq!(conflict(refused), "running operation", "a crash does not free the cluster");
}

/// The file as it would be found after a power cut: copied while the store is open, side file and all.
#[tokio::test]
async fn a_commit_is_in_the_files_before_the_call_returns() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    room.store.propose(&operation(one.id, 1), entry(AuditCode::PlanProposed)).await.expect("propose");
    let copy = tempfile::tempdir().expect("folder");
    for name in ["quorate.db", "quorate.db-wal"] {
        std::fs::copy(room.file(name), copy.path().join(name)).expect("copy");
    }
    let found = store::SqliteStore::open(&copy.path().join("quorate.db")).await.expect("open");
    assert_eq!(found.operation(operation(one.id, 1).id).await.expect("operation"), operation(one.id, 1));
    assert!(matches!(found.verify().await, Ok(ChainState::Whole { entries: 2, .. })));
}

#[tokio::test]
async fn a_change_is_kept_with_its_entry_or_not_at_all() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    forbid_audit(&room.path()).await;
    let running = operation(one.id, 1);
    let attempts: [Result<(), StoreError>; 2] = [
        room.store.propose(&running, entry(AuditCode::PlanProposed)).await,
        room.store.forget_cluster(one.id, entry(AuditCode::ClusterForgotten)).await,
    ];
    assert!(attempts.iter().all(|attempt| matches!(attempt, Err(StoreError::Database { .. }))));
    assert!(room.store.operations(None, 9).await.expect("operations").is_empty());
    assert_eq!(room.store.cluster(one.id).await.expect("still there"), one);
}

#[tokio::test]
async fn a_call_that_is_dropped_changes_nothing_and_blocks_nobody() {
    let room = Room::new().await;
    let one = room.cluster(1).await;
    for number in 1..=40 {
        let proposed = operation(one.id, number);
        let store = room.store.clone();
        let task = tokio::spawn(async move { store.propose(&proposed, entry(AuditCode::PlanProposed)).await });
        for _ in 0..number {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _ended_or_aborted = task.await;
    }
    room.store.append(entry(AuditCode::ServerStarted)).await.expect("the writer is free");
    let kept: Vec<OperationId> =
        room.store.operations(None, 100).await.expect("operations").iter().map(|o| o.id).collect();
    let proposed = AuditFilter { code: Some(AuditCode::PlanProposed), ..AuditFilter::default() };
    let entries = room.store.find(&proposed, 100).await.expect("find").total;
    assert_eq!(usize::try_from(entries).expect("small"), kept.len());
    assert!(matches!(room.store.verify().await, Ok(ChainState::Whole { .. })));
}

/// From now on every audit entry fails, as on a full disk.
async fn forbid_audit(path: &Path) {
    let mut other = SqliteConnection::connect(path.to_str().expect("path")).await.expect("connect");
    sqlx::query("CREATE TRIGGER full_disk BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END")
        .execute(&mut other)
        .await
        .expect("trigger");
}
