//! `seed FILE`, run outside of the nodes before they boot: leaves on their disks what the creation of a cluster and
//! the joins would have left, or what nodes that only answer over SSH tell.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::conf::{Block, Member};
use crate::pmxcfs::ops::Op;
use crate::pmxcfs::store::{Bytes, Store};
use crate::pmxcfs::version_file;
use crate::pvecm::{configuration, links};
use crate::{answers, certificates, paths, words};

/// As corosync-keygen makes it.
const AUTHKEY_BYTES: usize = 256;
/// Links get 10, 20, ...: knet prefers the highest, and the dedicated ones come after the management network.
const PRIORITY_STEP: u8 = 10;

#[derive(Debug, Deserialize)]
struct Wish {
    cluster: String,
    /// Nodes that have nothing but OpenSSH.
    answers_only: bool,
    real_time: bool,
    /// Links prefer each other by priority, as the console creates them; none as `pvecm` does by itself.
    priorities: bool,
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    name: String,
    links: Vec<String>,
    /// The host's folder: `own` is its disk, `upper` what it has beside the machine's files.
    disk: PathBuf,
}

pub fn run(args: &[String]) -> anyhow::Result<u8> {
    let [path] = args else { bail!("usage: seed FILE") };
    let wish: Wish = serde_json::from_slice(&fs::read(path).context("seed")?).context("seed")?;
    let conf = conf(&wish)?;
    if wish.answers_only {
        say(&wish, &conf)?
    } else {
        form(&wish, &conf)?
    }
    Ok(0)
}

/// The configuration after the creation and all joins: one version for each.
fn conf(wish: &Wish) -> anyhow::Result<Block> {
    let mut members: Vec<Member> = (1..).zip(&wish.nodes).map(|(id, node)| member(id, node)).collect();
    members.sort_by(|left, right| left.name.cmp(&right.name));
    let Some(first) = wish.nodes.first() else { bail!("a cluster without nodes") };
    let interfaces = (0..)
        .zip(&first.links)
        .map(|(number, address)| {
            let priority = wish.priorities.then_some((number + 1) * PRIORITY_STEP);
            let link = links::Link { address: address.clone(), priority };
            (number, link)
        })
        .collect();
    let mut conf = configuration(&wish.cluster, &interfaces, &members);
    conf.block("totem").set("config_version", wish.nodes.len());
    if !wish.real_time {
        conf.block("system").set("sched_rr", "no");
    }
    Ok(conf)
}

fn member(id: u32, node: &Node) -> Member {
    let addresses = (0..).zip(node.links.iter().cloned()).collect();
    Member { name: node.name.clone(), id, votes: 1, addresses }
}

fn form(wish: &Wish, conf: &Block) -> anyhow::Result<()> {
    let authkey = random(AUTHKEY_BYTES)?;
    let mut store = Store::default();
    let mut keys = String::new();
    for node in &wish.nodes {
        keys.push_str(&fs::read_to_string(node.disk.join("own/root/.ssh/id_rsa.pub")).context("root's key")?);
        let host = fs::read_to_string(node.disk.join("own/etc/ssh/ssh_host_rsa_key.pub")).context("host key")?;
        let pinned = host.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        for folder in ["qemu-server", "lxc", "openvz", "priv"] {
            add_folder(&mut store, &format!("nodes/{}/{folder}", node.name))?;
        }
        add(&mut store, &format!("nodes/{}/ssh_known_hosts", node.name), &format!("{} {pinned}\n", node.name))?;
    }
    add(&mut store, "corosync.conf", &conf.render())?;
    add(&mut store, "priv/authorized_keys", &keys)?;
    let authority = certificates::authority()?;
    add(&mut store, "pve-root-ca.pem", &authority.certificate)?;
    add(&mut store, "priv/pve-root-ca.key", &authority.key)?;
    for node in &wish.nodes {
        let address: Vec<String> = node.links.first().cloned().into_iter().collect();
        let own = certificates::of_node(&authority, &node.name, &address)?;
        add(&mut store, &format!("nodes/{}/pve-ssl.pem", node.name), &own.certificate)?;
        add(&mut store, &format!("nodes/{}/pve-ssl.key", node.name), &own.key)?;
    }
    for node in &wish.nodes {
        let own = |path: &str| node.disk.join("own").join(path.trim_start_matches('/'));
        fs::write(own(paths::LOCAL_CONF), conf.render()).context(paths::LOCAL_CONF)?;
        fs::write(own(paths::AUTHKEY), &authkey).context(paths::AUTHKEY)?;
        fs::set_permissions(own(paths::AUTHKEY), fs::Permissions::from_mode(0o400)).context(paths::AUTHKEY)?;
        store.save(&own(paths::DATABASE));
        symlink("/etc/pve/priv/authorized_keys", own("root/.ssh/authorized_keys")).context("root's authorised keys")?;
    }
    Ok(())
}

