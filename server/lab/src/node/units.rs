//! Transient units made by `systemd-run`.

use tokio::task::AbortHandle;

/// How a unit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnitState {
    Running,
    /// Ended with this exit code.
    Exited(i32),
    /// Killed by this signal number.
    Killed(i32),
    /// Stopped because its time was over.
    TimedOut,
}

#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) state: UnitState,
    pub(crate) description: String,
    pub(crate) remain_after_exit: bool,
    pub(crate) task: Option<AbortHandle>,
    /// Tells runs of the same name apart.
    pub(crate) serial: u64,
}

impl Unit {
    /// Whether the unit's name is still taken.
    pub(crate) fn is_loaded(&self) -> bool {
        self.remain_after_exit || !matches!(self.state, UnitState::Exited(0))
    }
}
