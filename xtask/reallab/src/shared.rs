//! The vocabulary of faults that scenario files share with the simulated lab, and what each word means here.

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::faults::{self, Fault, Kind};
use crate::layout::{Host, Lab};
use crate::network::MTU;
use crate::{access, power};

/// A switch as a scenario file writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    kind: String,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    link: Option<usize>,
    #[serde(default = "yes")]
    on: bool,
    #[serde(default)]
    percent: Option<u8>,
    #[serde(default, alias = "bytes")]
    mtu: Option<u32>,
    #[serde(default)]
    millis: Option<i64>,
    #[serde(default)]
    votes: Option<u32>,
    #[serde(default)]
    vmid: Option<u32>,
}

fn yes() -> bool {
    true
}

/// What a word means: a fault of this lab on or off, or something that is no fault to be taken back.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    Fault(Kind, bool),
    PowerOn,
    ExpectVotes(u32),
    AddGuest(u32),
}

impl Shared {
    /// Does it, and waits until it is proven; the proof's words.
    pub fn switch(&self, lab: &Lab) -> anyhow::Result<String> {
        let (meaning, host) = self.understood(lab)?;
        let name = &host.name;
        let (kind, on) = match meaning {
            Meaning::Fault(kind, on) => (kind, on),
            Meaning::PowerOn => return power::on(host).map(|()| format!("{name} is on")),
            Meaning::ExpectVotes(votes) => {
                inside(host, &format!("pvecm expected {votes}"))?;
                return Ok(format!("{name} expects {votes} votes"));
            }
            Meaning::AddGuest(id) => {
                let path = format!("/etc/pve/local/qemu-server/{id}.conf");
                inside(
                    host,
                    &format!("printf 'cores: 2\\nmemory: 2048\\nname: vm{id}\\n' > {path} && qm status {id}"),
                )?;
                return Ok(format!("{name} has the guest {id}"));
            }
        };
        let (link, percent, millis) = (self.link, self.percent, self.millis);
        let fault = Fault { link, percent, millis, bytes: self.mtu, ..Fault::new(kind, host) };
        if on { faults::inject(lab, &fault) } else { faults::revert(lab, &fault) }
    }

    /// What it means, and for whom.
    pub fn understood<'a>(&self, lab: &'a Lab) -> anyhow::Result<(Meaning, &'a Host)> {
        let host = match (&self.node, lab.qnetd()) {
            (Some(node), _) => lab.host(node)?,
            // The simulated lab stops all qnetd hosts; here there is one.
            (None, Some(qnetd)) if self.kind.ends_with("-qnetd") => qnetd,
            _ => bail!("{} needs a node", self.kind),
        };
        Ok((self.meaning()?, host))
    }

    fn meaning(&self) -> anyhow::Result<Meaning> {
        let on = self.on;
        Ok(match self.kind.as_str() {
            "start" => Meaning::PowerOn,
            "expect-votes" => Meaning::ExpectVotes(self.votes.context("expect-votes needs votes")?),
            "thaw" => Meaning::Fault(Kind::Freeze, false),
            "restore-link" => Meaning::Fault(Kind::CutLink, false),
            "start-sshd" => Meaning::Fault(Kind::StopSshd, false),
            "start-corosync" => Meaning::Fault(Kind::StopCorosync, false),
            "start-pmxcfs" => Meaning::Fault(Kind::StopPmxcfs, false),
            "start-qnetd" => Meaning::Fault(Kind::StopQnetd, false),
            "cut-one-way" => Meaning::Fault(Kind::CutLinkOut, on),
            "loss" => Meaning::Fault(Kind::DropPackets, self.percent != Some(0)),
            "mtu" => Meaning::Fault(Kind::Mtu, on && self.mtu != Some(MTU)),
            "skew-clock" => Meaning::Fault(Kind::SkewClock, on && self.millis != Some(0)),
            "add-guest" => Meaning::AddGuest(self.vmid.context("add-guest needs a vmid")?),
            "garbage" | "hang-commands" | "block-udp" | "join-dies-at" | "drop-connections" => {
                bail!("{} is a fault of the simulated lab only", self.kind)
            }
            other => match <Kind as clap::ValueEnum>::from_str(other, false) {
                Ok(kind) => Meaning::Fault(kind, on),
                Err(_) => bail!("there is no fault {other}"),
            },
        })
    }
}

fn inside(host: &Host, command: &str) -> anyhow::Result<()> {
    let output = access::inside(host, command)?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str) -> anyhow::Result<Meaning> {
        serde_json::from_str::<Shared>(text)?.meaning()
    }

    #[test]
    fn the_words_of_the_simulated_lab_are_understood() {
        let cases = [
            ("{\"kind\":\"cut-link\",\"node\":\"pve2\",\"link\":1}", Meaning::Fault(Kind::CutLink, true)),
            ("{\"kind\":\"restore-link\",\"node\":\"pve2\",\"link\":1}", Meaning::Fault(Kind::CutLink, false)),
            (
                "{\"kind\":\"cut-one-way\",\"node\":\"a\",\"link\":0,\"on\":true}",
                Meaning::Fault(Kind::CutLinkOut, true),
            ),
            ("{\"kind\":\"loss\",\"node\":\"a\",\"link\":0,\"percent\":0}", Meaning::Fault(Kind::DropPackets, false)),
            ("{\"kind\":\"mtu\",\"node\":\"a\",\"link\":0,\"mtu\":1500}", Meaning::Fault(Kind::Mtu, false)),
            ("{\"kind\":\"break-hosts\",\"node\":\"a\",\"on\":false}", Meaning::Fault(Kind::BreakHosts, false)),
            ("{\"kind\":\"skew-clock\",\"node\":\"a\",\"millis\":150000}", Meaning::Fault(Kind::SkewClock, true)),
            ("{\"kind\":\"expect-votes\",\"node\":\"a\",\"votes\":1}", Meaning::ExpectVotes(1)),
            ("{\"kind\":\"stop-qnetd\"}", Meaning::Fault(Kind::StopQnetd, true)),
            ("{\"kind\":\"start\",\"node\":\"a\"}", Meaning::PowerOn),
        ];
        for (text, expected) in cases {
            assert_eq!(meaning(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_only_the_simulated_lab_can_do_is_refused_in_words() {
        let error = meaning("{\"kind\":\"garbage\",\"node\":\"a\",\"on\":true}").unwrap_err().to_string();
        assert!(error.contains("simulated lab only"), "{error}");
        assert!(meaning("{\"kind\":\"earthquake\",\"node\":\"a\"}").is_err());
        assert!(meaning("{\"kind\":\"kill\",\"nodes\":[\"a\"]}").is_err());
    }
}
