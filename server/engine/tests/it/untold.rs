//! What a node does not say is not known: silence of its corosync is no lost quorum, and an empty `/etc/pve` is no missing
//! cluster.

use crate::house::{House, anna};
use crate::look;
use crate::recovering::{codes, seen};
use crate::works::{OLD_CERTIFICATES, Work};
use async_trait::async_trait;
use engine::ports::{Credential, DialError, Dialer, Endpoint, NodeShell, Output, OutputStream, ShellError};
use lab::{Fault, Scenario};
use model::host_key::HostKey;
use model::ids::NodeId;
use model::name::SshAddress;
use model::operation::{Operation, OperationState, StepEvent};
use model::plan::{ConsequenceCode, Intent, Plan};
use model::preflight::Verdict;
use model::problem::{Problem, ProblemCode};
use model::risk::Risk;
use model::verify::{Verification, VerifyCode};
use pve::CommandLine;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// How a command ends whose time limit on the node struck.
const TIMED_OUT: i32 = 124;

/// Nodes on which one program, mostly `corosync-quorumtool`, runs into its limit, and nothing else does.
#[derive(Clone)]
struct Silent {
    nodes: Arc<Mutex<BTreeSet<NodeId>>>,
    program: &'static str,
    /// What it prints instead, and its exit code.
    says: Arc<Mutex<(&'static str, i32)>>,
}

impl Silent {
    /// In this house, from now on.
    fn in_house(house: &mut House) -> Self {
        Self::program(house, "corosync-quorumtool")
    }

    fn program(house: &mut House, program: &'static str) -> Self {
        let says = Arc::new(Mutex::new(("", TIMED_OUT)));
        let silent = Self { nodes: Arc::default(), program, says };
        let engine = &mut house.console.engine;
        engine.dialer = Arc::new(Muffled { inner: Arc::clone(&engine.dialer), silent: silent.clone() });
        silent
    }

    fn set(&self, nodes: &[NodeId]) {
        *self.nodes.lock().expect("no panic") = nodes.iter().copied().collect();
    }

    fn heard(&self, node: NodeId, command: &CommandLine, output: Output) -> Output {
        let silent = command.program() == self.program && self.nodes.lock().expect("no panic").contains(&node);
        if silent {
            let (said, exit) = *self.says.lock().expect("no panic");
            return Output { stdout: Vec::new(), stderr: said.into(), exit: Some(exit), ..output };
        }
        output
    }
}

struct Muffled {
    inner: Arc<dyn Dialer>,
    silent: Silent,
}

struct MuffledShell {
    inner: Arc<dyn NodeShell>,
    silent: Silent,
    node: NodeId,
}

#[async_trait]
impl Dialer for Muffled {
    async fn shell(&self, endpoint: &Endpoint) -> Result<Arc<dyn NodeShell>, DialError> {
        let inner = self.inner.shell(endpoint).await?;
        Ok(Arc::new(MuffledShell { inner, silent: self.silent.clone(), node: endpoint.node }))
    }

    async fn once(&self, endpoint: &Endpoint, credential: Credential) -> Result<Arc<dyn NodeShell>, DialError> {
        self.inner.once(endpoint, credential).await
    }

    async fn offered_key(&self, address: &SshAddress, via: Option<&Endpoint>) -> Result<HostKey, DialError> {
        self.inner.offered_key(address, via).await
    }

    fn console_key(&self) -> Result<String, Problem> {
        self.inner.console_key()
    }

    fn hurry(&self, node: NodeId) {
        self.inner.hurry(node);
    }

    async fn forget(&self, node: NodeId) {
        self.inner.forget(node).await;
    }
}

#[async_trait]
impl NodeShell for MuffledShell {
    async fn run(&self, command: &CommandLine) -> Result<Output, ShellError> {
        let output = self.inner.run(command).await?;
        Ok(self.silent.heard(self.node, command, output))
    }

    async fn sweep(&self, commands: &[CommandLine]) -> Result<Vec<Output>, ShellError> {
        let outputs = self.inner.sweep(commands).await?;
        let heard = commands.iter().zip(outputs).map(|(command, output)| self.silent.heard(self.node, command, output));
        Ok(heard.collect())
    }

