//! The table per class and per action, as data.

use super::{Agreement, Ruling};
use crate::digest::{self, Digest};
use crate::plan::Intent;
use crate::risk::Risk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// The domain word of a policy's digest.
const POLICY_DIGEST_DOMAIN: &str = "quorate-policy/v1";

/// Plans that log in with a password which is typed at that moment, or follow from it: nobody can agree to them later.
const CANNOT_WAIT: &[&str] = &["install_key", "admit_console"];

/// Plans that follow from what a person did for another reason, an import or a confirmed key: nobody is asked for words there.
const CANNOT_SAY: &[&str] = &["admit_console"];

/// Who has to agree, as a policy writes it down; the order is that of how much it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    Nobody,
    /// Another person where the cluster is protected, else nobody.
    WhereProtected,
    AnotherPerson,
    AnotherApprover,
}

impl Demand {
    pub const ALL: [Self; 4] = [Self::Nobody, Self::WhereProtected, Self::AnotherPerson, Self::AnotherApprover];
    pub const WORDS: &'static [&'static str] = &["nobody", "where_protected", "another_person", "another_approver"];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::WhereProtected => "where_protected",
            Self::AnotherPerson => "another_person",
            Self::AnotherApprover => "another_approver",
        }
    }

    /// Reads the word that `word` writes.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|demand| demand.word() == word)
    }

    #[must_use]
    pub const fn agreement(self, protected: bool) -> Agreement {
        match (self, protected) {
            (Self::Nobody, _) | (Self::WhereProtected, false) => Agreement::Nobody,
            (Self::WhereProtected, true) | (Self::AnotherPerson, _) => Agreement::AnotherPerson,
            (Self::AnotherApprover, _) => Agreement::AnotherApprover,
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub reason: bool,
    pub typed_target: bool,
    pub fresh_sign_in: bool,
    pub second_factor: bool,
    pub agreement: Demand,
}

impl Row {
    /// The line that the product is shipped with.
    #[must_use]
    pub const fn shipped(risk: Risk) -> Self {
        match risk {
            Risk::ReadOnly | Risk::Reversible => Self {
                reason: false,
                typed_target: false,
                fresh_sign_in: false,
                second_factor: false,
                agreement: Demand::Nobody,
            },
            Risk::Disruptive => Self {
                reason: true,
                typed_target: true,
                fresh_sign_in: true,
                second_factor: false,
                agreement: Demand::WhereProtected,
            },
            Risk::Destructive => Self {
                reason: true,
                typed_target: true,
                fresh_sign_in: true,
                second_factor: true,
                agreement: Demand::AnotherApprover,
            },
        }
    }

    /// What either of the two asks for.
    #[must_use]
    fn and(self, other: Self) -> Self {
        Self {
            reason: self.reason || other.reason,
            typed_target: self.typed_target || other.typed_target,
            fresh_sign_in: self.fresh_sign_in || other.fresh_sign_in,
            second_factor: self.second_factor || other.second_factor,
            agreement: self.agreement.max(other.agreement),
        }
    }

    /// Who is asked to agree has to be told why, whatever the line says of the reason.
    #[must_use]
    pub const fn ruling(self, protected: bool) -> Ruling {
        let agreement = self.agreement.agreement(protected);
        Ruling {
            reason: self.reason || !matches!(agreement, Agreement::Nobody),
            typed_target: self.typed_target,
            fresh_sign_in: self.fresh_sign_in,
            second_factor: self.second_factor,
            agreement,
        }
    }
}

/// The policy of one cluster: its switch, and the lines that differ from the shipped ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub protected: bool,
    #[serde(default)]
    pub classes: BTreeMap<Risk, Row>,
    /// By the word of an intent; such a line counts more than that of its class.
    #[serde(default)]
    pub actions: BTreeMap<String, Row>,
}

/// Why a policy cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyFault {
    #[error("there is no action {word}")]
    NoSuchAction { word: String },
    #[error("{word} cannot wait for an agreement")]
    CannotWait { word: String },
    #[error("{word} follows from an import or a confirmed key: nobody is asked for a reason or a typed name there")]
    CannotSay { word: String },
}

impl Policy {
    /// What the policy asks for a plan. `intent` is the word of what it does.
    #[must_use]
    pub fn rule(&self, intent: &str, risk: Risk) -> Ruling {
        let row = self.actions.get(intent).copied().unwrap_or_else(|| self.class(risk));
        let mut ruling = row.ruling(self.protected);
        if CANNOT_WAIT.contains(&intent) {
            ruling.agreement = Agreement::Nobody;
        }
        if CANNOT_SAY.contains(&intent) {
            (ruling.reason, ruling.typed_target) = (false, false);
        }
        ruling
    }

    /// The line of a class.
    #[must_use]
    pub fn class(&self, risk: Risk) -> Row {
        self.classes.get(&risk).copied().unwrap_or_else(|| Row::shipped(risk))
    }

    /// What an action's own line begins with: all that counted for any of its plans until then, so that nothing is asked
    /// less by that alone, also where a lower class asks more than a higher one.
    #[must_use]
    pub fn own_line(&self, intent: &str) -> Row {
        let highest = Intent::highest_risk(intent);
        let classes = Risk::ALL.into_iter().filter(|risk| (Risk::Reversible..=highest).contains(risk));
        let all = classes.map(|risk| self.class(risk)).reduce(Row::and);
        let mut row = all.unwrap_or_else(|| self.class(highest));
        if CANNOT_WAIT.contains(&intent) {
            row.agreement = Demand::Nobody;
        }
        if CANNOT_SAY.contains(&intent) {
            (row.reason, row.typed_target) = (false, false);
        }
        row
    }

