//! One person alone, in front of everybody: sixty seconds in which anybody can stop it.

use crate::audit::Person;
use crate::context::{Engine, store_problem};
use crate::limits::COUNTDOWN_LOOK;
use crate::overtake::Wanted;
use crate::propose::unmet;
use model::approval::{COUNTDOWN_S, Request, RequestEvent, RequestState, VoidCode, counted_down};
use model::audit::AuditCode;
use model::ids::{OperationId, RequestId};
use model::policy::{Shown, SignInDemand, Unmet};
use model::problem::Problem;
use std::time::Duration;
use tokio::time::Instant;

/// As long as the model says, by a clock that nobody can set.
const COUNTDOWN: Duration = Duration::from_secs(COUNTDOWN_S.unsigned_abs());

impl Engine {
    /// Begins the countdown for one's own request; at its end the plan runs, unless somebody stopped it.
    ///
    /// # Errors
    /// What `model::approval::Refused` says, or that the plan is another one by now.
    pub async fn break_glass(&self, who: &Person, id: RequestId, shown: impl Into<Shown>) -> Result<(), Problem> {
        self.break_glass_overtaking(who, id, shown, None).await
    }

    /// The same, ending at its end the operation that has the cluster's place, where that is wanted.
    ///
    /// # Errors
    /// Also why that one may not be ended.
    pub async fn break_glass_overtaking(
        &self,
        who: &Person,
        id: RequestId,
        shown: impl Into<Shown>,
        wanted: Option<Wanted>,
    ) -> Result<(), Problem> {
        let shown = shown.into();
        let request = self.request(id).await?;
        let event = RequestEvent::BreakGlass { fresh: shown.password };
        if let Some(Unmet::SecondFactor) = SignInDemand::WHOLE.unmet(shown) {
            let problem = unmet(Unmet::SecondFactor);
            self.refuse_event(who, &request, &event, &problem).await?;
            return Err(problem);
        }
        let mut comment = String::new();
        if let (Some(wanted), Some(plan)) = (&wanted, request.subject.plan()) {
            // Looked at again when the time is over; who may not do it need not wait for that.
            let nobody = OperationId::from_uuid(id.as_uuid());
            self.overtaking(who, &plan.intent, request.cluster, wanted, nobody).await?;
            comment = format!("{}: {}", wanted.operation, wanted.reason.trim());
        }
        if request.subject.plan().is_some() && request.is_of(&who.name) {
            self.proposal_or_void(who, &request).await?;
        }
        self.decided(who, id, event, AuditCode::GlassBroken, &comment).await?;
        let engine = self.clone();
        let who = who.clone();
        drop(self.work.spawn(async move { engine.count_down(&who, request, wanted.as_ref()).await }));
        Ok(())
    }

    /// Ends somebody's countdown.
    ///
    /// # Errors
    /// What `model::approval::Refused` says.
    pub async fn stop_countdown(&self, who: &Person, id: RequestId) -> Result<(), Problem> {
        self.decided(who, id, RequestEvent::Stop, AuditCode::GlassStopped, "").await
    }

    /// A store that fails now may answer in a moment: the countdown goes on until nothing could come of it any more.
    async fn count_down(&self, who: &Person, request: Request, wanted: Option<&Wanted>) {
        // As far as is known until it is read.
        let since = self.clock.now();
        // Whoever is to see it has all of this time, also where the clock is put forward meanwhile.
        let began = Instant::now();
        let mut known = Request { state: RequestState::Counting { since }, ..request };
        let mut told = false;
        loop {
            match self.request(known.id).await {
                Ok(request) => (known, told) = (request, false),
                Err(problem) => {
                    if !told {
                        let code = problem.code.as_str();
                        tracing::error!(request.id = %known.id, problem.code = code, "a countdown cannot be read");
                        told = true;
                    }
                    if known.is_due(self.clock.now()) {
                        self.give_up(&known).await;
                        return;
                    }
                    tokio::time::sleep(COUNTDOWN_LOOK).await;
                    continue;
                }
            }
            // Stopped, taken back, or void.
            let RequestState::Counting { since } = known.state else { return };
            let now = self.clock.now();
            let counts = now < counted_down(since) || began.elapsed() < COUNTDOWN;
            if counts && !known.is_due(now) {
                tokio::time::sleep(COUNTDOWN_LOOK).await;
                continue;
            }
            if let Err(problem) = self.run_out(who, &known, wanted).await {
                let code = problem.code.as_str();
                tracing::warn!(request.id = %known.id, problem.code = code, "after a countdown nothing ran");
            }
            return;
        }
    }

    /// It was not read for so long that it could not run any more.
    async fn give_up(&self, request: &Request) {
        if let Err(problem) = self.void(request, VoidCode::CouldNotRun).await {
            let code = problem.code.as_str();
            tracing::error!(request.id = %request.id, problem.code = code, "a countdown ended, and is not written down");
        }
    }

    async fn run_out(&self, who: &Person, request: &Request, wanted: Option<&Wanted>) -> Result<OperationId, Problem> {
        let answer = match self.proposal_or_void(who, request).await {
            Ok((_, proposal)) => {
                let event = |seen, operation| RequestEvent::RunOut { seen, operation };
                self.start_agreed(who, request, (proposal, wanted), AuditCode::GlassUsed, event).await
            }
            Err(problem) => Err(problem),
        };
        if answer.is_err() {
            // What could not run at its time is not tried again by itself, in front of nobody.
            self.void(request, VoidCode::CouldNotRun).await?;
        }
        answer
    }

    /// At start-up: while the console was away nobody could see a countdown, or stop it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn end_countdowns(&self) -> Result<(), Problem> {
        let open = self.store.requests(None, true, u32::MAX).await.map_err(|error| store_problem(&error))?;
        for request in open.iter().filter(|one| matches!(one.state, RequestState::Counting { .. })) {
            self.void(request, VoidCode::ConsoleEnded).await?;
        }
        Ok(())
    }
}
