//! The comments of a plan's script.

use super::{proof, risk_word};
use crate::i18n::{Locale, td_string};
use crate::words::{Params, plain, say};
use model::plan::{Plan, Spoken, Step};

/// A plan in one of our languages, `en` or `fr`; any other word means English. `digest` is the plan's SHA-256 in hex.
#[must_use]
pub fn spoken(language: &str, plan: &Plan, digest: &str) -> Spoken {
    let locale = language.parse().unwrap_or(Locale::en);
    let intent = plain(locale, "intent", plan.intent.word());
    let target = plan.target.clone();
    let mut head = vec![
        td_string!(locale, wizard.script_title, intent = intent, target = target).to_string(),
        td_string!(
            locale,
            wizard.script_digest,
            digest = digest.to_owned(),
            risk = plain(locale, "risk", risk_word(plan.risk))
        )
        .to_string(),
        td_string!(locale, wizard.script_how).to_owned(),
        td_string!(locale, wizard.script_differs).to_owned(),
    ];
    head.extend(plan.consequences.iter().map(|one| say(locale, "consequence", one.code.as_str(), &one.params)));
    let all = plan.steps.len();
    let steps = (1_usize..).zip(&plan.steps).map(|(number, one)| step(locale, number, all, one)).collect();
    Spoken { head, steps }
}

fn step(locale: Locale, number: usize, all: usize, step: &Step) -> Vec<String> {
    let what = say(locale, "action", step.action.word(), &Params::new());
    let node = step.node_name.clone();
    vec![
        td_string!(locale, wizard.script_step, number = number, all = all, node = node, what = what).to_string(),
        td_string!(locale, wizard.script_proof, proof = proof(locale, &step.action)).to_string(),
        plain(locale, "undo", step.action.undo().word()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::{ClusterId, NodeId};
    use model::plan::{Action, Consequence, ConsequenceCode, Intent, MaterialFacts};
    use model::risk::Risk;
    use uuid::Uuid;

    fn plan() -> Plan {
        let node = NodeId::from_uuid(Uuid::from_u128(7));
        let step = |action| Step { node, node_name: "pve7".to_owned(), action, commands: Vec::new() };
        let consequence = Consequence {
            code: ConsequenceCode::SshConfigRewritten,
            params: [("node".to_owned(), "pve7".to_owned())].into(),
        };
        Plan {
            cluster: ClusterId::from_uuid(Uuid::from_u128(8)),
            intent: Intent::CreateCluster { name: "oak".parse().expect("a name"), first: node, links: Vec::new() },
            risk: Risk::Disruptive,
            target: "oak".to_owned(),
            steps: vec![
                step(Action::MakeRootKey),
                step(Action::CreateCluster { name: "oak".parse().expect("a name"), links: Vec::new() }),
            ],
            consequences: vec![consequence],
            facts: MaterialFacts {
                cluster_name: None,
                config_version: None,
                members: Vec::new(),
                expected_votes: None,
            },
            acknowledged: Vec::new(),
        }
    }

    #[test]
    fn a_plan_is_told_in_both_languages() {
        let (english, french) = (spoken("en", &plan(), "5e1f"), spoken("fr", &plan(), "5e1f"));
        assert_eq!((english.head.len(), english.steps.len()), (french.head.len(), french.steps.len()));
        for (one, other) in english.steps.iter().flatten().zip(french.steps.iter().flatten()) {
            assert_ne!(one, other, "every sentence has its own words");
        }
        assert!(english.head.iter().any(|line| line.contains("5e1f")) && english.head[0].contains("oak"));
        assert!(english.steps[1][0].contains("2") && english.steps[1][0].contains("pve7"), "{english:?}");
        assert!(english.steps[1][1].contains("oak"), "the proof names the cluster: {english:?}");
        assert_eq!(spoken("xx", &plan(), "5e1f"), english);
    }
}
