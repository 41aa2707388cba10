//! Everything by which the lab of real parts can be broken and mended again.

use faults::Fault;

/// The cluster of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Plain,
    Qdevice,
}

impl Shape {
    /// Every seed has one of the two.
    pub const fn of(seed: u64) -> Self {
        if seed.is_multiple_of(2) { Self::Qdevice } else { Self::Plain }
    }

    /// A QDevice has a use where the number is even.
    pub const fn nodes(self) -> usize {
        match self {
            Self::Plain => 3,
            Self::Qdevice => 4,
        }
    }

    pub const fn votes(self) -> u32 {
        match self {
            Self::Plain => 3,
            Self::Qdevice => 5,
        }
    }
}

/// What is done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    Inject(Fault),
    /// The old SSH host keys: no word of the common vocabulary, because a machine that is installed anew does not get them back.
    OldHostKeys {
        node: String,
    },
}

/// What else may be broken at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breadth {
    /// Anything on another node.
    Node,
    /// The qnetd host is broken, and no node.
    Qnetd,
    /// Nothing.
    Alone,
}

/// A fault with its end; without one it is over by itself.
#[derive(Debug)]
pub struct Switch {
    pub fault: Fault,
    pub end: Option<Turn>,
    pub breadth: Breadth,
}

/// Far enough off that nobody takes it for delay, in milliseconds.
const CLOCK_OFF_MS: i64 = 90_000;
const LOSS_PERCENT: u8 = 40;
const MTU_CUT: u16 = 1_000;
const MTU: u16 = 1_500;

/// One of each kind that a lab of this shape can have, for this node and this link.
pub fn switches(node: &str, link: u8, shape: Shape) -> Vec<Switch> {
    let mut all = of_links(node, link);
    all.extend(of_services(node));
    all.extend(of_machine(node));
    all.push(of_votes(node, shape));
    all
}

/// With a QDevice in its configuration `pvecm expected 1` on a lone node expects two votes, and the node stays without
/// quorum (corosync 3.1.7): the cluster that can be split is one without.
fn of_votes(node: &str, shape: Shape) -> Switch {
    match shape {
        // Its proof wants all the others in one quorate partition.
        Shape::Plain => {
            Switch { breadth: Breadth::Alone, ..onoff(|on| Fault::SplitBrain { node: node.to_owned(), on }) }
        }
        Shape::Qdevice => Switch { breadth: Breadth::Qnetd, ..both(Fault::StopQnetd, Fault::StartQnetd) },
    }
}

fn of_links(node: &str, link: u8) -> Vec<Switch> {
    let name = || node.to_owned();
    vec![
        both(Fault::CutLink { node: name(), link }, Fault::RestoreLink { node: name(), link }),
        onoff(|on| Fault::CutOneWay { node: name(), link, on }),
        onoff(|on| Fault::CutOneWayIn { node: name(), link, on }),
        onoff(|on| Fault::Loss { node: name(), link, percent: if on { LOSS_PERCENT } else { 0 } }),
        onoff(|on| Fault::Mtu { node: name(), link, mtu: if on { MTU_CUT } else { MTU } }),
    ]
}

fn of_services(node: &str) -> Vec<Switch> {
    let name = || node.to_owned();
    vec![
        both(Fault::StopSshd { node: name() }, Fault::StartSshd { node: name() }),
        both(Fault::StopCorosync { node: name() }, Fault::StartCorosync { node: name() }),
        both(Fault::StopPmxcfs { node: name() }, Fault::StartPmxcfs { node: name() }),
        onoff(|on| Fault::ChangeAuthkey { node: name(), on }),
        // A corosync that starts meanwhile takes the others with it ("Received config version ... Exiting"), and nobody would
        // start those again.
        Switch { breadth: Breadth::Alone, ..onoff(|on| Fault::RaiseConfigVersion { node: name(), on }) },
    ]
}

fn of_machine(node: &str) -> Vec<Switch> {
    let name = || node.to_owned();
    let keys = Turn::OldHostKeys { node: name() };
    vec![
        both(Fault::Kill { node: name() }, Fault::Start { node: name() }),
        both(Fault::Freeze { node: name() }, Fault::Thaw { node: name() }),
        Switch { fault: Fault::PowerCycle { node: name() }, end: None, breadth: Breadth::Node },
        onoff(|on| Fault::SkewClock { node: name(), millis: if on { CLOCK_OFF_MS } else { 0 } }),
        onoff(|on| Fault::FillDisk { node: name(), on }),
        onoff(|on| Fault::BreakHosts { node: name(), on }),
        Switch { fault: Fault::ChangeHostKey { node: name() }, end: Some(keys), breadth: Breadth::Node },
    ]
}

fn both(fault: Fault, end: Fault) -> Switch {
    Switch { fault, end: Some(Turn::Inject(end)), breadth: Breadth::Node }
}

fn onoff(fault: impl Fn(bool) -> Fault) -> Switch {
    both(fault(true), fault(false))
}

/// The vocabulary's word for a fault.
pub fn name(fault: &Fault) -> String {
    let word = serde_json::to_value(fault).ok();
    word.and_then(|word| Some(word.get("kind")?.as_str()?.to_owned())).unwrap_or_default()
}

/// The words of all kinds in labs of this shape.
pub fn names(shape: Shape) -> Vec<String> {
    switches("", 0, shape).iter().map(|switch| name(&switch.fault)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Killed, frozen, power-cycled; link cut, cut one way, MTU changed, packets dropped; sshd, corosync stopped; authkey,
    /// version, qnetd, clock, disk, hosts, host key; split brain. pmxcfs is the lab's own addition.
    #[test]
    fn every_kind_that_the_lab_knows_can_be_drawn() {
        let mut names: Vec<String> = [Shape::of(1), Shape::of(2)].into_iter().flat_map(names).collect();
        names.sort();
        names.dedup();
        assert_eq!(
            names.join(" "),
            "break-hosts change-authkey change-host-key cut-link cut-one-way cut-one-way-in fill-disk freeze kill loss mtu \
             power-cycle raise-config-version skew-clock split-brain stop-corosync stop-pmxcfs stop-qnetd stop-sshd"
        );
    }
}
