//! Running the machine's own programs: `ip`, `mount`, `unshare` and the like.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};

use crate::cgroup::Group;

/// Where programs are, on the machine and in a node alike.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Bash that closes what was inherited beyond the three streams; 255 is the script that bash reads.
pub const CLOSE_ALL: &str = "for fd in /proc/self/fd/*; do fd=${fd##*/}; \
                             [ \"$fd\" -gt 2 ] && [ \"$fd\" != 255 ] && eval \"exec $fd>&-\"; done\n";

/// Runs a program and gives its output; an error has the program's own words.
pub fn run(program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output = output(program, args)?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {}: {} ({})", args.join(" "), words.trim(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program whose failure is an answer too.
pub fn output(program: &str, args: &[&str]) -> anyhow::Result<Output> {
    let result = Command::new(program).args(args).stdin(Stdio::null()).output();
    result.with_context(|| format!("cannot run {program} (is its package installed?)"))
}

/// Runs a program with text on its standard input.
pub fn feed(program: &str, args: &[&str], input: &str) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run {program} (is its package installed?)"))?;
    child.stdin.take().context("standard input")?.write_all(input.as_bytes()).context("standard input")?;
    let output = child.wait_with_output().context("output")?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program that outlives us and holds nothing of ours: add its name and arguments. It enters the control group first.
pub fn detached(group: Option<&Group>, log: File) -> anyhow::Result<Command> {
    let door = group.map(|group| group.door().display().to_string()).unwrap_or_default();
    let script = format!("{CLOSE_ALL}[ -z \"$1\" ] || echo 0 > \"$1\" || exit 1\nshift\nexec \"$@\"");
    let mut command = Command::new("bash");
    command.args(["-c", &script, "lab", &door]).env_clear().env("PATH", PATH).env("LANG", "C.UTF-8");
    command.current_dir("/").process_group(0).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// Whether the program runs as root.
pub fn is_root() -> anyhow::Result<bool> {
    Ok(run("id", &["-u"])?.trim() == "0")
}

/// Waits for this process's turn to build or remove a lab; the turn ends with the process.
pub fn turn() -> anyhow::Result<File> {
    // The lock is on the folder itself, so that nothing is left behind.
    let folder = File::open("/run").context("/run")?;
    if folder.try_lock().is_err() {
        eprintln!("another lab command is at work; waiting for it to end");
        folder.lock().context("/run")?;
    }
    Ok(folder)
}

/// A random UUID (version 4).
pub fn random_uuid() -> anyhow::Result<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid").context("random UUID")?;
    Ok(text.trim().to_owned())
}

/// Random bytes.
pub fn random(count: usize) -> anyhow::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = vec![0_u8; count];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("/dev/urandom")?;
    Ok(bytes)
}

/// `count` random bytes in hex.
pub fn random_hex(count: usize) -> anyhow::Result<String> {
    Ok(random(count)?.iter().map(|byte| format!("{byte:02x}")).collect())
}
