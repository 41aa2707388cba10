//! What travels about approvals and policies; the rest of it are types of `model`.

use super::access::FactorTaken;
use super::runs::Place;
use model::Timestamp;
use model::approval::{Agreed, Blast, Change, Compared, FactLine, May, Request};
use model::ids::{ClusterId, RequestId};
use model::policy::{Agreement, Policy, SignInDemand};
use model::problem::Problem;
use model::risk::Risk;
use model::role::Role;
use serde::{Deserialize, Serialize};

/// One line of the list of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    pub id: RequestId,
    pub cluster: ClusterId,
    pub cluster_name: String,
    /// The word of the plan's intent, or `policy`.
    pub word: String,
    /// `None` for a change of the policy.
    pub risk: Option<Risk>,
    pub requested_by: String,
    pub requested_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    /// The word of its state.
    pub state: String,
    /// It waits for the caller to say yes or no.
    pub for_me: bool,
    /// One person did it alone, and nobody else has looked at it since.
    pub awaits_review: bool,
}

/// A plan that one person is about to run alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Countdown {
    pub request: RequestId,
    pub cluster_name: String,
    pub word: String,
    pub by: String,
    /// When it runs.
    pub at: Timestamp,
}

/// What the frame around every page says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// Requests that wait for the caller's yes or no, or for their review.
    pub waiting: u32,
    pub countdowns: Vec<Countdown>,
    /// Somebody took the caller's second factor away, and they have not said yet that they know.
    pub taken: Option<FactorTaken>,
    /// Places that messages do not arrive at; told to admins alone.
    #[serde(default)]
    pub failing: Vec<String>,
}

/// A request beside the world of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    pub request: Request,
    /// The word of its state, time included: what has run out is expired although that is not written down yet.
    pub state: String,
    pub ends_at: Option<Timestamp>,
    /// When the world was looked at.
    pub looked_at: Timestamp,
    /// Material facts as they are.
    pub facts: Vec<FactLine>,
    /// Whether they are as they were; `None` where there is nothing to compare with: no plan, or no cluster any more.
    pub compared: Option<Compared>,
    /// What else is not as it was.
    pub since: Vec<Change>,
    /// What the plan would do in the world of now, as long as something can come of the request.
    pub blast: Option<Blast>,
    /// Why it could not be agreed to, or run, at this moment.
    pub hindrance: Option<Problem>,
    /// Whose agreement the policy asks for now.
    pub agreement: Agreement,
    /// What the caller has to have shown a moment ago to agree or to run.
    pub wants: SignInDemand,
    pub may: May,
    pub role: Role,
    /// The other operation that stands in the way of running it now.
    pub place: Option<Place>,
}

/// The policy of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    pub cluster: ClusterId,
    pub cluster_name: String,
    pub policy: Policy,
    /// Admins who could agree to a change besides the caller.
    pub other_admins: u32,
    pub role: Role,
    /// Changes that wait for another admin.
    pub waiting: Vec<RequestLine>,
}

/// What became of a wish to change a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyAnswer {
    pub request: RequestId,
    /// There is no other admin: it is in force. Else another one has to agree.
    pub in_force: bool,
}

/// Who agreed that an operation may run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedBy {
    pub request: RequestId,
    pub agreed: Agreed,
}