/// Plain files where a member has pmxcfs and corosync.
fn say(wish: &Wish, conf: &Block) -> anyhow::Result<()> {
    let names: Vec<String> = wish.nodes.iter().map(|node| node.name.clone()).collect();
    let links: Vec<Vec<String>> = wish.nodes.iter().map(|node| node.links.clone()).collect();
    let now = words::now_us() / 1_000_000;
    for (local, node) in wish.nodes.iter().enumerate() {
        let pve = node.disk.join("upper/etc/pve");
        let put = |path: &str, text: &str| write(&pve.join(path), text);
        put(".members", &members(wish, conf, &node.name))?;
        put(".version", &version_file(now, 3, 1, |_| 1, &names))?;
        put(".vmlist", "{\n\"version\": 1,\n\"ids\": {\n}\n\n}\n")?;
        put(".rrd", "")?;
        put("corosync.conf", &conf.render())?;
        put("ha/manager_status", &format!("{{\"node_status\":{{}},\"timestamp\":{now}}}\n"))?;
        for name in &names {
            put(&format!("nodes/{name}/lrm_status"), &lrm(now))?;
        }
        symlink(format!("nodes/{}", node.name), pve.join("local")).context("local")?;
        write(&node.disk.join("own/etc/corosync/corosync.conf"), &conf.render())?;
        let folder = node.disk.join("own").join(paths::ANSWERS.trim_start_matches('/'));
        for (name, text) in answers::healthy(&names, &links, local) {
            write(&folder.join(name), &text)?;
        }
    }
    Ok(())
}

fn lrm(now: u64) -> String {
    format!("{{\"mode\":\"active\",\"timestamp\":{now},\"state\":\"wait_for_agent_lock\",\"results\":{{}}}}\n")
}

fn members(wish: &Wish, conf: &Block, local: &str) -> String {
    let row = |(id, node): (usize, &Node)| {
        format!(
            "  \"{}\": {{ \"id\": {id}, \"online\": 1, \"ip\": \"{}\"}}",
            node.name,
            node.links.first().map(String::as_str).unwrap_or_default()
        )
    };
    let rows: Vec<String> = (1..).zip(&wish.nodes).map(row).collect();
    format!(
        "{{\n\"nodename\": \"{local}\",\n\"version\": 3,\n\"cluster\": {{ \"name\": \"{}\", \"version\": {}, \"nodes\": {}, \
         \"quorate\": 1 }},\n\"nodelist\": {{\n{}\n  }}\n}}\n",
        wish.cluster,
        conf.version(),
        wish.nodes.len(),
        rows.join(",\n")
    )
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(path, text).with_context(|| path.display().to_string())
}

fn add_folder(store: &mut Store, path: &str) -> anyhow::Result<()> {
    let mut sofar = String::new();
    for part in path.split('/') {
        sofar = if sofar.is_empty() { part.to_owned() } else { format!("{sofar}/{part}") };
        if !store.is_folder(&sofar) {
            apply(store, &Op::Folder(sofar.clone()))?;
        }
    }
    Ok(())
}

fn add(store: &mut Store, path: &str, text: &str) -> anyhow::Result<()> {
    if let Some((folder, _)) = path.rsplit_once('/') {
        add_folder(store, folder)?;
    }
    apply(store, &Op::File(path.to_owned()))?;
    apply(store, &Op::Write { path: path.to_owned(), offset: 0, data: Bytes(text.as_bytes().to_vec()) })
}

fn apply(store: &mut Store, op: &Op) -> anyhow::Result<()> {
    store.apply(op, words::now_us() / 1_000_000).map_err(|refused| anyhow::anyhow!("{op:?}: {refused:?}"))
}

fn random(count: usize) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = vec![0; count];
    fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("/dev/urandom")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(count: u8) -> Wish {
        let node = |number: u8| Node {
            name: format!("pve{number}"),
            links: vec![format!("10.0.1.{}", 10 + number), format!("10.0.2.{}", 10 + number)],
            disk: PathBuf::new(),
        };
        Wish {
            cluster: "lab".to_owned(),
            answers_only: false,
            real_time: true,
            priorities: true,
            nodes: (1..=count).map(node).collect(),
        }
    }

    #[test]
    fn a_seeded_cluster_is_configured_like_one_that_grew() {
        let conf = conf(&wish(3)).unwrap();
        assert_eq!((conf.version(), conf.totem("cluster_name").as_str(), conf.members().len()), (3, "lab", 3));
        let interfaces = &conf.find("totem").unwrap().blocks["interface"];
        assert_eq!(interfaces[1].keys["knet_link_priority"], "20");
        assert!(conf.find("system").is_none());
        assert!(conf_of(Wish { nodes: Vec::new(), ..wish(1) }).is_err());
        let calm = conf_of(Wish { real_time: false, ..wish(9) }).unwrap();
        assert_eq!(calm.find("system").unwrap().keys["sched_rr"], "no");
    }

    fn conf_of(wish: Wish) -> anyhow::Result<Block> {
        conf(&wish)
    }

    #[test]
    fn members_are_named_as_pmxcfs_names_them() {
        let wish = wish(2);
        let text = members(&wish, &conf(&wish).unwrap(), "pve2");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["cluster"]["nodes"], 2);
        assert!(text.contains("  \"pve1\": { \"id\": 1, \"online\": 1, \"ip\": \"10.0.1.11\"},\n"), "{text}");
    }

    #[test]
    fn folders_are_made_on_the_way() {
        let mut store = Store::default();
        add(&mut store, "nodes/pve1/ssh_known_hosts", "key\n").unwrap();
        add(&mut store, "nodes/pve1/lrm_status", "{}").unwrap();
        assert_eq!(store.file("nodes/pve1/ssh_known_hosts"), Some(b"key\n".as_slice()));
        assert!(add(&mut store, "nodes/pve1/lrm_status", "").is_err());
    }
}
