//! Random histories of requests, edits, approvals, expiries, withdrawals, changes of roles and of the policy, clocks that are
//! set back, crashes and double clicks: nothing that needs an agreement runs without a valid one of somebody else, or a countdown.
//!
//! Ten thousand are played on the model's gate, some of them on the real database beside it, answer for answer.

use crate::histories_dice::{Counts, Dice, Named, WORDS, seed};
use crate::histories_judge::{Judge, Ran, needs};
use crate::histories_ports::{ACCOUNTS, Answer, Beside, Memory, Port, Start};
use crate::support::{at, cluster};
use model::approval::{Blast, Request, RequestEvent, RequestState, Seen, Subject, VoidCode};
use model::digest::Digest;
use model::ids::{NodeId, OperationId, RequestId};
use model::plan::{Intent, MaterialFacts, Plan};
use model::policy::{Agreement, Demand, Policy, Row};
use model::risk::Risk;
use model::role::Role;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

const HISTORIES: u64 = 10_000;
/// Those that the database plays too; many more where there is time.
const ON_DISK: u64 = 40;
const ON_DISK_LONG: u64 = 1_000;
const STEPS: u32 = 60;

/// One history on one port.
struct Play<P> {
    port: P,
    dice: Dice,
    judge: Judge,
    now: i64,
    /// Grows when somebody edits what the plan is made of, or the world moves.
    plans: [u32; 3],
    facts: u32,
    requests: Vec<Request>,
    /// What one person ran alone: somebody else is to look at it afterwards.
    alone: Vec<Request>,
    running: Option<OperationId>,
    next_id: u128,
}

impl<P: Port> Play<P> {
    fn new(port: P, seed: u64) -> Self {
        let judge = Judge::new(&ACCOUNTS);
        let (dice, plans) = (Dice(seed), [0; 3]);
        Self {
            port,
            dice,
            judge,
            now: 0,
            plans,
            facts: 0,
            requests: Vec::new(),
            alone: Vec::new(),
            running: None,
            next_id: 1_000,
        }
    }

    fn id(&mut self) -> Uuid {
        self.next_id += 1;
        Uuid::from_u128(self.next_id)
    }

    /// The plan of a kind in the world of now.
    fn plan(&self, kind: usize) -> Plan {
        let (intent, risk) = match kind {
            0 => (Intent::JoinNodes { joiners: vec![], member: node(), links: vec![] }, Risk::Disruptive),
            1 => (Intent::Withdraw { leave: vec![] }, Risk::Destructive),
            _ => (
                Intent::SetUpQdevice { host: node(), address: IpAddr::V4(Ipv4Addr::LOCALHOST), against_advice: false },
                Risk::Reversible,
            ),
        };
        Plan {
            cluster: cluster(1).id,
            intent,
            risk,
            target: format!("version {}", self.plans[kind]),
            steps: Vec::new(),
            consequences: Vec::new(),
            facts: MaterialFacts { cluster_name: None, config_version: None, members: vec![], expected_votes: None },
            acknowledged: Vec::new(),
        }
    }

    fn facts(&self) -> (Vec<model::approval::FactLine>, Digest) {
        let line = model::approval::FactLine {
            code: model::approval::FactCode::ConfigVersion,
            about: String::new(),
            value: Some(self.facts.to_string()),
        };
        let lines = vec![line];
        let digest = model::approval::facts_digest(&lines).expect("digest");
        (lines, digest)
    }

    fn seen(&self, kind: usize) -> Seen {
        Seen { digest: self.plan(kind).digest().expect("digest"), facts: self.facts().1 }
    }

