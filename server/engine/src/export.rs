//! A plan as a shell script: its steps as people would run them, without the console.

use crate::context::{Engine, store_problem};
use crate::render::{join_again_command, join_command, key_file, link_options, remedy_commands};
use model::bmc::{BmcWay, Power};
use model::ids::NodeId;
use model::inventory::Node;
use model::name::SshAddress;
use model::plan::{Action, Plan, Spoken, Step};
use model::problem::{Problem, ProblemCode};
use pve::host_keys::{self, HostKeyKind, PublicKey};
use pve::script::{Door, Script, ScriptHost};
use pve::ssh_keys::{self, KeyFile};
use pve::{CommandLine, database, files, pvecm, quorumtool};

/// The line of `corosync-quorumtool -s` that says that a node's side may act.
const QUORATE: &str = "^Quorate:[[:space:]]*Yes";
/// Its line of the device's vote.
const QDEVICE: &str = "Qdevice";

impl Engine {
    /// The script of a plan, with `spoken` as its comments.
    ///
    /// # Errors
    /// When the store fails, or the console has no key.
    pub async fn script(&self, plan: &Plan, spoken: &Spoken) -> Result<String, Problem> {
        let nodes = self.store.nodes(plan.cluster).await.map_err(|error| store_problem(&error))?;
        script(plan, &hosts(plan, &nodes), &self.dialer.console_key()?, spoken)
    }
}

/// Every machine that the plan names, with where the console reaches it. One that is not there any more is reached by its name.
fn hosts(plan: &Plan, nodes: &[Node]) -> Vec<ScriptHost> {
    let mut found: Vec<(NodeId, String)> = Vec::new();
    for step in &plan.steps {
        let other = match &step.action {
            Action::AuthorizeRootKey { of, of_name, .. }
            | Action::TrustHostKeys { of, of_name, .. }
            | Action::WithdrawRootKey { of, of_name }
            | Action::ForgetRootKey { of, of_name, .. } => Some((*of, of_name.clone())),
            Action::PowerOff { way, .. } | Action::PowerOn { way, .. } => way.outer().zip(way.outer_name()),
            Action::JoinCluster { member, member_name, .. }
            | Action::ResumeJoin { member, member_name, .. }
            | Action::StartMember { member, member_name, .. } => Some((*member, member_name.clone())),
            _ => None,
        };
        for (id, name) in std::iter::once((step.node, step.node_name.clone())).chain(other) {
            if !found.iter().any(|(_, known)| *known == name) {
                found.push((id, name));
            }
        }
    }
    let node = |id: NodeId| nodes.iter().find(|node| node.id == id);
    let door =
        |address: &SshAddress| Door { user: address.user.clone(), host: address.host.clone(), port: address.port };
    let host = |(id, name): (NodeId, String)| match node(id) {
        Some(one) => {
            ScriptHost { name, door: door(&one.address), via: one.via.and_then(node).map(|via| door(&via.address)) }
        }
        None => ScriptHost { door: Door { user: "root".to_owned(), host: name.clone(), port: 22 }, name, via: None },
    };
    found.into_iter().map(host).collect()
}

/// The script of a rendered plan; `console_key` is the console's own public key. Pure.
///
/// # Errors
/// When the key is none, or a link cannot be written as an argument.
pub fn script(plan: &Plan, hosts: &[ScriptHost], console_key: &str, spoken: &Spoken) -> Result<String, Problem> {
    let console = PublicKey::parse(console_key).map_err(|_| Problem::from(ProblemCode::Internal))?;
    let mut script = Script::new(&spoken.head, hosts.to_vec());
    for (number, step) in (0u16..).zip(&plan.steps) {
        script.step(spoken.steps.get(usize::from(number)).map_or(&[], Vec::as_slice));
        if step.action.keeps_database() {
            keep_database(&mut script, plan, (number, step))?;
        }
        write(&mut script, step, &console)?;
    }
    Ok(script.text())
}

/// The copy is named after the plan, where no operation is. The same script may run again, today or in a year: each run keeps
/// what it finds, and takes no earlier copy for its own.
fn keep_database(script: &mut Script, plan: &Plan, (number, step): (u16, &Step)) -> Result<(), Problem> {
    let internal = || Problem::from(ProblemCode::Internal);
    let digest = plan.digest().map_err(|_| internal())?;
    let name = digest.as_str().get(..32).and_then(|digits| u128::from_str_radix(digits, 16).ok());
    script.run(&step.node_name, &database::keep_another(name.ok_or_else(internal)?, number));
    Ok(())
}

