//! Waiting for states, never for times.

use std::process::Output;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::access;
use crate::layout::Host;

const PAUSE: Duration = Duration::from_millis(200);

/// Runs a command over SSH that must succeed; its output.
pub fn must(host: &Host, command: &str) -> anyhow::Result<String> {
    let output = access::remote(host, command)?;
    ensure!(output.status.success(), "{command} on {}: {} {}", host.name, words(&output), output.status);
    Ok(words(&output))
}

/// Asks until the answer pleases or the seconds are over.
pub fn until(
    what: &str,
    seconds: u64,
    mut ask: impl FnMut() -> anyhow::Result<Option<String>>,
) -> anyhow::Result<String> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        if Instant::now() > end {
            bail!("{what}: not within {seconds} s");
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks a host over SSH until its output has all of these words.
pub fn until_says(host: &Host, command: &str, wanted: &[&str], seconds: u64) -> anyhow::Result<String> {
    let what = format!("{} says {wanted:?} to {command}", host.name);
    let mut last = String::new();
    let found = until(&what, seconds, || {
        last = words(&access::remote(host, command)?);
        Ok(wanted.iter().all(|word| last.contains(word)).then(|| last.clone()))
    });
    found.map_err(|error| error.context(format!("last answer: {last}")))
}

/// Standard output and error together.
pub fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
