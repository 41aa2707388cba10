//! `/etc/pve` as programs see it: the database, its generated files and its links; and the whole disk.

use std::fmt::Write as _;

use super::pmxcfs::Pmxcfs;
use crate::node::files::{Errno, tidy};
use crate::world::World;

/// Files whose counters `.version` always shows, in its order.
const WATCHED: [&str; 43] = [
    "corosync.conf",
    "corosync.conf.new",
    "storage.cfg",
    "user.cfg",
    "domains.cfg",
    "notifications.cfg",
    "priv/notifications.cfg",
    "priv/shadow.cfg",
    "priv/acme/plugins.cfg",
    "priv/tfa.cfg",
    "priv/token.cfg",
    "priv/wg-keys.cfg",
    "datacenter.cfg",
    "vzdump.cron",
    "vzdump.conf",
    "jobs.cfg",
    "ha/crm_commands",
    "ha/manager_status",
    "ha/resources.cfg",
    "ha/rules.cfg",
    "ha/groups.cfg",
    "ha/fence.cfg",
    "status.cfg",
    "replication.cfg",
    "ceph.conf",
    "sdn/vnets.cfg",
    "sdn/zones.cfg",
    "sdn/controllers.cfg",
    "sdn/subnets.cfg",
    "sdn/ipams.cfg",
    "sdn/mac-cache.json",
    "sdn/pve-ipam-state.json",
    "sdn/dns.cfg",
    "sdn/fabrics.cfg",
    "sdn/route-maps.cfg",
    "sdn/prefix-lists.cfg",
    "sdn/.running-config",
    "virtual-guest/cpu-models.conf",
    "virtual-guest/profiles.cfg",
    "firewall/cluster.fw",
    "mapping/directory.cfg",
    "mapping/pci.cfg",
    "mapping/usb.cfg",
];

/// Where a path leads: into `/etc/pve` (relative to it) or to the node's own disk.
enum Place {
    Pve(String),
    Disk(String),
}

impl World {
    pub(crate) fn read(&self, name: &str, path: &str) -> Result<Vec<u8>, Errno> {
        let node = self.nodes.get(name).ok_or(Errno::NotFound)?;
        match self.place(name, path) {
            Place::Disk(path) => node.files.read(&path),
            Place::Pve(_) if !node.pmxcfs.running => Err(Errno::NotFound),
            Place::Pve(path) => match path.as_str() {
                ".members" => Ok(self.members_file(name).into_bytes()),
                ".version" => Ok(self.version_file(name).into_bytes()),
                ".vmlist" => Ok(vmlist_file(&node.pmxcfs).into_bytes()),
                _ => match node.pmxcfs.db.get(&path) {
                    Some(content) => Ok(content.clone()),
                    None if pve_directory(&node.pmxcfs, &path) => Err(Errno::IsDirectory),
                    None => Err(Errno::NotFound),
                },
            },
        }
    }

    /// Writes a whole file. In `/etc/pve` that needs quorum.
    pub(crate) fn write(&mut self, name: &str, path: &str, content: &[u8], mode: u32) -> Result<(), Errno> {
        match self.place(name, path) {
            Place::Disk(path) => self.nodes.get_mut(name).ok_or(Errno::NotFound)?.files.write(&path, content, mode),
            Place::Pve(path) => {
                self.pve_may_write(name)?;
                self.pve_write(name, &path, Some(content.to_vec()));
                Ok(())
            }
        }
    }

    pub(crate) fn append(&mut self, name: &str, path: &str, more: &[u8]) -> Result<(), Errno> {
        let mut content = match self.read(name, path) {
            Ok(content) => content,
            Err(Errno::NotFound) => Vec::new(),
            Err(error) => return Err(error),
        };
        content.extend_from_slice(more);
        self.write(name, path, &content, 0o644)
    }

    pub(crate) fn remove(&mut self, name: &str, path: &str) -> Result<(), Errno> {
        let disk = self.nodes.get(name).is_some_and(|node| node.files.is_link(path));
        match self.place(name, path) {
            Place::Pve(path) if !disk => {
                self.pve_may_write(name)?;
                let known = self.nodes.get(name).is_some_and(|node| node.pmxcfs.db.contains_key(&path));
                if !known {
                    return Err(Errno::NotFound);
                }
                self.pve_write(name, &path, None);
                Ok(())
            }
            _ => self.nodes.get_mut(name).ok_or(Errno::NotFound)?.files.remove(path),
        }
    }

    pub(crate) fn list(&self, name: &str, path: &str) -> Result<Vec<String>, Errno> {
        let node = self.nodes.get(name).ok_or(Errno::NotFound)?;
        match self.place(name, path) {
            Place::Disk(path) => node.files.list(&path),
            Place::Pve(path) if path.is_empty() && !node.pmxcfs.running => Ok(Vec::new()),
            Place::Pve(_) if !node.pmxcfs.running => Err(Errno::NotFound),
            Place::Pve(path) => pve_list(&node.pmxcfs, &path),
        }
    }

    pub(crate) fn exists(&self, name: &str, path: &str) -> bool {
        self.read(name, path).is_ok() || self.is_directory(name, path)
    }

    pub(crate) fn is_directory(&self, name: &str, path: &str) -> bool {
        self.list(name, path).is_ok()
    }

    /// Whether the owner's right to write stands in the mode of what is there: without quorum pmxcfs takes it away.
    pub(crate) fn shows_writable(&self, name: &str, path: &str) -> bool {
        match self.place(name, path) {
            Place::Disk(_) => true,
            Place::Pve(_) => self.pve_writable(name),
        }
    }

