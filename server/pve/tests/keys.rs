//! Keys, known hosts and SSH from node to node.
#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may fail the test")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use pve::Answer;
use pve::host_keys::PublicKey;
use pve::ssh_keys::{KeyFile, KeyLine, NodeSsh};
use std::process::Command;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0zvCV8lZ0cAvD2ZlSjY2CGvIbbn9bgl5cQ0YJ0rR0f root@pve1";

#[test]
fn a_key_has_the_fingerprint_that_ssh_keygen_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "console@pve-1", "-f"])
        .arg(&path)
        .status()
        .expect("ssh-keygen");
    assert!(made.success());
    let line = std::fs::read(path.with_extension("pub")).expect("a key");
    let key = pve::host_keys::public_key(Answer::ok(&line)).expect("a key").expect("a file");
    let printed = Command::new("ssh-keygen").arg("-lf").arg(&path).output().expect("ssh-keygen").stdout;
    let printed = String::from_utf8_lossy(&printed);
    assert_eq!(printed.split_whitespace().nth(1), Some(key.fingerprint().as_str()));
    assert_eq!((key.algorithm(), key.comment()), ("ssh-ed25519", Some("console@pve-1")));
}

#[test]
fn what_is_no_key_is_refused() {
    let blob = KEY.split(' ').nth(1).expect("a blob");
    for line in [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        &format!("ssh-rsa {blob}"),
        &format!("command=\"x\" ssh-ed25519 {blob}"),
        "ssh-ed25519 !!!!",
        &"x".repeat(10_000),
    ] {
        assert!(PublicKey::parse(line).is_err(), "{line}");
    }
    assert_eq!(PublicKey::parse(KEY).expect("a key").to_string(), KEY);
}

#[test]
fn a_line_is_found_whatever_stands_around_it() {
    let key = PublicKey::parse(KEY).expect("a key");
    let line = KeyLine::authorized(&key);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let blob = key.blob();
    assert!(line.is_in(&lines(&format!("# c\nssh-rsa AAAA x\nssh-ed25519 {blob} other comment\n"))));
    assert!(line.is_in(&lines(&format!("from=\"10.0.0.0/8\" ssh-ed25519 {blob}\n"))));
    assert!(!line.is_in(&lines(&format!("#ssh-ed25519 {blob}\n"))));
    assert!(!line.is_in(&lines("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB0\n")));
}

#[test]
fn known_hosts_have_the_port_only_where_it_is_not_22() {
    let key = PublicKey::parse(KEY).expect("a key");
    let address = "10.0.1.11".parse().expect("an address");
    let plain = KeyLine::known_host(address, 22, &key);
    assert_eq!(plain.as_str(), format!("10.0.1.11 ssh-ed25519 {}", key.blob()));
    let other = KeyLine::known_host(address, 2222, &key);
    assert_eq!(other.as_str(), format!("[10.0.1.11]:2222 ssh-ed25519 {}", key.blob()));
    let file = vec![format!("pve1,10.0.1.11 ssh-ed25519 {} x", key.blob())];
    assert!(plain.is_in(&file) && !other.is_in(&file));
    assert!(!plain.is_in(&[format!("10.0.1.12 ssh-ed25519 {}", key.blob())]));
}

#[test]
fn ssh_from_node_to_node_has_four_ends() {
    let end = |stderr: &[u8], exit| pve::ssh_keys::node_to_node(Answer::new(b"", stderr, exit)).expect("an end");
    assert_eq!(end(b"", 0), NodeSsh::Works);
    assert_eq!(end(b"Host key verification failed.\r\n", 255), NodeSsh::HostKey);
    assert_eq!(end(b"root@10.0.1.12: Permission denied (publickey).\n", 255), NodeSsh::Denied);
    let text = "ssh: connect to host 10.0.1.12 port 22: No route to host".to_owned();
    assert_eq!(end(format!("{text}\n").as_bytes(), 255), NodeSsh::Failed { text });
    assert!(pve::ssh_keys::node_to_node(Answer::new(b"", b"", 124)).is_err());
}

#[test]
fn removing_a_key_keeps_every_other_line() {
    let line = KeyLine::authorized(&PublicKey::parse(KEY).expect("a key"));
    let file = [String::from("# mine"), KEY.replace("root@pve1", "other words"), String::from("ssh-rsa AAAA someone")];
    let [write, rename] = pve::ssh_keys::remove(KeyFile::AuthorizedKeys, &file, &line).expect("two commands");
    assert_eq!(write.stdin(), Some(&b"# mine\nssh-rsa AAAA someone\n"[..]));
    // The file itself is never half written: it is replaced in one step.
    assert_eq!(write.display(), "install -m 600 /dev/stdin /root/.ssh/authorized_keys.quorate-new < (28 bytes)");
    assert_eq!(rename.display(), "mv -f -T /root/.ssh/authorized_keys.quorate-new /root/.ssh/authorized_keys");
    let append = pve::ssh_keys::append(KeyFile::AuthorizedKeys, std::slice::from_ref(&line));
    assert!(pve::ssh_keys::is_append(&append.display()) && !pve::ssh_keys::is_append(&write.display()));
    // Bytes that are no text would be lost by writing the file again.
    let binary = [String::from("ssh-rsa AAAA caf\u{fffd}")];
    assert_eq!(pve::ssh_keys::remove(KeyFile::AuthorizedKeys, &binary, &line), None);
}

