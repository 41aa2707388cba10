//! Requests, approvals and countdowns over the simulated nodes: what runs, what does not, and what a crash leaves.

use crate::fence::{Side, held};
use crate::house::{House, OVER_WITHIN};
use crate::look;
use engine::approvals::PolicyChange;
use engine::audit::Person;
use engine::ports::ClusterStore;
use jiff::Timestamp;
use lab::{Fault, Scenario};
use model::approval::{Compared, RequestState, Subject, USABLE_MIN, VoidCode};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::RequestId;
use model::operation::OperationState;
use model::policy::{Agreement, Consent, Policy, Row};
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use model::role::Role;
use std::time::Duration;
use tokio::time::timeout;

fn person(name: &str) -> Person {
    Person { name: name.into() }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

/// A protected cluster of one node with another one beside it, and people.
struct Team {
    house: House,
}

impl Team {
    async fn new() -> Self {
        let house = House::built(Scenario::bare(2), 1).await;
        for (name, role) in [
            ("anna", Role::Operator),
            ("olga", Role::Approver),
            ("paul", Role::Approver),
            ("vera", Role::Viewer),
            ("ada", Role::Admin),
        ] {
            house.person(name, role).await;
        }
        let policy = Policy { protected: true, ..Policy::default() };
        let change = house.engine().change_policy(&person("ada"), house.cluster, policy, "guests", true).await;
        assert!(matches!(change, Ok(PolicyChange::InForce(_))), "{change:?}");
        let team = Self { house };
        team.settled().await;
        team
    }

    /// Until the console sees both machines, and knows what a request rests on.
    async fn settled(&self) {
        let engine = self.house.engine();
        let seen = async || {
            engine.hub.snapshot(self.house.cluster).is_some_and(|one| {
                one.quorum.is_some()
                    && one.config_version.is_some()
                    && one.nodes.len() == 2
                    && one.nodes.iter().all(|node| matches!(node.contact, model::topology::Contact::Connected { .. }))
            })
        };
        self.house.until("both machines are seen", Duration::from_secs(60), seen).await;
    }

    async fn ask(&self, who: &str) -> Result<RequestId, Problem> {
        let (engine, cluster) = (self.house.engine(), self.house.cluster);
        let intent = self.house.join_intent(&["pve2"]).await;
        let proposal = engine.plan(cluster, &intent).await?;
        let consent = Consent { reason: "a second node".into(), typed: proposal.plan.target.clone() };
        engine.ask(&person(who), cluster, &intent, proposal.digest.as_str(), &consent, true).await
    }

    async fn state(&self, id: RequestId) -> RequestState {
        self.house.engine().request(id).await.expect("the request").state
    }

    fn joins(&self) -> u64 {
        self.house.lab.inspect().ran("pvecm add")
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_past_the_gate() {
    let team = Team::new().await;
    let (engine, cluster) = (team.house.engine(), team.house.cluster);
    let intent = team.house.join_intent(&["pve2"]).await;
    let proposal = engine.plan(cluster, &intent).await.expect("a plan");
    assert_eq!(proposal.ruling.agreement, Agreement::AnotherPerson);
    let consent = Consent { reason: "x".into(), typed: proposal.plan.target.clone() };
    // Past the policy's ruling, as a mistake in the console would.
    assert_eq!(code(engine.begin(&person("anna"), proposal, &consent).await), ProblemCode::ApprovalNeeded);
    let operations = held(engine.store.operations(Some(cluster), 10)).await.expect("operations");
    assert!(operations.iter().all(|one| one.state != OperationState::Running));
    assert_eq!(team.joins(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_approved_runs_once_also_when_it_is_pressed_twice() {
    let team = Team::new().await;
    let engine = team.house.engine();
    let id = team.ask("anna").await.expect("asked");
    assert_eq!(code(engine.approve(&person("Anna"), id, "", true).await), ProblemCode::ApprovalOwn);
    assert_eq!(code(engine.approve(&person("vera"), id, "", true).await), ProblemCode::RoleTooLow);
    engine.approve(&person("paul"), id, "go", true).await.expect("approved");
    let anna = person("anna");
    let (one, two) = tokio::join!(engine.run_agreed(&anna, id, true), engine.run_agreed(&anna, id, true));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let operation = team.house.ended(one.or(two).expect("one of them")).await;
    look::is_done(&team.house, &operation).await;
    assert_eq!(team.joins(), 1);
    look::audit_is_whole(&team.house).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_approved_is_void_when_its_ground_moves() {
    let team = Team::new().await;
    let engine = team.house.engine();
    let id = team.ask("anna").await.expect("asked");
    engine.approve(&person("paul"), id, "", true).await.expect("approved");
    let joiner = team.house.id("pve2").await;
    let entry = AuditEntry::new(Timestamp::now(), AuditCode::NodeForgotten, "paul".into(), Outcome::Success);
    held(team.house.raw().forget_node(joiner, entry)).await.expect("somebody forgets it");
    engine.watch(team.house.cluster).await;
    let request = engine.request(id).await.expect("request");
    assert_eq!(engine.request_now(&request).await.expect("now").compared, Some(Compared::Changed));
    assert_eq!(code(engine.run_agreed(&person("anna"), id, true).await), ProblemCode::FactsChanged);
    let state = team.state(id).await;
    assert!(matches!(state, RequestState::Void { why: VoidCode::FactsChanged, .. }), "{state:?}");
    assert_eq!(team.joins(), 0);
}

#[tokio::test(start_paused = true)]
async fn alone_after_sixty_seconds_that_everybody_could_stop() {
    let team = Team::new().await;
    let engine = team.house.engine();
    let id = team.ask("anna").await.expect("asked");
    assert_eq!(code(engine.break_glass(&person("anna"), id, true).await), ProblemCode::RoleTooLow);
    let id = team.ask("olga").await.expect("asked");
    assert_eq!(code(engine.break_glass(&person("olga"), id, false).await), ProblemCode::ConsentMissing);
    engine.break_glass(&person("olga"), id, true).await.expect("counting");
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert!(matches!(team.state(id).await, RequestState::Counting { .. }));
    engine.stop_countdown(&person("vera"), id).await.expect("anybody");
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(matches!(team.state(id).await, RequestState::Stopped { .. }));
    assert_eq!(team.joins(), 0);

    let id = team.ask("olga").await.expect("asked again");
    engine.break_glass(&person("olga"), id, true).await.expect("counting");
    team.house
        .until("it has run out", Duration::from_secs(90), async || team.state(id).await.operation().is_some())
        .await;
    let operation = team.state(id).await.operation().expect("it runs");
    let operation = team.house.ended(operation).await;
    look::is_done(&team.house, &operation).await;
    assert_eq!(team.joins(), 1);
    assert!(team.state(id).await.awaits_review());
    assert_eq!(code(engine.review(&person("olga"), id, "fine").await), ProblemCode::ApprovalOwn);
    engine.review(&person("paul"), id, "it was right").await.expect("reviewed");
    assert!(!team.state(id).await.awaits_review());
    look::audit_is_whole(&team.house).await;
}

#[tokio::test(start_paused = true)]
async fn a_countdown_that_nobody_can_see_is_over() {
    let mut team = Team::new().await;
    let id = team.ask("olga").await.expect("asked");
    team.house.engine().break_glass(&person("olga"), id, true).await.expect("counting");
    tokio::time::sleep(Duration::from_secs(10)).await;
    team.house.restart().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    let state = team.state(id).await;
    assert!(matches!(state, RequestState::Void { why: VoidCode::ConsoleEnded, .. }), "{state:?}");
    assert_eq!(team.joins(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_does_not_end_a_countdown() {
    let team = Team::new().await;
    let id = team.ask("olga").await.expect("asked");
    team.house.engine().break_glass(&person("olga"), id, true).await.expect("counting");
    team.house.console.fence.fail_requests(true);
    tokio::time::sleep(Duration::from_secs(80)).await;
    assert_eq!(team.joins(), 0);
    team.house.console.fence.fail_requests(false);
    team.house
        .until("it has run out", Duration::from_secs(30), async || team.state(id).await.operation().is_some())
        .await;
    let operation = team.state(id).await.operation().expect("it runs");
    let operation = team.house.ended(operation).await;
    look::is_done(&team.house, &operation).await;
}

#[tokio::test(start_paused = true)]
async fn a_countdown_that_cannot_be_read_until_its_time_is_over_is_void() {
    let team = Team::new().await;
    let id = team.ask("olga").await.expect("asked");
    team.house.engine().break_glass(&person("olga"), id, true).await.expect("counting");
    team.house.engine().watchers.stop_all();
    team.house.console.fence.fail_requests(true);
    tokio::time::sleep(Duration::from_secs(60 * (USABLE_MIN.unsigned_abs() + 2))).await;
    team.house.console.fence.fail_requests(false);
    let state = team.state(id).await;
    assert!(matches!(state, RequestState::Void { why: VoidCode::CouldNotRun, .. }), "{state:?}");
    assert_eq!(team.joins(), 0);
    let all = team.house.audit().await;
    let void = all.iter().find(|one| one.entry.code == AuditCode::ApprovalVoid).expect("written down");
    assert_eq!(void.entry.details["why"], "could_not_run");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_has_guests_is_protected_unless_somebody_decided() {
    let house = House::new(Scenario::healthy(2)).await;
    let engine = house.engine();
    engine.watch_all().await;
    let told = async || engine.watchers.guests.of(house.cluster, engine.clock.now()).is_some();
    house.until("the guests are told", Duration::from_secs(60), told).await;
    assert_eq!(engine.protect_clusters_with_guests().await.expect("looked"), 0, "it has none");
    has_a_guest(&house).await;
    assert_eq!(engine.protect_clusters_with_guests().await.expect("looked"), 1);
    assert!(held(engine.store.policy(house.cluster)).await.expect("policy").protected);
    let open = engine.change_policy(&person("anna"), house.cluster, Policy::default(), "a lab", true).await;
    // Nobody has an account here, so nobody may.
    assert_eq!(code(open), ProblemCode::RoleTooLow);
    let team = Team::new().await;
    let (engine, cluster) = (team.house.engine(), team.house.cluster);
    let open = engine.change_policy(&person("ada"), cluster, Policy::default(), "a lab", true).await;
    assert!(matches!(open, Ok(PolicyChange::InForce(_))), "{open:?}");
    has_a_guest(&team.house).await;
    assert_eq!(engine.protect_clusters_with_guests().await.expect("looked"), 0, "an admin said so");
}

/// As soon as the console knows of it.
async fn has_a_guest(house: &House) {
    let engine = house.engine();
    house.inject(Fault::AddGuest { node: "pve1".into(), vmid: 100 });
    let some = async || engine.watchers.guests.of(house.cluster, engine.clock.now()).is_some_and(|all| !all.is_empty());
    house.until("the guest is told", Duration::from_secs(60), some).await;
}

/// While it had no guests an admin changed a line, and nobody the switch.
#[tokio::test(start_paused = true)]
async fn who_changes_another_line_has_not_decided_about_the_switch() {
    let house = House::new(Scenario::healthy(2)).await;
    house.person("ada", Role::Admin).await;
    let engine = house.engine();
    let line = Row { reason: true, ..Row::shipped(Risk::Reversible) };
    let lines = Policy { classes: [(Risk::Reversible, line)].into(), ..Policy::default() };
    let change = engine.change_policy(&person("ada"), house.cluster, lines.clone(), "why not", true).await;
    assert!(matches!(change, Ok(PolicyChange::InForce(_))), "{change:?}");
    engine.watch_all().await;
    has_a_guest(&house).await;
    assert_eq!(engine.protect_clusters_with_guests().await.expect("looked"), 1);
    let policy = async || held(engine.store.policy(house.cluster)).await.expect("policy");
    assert_eq!(policy().await, Policy { protected: true, ..lines.clone() }, "her line is still there");
    // Now she decides; a further line takes nothing of that back.
    for next in [lines, Policy::default()] {
        let change = engine.change_policy(&person("ada"), house.cluster, next, "a lab", true).await;
        assert!(matches!(change, Ok(PolicyChange::InForce(_))), "{change:?}");
        assert_eq!(engine.protect_clusters_with_guests().await.expect("looked"), 0, "an admin said so");
    }
}

/// What is not known is neither as it was nor changed, and what the plan would do is reckoned anew.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_of_a_request_is_said_to_be_so() {
    let team = Team::new().await;
    let (engine, cluster) = (team.house.engine(), team.house.cluster);
    let id = team.ask("anna").await.expect("asked");
    let request = engine.request(id).await.expect("the request");
    let Subject::Plan { blast, .. } = &request.subject else { panic!("a plan: {request:?}") };
    assert!(blast.votes_now.is_some());
    let before = engine.clock.now();
    let seen = engine.request_now(&request).await.expect("now");
    assert_eq!((seen.compared, seen.blast.as_ref()), (Some(Compared::Same), Some(blast)));
    assert!((before..=engine.clock.now()).contains(&seen.at));
    // The console is blind for a moment.
    engine.unwatch(cluster);
    let blind = engine.request_now(&request).await.expect("now");
    assert_eq!(blind.compared, Some(Compared::CannotTell));
    assert_eq!(blind.blast.and_then(|blast| blast.votes_now), None, "nothing of then is shown as of now");
    assert_eq!(blind.hindrance.map(|problem| problem.code), Some(ProblemCode::FactsUnknown));
    let forgotten = AuditEntry::new(Timestamp::now(), AuditCode::ClusterForgotten, "ada".into(), Outcome::Success);
    held(team.house.raw().forget_cluster(cluster, forgotten)).await.expect("forgotten");
    let request = engine.request(id).await.expect("it outlives its cluster");
    let gone = engine.request_now(&request).await.expect("now");
    assert_eq!((gone.compared, gone.blast, gone.facts.len()), (None, None, 0));
}

/// The console dies at every write of decisions, of the start and of the journal, on either side of it.
#[tokio::test(start_paused = true)]
async fn at_every_write_nothing_runs_unagreed_and_nothing_is_used_twice() {
    let writes = {
        let team = Team::new().await;
        let before = team.house.console.fence.journal_writes();
        walk(&team).await;
        team.house.console.fence.journal_writes() - before
    };
    assert!(writes > 6, "only {writes} writes");
    for write in 1..=writes {
        for side in [Side::Before, Side::After] {
            eprintln!("dies {side:?} write {write} of {writes}");
            dies_at(write, side).await;
        }
    }
}

async fn walk(team: &Team) {
    let engine = team.house.engine();
    let id = team.ask("anna").await.expect("asked");
    engine.approve(&person("paul"), id, "go", true).await.expect("approved");
    let operation = engine.run_agreed(&person("anna"), id, true).await.expect("it starts");
    let operation = team.house.ended(operation).await;
    assert_eq!(operation.state, OperationState::Done);
}

async fn dies_at(write: u64, side: Side) {
    let mut team = Team::new().await;
    team.house.arm((write, side)).await;
    team.house.engine().watch_all().await;
    team.settled().await;
    let fence = std::sync::Arc::clone(&team.house.console.fence);
    let death = timeout(OVER_WITHIN, fence.death());
    tokio::select! {
        biased;
        dead = death => dead.expect("it is written that often"),
        () = walk(&team) => panic!("it did not die at {write}"),
    }
    team.house.restart().await;
    team.house.engine().watch_all().await;
    let engine = team.house.engine();
    let requests = held(engine.store.requests(Some(team.house.cluster), false, 10)).await.expect("requests");
    let request = requests.iter().find(|one| one.subject.plan().is_some()).expect("it was asked for");
    match &request.state {
        // Nobody's yes was kept: nothing ran, and nothing can.
        RequestState::Waiting => {
            assert_eq!(code(engine.run_agreed(&person("anna"), request.id, true).await), ProblemCode::RequestOver);
            assert_eq!(team.joins(), 0);
        }
        // Approved and not used: nothing ran, and it can still be used, once.
        RequestState::Approved { .. } => {
            assert_eq!(team.joins(), 0);
            team.settled().await;
            let operation = engine.run_agreed(&person("anna"), request.id, true).await.expect("it starts now");
            assert_eq!(team.house.ended(operation).await.state, OperationState::Done);
        }
        // Used: what it started is ended, by the console itself.
        RequestState::Used { operation: Some(operation), .. } => {
            let operation = team.house.ended(*operation).await;
            look::is_done(&team.house, &operation).await;
        }
        other => panic!("{other:?}"),
    }
    let again = engine.run_agreed(&person("anna"), request.id, true).await;
    assert_eq!(code(again), ProblemCode::RequestOver);
    assert!(team.joins() <= 1, "joined {} times", team.joins());
    look::audit_is_whole(&team.house).await;
}
