//! What only an admin may enter or replace, and by which the console is made to believe a machine: an open tab is not enough.

use crate::app::PASSWORD;
use crate::nodes::Site;
use app::api::{Me, PowerLine};
use engine::ports::BmcStore as _;
use lab::{Fault, Scenario};
use model::audit::AuditCode;
use model::problem::ProblemCode;
use serde_json::json;

#[tokio::test]
async fn bmcs_and_a_changed_key_want_a_sign_in_of_a_moment_ago() {
    let site = Site::with(Scenario::bare(1)).await;
    let admin = site.app.admin().await;
    let node = site.ready("pve1").await;
    let way = |user: &str| json!({ "kind": "ipmi", "host": "127.0.0.2", "port": 623, "user": user, "lanplus": true, "cipher": 3 });
    let entered = |user: &str| json!({ "node": node, "way": way(user), "password": "canary-open-tab" });
    admin.call::<PowerLine>("set_bmc", entered("ADMIN")).await.expect("signed in a moment ago");
    site.lab.inject(Fault::ChangeHostKey { node: "pve1".into() }).expect("new key");
    site.lab.inject(Fault::DropConnections { node: "pve1".into() }).expect("cut");
    let replaced = json!({ "node": node, "fingerprint": site.lab.nodes()[0].host_key_fingerprint });
    let before = site.app.store.bmc(node).await.expect("read");
    site.app.clock.advance_minutes(6);
    let only = json!({ "node": node });
    for (function, input) in [
        ("set_bmc", entered("other")),
        ("bind_bmc", only.clone()),
        ("remove_bmc", only.clone()),
        ("forget_node", only.clone()),
        ("pin_key", replaced.clone()),
    ] {
        let old = admin.call::<serde_json::Value>(function, input).await.expect_err("an open tab");
        let missing = old.params.get("missing").map(String::as_str);
        assert_eq!((old.code, missing), (ProblemCode::ConsentMissing, Some("fresh-sign-in")), "{function}");
    }
    assert_eq!(site.app.store.bmc(node).await.expect("read"), before, "nothing was entered, compared or taken away");
    assert_eq!(site.audited(AuditCode::HostKeyReplaced).await, 0);
    admin.call::<Me>("confirm_password", json!({ "password": PASSWORD, "code": null })).await.expect("confirmed");
    admin.call::<PowerLine>("set_bmc", entered("other")).await.expect("entered");
    admin.call::<PowerLine>("remove_bmc", only).await.expect("taken away");
    admin.call::<()>("pin_key", replaced).await.expect("replaced");
    assert_eq!(site.audited(AuditCode::HostKeyReplaced).await, 1);
}
