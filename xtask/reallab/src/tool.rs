//! Running the machine's own programs: `ip`, `mount`, `unshare` and the like.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, ensure};

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

/// Whether the program runs as root.
pub fn is_root() -> anyhow::Result<bool> {
    Ok(run("id", &["-u"])?.trim() == "0")
}

/// Waits for this process's turn to build or remove a lab; the turn ends with the process.
pub fn turn() -> anyhow::Result<std::fs::File> {
    // The lock is on the folder itself, so that nothing is left behind.
    let folder = std::fs::File::open("/run").context("/run")?;
    if folder.try_lock().is_err() {
        eprintln!("another lab command is at work; waiting for it to end");
        folder.lock().context("/run")?;
    }
    Ok(folder)
}

/// `count` random bytes in hex.
pub fn random_hex(count: usize) -> anyhow::Result<String> {
    use std::io::Read;
    let mut bytes = vec![0_u8; count];
    std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).context("/dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
