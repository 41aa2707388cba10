//! The console works as root on the node, and the node has the RSA host key that Proxmox VE's own SSH steps need.
//!
//! Needs: `id -u` over the console's connection (through `sudo -n` where the account is not root), the host keys in `/etc/ssh`.
//! Rule: no log-in, another user than root, or no RSA host key fails.
//! Why: `pvecm` collects the RSA host key of every node and fails without it; nearly everything else needs root.
//! Source: `pvecm` of pve-cluster (`ssh_host_rsa_key.pub`); Proxmox VE, Cluster Manager, "Role of SSH".

use super::sheet::Sheet;
use crate::preflight::{Cell, CheckId, Finding, FindingCode, NodeEvidence, Source, Verdict};
use crate::problem::ProblemCode;

/// What root's `id -u` prints.
const ROOT: u32 = 0;

pub fn judge(node: &NodeEvidence) -> Cell {
    let mut sheet = Sheet::new(CheckId::RootSsh, node);
    sheet.show(Source::LogIn);
    sheet.show(Source::User);
    match &node.user_id {
        Ok(ROOT) => sheet.brief("root"),
        Ok(uid) => {
            sheet.note(Verdict::Fail, Finding::new(FindingCode::NotRoot).with("uid", uid));
            let text = uid.to_string();
            sheet.accuse(Source::User, |line| line.trim() == text);
        }
        Err(problem) if refuses_log_in(problem.code) => {
            sheet.note(Verdict::Fail, Finding::new(FindingCode::LogInFailed).with("problem", problem.code.as_str()));
            sheet.accuse(Source::LogIn, |line| !line.trim().is_empty());
        }
        Err(problem) => sheet.missing(problem),
    }
    if let Some(keys) = sheet.need(Source::HostKeys, &node.host_keys)
        && !keys.iter().any(|algorithm| matches!(algorithm.as_str(), "ssh-rsa" | "rsa"))
    {
        sheet.note(Verdict::Fail, Finding::new(FindingCode::NoRsaHostKey));
    }
    sheet.cell()
}

/// The machine was asked and let nobody in; a command that failed later is another matter.
const fn refuses_log_in(code: ProblemCode) -> bool {
    matches!(
        code,
        ProblemCode::Unreachable
            | ProblemCode::ConnectionRefused
            | ProblemCode::NotSsh
            | ProblemCode::NoCommonAlgorithm
            | ProblemCode::HostKeyUnknown
            | ProblemCode::HostKeyChanged
            | ProblemCode::HostKeyOther
            | ProblemCode::KeyRefused
            | ProblemCode::PasswordRefused
            | ProblemCode::NotRoot
            | ProblemCode::JumpUnreachable
            | ProblemCode::JumpKeyUnknown
            | ProblemCode::JumpKeyChanged
            | ProblemCode::JumpRefused
            | ProblemCode::JumpForbids
            | ProblemCode::UnreachableBehind
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::fixture::{gone, guilty, has, healthy, lost, params, show};

    #[test]
    fn root_and_an_rsa_key_pass() {
        let cell = judge(&healthy(11, true));
        assert_eq!((cell.verdict, cell.brief.as_deref()), (Verdict::Pass, Some("root")));
    }

    #[test]
    fn another_user_and_a_missing_key_fail() {
        let mut node = healthy(11, true);
        show(&mut node, Source::User, "1000\n");
        node.user_id = Ok(1000);
        node.host_keys = Ok(["ssh-ed25519".to_owned()].into());
        let cell = judge(&node);
        assert_eq!(params(&cell, FindingCode::NotRoot)["uid"], "1000");
        assert!(has(&cell, FindingCode::NoRsaHostKey));
        assert_eq!(guilty(&cell), ["1000"]);
    }

    #[test]
    fn no_log_in_fails_and_no_answer_is_an_error() {
        let cell = judge(&lost(11));
        assert_eq!(cell.verdict, Verdict::Fail);
        assert_eq!(params(&cell, FindingCode::LogInFailed)["problem"], "unreachable");
        let mut hangs = healthy(11, true);
        hangs.user_id = gone();
        assert_eq!(judge(&hangs).verdict, Verdict::Error);
        let mut keyless = healthy(11, true);
        keyless.host_keys = gone();
        assert_eq!(judge(&keyless).verdict, Verdict::Error);
    }
}
