//! The simulated BMCs against recordings of a real fence agent and a real `ipmi_sim`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use lab::{BMC_PASSWORD, BMC_USER, Fault, Lab, Options, Ran, Scenario};

const RECORDING: &str = include_str!("fixtures/40-fence_ipmilan.txt");

/// Standard output and exit code of the `nth` recorded call with these last words.
fn recorded(end: &str, nth: usize) -> (String, i32) {
    let block =
        RECORDING.split("\n$ ").filter(|block| block.lines().next().is_some_and(|line| line.ends_with(end))).nth(nth);
    let block = block.unwrap_or_else(|| panic!("no {end} number {nth}"));
    let out = block.split("----- stdout\n").nth(1).unwrap().split("----- stderr").next().unwrap();
    let exit = block.split("----- exit ").nth(1).unwrap().split_whitespace().next().unwrap();
    (out.to_owned(), exit.parse().unwrap())
}

async fn ask(lab: &Lab, action: &str, password: &str) -> Ran {
    let ip = format!("--ip={}", lab.bmc_address("pve1").unwrap());
    let user = format!("--username={BMC_USER}");
    lab.outside(&["fence_ipmilan", &ip, &user, "--lanplus", "--cipher=3", &format!("--action={action}")], password)
        .await
}

#[tokio::test(start_paused = true)]
async fn status_off_and_on_are_said_as_recorded() {
    let lab = Lab::new(Scenario::bare(1), Options { port: 0, ..Options::default() }).unwrap();
    for (action, end, nth) in [
        ("status", "--cipher=3 --action=status", 0),
        ("off", "--cipher=3 --action=off", 0),
        ("status", "--cipher=3 --action=status", 1),
        ("off", "--cipher=3 --action=off", 1),
        ("on", "--cipher=3 --action=on", 0),
    ] {
        let ran = ask(&lab, action, BMC_PASSWORD).await;
        assert_eq!((String::from_utf8(ran.stdout).unwrap(), ran.exit), recorded(end, nth), "{action}");
    }
    let wrong = ask(&lab, "status", "wrong").await;
    let (out, exit) = recorded("--password=wrong --lanplus --cipher=3 --action=status", 0);
    assert_eq!((String::from_utf8(wrong.stdout).unwrap(), wrong.exit), (out, exit));
    let said = String::from_utf8(wrong.stderr).unwrap();
    let last = "ERROR: Failed: Unable to obtain correct plug status or plug is not available";
    assert!(RECORDING.contains(last) && said.contains(last), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_bmc_tells_the_state_of_its_host_and_its_uuid() {
    let lab = Lab::new(Scenario::bare(2), Options { port: 0, ..Options::default() }).unwrap();
    assert_eq!(ask(&lab, "status", BMC_PASSWORD).await.exit, 0);
    lab.inject(Fault::Kill { node: "pve1".into() }).unwrap();
    assert_eq!(ask(&lab, "status", BMC_PASSWORD).await.exit, 2);
    // It has power as soon as it is switched on, long before it answers.
    lab.inject(Fault::Start { node: "pve1".into() }).unwrap();
    assert_eq!(ask(&lab, "status", BMC_PASSWORD).await.exit, 0);
    assert!(!lab.inspect().nodes["pve1"].alive);
    let address = lab.bmc_address("pve1").unwrap().to_string();
    let words =
        ["ipmitool", "-I", "lanplus", "-C", "3", "-H", &address, "-p", "623", "-U", BMC_USER, "-E", "mc", "guid"];
    let told = lab.outside(&words, BMC_PASSWORD).await;
    let own = String::from_utf8(lab.file("pve1", "/sys/class/dmi/id/product_uuid").unwrap()).unwrap();
    assert!(String::from_utf8(told.stdout).unwrap().starts_with(&format!("System GUID   : {}", own.trim())));
    assert_ne!(own, String::from_utf8(lab.file("pve2", "/sys/class/dmi/id/product_uuid").unwrap()).unwrap());
    assert!(lab.bmc_address("qnetd1").is_none() || !lab.has_bmc("127.0.0.1"));
}
