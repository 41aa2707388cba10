//! Whether what ran was allowed to run, judged from a record of its own: it shares no rule with the gate.

use model::approval::{Request, Subject};
use model::ids::RequestId;
use model::policy::{Demand, Policy};
use model::risk::Risk;
use model::role::Role;
use std::collections::BTreeMap;

const DAY_S: i64 = 86_400;
const QUARTER_S: i64 = 900;
const MINUTE_S: i64 = 60;

/// Who is needed, from nobody up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    Nobody,
    Person,
    Approver,
}

/// What happened to one request, as the record has it.
#[derive(Debug, Clone)]
struct Known {
    by: String,
    at: i64,
    digest: String,
    facts: String,
    approved: Option<(String, i64)>,
    glass: Option<i64>,
    over: bool,
}

/// The world as the record has it.
pub struct Judge {
    roles: BTreeMap<String, Option<Role>>,
    requests: BTreeMap<RequestId, Known>,
    pub ran_plain: u64,
    pub ran_agreed: u64,
    pub ran_alone: u64,
}

/// Something that ran.
pub struct Ran<'a> {
    pub request: Option<RequestId>,
    pub by: &'a str,
    pub at: i64,
    pub digest: &'a str,
    pub facts: &'a str,
    pub intent: &'a str,
    pub risk: Risk,
    pub policy: &'a Policy,
}

impl Judge {
    pub fn new(accounts: &[(&str, Role)]) -> Self {
        Self {
            roles: accounts.iter().map(|(name, role)| (name.to_lowercase(), Some(*role))).collect(),
            requests: BTreeMap::new(),
            ran_plain: 0,
            ran_agreed: 0,
            ran_alone: 0,
        }
    }

    pub fn role(&mut self, name: &str, role: Option<Role>) {
        self.roles.insert(name.to_lowercase(), role);
    }

    pub fn is_disabled(&self, name: &str) -> bool {
        self.roles.get(&name.to_lowercase()).copied().flatten().is_none()
    }

    pub fn is_counting(&self, id: RequestId) -> bool {
        self.requests.get(&id).is_some_and(|known| known.glass.is_some() && !known.over)
    }

    fn has(&self, name: &str, least: Role) -> bool {
        self.roles.get(&name.to_lowercase()).copied().flatten().is_some_and(|role| role >= least)
    }

    pub fn asked(&mut self, request: &Request, at: i64) {
        let seen = request.subject.seen();
        let known = Known {
            by: request.requested_by.to_lowercase(),
            at,
            digest: seen.digest.to_string(),
            facts: seen.facts.to_string(),
            approved: None,
            glass: None,
            over: false,
        };
        self.requests.insert(request.id, known);
    }

    /// Somebody's yes was taken.
    pub fn approved(&mut self, request: &Request, by: &str, at: i64, needs: Needs, now: (&str, &str)) {
        let known = self.requests.get(&request.id).expect("asked");
        assert_ne!(known.by, by.to_lowercase(), "somebody agreed to their own");
        assert!(!known.over && known.approved.is_none() && known.glass.is_none(), "nothing waited");
        assert!(at - known.at < DAY_S, "it waited longer than a day");
        assert!(at - known.at >= -MINUTE_S, "the clock was set back since it was asked for");
        match request.subject {
            Subject::Policy { .. } => assert!(self.has(by, Role::Admin), "a policy by somebody who is no admin"),
            Subject::Plan { .. } => {
                assert!(self.has(by, least(needs)), "{by} agreed to what needs {needs:?}");
                assert_eq!((known.digest.as_str(), known.facts.as_str()), now, "agreed to something else than now");
            }
        }
        let over = matches!(request.subject, Subject::Policy { .. });
        let known = self.requests.get_mut(&request.id).expect("asked");
        known.approved = Some((by.to_lowercase(), at));
        known.over = over;
    }

    pub fn glass(&mut self, id: RequestId, by: &str, at: i64) {
        assert!(self.has(by, Role::Approver), "{by} broke the glass");
        let known = self.requests.get_mut(&id).expect("asked");
        assert!(!known.over && known.approved.is_none() && known.by == by.to_lowercase());
        assert!((-MINUTE_S..DAY_S).contains(&(at - known.at)), "nobody knows how long it waited");
        known.glass = Some(at);
    }

    pub fn reviewed(&self, id: RequestId, by: &str) {
        let known = self.requests.get(&id).expect("asked");
        assert!(known.over && known.glass.is_some(), "nobody ran it alone");
        assert!(known.by != by.to_lowercase() && self.has(by, Role::Approver), "{by} reviewed it");
    }

    pub fn over(&mut self, id: RequestId) {
        self.requests.get_mut(&id).expect("asked").over = true;
    }

    /// The whole question: was this allowed to run?
    pub fn ran(&mut self, ran: &Ran<'_>) {
        let needs = needs(ran.policy, ran.intent, ran.risk);
        let Some(id) = ran.request else {
            assert_eq!(needs, Needs::Nobody, "{} ran without anybody's agreement", ran.intent);
            self.ran_plain += 1;
            return;
        };
        let known = self.requests.get(&id).expect("asked").clone();
        assert!(!known.over, "what is over ran");
        assert_eq!(known.by, ran.by.to_lowercase(), "somebody else ran it");
        assert_eq!((known.digest.as_str(), known.facts.as_str()), (ran.digest, ran.facts), "another plan ran");
        match (&known.approved, known.glass) {
            (Some((by, at)), None) => {
                assert_ne!(*by, known.by, "one's own agreement");
                assert!(self.has(by, least(needs)), "{by} may not agree any more");
                assert!(self.has(ran.by, Role::Operator));
                assert!(ran.at - at < QUARTER_S, "an approval that was too old");
                assert!(ran.at - at >= -MINUTE_S, "the clock was set back since the approval");
                self.ran_agreed += 1;
            }
            (None, Some(at)) => {
                assert!(ran.at - at >= MINUTE_S, "before the countdown was over");
                assert!(ran.at - at < MINUTE_S + QUARTER_S, "long after the countdown");
                assert!(self.has(ran.by, Role::Approver));
                self.ran_alone += 1;
            }
            other => panic!("it ran with {other:?}"),
        }
        self.over(id);
    }
}

const fn least(needs: Needs) -> Role {
    match needs {
        Needs::Nobody | Needs::Person => Role::Operator,
        Needs::Approver => Role::Approver,
    }
}

/// Written anew from the words of the policy.
pub fn needs(policy: &Policy, intent: &str, risk: Risk) -> Needs {
    let shipped = match risk {
        Risk::ReadOnly | Risk::Reversible => Demand::Nobody,
        Risk::Disruptive => Demand::WhereProtected,
        Risk::Destructive => Demand::AnotherApprover,
    };
    let class = policy.classes.get(&risk).map_or(shipped, |row| row.agreement);
    match policy.actions.get(intent).map_or(class, |row| row.agreement) {
        Demand::Nobody => Needs::Nobody,
        Demand::WhereProtected if policy.protected => Needs::Person,
        Demand::WhereProtected => Needs::Nobody,
        Demand::AnotherPerson => Needs::Person,
        Demand::AnotherApprover => Needs::Approver,
    }
}
