//! Secrets that people type, right and wrong, through every form: afterwards they are written down nowhere.
//!
//! What counts as such a form is `authorisation::SECRETS`; `classed.rs` holds that list against the signatures.

use crate::app::{PASSWORD, TestApp};
use crate::client::Client;
use crate::logs;
use crate::nodes::Site;
use crate::pages::pages;
use crate::process::{Console, cookie_of, http, quorate};
use crate::second_factor::{Phone, enrol, sign_in};
use crate::secrets::{holds, look_at_the_disk, none_in};
use crate::world::World;
use axum::http::StatusCode;
use engine::audit::Person;
use lab::Scenario;
use model::role::Role;
use serde_json::{Value, json};
use server::authorisation::{FUNCTIONS, SECRETS};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Root's password on the node of this test.
const ROOT: &str = "canary-root-1f0a";
const JUMP: &str = "canary-jump-host-44d1";
const BEHIND: &str = "canary-behind-the-jump-host-9e02";
const NEW_PASSWORD: &str = "canary-new-password-8c33";
/// Addresses that show the pages to an admin.
const PAGES: [&str; 8] =
    ["/", "/account", "/approvals", "/audit", "/notifications", "/operations", "/people", "/roles"];

/// How often the process list is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Whoever looks at the process list: every argument of this process and those that it starts, until it is stopped.
struct Spy {
    on: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<u8>>,
}

impl Spy {
    fn on(root: u32) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let still = Arc::clone(&on);
        let thread = std::thread::spawn(move || {
            let mut seen = BTreeSet::new();
            loop {
                seen.extend(arguments_below(root));
                if !still.load(Ordering::SeqCst) {
                    return seen.into_iter().flatten().collect();
                }
                std::thread::park_timeout(LOOK_EVERY);
            }
        });
        Self { on, thread }
    }

    fn seen(self) -> Vec<u8> {
        self.on.store(false, Ordering::SeqCst);
        self.thread.thread().unpark();
        self.thread.join().expect("it looked to the end")
    }
}

/// Argument lists of a process and its descendants.
fn arguments_below(root: u32) -> Vec<Vec<u8>> {
    let processes: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .expect("/proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| {
            // `pid (name) state parent …`; a name may hold spaces and brackets.
            let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect();
    let mut below = BTreeSet::from([root]);
    while processes.iter().any(|(id, parent)| below.contains(parent) && below.insert(*id)) {}
    below.iter().filter_map(|id| std::fs::read(format!("/proc/{id}/cmdline")).ok()).collect()
}

/// Input of a function with a canary of its own in one of its secret fields.
fn planted(world: &World, function: &str, field: &str) -> (Value, String) {
    let canary = format!("canary-{function}-{field}-5b1e");
    let mut input = world.input(function, PASSWORD);
    let mut place = &mut input;
    for name in field.split('.') {
        place = &mut place[name];
    }
    *place = json!(canary);
    (input, canary)
}

#[tokio::test]
async fn a_wrong_secret_is_written_nowhere_whatever_form_it_is_typed_into() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let mut canaries = Vec::new();
    for (function, fields) in SECRETS {
        // Wrong passwords make an account wait: each form has one of its own.
        app.account(function, Role::Admin).await;
        let client = app.anon();
        client.sign_in(function, PASSWORD).await.expect("signed in");
        for field in *fields {
            let (input, canary) = planted(&world, function, field);
            let answer = client.post(function, &input).await;
            assert_ne!(answer.status, StatusCode::NOT_FOUND, "{function}");
            assert!(!answer.text().contains(&canary), "{function} answers with its {field}: {}", answer.text());
            canaries.push(canary);
        }
    }
    let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
    nobody_sees(&app, &world, &canaries).await;
    assert!(logs::contains("sign_in"), "the log was not kept");
}

/// Logs, database, every page, every answer of every function.
async fn nobody_sees(app: &TestApp, world: &World, secrets: &[&str]) {
    for secret in secrets {
        assert!(!logs::contains(secret), "the log tells {secret}");
    }
    look_at_the_disk(app, secrets);
    let admin = app.anon();
    app.account("looker", Role::Admin).await;
    admin.sign_in("looker", PASSWORD).await.expect("signed in");
    let browser = Client::new(pages(app), 250);
    browser.set_cookie(&admin.cookie().expect("cookie"));
    let cluster = format!("/clusters/{}", world.cluster);
    let more = [format!("{cluster}/build"), format!("{cluster}/policy"), format!("/operations/{}", world.operation)];
    for path in PAGES.iter().copied().chain([cluster.as_str()]).chain(more.iter().map(String::as_str)) {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text().contains("looker"), "{path} is not a page of somebody who is signed in");
        none_in(path, &page.body, secrets);
    }
    let leaves = ["sign_out", "forget_cluster", "forget_node"];
    let is_secret = |function: &str| SECRETS.iter().any(|(name, _)| *name == function);
    for (function, _) in FUNCTIONS.iter().filter(|(name, _)| !leaves.contains(name) && !is_secret(name)) {
        let answer = admin.post(function, &world.input(function, PASSWORD)).await;
        none_in(&format!("the answer of {function}"), &answer.body, secrets);
    }
}

