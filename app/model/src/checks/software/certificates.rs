//! The node's certificate is valid and names the node.
//!
//! Needs: `openssl x509` on `/etc/pve/local/pve-ssl.pem`, `hostname`, `getent ahosts` of the name.
//! Rule: an expired one fails, less than 30 days warn; a certificate without the node's name or address warns.
//! Why: nodes talk to each other's API over TLS and check both.
//! Source: Proxmox VE, Certificate Management; `pvecm updatecerts` writes both into it.

use crate::checks::sheet::Sheet;
use crate::preflight::probe_plan::own_address;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use jiff::Timestamp;

/// Less than this warns, in days.
const DAYS_WARN: i64 = 30;
const SECONDS_PER_DAY: i64 = 86_400;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::Certificates, node);
    let name = sheet.need(Source::HostName, &node.host_name);
    let Some(certificate) = sheet.need(Source::Certificate, &node.host.certificate) else { return sheet.cell() };
    let Some(days) = days_left(&sheet, Source::Certificate, certificate.not_after) else {
        sheet.absent();
        return sheet.cell();
    };
    sheet.brief(format!("{days} d"));
    let date = certificate.not_after.strftime("%Y-%m-%d").to_string();
    let until = |line: &str| line.starts_with("notAfter");
    if days < 0 {
        let finding = Finding::new(FindingCode::CertificateExpired).with("date", date);
        sheet.blame(Verdict::Fail, finding, Source::Certificate, until);
    } else if days < DAYS_WARN {
        let finding = Finding::new(FindingCode::CertificateEnds).with("date", date).with("days", days);
        sheet.blame(Verdict::Warn, finding, Source::Certificate, until);
    }
    let nameless = name.filter(|name| !certificate.names.contains(name.as_str())).cloned();
    let elsewhere = own_address(node).filter(|address| !certificate.addresses.contains(address));
    for missing in nameless.into_iter().chain(elsewhere.map(|address| address.to_string())) {
        let finding = Finding::new(FindingCode::CertificateName).with("name", missing);
        sheet.blame(Verdict::Warn, finding, Source::Certificate, |line| line.contains("DNS:"));
    }
    sheet.cell()
}

/// Whole days from the reading to an end; negative once it is over.
pub fn days_left(sheet: &Sheet<'_>, source: Source, end: Timestamp) -> Option<i64> {
    let now = sheet.read_at(source)?;
    Some(end.as_second().saturating_sub(now.as_second()).div_euclid(SECONDS_PER_DAY))
}
