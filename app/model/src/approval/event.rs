//! What can happen to a request, and who may let it happen: the one gate, in memory and inside the store's transaction.

use super::{Agreed, Request, RequestState, Review, Seen, Subject, VoidCode, counted_down, same_person};
use crate::ids::OperationId;
use crate::policy::Agreement;
use crate::problem::{Problem, ProblemCode};
use crate::role::Role;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What somebody does about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestEvent {
    /// `seen` is of the world of now.
    Approve {
        seen: Seen,
        comment: String,
    },
    Reject {
        comment: String,
    },
    Withdraw,
    /// Starts the operation with somebody's approval.
    Use {
        seen: Seen,
        operation: OperationId,
    },
    /// The person who asked wants to run it alone; `fresh` is their sign-in.
    BreakGlass {
        fresh: bool,
    },
    Stop,
    /// Starts the operation after the countdown.
    RunOut {
        seen: Seen,
        operation: OperationId,
    },
    Review {
        comment: String,
    },
    /// A change of the policy where there is no other admin.
    ApplyAlone {
        seen: Seen,
    },
    Expire,
    /// The console itself found that it can come to nothing.
    Void {
        why: VoidCode,
    },
}

impl RequestEvent {
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Approve { .. } => "approve",
            Self::Reject { .. } => "reject",
            Self::Withdraw => "withdraw",
            Self::Use { .. } => "use",
            Self::BreakGlass { .. } => "break_glass",
            Self::Stop => "stop",
            Self::RunOut { .. } => "run_out",
            Self::Review { .. } => "review",
            Self::ApplyAlone { .. } => "apply_alone",
            Self::Expire => "expire",
            Self::Void { .. } => "void",
        }
    }
}

/// Everything beside the request that a decision depends on, all of it as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Court<'a> {
    /// Account name of who acts.
    pub actor: &'a str,
    /// Their role on the cluster; `None` without an account, or with one that is disabled.
    pub role: Option<Role>,
    /// The same of who approved, where somebody did.
    pub approver: Option<Role>,
    /// What the policy asks for.
    pub agreement: Agreement,
    /// Admins of the cluster besides who acts.
    pub other_admins: u32,
    pub now: Timestamp,
}

/// Why it may not happen.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// No request at all stands behind an operation that needs one.
    #[error("{} is needed", .agreement.word())]
    AgreementNeeded { agreement: Agreement },
    #[error("the request is {state}")]
    Over { state: &'static str },
    #[error("its time is over")]
    Expired,
    #[error("it is one's own")]
    Own,
    #[error("it is somebody else's")]
    NotYours,
    #[error("the role is too low")]
    RoleTooLow { needed: Role, own: Option<Role> },
    #[error("who agreed may not agree any more")]
    ApproverLost { by: String },
    #[error("the plan is another one")]
    PlanChanged,
    #[error("what it rests on has changed")]
    FactsChanged,
    /// The change of a policy begins from one that is not in force any more, and is not even asked for.
    #[error("the policy is another one by now")]
    PolicyMoved,
    #[error("the countdown has {seconds} s left")]
    TooEarly { seconds: i64 },
    #[error("its time is not over")]
    NotDue,
    #[error("the sign-in is too old")]
    SignInOld,
    #[error("not for this kind of request")]
    NotForThis,
    #[error("{others} others could agree")]
    NotAlone { others: u32 },
    #[error("words are missing")]
    NoWords,
}

impl From<&Refused> for Problem {
    fn from(refused: &Refused) -> Self {
        use ProblemCode as Code;
        match refused {
            Refused::AgreementNeeded { agreement } => {
                Self::new(Code::ApprovalNeeded).with("agreement", agreement.word())
            }
            Refused::Over { state } => Self::new(Code::RequestOver).with("state", state),
            Refused::Expired => Code::RequestExpired.into(),
            Refused::Own => Code::ApprovalOwn.into(),
            Refused::NotYours => Code::RequestNotYours.into(),
            Refused::RoleTooLow { needed, own } => {
                let problem = Self::new(Code::RoleTooLow).with("needed", needed.as_str());
                own.map_or(problem.clone(), |own| problem.with("own", own.as_str()))
            }
            Refused::ApproverLost { by } => Self::new(Code::ApproverLost).with("by", by),
            Refused::PlanChanged => Code::PlanChanged.into(),
            Refused::FactsChanged => Code::FactsChanged.into(),
            Refused::PolicyMoved => Code::PolicyMoved.into(),
            Refused::TooEarly { seconds } => Self::new(Code::CountdownRuns).with("seconds", seconds),
            Refused::SignInOld => Self::new(Code::ConsentMissing).with("missing", "fresh-sign-in"),
            Refused::NotAlone { others } => Self::new(Code::NotAlone).with("others", others),
            Refused::NoWords => Code::ReasonNeeded.into(),
            Refused::NotDue | Refused::NotForThis => Code::RequestOver.into(),
        }
    }
}

