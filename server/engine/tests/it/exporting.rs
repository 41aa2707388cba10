//! Plans as scripts: every step is in it, at the right machine, and a shell takes it.

use crate::house::{CLUSTER, House};
use lab::Scenario;
use model::plan::{Intent, Plan, Spoken};
use std::io::Write as _;
use std::process::{Command, Stdio};

fn spoken(plan: &Plan) -> Spoken {
    let step = |number: usize| vec![format!("step {number}\nrm -rf /never")];
    Spoken { head: vec!["a plan".to_owned()], steps: (1..=plan.steps.len()).map(step).collect() }
}

async fn exported(house: &House, intent: &Intent) -> String {
    let plan = house.engine().plan(house.cluster, intent).await.expect("a plan").plan;
    let text = house.engine().script(&plan, &spoken(&plan)).await.expect("a script");
    let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().expect("a shell");
    shell.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    assert!(shell.wait().expect("an end").success(), "{text}");
    for number in 1..=plan.steps.len() {
        assert!(text.contains(&format!("\n# step {number} rm -rf /never\n")), "a comment stays one line: {text}");
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_creation_is_one_command_and_its_proof() {
    let house = House::new(Scenario::bare(2)).await;
    let text = exported(&house, &house.create_intent().await).await;
    let create = format!("pvecm create {CLUSTER} --link0 10.0.1.11,priority=10 --link1 10.0.2.11,priority=20");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
    assert!(at("authorized_keys2") < at(&create), "the console's key comes first");
    assert!(at(&create) < at("wait_for pve1"), "and the proof last");
    let key = house.key_blob();
    assert!(text.contains(key), "the public key is in it");
}

#[tokio::test(start_paused = true)]
async fn a_join_looks_first_whether_name_and_addresses_are_free() {
    let house = House::new(Scenario::bare(2)).await;
    house.done(&house.create_intent().await).await;
    let text = exported(&house, &house.join_intent(&["pve2"]).await).await;
    let join = text.find("pvecm add 10.0.1.11 --use_ssh").expect("the join");
    for word in ["pve2", "10.0.1.12", "10.0.2.12"] {
        let line = text.lines().find(|line| line.starts_with("unused pve1 ") && line.ends_with(&format!(" {word}")));
        let at = line.and_then(|line| text.find(line)).unwrap_or_else(|| panic!("{word} is not looked for: {text}"));
        assert!(at < join, "{word}");
    }
    assert!(text.contains("key=$(key_of pve2 "), "root's key is read when the script runs: {text}");
}

#[tokio::test(start_paused = true)]
async fn a_qdevices_key_is_taken_away_again() {
    let house = House::built(Scenario::bare(2), 2).await;
    let text = exported(&house, &house.qdevice_intent().await).await;
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
    assert!(at("pvecm qdevice setup") < at("\ntake_out "));
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_takes_the_consoles_key_out_of_every_file() {
    let house = House::built(Scenario::bare(2), 2).await;
    let text = exported(&house, &Intent::Withdraw { leave: Vec::new() }).await;
    for file in ["/etc/pve/priv/authorized_keys", "/root/.ssh/authorized_keys2"] {
        assert!(text.lines().any(|line| line.starts_with("take_out ") && line.contains(file)), "{file}: {text}");
    }
}
