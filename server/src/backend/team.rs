//! Approvals and policies: roles are checked here, and once more by the gate inside the store's transaction.

use super::who::known;
use super::{RequestBackend, actor, stored};
use app::api::*;
use async_trait::async_trait;
use engine::approvals::{PolicyChange, PolicyWish};
use model::approval::{May, Request, RequestState, Subject, counted_down};
use model::can::{self, Deed};
use model::ids::{ClusterId, OperationId, RequestId};
use model::inventory::Cluster;
use model::plan::Intent;
use model::policy::{Consent, Policy};
use model::problem::{Problem, ProblemCode};
use std::collections::{BTreeMap, BTreeSet};

/// Requests on the list page that are over, newest first; those that wait for a review come before them.
const LISTED: u32 = 200;

#[async_trait]
impl TeamBackend for RequestBackend {
    async fn looking(&self) -> ApiResult<Caller> {
        let (me, _) = known(&self.state, &self.session).await.map_err(ApiError)?;
        Ok(Caller { me, from: self.from.clone() })
    }

    async fn inbox(&self, caller: Caller) -> ApiResult<Inbox> {
        let reset = self.state.engine.store.factor_reset(caller.me.id).await.map_err(stored)?;
        let taken = reset.map(|reset| FactorTaken { by: reset.by, at: reset.at });
        let mut inbox = Inbox { taken, ..Inbox::default() };
        if Self::may(&caller, Deed::ManageMessages).is_ok() {
            inbox.failing = self.state.notifier.failing().await.map_err(stored)?;
        }
        for request in self.pending(&caller).await? {
            let line = self.request_line(&caller, &request).await?;
            inbox.waiting += u32::from(line.for_me || (line.awaits_review && !request.is_of(&caller.me.name)));
            if let RequestState::Counting { since } = request.state {
                inbox.countdowns.push(Countdown {
                    request: request.id,
                    cluster_name: line.cluster_name,
                    word: line.word,
                    by: line.requested_by,
                    at: counted_down(since),
                });
            }
        }
        Ok(inbox)
    }

    async fn requests(&self, caller: Caller) -> ApiResult<Vec<RequestLine>> {
        let mut lines = Vec::new();
        let mut found = self.pending(&caller).await?;
        let newest = self.state.engine.store.requests(None, false, LISTED).await.map_err(stored)?;
        found.extend(newest.into_iter().filter(|request| !request.state.is_open()));
        for request in Self::visible(&caller, found) {
            lines.push(self.request_line(&caller, &request).await?);
        }
        Ok(lines)
    }

    async fn request(&self, caller: Caller, id: RequestId) -> ApiResult<RequestView> {
        let request = self.request_for(&caller, id, Deed::See).await?;
        let engine = &self.state.engine;
        let now = engine.request_now(&request).await.map_err(ApiError)?;
        let role = Self::role_on(&caller, request.cluster);
        let agreement = engine.agreement_now(&request).await.map_err(ApiError)?;
        let may = self.may_do(&caller, &request).await?;
        let wants = engine.wants_sign_in(&request).await.map_err(ApiError)?;
        let place = self.place_for(&caller, &request).await?;
        Ok(RequestView {
            state: self.standing(&request),
            ends_at: request.ends_at(),
            looked_at: now.at,
            facts: now.facts,
            compared: now.compared,
            since: now.since,
            blast: now.blast,
            hindrance: now.hindrance,
            agreement,
            wants,
            may,
            role,
            place,
            request,
        })
    }

    async fn request_approval(
        &self,
        caller: Caller,
        id: ClusterId,
        wish: Wish,
        digest: String,
        consent: Consent,
    ) -> ApiResult<RequestId> {
        let cluster = self.cluster_for(&caller, id, Deed::ProposePlan).await?;
        Self::may_wish(&caller, id, &wish)?;
        if let Some(obstacle) = self.obstacles(&cluster, &wish).await?.into_iter().next() {
            return Err(ApiError(obstacle));
        }
        let intent = self.intent(&caller, &cluster, &wish).await?;
        let engine = &self.state.engine;
        engine.ask(&actor(&caller), id, &intent, &digest, &consent, caller.me.shown).await.map_err(ApiError)
    }

    async fn approve(&self, caller: Caller, id: RequestId, comment: String) -> ApiResult<()> {
        self.request_for(&caller, id, Deed::DecideRequest).await?;
        self.state.engine.approve(&actor(&caller), id, &comment, caller.me.shown).await.map_err(ApiError)
    }

