//! The other commands of the binary, and what they refuse.

use crate::app::PASSWORD;
use crate::process::{Console, quorate};
use engine::audit::Person;
use engine::ports::{AuditStore, ClusterStore, UserStore};
use model::audit::{AuditCode, Outcome};
use model::role::Role;
use server::serve;
use std::path::Path;
use std::process::Output;
use zeroize::Zeroizing;

async fn run(args: &[&str], data: &Path) -> Output {
    quorate().args(args).arg("--data").arg(data).output().await.expect("it runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn with_accounts(data: &Path, names: &[&str]) {
    let house = serve::open(data).await.expect("opened");
    for name in names {
        house.accounts.create(name, Role::Operator, Zeroizing::new(PASSWORD.to_owned())).await.expect("account");
    }
    house.store.close().await;
}

#[tokio::test]
async fn an_invitation_is_one_line_on_standard_output() {
    let folder = tempfile::tempdir().expect("folder");
    let args = ["user", "invite", "--role", "operator", "--name", "ops-1", "--url", "https://console.example/"];
    // The folder belongs to the command `user`, so it stands before its own subcommands.
    let output =
        quorate().args(["user", "--data"]).arg(folder.path()).args(&args[1..]).output().await.expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
    let line = printed(&output);
    let token = line.strip_prefix("https://console.example/invite/").expect("the link").trim().to_owned();
    assert_eq!(token.len(), 64);
    assert!(!said(&output).contains(&token));
    let house = serve::open(folder.path()).await.expect("opened");
    assert_eq!(house.accounts.look_at_invite(&token).await.expect("good"), (Role::Operator, Some("ops-1".to_owned())));
    for refused in [
        &["invite", "--name", "two words"][..],
        &["invite", "--role", "king"],
        &["invite", "--admin", "--role", "viewer"],
    ] {
        let output =
            quorate().args(["user", "--data"]).arg(folder.path()).args(refused).output().await.expect("it runs");
        assert!(!output.status.success() && !said(&output).is_empty(), "{refused:?}");
    }
}

#[tokio::test]
async fn accounts_are_listed_and_disabled() {
    let folder = tempfile::tempdir().expect("folder");
    with_accounts(folder.path(), &["anna", "bert"]).await;
    let user = async |args: &[&str]| {
        quorate().args(["user", "--data"]).arg(folder.path()).args(args).output().await.expect("it runs")
    };
    let listed = printed(&user(&["list"]).await);
    assert!(listed.lines().any(|line| line.starts_with("anna\toperator\tactive")), "{listed}");
    let disabled = user(&["disable", "anna"]).await;
    assert!(disabled.status.success(), "{}", said(&disabled));
    let listed = printed(&user(&["list"]).await);
    assert!(listed.lines().any(|line| line.starts_with("anna\toperator\tdisabled")), "{listed}");
    assert!(listed.lines().any(|line| line.starts_with("bert\toperator\tactive")), "{listed}");
    let unknown = user(&["disable", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("no account nobody"), "{}", said(&unknown));
    let house = serve::open(folder.path()).await.expect("opened");
    assert!(house.store.user_by_name("anna").await.expect("kept").disabled);
}

#[tokio::test]
async fn a_role_is_given_everywhere_or_on_one_cluster_and_audited() {
    let folder = tempfile::tempdir().expect("folder");
    with_accounts(folder.path(), &["anna"]).await;
    let house = serve::open(folder.path()).await.expect("opened");
    let cluster = model::inventory::Cluster {
        id: model::ids::ClusterId::from_uuid(uuid::Uuid::now_v7()),
        name: "prod".parse().expect("a name"),
        phase: model::inventory::ClusterPhase::Draft,
        protected: false,
        created_at: house.engine.clock.now(),
        created_by: "anna".to_owned(),
    };
    let entry = house.engine.audit.about(AuditCode::ClusterAdded, &Person::system(), Outcome::Success, &cluster);
    house.store.add_cluster(&cluster, entry).await.expect("added");
    house.store.close().await;
    let user = async |args: &[&str]| {
        quorate().args(["user", "--data"]).arg(folder.path()).args(args).output().await.expect("it runs")
    };
    for (args, word) in [
        (&["role", "nobody", "viewer"][..], "no account nobody"),
        (&["role", "anna", "viewer", "--cluster", "other"], "no cluster other"),
    ] {
        let refused = user(args).await;
        assert!(!refused.status.success() && said(&refused).contains(word), "{}", said(&refused));
    }
    for args in [&["role", "anna", "viewer"][..], &["role", "anna", "approver", "--cluster", "prod"]] {
        let given = user(args).await;
        assert!(given.status.success(), "{}", said(&given));
    }
    let house = serve::open(folder.path()).await.expect("opened");
    let access = house.store.user_by_name("anna").await.expect("kept").access;
    assert_eq!((access.everywhere, access.on(cluster.id)), (Role::Viewer, Role::Approver));
    let filter = model::audit::AuditFilter { code: Some(AuditCode::RoleChanged), ..Default::default() };
    let entries = house.store.find(&filter, 10).await.expect("audit").entries;
    let told: Vec<_> = entries.iter().map(|one| (one.entry.cluster, &one.entry.details["before"][..])).collect();
    assert_eq!(told, [(Some(cluster.id), "none"), (None, "operator")]);
}

#[tokio::test]
async fn a_changed_byte_in_the_audit_is_found() {
    let folder = tempfile::tempdir().expect("folder");
    with_accounts(folder.path(), &["anna"]).await;
    let verify =
        async || quorate().args(["audit", "--data"]).arg(folder.path()).arg("verify").output().await.expect("it runs");
    let whole = verify().await;
    assert!(
        whole.status.success() && printed(&whole).starts_with("whole: 1 entries"),
        "{} {}",
        printed(&whole),
        said(&whole)
    );
    let database = folder.path().join(serve::DATABASE);
    let mut bytes = std::fs::read(&database).expect("database");
    let word = b"\"who\":\"system\"";
    let at = bytes.windows(word.len()).position(|window| window == word).expect("the entry's bytes are in the file");
    bytes[at + word.len() - 2] = b'n';
    std::fs::write(&database, bytes).expect("changed");
    let broken = verify().await;
    assert_eq!(broken.status.code(), Some(1), "{}", printed(&broken));
    assert!(said(&broken).contains("broken at entry 1"), "{}", said(&broken));
}

#[tokio::test]
async fn addresses_that_would_show_passwords_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    for (args, word) in [
        (&["serve", "--listen", "0.0.0.0:0"][..], "--behind-proxy"),
        (&["serve", "--listen", "[::]:0"], "--tls-cert"),
        (&["demo", "--listen", "0.0.0.0:0"], "loopback"),
        (&["serve", "--tls-cert", "cert.pem"], "belong together"),
    ] {
        let output = run(args, &data).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(said(&output).contains(word), "{args:?}: {}", said(&output));
        assert!(!data.exists(), "{args:?} made the data folder");
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_to_be() {
    let folder = tempfile::tempdir().expect("folder");
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
    let listen = taken.local_addr().expect("address").to_string();
    let console = Console::start(&["serve", "--listen", &listen], &folder.path().join("data"));
    let (stdout, stderr) = (console.stdout.clone(), console.stderr.clone());
    assert_eq!(console.ended().await.code(), Some(1));
    let said = stderr.after("listening on").await;
    assert!(said.contains(&listen), "{said}");
    assert!(!stdout.text().contains("/invite/"), "a link to a console that does not run");
}
