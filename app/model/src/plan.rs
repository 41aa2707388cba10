//! A plan: a frozen, typed list of steps, complete enough that execution makes no choices.

/// The word of each kind, and the list of all words in the order of the table.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($kind:ident => $word:literal,)+ }) => {
        impl $name {
            $(#[$about])*
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            $(#[$about])*
            #[must_use]
            pub const fn word(&self) -> &'static str {
                match self {
                    $(Self::$kind { .. } => $word,)+
                }
            }
        }
    };
}

mod action;
mod intent;
mod spoken;
mod undo;

pub use action::{Action, KeyFile, LinkArgument, SystemPackage};
pub use intent::Intent;
pub use spoken::Spoken;
pub use undo::Undo;

use crate::digest::{self, Digest};
use crate::ids::{ClusterId, NodeId};
use crate::preflight::Acknowledgement;
use crate::risk::Risk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The domain word of a plan's digest; raised when the meaning of a plan's bytes changes.
pub const PLAN_DIGEST_DOMAIN: &str = "quorate-plan/v1";

/// Where a node keeps its certificates for the QDevice's host (corosync-qdevice-net-certutil(8)).
pub const QDEVICE_STORE: &str = "/etc/corosync/qdevice/net/nssdb";

/// One step on one machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub node: NodeId,
    pub node_name: String,
    #[serde(flatten)]
    pub action: Action,
    /// The exact commands, quoted as they will run; parts that only exist later are named in angle brackets.
    pub commands: Vec<String>,
}

/// Consequences that a person must know before, as codes with parameters (`consequence_CODE` in the locales).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequence {
    pub code: ConsequenceCode,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
}