    async fn reject(&self, caller: Caller, id: RequestId, comment: String) -> ApiResult<()> {
        self.request_for(&caller, id, Deed::DecideRequest).await?;
        self.state.engine.reject(&actor(&caller), id, &comment).await.map_err(ApiError)
    }

    async fn take_back(&self, caller: Caller, id: RequestId) -> ApiResult<()> {
        self.request_for(&caller, id, Deed::ProposePlan).await?;
        self.state.engine.take_back(&actor(&caller), id).await.map_err(ApiError)
    }

    async fn run_approved(&self, caller: Caller, id: RequestId) -> ApiResult<OperationId> {
        let request = self.request_for(&caller, id, Deed::RunPlan).await?;
        let may = self.may_do(&caller, &request).await?;
        self.nothing_hinders(&caller, &request, may.run).await?;
        self.state.engine.run_agreed(&actor(&caller), id, caller.me.shown).await.map_err(ApiError)
    }

    async fn break_glass(&self, caller: Caller, id: RequestId) -> ApiResult<()> {
        let request = self.request_for(&caller, id, Deed::BreakGlass).await?;
        let may = self.may_do(&caller, &request).await?;
        self.nothing_hinders(&caller, &request, may.break_glass).await?;
        self.state.engine.break_glass(&actor(&caller), id, caller.me.shown).await.map_err(ApiError)
    }

    async fn stop_countdown(&self, caller: Caller, id: RequestId) -> ApiResult<()> {
        self.request_for(&caller, id, Deed::StopCountdown).await?;
        self.state.engine.stop_countdown(&actor(&caller), id).await.map_err(ApiError)
    }

    async fn review(&self, caller: Caller, id: RequestId, comment: String) -> ApiResult<()> {
        self.request_for(&caller, id, Deed::BreakGlass).await?;
        self.state.engine.review(&actor(&caller), id, &comment).await.map_err(ApiError)
    }

    async fn policy(&self, caller: Caller, id: ClusterId) -> ApiResult<PolicyView> {
        let cluster = self.cluster_for(&caller, id, Deed::See).await?;
        let store = &self.state.engine.store;
        let mut waiting = Vec::new();
        for request in store.requests(Some(id), true, LISTED).await.map_err(stored)? {
            if matches!(request.subject, Subject::Policy { .. }) {
                waiting.push(self.request_line(&caller, &request).await?);
            }
        }
        Ok(PolicyView {
            cluster: id,
            cluster_name: cluster.name.to_string(),
            policy: store.policy(id).await.map_err(stored)?,
            other_admins: store.other_admins(id, &caller.me.name).await.map_err(stored)?,
            role: Self::role_on(&caller, id),
            waiting,
        })
    }

    async fn change_policy(
        &self,
        caller: Caller,
        id: ClusterId,
        before: Option<Policy>,
        policy: Policy,
        reason: String,
    ) -> ApiResult<PolicyAnswer> {
        self.cluster_for(&caller, id, Deed::ChangePolicy).await?;
        let wish = PolicyWish { before, after: policy };
        let answer = self.state.engine.change_policy(&actor(&caller), id, wish, &reason, caller.me.shown).await;
        Ok(match answer.map_err(ApiError)? {
            PolicyChange::InForce(request) => PolicyAnswer { request, in_force: true },
            PolicyChange::Waits(request) => PolicyAnswer { request, in_force: false },
        })
    }
}

impl RequestBackend {
    /// Who agreed that an operation may run; `None` where nobody had to.
    pub(super) async fn agreed_by(&self, operation: OperationId) -> ApiResult<Option<AgreedBy>> {
        let request = self.state.engine.store.request_behind(operation).await.map_err(stored)?;
        Ok(request.and_then(|request| match request.state {
            RequestState::Used { agreed, .. } => Some(AgreedBy { request: request.id, agreed }),
            _ => None,
        }))
    }

    /// The request, if the caller may do this on its cluster.
    pub(super) async fn request_for(&self, caller: &Caller, id: RequestId, deed: Deed) -> ApiResult<Request> {
        let request = self.state.engine.request(id).await.map_err(ApiError)?;
        can::do_it(Self::role_on(caller, request.cluster), deed).map_err(ApiError)?;
        Ok(request)
    }

