//! What has to be true of the database and the nodes, whatever happened.

use crate::fence::held;
use crate::house::House;
use engine::audit::DETAIL_STARTED;
use engine::ports::{AuditStore, OperationStore};
use lab::Inspection;
use model::audit::{AuditCode, AuditEntry, ChainState, ChainedEntry};
use model::operation::{Operation, OperationState, StepEvent, StepStatus};
use std::collections::BTreeMap;

/// What may run only once on each node, and what `pvecm add` runs on the member.
pub const ONCE: [&str; 4] = ["pvecm create", "pvecm add", "pvecm qdevice setup", "pvecm qdevice remove"];

/// The audit is whole, and every command that was started has exactly one end, said to be unknown or not.
pub async fn audit_is_whole(house: &House) -> Vec<ChainedEntry> {
    let state = held(house.raw().verify()).await.expect("the audit can be read");
    let entries = house.audit().await;
    let ChainState::Whole { entries: count, .. } = state else { panic!("{state:?}") };
    assert_eq!(count, entries.len() as u64);
    let mut open: BTreeMap<u64, AuditEntry> = BTreeMap::new();
    for one in &entries {
        match one.entry.code {
            AuditCode::CommandStarted => {
                open.insert(one.index, one.entry.clone());
            }
            AuditCode::CommandFinished | AuditCode::OutcomeUnknown => {
                let of: u64 = one.entry.details.get(DETAIL_STARTED).expect("a pair").parse().expect("an index");
                let started = open.remove(&of).unwrap_or_else(|| panic!("ends what never began: {one:?}"));
                assert_eq!(started.command, one.entry.command);
                assert_eq!(started.node, one.entry.node);
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "commands without an end: {open:#?}");
    entries
}

/// Done, every step proven, the journal in order and without a gap.
pub async fn is_done(house: &House, operation: &Operation) {
    assert_eq!(operation.state, OperationState::Done, "{:#?}", operation.steps);
    let proven = operation.steps.iter().all(|step| matches!(step, StepStatus::Proven { .. }));
    assert!(proven, "{:#?}", operation.steps);
    let journal = held(house.raw().journal_of(operation.id)).await.expect("the journal");
    for (index, status) in (0u16..).zip(&operation.steps) {
        let events: Vec<StepEvent> =
            journal.iter().filter(|entry| entry.step == index).map(|entry| entry.event.clone()).collect();
        assert_eq!(events.first(), Some(&StepEvent::Started), "step {index}");
        let StepStatus::Proven { already, .. } = status else { panic!("step {index} is {status:?}") };
        assert_eq!(events.last(), Some(&StepEvent::Proven { already: *already }), "step {index}");
        assert!(*already || events.contains(&StepEvent::Acted), "step {index}: {events:?}");
    }
    let order: Vec<u16> = journal.iter().map(|entry| entry.step).collect();
    assert!(order.is_sorted(), "steps ran in another order: {order:?}");
}

/// No command that may run only once has run twice on any node.
pub fn nothing_ran_twice(truth: &Inspection) {
    for (name, node) in &truth.nodes {
        for command in ONCE {
            assert!(node.ran(command) <= 1, "{command} ran {} times on {name}", node.ran(command));
        }
    }
}

/// All nodes are in one quorate partition, and every database names the same nodes with the same addresses.
pub fn one_cluster(truth: &Inspection, names: &[&str]) {
    let partition = truth.partitions.iter().find(|one| one.nodes.contains(names[0])).expect("a partition");
    assert!(partition.quorate, "{partition:?}");
    assert_eq!(partition.nodes.iter().map(String::as_str).collect::<Vec<_>>(), names);
    for name in names {
        let node = &truth.nodes[*name];
        assert_eq!(node.nodelist.keys().map(String::as_str).collect::<Vec<_>>(), names, "as {name} has it");
        assert_eq!(node.nodelist, truth.nodes[names[0]].nodelist, "as {name} has it");
    }
}

/// Every step that had something to do ran exactly the commands that the person saw, in their order, and nothing else.
pub fn ran_what_was_shown(operation: &Operation, entries: &[ChainedEntry]) {
    // What standard input holds is written differently before and after: there it stands, here its length.
    let words = |line: &str| line.split(" <").next().unwrap_or_default().to_owned();
    let id = operation.id.as_uuid().simple().to_string();
    for (index, (step, status)) in (0u16..).zip(operation.plan.steps.iter().zip(&operation.steps)) {
        let already = matches!(status, StepStatus::Proven { already: true, .. });
        let shown = step.commands.iter().map(|line| words(&line.replace("<operation>", &id)));
        let shown: Vec<String> = if already { Vec::new() } else { shown.collect() };
        let ran: Vec<String> = entries
            .iter()
            .map(|one| &one.entry)
            .filter(|entry| entry.code == AuditCode::CommandFinished)
            .filter(|entry| entry.operation == Some(operation.id) && entry.step == Some(index))
            .filter_map(|entry| entry.command.as_deref().map(words))
            .collect();
        assert_eq!(ran, shown, "step {index}, {}", step.action.word());
    }
}
