//! What is read right before a restart of corosync is planned: which run of it is meant, and who would miss its vote.

use super::Place;
use crate::evidence::answer;
use crate::steps::quorum_told;
use futures::future::{join, join_all};
use model::inventory::Node;
use model::problem::ProblemCode;
use model::remedy::{CorosyncLook, Look, SideTold};
use pve::systemd::{self, Service};
use pve::{corosync_conf, files, quorumtool, remedy};

/// What a member's corosync says of the side that it is on.
enum Side {
    /// With the votes of the QDevice there.
    Told(SideTold, u32),
    /// It does not run there: on no side.
    Down,
    /// It does not answer, or nobody can read what it says.
    Untold,
}

impl Side {
    fn told(self) -> Option<(SideTold, u32)> {
        match self {
            Self::Told(side, votes) => Some((side, votes)),
            Self::Down | Self::Untold => None,
        }
    }
}

impl Place<'_> {
    pub(super) async fn corosync(&self) -> Result<Look, model::problem::Problem> {
        let run = self.ask(&systemd::run(Service::Corosync), systemd::run_of).await?;
        let conf = self.ask(&files::local_corosync_conf(), corosync_conf::conf).await?;
        let conf = conf.ok_or_else(|| self.problem(ProblemCode::NotInCluster))?;
        let own = conf.nodes.iter().find(|one| one.name == self.node.label());
        let own = own.ok_or_else(|| self.problem(ProblemCode::NotAMember))?;
        let (own_side, mut told) = join(self.side(self.node), self.told()).await;
        let own_untold = matches!(own_side, Side::Untold);
        told.extend(own_side.told());
        let device = conf.qdevice.as_ref().map_or(0, |device| device.votes);
        let casts = told.iter().map(|(_, votes)| *votes).max().unwrap_or(0);
        Ok(Look::Corosync(CorosyncLook {
            run: run.active().map(str::to_owned),
            armed: self.armed().await?,
            own_id: own.id,
            own_votes: own.votes,
            own_untold,
            configured: conf.nodes.len(),
            device_missing: device > casts,
            told: told.into_iter().map(|(side, _)| side).collect(),
        }))
    }

    /// Where HA holds the watchdog: here, and on those of the others that answer.
    async fn armed(&self) -> Result<Vec<String>, model::problem::Problem> {
        let here = self.ask(&remedy::watchdog_held(), files::yes_or_no).await?;
        let peers = self.peers();
        let held = join_all(peers.iter().map(|node| async {
            let output = self.read(node, &remedy::watchdog_held()).await.ok()?;
            files::yes_or_no(answer(&output)).ok().filter(|held| *held).map(|_| node.label().to_owned())
        }));
        let own = here.then(|| self.node.label().to_owned());
        Ok(own.into_iter().chain(held.await.into_iter().flatten()).collect())
    }

    /// What the other members say of their sides, with the votes of the QDevice there; who does not answer says nothing.
    async fn told(&self) -> Vec<(SideTold, u32)> {
        let sides = join_all(self.peers().into_iter().map(|node| self.side(node))).await;
        sides.into_iter().filter_map(Side::told).collect()
    }

    async fn side(&self, node: &Node) -> Side {
        let Ok(output) = self.read(node, &quorumtool::status()).await else { return Side::Untold };
        let status = match quorum_told(&output) {
            Ok(Some(status)) => status,
            Ok(None) => return Side::Down,
            Err(_) => return Side::Untold,
        };
        let side = SideTold {
            quorate: status.quorate,
            votes: status.total_votes,
            quorum: status.quorum,
            members: status.members.iter().map(|member| member.id).collect(),
        };
        Side::Told(side, status.qdevice_votes.unwrap_or(0))
    }
}
