//! A real OpenSSH server on loopback, with its own configuration, keys and programs.

use crate::parts::{Console, endpoint, eventually};
use engine::ports::{Dialer, Endpoint, NodeShell};
use model::host_key::HostKey;
use model::name::SshAddress;
use ssh::TcpConnector;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";
/// `sudo -n -- env ...` for test runs of an ordinary user, who is the only one that such an sshd lets in.
const SUDO: &str = "#!/bin/sh\n[ \"$1\" = -n ] && shift\n[ \"$1\" = -- ] && shift\nexec \"$@\"\n";

pub struct Sshd {
    dir: TempDir,
    port: u16,
    key_types: Vec<&'static str>,
    extra: String,
    child: Option<Child>,
}

impl Sshd {
    pub async fn start(console: &Console) -> Self {
        Self::start_with(console, &["ed25519"], "").await
    }

    /// With host keys of these types (as `ssh-keygen -t` names them) and more lines of configuration.
    pub async fn start_with(console: &Console, key_types: &[&'static str], extra: &str) -> Self {
        assert!(
            Path::new(SSHD).exists(),
            "these tests need OpenSSH's server: install openssh-server ({SSHD} is missing)"
        );
        if is_root() {
            // sshd of root refuses to start without it.
            fs::create_dir_all("/run/sshd").expect("the folder of sshd's privilege separation");
        }
        let mut sshd = Self {
            dir: TempDir::new().expect("a folder"),
            port: free_port(),
            key_types: key_types.to_vec(),
            extra: extra.to_owned(),
            child: None,
        };
        fs::create_dir(sshd.path("bin")).expect("a folder");
        sshd.program("sudo", SUDO);
        fs::write(sshd.path("authorized_keys"), format!("{}\n", console.keys.line)).expect("written");
        sshd.new_host_keys();
        sshd.run().await;
        sshd
    }

    /// Stops the server; its connections go with it.
    pub fn stop(&mut self) {
        self.end_sessions();
        if let Some(mut child) = self.child.take() {
            child.kill().expect("own child");
            child.wait().expect("own child");
        }
    }

    /// Starts it again on the same port.
    pub async fn run(&mut self) {
        self.write_config();
        let log = fs::File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(self.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("sshd starts");
        self.child = Some(child);
        let port = self.port;
        eventually("sshd listens", || async move { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() })
            .await;
    }

    pub fn new_host_keys(&self) {
        for kind in &self.key_types {
            let file = self.host_key_file(kind);
            let _ = fs::remove_file(&file);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-N", "", "-t", kind, "-f"])
                .arg(&file)
                .status()
                .expect("ssh-keygen runs");
            assert!(made.success());
        }
    }

    /// A program that commands find before the machine's own.
    pub fn program(&self, name: &str, script: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, script).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn address(&self) -> SshAddress {
        SshAddress { host: "127.0.0.1".to_owned(), port: self.port, user: user() }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("a log")
    }

    /// How often somebody tried to log in, in any way.
    pub fn login_attempts(&self) -> usize {
        let log = self.log();
        let tries = ["Failed ", "Postponed ", "Accepted ", "authenticating user"];
        log.lines().filter(|line| tries.iter().any(|word| line.contains(word))).count()
    }

    pub fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }

    /// The fingerprint as `ssh-keygen` prints it.
    pub fn fingerprint(&self, kind: &str) -> String {
        let file = self.host_key_file(kind).with_extension("pub");
        let out = Command::new("ssh-keygen").arg("-lf").arg(file).output().expect("runs");
        let text = String::from_utf8(out.stdout).expect("text");
        text.split(' ').nth(1).expect("a fingerprint").to_owned()
    }

    /// What the machine shows to somebody who knows nothing.
    pub async fn offered(&self, console: &Console) -> HostKey {
        console.dialer.offered_key(&self.address(), None).await.expect("a key")
    }

    pub async fn pinned(&self, console: &Console) -> Endpoint {
        endpoint(self.address(), Some(self.offered(console).await))
    }

    pub async fn shell(&self, console: &Console) -> Arc<dyn NodeShell> {
        let pinned = self.pinned(console).await;
        console.dialer.shell(&pinned).await.expect("logs in")
    }

    /// Kills what serves the connections, as a crash of the node would.
    pub fn end_sessions(&self) {
        let Some(child) = &self.child else { return };
        for pid in descendants(child.id()) {
            // The pid is a descendant of this test's own child.
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status();
        }
    }

    fn write_config(&self) {
        let dir = self.dir.path().display();
        let mut text = format!(
            "ListenAddress 127.0.0.1:{port}\nPidFile none\nStrictModes no\nUsePAM no\n\
             AuthorizedKeysFile {dir}/authorized_keys\nPermitRootLogin prohibit-password\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 400\n\
             SetEnv PATH={dir}/bin:/usr/local/bin:/usr/bin:/bin HOME={dir}\n{extra}\nLogLevel VERBOSE\n",
            port = self.port,
            extra = self.extra,
        );
        for kind in &self.key_types {
            text.push_str(&format!("HostKey {}\n", self.host_key_file(kind).display()));
        }
        fs::write(self.path("sshd_config"), text).expect("written");
    }

    fn host_key_file(&self, kind: &str) -> PathBuf {
        self.path(&format!("host_{kind}"))
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.end_sessions();
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn console() -> Console {
    Console::new(Arc::new(TcpConnector))
}

/// True while a process has this text among its arguments.
pub fn runs(text: &str) -> bool {
    processes().any(|pid| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(text))
    })
}

/// The living processes of a process group.
pub fn group_members(group: u32) -> Vec<u32> {
    processes().filter(|pid| stat(*pid).is_some_and(|[state, _, of]| state != "Z" && of == group.to_string())).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn descendants(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(processes().filter(|pid| parent_of(*pid) == Some(parent)));
        at += 1;
    }
    found.remove(0);
    found
}

fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?[1].parse().ok()
}

/// State, parent and process group.
fn stat(pid: u32) -> Option<[String; 3]> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned);
    Some([fields.next()?, fields.next()?, fields.next()?])
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

fn user() -> String {
    let out = Command::new("id").arg("-un").output().expect("runs");
    String::from_utf8(out.stdout).expect("text").trim().to_owned()
}

pub fn is_root() -> bool {
    user() == "root"
}
