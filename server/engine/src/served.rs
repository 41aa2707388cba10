//! Whether pmxcfs serves `/etc/pve`. While it does not, the folder is empty, and a file that is missing in there says nothing.

use crate::evidence::unreadable;
use crate::ports::ShellError;
use model::problem::{Problem, ProblemCode};
use pve::files::{self, NodeFile};
use pve::systemd::{self, Service};
use pve::{Answer, CommandLine, ParseError, Reason, pmxcfs};

/// The service of pmxcfs.
const PMXCFS: [Service; 1] = [Service::PveCluster];

/// Whether pmxcfs serves `/etc/pve`, as systemd and the kernel say: neither of them has to look into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    Yes,
    No,
    /// Nobody told.
    Untold,
}

/// What [`Served::of`] is told by: the unit, and the mount.
pub(crate) fn asks() -> [CommandLine; 2] {
    [systemd::is_active(&PMXCFS), pmxcfs::find_mount()]
}

/// The same, and whether the node has a copy of corosync.conf of its own: for [`no_cluster`].
pub(crate) fn asks_without_conf() -> [CommandLine; 3] {
    let [unit, mount] = asks();
    [unit, mount, files::exists(&NodeFile::LocalCorosyncConf)]
}

/// Whether a node whose `/etc/pve` shows no corosync.conf is in no cluster, by its answers to [`asks_without_conf`].
///
/// # Errors
/// `PmxcfsDown` where it has a configuration of its own and nobody serves the cluster's; or why that is not known.
pub(crate) fn no_cluster(label: &str, [unit, mount, local]: [Answer<'_>; 3]) -> Result<(), Problem> {
    let why = |error: ParseError| unreadable(&error, label);
    let served = Served::of(unit, mount);
    if served == Served::Yes || !files::yes_or_no(local).map_err(why)? {
        return Ok(());
    }
    if served == Served::Untold {
        systemd::activity(unit, &PMXCFS).map_err(why)?;
        pmxcfs::mounted(mount).map_err(why)?;
    }
    Err(Problem::new(ProblemCode::PmxcfsDown).with("node", label))
}

impl Served {
    pub(crate) fn of(unit: Answer<'_>, mount: Answer<'_>) -> Self {
        let states = systemd::activity(unit, &PMXCFS).ok();
        let runs = states.map(|states| states.values().all(|state| state == "active"));
        match (runs, pmxcfs::mounted(mount).ok()) {
            (Some(false), _) | (_, Some(false)) => Self::No,
            (Some(true), Some(true)) => Self::Yes,
            _ => Self::Untold,
        }
    }

    /// Why a file in there was not read. One that is missing where pmxcfs runs is missing, and no more than that.
    pub(crate) fn unread(self, label: &str, error: &ParseError) -> Problem {
        let because = |code| quoting(Problem::new(code).with("node", label), error.line.as_ref());
        match (self, &error.reason) {
            (Self::No, _) => because(ProblemCode::PmxcfsDown),
            (Self::Yes, Reason::TimedOut) => because(ProblemCode::PmxcfsHangs),
            _ => unreadable(error, label),
        }
    }

    /// Why none was: a program that waits for a file may hold up the shell itself.
    pub(crate) fn silence(self, label: &str, error: &ShellError) -> Problem {
        let because = |code| Problem::new(code).with("node", label);
        match (self, error) {
            (Self::No, ShellError::Timeout { .. }) => because(ProblemCode::PmxcfsDown),
            (Self::Yes, ShellError::Timeout { .. }) => because(ProblemCode::PmxcfsHangs),
            _ => error.problem().with("node", label),
        }
    }
}

fn quoting(problem: Problem, line: Option<&String>) -> Problem {
    match line {
        Some(line) => problem.quoting(line),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTED: Answer<'static> = Answer::ok(b"/etc/pve /dev/fuse fuse rw,nosuid,nodev,relatime\n");
    const NO_MOUNT: Answer<'static> = Answer::new(b"", b"", 1);
    const ACTIVE: Answer<'static> = Answer::ok(b"active\n");
    const SILENT: Answer<'static> = Answer::new(b"", b"", 124);

    #[test]
    fn systemd_and_the_kernel_say_whether_it_is_served() {
        assert_eq!(Served::of(ACTIVE, MOUNTED), Served::Yes);
        for word in ["inactive", "failed", "activating"] {
            let word = format!("{word}\n");
            // One that was killed leaves its files mounted, and dead.
            assert_eq!(Served::of(Answer::new(word.as_bytes(), b"", 3), MOUNTED), Served::No, "{word}");
        }
        assert_eq!(Served::of(ACTIVE, NO_MOUNT), Served::No, "somebody has unmounted it");
        let missing = Answer::new(b"", b"findmnt: not found\n", 127);
        for (unit, mount) in [(SILENT, MOUNTED), (ACTIVE, missing), (SILENT, SILENT), (Answer::ok(b""), MOUNTED)] {
            assert_eq!(Served::of(unit, mount), Served::Untold, "{unit:?} {mount:?}");
        }
        assert_eq!(Served::of(SILENT, NO_MOUNT), Served::No, "the kernel knows");
    }

    #[test]
    fn an_empty_folder_is_no_answer_about_the_cluster() {
        const INACTIVE: Answer<'static> = Answer::new(b"inactive\n", b"", 3);
        const HAS_CONF: Answer<'static> = Answer::ok(b"");
        const HAS_NONE: Answer<'static> = Answer::new(b"", b"", 1);
        let told = |unit, mount, local| no_cluster("ash", [unit, mount, local]).map_err(|problem| problem.code);
        assert_eq!(told(INACTIVE, NO_MOUNT, HAS_CONF), Err(ProblemCode::PmxcfsDown));
        assert_eq!(told(ACTIVE, NO_MOUNT, HAS_CONF), Err(ProblemCode::PmxcfsDown));
        assert_eq!(told(ACTIVE, MOUNTED, HAS_CONF), Ok(()), "pmxcfs says so itself");
        assert_eq!(told(INACTIVE, NO_MOUNT, HAS_NONE), Ok(()), "it has never been in one");
        // What nobody told is not known.
        assert_eq!(told(INACTIVE, NO_MOUNT, SILENT), Err(ProblemCode::NodeHangs));
        assert_eq!(told(SILENT, MOUNTED, HAS_CONF), Err(ProblemCode::NodeHangs));
        assert_eq!(told(ACTIVE, SILENT, HAS_CONF), Err(ProblemCode::NodeHangs));
    }
}
