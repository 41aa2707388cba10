//! What each word of the labs' common vocabulary means here.

use ::faults::Fault as Word;
use anyhow::{Context, bail, ensure};

use crate::faults::{self, Fault, Kind};
use crate::layout::{Host, Lab};
use crate::network::MTU;
use crate::{access, power};

/// What a word means: a fault of this lab on or off, or something that is no fault to be taken back.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    Fault(Kind, bool),
    PowerOn,
    ExpectVotes(u32),
    AddGuest(u32),
}

/// Does it, and waits until it is proven; the proof's words.
pub fn switch(word: &Word, lab: &Lab) -> anyhow::Result<String> {
    let (meaning, host) = understood(word, lab)?;
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
            inside(host, &format!("printf 'cores: 2\\nmemory: 64\\nname: vm{id}\\n' > {path} && qm status {id}"))?;
            return Ok(format!("{name} has the guest {id}"));
        }
    };
    let fault = details(word, Fault::new(kind, host));
    if on { faults::inject(lab, &fault) } else { faults::revert(lab, &fault) }
}

/// What it means, and for whom.
pub fn understood<'a>(word: &Word, lab: &'a Lab) -> anyhow::Result<(Meaning, &'a Host)> {
    let host = match word.node() {
        Some(node) => lab.host(node)?,
        // The simulated lab stops all qnetd hosts; here there is one.
        None => lab.qnetd().context("there is no qnetd host")?,
    };
    Ok((meaning(word)?, host))
}

/// Every word is here: the compiler asks for one that is new.
fn meaning(word: &Word) -> anyhow::Result<Meaning> {
    let (kind, on) = match word {
        Word::Start { .. } => return Ok(Meaning::PowerOn),
        Word::ExpectVotes { votes, .. } => return Ok(Meaning::ExpectVotes(*votes)),
        Word::AddGuest { vmid, .. } => return Ok(Meaning::AddGuest(*vmid)),
        Word::Kill { .. } => (Kind::Kill, true),
        Word::Freeze { .. } => (Kind::Freeze, true),
        Word::Thaw { .. } => (Kind::Freeze, false),
        Word::PowerCycle { .. } => (Kind::PowerCycle, true),
        Word::CutLink { .. } => (Kind::CutLink, true),
        Word::RestoreLink { .. } => (Kind::CutLink, false),
        Word::CutOneWay { on, .. } => (Kind::CutOneWay, *on),
        Word::CutOneWayIn { on, .. } => (Kind::CutOneWayIn, *on),
        Word::Loss { percent, .. } => (Kind::Loss, *percent > 0),
        Word::Mtu { mtu, .. } => (Kind::Mtu, u32::from(*mtu) != MTU),
        Word::StopSshd { .. } => (Kind::StopSshd, true),
        Word::StartSshd { .. } => (Kind::StopSshd, false),
        Word::StopCorosync { .. } => (Kind::StopCorosync, true),
        Word::StartCorosync { .. } => (Kind::StopCorosync, false),
        Word::StopPmxcfs { .. } => (Kind::StopPmxcfs, true),
        Word::StartPmxcfs { .. } => (Kind::StopPmxcfs, false),
        Word::StopQnetd => (Kind::StopQnetd, true),
        Word::StartQnetd => (Kind::StopQnetd, false),
        Word::ChangeAuthkey { on, .. } => (Kind::ChangeAuthkey, *on),
        Word::RaiseConfigVersion { on, .. } => (Kind::RaiseConfigVersion, *on),
        Word::SkewClock { millis, .. } => (Kind::SkewClock, *millis != 0),
        Word::FillDisk { on, .. } => (Kind::FillDisk, *on),
        Word::BreakHosts { on, .. } => (Kind::BreakHosts, *on),
        Word::ChangeHostKey { .. } => (Kind::ChangeHostKey, true),
        Word::SplitBrain { on, .. } => (Kind::SplitBrain, *on),
        Word::Garbage { .. }
        | Word::HangCommands { .. }
        | Word::BlockUdp { .. }
        | Word::Delay { .. }
        | Word::JoinDiesAt { .. }
        | Word::QdeviceDiesAt { .. }
        | Word::UnitStartCutOff { .. }
        | Word::LinkFile { .. }
        | Word::Rename { .. }
        | Word::LeaveAuthkey { .. }
        | Word::EnableFirewall { .. }
        | Word::LoseRsaKey { .. }
        | Word::RemoveChrony { .. }
        | Word::RemovePackage { .. }
        | Word::LoseRepository { .. }
        | Word::LockPackages { .. }
        | Word::TimeZone { .. }
        | Word::DropConnections { .. } => bail!("{word:?} is a fault of the simulated lab only"),
    };
    Ok(Meaning::Fault(kind, on))
}

