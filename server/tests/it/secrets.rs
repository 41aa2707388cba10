//! A canary: passwords and links that people use are written down nowhere.

use crate::app::{PASSWORD, TestApp};
use crate::logs;
use crate::nodes::Site;
use engine::audit::Person;
use lab::Scenario;
use model::audit::AuditCode;
use model::role::Role;
use serde_json::json;
use std::path::Path;

/// Root's password on the node of this test.
const ROOT_CANARY: &str = "canary-root-password-71b2";
/// What somebody typed into the field for the name.
const MISTYPED: &str = "canary-typed-as-name-5d0c";
/// Root's password as somebody remembered it wrongly.
const WRONG: &str = "canary-wrong-root-password-93aa";

#[tokio::test]
async fn no_secret_is_written_anywhere() {
    let mut scenario = Scenario::bare(1);
    scenario.nodes[0].root_password = ROOT_CANARY.to_owned();
    let site = Site::with(scenario).await;
    let node = site.pinned("pve1").await;
    site.install(node, WRONG).await.expect_err("wrong");
    site.install(node, ROOT_CANARY).await.expect("installed");
    site.app.anon().sign_in(MISTYPED, PASSWORD).await.expect_err("the wrong field");
    site.app.anon().sign_in("operator", MISTYPED).await.expect_err("wrong");
    let token = site.app.state.accounts.invite(&Person::system(), Role::Viewer, None).await.expect("link").to_string();
    let guest = site.app.anon();
    let input = json!({ "token": token, "name": "guest", "password": PASSWORD });
    guest.call::<app::api::Me>("accept_invite", input).await.expect("accepted");
    site.operator
        .call::<model::preflight::Matrix>("run_checks", json!({ "cluster": site.cluster }))
        .await
        .expect("checks");

    let cookies: Vec<String> = [&site.operator, &guest].into_iter().filter_map(|client| client.cookie()).collect();
    let mut secrets = vec![ROOT_CANARY, WRONG, MISTYPED, PASSWORD, &token];
    secrets.extend(cookies.iter().map(String::as_str));
    assert_eq!(secrets.len(), 7);
    look_at_what_people_see(&site, &secrets).await;
    look_at_the_disk(&site.app, &secrets);
    assert!(logs::contains("install_key") || logs::contains("pve1"), "the log was not kept");
    for secret in secrets {
        assert!(!logs::contains(secret), "the log tells {secret}");
    }
}

async fn look_at_what_people_see(site: &Site, secrets: &[&str]) {
    let admin = site.app.admin().await;
    let filter = json!({ "filter": { "code": AuditCode::CommandStarted }, "again": false });
    let commands: model::audit::AuditPage = admin.call("audit", filter).await.expect("audit");
    assert!(!commands.entries.is_empty(), "no command is in the audit");
    let operations: Vec<model::operation::Operation> =
        admin.call("operations", json!({ "cluster": site.cluster })).await.expect("operations");
    assert!(!operations.is_empty(), "installing the key is an operation");
    for (function, input) in [
        ("audit", json!({ "filter": {}, "again": false })),
        ("operation", json!({ "id": operations[0].id })),
        ("operations", json!({ "cluster": null })),
        ("evidence", json!({ "cluster": site.cluster, "node": null })),
        ("wizard", json!({ "cluster": site.cluster })),
        ("people", json!({})),
    ] {
        let answer = admin.post(function, &input).await;
        assert!(answer.status.is_success(), "{function}: {}", answer.text());
        none_in(&format!("the answer of {function}"), &answer.body, secrets);
    }
    for path in ["/", "/audit", "/operations", "/people", &format!("/clusters/{}", site.cluster)] {
        none_in(path, &admin.get(path).await.body, secrets);
    }
}

pub fn look_at_the_disk(app: &TestApp, secrets: &[&str]) {
    let mut files = 0;
    for entry in std::fs::read_dir(app.folder()).expect("folder") {
        let path = entry.expect("entry").path();
        let bytes = std::fs::read(&path).expect("file");
        files += 1;
        none_in(&path.display().to_string(), &bytes, secrets);
        if is_database(&path) {
            assert!(holds(&bytes, "operator") || bytes.len() < 100_000, "the database holds no account at all");
        }
    }
    assert!(files >= 2, "{files} files: where are the database and its key?");
}

fn is_database(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "db")
}

pub fn none_in(what: &str, bytes: &[u8], secrets: &[&str]) {
    for secret in secrets {
        assert!(!holds(bytes, secret), "{what} holds {secret}");
    }
}

pub fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