#[tokio::test]
async fn a_right_secret_is_written_nowhere_and_no_node_is_told_it() {
    let spy = Spy::on(std::process::id());
    let mut scenario = Scenario::bare(1);
    scenario.nodes[0].root_password = ROOT.to_owned();
    let site = Site::with(scenario).await;
    site.lab.overhear();
    let node = site.pinned("pve1").await;
    site.install(node, ROOT).await.expect("installed");
    let app = &site.app;
    let checks = json!({ "cluster": site.cluster });
    site.operator.call::<model::preflight::Matrix>("run_checks", checks).await.expect("checks");

    let token = app.state.accounts.invite(&Person::system(), Role::Viewer, None).await.expect("link").to_string();
    let guest = app.anon();
    let input = json!({ "token": token, "name": "guest", "password": PASSWORD });
    guest.call::<app::api::Me>("accept_invite", input).await.expect("accepted");
    let phone = enrol(app, &guest).await;
    let code = spaced(&phone.next(app));
    sign_in(&app.anon(), "guest", &code).await.expect("with a code");
    sign_in(&app.anon(), "guest", &phone.recovery[0]).await.expect("with a recovery code");
    let again = spaced(&phone.next(app));
    let input = json!({ "password": PASSWORD, "code": again });
    guest.call::<app::api::Me>("confirm_password", input).await.expect("confirmed");
    let input = json!({ "password": PASSWORD, "new": NEW_PASSWORD });
    guest.call::<()>("change_password", input).await.expect("changed");
    guest.call::<()>("remove_second_factor", json!({ "code": phone.recovery[1] })).await.expect("removed");

    let cookies: Vec<String> = [&site.operator, &guest].into_iter().filter_map(|client| client.cookie()).collect();
    let bare: Vec<String> = phone.recovery.iter().map(|code| code.replace('-', "")).collect();
    let secrets: Vec<&str> = [ROOT, PASSWORD, NEW_PASSWORD, &token, &phone.secret, &code, &again]
        .into_iter()
        .chain([&phone.recovery, &bare, &cookies].into_iter().flatten().map(String::as_str))
        .collect();
    let asked = site.lab.overheard();
    assert!(holds(&asked, "authorized_keys"), "what the node was asked was not kept");
    none_in("what the node was asked", &asked, &secrets);
    for secret in &secrets {
        let files = site.lab.files_with("pve1", secret.as_bytes());
        assert!(files.is_empty(), "{files:?} of the node hold {secret}");
    }
    no_raw_secret(app, &phone);
    let operations: Vec<model::operation::Operation> =
        site.operator.call("operations", json!({ "cluster": site.cluster })).await.expect("operations");
    let request = World::make(app).await.request;
    let world = World { cluster: site.cluster, node, operation: operations[0].id, request };
    nobody_sees(app, &world, &secrets).await;
    let seen = spy.seen();
    assert!(!seen.is_empty(), "the process list was not read");
    none_in("the process list", &seen, &secrets);
}

#[tokio::test]
async fn the_passwords_of_a_jump_host_and_of_the_machine_behind_it_are_written_nowhere() {
    let mut scenario = Scenario::bare(2);
    for (node, password) in scenario.nodes.iter_mut().zip([JUMP, BEHIND]) {
        node.root_password = password.to_owned();
    }
    let site = Site::with(scenario).await;
    site.lab.overhear();
    let at = site.address("pve1");
    let inside = site.lab.nodes().into_iter().find(|one| one.name == "pve2").expect("a node").addresses[0];
    let via = json!({ "host": at.ip().to_string(), "port": at.port(), "user": "root" });
    let typed = json!({ "host": inside.to_string(), "port": 22, "user": "root", "qnetd": false, "via": via });
    let added = json!({ "cluster": site.cluster, "node": typed });
    let behind = site.operator.call::<app::api::KeyOffer>("add_node", added).await.expect("added").node;
    let jump = site.wizard().await.view.nodes.into_iter().find(|node| node.id != behind).expect("the way").id;
    for (id, wrong, right) in [(jump, BEHIND, JUMP), (behind, JUMP, BEHIND)] {
        let node = site.wizard().await.view.nodes.into_iter().find(|node| node.id == id).expect("there");
        let fingerprint = node.offered.expect("an offer").fingerprint;
        site.operator.call::<()>("pin_key", json!({ "node": id, "fingerprint": fingerprint })).await.expect("pinned");
        site.install(id, wrong).await.expect_err("the other one's password");
        site.install(id, right).await.expect("let in");
    }
    let secrets = [JUMP, BEHIND];
    let asked = site.lab.overheard();
    assert!(holds(&asked, "authorized_keys"), "what the nodes were asked was not kept");
    none_in("what the nodes were asked", &asked, &secrets);
    for (node, secret) in [("pve1", JUMP), ("pve1", BEHIND), ("pve2", JUMP), ("pve2", BEHIND)] {
        assert!(site.lab.files_with(node, secret.as_bytes()).is_empty(), "a file of {node} holds {secret}");
    }
    let world = World { cluster: site.cluster, node: behind, ..World::make(&site.app).await };
    nobody_sees(&site.app, &world, &secrets).await;
}

