//! Messages that leave the console, to a real HTTP server and a real SMTP listener on loopback.

mod cli;
mod hook;
mod mail;
mod outage;
mod tampered;
mod tls;

use crate::app::{BASE, TestApp};
use crate::logs;
use crate::secrets::look_at_the_disk;
use engine::Engine;
use engine::audit::Person;
use engine::notify::Notifier;
use engine::ports::{CheckpointSink as _, Clock, MessagePlace, NoticeStore as _};
use hook::{Hook, SECRET, signature};
use model::Timestamp;
use model::audit::{AuditCode, Outcome};
use model::checkpoint::Checkpoint;
use model::notice::{Notice, NoticeCode};
use server::notify::webhook::{self, DELIVERY, SIGNATURE, TIMESTAMP};
use std::sync::Arc;
use std::time::Duration;

/// No wait of these tests may be longer.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A console that is started on the same data; the other one is gone.
fn started_again(app: &TestApp, place: &Arc<dyn MessagePlace>) -> Notifier {
    Notifier::new(&app.state.engine, vec![Arc::clone(place)], Some(BASE.to_owned()))
}

/// Somebody asks for something.
async fn asked(app: &TestApp, reason: &str) {
    write_down(&app.state.engine, reason).await;
}

async fn write_down(engine: &Engine, reason: &str) {
    let person = Person { name: "anna".into() };
    let mut entry = engine.audit.entry(AuditCode::ApprovalRequested, &person, Outcome::Success);
    entry.cluster_name = Some("prod".into());
    entry.reason = Some(reason.into());
    entry.details.insert("request".into(), "r1".into());
    entry.details.insert("intent".into(), "set_expected".into());
    engine.audit.write(entry).await.expect("written");
}

