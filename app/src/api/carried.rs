//! Values that travel between page and server; everything else that travels is a type of `model`.

use super::runs::Place;
use super::team::AgreedBy;
use super::wire::Wire;
use leptos::prelude::{FromServerFnError, ServerFnErrorErr};
use model::Timestamp;
use model::bmc::PowerWish;
use model::facts::LinkStatus;
use model::facts::QuorumStatus;
use model::host_key::HostKey;
use model::ids::{ClusterId, NodeId, OperationId, UserId};
use model::inventory::{Cluster, Node};
use model::links::{Candidate, LinkFault, LinkPlan, NodeAddresses};
use model::lowering::AgreedAnew;
use model::measure::Measurement;
use model::name::SshAddress;
use model::operation::{Operation, OutputLine};
use model::plan::Plan;
use model::policy::{Ruling, Shown};
use model::preflight::Matrix;
use model::problem::{Problem, ProblemCode};
use model::quorum::{Forecast, QdeviceAdvice};
use model::reading::EvidenceGap;
use model::remedy::RemedyKind;
use model::role::{Access, Role};
use model::topology::{Health, Snapshot};
use model::wizard::{Draft, StepState, WizardStep};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a server function answers when it cannot do what was asked: the locale has words for every code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
pub struct ApiError(pub Problem);

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ProblemCode> for ApiError {
    fn from(code: ProblemCode) -> Self {
        Self(code.into())
    }
}

impl FromServerFnError for ApiError {
    type Encoder = Wire;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self(Problem::new(ProblemCode::Internal).quoting(error.to_string()))
    }
}

pub type ApiResult<T> = Result<T, ApiError>;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub id: UserId,
    pub name: String,
    pub access: Access,
    /// What has been shown within the policy's five minutes.
    pub shown: Shown,
    /// True in `quorate demo`: pages show the fault panel and say so.
    pub demo: bool,
    /// How much faster than real time the simulated nodes live, where it is not the same: `4`, `0.5`.
    pub demo_speed: Option<String>,
}

/// An invitation that is still good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    pub role: Role,
    pub name: Option<String>,
}

/// One line of the list of clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterLine {
    pub cluster: Cluster,
    pub nodes: u32,
    pub health: Health,
    /// When the quorum answer was given that the health rests on.
    pub told_at: Option<Timestamp>,
    pub wizard_step: WizardStep,
    pub running: Option<OperationId>,
}

/// Where a fact comes from, which is the address of the answer behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactSource {
    /// The node's label.
    pub node: String,
    pub command: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// Everything that the cluster and wizard pages need for their first paint; the stream goes on from `seq`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClusterView {
    pub cluster: Cluster,
    pub nodes: Vec<Node>,
    pub snapshot: Snapshot,
    pub seq: u64,
    /// Running, parked, or the most recent ones, newest first.
    pub operations: Vec<Operation>,
    pub role: Role,
    /// Raw answers that could not be kept.
    pub gap: Option<EvidenceGap>,
}

/// The wizard's state, judged on the server from facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WizardView {
    pub view: ClusterView,
    pub draft: Draft,
    pub steps: Vec<(WizardStep, StepState)>,
    pub current: WizardStep,
    pub matrix: Option<Matrix>,
    /// The links as they were measured last.
    pub measurement: Option<Measurement>,
    /// When the verification was taken that is to be had as a file.
    pub report_at: Option<Timestamp>,
    /// The console's own public key, one `authorized_keys` line, for pasting.
    pub console_key: String,
    /// What the policy wants of who lets the console in with a password.
    pub key_ruling: Ruling,
    pub qdevice: QdeviceAdvice,
    /// Without and with a QDevice.
    pub forecast: (Forecast, Forecast),
}

/// What a person types to add a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewNode {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub qnetd: bool,
    /// The machine in between, where there is one.
    #[serde(default)]
    pub via: Option<SshAddress>,
}