fn write(script: &mut Script, step: &Step, console: &PublicKey) -> Result<(), Problem> {
    let here = step.node_name.as_str();
    let folder = ssh_keys::make_ssh_folder;
    match &step.action {
        Action::KeepConsoleKey { account } => {
            let own = if account.is_some() { ssh_keys::make_login_ssh_folder() } else { folder() };
            script.run(here, &own);
            script.add_key(here, KeyFile::kept(account.as_deref()), console);
        }
        Action::ShareConsoleKey => script.add_key(here, KeyFile::ClusterAuthorizedKeys, console),
        Action::CreateCluster { name, links } => {
            script.run(here, &pvecm::create(name, &link_options(links)?));
            script.wait_for(here, &quorumtool::status(), QUORATE);
        }
        Action::MakeRootKey => {
            script.run(here, &folder());
            script.run_unless(here, &host_keys::cat_root_key(), &ssh_keys::make_root_key());
        }
        Action::AuthorizeRootKey { of_name, file, .. } => {
            if *file == model::plan::KeyFile::Own {
                script.run(here, &folder());
            }
            script.add_key_of(here, key_file(*file), of_name, &host_keys::cat_root_key());
        }
        Action::TrustHostKeys { of_name, address, .. } => {
            let reads: Vec<CommandLine> = HostKeyKind::ALL.into_iter().map(host_keys::cat_host_key).collect();
            script.trust(here, *address, of_name, &reads);
        }
        Action::JoinCluster { name, member_name, member_address, links, .. } => {
            // `--use_ssh` registers with force: a name or an address that is in use would be overwritten.
            let words: Vec<String> =
                std::iter::once(name.clone()).chain(links.iter().map(|link| link.address.to_string())).collect();
            script.unused(member_name, &files::cluster_corosync_conf(), &words);
            script.run(here, &join_command(*member_address, links)?);
            script.wait_for(here, &quorumtool::status(), QUORATE);
        }
        Action::SetUpQdevice { address, force, .. } => {
            script.run(here, &pvecm::qdevice_setup(*address, *force));
            script.wait_for(here, &quorumtool::status(), QDEVICE);
        }
        Action::StartQdevice => {
            script.run(here, &pve::qdevice::start_daemon());
            script.wait_for(here, &quorumtool::status(), QDEVICE);
        }
        Action::RemoveQdevice { .. } => script.run(here, &pvecm::qdevice_remove()),
        Action::SetExpected { votes, .. } => {
            script.run(here, &pvecm::expected(*votes));
            script.wait_for(here, &quorumtool::status(), QUORATE);
        }
        Action::ForgetRootKey { of_name, file, .. } => {
            script.remove_key_of(here, key_file(*file), of_name, &host_keys::cat_root_key());
        }
        // What the console's own units left: a script leaves none.
        Action::ClearLeftovers => {}
        Action::RemoveSharedKey => script.remove_key(here, KeyFile::ClusterAuthorizedKeys, console),
        Action::RemoveConsoleKey { account } => {
            for file in [KeyFile::usual(account.as_deref()), KeyFile::kept(account.as_deref())] {
                script.remove_key(here, file, console);
            }
        }
        Action::PowerOff { way, .. } => power(script, way, Power::Off),
        Action::PowerOn { way, .. } => power(script, way, Power::On),
        _ => return way_on(script, step),
    }
    Ok(())
}

/// The ways on from a join that died midway, and remedies.
fn way_on(script: &mut Script, step: &Step) -> Result<(), Problem> {
    let here = step.node_name.as_str();
    match &step.action {
        Action::ResumeJoin { member_address, links, force, .. } => {
            script.run(here, &join_again_command(*member_address, links, *force)?);
            script.wait_for(here, &quorumtool::status(), QUORATE);
        }
        Action::StartMember { .. } | Action::RegainQuorum { .. } => {
            remedy_commands(&step.action)?.iter().for_each(|command| script.run(here, command));
            script.wait_for(here, &quorumtool::status(), QUORATE);
        }
        Action::WithdrawRootKey { of_name, .. } => {
            script.remove_key_of(here, KeyFile::ClusterAuthorizedKeys, of_name, &host_keys::cat_root_key());
        }
        remedy => remedy_commands(remedy)?.iter().for_each(|command| script.run(here, command)),
    }
    Ok(())
}

/// A BMC is asked from where the script runs; its password is in no script.
fn power(script: &mut Script, way: &BmcWay, power: Power) {
    match (way.outer_name(), pve::bmc::by_hand(way, power)) {
        (_, Some(line)) => script.here(pve::bmc::PASSWORD_VARIABLE, &line),
        (host, None) => script.run(&host.unwrap_or_default(), &pve::bmc::set(way, power)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::ClusterId;
    use model::plan::{Intent, MaterialFacts};
    use model::risk::Risk;
    use uuid::Uuid;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPx0cZ2Qk4LmT6o1vJvCkq8mN2lY3jv9b7kYb3Z0x1Qa console";

    #[test]
    fn each_run_of_a_script_keeps_a_copy_of_its_own_before_it_changes_anything() {
        let node = NodeId::from_uuid(Uuid::nil());
        let action = Action::RemoveQdevice { votes_after: 2 };
        let plan = Plan {
            cluster: ClusterId::from_uuid(Uuid::nil()),
            intent: Intent::RemoveQdevice,
            risk: Risk::Disruptive,
            target: "oak".into(),
            steps: vec![Step { node, node_name: "pve1".into(), action, commands: Vec::new() }],
            consequences: Vec::new(),
            facts: MaterialFacts {
                cluster_name: None,
                config_version: None,
                members: Vec::new(),
                expected_votes: None,
            },
            acknowledged: Vec::new(),
        };
        let spoken = Spoken { head: Vec::new(), steps: Vec::new() };
        let text = script(&plan, &hosts(&plan, &[]), KEY, &spoken).expect("a script");
        let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} is not in {text}"));
        assert!(at("keep-another") < at("qdevice remove"));
        // That one takes an earlier copy for its own.
        assert!(!text.contains("keep-database"), "{text}");
    }
}
