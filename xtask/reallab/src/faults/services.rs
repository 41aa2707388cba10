//! Daemons that stop. A fresh boot starts them again.

use anyhow::Context;

use super::{Kind, Proof, asked, told};
use crate::layout::{CONSOLE, Host, SSH_PORT};
use crate::tool;

pub fn act(host: &Host, kind: Kind, on: bool) -> anyhow::Result<()> {
    let unit = unit(kind);
    if on && kind == Kind::StopQnetd {
        // A crash, not a clean stop: the clients are not told.
        return told(host, &format!("kill -KILL $(systemctl show -p MainPID {unit} | cut -d= -f2)")).map(|_| ());
    }
    told(host, &format!("systemctl {} {unit}", if on { "stop" } else { "start" })).map(|_| ())
}

pub fn prove(host: &Host, kind: Kind) -> anyhow::Result<Proof> {
    let unit = unit(kind);
    let (active, state) = asked(host, &format!("systemctl is-active {unit}"))?;
    let mut proof = Proof { took: !active, words: format!("{unit} is {state}") };
    if kind == Kind::StopSshd {
        let answer = connect(host.address(), SSH_PORT)?;
        proof.took = proof.took && answer.contains("refused");
        proof.words = format!("{}; port {SSH_PORT}: {answer}", proof.words);
    }
    Ok(proof)
}

fn unit(kind: Kind) -> &'static str {
    match kind {
        Kind::StopSshd => "ssh",
        Kind::StopCorosync => "corosync",
        Kind::StopPmxcfs => "pve-cluster",
        _ => "corosync-qnetd",
    }
}

/// What a TCP connection from the console's namespace meets.
fn connect(address: &str, port: u16) -> anyhow::Result<String> {
    let script = format!("exec 3<>/dev/tcp/{address}/{port}");
    let output = tool::output("ip", &["netns", "exec", CONSOLE, "timeout", "3", "bash", "-c", &script])
        .context("a connection from the console")?;
    if output.status.success() {
        return Ok("connected".to_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr).to_lowercase();
    Ok(if text.contains("refused") { "connection refused" } else { "no answer" }.to_owned())
}
