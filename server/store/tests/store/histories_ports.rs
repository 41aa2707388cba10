//! What the histories are played on: the model's gate over maps in memory, and the real database.

use crate::support::{at, entry};
use engine::ports::{
    ApprovalStore as _, ClusterStore as _, OperationStore as _, StoreError, StoredUser, UserStore as _,
};
use jiff::Timestamp;
use model::approval::{Court, Refused, Request, RequestEvent, RequestState, Seen, Subject};
use model::audit::AuditCode;
use model::ids::{OperationId, RequestId, UserId};
use model::inventory::Cluster;
use model::operation::{Operation, OperationState, StepStatus};
use model::plan::Plan;
use model::policy::{Agreement, Policy};
use model::role::{Access, Role};
use std::collections::BTreeMap;
use store::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

/// What came of a call; refusals by what they say.
pub type Answer = Result<(), String>;

/// Who presses, and what.
pub type Click = (String, RequestEvent);

/// An operation that somebody wants to start.
pub struct Start<'a> {
    pub id: OperationId,
    pub plan: &'a Plan,
    pub by: &'a str,
    pub now: Timestamp,
}

pub trait Port {
    async fn add(&mut self, request: &Request) -> Answer;
    async fn decide(&mut self, id: RequestId, actor: &str, event: &RequestEvent, now: Timestamp) -> Answer;
    /// Two people at the same moment: the answer to each, and who of them came first.
    async fn decide_both(&mut self, id: RequestId, clicks: &[Click; 2], now: Timestamp) -> ([Answer; 2], [usize; 2]);
    async fn start_agreed(&mut self, id: RequestId, event: &RequestEvent, start: &Start<'_>) -> Answer;
    async fn start_plain(&mut self, start: &Start<'_>) -> Answer;
    async fn end(&mut self, id: OperationId);
    /// Whether it happened: the last admin stays.
    async fn set_role(&mut self, name: &str, role: Role) -> bool;
    /// Whether it happened: the last admin stays.
    async fn disable(&mut self, name: &str) -> bool;
    async fn policy(&mut self) -> Policy;
    async fn crash(&mut self);
}

pub const ACCOUNTS: [(&str, Role); 7] = [
    ("olga", Role::Operator),
    ("Omar", Role::Operator),
    ("paul", Role::Approver),
    ("Pia", Role::Approver),
    ("ada", Role::Admin),
    ("alan", Role::Admin),
    ("vera", Role::Viewer),
];

/// The model's gate without a database.
#[derive(Clone, Default)]
pub struct Memory {
    accounts: BTreeMap<String, (Role, bool)>,
    policy: Policy,
    requests: BTreeMap<RequestId, Request>,
    holder: Option<OperationId>,
}

impl Memory {
    pub fn new() -> Self {
        let accounts = ACCOUNTS.iter().map(|(name, role)| (name.to_lowercase(), (*role, true))).collect();
        Self { accounts, ..Self::default() }
    }

    fn role(&self, name: &str) -> Option<Role> {
        self.accounts.get(&name.to_lowercase()).filter(|(_, enabled)| *enabled).map(|(role, _)| *role)
    }

    fn is_last_admin(&self, name: &str) -> bool {
        let admins: Vec<_> = self.accounts.iter().filter(|(_, known)| **known == (Role::Admin, true)).collect();
        matches!(admins[..], [(only, _)] if *only == name.to_lowercase())
    }

    fn next(&self, id: RequestId, actor: &str, event: &RequestEvent, now: Timestamp) -> Result<RequestState, Refused> {
        let request = &self.requests[&id];
        let agreement = match &request.subject {
            Subject::Plan { plan, .. } => self.policy.rule(plan.intent.word(), plan.risk).agreement,
            Subject::Policy { .. } => Agreement::AnotherAdmin,
        };
        let approver = match &request.state {
            RequestState::Approved { by, .. } => self.role(by),
            _ => None,
        };
        let own = actor.to_lowercase();
        let admins = self.accounts.iter().filter(|(name, (role, on))| **name != own && *on && *role == Role::Admin);
        let other_admins = u32::try_from(admins.count()).expect("few");
        let court = Court { actor, role: self.role(actor), approver, agreement, other_admins, now };
        request.after(&self.with_policy_of_now(request, event), &court)
    }

    fn with_policy_of_now(&self, request: &Request, event: &RequestEvent) -> RequestEvent {
        let Subject::Policy { after, .. } = &request.subject else { return event.clone() };
        let seen = Seen { digest: after.digest().expect("digest"), facts: self.policy.digest().expect("digest") };
        match event {
            RequestEvent::Approve { comment, .. } => RequestEvent::Approve { seen, comment: comment.clone() },
            RequestEvent::ApplyAlone { .. } => RequestEvent::ApplyAlone { seen },
            other => other.clone(),
        }
    }
}

impl Port for Memory {
    async fn add(&mut self, request: &Request) -> Answer {
        let same = |one: &Request| {
            one.state.is_open()
                && one.is_of(&request.requested_by)
                && one.subject.seen().digest == request.subject.seen().digest
        };
        if matches!(&request.subject, Subject::Policy { before, .. } if *before != self.policy) {
            return Err(Refused::PolicyMoved.to_string());
        }
        if self.requests.values().any(same) {
            return Err("conflict".into());
        }
        self.requests.insert(request.id, request.clone());
        Ok(())
    }

    async fn decide(&mut self, id: RequestId, actor: &str, event: &RequestEvent, now: Timestamp) -> Answer {
        let state = self.next(id, actor, event, now).map_err(|why| why.to_string())?;
        let request = self.requests.get_mut(&id).expect("it is there");
        if let (Subject::Policy { after, .. }, RequestState::Used { .. }) = (&request.subject, &state) {
            self.policy = after.clone();
        }
        request.state = state;
        Ok(())
    }

    async fn decide_both(&mut self, id: RequestId, clicks: &[Click; 2], now: Timestamp) -> ([Answer; 2], [usize; 2]) {
        let [(one, first), (other, second)] = clicks;
        let answer = self.decide(id, one, first, now).await;
        ([answer, self.decide(id, other, second, now).await], [0, 1])
    }

    async fn start_agreed(&mut self, id: RequestId, event: &RequestEvent, start: &Start<'_>) -> Answer {
        let state = self.next(id, start.by, event, start.now).map_err(|why| why.to_string())?;
        if self.holder.is_some() {
            return Err("conflict".into());
        }
        self.requests.get_mut(&id).expect("it is there").state = state;
        self.holder = Some(start.id);
        Ok(())
    }

    async fn start_plain(&mut self, start: &Start<'_>) -> Answer {
        let agreement = self.policy.rule(start.plan.intent.word(), start.plan.risk).agreement;
        if agreement != Agreement::Nobody {
            return Err(Refused::AgreementNeeded { agreement }.to_string());
        }
        if self.holder.is_some() {
            return Err("conflict".into());
        }
        self.holder = Some(start.id);
        Ok(())
    }

    async fn end(&mut self, _: OperationId) {
        self.holder = None;
    }

    async fn set_role(&mut self, name: &str, role: Role) -> bool {
        let stays = role != Role::Admin && self.is_last_admin(name);
        if !stays {
            self.accounts.get_mut(&name.to_lowercase()).expect("known").0 = role;
        }
        !stays
    }

    async fn disable(&mut self, name: &str) -> bool {
        let stays = self.is_last_admin(name);
        if !stays {
            self.accounts.get_mut(&name.to_lowercase()).expect("known").1 = false;
        }
        !stays
    }

    async fn policy(&mut self) -> Policy {
        self.policy.clone()
    }

    async fn crash(&mut self) {}
}

/// The real database beside the memory: every answer has to be the same.
pub struct Beside {
    memory: Memory,
    store: SqliteStore,
    folder: TempDir,
    cluster: Cluster,
}

impl Beside {
    pub async fn new(cluster: &Cluster) -> Self {
        // Where memory serves as a disk, writes that have to be on disk cost nothing.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
        let store = SqliteStore::open(&folder.path().join("quorate.db")).await.expect("open");
        store.add_cluster(cluster, entry(AuditCode::ClusterAdded)).await.expect("cluster");
        for (number, (name, role)) in (1..).zip(ACCOUNTS) {
            let user = StoredUser {
                id: account(number),
                name: name.to_owned(),
                password_hash: Some("$argon2id$".into()),
                access: Access::everywhere(role),
                disabled: false,
                created_at: at(0),
                last_sign_in: None,
                failures: 0,
                locked_until: None,
                second_factor: false,
            };
            store.add_user(&user, entry(AuditCode::UserCreated)).await.expect("account");
        }
        Self { memory: Memory::new(), store, folder, cluster: cluster.clone() }
    }

    fn said<T>(answer: Result<T, StoreError>) -> Answer {
        answer.map(drop).map_err(|error| match error {
            StoreError::Refused { why } => why.to_string(),
            StoreError::Conflict { .. } => "conflict".into(),
            other => panic!("the database failed: {other}"),
        })
    }

    fn same(expected: Answer, found: Result<(), StoreError>) -> Answer {
        let found = Self::said(found);
        assert_eq!(found, expected, "the database and the model disagree");
        found
    }

    fn happened(expected: bool, found: Result<(), StoreError>) -> bool {
        let found = match found {
            Ok(()) => true,
            Err(StoreError::Conflict { what: "last admin" }) => false,
            Err(other) => panic!("the database failed: {other}"),
        };
        assert_eq!(found, expected, "the database and the model disagree");
        found
    }

    async fn propose(&self, start: &Start<'_>) {
        let operation = Operation {
            id: start.id,
            cluster: self.cluster.id,
            plan: start.plan.clone(),
            digest: start.plan.digest().expect("digest"),
            reason: "test".into(),
            proposed_by: start.by.into(),
            proposed_at: start.now,
            state: OperationState::Proposed,
            steps: vec![StepStatus::Waiting; start.plan.steps.len()],
            finished_at: None,
        };
        self.store.propose(&operation, entry(AuditCode::PlanProposed)).await.expect("propose");
    }

    fn id(name: &str) -> UserId {
        let number = (1..).zip(ACCOUNTS).find(|(_, (known, _))| *known == name).expect("known").0;
        account(number)
    }
}

const fn account(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

impl Port for Beside {
    async fn add(&mut self, request: &Request) -> Answer {
        let found = self.store.add_request(request, entry(AuditCode::ApprovalRequested)).await;
        Self::same(self.memory.add(request).await, found)
    }

    async fn decide(&mut self, id: RequestId, actor: &str, event: &RequestEvent, now: Timestamp) -> Answer {
        // Pressed twice at the same time: what changes the state goes through once.
        let call = || self.store.decide(id, actor, event, now, entry(AuditCode::ApprovalGiven));
        let (one, two) = tokio::join!(call(), call());
        let both = one.is_ok() && two.is_ok();
        assert!(!both, "{} went through twice", event.word());
        let first = if one.is_ok() { one } else { two };
        Self::same(self.memory.decide(id, actor, event, now).await, first.map(|_| ()))
    }

    async fn decide_both(&mut self, id: RequestId, clicks: &[Click; 2], now: Timestamp) -> ([Answer; 2], [usize; 2]) {
        let store = &self.store;
        let call =
            async |click: &Click| store.decide(id, &click.0, &click.1, now, entry(AuditCode::ApprovalGiven)).await;
        let (one, other) = tokio::join!(call(&clicks[0]), call(&clicks[1]));
        let found = [Self::said(one), Self::said(other)];
        // As if one of them had come before the other, whichever.
        for order in [[0, 1], [1, 0]] {
            let (mut memory, mut answers) = (self.memory.clone(), [Ok(()), Ok(())]);
            for which in order {
                let (actor, event) = &clicks[which];
                answers[which] = memory.decide(id, actor, event, now).await;
            }
            if answers == found {
                self.memory = memory;
                return (found, order);
            }
        }
        panic!("no order of {clicks:?} explains {found:?}")
    }

    async fn start_agreed(&mut self, id: RequestId, event: &RequestEvent, start: &Start<'_>) -> Answer {
        self.propose(start).await;
        let call = || self.store.start_agreed(id, event, start.now, vec![entry(AuditCode::ApprovalUsed)]);
        let (one, two) = tokio::join!(call(), call());
        assert!(!(one.is_ok() && two.is_ok()), "used twice");
        let first = if one.is_ok() { one } else { two };
        // What lost against its twin may say so in another way; what nobody won says why.
        Self::same(self.memory.start_agreed(id, event, start).await, first)
    }

    async fn start_plain(&mut self, start: &Start<'_>) -> Answer {
        self.propose(start).await;
        let found =
            self.store.set_state(start.id, &OperationState::Proposed, &OperationState::Running, None, start.now).await;
        Self::same(self.memory.start_plain(start).await, found)
    }

    async fn end(&mut self, id: OperationId) {
        self.memory.end(id).await;
        self.store.set_state(id, &OperationState::Running, &OperationState::Done, None, at(0)).await.expect("done");
    }

    async fn set_role(&mut self, name: &str, role: Role) -> bool {
        let answer = self.store.set_role(Self::id(name), None, role, entry(AuditCode::RoleChanged)).await;
        Self::happened(self.memory.set_role(name, role).await, answer)
    }

    async fn disable(&mut self, name: &str) -> bool {
        let answer = self.store.disable(Self::id(name), entry(AuditCode::UserDisabled)).await;
        Self::happened(self.memory.disable(name).await, answer)
    }

    async fn policy(&mut self) -> Policy {
        let policy = self.memory.policy().await;
        assert_eq!(self.store.policy(self.cluster.id).await.expect("policy"), policy);
        policy
    }

    async fn crash(&mut self) {
        self.store.close().await;
        self.store = SqliteStore::open(&self.folder.path().join("quorate.db")).await.expect("reopen");
    }
}
