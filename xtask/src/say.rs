//! Progress on standard error; standard output belongs to results.

use std::sync::OnceLock;
use std::time::Instant;

static STARTED: OnceLock<Instant> = OnceLock::new();

/// Starts the clock that every progress line shows.
pub fn start() {
    STARTED.get_or_init(Instant::now);
}

/// Prints one line with the seconds since the start: `[ 12 s] building the browser part`.
pub fn say(text: impl AsRef<str>) {
    let seconds = STARTED.get_or_init(Instant::now).elapsed().as_secs();
    eprintln!("[{seconds:>3} s] {}", text.as_ref());
}