    async fn step(&mut self, counts: &mut Counts) {
        let (word, answer) = match self.dice.below(33) {
            0..=3 => ("ask", self.ask().await),
            4 => ("ask for a policy", self.ask_policy().await),
            5..=8 => self.decide("approve").await,
            9 => self.decide("reject").await,
            10 => self.decide("withdraw").await,
            11..=14 => self.start("use").await,
            15..=16 => self.decide("break glass").await,
            17 => self.decide("stop").await,
            18..=20 => self.start("run out").await,
            21 | 30 | 31 => self.decide("review").await,
            22 => self.decide("expire").await,
            23 => ("run plainly", self.run_plainly().await),
            24 => self.decide("apply alone").await,
            25 => ("the world moves", self.world_moves().await),
            26 => ("accounts change", self.accounts_change().await),
            27 => ("crash", self.crash().await),
            32 => ("the clock goes back", self.clock_goes_back().await),
            _ => self.two_at_once().await,
        };
        counts.add(word, answer);
        self.now += self.dice.of(&[1, 1, 5, 20, 61, 61, 300, 901, 86_401]) / if self.dice.one_in(3) { 1 } else { 20 };
        if self.dice.one_in(3)
            && let Some(id) = self.running.take()
        {
            self.port.end(id).await;
        }
    }

    async fn ask(&mut self) -> Answer {
        let kind = self.dice.below(3);
        let (facts, _) = self.facts();
        let subject = Subject::Plan {
            plan: Box::new(self.plan(kind)),
            seen: self.seen(kind),
            facts,
            around: Vec::new(),
            blast: Blast::default(),
        };
        self.add(subject, Agreement::AnotherApprover, &["olga", "Omar", "paul", "ada"]).await
    }

    async fn ask_policy(&mut self) -> Answer {
        let before = self.port.policy().await;
        let mut after = Policy { protected: self.dice.one_in(2), ..Policy::default() };
        let row = Row { agreement: self.dice.of(&Demand::ALL), ..Row::shipped(Risk::Disruptive) };
        let _ = match self.dice.below(4) {
            0 => after.classes.insert(self.dice.of(&Risk::ALL), row),
            1 => after.actions.insert("withdraw".into(), row),
            _ => None,
        };
        let digest = |policy: &Policy| policy.digest().expect("digest");
        let seen = Seen { digest: digest(&after), facts: digest(&before) };
        self.add(Subject::Policy { before, after, seen }, Agreement::AnotherAdmin, &["ada", "alan"]).await
    }

    async fn add(&mut self, subject: Subject, agreement: Agreement, who: &[&str]) -> Answer {
        let request = Request {
            id: RequestId::from_uuid(self.id()),
            cluster: cluster(1).id,
            cluster_name: "pve-1".into(),
            subject,
            agreement,
            requested_by: self.dice.of(who).to_owned(),
            requested_at: at(self.now),
            reason: "test".into(),
            state: RequestState::Waiting,
        };
        self.port.add(&request).await?;
        self.judge.asked(&request, self.now);
        self.requests.push(request);
        Ok(())
    }

    /// Mostly one of the newest, now and then any.
    fn some_request(&mut self) -> Option<Request> {
        let count = self.requests.len();
        let back = if self.dice.one_in(4) { count } else { count.min(3) };
        (count > 0).then(|| self.requests[count - 1 - self.dice.below(back)].clone())
    }

    fn kind_of(request: &Request) -> Option<usize> {
        Some(match request.subject.plan()?.intent {
            Intent::JoinNodes { .. } => 0,
            Intent::Withdraw { .. } => 1,
            _ => 2,
        })
    }

    async fn decide(&mut self, word: &'static str) -> (&'static str, Answer) {
        let alone = if word == "review" { self.alone.last().cloned() } else { None };
        let Some(request) = alone.or_else(|| self.some_request()) else { return (word, Err("nothing there".into())) };
        let (actor, event) = self.click(word, &request);
        let policy = self.port.policy().await;
        let answer = self.port.decide(request.id, &actor, &event, at(self.now)).await;
        if answer.is_ok() {
            self.note(&request, &actor, &event, &policy);
        }
        (word, answer)
    }