crate::problem::codes!(
    /// Codes of consequences.
    ConsequenceCode {
        /// `pvecm create` rewrites PermitRootLogin and links root's authorised keys into `/etc/pve`.
        SshConfigRewritten => "ssh_config_rewritten",
        /// `/etc/pve` of the joiner is replaced.
        JoinerConfigReplaced => "joiner_config_replaced",
        /// With one node, the second raises the quorum to 2: if it does not come up, the first is read-only.
        FirstNodeMayLoseQuorum => "first_node_may_lose_quorum",
        /// The name and the addresses of a node stay as they are from now on.
        NamesFinal => "names_final",
        /// `/etc/pve` blinks while the cluster file system restarts.
        PmxcfsRestarts => "pmxcfs_restarts",
        /// Votes and tolerance before and after.
        VotesChange => "votes_change",
        /// The device of an odd number of nodes holds as many votes as all of them but one.
        QdeviceAgainstAdvice => "qdevice_against_advice",
        /// `node`, `path`: `pvecm qdevice setup --force` deletes an earlier device's certificates on the node where it runs.
        QdeviceStoreDeleted => "qdevice_store_deleted",
        /// The node's root key is authorised on the qnetd host while setting up.
        KeyOnQnetdHost => "key_on_qnetd_host",
        /// The console's own key stays on the machine until it is removed.
        ConsoleKeyStays => "console_key_stays",
        /// The cluster's shared file lets the console in on every node.
        ConsoleKeyShared => "console_key_shared",
        /// The machine does not answer; the console's key stays there.
        KeyLeftBehind => "key_left_behind",
        /// The console cannot log in to any of the machines afterwards.
        AccessEnds => "access_ends",
        /// `votes`, `nodes`: this side goes on alone.
        QuorumByDecree => "quorum_by_decree",
        /// `votes`, `device`, `expected`, `quorum`: corosync expects a QDevice's votes while it casts none.
        QdeviceStillExpected => "qdevice_still_expected",
        /// `nodes`: two quorate halves if one of them runs after all.
        SplitIfAlive => "split_if_alive",
        /// `node`, `by`, `how`: on whose word a node counts as off.
        AttestedOff => "attested_off",
        /// `guests`: their disks may be written from two sides.
        GuestsMayRunTwice => "guests_may_run_twice",
        /// `services`: HA starts them on this side.
        ServicesRecovered => "services_recovered",
        /// corosync raises the expected votes when members return; the console watches for it.
        ExpectedRisesAgain => "expected_rises_again",
        /// What the console knows of the cluster goes; audit and operations stay.
        ClusterForgotten => "cluster_forgotten",
        /// `file`: what was there is kept under this name on the machine.
        CopyKept => "copy_kept",
        /// `node`: a copy of the cluster's database is kept there before anything is changed.
        DatabaseKept => "database_kept",
        /// What remedies and undone joins have kept beside files is deleted.
        CopiesDeleted => "copies_deleted",
        /// `peer`: the machine did not answer, so its name is not in the file.
        PeerLeftOut => "peer_left_out",
        /// Packages come from the machine's own sources over the network.
        PackageFetched => "package_fetched",
        /// Another time service is removed by the package manager when chrony comes.
        TimeServiceReplaced => "time_service_replaced",
        /// A clock is right some time after chrony has begun, not at once.
        SyncTakesTime => "sync_takes_time",
        /// HA is armed here: a step of the clock could fence the machine, so there is none.
        ClockNotStepped => "clock_not_stepped",
        /// The clock jumps; what runs on the machine sees it.
        ClockJumps => "clock_jumps",
        /// The other nodes may reach corosync's ports and SSH here; a join replaces the file with the cluster's own.
        LinksAllowed => "links_allowed",
        /// sshd reads its settings again; connections stay.
        SshReloaded => "ssh_reloaded",
        /// Timestamps of logs, and local times of scheduled jobs, mean another moment from then on.
        LocalTimesMove => "local_times_move",
        /// `node`, `bmc`: what runs there is cut off, nothing is shut down.
        PowerCut => "power_cut",
        /// `votes`, `quorum`, `spare`: what is left without it.
        VotesWithout => "votes_without",
        /// `votes`, `quorum`: the others stand still without it.
        QuorumGoes => "quorum_goes",
        /// Its votes are not known at this moment.
        VotesUnknown => "votes_unknown",
        /// `node`: it starts, and comes back into its cluster by itself.
        MachineStarts => "machine_starts",
        /// `node`, `bmc`, `at`, `command`, `answer`: its power was read as off, twice.
        ReadOff => "read_off",
        /// `node`: `pvecm`'s own refusals become warnings; the console looks for guests and foreign keys itself.
        JoinForced => "join_forced",
        /// `node`, `votes`: the members act without the joiner for a moment.
        QuorumWithoutJoiner => "quorum_without_joiner",
        /// `node`: its line in corosync.conf goes.
        EntryRemoved => "entry_removed",
        /// `node`, `file`: the settings from before the join are read back from there.
        DatabaseBack => "database_back",
        /// `node`: the cluster's files are kept beside their places.
        FilesAside => "files_aside",
        /// `node`, `votes`, `quorum`: the others stay quorate without its vote.
        VoteMissingMeanwhile => "vote_missing_meanwhile",
        /// `node`, `votes`, `quorum`: without its vote nobody is quorate.
        QuorumLostMeanwhile => "quorum_lost_meanwhile",
        /// `node`: HA is armed there, and its watchdog counts while the quorum is missing.
        WatchdogCounts => "watchdog_counts",
        /// Nobody is quorate; where the absent nodes are dead `pvecm expected` is the way.
        ExpectedIsLast => "expected_is_last",
        /// `node`: whether its side is quorate was said by nobody.
        QuorumNotKnown => "quorum_not_known",
    }
);

/// The world as the plan was made for it; execution compares before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialFacts {
    /// Name in corosync.conf, where there is one.
    pub cluster_name: Option<String>,
    pub config_version: Option<u64>,
    pub members: Vec<String>,
    pub expected_votes: Option<u32>,
}

/// A frozen plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub cluster: ClusterId,
    pub intent: Intent,
    pub risk: Risk,
    /// The word that the policy may ask a person to type.
    pub target: String,
    pub steps: Vec<Step>,
    pub consequences: Vec<Consequence>,
    pub facts: MaterialFacts,
    /// Warnings of the checks that somebody answers for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledgement>,
}

impl Plan {
    /// What corosync expects once the plan has lowered its votes; `None` for one that lowers none.
    #[must_use]
    pub fn lowered_to(&self) -> Option<u32> {
        self.steps.iter().find_map(|step| match &step.action {
            Action::SetExpected { votes, expected, .. } => Some(expected.unwrap_or(*votes)),
            _ => None,
        })
    }

    /// # Errors
    /// When the plan cannot be written as JSON.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        digest::of(PLAN_DIGEST_DOMAIN, self)
    }
}
