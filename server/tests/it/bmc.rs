//! The real fence agent against OpenIPMI's simulated BMC on this machine: what it says, what it does, and where the password
//! is meanwhile.

use crate::app::TestApp;
use crate::client::Client;
use crate::logs;
use crate::mending::done;
use crate::nodes::Site;
use app::api::{PowerLine, PowerView};
use engine::ports::{AgentError, BmcAgent};
use lab::Scenario;
use model::bmc::{BmcWay, Power};
use model::ids::NodeId;
use model::problem::{Problem, ProblemCode};
use serde_json::{Value, json};
use server::agent::ConsoleAgent;
use server::keys::Seal;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tempfile::TempDir;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The password of the BMC.
const CANARY: &str = "canary-bmc-8d41";
/// As somebody remembered it wrongly.
const WRONG: &str = "canary-bmc-wrong-2";
const UUID_FILE: &str = "/sys/class/dmi/id/product_uuid";

/// `ipmi_sim`, whose chassis is a file.
struct Sim {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Sim {
    fn start(uuid: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let port = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::create_dir(path("state")).expect("folder");
        fs::write(path("power"), "1").expect("file");
        fs::write(path("chassis"), CHASSIS).expect("file");
        fs::set_permissions(path("chassis"), fs::Permissions::from_mode(0o755)).expect("mode");
        fs::write(path("lan.conf"), lan(port, uuid, &path("chassis"))).expect("file");
        fs::write(path("bmc.emu"), EMULATED).expect("file");
        let process = Command::new("ipmi_sim")
            .args(["-c", &path("lan.conf"), "-f", &path("bmc.emu"), "-s", &path("state"), "-n"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ipmi_sim: is openipmi installed?");
        let sim = Self { process, folder, port };
        while !sim.listens() {
            std::thread::yield_now();
        }
        sim
    }

    fn listens(&self) -> bool {
        let sockets = fs::read_to_string("/proc/net/udp").expect("sockets");
        sockets.contains(&format!("0100007F:{:04X} ", self.port))
    }

    fn set_power(&self, on: bool) {
        fs::write(self.folder.path().join("power"), if on { "1" } else { "0" }).expect("file");
    }

    /// As its chassis says, not as anybody tells.
    fn power(&self) -> String {
        fs::read_to_string(self.folder.path().join("power")).expect("file").trim().to_owned()
    }

    fn way(&self, user: &str) -> Value {
        json!({ "kind": "ipmi", "host": "127.0.0.1", "port": self.port, "user": user, "lanplus": true, "cipher": 3 })
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `get power` and `set power N`; the folder is the script's own.
const CHASSIS: &str = r#"#!/bin/sh
state=$(dirname "$0")/power
verb=$1
shift
case $verb in
    get) for one in "$@"; do echo "$one:$(cat "$state")"; done ;;
    set) while [ $# -gt 1 ]; do [ "$1" = power ] && echo "$2" >"$state"; shift 2; done ;;
esac
"#;

const EMULATED: &str = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\n\
                        sel_enable 0x20 1000 0x0a\nmc_enable 0x20\n";

fn lan(port: u16, uuid: &str, chassis: &str) -> String {
    let auths: String = ["callback", "user", "operator", "admin"]
        .map(|level| format!("    allowed_auths_{level} none md2 md5 straight\n"))
        .concat();
    format!(
        "name \"node\"\nset_working_mc 0x20\n  startlan 1\n    addr 127.0.0.1 {port}\n    priv_limit admin\n{auths}    \
         guid {guid}\n  endlan\n  chassis_control \"{chassis}\"\n  user 1 false \"\" \"\" user 10 none md2 md5 straight\n  \
         user 2 true \"ADMIN\" \"{CANARY}\" admin 10 none md2 md5 straight\n",
        guid = guid(uuid),
    )
}

/// As most boards send it: the first three parts with their bytes the other way around.
fn guid(uuid: &str) -> String {
    let turned = |part: &str| part.as_bytes().rchunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<String>();
    let parts: Vec<&str> = uuid.split('-').collect();
    let turned: String = parts[..3].iter().map(|part| turned(part)).collect();
    turned + &parts[3..].concat()
}

/// Reads every argument list of this machine again and again until it is stopped.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Watch {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut agents, mut leaks) = (0, Vec::new());
            while !over.load(Ordering::SeqCst) {
                for line in arguments() {
                    agents += usize::from(line.starts_with("ipmitool\0"));
                    if line.contains(CANARY) || line.contains(WRONG) {
                        leaks.push(line.replace('\0', " "));
                    }
                }
            }
            (agents, leaks)
        });
        Self { stop, thread }
    }