#[tokio::test]
async fn what_is_new_in_the_audit_arrives_signed_once_and_nothing_of_before() {
    let hook = Hook::listen(&[(204, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    let notifier = &app.state.notifier;
    asked(&app, "long ago").await;
    notifier.begin().await.expect("the store answers");
    asked(&app, "the rack burns").await;
    for _ in 0..2 {
        notifier.gather().await.expect("the store answers");
    }
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("sent"), 1);
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("nothing left"), 0);
    let got = hook.got();
    assert_eq!(got.len(), 1);
    let (headers, body) = &got[0];
    let notice: Notice = serde_json::from_str(body).expect("a message");
    assert_eq!(notice.code, NoticeCode::RequestWaiting);
    assert_eq!(notice.params["reason"], "the rack burns");
    assert_eq!(notice.url, Some(format!("{BASE}/approvals/r1")));
    let whole: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(
        whole["text"],
        "anna asks for somebody’s agreement on prod: Lower the expected votes. Reason: the rack burns"
    );
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!(whole["id"], header(DELIVERY));
    let sent: i64 = header(TIMESTAMP).parse().expect("seconds");
    assert!((Timestamp::now().as_second() - sent).abs() < 60);
    assert_eq!(header(SIGNATURE), format!("v1={}", signature(SECRET, &format!("{sent}.{body}"))));
}

#[tokio::test]
async fn what_did_not_arrive_is_tried_again_later_with_the_same_id_also_after_a_restart() {
    let elsewhere = Hook::listen(&[(200, "")]).await;
    let redirection = format!("http://{}/elsewhere", elsewhere.address);
    let hook = Hook::listen(&[(500, ""), (307, &redirection), (200, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    let first = &app.state.notifier;
    first.begin().await.expect("the cursor");
    asked(&app, "now").await;
    first.gather().await.expect("made");
    assert_eq!(first.deliver(webhook::NAME).await.expect("tried"), 0);
    assert_eq!(first.deliver(webhook::NAME).await.expect("too early"), 0);
    assert_eq!(hook.got().len(), 1, "not at once");
    // The console that is started next has it still, and makes none of it again.
    let second = started_again(&app, &hook.place());
    second.begin().await.expect("nothing new");
    app.clock.advance_seconds(6);
    assert_eq!(second.deliver(webhook::NAME).await.expect("tried"), 0, "a redirection is no arrival");
    app.clock.advance_seconds(11);
    assert_eq!(second.deliver(webhook::NAME).await.expect("arrived"), 1);
    assert_eq!(hook.ids().len(), 3);
    assert!(hook.ids().iter().all(|one| *one == hook.ids()[0]), "{:?}", hook.ids());
    assert!(elsewhere.got().is_empty(), "a redirection was followed");
}

#[tokio::test]
async fn what_arrived_and_could_not_be_written_down_arrives_again_with_the_same_id() {
    let hook = Hook::listen(&[(200, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    app.state.notifier.begin().await.expect("the cursor");
    asked(&app, "now").await;
    app.state.notifier.gather().await.expect("made");
    // The console sends, and dies.
    let one = app.store.due_notice(webhook::NAME, app.clock.now()).await.expect("read").expect("it waits");
    hook.place().send(one.id, &one.notice).await.expect("arrived");
    let next = started_again(&app, &hook.place());
    next.begin().await.expect("nothing new");
    assert_eq!(next.deliver(webhook::NAME).await.expect("sent"), 1);
    assert_eq!(next.deliver(webhook::NAME).await.expect("nothing left"), 0);
    assert_eq!(hook.ids(), [one.id.to_string(), one.id.to_string()]);
}

#[tokio::test]
async fn after_a_day_a_message_is_given_up_and_of_what_is_older_none_is_made() {
    let hook = Hook::listen(&[(503, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    let notifier = &app.state.notifier;
    notifier.begin().await.expect("the cursor");
    asked(&app, "now").await;
    notifier.gather().await.expect("made");
    asked(&app, "told by nobody for a day").await;
    app.clock.advance_minutes(24 * 60 + 1);
    notifier.gather().await.expect("none made");
    notifier.deliver(webhook::NAME).await.expect("tried once more");
    app.clock.advance_minutes(60);
    notifier.deliver(webhook::NAME).await.expect("nothing left");
    assert_eq!(hook.got().len(), 1);
    let standing = notifier.standing().await.expect("read");
    assert_eq!((standing[0].queue.waiting, standing[0].state.given_up), (0, 1));
}

#[tokio::test]
async fn a_queue_has_an_end_and_what_falls_off_is_counted() {
    let hook = Hook::listen(&[(200, "")]).await;
    let app = TestApp::new().await;
    let out = |reason: &str| engine::ports::Outgoing {
        id: uuid::Uuid::now_v7(),
        place: webhook::NAME.to_owned(),
        notice: Notice::test(reason, app.clock.now()),
    };
    let all: Vec<_> = ["a", "b", "c", "d"].map(out).into();
    assert_eq!(app.store.keep_notices(None, &all, app.clock.now(), 2).await.expect("kept"), 2);
    let notifier = started_again(&app, &hook.place());
    assert_eq!(notifier.standing().await.expect("read")[0].state.given_up, 2);
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("sent"), 2);
    assert_eq!(hook.ids(), [all[2].id.to_string(), all[3].id.to_string()], "the oldest fall off");
}

#[tokio::test]
async fn a_place_that_is_not_named_any_more_is_forgotten_with_what_waits_for_it() {
    let hook = Hook::listen(&[(500, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    app.state.notifier.begin().await.expect("the cursor");
    asked(&app, "now").await;
    app.state.notifier.gather().await.expect("made");
    app.state.notifier.deliver(webhook::NAME).await.expect("tried");
    Notifier::new(&app.state.engine, Vec::new(), None).begin().await.expect("settled");
    asked(&app, "while nobody is told").await;
    let again = started_again(&app, &hook.place());
    again.begin().await.expect("begun");
    let standing = again.standing().await.expect("read");
    assert_eq!((standing[0].queue.waiting, standing[0].state.failures), (0, 0));
}

#[tokio::test]
async fn checkpoints_go_the_same_way() {
    let hook = Hook::listen(&[(500, ""), (200, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    let checkpoint = Checkpoint {
        size: 3,
        head: "ab".repeat(32),
        at: app.clock.now(),
        key: "cd".repeat(32),
        signature: "ef".repeat(64),
    };
    let notifier = &app.state.notifier;
    notifier.send(&checkpoint).await.expect("kept");
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("tried"), 0);
    app.clock.advance_seconds(6);
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("sent"), 1);
    let body: serde_json::Value = serde_json::from_str(&hook.got()[1].1).expect("JSON");
    assert_eq!(body["code"], "checkpoint");
    assert_eq!(serde_json::from_value::<Checkpoint>(body["checkpoint"].clone()).expect("whole"), checkpoint);
}

#[tokio::test]
async fn neither_the_secret_nor_the_address_s_path_is_told_to_anybody() {
    let hook = Hook::listen(&[(200, ""), (500, ""), (500, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    app.state.notifier.begin().await.expect("the cursor");
    let admin = app.admin().await;
    let input = serde_json::json!({ "name": "webhook" });
    for _ in 0..3 {
        admin.call::<app::api::Tested>("test_message", input.clone()).await.expect("tested");
    }
    asked(&app, "now").await;
    app.state.notifier.gather().await.expect("made");
    app.state.notifier.deliver(webhook::NAME).await.expect("tried");
    let secrets = [SECRET, hook::PATH];
    for (function, input) in [
        ("messages", serde_json::json!({ "again": false })),
        ("inbox", serde_json::json!({})),
        ("audit", serde_json::json!({ "filter": {}, "again": false })),
    ] {
        crate::secrets::none_in(function, &admin.post(function, &input).await.body, &secrets);
    }
    for (headers, body) in hook.got() {
        let told = format!("{headers:?} {body}");
        assert!(!told.contains(SECRET), "{told}");
    }
    look_at_the_disk(&app, &secrets);
    assert!(logs::contains("messages do not arrive") || logs::contains("test_message"), "the log was not kept");
    for secret in secrets {
        assert!(!logs::contains(secret), "the log tells {secret}");
    }
}