/// Why a person may not do each of these now; `None` where they may. The gate itself is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct May {
    pub approve: Option<Problem>,
    pub reject: Option<Problem>,
    pub withdraw: Option<Problem>,
    pub run: Option<Problem>,
    pub break_glass: Option<Problem>,
    pub stop: Option<Problem>,
    pub review: Option<Problem>,
}

impl May {
    /// As if nothing had changed and the sign-in were fresh: pages ask for the password when it is needed.
    #[must_use]
    pub fn of(request: &Request, court: &Court<'_>) -> Self {
        let seen = request.subject.seen();
        let words = || "…".to_owned();
        let why = |event: &RequestEvent| request.after(event, court).err().as_ref().map(Problem::from);
        let operation = OperationId::from_uuid(request.id.as_uuid());
        Self {
            approve: why(&RequestEvent::Approve { seen: seen.clone(), comment: words() }),
            reject: why(&RequestEvent::Reject { comment: words() }),
            withdraw: why(&RequestEvent::Withdraw),
            run: why(&RequestEvent::Use { seen: seen.clone(), operation }),
            break_glass: why(&RequestEvent::BreakGlass { fresh: true }),
            stop: why(&RequestEvent::Stop),
            review: why(&RequestEvent::Review { comment: words() }),
        }
    }
}

type Next = Result<RequestState, Refused>;

impl Request {
    /// The state after an event.
    ///
    /// # Errors
    /// Why it may not happen.
    pub fn after(&self, event: &RequestEvent, court: &Court<'_>) -> Next {
        match event {
            RequestEvent::Approve { seen, comment } => self.approved(seen, comment, court),
            RequestEvent::Reject { comment } => self.rejected(comment, court),
            RequestEvent::Withdraw => {
                self.open()?;
                self.by_requester(court)?;
                Ok(RequestState::Withdrawn { at: court.now })
            }
            RequestEvent::Use { seen, operation } => self.used(seen, *operation, court),
            RequestEvent::BreakGlass { fresh } => self.counting(*fresh, court),
            RequestEvent::Stop => {
                let RequestState::Counting { .. } = self.state else { return Err(self.over()) };
                has_role(court, Role::Viewer)?;
                Ok(RequestState::Stopped { by: court.actor.to_owned(), at: court.now })
            }
            RequestEvent::RunOut { seen, operation } => self.ran_out(seen, *operation, court),
            RequestEvent::Review { comment } => self.reviewed(comment, court),
            RequestEvent::ApplyAlone { seen } => self.applied(seen, court),
            RequestEvent::Expire => {
                self.open()?;
                if self.is_due(court.now) { Ok(RequestState::Expired { at: court.now }) } else { Err(Refused::NotDue) }
            }
            RequestEvent::Void { why } => {
                self.open()?;
                Ok(RequestState::Void { at: court.now, why: *why })
            }
        }
    }

    /// A plan only becomes approved: it is used later. A policy is changed by the approval itself.
    fn approved(&self, seen: &Seen, comment: &str, court: &Court<'_>) -> Next {
        let RequestState::Waiting = self.state else { return Err(self.over()) };
        self.in_time(court)?;
        self.by_another(court)?;
        self.unchanged(seen)?;
        let (by, at, comment) = (court.actor.to_owned(), court.now, comment.trim().to_owned());
        Ok(match self.subject {
            Subject::Plan { .. } => RequestState::Approved { by, at, comment },
            Subject::Policy { .. } => {
                let agreed = Agreed::By { by, at, comment };
                RequestState::Used { at: court.now, agreed, operation: None, review: None }
            }
        })
    }

    /// Also takes an approval back that has not been used.
    fn rejected(&self, comment: &str, court: &Court<'_>) -> Next {
        let (RequestState::Waiting | RequestState::Approved { .. }) = self.state else { return Err(self.over()) };
        self.by_another(court)?;
        if comment.trim().is_empty() {
            return Err(Refused::NoWords);
        }
        Ok(RequestState::Rejected { by: court.actor.to_owned(), at: court.now, comment: comment.trim().to_owned() })
    }

