//! Whether a machine and a member fit together. `pvecm add --use_ssh` sends no version, so the console compares itself.

use crate::facts::PveVersion;
use crate::problem::{Problem, ProblemCode};

/// How far the join API versions (`pvecm apiver`) may be apart: Proxmox VE itself accepts neighbours.
const API_APART_MAX: u32 = 1;

/// The versions of one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinVersions {
    pub pve: PveVersion,
    pub api: u32,
}

/// # Errors
/// `VersionsApart` with the name of what differs and both values.
pub fn versions_fit(joiner: &JoinVersions, member: &JoinVersions) -> Result<(), Problem> {
    let apart = |what: &str, joiner: String, member: String| {
        Problem::new(ProblemCode::VersionsApart)
            .with("what", what)
            .with("joiner_has", joiner)
            .with("member_has", member)
    };
    if joiner.pve.major != member.pve.major {
        return Err(apart("Proxmox VE", joiner.pve.to_string(), member.pve.to_string()));
    }
    if joiner.api.abs_diff(member.api) > API_APART_MAX {
        return Err(apart("join API", joiner.api.to_string(), member.api.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(major: u32, minor: u32, api: u32) -> JoinVersions {
        JoinVersions { pve: PveVersion { major, minor, patch: 0, kernel: None }, api }
    }

    #[test]
    fn the_same_major_and_a_neighbouring_api_fit() {
        let member = versions(9, 2, 2);
        for joiner in [versions(9, 2, 2), versions(9, 1, 2), versions(9, 2, 1), versions(9, 2, 3)] {
            assert_eq!(versions_fit(&joiner, &member), Ok(()));
        }
    }

    #[test]
    fn another_major_or_a_distant_api_does_not_fit_in_either_direction() {
        let refused = |joiner: &JoinVersions, member: &JoinVersions| {
            let problem = versions_fit(joiner, member).expect_err("they do not fit");
            assert_eq!(problem.code, ProblemCode::VersionsApart);
            problem.params["what"].clone()
        };
        let (older, newer) = (versions(8, 4, 1), versions(9, 2, 1));
        assert_eq!((refused(&older, &newer), refused(&newer, &older)), ("Proxmox VE".into(), "Proxmox VE".into()));
        let (low, high) = (versions(9, 2, 1), versions(9, 2, 3));
        assert_eq!((refused(&low, &high), refused(&high, &low)), ("join API".into(), "join API".into()));
    }
}
