//! The binary as an operator runs it: a message outlives a power cut, and a place can be tried from the terminal.

use super::hook::{Hook, PATH, SECRET};
use crate::process::{Console, http, quorate};
use model::notice::{Notice, NoticeCode};
use serde_json::json;
use server::serve;
use std::path::Path;

fn serving(hook: &Hook, data: &Path) -> Console {
    let (url, file) = (hook.url(), hook.secret_file());
    let file = file.to_str().expect("a path");
    let args = ["serve", "--listen", "127.0.0.1:0", "--webhook-url", &url, "--webhook-secret-file", file];
    Console::start(&args, data)
}

#[tokio::test]
async fn a_message_survives_a_power_cut_in_the_middle_of_its_delivery() {
    let hook = Hook::listen(&[(0, ""), (200, "")]).await;
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let console = serving(&hook, &data);
    let address = console.address().await;
    let token = console.stdout.after(&format!("http://{address}/invite/")).await;
    let input = json!({ "token": token, "name": "first", "password": "a long enough password" }).to_string();
    let answer = http(address, "POST", "/api/accept_invite", "", &input).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // The first word comes while the answer to it is still on its way; nobody ever gets it.
    hook.wait_for(1).await;
    console.kill().await;
    let console = serving(&hook, &data);
    console.address().await;
    hook.wait_for(2).await;
    let (ids, got) = (hook.ids(), hook.got());
    assert_eq!(ids[0], ids[1], "the receiver could not tell that it is the same");
    let notice: Notice = serde_json::from_str(&got[1].1).expect("a message");
    assert!(matches!(notice.code, NoticeCode::AccountChanged | NoticeCode::Checkpoint), "{notice:?}");
    let stderr = console.stderr.clone();
    assert!(console.stop().await.success());
    for secret in [SECRET, PATH] {
        assert!(!stderr.text().contains(secret), "{}", stderr.text());
    }
}

#[tokio::test]
async fn a_place_is_tried_from_the_terminal() {
    let hook = Hook::listen(&[(200, ""), (500, "")]).await;
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let test = async || {
        let mut command = quorate();
        command.args(["notify", "test", "--data"]).arg(&data);
        command.env("QUORATE_WEBHOOK_URL", hook.url()).env("QUORATE_WEBHOOK_SECRET_FILE", hook.secret_file());
        command.output().await.expect("it runs")
    };
    assert!(!test().await.status.success(), "there is no database yet, and none is made");
    assert!(!data.exists());
    serve::open(&data).await.expect("made").store.close().await;
    let good = test().await;
    let printed = String::from_utf8_lossy(&good.stdout).into_owned();
    assert!(good.status.success() && printed.contains("webhook: arrived"), "{printed}");
    let bad = test().await;
    let printed = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert_eq!(bad.status.code(), Some(1));
    assert!(printed.contains("it answered 500"), "{printed}");
    assert_eq!(hook.got().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_used_is_said_before_anything_is_served() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let open = folder.path().join("open");
    std::fs::write(&open, SECRET).expect("written");
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("chmod");
    let file = open.to_str().expect("a path");
    let url = format!("http://10.9.8.7/{PATH}");
    for (args, word) in [
        (&["--webhook-url", &url, "--webhook-secret-file", file][..], "https"),
        (&["--webhook-url", "http://127.0.0.1:9/", "--webhook-secret-file", file], "chmod 600"),
        (&["--mail-server", "smtp://10.9.8.7", "--mail-from", "a@b.example", "--mail-to", "c@d.example"], "smtps"),
        (&["--public-url", "quorate.example"], "no address of the console"),
    ] {
        let mut command = quorate();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data).args(args);
        let output = command.output().await.expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(word) && !said.contains(PATH), "{said}");
    }
}
