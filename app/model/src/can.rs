//! What a person may do, used by the pages to explain a button and by the server to refuse a call.

use crate::problem::{Problem, ProblemCode};
use crate::role::Role;

/// Things that need a role. Every server function names one; the authorisation table is tested against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    See,
    ReadAudit,
    RunChecks,
    AddCluster,
    AddNode,
    PinUnknownKey,
    ReplaceChangedKey,
    EditDraft,
    ProposePlan,
    RunPlan,
    ResumeOperation,
    AbandonOperation,
    ForgetCluster,
    ManagePeople,
    /// Say yes or no to what others ask for; the policy may want a higher role for it.
    DecideRequest,
    /// Run alone what needs somebody else, after a countdown.
    BreakGlass,
    /// Stop the countdown of somebody who runs a plan alone.
    StopCountdown,
    ChangePolicy,
    /// Enter, bind and remove BMCs with their passwords.
    ManageBmc,
    /// See where messages go, and send one to try it.
    ManageMessages,
}

impl Deed {
    pub const ALL: &'static [Self] = &[
        Self::See,
        Self::ReadAudit,
        Self::RunChecks,
        Self::AddCluster,
        Self::AddNode,
        Self::PinUnknownKey,
        Self::ReplaceChangedKey,
        Self::EditDraft,
        Self::ProposePlan,
        Self::RunPlan,
        Self::ResumeOperation,
        Self::AbandonOperation,
        Self::ForgetCluster,
        Self::ManagePeople,
        Self::DecideRequest,
        Self::BreakGlass,
        Self::StopCountdown,
        Self::ChangePolicy,
        Self::ManageBmc,
        Self::ManageMessages,
    ];

    /// The lowest role that may do it (`product.md`, who uses it).
    #[must_use]
    pub const fn needs(self) -> Role {
        match self {
            Self::See | Self::ReadAudit | Self::RunChecks | Self::StopCountdown => Role::Viewer,
            Self::AddCluster
            | Self::AddNode
            | Self::PinUnknownKey
            | Self::EditDraft
            | Self::ProposePlan
            | Self::RunPlan
            | Self::ResumeOperation
            | Self::AbandonOperation
            | Self::DecideRequest => Role::Operator,
            Self::BreakGlass => Role::Approver,
            Self::ReplaceChangedKey
            | Self::ForgetCluster
            | Self::ManagePeople
            | Self::ChangePolicy
            | Self::ManageBmc
            | Self::ManageMessages => Role::Admin,
        }
    }
}

/// # Errors
/// `RoleTooLow` with the role that is needed.
pub fn do_it(role: Role, deed: Deed) -> Result<(), Problem> {
    if role >= deed.needs() {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::RoleTooLow).with("needed", deed.needs().as_str()).with("own", role.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_pins_unknown_keys_and_never_replaces_changed_ones() {
        assert!(do_it(Role::Operator, Deed::PinUnknownKey).is_ok());
        assert!(do_it(Role::Approver, Deed::ReplaceChangedKey).is_err());
        assert!(do_it(Role::Admin, Deed::ReplaceChangedKey).is_ok());
    }

    #[test]
    fn a_viewer_changes_nothing() {
        let allowed: Vec<_> = Deed::ALL.iter().filter(|deed| do_it(Role::Viewer, **deed).is_ok()).collect();
        assert_eq!(allowed, [&Deed::See, &Deed::ReadAudit, &Deed::RunChecks, &Deed::StopCountdown]);
    }
}