    /// Requests of clusters that the caller may see and with which something is still to be done: the open ones, and those that
    /// wait for a review, however old they are.
    async fn pending(&self, caller: &Caller) -> ApiResult<Vec<Request>> {
        let store = &self.state.engine.store;
        let mut found = store.requests(None, true, u32::MAX).await.map_err(stored)?;
        found.extend(store.unreviewed().await.map_err(stored)?);
        Ok(Self::visible(caller, found))
    }

    /// Those of clusters that the caller may see, each once: one that moves on between two readings is in both.
    fn visible(caller: &Caller, mut found: Vec<Request>) -> Vec<Request> {
        let mut known = BTreeSet::new();
        found.retain(|request| {
            can::do_it(Self::role_on(caller, request.cluster), Deed::See).is_ok() && known.insert(request.id)
        });
        found
    }

    async fn request_line(&self, caller: &Caller, request: &Request) -> ApiResult<RequestLine> {
        let plan = request.subject.plan();
        let waits = matches!(request.state, RequestState::Waiting) && !request.is_due(self.state.engine.clock.now());
        let for_me = waits && self.may_do(caller, request).await?.approve.is_none();
        Ok(RequestLine {
            id: request.id,
            cluster: request.cluster,
            cluster_name: request.cluster_name.clone(),
            word: request.subject.word().to_owned(),
            risk: plan.map(|plan| plan.risk),
            requested_by: request.requested_by.clone(),
            requested_at: request.requested_at,
            ends_at: request.ends_at(),
            state: self.standing(request),
            for_me,
            awaits_review: request.state.awaits_review(),
        })
    }

    pub(super) async fn may_do(&self, caller: &Caller, request: &Request) -> ApiResult<May> {
        let role = Self::role_on(caller, request.cluster);
        self.state.engine.may(request, &caller.me.name, role).await.map_err(ApiError)
    }

    /// The word of its state, time included.
    fn standing(&self, request: &Request) -> String {
        let due = request.is_due(self.state.engine.clock.now());
        if due { "expired" } else { request.state.word() }.to_owned()
    }

    /// What would hinder the plan if it were asked for now, by the same machine that guards the wizard's buttons.
    ///
    /// What may not be done at all, or rests on something else by now, is refused by the engine, with its entry in the audit.
    pub(super) async fn nothing_hinders(
        &self,
        caller: &Caller,
        request: &Request,
        refused: Option<Problem>,
    ) -> ApiResult<()> {
        let now = self.state.engine.request_now(request).await.map_err(ApiError)?;
        if refused.or(now.hindrance).is_some() {
            return Ok(());
        }
        let Some(plan) = request.subject.plan() else { return Err(ProblemCode::RequestOver.into()) };
        let Some(wish) = wish_of(&plan.intent) else { return Ok(()) };
        Self::may_wish(caller, request.cluster, &wish)?;
        let cluster: Cluster = self.state.engine.store.cluster(request.cluster).await.map_err(stored)?;
        match self.obstacles(&cluster, &wish).await?.into_iter().next() {
            Some(obstacle) => Err(ApiError(obstacle)),
            None => Ok(()),
        }
    }
}

/// The wish that led to an intent, where the wizard's obstacles are asked by wishes.
fn wish_of(intent: &Intent) -> Option<Wish> {
    match intent {
        Intent::CreateCluster { name, first, .. } => Some(Wish::Create { name: name.to_string(), first: *first }),
        Intent::JoinNodes { joiners, .. } => Some(Wish::Join { joiners: joiners.clone() }),
        Intent::SetUpQdevice { host, address, against_advice } => {
            Some(Wish::Qdevice { host: *host, address: Some(*address), against_advice: *against_advice })
        }
        Intent::Withdraw { leave } => Some(Wish::Withdraw { leave: leave.clone() }),
        Intent::RemoveQdevice => Some(Wish::RemoveQdevice),
        Intent::StartQdevice => Some(Wish::StartQdevice),
        // What stands against it does not depend on who says how they know.
        Intent::SetExpected { .. } => Some(Wish::Expected { accounts: BTreeMap::new() }),
        Intent::Remedy { node, remedy } => Some(Wish::Remedy { node: *node, remedy: *remedy }),
        Intent::TakeBack { operation } => Some(Wish::TakeBack { operation: *operation }),
        Intent::FinishJoin { node, .. } => Some(Wish::FinishJoin { node: *node }),
        Intent::UndoJoin { node } => Some(Wish::UndoJoin { node: *node }),
        Intent::RestartCorosync { node } => Some(Wish::RestartCorosync { node: *node }),
        _ => None,
    }
}
