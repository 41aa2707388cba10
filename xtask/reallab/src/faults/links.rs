//! Faults of cables. They are outside of the node: a power cycle does not end them.

use anyhow::{Context, bail, ensure};

use super::{Fault, Kind, Proof};
use crate::layout::{CONSOLE_ADDRESS, Host, Lab};
use crate::network::MTU;
use crate::{cuts, tool};

/// Smallest MTU that IPv4 allows.
const MTU_MIN: u32 = 68;
/// What `mtu` does unless --mtu says something else.
const MTU_CUT: u32 = 1280;
/// What `loss` does unless --percent says something else.
const PERCENT: u8 = 30;
/// Packets that prove a loss: enough that a loss of a tenth shows.
const PINGS: &str = "40";

pub fn act(host: &Host, fault: &Fault, on: bool) -> anyhow::Result<()> {
    for link in of(host, fault)? {
        match fault.kind {
            Kind::CutLink => cuts::set(host, &link.to_string(), !on)?,
            Kind::Mtu => mtu(host, link, if on { fault.mtu.unwrap_or(MTU_CUT) } else { MTU })?,
            Kind::CutOneWayIn | Kind::CutOneWay | Kind::Loss if on => {
                nft(host, &rules(fault, link)?)?;
            }
            _ => nft(host, &format!("delete table inet {}\n", table(fault, link)))?,
        }
    }
    Ok(())
}

/// True only when all links that the fault is about have it.
pub fn prove(lab: &Lab, host: &Host, fault: &Fault) -> anyhow::Result<Proof> {
    let mut proofs = Vec::new();
    for link in of(host, fault)? {
        proofs.push(match fault.kind {
            Kind::CutLink => {
                let plugged = cuts::is_plugged(host, link)?;
                Proof {
                    took: !plugged,
                    words: format!("the switch's port of eth{link} is {}", if plugged { "up" } else { "down" }),
                }
            }
            Kind::Mtu => prove_mtu(host, link)?,
            _ => prove_rules(lab, host, fault, link)?,
        });
    }
    let words = proofs.iter().map(|proof| proof.words.as_str()).collect::<Vec<_>>().join("; ");
    let took = proofs.iter().filter(|proof| proof.took).count();
    // Half a fault is neither there nor over.
    ensure!(took == 0 || took == proofs.len() || fault.kind != Kind::CutLink, "{words}");
    Ok(Proof { took: took == proofs.len(), words })
}

fn of(host: &Host, fault: &Fault) -> anyhow::Result<Vec<usize>> {
    cuts::links(host, &fault.link.map_or("all".to_owned(), |link| link.to_string()))
}

fn mtu(host: &Host, link: usize, bytes: u32) -> anyhow::Result<()> {
    ensure!((MTU_MIN..=MTU).contains(&bytes), "an MTU is {MTU_MIN} to {MTU} bytes here");
    let card = format!("eth{link}");
    tool::run("ip", &["-n", &host.namespace(), "link", "set", &card, "mtu", &bytes.to_string()]).map(|_| ())
}

fn prove_mtu(host: &Host, link: usize) -> anyhow::Result<Proof> {
    let text = tool::run("ip", &["-n", &host.namespace(), "-j", "link", "show", &format!("eth{link}")])?;
    let cards: serde_json::Value = serde_json::from_str(&text).context("ip -j link")?;
    let bytes = cards[0]["mtu"].as_u64().context("an MTU")?;
    Ok(Proof { took: bytes != u64::from(MTU), words: format!("eth{link} has an MTU of {bytes} bytes") })
}

/// One table per fault and link, so that each goes away alone.
fn table(fault: &Fault, link: usize) -> String {
    format!("lab_{}_{link}", fault.kind.name().replace('-', "_"))
}