    /// How often `ipmitool` was seen running, and what it gave away.
    fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.join().expect("no panic")
    }
}

fn arguments() -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let numbers =
        processes.filter(|entry| entry.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_digit()));
    // One that ends in between has none any more.
    numbers
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect()
}

struct House {
    site: Site,
    admin: Client,
    node: NodeId,
    sim: Sim,
}

impl House {
    async fn new() -> Self {
        let site = Site::with(Scenario::bare(1)).await;
        let admin = site.app.admin().await;
        let node = site.ready("pve1").await;
        let uuid = site.lab.file("pve1", UUID_FILE).expect("a UUID");
        let sim = Sim::start(String::from_utf8_lossy(&uuid).trim());
        Self { site, admin, node, sim }
    }

    async fn set(&self, user: &str, password: &str) -> Result<PowerLine, Problem> {
        self.admin.call("set_bmc", json!({ "node": self.node, "way": self.sim.way(user), "password": password })).await
    }

    async fn ask(&self) -> PowerLine {
        self.site.operator.call("ask_power", json!({ "node": self.node })).await.expect("asked")
    }

    async fn bind(&self) -> Result<PowerLine, Problem> {
        self.admin.call("bind_bmc", json!({ "node": self.node })).await
    }
}

fn power(line: &PowerLine) -> (Option<Power>, bool) {
    let last = line.bmc.as_ref().and_then(|bmc| bmc.last.as_ref()).expect("a reading");
    (last.power, last.twice)
}

