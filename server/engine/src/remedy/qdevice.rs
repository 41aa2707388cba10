//! What a QDevice needs on each machine, and what of one is there already.

use super::Place;
use crate::context::Engine;
use futures::future::join_all;
use model::ids::NodeId;
use model::inventory::{Node, Purpose};
use model::problem::{Problem, ProblemCode};
use model::remedy::{ContentDigest, QdeviceDaemons, QdeviceLook};
use pve::files::{self, NodeFolder};
use pve::packages::{self, Package};
use pve::systemd::{self, Service};
use pve::{corosync_conf, qdevice};

impl Engine {
    /// Which machines say that they lack a package, and which nodes have certificates of another device.
    pub(super) async fn qdevice_look(&self, nodes: &[Node], host: NodeId) -> QdeviceLook {
        let asked = nodes.iter().filter(|node| node.purpose == Purpose::Member || node.id == host);
        let found = join_all(asked.map(|node| async move {
            let wanted = if node.id == host { Package::CorosyncQnetd } else { Package::CorosyncQdevice };
            let place = Place { engine: self, nodes, node };
            let there = place.ask(&packages::query(&[wanted]), packages::installed).await;
            let missing = there.is_ok_and(|found| !found.contains_key(wanted.name()));
            missing.then_some(node.id)
        }));
        let mut missing: Vec<NodeId> = found.await.into_iter().flatten().collect();
        let without = missing.contains(&host);
        missing.retain(|node| *node != host);
        let members = nodes.iter().filter(|node| node.purpose == Purpose::Member);
        let stores = members.map(|node| async move {
            let place = Place { engine: self, nodes, node };
            place.qdevice_store().await.map(|found| found.map(|digest| (node.id, digest)))
        });
        // The step itself asks a node once more that does not answer now.
        let leftovers = join_all(stores).await.into_iter().filter_map(Result::ok).flatten().collect();
        QdeviceLook { nodes: missing, host: without, leftovers }
    }

    /// The device that the cluster has, and on which nodes its daemon does not run.
    pub(super) async fn qdevice_daemons(&self, nodes: &[Node]) -> Result<QdeviceDaemons, Problem> {
        const DAEMON: [Service; 1] = [Service::CorosyncQdevice];
        let mut members: Vec<&Node> = nodes.iter().filter(|node| node.purpose == Purpose::Member).collect();
        members.sort_by_key(|node| node.position);
        let mut told = QdeviceDaemons::default();
        let asked = members.into_iter().map(|node| async move {
            let place = Place { engine: self, nodes, node };
            let conf = place.ask(&files::local_corosync_conf(), corosync_conf::conf).await?;
            let states = place.ask(&systemd::is_active(&DAEMON), |answer| systemd::activity(answer, &DAEMON)).await?;
            let runs = states.get(&Service::CorosyncQdevice).is_some_and(|state| state == "active");
            let host = conf.and_then(|conf| conf.qdevice).and_then(|device| device.host);
            Ok::<_, Problem>((host, (!runs).then_some(node.id)))
        });
        let answers = join_all(asked).await;
        if let Some(problem) =
            answers.iter().all(Result::is_err).then(|| answers.iter().find_map(|one| one.as_ref().err()))
        {
            return Err(problem.cloned().unwrap_or_else(|| ProblemCode::NodeCountTooLow.into()));
        }
        for (host, stopped) in answers.into_iter().filter_map(Result::ok) {
            // A node that does not know of the device yet has nothing to start.
            told.stopped.extend(stopped.filter(|_| host.is_some()));
            told.host = told.host.or(host);
        }
        Ok(told)
    }
}

impl Place<'_> {
    /// `None` where there is no store, or where it is the one of the device that the cluster has.
    async fn qdevice_store(&self) -> Result<Option<ContentDigest>, Problem> {
        let conf = self.cluster_conf().await?;
        if conf.is_some_and(|conf| conf.qdevice.is_some()) {
            return Ok(None);
        }
        if self.ask(&files::list_all(&NodeFolder::QdeviceStore), files::names_all).await?.is_none() {
            return Ok(None);
        }
        self.ask(&qdevice::store(), qdevice::store_digest).await.map(Some)
    }
}
