//! How the node's tools talk to its init: one JSON request and one JSON answer per connection.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::units::{Shown, Spec, Units};
use crate::paths;

#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    Start(String),
    Transient(String, Spec),
    Stop(String),
    Reset(String),
    Show(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Empty when all is well, an error's words otherwise.
    Done(String),
    Shown(Shown),
}

/// Serves requests on threads of their own, because a stop waits.
pub fn spawn(units: Arc<Units>) -> anyhow::Result<()> {
    let listener = UnixListener::bind(paths::CONTROL).context(paths::CONTROL)?;
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let units = Arc::clone(&units);
            std::thread::spawn(move || serve(&connection, &units));
        }
    });
    Ok(())
}

/// Asks the node's init.
pub fn ask(request: &Request) -> anyhow::Result<Answer> {
    let mut stream = UnixStream::connect(paths::CONTROL).context("Failed to connect to the node's init")?;
    let mut line = serde_json::to_string(request).context("request")?;
    line.push('\n');
    stream.write_all(line.as_bytes()).context("request")?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).context("answer")?;
    serde_json::from_str(&answer).context("answer")
}

/// Asks for a change; the error's words are the answer's.
pub fn change(request: &Request) -> anyhow::Result<()> {
    match ask(request)? {
        Answer::Done(words) if !words.is_empty() => anyhow::bail!(words),
        _ => Ok(()),
    }
}

/// A unit's state.
pub fn show(name: &str) -> anyhow::Result<Shown> {
    match ask(&Request::Show(name.to_owned()))? {
        Answer::Shown(shown) => Ok(shown),
        Answer::Done(words) => anyhow::bail!(words),
    }
}

fn serve(stream: &UnixStream, units: &Arc<Units>) {
    let mut line = String::new();
    if BufReader::new(stream).read_line(&mut line).is_err() {
        return;
    }
    let answer = match serde_json::from_str(&line) {
        Ok(Request::Start(name)) => Answer::Done(units.start(&name, None)),
        Ok(Request::Transient(name, spec)) => Answer::Done(units.start(&name, Some(spec))),
        Ok(Request::Stop(name)) => Answer::Done(units.stop(&name)),
        Ok(Request::Reset(name)) => Answer::Done(units.reset(&name)),
        Ok(Request::Show(name)) => Answer::Shown(units.show(&name)),
        Err(error) => Answer::Done(format!("bad request: {error}")),
    };
    if let Ok(mut text) = serde_json::to_string(&answer) {
        text.push('\n');
        let mut out = stream;
        let _ = out.write_all(text.as_bytes());
    }
}
