//! How much a plan can harm, from nothing to everything.

use serde::{Deserialize, Serialize};

/// The class of a plan; the order is the order of harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Checks, evidence.
    ReadOnly,
    /// Can be taken back by the console.
    Reversible,
    /// May interrupt guests or quorum.
    Disruptive,
    /// Cannot be taken back, or can split the cluster.
    Destructive,
}

impl Risk {
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Reversible, Self::Disruptive, Self::Destructive];

    /// As it is written in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Reversible => "reversible",
            Self::Disruptive => "disruptive",
            Self::Destructive => "destructive",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_risk_is_written_as_its_word() {
        for risk in Risk::ALL {
            assert_eq!(serde_json::to_value(risk).expect("JSON"), risk.word());
        }
    }
}
