//! The script of a plan, read by a real shell: every word arrives as it was, whatever it is made of.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use proptest::prelude::*;
use pve::host_keys::{self, PublicKey};
use pve::script::{Door, Script, ScriptHost};
use pve::ssh_keys::{self, KeyFile};
use pve::{files, pvecm, quorumtool};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPx0cZ2Qk4LmT6o1vJvCkq8mN2lY3jv9b7kYb3Z0x1Qa console";
/// Stands for ssh: writes down its words, one line each, and answers with what a file says.
const SSH: &str = "#!/bin/sh\nfor word; do printf '%s\\0' \"$word\"; done >>\"$HEARD\"\nprintf '\\n\\0' >>\"$HEARD\"\n\
                   case $* in *-n*) ;; *) cat >>\"$FED\" ;; esac\ncat \"$SAYS\"\n";

fn host(name: &str, user: &str, host: &str) -> ScriptHost {
    let door = Door { user: user.to_owned(), host: host.to_owned(), port: 22 };
    ScriptHost { name: name.to_owned(), door, via: None }
}

fn key() -> PublicKey {
    PublicKey::parse(KEY).expect("a key")
}

/// What `sh -n` says of it: nothing where it is a script.
fn parsed(text: &str) -> String {
    let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a shell");
    shell.stdin.take().expect("its input").write_all(text.as_bytes()).expect("written");
    let output = shell.wait_with_output().expect("an end");
    format!("{}{}", String::from_utf8_lossy(&output.stderr), if output.status.success() { "" } else { "refused" })
}

struct Ran {
    output: Output,
    /// The words of each call of ssh.
    calls: Vec<Vec<String>>,
    fed: String,
}

/// Runs the script with another ssh, which answers `says` to everything.
fn run(text: &str, says: &str) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("a file");
    write(&path("ssh"), SSH);
    std::fs::set_permissions(path("ssh"), std::fs::Permissions::from_mode(0o755)).expect("a program");
    write(&path("says"), says);
    write(&path("heard"), "");
    write(&path("fed"), "");
    write(&path("script"), text);
    let search = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .arg(path("script"))
        .env("PATH", search)
        .env("HEARD", path("heard"))
        .env("FED", path("fed"))
        .env("SAYS", path("says"))
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let heard = std::fs::read_to_string(path("heard")).expect("what ssh heard");
    let mut calls = vec![Vec::new()];
    for word in heard.split('\0').filter(|word| !word.is_empty()) {
        if word == "\n" {
            calls.push(Vec::new());
        } else if let Some(call) = calls.last_mut() {
            call.push(word.to_owned());
        }
    }
    calls.retain(|call| !call.is_empty());
    Ran { output, calls, fed: std::fs::read_to_string(path("fed")).expect("what was fed") }
}

fn complaints(ran: &Ran) -> String {
    String::from_utf8_lossy(&ran.output.stderr).into_owned()
}

#[test]
fn a_command_is_the_consoles_own_line_at_the_nodes_door() {
    let mut script = Script::new(&["a plan".to_owned()], vec![host("pve1", "root", "10.77.1.1")]);
    script.step(&["Step 1".to_owned()]);
    let command = pvecm::create(&"oak".parse().expect("a name"), &[]);
    script.run("pve1", &command);
    let text = script.text();
    assert_eq!(parsed(&text), "");
    let ran = run(&text, "");
    assert!(ran.output.status.success(), "{}", complaints(&ran));
    let line = command.exec_line(false);
    assert_eq!(ran.calls, [vec!["-n", "-o", "BatchMode=yes", "-p", "22", "--", "root@10.77.1.1", line.as_str()]]);
}

#[test]
fn another_account_uses_sudo_and_a_jump_host_is_gone_through() {
    let mut one = host("pve1", "ada", "fd00::11");
    one.via = Some(Door { user: "jump".to_owned(), host: "fd00::1".to_owned(), port: 2_222 });
    let mut script = Script::new(&[], vec![one]);
    script.run("pve1", &quorumtool::status());
    let ran = run(&script.text(), "");
    let call = &ran.calls[0];
    assert!(call.windows(2).any(|pair| pair == ["-J", "jump@[fd00::1]:2222"]), "{call:?}");
    assert!(call.contains(&"ada@fd00::11".to_owned()), "{call:?}");
    assert!(call.last().is_some_and(|line| line.starts_with("sudo -n -- env LC_ALL=C ")), "{call:?}");
}

#[test]
fn a_key_is_added_once() {
    let mut script = Script::new(&[], vec![host("pve1", "root", "10.77.1.1")]);
    script.add_key("pve1", KeyFile::AuthorizedKeys2, &key());
    let text = script.text();
    let ran = run(&text, "ssh-rsa AAAAB3 somebody\n");
    assert!(ran.output.status.success(), "{}", complaints(&ran));
    let bare = KEY.rsplit_once(' ').expect("a comment").0;
    assert_eq!(ran.fed, format!("\n{bare}\n"));
    let appended = ran.calls.last().and_then(|call| call.last()).expect("a line");
    assert!(appended.ends_with("tee -a /root/.ssh/authorized_keys2"), "{appended}");
    let again = run(&text, &format!("{KEY}\n"));
    assert_eq!((again.calls.len(), again.fed.as_str()), (1, ""), "it is there");
}

