//! The authority of a cluster and the certificates of its nodes, in the order and with the names of
//! `PVE::Cluster::Setup` (gen_pveca_cert, gen_pve_ssl_cert), made by the real openssl. Their keys are elliptic, because an
//! RSA key of 4096 bits takes a busy machine seconds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::words;

/// The real program; the one of this name that nodes find first is a stand-in.
pub const OPENSSL: &str = "/usr/bin/openssl";
/// So long the authority holds, and the certificate of a node, in days.
pub const AUTHORITY_DAYS: u32 = 3_650;
pub const NODE_DAYS: u32 = 730;
/// What Proxmox VE's nodes of the lab are called behind their names.
const DOMAIN: &str = "lab.local";

/// A certificate with its key, as text.
#[derive(Debug, Clone)]
pub struct Pair {
    pub key: String,
    pub certificate: String,
}

/// A folder of this process that goes with it.
struct Workshop(PathBuf);

impl Workshop {
    fn open() -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("quorate-lab-certificates-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self(folder))
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<String> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| path.clone())?;
        Ok(path)
    }

    fn pair(&self) -> anyhow::Result<Pair> {
        let read = |name: &str| fs::read_to_string(self.path(name)).with_context(|| name.to_owned());
        Ok(Pair { key: read("new.key")?, certificate: read("new.pem")? })
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A new authority.
pub fn authority() -> anyhow::Result<Pair> {
    let room = Workshop::open()?;
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").context("random UUID")?;
    let subject = format!("/CN=Proxmox Virtual Environment/OU={}/O=PVE Cluster Manager CA", id.trim());
    let (key, new, days) = (room.path("new.key"), room.path("new.pem"), AUTHORITY_DAYS.to_string());
    openssl(&["req", "-batch", "-x509", "-days", &days, "-subj", &subject, "-keyout", &key, "-out", &new])?;
    room.pair()
}

/// A certificate for a node with its names and addresses, signed by the authority.
pub fn of_node(authority: &Pair, name: &str, addresses: &[String]) -> anyhow::Result<Pair> {
    let room = Workshop::open()?;
    let full = format!("{name}.{DOMAIN}");
    let subject = format!("/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN={full}");
    let (key, request, new) = (room.path("new.key"), room.path("new.csr"), room.path("new.pem"));
    openssl(&["req", "-batch", "-subj", &subject, "-keyout", &key, "-out", &request])?;
    let listed: String = addresses.iter().map(|address| format!(",IP:{address}")).collect();
    let names = format!("subjectAltName=IP:127.0.0.1,DNS:localhost{listed},DNS:{name},DNS:{full}\n");
    let names = room.write("names", &names)?;
    let signer = (room.write("ca.pem", &authority.certificate)?, room.write("ca.key", &authority.key)?);
    let (days, serial) = (NODE_DAYS.to_string(), words::now_us().to_string());
    let sign = ["x509", "-req", "-in", &request, "-days", &days, "-CA", &signer.0, "-CAkey", &signer.1];
    run(&[&sign[..], &["-set_serial", &serial, "-extfile", &names, "-out", &new]].concat())?;
    room.pair()
}

/// A request or a certificate with a new key of its own.
fn openssl(args: &[&str]) -> anyhow::Result<()> {
    let key = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    let (verb, rest) = args.split_at(1.min(args.len()));
    run(&[verb, if rest.contains(&"-x509") { &[][..] } else { &["-new"][..] }, &key[..], rest].concat())
}

fn run(args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(OPENSSL).args(args).stdin(Stdio::null()).output().context(OPENSSL)?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "openssl {}: {}", args.join(" "), words.trim());
    Ok(())
}

/// Makes what is missing in `/etc/pve`, and the node's certificate anew where `renew` is set, as after a join.
pub fn ensure_all(name: &str, addresses: &[String], renew: bool) -> anyhow::Result<()> {
    const CERTIFICATE: &str = "/etc/pve/pve-root-ca.pem";
    const KEY: &str = "/etc/pve/priv/pve-root-ca.key";
    let own = [format!("/etc/pve/nodes/{name}/pve-ssl.key"), format!("/etc/pve/nodes/{name}/pve-ssl.pem")];
    if !Path::new(CERTIFICATE).exists() {
        let made = authority()?;
        fs::create_dir_all("/etc/pve/priv").context("/etc/pve/priv")?;
        fs::write(KEY, made.key).context(KEY)?;
        fs::write(CERTIFICATE, made.certificate).context(CERTIFICATE)?;
    }
    if renew || own.iter().any(|path| !Path::new(path).exists()) {
        let read = |path: &str| fs::read_to_string(path).with_context(|| path.to_owned());
        let made = of_node(&Pair { key: read(KEY)?, certificate: read(CERTIFICATE)? }, name, addresses)?;
        for (path, text) in own.iter().zip([made.key, made.certificate]) {
            fs::write(path, text).with_context(|| path.clone())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_certificate_is_its_authoritys_and_names_it_as_it_was_recorded() {
        let room = Workshop(std::env::temp_dir().join(format!("quorate-lab-test-{}", std::process::id())));
        fs::create_dir_all(&room.0).unwrap();
        let ca = authority().unwrap();
        let made = of_node(&ca, "pve1", &["10.0.1.11".to_owned()]).unwrap();
        let (signer, own) = (room.write("ca.pem", &ca.certificate), room.write("own.pem", &made.certificate));
        let (signer, own) = (signer.unwrap(), own.unwrap());
        run(&["verify", "-CAfile", &signer, &own]).unwrap();
        let asked = ["x509", "-in", &own, "-noout", "-subject", "-issuer", "-ext", "subjectAltName"];
        let told = words::quietly_text(OPENSSL, &asked);
        // Recorded on Proxmox VE 9.2 (`openssl x509 -in /etc/pve/local/pve-ssl.pem -noout -subject -issuer`); other versions of
        // openssl put blanks around the equals signs.
        let told = told.replace(" = ", "=");
        assert!(
            told.contains("subject=OU=PVE Cluster Node, O=Proxmox Virtual Environment, CN=pve1.lab.local"),
            "{told}"
        );
        assert!(told.contains("issuer=CN=Proxmox Virtual Environment, OU="), "{told}");
        assert!(told.contains("O=PVE Cluster Manager CA"), "{told}");
        assert!(told.contains("IP Address:10.0.1.11, DNS:pve1, DNS:pve1.lab.local"), "{told}");
    }
}
