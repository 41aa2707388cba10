//! Approvals through raw requests: nothing that a page would not offer goes through without it either.

use crate::app::PASSWORD;
use crate::client::Client;
use crate::growing;
use crate::nodes::Site;
use app::api::{ClusterLine, Inbox, OperationView, PolicyAnswer, PolicyView, Preview, RequestLine, RequestView};
use engine::ports::UserStore;
use lab::Scenario;
use model::approval::Compared;
use model::audit::{AuditCode, AuditEntry, AuditPage, Outcome};
use model::ids::{NodeId, OperationId, RequestId};
use model::operation::OperationState;
use model::policy::Agreement;
use model::preflight::Matrix;
use model::problem::{Problem, ProblemCode};
use model::role::Role;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

/// No wait of these tests may be longer, in real time.
const PATIENCE: Duration = Duration::from_secs(90);

/// A protected cluster of one node, with another one that wants to join.
pub struct Team {
    pub site: Site,
    joiner: NodeId,
    pub approver: Client,
    pub admin: Client,
}

impl Team {
    pub async fn ready() -> Self {
        let site = Site::with(Scenario::bare(2)).await;
        let first = site.ready("pve1").await;
        let joiner = site.ready("pve2").await;
        let matrix: Matrix =
            site.operator.call("run_checks", json!({ "cluster": site.cluster })).await.expect("checked");
        assert!(matrix.passes(), "{matrix:#?}");
        let network = growing::read_network(&site).await;
        growing::choose(&site, &network.proposal).await.expect("links");
        growing::run(&site, json!({ "wish": "create", "name": "prod", "first": first })).await;
        let approver = site.app.approver().await;
        let admin = site.app.admin().await;
        let team = Self { site, joiner, approver, admin };
        team.protect().await;
        team.settled().await;
        team
    }

    async fn protect(&self) {
        let policy = json!({ "protected": true, "classes": {}, "actions": {} });
        let answer = self.set_policy(&self.admin, policy).await.expect("the only admin");
        assert!(answer.in_force);
    }

    pub async fn set_policy(&self, by: &Client, policy: Value) -> Result<PolicyAnswer, Problem> {
        let input = json!({ "cluster": self.site.cluster, "policy": policy, "reason": "guests run here" });
        by.call("change_policy", input).await
    }

