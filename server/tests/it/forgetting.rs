//! Machines taken off the list: nothing goes with them that only an admin may replace or enter.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::nodes::Site;
use crate::second_factor::enrol;
use app::api::{Me, NewCluster, PolicyAnswer};
use engine::ports::{BmcStore as _, Clock as _, ClusterStore as _};
use lab::{Fault, Scenario};
use model::audit::{AuditCode, AuditEntry, AuditPage, Outcome};
use model::bmc::{Binding, Bmc, BmcWay};
use model::ids::NodeId;
use model::inventory::{ClusterPhase, LogIn};
use model::notice::{Notice, NoticeCode};
use model::policy::Policy;
use model::problem::{Problem, ProblemCode};
use serde_json::json;

async fn forget(client: &Client, node: NodeId) -> Result<(), Problem> {
    client.call("forget_node", json!({ "node": node })).await
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

fn change_key(site: &Site) {
    site.lab.inject(Fault::ChangeHostKey { node: "pve1".into() }).expect("new key");
    site.lab.inject(Fault::DropConnections { node: "pve1".into() }).expect("cut");
}

#[tokio::test]
async fn a_changed_key_does_not_become_an_unknown_one() {
    let site = Site::with(Scenario::bare(1)).await;
    let admin = site.app.admin().await;
    let node = site.ready("pve1").await;
    change_key(&site);
    // Nobody has tried since, so the machine is asked.
    assert_eq!(code(forget(&site.operator, node).await), ProblemCode::RoleTooLow);
    assert!(matches!(site.node(node).await.log_in, LogIn::KeyChanged { .. }), "the page says why");
    assert_eq!(code(forget(&site.app.approver().await, node).await), ProblemCode::RoleTooLow);
    assert_eq!(site.audited(AuditCode::HostKeyMismatch).await, 1);
    forget(&admin, node).await.expect("an admin's");

    let again = site.add(site.address("pve1")).await.expect("added anew");
    let known = site.node(again.node).await;
    assert!(matches!(known.log_in, LogIn::KeyChanged { .. }), "{known:?}");
    assert_eq!(code(site.pin(&site.operator, &again).await), ProblemCode::RoleTooLow);
    site.pin(&admin, &again).await.expect("replaced");
    assert_eq!((site.audited(AuditCode::HostKeyPinned).await, site.audited(AuditCode::HostKeyReplaced).await), (1, 1));
}

#[tokio::test]
async fn the_pin_of_a_machine_that_does_not_answer_stays_with_its_address() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.ready("pve1").await;
    let pinned = site.node(node).await.pin.expect("pinned").key;
    let address = site.address("pve1");
    site.lab.inject(Fault::Kill { node: "pve1".into() }).expect("off");
    site.lab.settle().await;
    forget(&site.operator, node).await.expect("nobody answers there");
    site.lab.inject(Fault::Start { node: "pve1".into() }).expect("on");
    site.lab.settle().await;
    let again = site.add(address).await.expect("added anew");
    let known = site.node(again.node).await;
    assert_eq!((known.pin.map(|pin| pin.key), &known.log_in), (Some(pinned), &LogIn::KeyUnconfirmed));
    site.pin(&site.operator, &again).await.expect("the same key");
    assert!(matches!(site.node(again.node).await.log_in, LogIn::Works { .. }), "it is let in as before");
    assert_eq!(site.audited(AuditCode::HostKeyPinned).await, 1);
}

#[tokio::test]
async fn a_machine_with_a_bmc_is_an_admins_to_forget() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.pinned("pve1").await;
    let now = site.app.clock.now();
    let way = BmcWay::Ipmi { host: "10.0.9.11".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    let bmc = Bmc { node, way, binding: Binding::Never, set_at: now, set_by: "admin".into(), last: None };
    let entry = AuditEntry::new(now, AuditCode::BmcSet, "admin".into(), Outcome::Success);
    site.app.store.set_bmc(&bmc, Some(b"sealed"), entry).await.expect("set");
    assert_eq!(code(forget(&site.operator, node).await), ProblemCode::RoleTooLow);
    assert!(site.app.store.bmc(node).await.expect("read").is_some());
    forget(&site.app.admin().await, node).await.expect("an admin's");
}

