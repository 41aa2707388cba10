//! The node's authority is valid and has signed its certificate.
//!
//! Needs: `openssl x509` on `/etc/pve/pve-root-ca.pem`, `openssl verify` of the node's certificate against it.
//! Rule: a certificate that it has not signed fails, so does an authority that ends within 14 days.
//! Why: the first node's authority signs the certificates of all that join.
//! Source: Proxmox VE, Certificate Management; `pvecm updatecerts` renews at 14 days.

use super::certificates::days_left;
use crate::checks::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};

/// Less than this fails, in days.
const DAYS_FAIL: i64 = 14;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::CertificateAuthority, node);
    if let Some(authority) = sheet.need(Source::CertificateAuthority, &node.host.certificate_authority) {
        match days_left(&sheet, Source::CertificateAuthority, authority.not_after) {
            None => sheet.absent(),
            Some(days) => {
                sheet.brief(format!("{days} d"));
                if days < DAYS_FAIL {
                    let date = authority.not_after.strftime("%Y-%m-%d").to_string();
                    let finding = Finding::new(FindingCode::AuthorityEnds).with("date", date).with("days", days);
                    sheet.blame(Verdict::Fail, finding, Source::CertificateAuthority, |line| {
                        line.starts_with("notAfter")
                    });
                }
            }
        }
    }
    if let Some(Err(words)) = sheet.need(Source::CertificateChain, &node.host.certificate_chain) {
        let finding = Finding::new(FindingCode::ChainBroken).with("answer", words);
        sheet.blame(Verdict::Fail, finding, Source::CertificateChain, |line| line.contains("error"));
    }
    sheet.cell()
}
