//! Programs that come from the system's packages.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use anyhow::bail;

use crate::{run, say};

/// How often the package lists and the installation are tried.
const TRIES: u32 = 4;

/// Debian asks this program before it starts a service that a package brings.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// Answers "no" to every start of a service.
const NO_SERVICE: &str = "#!/bin/sh\nexit 101\n";

/// What shows that a package is there: a program by name, or a file by its path.
#[derive(Debug, Clone, Copy)]
pub struct Package {
    pub name: &'static str,
    pub shows: &'static str,
    /// The service it would start, which nothing here wants.
    pub service: Option<&'static str>,
}

const fn package(name: &'static str, shows: &'static str) -> Package {
    Package { name, shows, service: None }
}

const fn service(name: &'static str, shows: &'static str, service: &'static str) -> Package {
    Package { name, shows, service: Some(service) }
}

/// What building needs.
pub const BUILD: &[Package] = &[package("gcc", "cc")];

/// What the tests need on top: a browser, and the real parts of the lab.
pub const TEST: &[Package] = &[
    package("chromium", "chromium"),
    package("fonts-liberation", "/usr/share/fonts/truetype/liberation"),
    service("openssh-server", "sshd", "ssh"),
    package("openssh-client", "ssh-keygen"),
    service("corosync", "corosync", "corosync"),
    service("corosync-qdevice", "corosync-qdevice", "corosync-qdevice"),
    service("corosync-qnetd", "corosync-qnetd", "corosync-qnetd"),
    package("libnss3-tools", "certutil"),
    package("iproute2", "ip"),
    package("nftables", "nft"),
    package("perl", "perl"),
    package("iputils-ping", "ping"),
    service("openipmi", "ipmi_sim", "openipmi"),
    package("ipmitool", "ipmitool"),
    package("fence-agents", "/usr/sbin/fence_ipmilan"),
    package("libfaketime", "/usr/share/doc/libfaketime"),
    package("openssl", "openssl"),
    package("curl", "curl"),
    package("procps", "ps"),
];

/// What Debian 12 needs to build the standard library for WASM.
pub const WASM_FALLBACK: &[Package] = &[
    package("rustc-web", "/usr/bin/rustc"),
    package("cargo-web", "/usr/bin/cargo"),
    package("rust-web-src", "/usr/lib/rustlib/src/rust/library"),
    package("rust-web-llvm", "/usr/share/doc/rust-web-llvm"),
    package("rust-web-clippy", "/usr/bin/cargo-clippy"),
    package("rustfmt-web", "/usr/bin/rustfmt"),
    package("lld-22", "lld-22"),
];

/// Installs the packages that are missing, or says exactly what to install.
pub fn ensure(packages: &[Package]) -> anyhow::Result<()> {
    let missing: Vec<Package> = packages.iter().copied().filter(|package| !is_there(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|package| package.name).collect::<Vec<_>>().join(" ");
    if !run::on_path("apt-get") {
        bail!(
            "missing here: {}\nOnly Debian's packages can be installed by this command ({names}); \
             install what they hold in the way of this platform and start again.",
            missing.iter().map(|package| package.shows).collect::<Vec<_>>().join(" ")
        );
    }
    let Some(root) = Root::find() else {
        bail!(
            "packages are missing and this account may not install them. Run this, then start again:\n  \
             sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
        );
    };
    say::say(format!("installing {names}"));
    install(root, &missing)
}

/// How commands are run as the administrator.
#[derive(Debug, Clone, Copy)]
pub enum Root {
    Already,
    Sudo,
}

impl Root {
    /// The administrator's rights, when they are to be had without a question.
    pub fn find() -> Option<Self> {
        let mut id = Command::new("id");
        id.arg("-u");
        if run::output(id).is_ok_and(|id| id == "0") {
            return Some(Self::Already);
        }
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "true"]);
        run::succeeds(sudo).then_some(Self::Sudo)
    }

    /// The program, to be run as the administrator.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Already => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.arg("-n").arg(program);
                command
            }
        }
    }

    /// The same with variables, which sudo would drop.
    pub fn command_with(self, program: impl AsRef<OsStr>, variables: &[(&str, &OsStr)]) -> Command {
        let mut command = self.command("env");
        for (name, value) in variables {
            let mut pair = OsString::from(name);
            pair.push("=");
            pair.push(value);
            command.arg(pair);
        }
        command.arg(program);
        command
    }
}

/// Services are kept from starting, now and at the next boot: the lab starts its own, in namespaces.
fn install(root: Root, missing: &[Package]) -> anyhow::Result<()> {
    let brings_services = missing.iter().any(|package| package.service.is_some());
    let policy_is_ours = brings_services && !std::path::Path::new(SERVICE_POLICY).exists();
    if policy_is_ours {
        let script = format!("printf '%s' '{NO_SERVICE}' > {SERVICE_POLICY} && chmod 755 {SERVICE_POLICY}");
        let mut command = root.command("sh");
        command.args(["-c", &script]);
        run::run(command)?;
    }
    let installed = install_with_retries(root, missing);
    if policy_is_ours {
        let mut command = root.command("rm");
        command.args(["-f", SERVICE_POLICY]);
        run::run(command)?;
    }
    installed?;
    if std::path::Path::new("/run/systemd/system").exists() {
        for service in missing.iter().filter_map(|package| package.service) {
            let mut command = root.command("systemctl");
            command.args(["--quiet", "disable", service]);
            run::run(command)?;
        }
    }
    Ok(())
}

fn install_with_retries(root: Root, missing: &[Package]) -> anyhow::Result<()> {
    for attempt in 1..=TRIES {
        let mut update = root.command("apt-get");
        update.args(["update", "-qq"]);
        let mut install = root.command("env");
        install.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends"]);
        install.args(["-o", "Dpkg::Use-Pty=0", "-o", "Acquire::Retries=3"]);
        install.args(missing.iter().map(|package| package.name));
        // A hundred lines about unpacking would bury the progress; errors come on the other stream.
        install.stdout(Stdio::null());
        match run::run(update).and_then(|()| run::run(install)) {
            Ok(()) => return Ok(()),
            Err(error) if attempt == TRIES => return Err(error),
            Err(error) => say::say(format!("{error:#}; trying again")),
        }
    }
    Ok(())
}

fn is_there(package: &Package) -> bool {
    if package.shows.starts_with('/') {
        std::path::Path::new(package.shows).exists()
    } else {
        run::on_path(package.shows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_is_seen_by_program_and_by_file() {
        assert!(is_there(&package("coreutils", "ls")));
        assert!(is_there(&package("base-files", "/etc")));
        assert!(!is_there(&package("absent", "no-such-program-here")));
        assert!(!is_there(&package("absent", "/no/such/file")));
    }

    #[test]
    fn every_program_that_a_test_starts_is_listed() {
        for program in ["chromium", "openssl", "curl", "ps", "ssh-keygen", "sshd", "corosync", "ip", "nft", "perl"] {
            assert!(TEST.iter().any(|package| package.shows == program), "{program} is not listed");
        }
    }

    #[test]
    fn variables_reach_the_administrators_program() {
        let mut command = Root::Already.command_with("sh", &[("QUORATE_TRIED", OsStr::new("a b"))]);
        command.args(["-c", "printf %s \"$QUORATE_TRIED\""]);
        assert_eq!(run::output(command).unwrap(), "a b");
    }

    #[test]
    fn nothing_is_asked_of_anybody_when_all_is_there() {
        ensure(&[package("coreutils", "ls")]).unwrap();
    }
}