    /// Who presses what, as the plan and the world are now.
    fn click(&mut self, word: &str, request: &Request) -> (String, RequestEvent) {
        let kind = Self::kind_of(request);
        let seen = kind.map_or_else(|| request.subject.seen().clone(), |kind| self.seen(kind));
        let (own, any) = (request.requested_by.clone(), self.dice.of(&ACCOUNTS).0.to_owned());
        let comment = "because".to_owned();
        match word {
            "approve" => (any, RequestEvent::Approve { seen, comment }),
            "reject" => (any, RequestEvent::Reject { comment }),
            "withdraw" => (own, RequestEvent::Withdraw),
            "break glass" => (own, RequestEvent::BreakGlass { fresh: !self.dice.one_in(5) }),
            "stop" => (any, RequestEvent::Stop),
            "review" => (any, RequestEvent::Review { comment }),
            "expire" => ("system".to_owned(), RequestEvent::Expire),
            _ => (own, RequestEvent::ApplyAlone { seen }),
        }
    }

    /// Two people press two things about one request at the same moment.
    async fn two_at_once(&mut self) -> (&'static str, Answer) {
        let Some(request) = self.some_request() else { return ("two at once", Err("nothing there".into())) };
        let words = ["approve", "approve", "reject", "withdraw", "break glass", "stop", "expire", "apply alone"];
        let clicks = [(); 2].map(|()| {
            let word = self.dice.of(&words);
            self.click(word, &request)
        });
        let policy = self.port.policy().await;
        let (answers, order) = self.port.decide_both(request.id, &clicks, at(self.now)).await;
        let went: Vec<usize> = order.into_iter().filter(|which| answers[*which].is_ok()).collect();
        for which in &went {
            let (actor, event) = &clicks[*which];
            self.note(&request, actor, event, &policy);
        }
        match went.len() {
            0 => ("two at once", Err("neither".into())),
            1 => ("one of two at once", Ok(())),
            _ => ("both of two at once", Ok(())),
        }
    }

    fn note(&mut self, request: &Request, actor: &str, event: &RequestEvent, policy: &Policy) {
        match event {
            RequestEvent::Approve { seen, .. } => {
                let plan = request.subject.plan();
                let needs = plan
                    .map_or(crate::histories_judge::Needs::Nobody, |plan| needs(policy, plan.intent.word(), plan.risk));
                let now = (seen.digest.as_str(), seen.facts.as_str());
                self.judge.approved(request, actor, self.now, needs, now);
            }
            RequestEvent::BreakGlass { .. } => self.judge.glass(request.id, actor, self.now),
            RequestEvent::Review { .. } => self.judge.reviewed(request.id, actor),
            _ => self.judge.over(request.id),
        }
    }

    async fn start(&mut self, word: &'static str) -> (&'static str, Answer) {
        let Some(request) = self.some_request() else { return (word, Err("nothing there".into())) };
        let Some(kind) = Self::kind_of(&request) else { return (word, Err("no plan".into())) };
        let operation = OperationId::from_uuid(self.id());
        let (seen, plan) = (self.seen(kind), self.plan(kind));
        let by = if self.dice.one_in(4) { self.dice.of(&ACCOUNTS).0.to_owned() } else { request.requested_by.clone() };
        let event = match word {
            "use" => RequestEvent::Use { seen: seen.clone(), operation },
            _ => RequestEvent::RunOut { seen: seen.clone(), operation },
        };
        let start = Start { id: operation, plan: &plan, by: &by, now: at(self.now) };
        let policy = self.port.policy().await;
        let answer = self.port.start_agreed(request.id, &event, &start).await;
        if answer.is_ok() {
            self.ran(Some(request.id), &by, &plan, &policy, &seen);
            self.running = Some(operation);
            self.alone.extend((word == "run out").then_some(request));
        }
        (word, answer)
    }

    async fn run_plainly(&mut self) -> Answer {
        let kind = self.dice.below(3);
        let (plan, id, seen) = (self.plan(kind), OperationId::from_uuid(self.id()), self.seen(kind));
        let policy = self.port.policy().await;
        self.port.start_plain(&Start { id, plan: &plan, by: "olga", now: at(self.now) }).await?;
        self.ran(None, "olga", &plan, &policy, &seen);
        self.running = Some(id);
        Ok(())
    }

