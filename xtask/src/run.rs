//! Starting other programs.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// How often a program with a time limit is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Runs the program to its end; anything but success is an error that shows the command.
pub fn run(mut command: Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("start {}", shown(&command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(&command));
    }
    Ok(())
}

/// Runs the program silently and returns what it printed, trimmed.
pub fn output(mut command: Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("start {}", shown(&command)))?;
    if !output.status.success() {
        bail!("{} ended with {}: {}", shown(&command), output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs the program and ends as it ended.
pub fn pass_through(mut command: Command) -> anyhow::Result<ExitCode> {
    let status = command.status().with_context(|| format!("start {}", shown(&command)))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// True when the program starts and succeeds; it prints nothing.
pub fn succeeds(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs the program for at most `limit`, then ends it: `Ok(false)` means that it failed or took too long.
pub fn within(mut command: Command, limit: Duration) -> anyhow::Result<bool> {
    let mut child = command.stdin(Stdio::null()).spawn().with_context(|| format!("start {}", shown(&command)))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if started.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        sleep(POLL);
    }
}

/// The command as a person would type it.
pub fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    // Cargo is started by its full path inside a toolchain, which nobody types.
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut words = vec![name.to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    words.join(" ")
}

/// True when a program of this name is on the search path or in a folder for the administrator's programs.
pub fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/local/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path).chain(usual).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let mut command = Command::new("tail");
        command.args(["-f", "/dev/null"]);
        assert!(!within(command, Duration::from_millis(1)).unwrap());
    }

    #[test]
    fn failures_show_the_command() {
        let mut command = Command::new("ls");
        command.arg("/absent-folder").stderr(Stdio::null());
        let error = run(command).unwrap_err().to_string();
        assert!(error.starts_with("ls /absent-folder ended with"), "{error}");
    }

    #[test]
    fn programs_are_found_by_name() {
        assert!(on_path("ls"));
        assert!(!on_path("no-such-program-here"));
    }
}
