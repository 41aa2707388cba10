//! `corosync-qdevice-tool` on a node and `corosync-qnetd-tool` on the qnetd host.

use crate::answer::Answer;
use crate::clean::clean_text;
use crate::command::CommandLine;
use crate::error::{ParseError, Reason};
use std::collections::BTreeMap;

const WHAT_QDEVICE: &str = "corosync-qdevice-tool";
const WHAT_QNETD: &str = "corosync-qnetd-tool";

/// `corosync-qdevice-tool -sv`
#[must_use]
pub fn qdevice_status() -> CommandLine {
    CommandLine::reads("corosync-qdevice-tool").arg("-sv")
}

/// `corosync-qnetd-tool -s`, on the qnetd host.
#[must_use]
pub fn qnetd_status() -> CommandLine {
    CommandLine::reads("corosync-qnetd-tool").arg("-s")
}

/// The node's own QDevice daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QdeviceStatus {
    /// `Net`
    pub model: String,
    pub node_id: u32,
    pub cluster_name: Option<String>,
    /// `10.0.1.50:5403`
    pub qnetd_host: Option<String>,
    /// `Fifty-Fifty split` or `LMS`
    pub algorithm: Option<String>,
    /// `Connected`, `Connect failed` ...
    pub state: Option<String>,
    /// With its vote: `2026-11-22T07:45:19 (cast vote)`; only with `-v`.
    pub last_poll: Option<String>,
    pub tls_active: Option<bool>,
}

impl QdeviceStatus {
    #[must_use]
    pub fn connected(&self) -> bool {
        self.state.as_deref() == Some("Connected")
    }
}

/// The qnetd host's daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QnetdStatus {
    /// `*:5403`
    pub address: String,
    /// `Supported (client certificate required)`
    pub tls: Option<String>,
    pub clients: u32,
    pub clusters: u32,
}

/// Reads `corosync-qdevice-tool -s` and `-sv`.
///
/// # Errors
/// A daemon that does not run, or another shape.
pub fn qdevice(answer: Answer<'_>) -> Result<QdeviceStatus, ParseError> {
    let text = answer.printed(WHAT_QDEVICE, &[0])?;
    let fields = fields(&text);
    let get = |key: &str| fields.get(key).map(|value| clean_text(value));
    let node_id =
        fields.get("Node ID").ok_or_else(|| ParseError::at(WHAT_QDEVICE, &text, Reason::Missing("Node ID")))?;
    Ok(QdeviceStatus {
        model: get("Model").ok_or_else(|| ParseError::missing(WHAT_QDEVICE, "Model"))?,
        node_id: node_id.parse().map_err(|_| ParseError::malformed(WHAT_QDEVICE, "Node ID", node_id))?,
        cluster_name: get("Cluster name"),
        qnetd_host: get("QNetd host"),
        algorithm: get("Algorithm"),
        state: get("State"),
        last_poll: get("Last poll call"),
        tls_active: fields.get("TLS active").map(|value| value.starts_with("Yes")),
    })
}

/// Reads `corosync-qnetd-tool -s`.
///
/// # Errors
/// A daemon that does not run, or another shape.
pub fn qnetd(answer: Answer<'_>) -> Result<QnetdStatus, ParseError> {
    let text = answer.printed(WHAT_QNETD, &[0])?;
    let fields = fields(&text);
    let get = |key: &'static str| {
        fields.get(key).copied().ok_or_else(|| ParseError::at(WHAT_QNETD, &text, Reason::Missing(key)))
    };
    let number = |key: &'static str| {
        let value = get(key)?;
        value.parse::<u32>().map_err(|_| ParseError::malformed(WHAT_QNETD, key, value))
    };
    Ok(QnetdStatus {
        address: clean_text(get("QNetd address")?),
        tls: fields.get("TLS").map(|value| clean_text(value)),
        clients: number("Connected clients")?,
        clusters: number("Connected clusters")?,
    })
}

/// `Key:<tab>value` lines that begin in the first column; lists below a key are indented.
fn fields(text: &str) -> BTreeMap<&str, &str> {
    let mut out = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with(char::is_whitespace)) {
        if let Some((key, value)) = line.split_once(':') {
            out.entry(key.trim()).or_insert_with(|| value.trim());
        }
    }
    out
}