    fn used(&self, seen: &Seen, operation: OperationId, court: &Court<'_>) -> Next {
        let RequestState::Approved { by, at, comment } = &self.state else { return Err(self.over()) };
        self.in_time(court)?;
        self.by_requester(court)?;
        has_role(court, Role::Operator)?;
        // Neither may a change of names or roles make one's own agreement count.
        if self.is_of(by) {
            return Err(Refused::Own);
        }
        if court.approver.is_none_or(|role| role < court.agreement.role()) {
            return Err(Refused::ApproverLost { by: by.clone() });
        }
        self.unchanged(seen)?;
        let agreed = Agreed::By { by: by.clone(), at: *at, comment: comment.clone() };
        Ok(RequestState::Used { at: court.now, agreed, operation: Some(operation), review: None })
    }

    fn counting(&self, fresh: bool, court: &Court<'_>) -> Next {
        let RequestState::Waiting = self.state else { return Err(self.over()) };
        if self.subject.plan().is_none() {
            return Err(Refused::NotForThis);
        }
        self.in_time(court)?;
        self.by_requester(court)?;
        has_role(court, Role::Approver)?;
        if self.reason.trim().is_empty() {
            return Err(Refused::NoWords);
        }
        if !fresh {
            return Err(Refused::SignInOld);
        }
        Ok(RequestState::Counting { since: court.now })
    }

    fn ran_out(&self, seen: &Seen, operation: OperationId, court: &Court<'_>) -> Next {
        let RequestState::Counting { since } = self.state else { return Err(self.over()) };
        self.in_time(court)?;
        let left = counted_down(since).duration_since(court.now);
        if left.is_positive() {
            return Err(Refused::TooEarly { seconds: left.as_secs().saturating_add(1) });
        }
        self.by_requester(court)?;
        has_role(court, Role::Approver)?;
        self.unchanged(seen)?;
        let agreed = Agreed::Alone { since };
        Ok(RequestState::Used { at: court.now, agreed, operation: Some(operation), review: None })
    }

    fn reviewed(&self, comment: &str, court: &Court<'_>) -> Next {
        let RequestState::Used { at, agreed, operation, .. } = &self.state else { return Err(self.over()) };
        if !self.state.awaits_review() {
            return Err(self.over());
        }
        if self.is_of(court.actor) {
            return Err(Refused::Own);
        }
        has_role(court, Role::Approver)?;
        if comment.trim().is_empty() {
            return Err(Refused::NoWords);
        }
        let review = Review { by: court.actor.to_owned(), at: court.now, comment: comment.trim().to_owned() };
        Ok(RequestState::Used { at: *at, agreed: agreed.clone(), operation: *operation, review: Some(review) })
    }

    fn applied(&self, seen: &Seen, court: &Court<'_>) -> Next {
        let RequestState::Waiting = self.state else { return Err(self.over()) };
        if self.subject.plan().is_some() {
            return Err(Refused::NotForThis);
        }
        self.in_time(court)?;
        self.by_requester(court)?;
        has_role(court, Role::Admin)?;
        if court.other_admins > 0 {
            return Err(Refused::NotAlone { others: court.other_admins });
        }
        self.unchanged(seen)?;
        let agreed = Agreed::Alone { since: self.requested_at };
        Ok(RequestState::Used { at: court.now, agreed, operation: None, review: None })
    }

    const fn over(&self) -> Refused {
        Refused::Over { state: self.state.word() }
    }

    const fn open(&self) -> Result<(), Refused> {
        if self.state.is_open() { Ok(()) } else { Err(self.over()) }
    }

    fn in_time(&self, court: &Court<'_>) -> Result<(), Refused> {
        if self.is_due(court.now) { Err(Refused::Expired) } else { Ok(()) }
    }

    fn by_requester(&self, court: &Court<'_>) -> Result<(), Refused> {
        if self.is_of(court.actor) { Ok(()) } else { Err(Refused::NotYours) }
    }

    fn by_another(&self, court: &Court<'_>) -> Result<(), Refused> {
        if same_person(&self.requested_by, court.actor) {
            return Err(Refused::Own);
        }
        let needed = match self.subject {
            Subject::Plan { .. } => court.agreement,
            Subject::Policy { .. } => Agreement::AnotherAdmin,
        };
        has_role(court, needed.role())
    }

    /// What it rests on is looked at first: where that has moved, a plan mostly has too.
    fn unchanged(&self, seen: &Seen) -> Result<(), Refused> {
        let own = self.subject.seen();
        if seen.facts != own.facts {
            return Err(Refused::FactsChanged);
        }
        if seen.digest == own.digest { Ok(()) } else { Err(Refused::PlanChanged) }
    }
}

fn has_role(court: &Court<'_>, needed: Role) -> Result<(), Refused> {
    if court.role.is_some_and(|role| role >= needed) {
        return Ok(());
    }
    Err(Refused::RoleTooLow { needed, own: court.role })
}
