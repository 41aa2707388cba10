//! Faults of wires, and of the files and votes that corosync starts with.

use crate::cluster::config::ClusterConfig;
use crate::cluster::corosync::{AUTHKEY_FILE, CONFIG_FILE, COROSYNC_PID};
use crate::error::LabError;
use crate::node::firewall::CLUSTER_RULES;
use crate::node::net::Nic;
use crate::world::World;

/// The usual size of a packet, in bytes.
pub(super) const MTU: u16 = 1_500;
/// corosync-keygen makes keys of so many bytes.
const AUTHKEY_BYTES: usize = 256;
/// What the panel's switch sets: the smallest that IPv6 allows.
pub(super) const MTU_SMALL: u16 = 1_280;

impl World {
    pub(super) fn nic_of(&mut self, name: &str, link: u8) -> Result<&mut Nic, LabError> {
        let at = self.card_of(name, link);
        let nic = at.and_then(|at| self.nodes.get_mut(name)?.nics.get_mut(at));
        nic.ok_or_else(|| LabError::UnknownLink { node: name.to_owned(), link })
    }

    pub(super) fn set_loss(&mut self, name: &str, link: u8, percent: u8) -> Result<(), LabError> {
        self.nic_of(name, link)?.loss_percent = percent.min(100);
        Ok(())
    }

    /// knet looks for the largest packet that passes, and says what it found.
    pub(super) fn set_mtu(&mut self, name: &str, link: u8, mtu: u16) -> Result<(), LabError> {
        let before = {
            let nic = self.nic_of(name, link)?;
            std::mem::replace(&mut nic.mtu, mtu)
        };
        let Some(own) = self.nodes.get(name).map(|node| (node.corosync.id, node.corosync.authkey.clone())) else {
            return Ok(());
        };
        let (old, new) = (crate::cluster::links::payload(before), crate::cluster::links::payload(mtu));
        for peer in self.running_with(&own.1).into_iter().filter(|peer| peer != name && old != new) {
            let line =
                format!("  [KNET  ] pmtud: PMTUD link change for host: {} link: {link} from {old} to {new}", own.0);
            self.log(&peer, "corosync.service", "corosync", COROSYNC_PID, &line);
            let line = format!("  [KNET  ] pmtud: Global data MTU changed to: {new}");
            self.log(&peer, "corosync.service", "corosync", COROSYNC_PID, &line);
        }
        Ok(())
    }

    pub(super) fn change_authkey(&mut self, name: &str, on: bool) -> Result<(), LabError> {
        self.need_pve(name, "change-authkey")?;
        let other = self.fresh_bytes(name, "another authkey", 256);
        let Some(node) = self.nodes.get_mut(name) else { return Ok(()) };
        if on && node.faults.good_authkey.is_none() {
            let Ok(good) = node.files.read(AUTHKEY_FILE) else {
                return Err(LabError::NotApplicable { fault: "change-authkey", node: name.to_owned() });
            };
            node.faults.good_authkey = Some(good);
            node.files.put(AUTHKEY_FILE, other, 0o400);
        } else if !on && let Some(good) = node.faults.good_authkey.take() {
            node.files.put(AUTHKEY_FILE, good, 0o400);
        } else {
            return Ok(());
        }
        self.stop_corosync(name, true);
        self.start_corosync(name);
        Ok(())
    }

    /// In the datacenter's options; what the node's own rules let in still passes.
    pub(super) fn enable_firewall(&mut self, name: &str, on: bool) -> Result<(), LabError> {
        self.need_pve(name, "enable-firewall")?;
        let content = format!("[OPTIONS]\nenable: {}\n", u8::from(on));
        self.pve_write(name, CLUSTER_RULES, Some(content.into_bytes()));
        Ok(())
    }

    /// The key of a cluster that this machine is no member of.
    pub(super) fn leave_authkey(&mut self, name: &str, on: bool) -> Result<(), LabError> {
        self.need_pve(name, "leave-authkey")?;
        let key = self.fresh_bytes(name, "a key that was left", AUTHKEY_BYTES);
        let Some(node) = self.nodes.get_mut(name) else { return Ok(()) };
        if node.files.exists(CONFIG_FILE) {
            return Err(LabError::NotApplicable { fault: "leave-authkey", node: name.to_owned() });
        }
        if on {
            node.files.put(AUTHKEY_FILE, key, 0o400);
        } else if node.files.exists(AUTHKEY_FILE) {
            // Nobody else can have changed it meanwhile.
            let _ = node.files.remove(AUTHKEY_FILE);
        }
        Ok(())
    }

    /// Only the file changes: corosync reads it when it is started the next time.
    pub(super) fn raise_config_version(&mut self, name: &str, on: bool) -> Result<(), LabError> {
        self.need_pve(name, "raise-config-version")?;
        let Some(node) = self.nodes.get_mut(name) else { return Ok(()) };
        if !on {
            if let Some(good) = node.faults.good_config.take() {
                node.files.put(CONFIG_FILE, good, 0o644);
            }
            return Ok(());
        }
        let content = node.files.read(CONFIG_FILE).unwrap_or_default();
        let Some(mut config) = ClusterConfig::parse(&String::from_utf8_lossy(&content)) else {
            return Err(LabError::NotApplicable { fault: "raise-config-version", node: name.to_owned() });
        };
        if node.faults.good_config.is_none() {
            config.version += 1;
            node.faults.good_config = Some(content);
            node.files.put(CONFIG_FILE, config.render(), 0o644);
        }
        Ok(())
    }

    pub(super) fn expect_votes(&mut self, name: &str, votes: u32) -> Result<(), LabError> {
        if self.set_expected(name, votes) {
            Ok(())
        } else {
            Err(LabError::NotApplicable { fault: "expect-votes", node: name.to_owned() })
        }
    }
}
