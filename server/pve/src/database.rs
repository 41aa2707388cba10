//! A copy of pmxcfs' database on its node before a step changes what is in it, made as `pvecm` makes its own at a join
//! (`PVE::Cluster::Setup`): a dump of `config.db`, beside those of `pvecm`.

use crate::command::CommandLine;
use crate::files::{NodeFile, NodeFolder};

/// `keep-database DATABASE COPY`: the whole dump or nothing, for root only, because the database holds private keys. A copy
/// that is there stays: it is from before the step. Prints the digest of the copy and its name, or that there is none; why,
/// `sqlite3` and `gzip` say themselves.
///
/// A dump that ends early has no `COMMIT;` at its end, and a pipe would hide how it ended.
const KEEP_SCRIPT: &str = "umask 077; [ ! -e \"$2\" ] || exec sha256sum \"$2\"; t=$2.new; \
    [ -f \"$1\" ] && mkdir -p \"${2%/*}\" && sqlite3 -readonly \"$1\" .dump >\"$t\" && [ \"$(tail -n 1 \"$t\")\" = \"COMMIT;\" ] && \
    gzip -f \"$t\" && mv -f -T \"$t.gz\" \"$2\" || \
    { rm -f \"$t\" \"$t.gz\"; printf \"no whole copy of %s\\n\" \"$1\"; exit 1; }; sha256sum \"$2\"";
const KEEP_NAME: &str = "keep-database";
/// `keep-another DATABASE NAME`: the same, where a copy that is there is from an earlier time. It stays, and the new one gets
/// the first name that no file has. A link never takes another file's place, whoever makes one meanwhile, and runs at the same
/// time write to files of their own.
const ANOTHER_SCRIPT: &str = "umask 077; n=1; c=$2.sql.gz; t=$2.$$; \
    [ -f \"$1\" ] && mkdir -p \"${2%/*}\" && sqlite3 -readonly \"$1\" .dump >\"$t\" && [ \"$(tail -n 1 \"$t\")\" = \"COMMIT;\" ] && \
    gzip -f \"$t\" && \
    { until ln -T \"$t.gz\" \"$c\" 2>/dev/null; do [ -e \"$c\" ] || [ -L \"$c\" ] || break; n=$((n + 1)); c=$2.$n.sql.gz; done; \
    [ \"$t.gz\" -ef \"$c\" ]; } && rm -f \"$t.gz\" || \
    { rm -f \"$t\" \"$t.gz\"; printf \"no whole copy of %s\\n\" \"$1\"; exit 1; }; sha256sum \"$c\"";
const ANOTHER_NAME: &str = "keep-another";
/// The time limit of a copy, in seconds: the databases of nodes have some megabytes, and what the step looked at grows old.
const KEEP_LIMIT_S: u32 = 10;

/// The copy's own folder, where `pvecm` keeps its copies too.
#[must_use]
pub fn folder() -> String {
    NodeFolder::PmxBackups.path()
}

/// Keeps a copy under a name that `of` and the step make: the same ones always give the same copy, as a step needs that is
/// begun again after a crash.
#[must_use]
pub fn keep(of: u128, step: u16) -> CommandLine {
    kept([KEEP_SCRIPT, KEEP_NAME], format!("{}.sql.gz", name(of, step)))
}

/// The same for what people run as often as they like: each time another copy, of what is there then.
#[must_use]
pub fn keep_another(of: u128, step: u16) -> CommandLine {
    kept([ANOTHER_SCRIPT, ANOTHER_NAME], name(of, step))
}

fn kept(script: [&str; 2], copy: String) -> CommandLine {
    CommandLine::changes("sh").arg("-c").args(script).arg(NodeFile::PmxDatabase.path()).arg(copy).limit_s(KEEP_LIMIT_S)
}

/// Without its ending.
fn name(of: u128, step: u16) -> String {
    format!("{}/console-{of:032x}-{step}", folder())
}
