//! Places that do not take messages: said loudly, once, and nobody else waits for them.

use super::hook::{Hook, place, write_secret};
use super::{asked, webhook};
use crate::app::TestApp;
use app::api::{Inbox, MessagesView, Tested};
use async_trait::async_trait;
use engine::ports::MessagePlace;
use model::audit::{AuditCode, AuditFilter, AuditPage, Outcome};
use model::notice::{Notice, NoticeCode};
use model::problem::{Problem, ProblemCode};
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use uuid::Uuid;

/// A second place, which takes everything, or never answers.
struct Other {
    answers: bool,
    asked: tokio::sync::watch::Sender<bool>,
    got: Mutex<Vec<NoticeCode>>,
}

impl Other {
    fn new(answers: bool) -> Arc<Self> {
        Arc::new(Self { answers, asked: tokio::sync::watch::Sender::new(false), got: Mutex::default() })
    }
}

#[async_trait]
impl MessagePlace for Other {
    fn name(&self) -> &'static str {
        "other"
    }

    fn address(&self) -> String {
        "nowhere".to_owned()
    }

    fn takes(&self, _code: NoticeCode) -> bool {
        true
    }

    async fn send(&self, _id: Uuid, notice: &Notice) -> Result<(), Problem> {
        self.asked.send_replace(true);
        if !self.answers {
            std::future::pending::<()>().await;
        }
        self.got.lock().expect("no panic").push(notice.code);
        Ok(())
    }
}

async fn entries(app: &TestApp, code: AuditCode) -> AuditPage {
    let filter = AuditFilter { code: Some(code), ..AuditFilter::default() };
    app.state.engine.store.find(&filter, 10).await.expect("found")
}

#[tokio::test]
async fn an_outage_is_in_the_audit_once_and_before_every_admin_and_the_other_place_tells_it() {
    let hook = Hook::listen(&[(500, ""), (500, ""), (500, ""), (500, ""), (500, ""), (200, "")]).await;
    let other = Other::new(true);
    let app = TestApp::telling(vec![hook.place(), Arc::clone(&other) as Arc<dyn MessagePlace>]).await;
    let (admin, viewer) = (app.admin().await, app.viewer().await);
    let notifier = &app.state.notifier;
    notifier.begin().await.expect("the cursor");
    asked(&app, "now").await;
    notifier.gather().await.expect("made");
    let inbox = async |of: &crate::client::Client| of.call::<Inbox>("inbox", json!({})).await.expect("inbox").failing;
    for failed in 1..=5 {
        notifier.deliver(webhook::NAME).await.expect("tried");
        assert_eq!(hook.got().len(), failed);
        let told = entries(&app, AuditCode::MessagesFailing).await.entries;
        assert_eq!(told.len(), usize::from(failed >= 3), "after {failed}");
        assert_eq!(inbox(&admin).await.len(), usize::from(failed >= 3), "after {failed}");
        app.clock.advance_seconds(100);
    }
    assert!(inbox(&viewer).await.is_empty());
    let told = &entries(&app, AuditCode::MessagesFailing).await.entries[0].entry;
    assert_eq!((told.outcome, told.details["place"].as_str()), (Outcome::Failed, "webhook"));
    assert_eq!(told.details["error"], "500 Internal Server Error");
    notifier.gather().await.expect("made");
    notifier.deliver("other").await.expect("sent");
    assert_eq!(*other.got.lock().expect("no panic"), [NoticeCode::RequestWaiting, NoticeCode::PlaceFailing]);

    let view: MessagesView = admin.call("messages", json!({ "again": false })).await.expect("seen");
    let one = &view.places[0];
    assert!(one.outage && one.failing_since.is_some() && one.delivered_at.is_none(), "{one:?}");
    assert_eq!((one.failures, one.waiting), (5, 1), "the message about itself is told elsewhere only");
    assert_eq!(one.last_failure.as_ref().map(|last| last.problem.code), Some(ProblemCode::PlaceRefused));

    assert_eq!(notifier.deliver(webhook::NAME).await.expect("arrived"), 1);
    assert_eq!(entries(&app, AuditCode::MessagesRestored).await.entries.len(), 1);
    assert!(inbox(&admin).await.is_empty());
    let view: MessagesView = admin.call("messages", json!({ "again": false })).await.expect("seen");
    let one = &view.places[0];
    assert!(!one.outage && one.failing_since.is_none() && one.delivered_at.is_some() && one.waiting == 0, "{one:?}");
    assert!(one.last_failure.is_some(), "what was wrong can still be read");
}

