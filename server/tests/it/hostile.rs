//! Nothing that a node says reaches a page raw: markup, terminal sequences, characters that hide or turn text around.

use crate::client::Client;
use crate::nodes::{Site, server_that_says};
use crate::pages::pages;
use engine::hub::Observed;
use engine::ports::{Clock, OperationStore};
use lab::{Fault, Scenario};
use model::ids::{ClusterId, NodeId};
use model::observation::Fact;
use model::topology::Contact;
use pve::Answer;
use serde_json::json;

/// Markup, a terminal's title in both spellings, colour, text that runs backwards, and nothing visible; no blanks, so
/// that it can stand where a name stands.
const NASTY: &str =
    "<script>alert(1)</script>\u{1b}]0;pwned\u{7}\u{1b}[31m\u{9d}0;pwned\u{9c}\u{202e}\u{200b}\u{1b}]8;;pwned\u{1b}\\";
/// What no page and no message may hold, as text or as JSON writes it.
const HARMFUL: [&str; 9] =
    ["<script>alert", "<\\/script>", "pwned", "\u{1b}", "\u{7}", "\u{202e}", "\u{200b}", "\\u001b", "\\u202e"];
/// What becomes of the markup.
const HARMLESS: &str = "\u{2039}script\u{203a}";

fn check(place: &str, text: &str) {
    for harmful in HARMFUL {
        let around = text.find(harmful).map(|at| text[..at].chars().rev().take(200).collect::<String>());
        let around = around.map(|text| text.chars().rev().collect::<String>());
        assert!(around.is_none(), "{place} has {harmful:?} after {around:?}");
    }
}

/// Everything that a member prints, with something nasty wherever a text can stand.
fn observe(site: &Site, node: NodeId) {
    let hub = &site.app.state.engine.hub;
    let at = site.app.clock.now();
    let quorum = format!(
        "Quorum information\n------------------\nNodes: 1\nNode ID: 1\nRing ID: {NASTY}\nQuorate: Yes\n\nExpected votes: 2\n\
         Highest expected: 2\nTotal votes: 2\nQuorum: 2\nFlags: Quorate {NASTY}\n\n    Nodeid      Votes Name\n\
         1 1 {NASTY} (local)\n2 1 other{NASTY}\n"
    );
    let conf = format!(
        "totem {{\n cluster_name: {NASTY}\n config_version: 2\n}}\nnodelist {{\n node {{\n  name: {NASTY}\n  nodeid: 1\n\
         ring0_addr: {NASTY}\n }}\n node {{\n  name: other{NASTY}\n  nodeid: 2\n  ring0_addr: {NASTY}\n }}\n}}\nquorum {{\n\
         device {{\n  model: net{NASTY}\n  net {{\n   host: {NASTY}\n   algorithm: {NASTY}\n  }}\n }}\n}}\n"
    );
    // The addresses of a link stand in brackets.
    let bare = NASTY.replace(['(', ')'], "");
    let links = format!(
        "Local node ID 1, transport {NASTY}\nnodeid: 2 reachable\n   LINK: 0 udp ({bare}->{bare}) enabled connected mtu: 1397\n"
    );
    let json_nasty = json!(NASTY);
    let members = format!(
        "{{\"nodename\": {json_nasty}, \"cluster\": {{\"name\": {json_nasty}, \"version\": 2, \"nodes\": 2, \"quorate\": 1}},\
         \"nodelist\": {{{json_nasty}: {{\"id\": 1, \"online\": 1, \"ip\": {json_nasty}}}}}}}"
    );
    let packages =
        ["pve-manager", "corosync", "libknet1t64"].map(|name| format!("{name} {NASTY} installed\n")).concat();
    let packages = pve::packages::installed(Answer::ok(packages.as_bytes())).expect("packages");
    let conf = pve::corosync_conf::conf(Answer::ok(conf.as_bytes())).expect("readable").expect("a file");
    let told = [
        Observed::Conf(fact(conf, at)),
        Observed::Quorum(fact(pve::quorumtool::quorum(Answer::ok(quorum.as_bytes())).expect("quorum"), at)),
        Observed::Links(fact(pve::cfgtool::link_lines(Answer::ok(links.as_bytes())).expect("links"), at)),
        Observed::Members(fact(pve::pmxcfs::members(Answer::ok(members.as_bytes())).expect("members"), at)),
        Observed::Packages(fact(packages, at)),
    ];
    for one in told {
        hub.observe(site.cluster, node, one);
    }
}

fn fact<T>(value: T, at: model::Timestamp) -> Fact<T> {
    Fact { value, node: "pve1".to_owned(), command: "a command".to_owned(), at }
}

/// The last thing that every open page was told.
fn stream(site: &Site, cluster: ClusterId) -> String {
    let (snapshot, _) = site.app.state.engine.hub.look(cluster);
    let matrix = site.app.state.engine.hub.matrix(cluster);
    format!("{}{}", serde_json::to_string(&*snapshot).expect("JSON"), serde_json::to_string(&matrix).expect("JSON"))
}

#[tokio::test]
async fn what_nodes_say_reaches_no_page_raw() {
    let site = Site::with(Scenario::bare(1)).await;
    let node = site.ready("pve1").await;
    for path in ["/etc/hosts", "/etc/hostname"] {
        let text = format!("127.0.1.1 pve1 {NASTY}\n{NASTY}\n");
        assert!(site.lab.put_file("pve1", path, text.as_bytes()));
    }
    let checks = json!({ "cluster": site.cluster });
    let nothing = || site.operator.post("run_checks", &checks);
    check("the checks' answer", &nothing().await.text());
    site.lab.inject(Fault::Garbage { node: "pve1".to_owned(), on: true }).expect("garbage");
    check("the checks' answer", &nothing().await.text());
    check("the answer of a log-in", &site.operator.post("try_log_in", &json!({ "node": node })).await.text());
    observe(&site, node);
    let banner = server_that_says(NASTY.as_bytes()).await;
    let refused = site.add(banner).await.expect_err("no SSH");
    check("the banner", &serde_json::to_string(&refused).expect("JSON"));
    let since = site.app.clock.now();
    let lost = Observed::Contact(Contact::Lost { since, problem: refused });
    site.app.state.engine.hub.observe(site.cluster, node, lost);
    read_everything(&site).await;
}

async fn read_everything(site: &Site) {
    let client = Client::new(pages(&site.app), 200);
    client.set_cookie(&site.operator.cookie().expect("cookie"));
    let cluster = format!("/clusters/{}", site.cluster);
    let words = model::wizard::WizardStep::ALL.map(|step| format!("/build/{}", step.word()));
    let steps: Vec<&str> = ["", "/operations", "/build"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let mut paths: Vec<String> = steps.iter().map(|step| format!("{cluster}{step}")).collect();
    paths.extend(["/", "/operations", "/audit"].map(str::to_owned));
    let operations = site.app.store.operations(Some(site.cluster), 10).await.expect("operations");
    paths.extend(operations.iter().map(|operation| format!("/operations/{}", operation.id)));
    let mut harmless = 0;
    for path in paths {
        let text = client.get(&path).await.text();
        check(&path, &text);
        harmless += text.matches(HARMLESS).count();
    }
    assert!(harmless > 5, "the pages show nothing of what the node said: this test tests nothing");
    let told = stream(site, site.cluster);
    check("the stream", &told);
    assert!(told.contains(HARMLESS), "{told}");
}