    /// What it asks for the plan that installs the console's key, whichever the machine is.
    #[must_use]
    pub fn of_key(&self) -> Ruling {
        self.rule("install_key", Risk::Reversible)
    }

    /// What it asks for the plan that lets the console in to the members of an imported cluster.
    #[must_use]
    pub fn of_admission(&self) -> Ruling {
        self.rule("admit_console", Risk::Reversible)
    }

    /// Whether somebody can agree to this action before it runs.
    #[must_use]
    pub fn can_wait(intent: &str) -> bool {
        !CANNOT_WAIT.contains(&intent)
    }

    /// # Errors
    /// The first line that means nothing.
    pub fn check(&self) -> Result<(), PolicyFault> {
        for (word, row) in &self.actions {
            if !Intent::WORDS.contains(&word.as_str()) {
                return Err(PolicyFault::NoSuchAction { word: word.clone() });
            }
            if !Self::can_wait(word) && row.agreement != Demand::Nobody {
                return Err(PolicyFault::CannotWait { word: word.clone() });
            }
            if CANNOT_SAY.contains(&word.as_str()) && (row.reason || row.typed_target) {
                return Err(PolicyFault::CannotSay { word: word.clone() });
            }
        }
        Ok(())
    }

    /// Without lines that say what is so anyway.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.classes.retain(|risk, row| *row != Row::shipped(*risk));
        self
    }

    /// # Errors
    /// When it cannot be written as JSON.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        digest::of(POLICY_DIGEST_DOMAIN, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rule;

    fn row(agreement: Demand) -> Row {
        Row { reason: false, typed_target: false, fresh_sign_in: false, second_factor: false, agreement }
    }

    #[test]
    fn without_changes_it_is_the_shipped_table() {
        for protected in [false, true] {
            let policy = Policy { protected, ..Policy::default() };
            for risk in Risk::ALL {
                for word in Intent::WORDS.iter().filter(|word| Policy::can_wait(word)) {
                    assert_eq!(policy.rule(word, risk), rule(risk, protected), "{word} {risk:?}");
                }
            }
        }
    }

    #[test]
    fn the_line_of_an_action_counts_more_than_that_of_its_class_in_both_directions() {
        let mut policy = Policy::default();
        policy.classes.insert(Risk::Disruptive, row(Demand::AnotherApprover));
        assert_eq!(policy.rule("join_nodes", Risk::Disruptive).agreement, Agreement::AnotherApprover);
        policy.actions.insert("join_nodes".into(), row(Demand::Nobody));
        assert_eq!(policy.rule("join_nodes", Risk::Disruptive).agreement, Agreement::Nobody);
        assert_eq!(policy.rule("create_cluster", Risk::Disruptive).agreement, Agreement::AnotherApprover);
    }

    #[test]
    fn the_switch_decides_where_the_line_says_so() {
        for (demand, open, protected) in [
            (Demand::Nobody, Agreement::Nobody, Agreement::Nobody),
            (Demand::WhereProtected, Agreement::Nobody, Agreement::AnotherPerson),
            (Demand::AnotherPerson, Agreement::AnotherPerson, Agreement::AnotherPerson),
            (Demand::AnotherApprover, Agreement::AnotherApprover, Agreement::AnotherApprover),
        ] {
            assert_eq!(demand.agreement(false), open);
            assert_eq!(demand.agreement(true), protected);
            assert_eq!(Demand::from_word(demand.word()), Some(demand));
        }
    }

    #[test]
    fn who_is_asked_is_told_why() {
        assert!(row(Demand::AnotherPerson).ruling(false).reason);
        assert!(!row(Demand::WhereProtected).ruling(false).reason);
    }

    #[test]
    fn what_needs_a_password_now_never_waits() {
        let mut policy = Policy { protected: true, ..Policy::default() };
        policy.classes.insert(Risk::Reversible, row(Demand::AnotherApprover));
        assert_eq!(policy.rule("install_key", Risk::Reversible).agreement, Agreement::Nobody);
        assert_eq!(policy.rule("withdraw", Risk::Reversible).agreement, Agreement::AnotherApprover);
        policy.actions.insert("install_key".into(), row(Demand::AnotherPerson));
        assert_eq!(policy.check(), Err(PolicyFault::CannotWait { word: "install_key".into() }));
    }

    #[test]
    fn where_nobody_is_asked_for_words_none_are_wanted() {
        let talkative = Row { fresh_sign_in: true, ..Row::shipped(Risk::Disruptive) };
        let mut policy = Policy::default();
        policy.classes.insert(Risk::Reversible, talkative);
        let ruling = policy.of_admission();
        assert!(ruling.fresh_sign_in && !ruling.reason && !ruling.typed_target);
        assert!(policy.of_key().reason && policy.of_key().typed_target);
        for line in [Row { reason: true, ..row(Demand::Nobody) }, Row { typed_target: true, ..row(Demand::Nobody) }] {
            policy.actions.insert("admit_console".into(), line);
            assert_eq!(policy.check(), Err(PolicyFault::CannotSay { word: "admit_console".into() }));
        }
        policy.actions.insert("admit_console".into(), Row { fresh_sign_in: true, ..row(Demand::Nobody) });
        assert_eq!(policy.check(), Ok(()));
    }

    #[test]
    fn lines_for_nothing_are_refused_or_left_out() {
        let mut policy = Policy::default();
        policy.classes.insert(Risk::Disruptive, Row::shipped(Risk::Disruptive));
        assert!(policy.clone().plain().classes.is_empty());
        policy.actions.insert("make_coffee".into(), row(Demand::Nobody));
        assert_eq!(policy.check(), Err(PolicyFault::NoSuchAction { word: "make_coffee".into() }));
    }
}