    /// The facts do not move by themselves any more.
    pub async fn settled(&self) {
        let settling = async {
            loop {
                let preview = self.preview().await;
                let power = |name: &str| {
                    let snapshot = &self.site.app.state.engine.hub.snapshot(self.site.cluster);
                    snapshot.as_ref().is_some_and(|one| {
                        one.nodes.iter().any(|node| {
                            node.name == name && matches!(node.contact, model::topology::Contact::Connected { .. })
                        })
                    })
                };
                if preview.obstacles.is_empty() && preview.plan.facts.expected_votes == Some(1) && power("pve2") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, settling).await.expect("the cluster is seen");
    }

    /// The nodes have told again what was too old to believe.
    pub async fn heard(&self) {
        let since = self.site.app.state.engine.clock.now();
        let hearing = async {
            loop {
                let lines: Vec<ClusterLine> = self.site.operator.call("clusters", json!({})).await.expect("clusters");
                let line = lines.into_iter().find(|line| line.cluster.id == self.site.cluster).expect("listed");
                if line.told_at.is_some_and(|at| at >= since) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, hearing).await.expect("the nodes are heard again");
        self.settled().await;
    }

    fn wish(&self) -> Value {
        json!({ "wish": "join", "joiners": [self.joiner] })
    }

    pub async fn preview(&self) -> Preview {
        let input = json!({ "cluster": self.site.cluster, "wish": self.wish() });
        self.site.operator.call("preview", input).await.expect("a plan")
    }

    pub async fn ask_with(&self, by: &Client, digest: &str, consent: Value) -> Result<RequestId, Problem> {
        let input = json!({ "cluster": self.site.cluster, "wish": self.wish(), "digest": digest, "consent": consent });
        by.call("request_approval", input).await
    }

    async fn ask(&self) -> RequestId {
        let digest = self.preview().await.digest;
        self.ask_with(&self.site.operator, &digest, consent()).await.expect("asked")
    }

    async fn view(&self, id: RequestId) -> RequestView {
        self.site.operator.call("request", json!({ "id": id, "again": true })).await.expect("the request")
    }

    pub async fn ran(&self) -> u64 {
        self.site.lab.inspect().ran("pvecm add")
    }

    pub async fn audited(&self, code: AuditCode) -> Vec<AuditEntry> {
        let page: AuditPage =
            self.admin.call("audit", json!({ "filter": { "code": code }, "again": false })).await.expect("audit");
        page.entries.into_iter().map(|one| one.entry).collect()
    }
}

pub fn consent() -> Value {
    json!({ "reason": "a second node", "typed": "prod" })
}

async fn say(client: &Client, function: &str, id: RequestId) -> Result<(), Problem> {
    client.call(function, json!({ "id": id, "comment": "looked at it" })).await
}

async fn run(client: &Client, id: RequestId) -> Result<OperationId, Problem> {
    client.call("run_approved", json!({ "id": id })).await
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

#[tokio::test]
async fn a_protected_clusters_plan_runs_once_after_somebody_else_agreed() {
    let team = Team::ready().await;
    let preview = team.preview().await;
    assert_eq!(preview.ruling.agreement, Agreement::AnotherPerson);
    let straight = json!({
        "cluster": team.site.cluster, "wish": team.wish(), "digest": preview.digest, "consent": consent(),
    });
    let refused = team.site.operator.call::<OperationId>("run", straight).await.expect_err("not alone");
    assert_eq!((refused.code, refused.params["missing"].as_str()), (ProblemCode::ConsentMissing, "agreement"));

    let asked = |consent| team.ask_with(&team.site.operator, &preview.digest, consent);
    let no_reason = asked(json!({ "reason": " ", "typed": "prod" })).await.expect_err("why?");
    assert_eq!(no_reason.params["missing"], "reason");
    let mistyped = asked(json!({ "reason": "x", "typed": "prot" })).await.expect_err("what?");
    assert_eq!(mistyped.params["missing"], "typed-target");
    assert_eq!(code(team.ask_with(&team.site.operator, "another digest", consent()).await), ProblemCode::PlanChanged);
    let id = team.ask().await;
    assert_eq!(team.ask().await, id, "the same is not asked twice");

    let inbox: Inbox = team.approver.call("inbox", json!({})).await.expect("inbox");
    assert_eq!(inbox.waiting, 1);
    let own: Inbox = team.site.operator.call("inbox", json!({})).await.expect("inbox");
    assert_eq!(own.waiting, 0, "one's own waits for others");
    assert_eq!(code(say(&team.site.operator, "approve", id).await), ProblemCode::ApprovalOwn);
    assert_eq!(code(run(&team.site.operator, id).await), ProblemCode::RequestOver, "nobody has agreed");
    say(&team.approver, "approve", id).await.expect("approved");
    assert_eq!(code(run(&team.approver, id).await), ProblemCode::RequestNotYours);
    let view = team.view(id).await;
    assert_eq!((view.state.as_str(), view.compared, view.hindrance), ("approved", Some(Compared::Same), None));
    assert_eq!(view.may.run, None);
    assert_eq!(team.ran().await, 0);

    let operation = run(&team.site.operator, id).await.expect("it runs");
    assert_eq!(code(run(&team.site.operator, id).await), ProblemCode::RequestOver, "once");
    let ended = async {
        loop {
            let view: OperationView =
                team.site.operator.call("operation", json!({ "id": operation })).await.expect("operation");
            if view.operation.state != OperationState::Running {
                return view;
            }
            tokio::task::yield_now().await;
        }
    };
    let view = timeout(PATIENCE, ended).await.expect("it ends");
    assert_eq!(view.operation.state, OperationState::Done);
    assert_eq!(view.agreed.expect("somebody agreed").request, id);
    assert_eq!(team.ran().await, 1);
    let used = team.audited(AuditCode::ApprovalUsed).await;
    assert_eq!(used.len(), 1);
    assert_eq!((used[0].details["approved_by"].as_str(), used[0].who.as_str()), ("approver", "operator"));
    assert!(team.audited(AuditCode::ApprovalRefused).await.iter().any(|one| one.who == "operator"));
}

#[tokio::test]
async fn who_may_not_decide_is_refused_whatever_is_sent() {
    let team = Team::ready().await;
    let id = team.ask().await;
    // An approver of another cluster alone.
    let app = &team.site.app;
    app.account("stranger", Role::Viewer).await;
    let stranger = app.anon();
    let me = stranger.sign_in("stranger", PASSWORD).await.expect("signed in");
    let other = crate::world::World::make(app).await.cluster;
    let entry = || AuditEntry::new(model::Timestamp::now(), AuditCode::RoleChanged, "admin".into(), Outcome::Success);
    app.store.set_role(me.id, Some(other), Role::Approver, entry()).await.expect("role");
    for function in ["approve", "reject", "take_back", "run_approved", "break_glass"] {
        assert_eq!(code(say(&stranger, function, id).await), ProblemCode::RoleTooLow, "{function}");
    }
    assert_eq!(code(team.set_policy(&team.approver, json!({ "protected": false })).await), ProblemCode::RoleTooLow);
    // The operator becomes an approver: it stays their own.
    let operator = team.site.operator.me().await.expect("me").id;
    app.store.set_role(operator, Some(team.site.cluster), Role::Admin, entry()).await.expect("role");
    assert_eq!(code(say(&team.site.operator, "approve", id).await), ProblemCode::ApprovalOwn);
    assert_eq!(code(say(&team.site.operator, "reject", id).await), ProblemCode::ApprovalOwn);
    // Who agreed is none of the team any more when it is used.
    app.store.set_role(operator, Some(team.site.cluster), Role::Operator, entry()).await.expect("role");
    say(&team.approver, "approve", id).await.expect("approved");
    let approver = team.approver.me().await.expect("me").id;
    app.store.set_role(approver, None, Role::Viewer, entry()).await.expect("role");
    assert_eq!(code(run(&team.site.operator, id).await), ProblemCode::ApproverLost);
    assert_eq!(team.view(id).await.state, "void");
    assert_eq!(team.ran().await, 0);
}

#[tokio::test]
async fn time_ends_what_waits_and_what_was_approved() {
    let team = Team::ready().await;
    let id = team.ask().await;
    let old = "five minutes later the sign-in is not fresh";
    team.site.app.clock.advance_minutes(6);
    let refused = say(&team.approver, "approve", id).await.expect_err(old);
    assert_eq!(refused.params["missing"], "fresh-sign-in", "{refused:?}");
    for client in [&team.approver, &team.site.operator] {
        client.call::<app::api::Me>("confirm_password", json!({ "password": PASSWORD })).await.expect("again");
    }
    let heard = async {
        while team.view(id).await.hindrance.is_some() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, heard).await.expect("the nodes are heard again");
    say(&team.approver, "approve", id).await.expect("approved");
    team.site.app.clock.advance_minutes(16);
    assert_eq!(code(run(&team.site.operator, id).await), ProblemCode::RequestExpired);
    assert_eq!(team.view(id).await.state, "expired");
    assert_eq!(team.audited(AuditCode::ApprovalExpired).await.len(), 1);
    assert_eq!(team.ran().await, 0);
}

#[tokio::test]
async fn a_request_whose_ground_has_moved_is_void() {
    let team = Team::ready().await;
    let id = team.ask().await;
    say(&team.approver, "approve", id).await.expect("approved");
    team.site.operator.call::<()>("forget_node", json!({ "node": team.joiner })).await.expect("somebody forgets it");
    team.site.app.state.engine.watch(team.site.cluster).await;
    let view = team.view(id).await;
    assert_eq!(view.compared, Some(Compared::Changed));
    assert_eq!(view.hindrance.map(|one| one.code), Some(ProblemCode::FactsChanged));
    assert_eq!(code(run(&team.site.operator, id).await), ProblemCode::FactsChanged);
    assert_eq!(team.view(id).await.state, "void");
    assert_eq!(code(run(&team.site.operator, id).await), ProblemCode::RequestOver, "void for good");
    assert_eq!(team.ran().await, 0);
}

#[tokio::test]
async fn a_rejection_is_final_and_so_is_taking_back() {
    let team = Team::ready().await;
    let first = team.ask().await;
    let silent = team.approver.call::<()>("reject", json!({ "id": first, "comment": "" })).await;
    assert_eq!(code(silent), ProblemCode::ReasonNeeded);
    say(&team.approver, "reject", first).await.expect("rejected");
    assert_eq!(code(say(&team.approver, "approve", first).await), ProblemCode::RequestOver);
    assert_eq!(code(run(&team.site.operator, first).await), ProblemCode::RequestOver);
    let second = team.ask().await;
    assert_ne!(first, second);
    say(&team.approver, "approve", second).await.expect("approved");
    say(&team.site.operator, "take_back", second).await.expect("taken back");
    assert_eq!(code(run(&team.site.operator, second).await), ProblemCode::RequestOver);
    let lines: Vec<RequestLine> = team.approver.call("requests", json!({ "again": false })).await.expect("list");
    let of_plans: Vec<_> = lines.iter().filter(|one| one.word == "join_nodes").map(|one| one.state.as_str()).collect();
    assert_eq!(of_plans, ["withdrawn", "rejected"]);
    assert_eq!(team.ran().await, 0);
}

#[tokio::test]
async fn a_policy_that_has_moved_since_its_page_was_opened_is_not_turned_back_unseen() {
    let team = Team::ready().await;
    let policy = |protected: bool, actions: Value| json!({ "protected": protected, "classes": {}, "actions": actions });
    let change = async |before: Value, after: Value| {
        let input = json!({ "cluster": team.site.cluster, "before": before, "policy": after, "reason": "a line more" });
        team.admin.call::<PolicyAnswer>("change_policy", input).await
    };
    let row = json!({ "reason": true, "typed_target": true, "fresh_sign_in": true, "second_factor": true, "agreement": "another_approver" });
    let lines = json!({ "power_on": row });
    // The page was opened before the cluster was protected.
    let refused = change(policy(false, json!({})), policy(false, lines.clone())).await.expect_err("it has moved");
    assert_eq!(refused.code, ProblemCode::PolicyMoved);
    let now: PolicyView = team.admin.call("policy", json!({ "cluster": team.site.cluster })).await.expect("the policy");
    assert!(now.policy.protected && now.policy.actions.is_empty(), "{:?}", now.policy);
    assert!(change(policy(true, json!({})), policy(true, lines)).await.expect("seen as it is").in_force);
}

#[tokio::test]
async fn two_admins_agree_on_a_policy_and_one_is_told_that_they_are_alone() {
    let team = Team::ready().await;
    let view: PolicyView = team.admin.call("policy", json!({ "cluster": team.site.cluster })).await.expect("policy");
    assert_eq!((view.other_admins, view.policy.protected), (0, true));
    team.site.app.account("second", Role::Admin).await;
    let second = team.site.app.anon();
    second.sign_in("second", PASSWORD).await.expect("signed in");
    let open = json!({ "protected": false, "classes": {}, "actions": {} });
    let answer = team.set_policy(&team.admin, open).await.expect("asked");
    assert!(!answer.in_force);
    let protected = async || {
        let view: PolicyView =
            team.admin.call("policy", json!({ "cluster": team.site.cluster })).await.expect("policy");
        view.policy.protected
    };
    assert!(protected().await, "it waits");
    assert_eq!(code(say(&team.admin, "approve", answer.request).await), ProblemCode::ApprovalOwn);
    assert_eq!(code(say(&team.approver, "approve", answer.request).await), ProblemCode::RoleTooLow);
    assert_eq!(code(say(&team.admin, "break_glass", answer.request).await), ProblemCode::RequestOver);
    say(&second, "approve", answer.request).await.expect("in force");
    assert!(!protected().await);
    assert_eq!(team.preview().await.ruling.agreement, Agreement::Nobody);
    let invalid = json!({ "protected": false, "classes": {}, "actions": { "make_coffee": view.policy.rule("x", model::risk::Risk::Reversible) } });
    assert!(team.set_policy(&second, invalid).await.is_err());
    assert_eq!(team.audited(AuditCode::PolicyChanged).await.len(), 2);
}
