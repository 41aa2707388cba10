//! How lately somebody has shown that it is them, and what the policy wants of that.

use super::{Ruling, Unmet};
use crate::problem::{Problem, ProblemCode};
use serde::{Deserialize, Serialize};

/// Whether an account has a second factor, and whether it was shown lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondFactor {
    /// The account has none: nobody can be asked for it.
    #[default]
    NotEnrolled,
    /// Longer ago than [`super::FRESH_SIGN_IN_MIN`], or never in this session.
    Old,
    Fresh,
}

/// What a session has shown within the last [`super::FRESH_SIGN_IN_MIN`] minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Shown {
    pub password: bool,
    pub second_factor: SecondFactor,
}

impl Shown {
    #[must_use]
    pub fn is_enrolled(self) -> bool {
        self.second_factor != SecondFactor::NotEnrolled
    }

    /// As if it had been shown too long ago.
    #[must_use]
    pub fn grown_old(self) -> Self {
        let second_factor = if self.is_enrolled() { SecondFactor::Old } else { SecondFactor::NotEnrolled };
        Self { password: false, second_factor }
    }
}

/// Of an account without a second factor: whether its password was typed lately.
impl From<bool> for Shown {
    fn from(password: bool) -> Self {
        Self { password, second_factor: SecondFactor::NotEnrolled }
    }
}

/// What is wanted of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInDemand {
    pub fresh: bool,
    /// Where the account has one.
    pub second_factor: bool,
}

impl SignInDemand {
    /// For what is as powerful as destruction: policies, roles, other people's second factors, running alone.
    pub const WHOLE: Self = Self { fresh: true, second_factor: true };

    /// The first thing that has not been shown lately enough.
    #[must_use]
    pub fn unmet(self, shown: Shown) -> Option<Unmet> {
        if self.fresh && !shown.password {
            return Some(Unmet::FreshSignIn);
        }
        (self.second_factor && shown.second_factor == SecondFactor::Old).then_some(Unmet::SecondFactor)
    }
}

impl Ruling {
    #[must_use]
    pub const fn sign_in(&self) -> SignInDemand {
        SignInDemand { fresh: self.fresh_sign_in, second_factor: self.second_factor }
    }
}

/// `ConsentMissing` with the word of what is missing.
impl From<Unmet> for Problem {
    fn from(demand: Unmet) -> Self {
        let word = serde_json::to_value(demand).ok().and_then(|value| value.as_str().map(str::to_owned));
        Self::new(ProblemCode::ConsentMissing).with("missing", word.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rule;
    use crate::risk::Risk;

    fn shown(password: bool, second_factor: SecondFactor) -> Shown {
        Shown { password, second_factor }
    }

    #[test]
    fn destruction_wants_the_second_factor_of_whoever_has_one() {
        let demand = rule(Risk::Destructive, false).sign_in();
        assert_eq!(demand, SignInDemand::WHOLE);
        assert_eq!(demand.unmet(shown(false, SecondFactor::Fresh)), Some(Unmet::FreshSignIn));
        assert_eq!(demand.unmet(shown(true, SecondFactor::Old)), Some(Unmet::SecondFactor));
        assert_eq!(demand.unmet(shown(true, SecondFactor::Fresh)), None);
        assert_eq!(demand.unmet(shown(true, SecondFactor::NotEnrolled)), None);
        let milder = rule(Risk::Disruptive, false).sign_in();
        assert_eq!(milder.unmet(shown(true, SecondFactor::Old)), None);
        assert_eq!(milder.unmet(shown(false, SecondFactor::Fresh)), Some(Unmet::FreshSignIn));
    }

    #[test]
    fn growing_old_enrols_nobody() {
        assert_eq!(Shown::from(true).grown_old(), Shown::default());
        assert_eq!(shown(true, SecondFactor::Fresh).grown_old(), shown(false, SecondFactor::Old));
    }
}