fn rules(fault: &Fault, link: usize) -> anyhow::Result<String> {
    let (hook, rule) = match fault.kind {
        Kind::CutOneWayIn => ("prerouting", format!("iifname \"eth{link}\" counter drop")),
        Kind::CutOneWay => ("output", format!("oifname \"eth{link}\" counter drop")),
        Kind::Loss => {
            let percent = fault.percent.unwrap_or(PERCENT);
            ensure!((1..=100).contains(&percent), "1 to 100 percent can be dropped");
            ("prerouting", format!("iifname \"eth{link}\" numgen random mod 100 < {percent} counter drop"))
        }
        other => bail!("{other:?} has no rule"),
    };
    let name = table(fault, link);
    Ok(format!(
        "table inet {name} {{\n  chain c {{\n    type filter hook {hook} priority -300; policy accept;\n    {rule}\n  }}\n}}\n"
    ))
}

fn nft(host: &Host, text: &str) -> anyhow::Result<()> {
    tool::feed("ip", &["netns", "exec", &host.namespace(), "nft", "-f", "-"], text).map(|_| ())
}

/// The rule is there, has dropped something, and a ping over this link shows it.
fn prove_rules(lab: &Lab, host: &Host, fault: &Fault, link: usize) -> anyhow::Result<Proof> {
    let namespace = host.namespace();
    let list = |name: &str| tool::output("ip", &["netns", "exec", &namespace, "nft", "list", "table", "inet", name]);
    let ping = ping_somebody(lab, host, link)?;
    let rule = list(&table(fault, link))?;
    if !rule.status.success() {
        let lossless = ping.contains(" 0% packet loss") || ping.contains("nobody");
        return Ok(Proof { took: !lossless, words: format!("no rule on eth{link}; {ping}") });
    }
    let text = String::from_utf8_lossy(&rule.stdout).into_owned();
    let dropped = text.split("counter packets ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or("0");
    let is_lossy = !ping.contains(" 0% packet loss");
    let took = dropped != "0" && is_lossy;
    Ok(Proof { took, words: format!("eth{link}: {dropped} packets dropped by the rule; {ping}") })
}

/// A ping to somebody else on the same network: one that loses nothing, or the last one. Another one there may be broken itself.
fn ping_somebody(lab: &Lab, host: &Host, link: usize) -> anyhow::Result<String> {
    let mut said = "nobody to ping".to_owned();
    for address in neighbours(lab, host, link) {
        said = ping(host, link, &address)?;
        if said.contains(" 0% packet loss") {
            break;
        }
    }
    Ok(said)
}

fn neighbours(lab: &Lab, host: &Host, link: usize) -> Vec<String> {
    if link == 0 {
        return vec![CONSOLE_ADDRESS.to_owned()];
    }
    let others = lab.hosts.iter().filter(|other| other.name != host.name);
    others.filter_map(|other| other.links.get(link).cloned()).collect()
}

/// The summary line of a few quick pings.
fn ping(host: &Host, link: usize, address: &str) -> anyhow::Result<String> {
    let card = format!("eth{link}");
    let line = ["netns", "exec", &host.namespace(), "ping", "-q", "-n", "-c", PINGS, "-i", "0.01", "-W", "0.5"];
    let output = tool::output("ip", &[&line[..], &["-I", &card, address]].concat())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let summary = text.lines().find(|line| line.contains("packet loss")).unwrap_or("no answer").to_owned();
    Ok(format!("ping {address}: {summary}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Wish;

    #[test]
    fn each_direction_has_its_own_rule() {
        let lab = Lab::plan(&Wish::bare(1)).unwrap();
        let rule = |kind| rules(&Fault::new(kind, &lab.hosts[0]), 1).unwrap();
        assert!(
            rule(Kind::CutOneWayIn).contains("hook prerouting") && rule(Kind::CutOneWayIn).contains("iifname \"eth1\"")
        );
        assert!(rule(Kind::CutOneWay).contains("hook output") && rule(Kind::CutOneWay).contains("oifname \"eth1\""));
        assert!(rule(Kind::Loss).contains("mod 100 < 30"));
        let all = Fault { percent: Some(101), ..Fault::new(Kind::Loss, &lab.hosts[0]) };
        assert!(rules(&all, 0).is_err());
    }
}