#[tokio::test]
async fn of_a_live_cluster_that_nobody_tells_of_no_pinned_machine_goes() {
    let site = Site::with(Scenario::bare(2)).await;
    let node = site.pinned("pve1").await;
    let unknown = site.add(site.address("pve2")).await.expect("added").node;
    site.app.store.set_phase(site.cluster, ClusterPhase::Live).await.expect("living");
    for client in [&site.operator, &site.app.admin().await] {
        let refused = forget(client, node).await.expect_err("it may be a member");
        assert_eq!(refused.code, ProblemCode::MembershipUnknown);
        assert!(refused.params.contains_key("node"), "{refused:?}");
    }
    forget(&site.operator, unknown).await.expect("the console was never let in there");
}

#[tokio::test]
async fn a_cluster_is_forgotten_with_a_whole_sign_in() {
    let app = TestApp::new().await;
    app.clock.stop();
    let admin = app.admin().await;
    let phone = enrol(&app, &admin).await;
    let new: NewCluster = admin.call("add_cluster", json!({ "name": "prod" })).await.expect("draft");
    let forgetting = async || admin.call::<()>("forget_cluster", json!({ "id": new.cluster })).await;
    app.clock.advance_minutes(6);
    for (code, missing) in [(None, "fresh-sign-in"), (Some(phone.code(&app, 0)), "second-factor")] {
        let old = forgetting().await.expect_err("an open tab");
        assert_eq!((old.code, old.params["missing"].as_str()), (ProblemCode::ConsentMissing, missing));
        let confirmed = json!({ "password": PASSWORD, "code": code });
        admin.call::<Me>("confirm_password", confirmed).await.expect("confirmed");
    }
    forgetting().await.expect("forgotten");
}

/// One admin is enough for it, and whoever imports the cluster again begins with the shipped policy.
#[tokio::test]
async fn others_are_told_that_a_cluster_is_forgotten_and_find_which_policy_went_with_it() {
    let app = TestApp::new().await;
    let admin = app.admin().await;
    let new: NewCluster = admin.call("add_cluster", json!({ "name": "prod" })).await.expect("draft");
    let policy = json!({ "protected": true, "classes": {}, "actions": {} });
    let input = json!({ "cluster": new.cluster, "policy": policy, "reason": "guests run here" });
    assert!(admin.call::<PolicyAnswer>("change_policy", input).await.expect("the only admin").in_force);
    admin.call::<()>("forget_cluster", json!({ "id": new.cluster })).await.expect("forgotten");
    let filter = json!({ "filter": { "code": AuditCode::ClusterForgotten }, "again": false });
    let page: AuditPage = admin.call("audit", filter).await.expect("audit");
    let gone: Policy = serde_json::from_str(&page.entries[0].entry.details["policy"]).expect("a policy");
    assert_eq!(gone, Policy { protected: true, ..Policy::default() });
    let told = Notice::of(&page.entries[0], None).expect("others are told");
    assert_eq!((told.code, told.params["cluster"].as_str()), (NoticeCode::ClusterForgotten, "prod"));
}

#[tokio::test]
async fn an_import_whose_machine_has_another_key_is_an_admins_to_give_up() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.ready("pve1").await;
    site.app.store.set_phase(site.cluster, ClusterPhase::Importing).await.expect("begun");
    change_key(&site);
    assert_eq!(code(site.log_in(node).await), ProblemCode::HostKeyChanged);
    let input = json!({ "id": site.cluster });
    assert_eq!(code(site.operator.call::<()>("forget_cluster", input.clone()).await), ProblemCode::RoleTooLow);
    site.app.admin().await.call::<()>("forget_cluster", input).await.expect("an admin's");
}
