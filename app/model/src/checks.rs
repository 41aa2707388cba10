//! The prerequisites, one file per check. Pure: what the nodes said in, one cell per check and node out.
//!
//! A fact that is missing is an error, and an error is never a pass.

mod basics;
mod catalogue;
pub(crate) mod clocks;
#[cfg(test)]
pub(crate) mod fixture;
mod host_names;
mod hosts_file;
pub(crate) mod hosts_line;
mod leftovers;
pub(crate) mod links;
mod management_network;
mod no_guests;
pub(crate) mod ports;
mod root_ssh;
mod same_version;
mod scene;
mod sheet;
mod software;
#[cfg(test)]
mod tests;

use crate::links::LinkPlan;
use crate::preflight::{Cell, CheckId, NodeEvidence};
use scene::Scene;
pub use software::updates::CLUSTER_PACKAGES;

/// Fills the matrix: one cell per check and node, in the order of [`CheckId::ALL`], then of the nodes.
///
/// `links_planned` are the links that people have chosen, if they have: then a network that shall not carry corosync
/// may lose its packets with a warning. Without a choice every network that all nodes share has to work.
#[must_use]
pub fn judge(nodes: &[NodeEvidence], links_planned: &[LinkPlan]) -> Vec<Cell> {
    let scene = Scene::new(nodes, links_planned);
    CheckId::ALL.iter().flat_map(|check| row(*check, &scene)).collect()
}

fn row(check: CheckId, scene: &Scene<'_>) -> Vec<Cell> {
    let nodes = scene.nodes;
    let each = |judge: &dyn Fn(&NodeEvidence) -> Cell| nodes.iter().map(judge).collect();
    match check {
        CheckId::SameVersion => each(&|node| same_version::judge(node, nodes)),
        CheckId::HostNames => each(&|node| host_names::judge(node, nodes)),
        CheckId::HostsFile => each(&hosts_file::judge),
        CheckId::Clocks => each(&|node| clocks::judge(node, nodes)),
        CheckId::ManagementNetwork => each(&|node| management_network::judge(node, nodes)),
        CheckId::Ports => ports::judge(nodes, scene.links),
        CheckId::RootSsh => each(&root_ssh::judge),
        CheckId::NoGuests => each(&no_guests::judge),
        _ => further(check, scene),
    }
}

/// Those beside the seed's eight.
fn further(check: CheckId, scene: &Scene<'_>) -> Vec<Cell> {
    let each = |judge: &dyn Fn(&NodeEvidence) -> Cell| scene.nodes.iter().map(judge).collect();
    match check {
        CheckId::JoinApi => each(&|node| basics::join_api::judge(node, scene)),
        CheckId::CorosyncVersion => each(&|node| basics::corosync_version::judge(node, scene)),
        CheckId::HostLink => each(&|node| basics::host_link::judge(node, scene)),
        CheckId::ClockService => each(&basics::clock_service::judge),
        CheckId::ClockSource => each(&|node| basics::clock_source::judge(node, scene)),
        CheckId::TimeZone => each(&|node| basics::time_zone::judge(node, scene)),
        CheckId::Firewall => each(&basics::firewall::judge),
        CheckId::MigrationPorts => each(&|node| basics::migration_ports::judge(node, scene)),
        CheckId::SshdSettings => each(&basics::sshd_settings::judge),
        CheckId::QuietShell => each(&basics::quiet_shell::judge),
        CheckId::CorosyncDown => each(&leftovers::corosync_down::judge),
        CheckId::CorosyncState => each(&leftovers::corosync_state::judge),
        CheckId::PmxcfsDatabase => each(&leftovers::pmxcfs_database::judge),
        CheckId::RenamedNode => each(&leftovers::renamed_node::judge),
        CheckId::LinkAddresses => each(&|node| links::link_addresses::judge(node, scene)),
        CheckId::LinkSubnets => each(&|node| links::link_subnets::judge(node, scene)),
        CheckId::DuplicateAddresses => each(&|node| links::duplicate_addresses::judge(node, scene)),
        CheckId::LinkLoss => each(&|node| links::link_loss::judge(node, scene)),
        CheckId::LinkLatency => each(&|node| links::link_latency::judge(node, scene)),
        CheckId::LinkJitter => each(&|node| links::link_jitter::judge(node, scene)),
        CheckId::LinkMtu => each(&|node| links::link_mtu::judge(node, scene)),
        CheckId::LinkLoad => each(&|node| links::link_load::judge(node, scene)),
        CheckId::LinkSpeed => each(&|node| links::link_speed::judge(node, scene)),
        CheckId::LinkRedundancy => each(&|node| links::link_redundancy::judge(node, scene)),
        CheckId::Bonds => each(&links::bonds::judge),
        CheckId::LinkDedicated => each(&|node| links::link_dedicated::judge(node, scene)),
        CheckId::ReversePath => each(&links::reverse_path::judge),
        CheckId::Conntrack => each(&links::conntrack::judge),
        CheckId::Repositories => each(&|node| software::repositories::judge(node, scene)),
        CheckId::Updates => each(&software::updates::judge),
        CheckId::Kernel => each(&|node| software::kernel::judge(node, scene)),
        CheckId::Subscription => each(&|node| software::subscription::judge(node, scene)),
        CheckId::DiskSpace => each(&software::disk_space::judge),
        CheckId::DiskLatency => each(&software::disk_latency::judge),
        CheckId::Memory => each(&software::memory::judge),
        CheckId::StorageConfig => each(&|node| software::storage_config::judge(node, scene)),
        CheckId::ForeignStorage => each(&|node| software::foreign_storage::judge(node, scene)),
        CheckId::Users => each(&software::users::judge),
        CheckId::Certificates => each(&software::certificates::judge),
        CheckId::CertificateAuthority => each(&software::certificate_authority::judge),
        CheckId::Services => each(&software::services::judge),
        CheckId::WorkingFolder => each(&software::working_folder::judge),
        CheckId::ForeignSoftware => each(&software::foreign_software::judge),
        CheckId::NameOrder => each(&software::name_order::judge),
        CheckId::ClusterName => each(&basics::cluster_name::judge),
        CheckId::LinkSwitches => each(&|node| links::link_switches::judge(node, scene)),
        CheckId::HungTasks => each(&software::hung_tasks::judge),
        _ => Vec::new(),
    }
}
