//! The scripts that replace and set aside files, run by a real shell on real files.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use model::remedy::ContentDigest;
use pve::remedy::{self, EXIT_CHANGED};
use pve::{Answer, CommandLine};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

const OLD: &str = "127.0.0.1 localhost\n127.0.1.1 pve1\n";
const NEW: &str = "127.0.0.1 localhost\n10.0.1.11 pve1\n";

/// Runs a change with its files below a folder instead of below `/`.
fn run(command: &CommandLine, root: &Path) -> i32 {
    let place = |word: &str| {
        if word.starts_with("/etc/") { format!("{}{word}", root.display()) } else { word.to_owned() }
    };
    let mut words = command.argv().into_iter().map(place);
    let mut child = Command::new(words.next().expect("a program"))
        .args(words)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    // A script that stops before it reads has no need of it.
    let _ = child.stdin.take().expect("a pipe").write_all(command.stdin().unwrap_or_default());
    child.wait().expect("it ends").code().expect("no signal")
}

fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for folder in ["etc/corosync", "etc/pve"] {
        std::fs::create_dir_all(root.path().join(folder)).expect("a folder");
    }
    root
}

fn names(root: &Path, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(root.join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn read(root: &Path, file: &str) -> String {
    std::fs::read_to_string(root.join(file)).expect("a file")
}

#[test]
fn hosts_are_replaced_in_one_move_kept_and_brought_back() {
    let root = machine();
    let (root, hosts) = (root.path(), root.path().join("etc/hosts"));
    std::fs::write(&hosts, OLD).expect("written");
    std::fs::set_permissions(&hosts, PermissionsExt::from_mode(0o644)).expect("a mode");
    assert_eq!(run(&remedy::replace_hosts(OLD, NEW), root), 0);
    assert_eq!(read(root, "etc/hosts"), NEW);
    assert_eq!(std::fs::metadata(&hosts).expect("a file").permissions().mode() & 0o777, 0o644, "all may read it");
    let kept = format!("hosts.quorate-{}", ContentDigest::of(OLD.as_bytes()).short());
    assert_eq!(names(root, "etc"), ["corosync", "hosts", &kept, "pve"]);
    assert_eq!(read(root, &format!("etc/{kept}")), OLD);
    assert_eq!(run(&remedy::restore_hosts(NEW, OLD), root), 0);
    assert_eq!((read(root, "etc/hosts").as_str(), names(root, "etc").len()), (OLD, 3), "nothing else lies there");
}

#[test]
fn hosts_that_somebody_else_changed_stay_as_they_are() {
    let root = machine();
    let (root, hosts) = (root.path(), root.path().join("etc/hosts"));
    std::fs::write(&hosts, "theirs\n").expect("written");
    assert_eq!(run(&remedy::replace_hosts(OLD, NEW), root), EXIT_CHANGED);
    assert_eq!(run(&remedy::restore_hosts(NEW, OLD), root), EXIT_CHANGED, "nor are they taken back");
    assert_eq!((read(root, "etc/hosts").as_str(), names(root, "etc").len()), ("theirs\n", 3));
    std::fs::write(&hosts, NEW).expect("written");
    assert_eq!(run(&remedy::restore_hosts(NEW, OLD), root), EXIT_CHANGED, "without the kept copy");
    assert_eq!(read(root, "etc/hosts"), NEW);
}

#[test]
fn an_authkey_is_set_aside_and_put_back_only_outside_of_a_cluster() {
    let root = machine();
    let (root, key) = (root.path(), [7_u8; 256]);
    let digest = ContentDigest::of(&key);
    let kept = format!("authkey.quorate-{}", digest.short());
    std::fs::write(root.join("etc/corosync/authkey"), key).expect("written");
    for conf in ["etc/corosync/corosync.conf", "etc/pve/corosync.conf"] {
        std::fs::write(root.join(conf), "totem {}\n").expect("written");
        assert_eq!(run(&remedy::set_aside_authkey(&digest), root), EXIT_CHANGED, "{conf}");
        std::fs::remove_file(root.join(conf)).expect("removed");
    }
    assert_eq!(run(&remedy::set_aside_authkey(&ContentDigest::of(b"another")), root), EXIT_CHANGED);
    assert_eq!(names(root, "etc/corosync"), ["authkey"]);
    assert_eq!(run(&remedy::set_aside_authkey(&digest), root), 0);
    assert_eq!(names(root, "etc/corosync"), [kept.as_str()]);
    std::fs::write(root.join("etc/corosync/authkey"), "a cluster's").expect("written");
    assert_eq!(run(&remedy::put_back_authkey(&digest), root), EXIT_CHANGED, "another key is there by now");
    std::fs::remove_file(root.join("etc/corosync/authkey")).expect("removed");
    assert_eq!(run(&remedy::put_back_authkey(&digest), root), 0);
    assert_eq!(std::fs::read(root.join("etc/corosync/authkey")).expect("a key"), key);
    assert_eq!(names(root, "etc/corosync"), ["authkey"]);
}

#[test]
fn commands_say_what_they_do_and_nothing_secret() {
    let zone = model::remedy::ZoneName::try_from("Europe/Paris".to_owned()).expect("a zone");
    let shown = [
        remedy::set_time_zone(&zone),
        remedy::make_rsa_host_key(),
        remedy::reload_sshd(),
        remedy::install_chrony(),
        remedy::enable_chrony(),
        remedy::step_clock(),
        remedy::watchdog_held(),
    ]
    .map(|command| command.display());
    assert_eq!(
        shown,
        [
            "timedatectl set-timezone Europe/Paris",
            "ssh-keygen -q -t rsa -b 4096 -N '' -f /etc/ssh/ssh_host_rsa_key",
            "systemctl reload ssh",
            "env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=60 install chrony",
            "systemctl enable --now chrony",
            "chronyc makestep",
            "test -e /run/watchdog-mux.active",
        ]
    );
    let hosts = remedy::replace_hosts(OLD, NEW);
    assert!(hosts.display().ends_with(&format!("< ({} bytes)", NEW.len())), "{hosts}");
    assert!(pve::files::cat(&pve::files::NodeFile::KeptAuthkey(ContentDigest::of(b"x"))).is_none());
}

#[test]
fn tracking_tells_the_offset_and_whether_it_means_anything() {
    // `chronyc -n -c tracking` of chrony 4.6 on a node of the lab.
    let line = "0A000101,10.0.1.1,2,1795336910.1,0.000012,0.00001,0.00003,1.2,0.0,0.03,0.002,0.001,64.2,Normal\n";
    let found = remedy::tracking(Answer::ok(line.as_bytes())).expect("an answer");
    assert_eq!((found.offset_us, found.synchronised), (12, true));
    let lost = line.replace("Normal", "Not synchronised");
    assert!(!remedy::tracking(Answer::ok(lost.as_bytes())).expect("an answer").synchronised);
    let refused = Answer::new(b"", b"506 Cannot talk to daemon\n", 1);
    assert!(remedy::tracking(refused).is_err());
}

#[test]
fn rules_of_the_firewall_are_written_while_they_are_those_that_were_read() {
    let root = machine();
    let root = root.path();
    std::fs::create_dir_all(root.join("etc/pve/nodes/pve1")).expect("a folder");
    let file = "etc/pve/nodes/pve1/host.fw";
    let name = "pve1".parse().expect("a name");
    let change = |old, new| remedy::write_host_firewall(&name, old, new).expect("something to do");
    assert_eq!(run(&change(None, Some("[RULES]\n")), root), 0);
    assert_eq!(read(root, file), "[RULES]\n");
    assert_eq!(run(&change(None, Some("another\n")), root), EXIT_CHANGED, "there is a file by now");
    assert_eq!(run(&change(Some("other\n"), Some("another\n")), root), EXIT_CHANGED);
    assert_eq!(run(&change(Some("other\n"), None), root), EXIT_CHANGED);
    assert_eq!((read(root, file).as_str(), names(root, "etc/pve/nodes/pve1").len()), ("[RULES]\n", 1));
    assert_eq!(run(&change(Some("[RULES]\n"), None), root), 0);
    assert_eq!(names(root, "etc/pve/nodes/pve1"), [""; 0]);
    assert_eq!(remedy::write_host_firewall(&name, None, None), None);
}

#[test]
fn the_firewall_says_whether_the_kernel_has_the_rules_already() {
    let state = |text: &str| remedy::firewall_state(Answer::ok(text.as_bytes()));
    let is = |enabled, running, pending| remedy::FirewallState { enabled, running, pending };
    assert_eq!(state("Status: disabled/running\n"), Ok(is(false, true, false)));
    assert_eq!(state("Status: enabled/running (pending changes)\n"), Ok(is(true, true, true)));
    assert_eq!(state("Status: enabled/stopped\n"), Ok(is(true, false, false)));
    assert!(state("Status\n").is_err() && state("").is_err());
}

/// What a script prints whose folder lies below `root`.
fn told(command: &CommandLine, root: &Path) -> Vec<u8> {
    let words: Vec<String> =
        command.argv().into_iter().map(|word| word.replace("/etc/", &format!("{}/etc/", root.display()))).collect();
    let output = Command::new(&words[0]).args(&words[1..]).output().expect("a shell");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text").replace(&root.display().to_string(), "").into_bytes()
}

#[test]
fn a_store_of_certificates_is_set_aside_whole_and_only_as_it_was_read() {
    let root = machine();
    let root = root.path();
    let store = root.join("etc/corosync/qdevice/net/nssdb");
    std::fs::create_dir_all(store.join("deeper")).expect("a folder");
    let digest =
        |root: &Path| pve::qdevice::store_digest(Answer::ok(&told(&pve::qdevice::store(), root))).expect("a digest");
    let empty = digest(root);
    assert_eq!(empty, ContentDigest::of(b""), "an empty store is one");
    for (name, content) in [("cert9.db", "one"), ("a name with blanks", "two"), ("deeper/key4.db", "three")] {
        std::fs::write(store.join(name), content).expect("written");
    }
    let of = digest(root);
    assert_eq!(run(&pve::qdevice::set_aside_store(&empty), root), EXIT_CHANGED, "another one was read");
    std::fs::write(store.join("cert9.db"), "changed").expect("written");
    assert_eq!(run(&pve::qdevice::set_aside_store(&of), root), EXIT_CHANGED, "it has changed");
    let of = digest(root);
    assert_eq!(run(&pve::qdevice::set_aside_store(&of), root), 0);
    let kept = format!("nssdb.quorate-{}", of.short());
    assert_eq!(names(root, "etc/corosync/qdevice/net"), [kept.as_str()]);
    assert_eq!(read(root, &format!("etc/corosync/qdevice/net/{kept}/deeper/key4.db")), "three");
    assert_ne!(run(&pve::qdevice::set_aside_store(&of), root), 0, "there is nothing any more");
    assert_eq!(names(root, "etc/corosync/qdevice/net"), [kept.as_str()]);
}

#[test]
fn a_store_is_not_told_by_half_an_answer() {
    let folder = "/etc/corosync/qdevice/net/nssdb\n";
    let line = format!("{}  ./cert9.db\n", ContentDigest::of(b"x"));
    for text in [
        "",
        "\n",
        &line,
        &format!("{line}{line}"),
        &format!("nonsense\n{folder}"),
        &format!("{}{folder}", line.trim_end()),
    ] {
        assert!(pve::qdevice::store_digest(Answer::ok(text.as_bytes())).is_err(), "{text:?}");
    }
    assert!(pve::qdevice::store_digest(Answer::new(folder.as_bytes(), b"find: trouble\n", 0)).is_err());
    assert!(pve::qdevice::store_digest(Answer::new(folder.as_bytes(), b"", 1)).is_err());
    assert!(pve::qdevice::store_digest(Answer::ok(format!("{line}{folder}").as_bytes())).is_ok());
}