    fn pve_may_write(&self, name: &str) -> Result<(), Errno> {
        if !self.pve_writable(name) {
            return Err(Errno::Denied);
        }
        // Every change goes into the database on the node's own disk.
        let full = self.nodes.get(name).is_some_and(|node| node.files.full);
        if full { Err(Errno::InputOutput) } else { Ok(()) }
    }

    fn place(&self, name: &str, path: &str) -> Place {
        let path = match self.nodes.get(name) {
            Some(node) => node.files.resolve(path),
            None => tidy(path),
        };
        let Some(inner) = path.strip_prefix("/etc/pve") else { return Place::Disk(path) };
        if !inner.is_empty() && !inner.starts_with('/') {
            return Place::Disk(path);
        }
        let inner = inner.trim_start_matches('/');
        let host = self.nodes.get(name).map_or(name, |node| node.hostname.as_str());
        let own = |rest: &str, below: &str| format!("nodes/{host}{below}{rest}");
        Place::Pve(match inner.split_once('/') {
            _ if inner == "local" => own("", ""),
            Some(("local", rest)) => own(rest, "/"),
            _ if inner == "qemu-server" || inner == "lxc" => own(inner, "/"),
            Some((kind @ ("qemu-server" | "lxc"), rest)) => own(&format!("{kind}/{rest}"), "/"),
            _ => inner.to_owned(),
        })
    }

    fn members_file(&self, name: &str) -> String {
        let Some(node) = self.nodes.get(name) else { return String::new() };
        let mut out = format!("{{\n\"nodename\": \"{}\",\n\"version\": {}", node.hostname, node.pmxcfs.cluster_info);
        let Some(config) = node.pmxcfs.config() else {
            out.push_str("\n}\n");
            return out;
        };
        let quorate = u8::from(node.corosync.running && node.corosync.quorate);
        let _ = write!(
            out,
            ",\n\"cluster\": {{ \"name\": \"{}\", \"version\": {}, \"nodes\": {}, \"quorate\": {quorate} }},\n\"nodelist\": {{\n",
            config.name,
            config.version,
            config.nodes.len(),
        );
        for (at, entry) in config.nodes.iter().enumerate() {
            let members = if node.corosync.running { &node.corosync.members } else { &node.pmxcfs.last_members };
            let online = u8::from(members.contains(&entry.id));
            let comma = if at + 1 < config.nodes.len() { "," } else { "" };
            let address = match node.pmxcfs.addresses.get(&entry.name) {
                Some(address) => format!(", \"ip\": \"{address}\""),
                None => String::new(),
            };
            let _ =
                writeln!(out, "  \"{}\": {{ \"id\": {}, \"online\": {online}{address}}}{comma}", entry.name, entry.id);
        }
        out.push_str("  }\n}\n");
        out
    }

    fn version_file(&self, name: &str) -> String {
        let Some(node) = self.nodes.get(name) else { return String::new() };
        let fs = &node.pmxcfs;
        let mut out = format!(
            "{{\n\"starttime\": {},\n\"clinfo\": {},\n\"vmlist\": {},\n",
            fs.started,
            fs.cluster_info,
            fs.vm_list + 1
        );
        for file in WATCHED {
            let _ = writeln!(out, "\"{file}\": {},", fs.counters.get(file).copied().unwrap_or(1));
        }
        out.push_str("\"kvstore\": {\n");
        let names: Vec<&String> = match fs.addresses.is_empty() {
            true => vec![&node.hostname],
            false => fs.addresses.keys().collect(),
        };
        for (at, peer) in names.iter().enumerate() {
            let comma = if at + 1 < names.len() { "\n," } else { "" };
            let _ = writeln!(out, "\"{peer}\": {{\n\"tasklist\": 0}}{comma}");
        }
        out.push_str("}\n}\n");
        out
    }
}

fn vmlist_file(fs: &Pmxcfs) -> String {
    let guests: Vec<String> = fs
        .db
        .keys()
        .filter_map(|path| {
            let mut parts = path.strip_prefix("nodes/")?.split('/');
            let (node, kind, file) = (parts.next()?, parts.next()?, parts.next()?);
            let id = file.strip_suffix(".conf")?;
            let kind = match kind {
                "qemu-server" => "qemu",
                "lxc" => "lxc",
                _ => return None,
            };
            let version = fs.counters.get(path).copied().unwrap_or(1);
            Some(format!("\"{id}\": {{ \"node\": \"{node}\", \"type\": \"{kind}\", \"version\": {version} }}"))
        })
        .collect();
    let version = fs.vm_list + 1;
    if guests.is_empty() {
        return format!("{{\n\"version\": {version}\n\n}}\n");
    }
    format!("{{\n\"version\": {version},\n\"ids\": {{\n{}}}\n\n}}\n", guests.join(",\n"))
}

fn pve_directory(fs: &Pmxcfs, path: &str) -> bool {
    let prefix = format!("{path}/");
    path.is_empty() || fs.db.keys().any(|known| known.starts_with(&prefix))
}

fn pve_list(fs: &Pmxcfs, path: &str) -> Result<Vec<String>, Errno> {
    if !pve_directory(fs, path) {
        return Err(Errno::NotFound);
    }
    let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
    let mut names: Vec<String> = fs
        .db
        .keys()
        .filter_map(|known| known.strip_prefix(&prefix))
        .filter_map(|rest| rest.split('/').next())
        .filter(|first| !first.is_empty())
        .map(str::to_owned)
        .collect();
    if path.is_empty() {
        names.extend([".members", ".version", ".vmlist", "local", "lxc", "qemu-server"].map(str::to_owned));
    }
    names.sort();
    names.dedup();
    Ok(names)
}