/// Choices for the second step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkView {
    pub nodes: Vec<NodeAddresses>,
    pub candidates: Vec<Candidate>,
    pub proposal: Vec<LinkPlan>,
    pub faults: Vec<LinkFault>,
    /// The links of a living cluster: then only the addresses of `nodes`, which are to join, may be chosen.
    pub fixed: Vec<LinkPlan>,
    pub read_at: Timestamp,
}

/// What a person wants to run, before it becomes a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "wish")]
pub enum Wish {
    Create {
        name: String,
        first: NodeId,
    },
    Join {
        joiners: Vec<NodeId>,
    },
    Qdevice {
        host: NodeId,
        address: Option<IpAddr>,
        /// For an odd number of nodes.
        #[serde(default)]
        against_advice: bool,
    },
    /// `leave` are machines that keep the console's key because they do not answer.
    Withdraw {
        leave: Vec<NodeId>,
    },
    RemoveQdevice,
    StartQdevice,
    /// Name of an absent node -> how the person knows that it is powered off.
    Expected {
        accounts: BTreeMap<String, String>,
    },
    /// Mend what a check has found on one machine.
    Remedy {
        node: NodeId,
        remedy: RemedyKind,
    },
    TakeBack {
        operation: OperationId,
    },
    /// A machine's power, by its BMC.
    Power {
        node: NodeId,
        to: PowerWish,
    },
    /// Carry a join that died midway through to its end.
    FinishJoin {
        node: NodeId,
    },
    /// Take away again what such a join has left.
    UndoJoin {
        node: NodeId,
    },
    RestartCorosync {
        node: NodeId,
    },
}

/// A plan to look at, with what the policy will ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub plan: Plan,
    pub digest: String,
    pub ruling: Ruling,
    /// Why it cannot run now; empty when it can.
    pub obstacles: Vec<Problem>,
    /// What has the cluster's place, where this plan may end it and the policy asks nobody about it.
    pub place: Option<Place>,
}

/// One node's answers in the fifth step, and whether all agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeAnswer {
    pub node: String,
    pub quorum: Option<QuorumStatus>,
    pub links: Option<LinkStatus>,
}

/// An operation with what it printed so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    pub operation: Operation,
    pub cluster_name: String,
    pub output: Vec<OutputLine>,
    pub role: Role,
    /// Who agreed that it may run; `None` where nobody had to.
    pub agreed: Option<AgreedBy>,
    /// On whose word it went on after that had grown too old, or where nobody had to agree before.
    pub agreed_anew: Vec<AgreedAnew>,
    /// Sequence of the cluster's live stream at the time of reading.
    pub seq: u64,
}

/// The key that a machine shows, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyOffer {
    pub node: NodeId,
    /// `None` behind a machine that does not let the console through yet.
    pub offered: Option<HostKey>,
}

/// An account in the list of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub access: Access,
    pub disabled: bool,
    pub second_factor: bool,
    pub last_sign_in: Option<Timestamp>,
}

/// One switch of the demo's fault panel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoSwitch {
    /// Stable word, for instance `kill:pve3`.
    pub id: String,
    /// Locale key `fault_KIND`.
    pub kind: String,
    pub node: String,
    /// Which set of simulated nodes it belongs to; each cluster is made of one.
    pub set: String,
    pub active: bool,
}

/// The beginning of an import: a cluster without a name yet, and the node through which it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportBegun {
    pub cluster: ClusterId,
    pub node: NodeId,
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportDone {
    /// What the cluster is called here now.
    pub name: String,
    /// Another cluster here has its real name already.
    pub name_taken: bool,
    /// Why each node has to be given the console's key by itself; `None` where the cluster's shared file has it.
    pub key_not_shared: Option<Problem>,
}

/// How another member sees a machine's host key: a hint beside the fingerprint, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySeen {
    pub by: String,
    pub address: IpAddr,
    /// `None` where nothing answered there.
    pub fingerprint: Option<String>,
    /// It is the key that the machine shows to the console.
    pub same: bool,
}

/// Ids of what a new draft of a cluster got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCluster {
    pub cluster: ClusterId,
}
