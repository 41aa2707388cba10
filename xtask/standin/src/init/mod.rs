//! The node's init: reaps, supervises units, keeps the journal.
//!
//! Units are children of PID 1 and not of an SSH session, so a transient unit survives the connection that started it.

pub mod control;
pub mod units;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use nix::sys::wait::{WaitStatus, waitpid};

use crate::journal::writer;
use units::{Exit, Units};

/// How long the reaper rests when there is no child at all.
const NO_CHILD_PAUSE: Duration = Duration::from_millis(50);

/// Never returns: it is PID 1.
pub fn run() -> anyhow::Result<u8> {
    std::fs::write("/run/boot-id", format!("{:032x}\n", crate::words::now_us())).context("boot id")?;
    writer::spawn().context("journal")?;
    let units = Arc::new(Units::default());
    control::spawn(Arc::clone(&units)).context("control socket")?;
    units.start_boot_sequence();
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) => units.exited(pid, Exit::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) => units.exited(pid, Exit::Signal(signal as i32)),
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(_) => std::thread::sleep(NO_CHILD_PAUSE),
        }
    }
}

/// `listen PORT`: accepts and closes, which is all that a port probe asks of the API's port.
pub fn listen(args: &[String]) -> anyhow::Result<u8> {
    let port: u16 = args.first().context("port")?.parse().context("port")?;
    let listener = TcpListener::bind(("0.0.0.0", port)).context("bind")?;
    for connection in listener.incoming() {
        drop(connection);
    }
    Ok(0)
}
