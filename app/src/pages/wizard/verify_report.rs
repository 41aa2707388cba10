//! The printable proof: who says what, and where two say different things.

use super::context::Wizard;
use super::grid::{Answer, Chosen, Column, Grid, Line};
use crate::components::{Badge, Card, CodeBlock, Message, Tone, When};
use crate::i18n::*;
use crate::reactive::{derived, part};
use crate::words::use_words;
use leptos::prelude::*;
use model::preflight::Verdict;
use model::verify::{Verification, VerifyCell, VerifyCode};

#[component]
pub fn Report(found: Verification) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let wizard = Wizard::here();
    let chosen: Chosen = RwSignal::new(None);
    let at = found.at;
    let agreed = found.agreed;
    let nodes = found.rows.len();
    let verdict = if agreed {
        view! { <Message tone=Tone::Good><p role="status">{text!(i18n, wizard.verify_agreed, nodes = nodes)}</p></Message> }.into_any()
    } else {
        view! { <Message tone=Tone::Bad><p role="alert">{word!(i18n, wizard.verify_disagreed)}</p></Message> }
            .into_any()
    };
    let found = StoredValue::new(found);
    let columns = derived(move || found.with_value(columns));
    let lines = derived(move || {
        found.with_value(|found| {
            VerifyCode::ALL
                .iter()
                .map(|what| line(*what, words.plain("verify", what.as_str()), found))
                .collect::<Vec<_>>()
        })
    });
    let sentences = found
        .with_value(disagreements)
        .into_iter()
        .map(|(label, cell)| view! { <Sentence label cell/> })
        .collect_view();
    // On paper nothing opens: what is not green is printed with both sides.
    let paper =
        found.with_value(disagreements).into_iter().map(|(label, cell)| view! { <Proof label cell/> }).collect_view();
    let proof = part(move || {
        let (what, node) = chosen.get()?;
        let cell = found.with_value(|found| cell_of(found, VerifyCode::from_word(what)?, &node))?;
        Some(view! { <Proof label=node cell/> })
    });
    view! {
        <section class="wizard-report">
            <Card title=text!(i18n, wizard.report_title, name = wizard.name()) extra=view! { <When at/> }.into_any()>
                <div class="stack">
                    {verdict}
                    <Grid label=text!(i18n, wizard.verify_title) question=text!(i18n, wizard.verify_what) columns lines waiting=derived(|| false) chosen/>
                    <ul class="wizard-findings">{sentences}</ul>
                </div>
            </Card>
            <div class="no-print" aria-live="polite">{proof}</div>
            <div class="print-only stack">{paper}</div>
        </section>
    }
}

fn columns(found: &Verification) -> Vec<Column> {
    found.rows.iter().map(|row| Column { label: row.node.clone(), first: false }).collect()
}

fn line(what: VerifyCode, name: String, found: &Verification) -> Line {
    let answer = |cell: &VerifyCell| Answer { verdict: cell.verdict, brief: cell.brief.clone() };
    let answers = found.rows.iter().map(|row| row.cells.iter().find(|cell| cell.what == what).map(answer)).collect();
    Line { key: what.as_str(), name, answers }
}

fn cell_of(found: &Verification, what: VerifyCode, node: &str) -> Option<VerifyCell> {
    let row = found.rows.iter().find(|row| row.node == node)?;
    row.cells.iter().find(|cell| cell.what == what).cloned()
}

/// Every cell that is not green, with the node's label, in the order of the columns.
fn disagreements(found: &Verification) -> Vec<(String, VerifyCell)> {
    let all = found.rows.iter().flat_map(|row| row.cells.iter().map(|cell| (&row.node, cell)));
    all.filter(|(_, cell)| cell.verdict != Verdict::Pass).map(|(node, cell)| (node.clone(), cell.clone())).collect()
}

#[component]
fn Sentence(label: String, cell: VerifyCell) -> impl IntoView {
    let words = use_words();
    let what = cell.what.as_str();
    let word = derived(move || format!("{label} · {}", words.plain("verify", what)));
    let said = cell
        .disagreements
        .into_iter()
        .map(|one| view! { <span>{part(move || words.say("disagreement", one.code.as_str(), &one.params))}" "</span> })
        .collect_view();
    view! { <li><Badge tone=Tone::from(cell.verdict) word/>" "{said}</li> }
}

/// The node's own output, and the other side's where the two contradict each other.
#[component]
fn Proof(label: String, cell: VerifyCell) -> impl IntoView {
    let words = use_words();
    let what = cell.what.as_str();
    let title = {
        let label = label.clone();
        derived(move || format!("{}, {label}", words.plain("verify", what)))
    };
    let tone = Tone::from(cell.verdict);
    let verdict = cell.verdict.word();
    let word = derived(move || words.plain("verdict", verdict));
    let evidence = cell.evidence.clone().into_iter().map(|evidence| view! { <CodeBlock evidence/> }).collect_view();
    let sentence = (cell.verdict != Verdict::Pass).then(|| view! { <ul><Sentence label cell/></ul> });
    view! {
        <Card title extra=view! { <Badge tone word/> }.into_any()>
            <div class="stack">{sentence}{evidence}</div>
        </Card>
    }
}