proptest! {
    /// Every key that can be written is read back, whatever its bytes and its comment.
    #[test]
    fn a_written_key_is_read_back(bytes in prop::collection::vec(any::<u8>(), 1..600), comment in "[a-z0-9@.-]{0,30}") {
        let mut blob = vec![0, 0, 0, 11];
        blob.extend(b"ssh-ed25519");
        blob.extend(bytes);
        let line = format!("ssh-ed25519 {} {comment}", STANDARD.encode(blob));
        let key = PublicKey::parse(&line).expect("a key");
        let again = PublicKey::parse(&key.to_string()).expect("the key again");
        prop_assert_eq!(&again, &key);
        prop_assert!(KeyLine::authorized(&key).is_in(&[key.to_string()]));
    }
}

/// Runs a change as a node does: by its words, with its standard input.
fn run(command: &pve::CommandLine, home: &std::path::Path) -> i32 {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = Command::new("sh")
        .args(["-c", &command.exec_line(true)])
        .current_dir(home)
        .stdin(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(command.stdin().unwrap_or_default()).expect("written");
    drop(stdin);
    child.wait().expect("it ends").code().expect("no signal")
}

/// A home with this content in the login account's second file.
fn home(content: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join(".ssh")).expect("a folder");
    let file = folder.path().join(".ssh/authorized_keys2");
    std::fs::write(&file, content).expect("written");
    (folder, file)
}

fn change(content: &str) -> pve::CommandLine {
    let line = KeyLine::authorized(&PublicKey::parse(KEY).expect("a key"));
    match pve::ssh_keys::without(KeyFile::LoginAuthorizedKeys2, content.as_bytes(), &line, true) {
        pve::ssh_keys::Without::Change(command) => command,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_line_is_taken_out_and_every_other_byte_stays() {
    let others = "# people's own\nssh-rsa AAAA x\n\nno line end";
    let content = others.replacen("\n\n", &format!("\n{KEY}\nfrom=\"10.0.0.0/8\" {KEY}\n\n"), 1);
    let (folder, file) = home(&content);
    assert_eq!(run(&change(&content), folder.path()), 0);
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), others);
    let left = std::fs::read_dir(folder.path().join(".ssh")).expect("a folder").count();
    assert_eq!(left, 1, "nothing else lies there");
}

#[test]
fn a_file_of_our_own_goes_as_a_whole() {
    let content = format!("\n{KEY}\n");
    let (folder, file) = home(&content);
    assert_eq!(run(&change(&content), folder.path()), 0);
    assert!(!file.exists());
}

#[test]
fn what_somebody_else_wrote_meanwhile_is_not_overwritten() {
    for (content, now) in
        [(format!("ssh-rsa AAAA x\n{KEY}\n"), "ssh-rsa BBBB theirs\n"), (format!("{KEY}\n"), "ssh-rsa BBBB theirs\n")]
    {
        let (folder, file) = home(&content);
        let command = change(&content);
        std::fs::write(&file, now).expect("written");
        assert_eq!(run(&command, folder.path()), pve::ssh_keys::EXIT_CHANGED);
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), now);
        assert_eq!(std::fs::read_dir(folder.path().join(".ssh")).expect("a folder").count(), 1);
    }
}

#[test]
fn a_file_without_the_line_or_with_other_bytes_is_left_alone() {
    use pve::ssh_keys::{Without, without};
    let line = KeyLine::authorized(&PublicKey::parse(KEY).expect("a key"));
    let file = KeyFile::AuthorizedKeys2;
    assert_eq!(without(file, b"ssh-rsa AAAA x\n", &line, true), Without::NotThere);
    assert_eq!(without(file, &[KEY.as_bytes(), b"\n\xff\n"].concat(), &line, true), Without::NotText);
}

#[test]
fn a_login_accounts_own_file_never_goes_by_sudo() {
    let own = pve::ssh_keys::cat(KeyFile::kept(Some("ops"))).exec_line(true);
    assert!(!own.contains("sudo") && own.ends_with(" cat .ssh/authorized_keys2"), "{own}");
    let roots = pve::ssh_keys::cat(KeyFile::kept(None)).exec_line(true);
    assert!(roots.starts_with("sudo ") && roots.ends_with(" cat /root/.ssh/authorized_keys2"), "{roots}");
}

#[test]
fn a_scanned_key_is_read_as_openssh_prints_it() {
    let printed =
        format!("# 10.0.1.12:22 SSH-2.0-OpenSSH_10.0p2 Debian-7\n10.0.1.12 {}\n", KEY.trim_end_matches(" root@pve1"));
    let key = pve::ssh_keys::scanned(Answer::ok(printed.as_bytes())).expect("an answer").expect("a key");
    assert_eq!(key.fingerprint(), PublicKey::parse(KEY).expect("a key").fingerprint());
    assert_eq!(pve::ssh_keys::scanned(Answer::new(b"", b"", 1)), Ok(None));
    assert!(pve::ssh_keys::scanned(Answer::new(b"", b"ssh-keyscan: not found", 127)).is_err());
}