/// As people type it: six digits alone stand in every second time stamp.
fn spaced(code: &str) -> String {
    let (one, other) = code.split_at(3);
    format!("{one} {other}")
}

/// The bytes behind the text that a device is given.
fn no_raw_secret(app: &TestApp, phone: &Phone) {
    let raw = totp_rs::Secret::try_from_base32(&phone.secret).expect("base32");
    for entry in std::fs::read_dir(app.folder()).expect("folder") {
        let path = entry.expect("entry").path();
        let bytes = std::fs::read(&path).expect("file");
        let there = bytes.windows(raw.as_bytes().len()).any(|window| window == raw.as_bytes());
        assert!(!there, "{} holds the bytes of the secret", path.display());
    }
}

/// The binary itself, with its simulated nodes: what it logs, what it is started with, what it writes.
#[tokio::test]
async fn the_running_console_tells_no_secret_to_its_log_or_the_process_list() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("data");
    let console =
        Console::start(&["demo", "--nodes", "1", "--bare-only", "--listen", "127.0.0.1:0", "--ssh-port", "0"], &data);
    let address = console.stdout.after("Quorate demo: http://").await;
    let address = address.trim_end_matches('/').parse().expect("address");
    console.stdout.after("Stop with").await;
    let spy = Spy::on(std::process::id());
    let printed = console.stdout.text();
    let port = printed.split("root@127.77.1.1:").nth(1).expect("the node's address");
    let port: u16 = port.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("port");

    let signed_in = post(address, "sign_in", "", &json!({ "name": "operator", "password": "demo-password" })).await;
    let cookie = cookie_of(&signed_in);
    let call = async |function: &str, input: Value| body(&post(address, function, &cookie, &input).await);
    let cluster = call("add_cluster", json!({ "name": "mine" })).await["cluster"].clone();
    let typed = json!({ "host": "127.77.1.1", "port": port, "user": "root", "qnetd": false });
    let offer = call("add_node", json!({ "cluster": cluster, "node": typed })).await;
    let node = &offer["node"];
    call("pin_key", json!({ "node": node, "fingerprint": offer["offered"]["fingerprint"] })).await;
    let wrong = "canary-wrong-root-password-c0de";
    call("install_key", json!({ "node": node, "password": wrong })).await;
    call("install_key", json!({ "node": node, "password": lab::ROOT_PASSWORD })).await;
    let new = call("begin_second_factor", json!({})).await;
    let secret = new["secret"].as_str().expect("a secret").to_owned();
    let totp = totp_of(&secret);
    let recovery = call("enrol_second_factor", json!({ "code": totp })).await;
    let recovery: Vec<String> = serde_json::from_value(recovery["codes"].clone()).expect("recovery codes");
    let mistyped = "canary-code-0ddba11";
    for code in [mistyped, &recovery[0]] {
        let input = json!({ "name": "operator", "password": "demo-password", "code": code });
        post(address, "sign_in", "", &input).await;
    }
    let stderr = console.stderr.clone();
    assert!(console.stop().await.success(), "{}", stderr.text());
    let args = ["user", "--data", data.to_str().expect("text"), "reset-second-factor", "operator"];
    let reset = quorate().args(args).output().await.expect("it runs");
    assert!(reset.status.success(), "{reset:?}");

    let secrets = [wrong, mistyped, &secret, &recovery[0], &recovery[1], "demo-password", lab::ROOT_PASSWORD];
    let seen = spy.seen();
    assert!(holds(&seen, "--bare-only"), "the console was not seen in the process list");
    none_in("the process list", &seen, &secrets);
    none_in("the log", stderr.text().as_bytes(), &secrets);
    none_in("the command's log", &reset.stderr, &secrets);
    files_hold_none(&data, &secrets[..5]);
}

async fn post(address: std::net::SocketAddr, function: &str, cookie: &str, input: &Value) -> String {
    http(address, "POST", &format!("/api/{function}"), cookie, &input.to_string()).await
}

fn body(answer: &str) -> Value {
    let text = answer.split_once("\r\n\r\n").expect("a body").1;
    // Sizes of chunks stand around it.
    let json = text.find('{').zip(text.rfind('}')).and_then(|(from, to)| text.get(from..=to));
    json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null)
}

fn totp_of(secret: &str) -> String {
    let bytes = totp_rs::Secret::try_from_base32(secret).expect("base32");
    let totp = server::second_factor::authenticator(bytes.as_bytes(), "phone").expect("a secret");
    totp.generate(u64::try_from(jiff::Timestamp::now().as_second()).expect("after 1970")).to_string()
}

fn files_hold_none(folder: &Path, secrets: &[&str]) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        none_in(&path.display().to_string(), &std::fs::read(&path).expect("file"), secrets);
    }
}
