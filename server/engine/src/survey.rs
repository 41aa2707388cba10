//! Reading one machine's addresses and name, for the second step and for adding machines.

use crate::context::Engine;
use crate::evidence::{answer, unreadable};
use model::inventory::{LogIn, Node, Purpose};
use model::links::NodeAddresses;
use model::problem::{Problem, ProblemCode};
use pve::{host, network};

impl Engine {
    /// Tries to log in with the console's key; keeps the result and the machine's name.
    ///
    /// # Errors
    /// Why it does not work, in words for people.
    pub async fn try_log_in(&self, node: &Node) -> Result<(), Problem> {
        self.dialer.forget(node.id).await;
        let result = self.introduce(node).await;
        let at = self.clock.now();
        let state = match &result {
            // Whoever dialled has written that down, with the key that was offered.
            Err(problem) if problem.code == ProblemCode::HostKeyChanged => return result,
            Ok(()) => LogIn::Works { at },
            Err(problem) => match problem.code {
                ProblemCode::KeyRefused => LogIn::NeedsKey,
                ProblemCode::HostKeyUnknown => LogIn::KeyUnconfirmed,
                _ => LogIn::Fails { problem: problem.clone(), at },
            },
        };
        self.store.set_log_in(node.id, &state).await.map_err(|error| crate::context::store_problem(&error))?;
        result
    }

    async fn introduce(&self, node: &Node) -> Result<(), Problem> {
        let shell = self.shell_to(node).await?;
        if node.purpose == Purpose::Jump {
            // The console only passes through it, and may have no shell there.
            return Ok(());
        }
        let commands = [host::hostname(), host::user_id()];
        let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", node.label()))?;
        let [name, user] = outputs.as_slice() else {
            return Err(Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", "hostname"));
        };
        let name = host::node_name(answer(name)).map_err(|error| unreadable(&error, node.label()))?;
        let user = host::user_number(answer(user)).map_err(|error| unreadable(&error, node.label()))?;
        if user != 0 {
            return Err(Problem::new(ProblemCode::NotRoot).with("node", node.label()).with("user", &node.address.user));
        }
        self.is_the_member(node, name.as_str())?;
        self.store.set_node_name(node.id, name.as_str()).await.map_err(|error| crate::context::store_problem(&error))
    }

    /// A machine that stands for a member of the cluster has the member's name, or it is another machine.
    fn is_the_member(&self, node: &Node, found: &str) -> Result<(), Problem> {
        let Some(name) = node.name.as_deref().filter(|name| *name != found) else { return Ok(()) };
        let listed = self.hub.snapshot(node.cluster).is_some_and(|snapshot| {
            snapshot.nodes.iter().any(|state| state.id == Some(node.id) && state.corosync_id.is_some())
        });
        if !listed {
            return Ok(());
        }
        Err(Problem::new(ProblemCode::NotTheMember).with("node", name).with("found", found))
    }

    /// The addresses and interfaces of a machine, and which of them is its management address.
    ///
    /// # Errors
    /// When the machine cannot be asked or answers garbage.
    pub async fn addresses(&self, node: &Node) -> Result<NodeAddresses, Problem> {
        let shell = self.shell_to(node).await?;
        let mut commands = vec![network::ip_addr(), network::ip_link_details()];
        if let Some(name) = node.name.as_deref().and_then(|name| name.parse().ok()) {
            commands.push(network::ahosts(&name));
        }
        let outputs = shell.sweep(&commands).await.map_err(|error| error.problem().with("node", node.label()))?;
        let (Some(addr), Some(link)) = (outputs.first(), outputs.get(1)) else {
            return Err(Problem::new(ProblemCode::Garbage).with("node", node.label()).with("what", "ip"));
        };
        let addresses = network::addresses(answer(addr)).map_err(|error| unreadable(&error, node.label()))?;
        let interfaces = network::interfaces(answer(link)).map_err(|error| unreadable(&error, node.label()))?;
        // The same answer with more in it: without that a choice is possible all the same.
        let devices = pve::prerequisites::devices(answer(link)).unwrap_or_default();
        let own_name = outputs
            .get(2)
            .and_then(|output| network::resolved(answer(output)).ok())
            .and_then(|found| found.into_iter().find(|address| !address.is_loopback()));
        let typed = node.address.host.parse().ok();
        let management = typed.filter(|ip| addresses.iter().any(|own| own.address == *ip));
        Ok(NodeAddresses { node: node.id, management, own_name, addresses, interfaces, devices })
    }
}