/// The strength of a fault, and its link.
fn details(word: &Word, mut fault: Fault) -> Fault {
    match word {
        Word::CutLink { link, .. }
        | Word::RestoreLink { link, .. }
        | Word::CutOneWay { link, .. }
        | Word::CutOneWayIn { link, .. } => fault.link = Some(usize::from(*link)),
        Word::Loss { link, percent, .. } => {
            fault.link = Some(usize::from(*link));
            fault.percent = Some(*percent);
        }
        Word::Mtu { link, mtu, .. } => {
            fault.link = Some(usize::from(*link));
            fault.mtu = Some(u32::from(*mtu));
        }
        Word::SkewClock { millis, .. } => fault.millis = Some(*millis),
        _ => {}
    }
    fault
}

fn inside(host: &Host, command: &str) -> anyhow::Result<()> {
    let output = access::inside(host, command)?;
    ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    fn read(text: &str) -> Word {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn words_of_scenario_files_are_understood() {
        let cases = [
            ("{\"kind\":\"cut-link\",\"node\":\"pve2\",\"link\":1}", Meaning::Fault(Kind::CutLink, true)),
            ("{\"kind\":\"restore-link\",\"node\":\"pve2\",\"link\":1}", Meaning::Fault(Kind::CutLink, false)),
            ("{\"kind\":\"loss\",\"node\":\"a\",\"link\":0,\"percent\":0}", Meaning::Fault(Kind::Loss, false)),
            ("{\"kind\":\"mtu\",\"node\":\"a\",\"link\":0,\"mtu\":1500}", Meaning::Fault(Kind::Mtu, false)),
            ("{\"kind\":\"break-hosts\",\"node\":\"a\",\"on\":false}", Meaning::Fault(Kind::BreakHosts, false)),
            ("{\"kind\":\"expect-votes\",\"node\":\"a\",\"votes\":1}", Meaning::ExpectVotes(1)),
            ("{\"kind\":\"stop-qnetd\"}", Meaning::Fault(Kind::StopQnetd, true)),
            ("{\"kind\":\"start\",\"node\":\"a\"}", Meaning::PowerOn),
        ];
        for (text, expected) in cases {
            assert_eq!(meaning(&read(text)).unwrap(), expected, "{text}");
        }
        let fault = Fault { kind: Kind::Loss, node: "a".into(), link: None, mtu: None, percent: None, millis: None };
        let word = read("{\"kind\":\"loss\",\"node\":\"a\",\"link\":1,\"percent\":30}");
        assert_eq!(details(&word, fault.clone()), Fault { link: Some(1), percent: Some(30), ..fault });
    }

    /// A person types the same words as a scenario file has.
    #[test]
    fn every_fault_of_this_lab_is_a_word_of_the_vocabulary() {
        for kind in Kind::value_variants() {
            let options = "\"node\":\"a\",\"link\":0,\"percent\":30,\"mtu\":1280,\"millis\":1";
            let word = read(&format!("{{\"kind\":\"{}\",{options}}}", kind.name()));
            assert_eq!(meaning(&word).unwrap(), Meaning::Fault(*kind, true));
        }
    }

    #[test]
    fn what_only_the_simulated_lab_can_do_is_refused_in_words() {
        let error = meaning(&read("{\"kind\":\"garbage\",\"node\":\"a\"}")).unwrap_err().to_string();
        assert!(error.contains("simulated lab only"), "{error}");
    }
}