fn trouble(line: &PowerLine) -> ProblemCode {
    let last = line.bmc.as_ref().and_then(|bmc| bmc.last.as_ref()).expect("a reading");
    last.problem.as_ref().expect("a problem").code
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_agent_reads_binds_and_switches_and_nobody_sees_the_password() {
    let house = House::new().await;
    let watch = Watch::start();
    house.set("ADMIN", WRONG).await.expect("entered");
    assert_eq!(trouble(&house.ask().await), ProblemCode::BmcRefused);
    assert_eq!(house.bind().await.expect_err("compared").code, ProblemCode::BmcRefused);
    house.set("NOBODY", CANARY).await.expect("entered");
    assert_eq!(trouble(&house.ask().await), ProblemCode::BmcRefused);
    let entered = house.set("ADMIN", CANARY).await.expect("entered");
    assert_eq!(entered.problem.map(|problem| problem.code), Some(ProblemCode::BmcNotBound));
    assert_eq!(house.bind().await.expect("compared").problem, None);
    assert_eq!(power(&house.ask().await), (Some(Power::On), false));
    house.sim.set_power(false);
    let off = house.ask().await;
    assert_eq!(power(&off), (Some(Power::Off), true));
    done(&house.site, &json!({ "wish": "power", "node": house.node, "to": "on" })).await;
    assert_eq!(house.sim.power(), "1", "the chassis has power");
    let (seen, leaks) = watch.stop();
    assert_eq!(leaks, Vec::<String>::new(), "an argument list has the password");
    assert!(seen > 0, "ipmitool was never seen running, so nothing was watched");
    look_everywhere(&house).await;
}

/// Pages, answers, the audit, the log and the disk.
async fn look_everywhere(house: &House) {
    let cluster = house.site.cluster;
    let view: PowerView = house.admin.call("power", json!({ "cluster": cluster })).await.expect("seen");
    assert_eq!(view.lines.len(), 1);
    for (function, input) in [
        ("power", json!({ "cluster": cluster })),
        ("audit", json!({ "filter": {}, "again": false })),
        ("operations", json!({ "cluster": cluster })),
        ("evidence", json!({ "cluster": cluster, "node": null })),
    ] {
        let answer = house.admin.post(function, &input).await;
        assert!(answer.status.is_success(), "{function}: {}", answer.text());
        none_in(function, &answer.body);
    }
    let page = format!("/clusters/{cluster}/power");
    none_in(&page, &house.admin.get(&page).await.body);
    for entry in fs::read_dir(house.site.app.folder()).expect("folder").flatten() {
        none_in(&entry.path().display().to_string(), &fs::read(entry.path()).expect("file"));
    }
    assert!(!logs::contains(CANARY) && !logs::contains(WRONG), "the log tells the password");
}

fn none_in(what: &str, bytes: &[u8]) {
    for secret in [CANARY, WRONG] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{what} holds {secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_machines_bmc_is_not_bound() {
    let house = House::new().await;
    assert!(house.site.lab.put_file("pve1", UUID_FILE, b"11111111-2222-4333-8444-555555555555\n"));
    house.set("ADMIN", CANARY).await.expect("entered");
    let compared = house.bind().await.expect("compared");
    assert_eq!(compared.problem.map(|problem| problem.code), Some(ProblemCode::BmcDiffers));
    let wish = json!({ "wish": "power", "node": house.node, "to": "off" });
    let input = json!({ "cluster": house.site.cluster, "wish": wish });
    let refused = house.site.operator.call::<Value>("preview", input).await.expect_err("not this one");
    assert_eq!(refused.code, ProblemCode::BmcDiffers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_password_goes_nowhere_else() {
    let house = House::new().await;
    house.set("ADMIN", CANARY).await.expect("entered");
    house.set("ADMIN", "").await.expect("the same place keeps it");
    assert_eq!(power(&house.ask().await).0, Some(Power::On));
    let mut elsewhere = house.sim.way("ADMIN");
    elsewhere["host"] = json!("127.0.0.2");
    let input = json!({ "node": house.node, "way": elsewhere, "password": "" });
    let refused = house.admin.call::<PowerLine>("set_bmc", input).await.expect_err("another place");
    assert_eq!(refused.code, ProblemCode::BmcPasswordInvalid);
    let operator = json!({ "node": house.node, "way": house.sim.way("ADMIN"), "password": CANARY });
    let refused = house.site.operator.call::<PowerLine>("set_bmc", operator).await.expect_err("no admin");
    assert_eq!(refused.code, ProblemCode::RoleTooLow);
}

/// A program under the agent's name in a folder of its own.
fn pretend(folder: &Path, script: &str) {
    let path = folder.join("fence_ipmilan");
    fs::write(&path, script).expect("file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
}

fn agent(app: &TestApp, folder: &Path) -> ConsoleAgent {
    let seal = Seal::read(app.folder()).expect("key file");
    ConsoleAgent::open(app.folder(), seal, app.clock.clone()).expect("shim").looking_in(folder)
}

#[tokio::test]
async fn an_agent_that_floods_is_ended_with_everything_that_it_started() {
    let app = TestApp::new().await;
    let folder = tempfile::tempdir().expect("folder");
    let started = folder.path().join("started");
    let script = format!(
        "#!/bin/sh\nsleep 1000 >/dev/null 2>&1 &\necho $! >{}.new\nmv {0}.new {0}\nexec yes \"$IPMI_PASSWORD\"\n",
        started.display()
    );
    pretend(folder.path(), &script);
    let agent = agent(&app, folder.path());
    let secret = agent.seal("bmc/x", Zeroizing::new(CANARY.to_owned())).expect("sealed");
    let way = BmcWay::Ipmi { host: "127.0.0.1".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    let command = pve::bmc::status(&way);
    let error = agent.run(&command, &secret).await.expect_err("too much");
    assert_eq!(error, AgentError::TooMuchOutput { bytes: command.output_max_bytes() });
    let child = fs::read_to_string(&started).expect("it had started another").trim().to_owned();
    // A killed process of nobody is taken away a moment later.
    let lives = || fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() {
        tokio::task::yield_now().await;
    }
    let other = agent.seal("bmc/y", Zeroizing::new(CANARY.to_owned())).expect("sealed");
    let moved = engine::ports::SealedSecret { name: "bmc/x".to_owned(), ..other };
    assert_eq!(agent.run(&command, &moved).await.expect_err("another name"), AgentError::Sealed);
}

#[tokio::test]
async fn a_machine_without_the_agent_says_which_is_missing() {
    let app = TestApp::new().await;
    let node = NodeId::from_uuid(Uuid::now_v7());
    let way = BmcWay::Ipmi { host: "127.0.0.1".into(), port: 623, user: "ADMIN".into(), lanplus: true, cipher: 3 };
    let empty = tempfile::tempdir().expect("folder");
    let seal = Seal::read(app.folder()).expect("key file");
    let agent = ConsoleAgent::open(app.folder(), seal, app.clock.clone()).expect("shim").looking_only_in(empty.path());
    let secret = agent.seal(&way.secret_name(node), Zeroizing::new(CANARY.to_owned())).expect("sealed");
    let error = agent.run(&pve::bmc::status(&way), &secret).await.expect_err("missing");
    assert_eq!(error, AgentError::Missing { program: "fence_ipmilan".to_owned() });
    assert_eq!(error.problem().code, ProblemCode::BmcAgentMissing);
}
