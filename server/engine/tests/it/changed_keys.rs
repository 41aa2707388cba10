//! Another host key on a machine from each step's first moment on: nothing is asked of it any more until a person has looked.

use crate::house::{House, anna};
use crate::look;
use crate::works::Work;
use jiff::Timestamp;
use lab::{Fault, Inspection, Lab};
use model::audit::{AuditCode, AuditEntry};
use model::operation::{Operation, OperationState, StepEvent};
use model::problem::{Problem, ProblemCode};
use std::sync::{Arc, Mutex};

/// More answers of one machine than any of these operations needs.
const ANSWERS_MAX: u32 = 500;

/// How everything was when the keys changed.
struct Moment {
    at: Timestamp,
    truth: Inspection,
    /// Bytes that were asked of any machine until then.
    asked: usize,
}

/// An operation that met other keys from this moment on.
struct Met {
    house: House,
    operation: Operation,
    moment: Moment,
}

impl Met {
    async fn at_step(work: Work, index: u16, machines: &[String]) -> Self {
        let house = work.house().await;
        let intent = work.intent(&house).await;
        house.lab.overhear();
        let moment = Arc::new(Mutex::new(None));
        house.console.fence.after(move |entry| entry.step == index && entry.event == StepEvent::Started, {
            let (lab, clock, machines) = (house.lab.clone(), Arc::clone(&house.engine().clock), machines.to_vec());
            let moment = Arc::clone(&moment);
            move || {
                change_keys(&lab, &machines);
                let (truth, asked) = (lab.inspect(), lab.overheard().len());
                *moment.lock().expect("no panic") = Some(Moment { at: clock.now(), truth, asked });
            }
        });
        let operation = house.run(&intent).await;
        let moment = moment.lock().expect("no panic").take().expect("the step was begun");
        Self { house, operation, moment }
    }

    /// Why it stands, at the step that had only just begun.
    fn stands_at(&self, index: u16) -> &Problem {
        match &self.operation.state {
            OperationState::Parked { step, problem } if *step == index => {
                assert_eq!(problem.code, ProblemCode::HostKeyChanged, "{problem}");
                problem
            }
            other => panic!("step {index}: {other:?}"),
        }
    }

    /// By the console's own books, and by the test's own look at the machines.
    async fn asked_nothing_of(&self, name: &str) {
        let (house, moment) = (&self.house, &self.moment);
        let kept = house.store().evidence_of(house.cluster, Some(name), ANSWERS_MAX).await.expect("evidence");
        let later: Vec<&str> = kept.iter().filter(|one| one.at > moment.at).map(|one| one.command.as_str()).collect();
        assert!(later.is_empty(), "{name} was asked {later:?}");
        let audit: Vec<AuditEntry> = look::audit_is_whole(house).await.into_iter().map(|one| one.entry).collect();
        let changes = |entry: &&AuditEntry| entry.code == AuditCode::CommandStarted && entry.at > moment.at;
        let begun: Vec<&AuditEntry> = audit.iter().filter(changes).collect();
        assert!(begun.is_empty(), "{begun:#?}");
        let noted = |entry: &&AuditEntry| {
            entry.code == AuditCode::HostKeyMismatch && entry.node.as_deref() == Some(name) && entry.at >= moment.at
        };
        assert_eq!(audit.iter().filter(noted).count(), 1, "it is written down once");
        let truth = house.lab.inspect();
        for (other, node) in &moment.truth.nodes {
            assert_eq!(truth.nodes[other].ran, node.ran, "on {other}");
        }
        assert_eq!(truth.nodes[name].units, moment.truth.nodes[name].units);
        assert_eq!(truth.nodes[name].nodelist, moment.truth.nodes[name].nodelist);
    }
}

/// As after a new installation: who is connected is not any more.
fn change_keys(lab: &Lab, machines: &[String]) {
    for node in machines {
        lab.inject(Fault::ChangeHostKey { node: node.clone() }).expect("another key");
        lab.inject(Fault::DropConnections { node: node.clone() }).expect("nobody is connected");
    }
}

/// Every step of a work, each with another key on its own machine; once a person has confirmed that one it ends well.
async fn every_step(work: Work) {
    let plan = work.plan(&work.house().await).await;
    for (index, step) in (0u16..).zip(&plan.steps) {
        let name = step.node_name.clone();
        eprintln!("{work:?}: another key of {name} from the beginning of step {index}");
        let met = Met::at_step(work, index, std::slice::from_ref(&name)).await;
        assert_eq!(met.stands_at(index).params.get("node"), Some(&name));
        met.asked_nothing_of(&name).await;
        goes_on(work, &met, index, &name).await;
    }
}

async fn goes_on(work: Work, met: &Met, index: u16, name: &str) {
    let (house, id) = (&met.house, met.operation.id);
    house.engine().resume(&anna(), id).await.expect("a look");
    let operation = house.ended(id).await;
    let OperationState::Parked { step, problem } = &operation.state else { panic!("{:?}", operation.state) };
    assert_eq!((*step, problem.code), (index, ProblemCode::HostKeyChanged), "nobody has confirmed it: {problem}");
    met.asked_nothing_of(name).await;
    confirmed(house, name).await;
    house.engine().resume(&anna(), id).await.expect("it goes on");
    look::is_done(house, &house.ended(id).await).await;
    look::audit_is_whole(house).await;
    work.check(house);
}

/// A person confirms the new key, and the console looks whether it is let in, as the page has it done.
async fn confirmed(house: &House, name: &str) {
    house.pin(&house.node(name).await).await;
    house.engine().try_log_in(&house.node(name).await).await.expect("it is let in");
}

/// With another key on every machine that lives nothing at all is asked of any. Nobody is watched before the first step.
async fn everywhere(work: Work) {
    let lives: Vec<String> = {
        let house = work.house().await;
        house.lab.nodes().into_iter().filter(|info| info.alive).map(|info| info.name).collect()
    };
    let met = Met::at_step(work, 0, &lives).await;
    met.stands_at(0);
    let (house, id) = (&met.house, met.operation.id);
    let asked = house.lab.overheard();
    let later = String::from_utf8_lossy(&asked[met.moment.asked..]).into_owned();
    assert!(later.is_empty(), "asked over a key that nobody knows: {later}");
    for name in &lives {
        confirmed(house, name).await;
    }
    house.engine().resume(&anna(), id).await.expect("it goes on");
    look::is_done(house, &house.ended(id).await).await;
    assert!(house.lab.overheard().len() > asked.len(), "what is asked is heard");
    work.check(house);
}

macro_rules! other_keys {
    ($($module:ident: $work:expr;)*) => {
        $(mod $module {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn the_machine_of_a_step_shows_another_key() {
                every_step($work).await;
            }

            #[tokio::test(start_paused = true)]
            async fn every_machine_shows_another_key() {
                everywhere($work).await;
            }
        })*
    };
}

other_keys! {
    create: Work::Create;
    qdevice: Work::Qdevice;
    expected: Work::Expected;
}