    async fn follow(&self, command: &CommandLine) -> Result<OutputStream, ShellError> {
        self.inner.follow(command).await
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

async fn planned(house: &House, intent: &Intent) -> Plan {
    house.engine().plan(house.cluster, intent).await.expect("a plan").plan
}

fn said(plan: &Plan) -> Vec<ConsequenceCode> {
    plan.consequences.iter().map(|one| one.code).collect()
}

fn parked(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Parked { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

fn failed(operation: &Operation) -> &Problem {
    match &operation.state {
        OperationState::Failed { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

/// Somebody goes on with it, and it ends well.
async fn goes_on(house: &House, operation: &Operation) {
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    look::is_done(house, &house.ended(operation.id).await).await;
}

/// Of three nodes: what the others tell decides, and where nobody tells nothing is claimed.
#[tokio::test(start_paused = true)]
async fn a_corosync_that_hangs_is_restarted_by_what_the_others_say() {
    let mut house = Work::Restart.house().await;
    let silent = Silent::in_house(&mut house);
    let (pve1, pve2, pve3) = (house.id("pve1").await, house.id("pve2").await, house.id("pve3").await);
    let intent = Work::Restart.intent(&house).await;
    silent.set(&[pve1, pve2, pve3]);
    let plan = planned(&house, &intent).await;
    assert_eq!((said(&plan), plan.risk), (vec![ConsequenceCode::QuorumNotKnown], Risk::Destructive));
    silent.set(&[pve2]);
    let plan = planned(&house, &intent).await;
    assert_eq!((said(&plan), plan.risk), (vec![ConsequenceCode::VoteMissingMeanwhile], Risk::Disruptive));
    look::is_done(&house, &house.done(&intent).await).await;
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 1);
}

/// The last one left hangs: started again it says that it has no quorum, and that is what the restart was to find out.
#[tokio::test(start_paused = true)]
async fn the_last_one_is_restarted_and_proven_without_a_quorum() {
    let mut house = Work::Restart.house().await;
    let silent = Silent::in_house(&mut house);
    let intent = Work::Restart.intent(&house).await;
    for node in ["pve1", "pve3"] {
        house.inject(Fault::Kill { node: node.into() });
    }
    house.lab.settle().await;
    silent.set(&[house.id("pve2").await]);
    assert_eq!(said(&planned(&house, &intent).await), [ConsequenceCode::QuorumNotKnown]);
    house.console.fence.after(|entry| entry.event == StepEvent::Started, move || silent.set(&[]));
    look::is_done(&house, &house.done(&intent).await).await;
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 1);
}

/// The plan promised that the others keep the quorum: what nobody can tell any more is not taken for a yes.
#[tokio::test(start_paused = true)]
async fn a_promise_that_nobody_can_confirm_any_more_parks() {
    let mut house = Work::Restart.house().await;
    let silent = Silent::in_house(&mut house);
    let all = [house.id("pve1").await, house.id("pve2").await, house.id("pve3").await];
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let silent = silent.clone();
        move || silent.set(&all)
    });
    let operation = house.run(&Work::Restart.intent(&house).await).await;
    let problem = parked(&operation);
    assert_eq!((problem.code, problem.params["node"].as_str()), (ProblemCode::NodeHangs, "pve2"), "{problem}");
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 0);
    silent.set(&[]);
    goes_on(&house, &operation).await;
    Work::Restart.check(&house);
}

/// A corosync that lets nobody in says the same as one that does not run: the others count its vote all the same.
#[tokio::test(start_paused = true)]
async fn a_corosync_that_lets_nobody_in_has_a_vote_to_lose() {
    let mut house = Work::Restart.house().await;
    let silent = Silent::in_house(&mut house);
    let (pve1, pve2, pve3) = (house.id("pve1").await, house.id("pve2").await, house.id("pve3").await);
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let silent = silent.clone();
        move || silent.set(&[pve1, pve2, pve3])
    });
    let operation = house.run(&Work::Restart.intent(&house).await).await;
    assert_eq!(parked(&operation).code, ProblemCode::NodeHangs);
    house.inject(Fault::Kill { node: "pve3".into() });
    house.lab.settle().await;
    *silent.says.lock().expect("no panic") = ("Cannot initialize CMAP service\n", 1);
    silent.set(&[pve2]);
    house.engine().resume(&anna(), operation.id).await.expect("it goes on");
    let operation = house.ended(operation.id).await;
    assert_eq!(failed(&operation).code, ProblemCode::RestartCostsQuorum);
    assert_eq!(house.lab.inspect().nodes["pve2"].ran("systemctl restart corosync"), 0);
}

/// It tells its votes, and not by which list of nodes it counts them.
#[tokio::test(start_paused = true)]
async fn votes_are_not_lowered_while_nobody_says_by_which_list_they_are_counted() {
    let mut house = Work::Expected.house().await;
    let silent = Silent::program(&mut house, "corosync-cmapctl");
    let pve1 = house.id("pve1").await;
    let intent = house.expected_intent().await;
    silent.set(&[pve1]);
    assert_eq!(codes(&seen(&house).await), [ProblemCode::NodeHangs]);
    silent.set(&[]);
    house.console.fence.after(|entry| entry.event == StepEvent::Started, {
        let silent = silent.clone();
        move || silent.set(&[pve1])
    });
    let operation = house.run(&intent).await;
    let problem = parked(&operation);
    assert_eq!((problem.code, problem.params["node"].as_str()), (ProblemCode::NodeHangs, "pve1"), "{problem}");
    assert_eq!(house.lab.inspect().ran("pvecm expected"), 0);
    silent.set(&[]);
    goes_on(&house, &operation).await;
    Work::Expected.check(&house);
}

#[tokio::test(start_paused = true)]
async fn members_that_were_not_counted_are_not_offline() {
    for work in [Work::Qdevice, Work::RemoveQdevice] {
        let mut house = work.house().await;
        let silent = Silent::in_house(&mut house);
        silent.set(&[house.id("pve1").await]);
        let operation = house.run(&work.intent(&house).await).await;
        let problem = parked(&operation);
        assert_eq!((problem.code, problem.params["node"].as_str()), (ProblemCode::NodeHangs, "pve1"), "{problem}");
        assert_eq!(house.lab.inspect().ran(work.command()), 0);
        silent.set(&[]);
        goes_on(&house, &operation).await;
        work.check(&house);
    }
}

#[tokio::test(start_paused = true)]
async fn without_quorum_the_members_that_are_there_are_counted() {
    let house = Work::RemoveQdevice.house().await;
    house.inject(Fault::StopQnetd);
    house.inject(Fault::StopCorosync { node: "pve2".into() });
    house.lab.settle().await;
    let operation = house.run(&Intent::RemoveQdevice).await;
    let problem = failed(&operation);
    assert_eq!(problem.code, ProblemCode::MembersOffline, "{problem}");
    assert_eq!((problem.params["online"].as_str(), problem.params["listed"].as_str()), ("1", "2"));
}

fn stop_pmxcfs(node: &str) -> Fault {
    Fault::StopPmxcfs { node: node.into() }
}

fn start_pmxcfs(node: &str) -> Fault {
    Fault::StartPmxcfs { node: node.into() }
}

/// There is a cluster, and nobody who shows its configuration.
#[tokio::test(start_paused = true)]
async fn an_empty_folder_of_pmxcfs_is_no_missing_cluster() {
    let house = Work::RemoveQdevice.house().await;
    house.inject(stop_pmxcfs("pve1"));
    house.lab.settle().await;
    let operation = house.run(&Intent::RemoveQdevice).await;
    let problem = parked(&operation);
    assert_eq!((problem.code, problem.params["node"].as_str()), (ProblemCode::PmxcfsDown, "pve1"), "{problem}");
    house.inject(start_pmxcfs("pve1"));
    house.lab.settle().await;
    goes_on(&house, &operation).await;
    Work::RemoveQdevice.check(&house);
}

/// Planned or begun while pmxcfs is down: the device that uses them may be in the configuration that is not shown.
#[tokio::test(start_paused = true)]
async fn certificates_are_not_moved_while_nobody_shows_the_configuration() {
    let house = Work::QdeviceLeftovers.house().await;
    house.console.fence.after(|entry| entry.step == 0 && entry.event == StepEvent::Started, {
        let lab = house.lab.clone();
        move || lab.inject(stop_pmxcfs("pve1")).expect("it stops")
    });
    let operation = house.run(&house.qdevice_intent().await).await;
    let problem = parked(&operation);
    assert_eq!((problem.code, problem.params["node"].as_str()), (ProblemCode::PmxcfsDown, "pve1"), "{problem}");
    assert_eq!(house.lab.file("pve1", OLD_CERTIFICATES).as_deref(), Some(b"of another host".as_slice()));
    house.inject(start_pmxcfs("pve1"));
    house.lab.settle().await;
    goes_on(&house, &operation).await;
    Work::QdeviceLeftovers.check(&house);
}

/// Verdict, and why there is no answer.
fn cell(report: &Verification, node: &str, what: VerifyCode) -> (Verdict, Vec<String>) {
    let row = report.rows.iter().find(|row| row.node == node).expect("a row");
    let cell = row.cells.iter().find(|cell| cell.what == what).expect("a cell");
    let why = cell.disagreements.iter().filter_map(|one| one.params.get("problem").cloned());
    (cell.verdict, why.collect())
}

#[tokio::test(start_paused = true)]
async fn a_verification_tells_a_pmxcfs_that_is_down_from_a_node_without_cluster() {
    let house = House::new(Scenario::healthy(2)).await;
    house.inject(stop_pmxcfs("pve1"));
    house.lab.settle().await;
    let report = house.engine().verify(&anna(), house.cluster).await.expect("asked");
    let down = (Verdict::Error, vec!["pmxcfs_down".to_owned()]);
    assert_eq!(cell(&report, "pve1", VerifyCode::ConfigVersion), down);
    assert_eq!(cell(&report, "pve1", VerifyCode::Writable), down, "that is not read-only");
    assert_eq!(cell(&report, "pve2", VerifyCode::Writable), (Verdict::Pass, Vec::new()));
}