    fn ran(&mut self, request: Option<RequestId>, by: &str, plan: &Plan, policy: &Policy, seen: &Seen) {
        self.judge.ran(&Ran {
            request,
            by,
            at: self.now,
            digest: seen.digest.as_str(),
            facts: seen.facts.as_str(),
            intent: plan.intent.word(),
            risk: plan.risk,
            policy,
        });
    }

    async fn world_moves(&mut self) -> Answer {
        match self.dice.below(3) {
            0 => self.facts += 1,
            1 => self.plans[self.dice.below(3)] += 1,
            // And back again: what was void stays void, what was only not run may run.
            _ => self.facts = self.facts.saturating_sub(1),
        }
        Ok(())
    }

    /// By a correction, or set.
    async fn clock_goes_back(&mut self) -> Answer {
        self.now -= self.dice.of(&[1, 30, 60, 61, 600, 3_600, 86_401]);
        Ok(())
    }

    async fn accounts_change(&mut self) -> Answer {
        let (name, first) = self.dice.of(&ACCOUNTS);
        if self.dice.one_in(8) {
            if self.port.disable(name).await {
                self.judge.role(name, None);
            }
        } else if !self.judge.is_disabled(name) {
            // Half of them get back what they had: else soon nobody may anything.
            let role = if self.dice.one_in(2) { first } else { self.dice.of(&Role::ALL) };
            if self.port.set_role(name, role).await {
                self.judge.role(name, Some(role));
            }
        }
        Ok(())
    }

    /// The console ends and starts again: countdowns that nobody could see are void.
    async fn crash(&mut self) -> Answer {
        self.port.crash().await;
        for request in self.requests.clone() {
            let void = RequestEvent::Void { why: VoidCode::ConsoleEnded };
            if self.judge.is_counting(request.id)
                && self.port.decide(request.id, "system", &void, at(self.now)).await.is_ok()
            {
                self.judge.over(request.id);
            }
        }
        Ok(())
    }
}

fn node() -> NodeId {
    NodeId::from_uuid(Uuid::from_u128(1))
}

async fn play<P: Port>(port: P, seed: u64, counts: &mut Counts) {
    let _named = Named(seed);
    let mut play = Play::new(port, seed);
    for _ in 0..STEPS {
        play.step(counts).await;
    }
    counts.plain += play.judge.ran_plain;
    counts.agreed += play.judge.ran_agreed;
    counts.alone += play.judge.ran_alone;
}

#[tokio::test]
async fn in_ten_thousand_histories_nothing_runs_without_somebody_elses_agreement() {
    let mut counts = Counts::default();
    for number in 0..HISTORIES {
        play(Memory::new(), seed().wrapping_add(number), &mut counts).await;
    }
    counts.report("10,000 histories");
    // A test in which nothing happens proves nothing.
    assert!(counts.plain > 1_000 && counts.agreed > 1_000 && counts.alone > 100);
    assert_eq!(counts.rarely(&WORDS, 50), [""; 0], "these hardly ever happened");
    assert!(counts.refusals() > 40, "so few reasons were given for a no");
}

#[tokio::test]
async fn the_database_answers_as_the_model_does_also_when_everything_is_pressed_twice() {
    let histories = if std::env::var_os("QUORATE_LONG_TESTS").is_some() { ON_DISK_LONG } else { ON_DISK };
    let mut counts = Counts::default();
    let mut open = cluster(1);
    open.protected = false;
    for number in 0..histories {
        play(Beside::new(&open).await, seed().wrapping_add(number), &mut counts).await;
    }
    counts.report("histories on the database");
    assert!(counts.agreed > 0 && counts.plain > 0);
    assert_eq!(counts.rarely(&["approve", "one of two at once"], 1), [""; 0]);
}