#[tokio::test]
async fn a_place_that_hangs_delays_neither_the_other_one_nor_the_console() {
    let hook = Hook::listen(&[(200, "")]).await;
    let other = Other::new(false);
    let app = TestApp::telling(vec![hook.place(), Arc::clone(&other) as Arc<dyn MessagePlace>]).await;
    let notifier = &app.state.notifier;
    notifier.begin().await.expect("the cursor");
    asked(&app, "now").await;
    notifier.gather().await.expect("made");
    let hanging = tokio::spawn({
        let notifier = Arc::clone(notifier);
        async move { notifier.deliver("other").await }
    });
    other.asked.subscribe().wait_for(|asked| *asked).await.expect("it is being sent");
    assert_eq!(notifier.deliver(webhook::NAME).await.expect("sent"), 1);
    let view: MessagesView = app.admin().await.call("messages", json!({ "again": false })).await.expect("seen");
    assert_eq!(view.places.iter().map(|one| one.waiting).collect::<Vec<_>>(), [0, 1]);
    assert!(!hanging.is_finished(), "it does not hang: nothing was shown");
    hanging.abort();
}

#[tokio::test]
async fn one_message_that_is_never_taken_does_not_stand_before_the_others() {
    let hook = Hook::listen(&[(400, ""), (200, ""), (400, ""), (200, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    let notifier = &app.state.notifier;
    notifier.begin().await.expect("the cursor");
    asked(&app, "poison").await;
    notifier.gather().await.expect("made");
    notifier.deliver(webhook::NAME).await.expect("refused");
    asked(&app, "fine").await;
    notifier.gather().await.expect("made");
    app.clock.advance_seconds(6);
    notifier.deliver(webhook::NAME).await.expect("sent");
    let reasons: Vec<_> = hook.got().iter().map(|(_, body)| body.contains("poison")).collect();
    assert_eq!(reasons, [true, false, true], "the new one goes first");
}

#[tokio::test]
async fn an_admin_tries_a_place_and_sees_what_comes_of_it() {
    let hook = Hook::listen(&[(200, ""), (403, "")]).await;
    let app = TestApp::telling(vec![hook.place()]).await;
    let admin = app.admin().await;
    let test = async |name: &str| admin.call::<Tested>("test_message", json!({ "name": name })).await;
    let good = test("webhook").await.expect("tested");
    assert_eq!(good.problem, None);
    assert!(good.view.places[0].delivered_at.is_some());
    let notice: Notice = serde_json::from_str(&hook.got()[0].1).expect("a message");
    assert_eq!((notice.code, notice.params["who"].as_str()), (NoticeCode::Test, "admin"));
    let bad = test("webhook").await.expect("tested").problem.expect("refused");
    assert_eq!((bad.code, bad.params["answer"].as_str()), (ProblemCode::PlaceRefused, "403 Forbidden"));
    assert_eq!(test("nowhere").await.expect_err("no such place").code, ProblemCode::NotFound);
    let audited = entries(&app, AuditCode::MessageTested).await.entries;
    let outcomes: Vec<_> = audited.iter().map(|one| (one.entry.who.as_str(), one.entry.outcome)).collect();
    assert_eq!(outcomes, [("admin", Outcome::Failed), ("admin", Outcome::Success)], "newest first");
    let approver = app.approver().await;
    for (function, input) in [("messages", json!({ "again": true })), ("test_message", json!({ "name": "webhook" }))] {
        let refused = approver.call::<serde_json::Value>(function, input).await.expect_err("for admins");
        assert_eq!(refused.code, ProblemCode::RoleTooLow);
    }
    assert_eq!(hook.got().len(), 2, "who may not was not let");
}

/// Sends these bytes to whoever calls, and then hangs up or waits.
async fn raw(bytes: Vec<u8>, hang_up: bool) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody calls");
        let mut head = [0; 64];
        stream.read_exact(&mut head).await.expect("a request");
        let _ = stream.write_all(&bytes).await;
        if hang_up {
            let _ = stream.shutdown().await;
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    address
}

#[tokio::test]
async fn an_answer_has_a_limit_and_a_server_may_hang_up_behind_it() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("secret");
    write_secret(&file);
    let send = async |address: std::net::SocketAddr| {
        let notice = Notice::test("anna", model::Timestamp::UNIX_EPOCH);
        place(&format!("http://{address}/"), &file, None).send(Uuid::nil(), &notice).await
    };
    let short = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_vec();
    assert_eq!(send(raw(short, true).await).await, Ok(()));
    let mut endless = b"HTTP/1.1 200 OK\r\n".to_vec();
    endless.extend(b"x-more: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(4_000));
    let code = async |address| send(address).await.map_err(|problem| problem.code);
    assert_eq!(code(raw(endless, false).await).await, Err(ProblemCode::PlaceUnreachable));
    assert_eq!(code(raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), false).await).await, Err(ProblemCode::PlaceUnreachable));
    assert_eq!(code(raw(Vec::new(), true).await).await, Err(ProblemCode::PlaceUnreachable));
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    assert_eq!(code(nobody).await, Err(ProblemCode::PlaceUnreachable));
}
