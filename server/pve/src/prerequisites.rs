//! What is asked of every node before a cluster exists, bundled into rounds: one list of questions per round, all answers
//! framed one by one, so that one that is missing or broken leaves the others as they are.
//!
//! The probe is [`crate::probe`]; it begins when every node's addresses are known ([`BEFORE_PROBE`]), and the rest of the
//! rounds is asked while it runs.

mod access;
mod clocks;
mod firewall;
mod machine;
mod network;
mod pve_files;
mod software;
mod switches;

pub(crate) use clocks::{chronyc, tracking};
pub use network::devices;

use crate::answer::Answer;
use crate::command::CommandLine;
use crate::error::ParseError;
use crate::files::{self, NodeFile};
use crate::host_keys::{self, HostKeyKind};
use crate::{host, network as links, version};
use model::facts::GuestKind;
use model::facts::host::NameUse;
use model::name::NodeName;
use model::preflight::{ClusterTraces, NodeEvidence, Source};
use std::net::IpAddr;

/// Cards whose speed is asked for, at most.
const CARDS_MAX: usize = 64;

type Reader = fn(Answer<'_>, &mut NodeEvidence) -> Result<(), ParseError>;

/// One command with what it is read for.
#[derive(Debug, Clone)]
pub struct Question {
    pub command: CommandLine,
    pub source: Source,
    read: Reader,
}

impl Question {
    fn new(source: Source, command: CommandLine, read: Reader) -> Self {
        Self { command, source, read }
    }

    /// Reads an answer into the node's facts. Where several questions share a source, each adds its part.
    ///
    /// # Errors
    /// When the answer cannot be read; then nothing of the source may be believed (`NodeEvidence::forget`).
    pub fn fill(&self, answer: Answer<'_>, found: &mut NodeEvidence) -> Result<(), ParseError> {
        (self.read)(answer, found)
    }
}

/// What the probe's plan needs of every node: once these are settled everywhere, the probe need not wait for the rest.
pub const BEFORE_PROBE: [Source; 3] = [Source::Addresses, Source::Interfaces, Source::Resolve];

/// The first round: who the machine is and where it stands, which the second round and the probe need.
#[must_use]
pub fn first(_found: &NodeEvidence) -> Vec<Question> {
    let mut all = vec![
        Question::new(Source::User, host::user_id(), |answer, found| {
            found.user_id = Ok(host::user_number(answer)?);
            Ok(())
        }),
        Question::new(Source::HostName, host::hostname(), |answer, found| {
            found.host_name = Ok(host::node_name(answer)?.to_string());
            Ok(())
        }),
    ];
    all.extend(network::first());
    all
}

/// The second round, cheap things only: what its name leads to comes first, because the probe waits for it.
#[must_use]
pub fn second(found: &NodeEvidence) -> Vec<Question> {
    let mut all = Vec::new();
    if let Some(name) = found.host_name.as_ref().ok().and_then(|name| name.parse::<NodeName>().ok()) {
        all.extend(of_name(&name));
    }
    if let Ok(devices) = &found.host.devices {
        all.extend(network::speeds(devices.iter().map(|one| one.name.as_str()).take(CARDS_MAX)));
    }
    all.extend(host_keys());
    all.extend(names());
    all.extend(traces());
    all.extend(access::second());
    all.extend(clocks::second());
    all.extend(machine::second());
    all.extend(pve_files::second());
    all.push(software::packages());
    all.push(access::quiet());
    all
}

/// The third round: what starts Perl or reads much.
#[must_use]
pub fn third(found: &NodeEvidence) -> Vec<Question> {
    let wanted = found.wanted_name.as_deref().and_then(|name| name.parse::<NodeName>().ok());
    let name = wanted.iter().map(of_wanted_name).collect();
    let version = Question::new(Source::Version, version::pveversion(), |answer, found| {
        found.version = Ok(version::short(answer)?);
        Ok(())
    });
    let rest = [firewall::all(), pve_files::third(), machine::third(), switches::third(), name, software::third()];
    std::iter::once(version).chain(rest.into_iter().flatten()).collect()
}

/// Whether the name that the cluster is to have leads anywhere. A resolver that cannot be reached answers *no* in the end:
/// it is asked once and briefly.
fn of_wanted_name(name: &NodeName) -> Question {
    Question::new(Source::ClusterName, links::ahosts_once(name), |answer, found| {
        let addresses = links::resolved(answer)?;
        found.host.cluster_name = Ok(NameUse { name: found.wanted_name.clone().unwrap_or_default(), addresses });
        Ok(())
    })
}

fn host_keys() -> impl Iterator<Item = Question> {
    HostKeyKind::ALL.into_iter().map(|kind| {
        Question::new(Source::HostKeys, host_keys::cat_host_key(kind), |answer, found| {
            let key = host_keys::public_key(answer)?;
            let mut all = found.host_keys.clone().unwrap_or_default();
            all.extend(key.map(|key| key.algorithm().to_owned()));
            found.host_keys = Ok(all);
            Ok(())
        })
    })
}

fn names() -> [Question; 2] {
    [
        Question::new(Source::HostNameFile, files::hostname(), |answer, found| {
            found.host_name_file = Ok(files::one_word(answer)?);
            Ok(())
        }),
        Question::new(Source::HostsFile, files::hosts(), |answer, found| {
            let lines = files::content(answer)?.unwrap_or_default();
            // Whatever else stands there: without one address it is no such file.
            let address =
                |line: &String| line.split_whitespace().next().is_some_and(|word| word.parse::<IpAddr>().is_ok());
            if !lines.iter().any(address) {
                return Err(ParseError::missing("/etc/hosts", "an address"));
            }
            // Its lines are quoted on the page.
            let clean: Vec<String> = lines.iter().map(|line| crate::clean_text(line)).collect();
            found.hosts_file = Ok(clean.join("\n"));
            Ok(())
        }),
    ]
}

fn traces() -> [Question; 3] {
    fn part(answer: Answer<'_>, found: &mut NodeEvidence, set: fn(&mut ClusterTraces, bool)) -> Result<(), ParseError> {
        let there = files::yes_or_no(answer)?;
        let mut traces = found.traces.clone().unwrap_or_default();
        set(&mut traces, there);
        found.traces = Ok(traces);
        Ok(())
    }
    [
        Question::new(Source::ClusterConfig, files::exists(&NodeFile::ClusterCorosyncConf), |answer, found| {
            part(answer, found, |traces, there| traces.pve_config = there)
        }),
        Question::new(Source::ClusterConfig, files::exists(&NodeFile::LocalCorosyncConf), |answer, found| {
            part(answer, found, |traces, there| traces.corosync_config = there)
        }),
        Question::new(Source::ClusterConfig, files::exists(&NodeFile::CorosyncAuthkey), |answer, found| {
            part(answer, found, |traces, there| traces.authkey = there)
        }),
    ]
}

fn of_name(name: &NodeName) -> [Question; 3] {
    fn guests(answer: Answer<'_>, found: &mut NodeEvidence, kind: GuestKind) -> Result<(), ParseError> {
        let own = host::guests(answer, kind)?;
        let mut all = found.guests.clone().unwrap_or_default();
        all.extend(own);
        found.guests = Ok(all);
        Ok(())
    }
    [
        Question::new(Source::Resolve, links::ahosts(name), |answer, found| {
            let order = links::resolved(answer)?;
            found.resolves_to = Ok(order.iter().copied().collect());
            found.host.name_order = Ok(order);
            Ok(())
        }),
        Question::new(Source::Guests, host::guest_files(name, GuestKind::Qemu), |answer, found| {
            guests(answer, found, GuestKind::Qemu)
        }),
        Question::new(Source::Guests, host::guest_files(name, GuestKind::Lxc), |answer, found| {
            guests(answer, found, GuestKind::Lxc)
        }),
    ]
}
