//! The console dies while somebody agrees once more to an operation that stands: it was agreed to and goes on once, or nothing
//! of that was.

use crate::fence::Side;
use crate::house::{House, OVER_WITHIN, anna};
use crate::lapsing::{TOO_LONG, parked, resumes, stands};
use crate::look;
use crate::works::Work;
use model::audit::{AuditCode, AuditEntry};
use model::ids::OperationId;
use model::operation::{Operation, OperationState, StepStatus};
use model::problem::ProblemCode;
use model::role::Role;

/// More than what is written from the agreement to the end of any of these.
const WRITES_MAX: u64 = 30;

/// How it stands.
#[derive(Debug, Clone, Copy)]
enum Standing {
    /// Its BMC was silent, before anything was begun.
    Parked,
    /// Somebody has paused it between off and on.
    Paused,
}

impl Standing {
    const fn work(self) -> Work {
        match self {
            Self::Parked => Work::PowerOff,
            Self::Paused => Work::PowerCycle,
        }
    }

    /// Agreed to longer ago than that is good for.
    async fn house(self) -> (House, OperationId) {
        let house = self.work().house().await;
        let id = match self {
            Self::Parked => stands(&house).await,
            Self::Paused => paused(&house).await,
        };
        // Nobody looks at the nodes while it stands.
        house.engine().watchers.stop_all();
        tokio::time::sleep(TOO_LONG).await;
        (house, id)
    }
}

async fn paused(house: &House) -> OperationId {
    let id = house.start(&Work::PowerCycle.intent(house).await).await.expect("it starts");
    let begun = async || house.operation(id).await.steps[0] != StepStatus::Waiting;
    house.until("it is begun", OVER_WITHIN, begun).await;
    house.engine().pause(&anna(), id).await.expect("it will pause");
    let operation = house.ended(id).await;
    assert!(matches!(operation.state, OperationState::Paused { step: 1, .. }), "{:?}", operation.state);
    id
}

/// By whom it was agreed to anew.
async fn agreed_anew(house: &House, id: OperationId) -> Vec<String> {
    let entries = house.audit().await.into_iter().map(|one| one.entry);
    let anew = |entry: &AuditEntry| {
        let resumed = entry.code == AuditCode::OperationResumed && entry.operation == Some(id);
        resumed && entry.details.get("agreed").is_some_and(|word| word == "anew")
    };
    entries.filter(anew).map(|entry| entry.who).collect()
}

fn switched(house: &House) -> (u64, u64) {
    let truth = house.lab.inspect();
    (truth.ran("power off"), truth.ran("power on"))
}

/// olga agrees by going on with it, and the console dies at this write after she has pressed; false where it lives on.
async fn dies_at(standing: Standing, write: u64, side: Side) -> bool {
    let (mut house, id) = standing.house().await;
    let (before, ran) = (house.operation(id).await, switched(&house));
    house.console.fence.die_in(write, side);
    tokio::select! {
        biased;
        answer = resumes(&house, "olga", Role::Approver, true, id) => answer.expect("she agrees by it"),
        () = house.console.fence.death() => {}
    }
    let died = tokio::select! {
        biased;
        () = house.console.fence.death() => true,
        _ = house.ended(id) => house.console.fence.is_dead(),
    };
    let left = house.operation(id).await;
    let resumed = house.restart().await;
    assert_eq!(resumed, usize::from(left.state.is_carried_out()), "what goes on is taken up, and nothing else");
    let anew = agreed_anew(&house, id).await;
    let operation = if anew.is_empty() {
        assert_eq!(switched(&house), ran, "nothing began");
        assert_eq!(house.operation(id).await, before, "it stands as it stood");
        is_still_too_old(&house, id).await;
        resumes(&house, "olga", Role::Approver, true, id).await.expect("she agrees once more");
        house.ended(id).await
    } else {
        looked_at(&house, house.ended(id).await).await
    };
    look::is_done(&house, &operation).await;
    standing.work().check(&house);
    assert_eq!(agreed_anew(&house, id).await, ["olga"], "once");
    look::audit_is_whole(&house).await;
    died
}

async fn is_still_too_old(house: &House, id: OperationId) {
    let refused = house.engine().resume(&anna(), id).await.expect_err("nobody has agreed");
    assert_eq!(refused.code, ProblemCode::AgreementOld);
}

/// A command that may have left the console is not given again by itself: whoever asked for it looks, and nobody has to agree
/// once more.
async fn looked_at(house: &House, operation: Operation) -> Operation {
    if operation.state == OperationState::Done {
        return operation;
    }
    assert_eq!(parked(&operation), ProblemCode::PowerTurned);
    house.engine().resume(&anna(), operation.id).await.expect("the agreement is good");
    house.ended(operation.id).await
}

async fn dies_at_every_write(standing: Standing) {
    for side in [Side::Before, Side::After] {
        let mut write = 1;
        eprintln!("{standing:?}: dies {side:?} write {write}");
        while dies_at(standing, write, side).await {
            write += 1;
            eprintln!("{standing:?}: dies {side:?} write {write}");
            assert!(write < WRITES_MAX, "it never gets to its end");
        }
        // The agreement, and each of: begun, command, its end, done, proven.
        assert!(write > 6, "only {write} writes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_parked_is_agreed_to_anew_or_not_at_every_write() {
    dies_at_every_write(Standing::Parked).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_paused_is_agreed_to_anew_or_not_at_every_write() {
    dies_at_every_write(Standing::Paused).await;
}
