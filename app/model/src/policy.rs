//! What has to happen before a plan may run, by its risk: the shipped table, and what a cluster's admins changed in it.

mod sign_in;
mod table;

pub use sign_in::{SecondFactor, Shown, SignInDemand};
pub use table::{Demand, Policy, PolicyFault, Row};

use crate::risk::Risk;
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// How long a sign-in counts as fresh, in minutes.
pub const FRESH_SIGN_IN_MIN: u32 = 5;

/// Who has to agree besides the person who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    Nobody,
    /// Another person who may operate the cluster.
    AnotherPerson,
    /// Another person with the role approver.
    AnotherApprover,
    /// Another admin: for changes of the policy itself.
    AnotherAdmin,
}

impl Agreement {
    pub const WORDS: &'static [&'static str] = &["nobody", "another_person", "another_approver", "another_admin"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::AnotherPerson => "another_person",
            Self::AnotherApprover => "another_approver",
            Self::AnotherAdmin => "another_admin",
        }
    }

    /// The lowest role on the cluster whose word counts.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Nobody | Self::AnotherPerson => Role::Operator,
            Self::AnotherApprover => Role::Approver,
            Self::AnotherAdmin => Role::Admin,
        }
    }
}

/// What the policy asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    pub reason: bool,
    pub typed_target: bool,
    pub fresh_sign_in: bool,
    pub second_factor: bool,
    pub agreement: Agreement,
}

/// The shipped policy. `protected` is the cluster's switch.
#[must_use]
pub const fn rule(risk: Risk, protected: bool) -> Ruling {
    Row::shipped(risk).ruling(protected)
}

/// What a person brings along when asking to run a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub reason: String,
    pub typed: String,
}

/// Which demand of a ruling is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unmet {
    Reason,
    TypedTarget,
    FreshSignIn,
    SecondFactor,
    Agreement,
}

impl Ruling {
    /// The demands that are not met yet; empty means that the plan may run.
    #[must_use]
    pub fn unmet(&self, consent: &Consent, target: &str, shown: Shown, agreed: bool) -> Vec<Unmet> {
        let mut missing = Vec::new();
        if self.reason && consent.reason.trim().is_empty() {
            missing.push(Unmet::Reason);
        }
        if self.typed_target && consent.typed.trim() != target {
            missing.push(Unmet::TypedTarget);
        }
        missing.extend(self.sign_in().unmet(shown));
        if self.agreement != Agreement::Nobody && !agreed {
            missing.push(Unmet::Agreement);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_never_shrink_with_the_risk() {
        for protected in [false, true] {
            let mut before = rule(Risk::ReadOnly, protected);
            for risk in Risk::ALL {
                let now = rule(risk, protected);
                assert!(now.reason >= before.reason && now.typed_target >= before.typed_target);
                assert!(now.fresh_sign_in >= before.fresh_sign_in && now.agreement >= before.agreement);
                before = now;
            }
        }
    }

    #[test]
    fn destruction_needs_another_approver_even_where_nothing_is_protected() {
        assert_eq!(rule(Risk::Destructive, false).agreement, Agreement::AnotherApprover);
        assert_eq!(rule(Risk::Disruptive, true).agreement, Agreement::AnotherPerson);
        assert_eq!(rule(Risk::Disruptive, false).agreement, Agreement::Nobody);
    }

    #[test]
    fn every_demand_is_checked() {
        let consent = Consent { reason: " ".into(), typed: "pve-pro".into() };
        let missing = rule(Risk::Destructive, false).unmet(&consent, "pve-prod", false.into(), false);
        assert_eq!(missing, [Unmet::Reason, Unmet::TypedTarget, Unmet::FreshSignIn, Unmet::Agreement]);
        let consent = Consent { reason: "build".into(), typed: "pve-prod".into() };
        assert!(rule(Risk::Disruptive, false).unmet(&consent, "pve-prod", true.into(), false).is_empty());
    }
}
