//! One console per data folder, and what its commands leave alone.

use crate::process::{Console, http, quorate};
use server::keys::SEAL_FILE;
use server::serve;
use std::path::Path;
use std::process::Output;

async fn run(command: &str, data: &Path, args: &[&str]) -> Output {
    quorate().args([command, "--data"]).arg(data).args(args).output().await.expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_second_console_on_the_same_folder_is_refused_and_the_commands_are_not() {
    let folder = tempfile::tempdir().expect("folder");
    let console = Console::serve(folder.path());
    console.address().await;
    let second = run("serve", folder.path(), &["--listen", "127.0.0.1:0"]).await;
    assert_eq!(second.status.code(), Some(1), "{}", said(&second));
    assert!(said(&second).contains("already serves the data folder"), "{}", said(&second));
    assert!(second.stdout.is_empty(), "an invitation to a console that does not run");
    let demo = run("demo", folder.path(), &["--listen", "127.0.0.1:0", "--ssh-port", "0"]).await;
    assert!(said(&demo).contains("already serves the data folder"), "{}", said(&demo));

    for (command, args) in [("user", &["invite"][..]), ("user", &["list"]), ("audit", &["verify"])] {
        let output = run(command, folder.path(), args).await;
        assert!(output.status.success(), "{command} {args:?}: {}", said(&output));
    }
    assert!(console.stop().await.success());
    let next = Console::serve(folder.path());
    next.address().await;
    assert!(next.stop().await.success());
}

#[tokio::test]
async fn a_console_that_cannot_listen_takes_nothing_up() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let listen = taken.local_addr().expect("address").to_string();
    let refused = run("serve", &data, &["--listen", &listen]).await;
    assert_eq!(refused.status.code(), Some(1));
    let house = serve::open(&data).await.expect("opened");
    let page = house.engine.store.find(&model::audit::AuditFilter::default(), 10).await.expect("audit");
    let codes: Vec<_> = page.entries.iter().map(|one| one.entry.code).collect();
    assert!(!codes.contains(&model::audit::AuditCode::ServerStarted), "{codes:?}");
}

#[tokio::test]
async fn a_mistyped_folder_is_said_to_be_none_and_not_made() {
    let folder = tempfile::tempdir().expect("folder");
    let typo = folder.path().join("typo");
    for (command, args) in [("audit", &["verify"][..]), ("user", &["list"]), ("user", &["disable", "anna"])] {
        let output = run(command, &typo, args).await;
        assert_eq!(output.status.code(), Some(1), "{command} {args:?}");
        assert!(said(&output).contains("there is no database"), "{}", said(&output));
        let inside = run(command, folder.path(), args).await;
        assert_eq!(inside.status.code(), Some(1), "{command} {args:?} in an empty folder");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0, "something was made");
}

#[tokio::test]
async fn a_restored_database_without_its_key_is_served_and_says_what_it_cannot_do() {
    let folder = tempfile::tempdir().expect("folder");
    let console = Console::serve(folder.path());
    console.address().await;
    assert!(console.stop().await.success());
    std::fs::remove_file(folder.path().join(SEAL_FILE)).expect("not in the backup");
    let console = Console::serve(folder.path());
    let address = console.address().await;
    assert!(http(address, "GET", "/health", "", "").await.starts_with("HTTP/1.1 200"));
    let words = console.stderr.text();
    assert!(words.contains("cannot log in to any node"), "{words}");
    assert!(!folder.path().join(SEAL_FILE).exists(), "a new key was made in silence");
    assert!(console.stop().await.success());
}