#[test]
fn a_key_of_another_machine_is_one_line_of_the_kind_that_a_key_is() {
    let hosts = || vec![host("pve1", "root", "10.77.1.1"), host("pve2", "root", "10.77.1.2")];
    let mut script = Script::new(&[], hosts());
    script.add_key_of("pve1", KeyFile::AuthorizedKeys, "pve2", &host_keys::cat_root_key());
    let text = script.text();
    assert_eq!(parsed(&text), "");
    let hostile = run(&text, "$(touch /tmp/never) `id`\nssh-rsa AAAA\n");
    assert!(!hostile.output.status.success(), "what is no key goes nowhere");
    assert_eq!(hostile.fed, "");
    assert!(complaints(&hostile).contains("pve2: no key"), "{}", complaints(&hostile));
}

#[test]
fn a_line_is_taken_out_and_the_digest_is_compared_on_the_node() {
    let mut script = Script::new(&[], vec![host("pve1", "root", "10.77.1.1")]);
    script.remove_key("pve1", KeyFile::AuthorizedKeys2, &key());
    let ran = run(&script.text(), &format!("# mine\n{KEY}\nssh-rsa AAAAB3 somebody\n"));
    assert!(ran.output.status.success(), "{}", complaints(&ran));
    assert_eq!(ran.fed, "# mine\nssh-rsa AAAAB3 somebody\n");
    let swap = ran.calls.last().and_then(|call| call.last()).expect("a line");
    let digest = swap.rsplit_once(' ').expect("a digest").1;
    assert!(digest.len() == 64 && digest.chars().all(|c| c.is_ascii_hexdigit()), "{swap}");
}

#[test]
fn a_name_that_is_in_use_stops_the_script() {
    let mut script = Script::new(&[], vec![host("pve1", "root", "10.77.1.1")]);
    script.unused("pve1", &files::cluster_corosync_conf(), &["pve2".to_owned(), "10.77.1.2".to_owned()]);
    script.run("pve1", &quorumtool::status());
    let text = script.text();
    let free = run(&text, "    name: pve1\n    ring0_addr: 10.77.1.22\n");
    assert!(free.output.status.success(), "{}", complaints(&free));
    assert_eq!(free.calls.len(), 3);
    let taken = run(&text, "    name: pve3\n    ring0_addr: 10.77.1.2\n");
    assert!(!taken.output.status.success());
    assert!(complaints(&taken).contains("10.77.1.2 is in use"), "{}", complaints(&taken));
}

#[test]
fn host_keys_are_trusted_under_the_address_that_will_be_used() {
    let hosts = vec![host("pve1", "root", "10.77.1.1"), host("pve2", "root", "10.77.1.2")];
    let mut script = Script::new(&[], hosts);
    let reads = [host_keys::cat_host_key(host_keys::HostKeyKind::Rsa)];
    script.trust("pve1", "10.77.1.2".parse().expect("an address"), "pve2", &reads);
    script.wait_for("pve1", &ssh_keys::cat(KeyFile::KnownHosts), "^ssh-ed25519");
    let text = script.text();
    assert_eq!(parsed(&text), "");
    let ran = run(&text, &format!("{KEY}\n"));
    assert!(ran.output.status.success(), "{}", complaints(&ran));
    let bare = KEY.rsplit_once(' ').expect("a comment").0;
    assert_eq!(ran.fed, format!("\n10.77.1.2 {bare}\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Names and doors come from people and nodes: each stays one word, and no comment ends early.
    #[test]
    fn hostile_names_stay_quoted(name in "\\PC{1,24}|[ '\"`$\\\\;&|<>()\\n*?\\[#~!{}]{1,24}", comment in "(?s).{0,60}") {
        let door = Door { user: "root".to_owned(), host: name.clone(), port: 22 };
        let hosts = vec![ScriptHost { name: name.clone(), door, via: None }];
        let mut script = Script::new(std::slice::from_ref(&comment), hosts);
        script.step(&[comment]);
        script.run(&name, &quorumtool::status());
        script.unused(&name, &files::cluster_corosync_conf(), &["no-such-name".to_owned()]);
        let text = script.text();
        prop_assert_eq!(parsed(&text), "");
        let ran = run(&text, "nothing\n");
        prop_assert!(ran.output.status.success(), "{}\n{}", complaints(&ran), text);
        prop_assert_eq!(ran.calls.len(), 2);
        for call in &ran.calls {
            prop_assert_eq!(&call[call.len() - 2], &format!("root@{name}"));
        }
        prop_assert_eq!(ran.calls[0].last(), Some(&quorumtool::status().exec_line(false)));
    }
}
