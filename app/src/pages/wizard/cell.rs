//! What is behind one cell: the sentence, the line that proves it, why it matters.

use super::context::Wizard;
use super::grid::Chosen;
use super::mending::{Offer, Opened};
use crate::api;
use crate::components::{Badge, Card, CodeBlock, Tone};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::use_words;
use leptos::prelude::*;
use leptos::task::spawn_local;
use model::preflight::{Cell, CheckId, Matrix, Verdict};

#[component]
pub fn CheckPanel(matrix: Memo<Option<Matrix>>, chosen: Chosen, opened: Opened) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let found = memo(move |_| {
        let (check, label) = chosen.get()?;
        let check = CheckId::from_word(check)?;
        let cell = matrix.with(|one| {
            let one = one.as_ref()?;
            let node = one.nodes.iter().find(|column| column.label == label)?.node;
            one.cells.iter().find(|cell| cell.check == check && cell.node == node).cloned()
        });
        Some((check, label, cell))
    });
    let proof = fetched(found);
    let content = part(move || {
        match found.get() {
        None => view! { <Card title=text!(i18n, wizard.panel_none)><p class="muted">{word!(i18n, wizard.panel_none_text)}</p></Card> }.into_any(),
        Some((check, label, cell)) => {
            let title = derived(move || words.plain("check", check.as_str()));
            let verdict = cell.as_ref().map(|cell| cell.verdict);
            let word = derived(move || format!("{label} · {}", verdict_word(words, i18n, verdict)));
            let tone = verdict.map_or(Tone::Act, Tone::from);
            let offer = cell.clone().map(|cell| view! { <Offer cell opened/> });
            view! {
                <Card title extra=view! { <Badge tone word/> }.into_any()>
                    <div class="stack">
                        {cell.map(|cell| {
                            // The answers of what passed come when somebody asks for them.
                            let whole = move || proof.get().filter(|one| one.check == cell.check && one.node == cell.node);
                            let shown = { let cell = cell.clone(); move || whole().unwrap_or_else(|| cell.clone()) };
                            view! { {part(move || view! { <Proof cell=shown()/> })} }
                        })}
                        {offer}
                        <h3>{word!(i18n, wizard.why_it_matters)}</h3>
                        <p>{part(move || words.plain("check", &format!("{}_why", check.as_str())))}</p>
                        <p class="faint small">
                            {word!(i18n, wizard.source)}" "{part(move || words.plain("check", &format!("{}_source", check.as_str())))}
                        </p>
                    </div>
                </Card>
            }
            .into_any()
        }
    }
    });
    view! { <div class="wizard-panel" aria-live="polite">{content}</div> }
}

/// The chosen cell with its raw answers, where the matrix came without them.
fn fetched(found: Memo<Option<(CheckId, String, Option<Cell>)>>) -> RwSignal<Option<Cell>> {
    let wizard = Wizard::here();
    let proof = RwSignal::new(None);
    Effect::new(move |_| {
        let Some((check, _, Some(cell))) = found.get() else { return };
        if cell.evidence.is_empty() {
            spawn_local(async move {
                if let Ok(whole) = api::check_proof(wizard.id, check, cell.node).await {
                    proof.set(Some(whole));
                }
            });
        } else {
            proof.set(None);
        }
    });
    proof
}

fn verdict_word(words: crate::words::Words, i18n: I18n, verdict: Option<Verdict>) -> String {
    verdict
        .map_or_else(|| said!(i18n, wizard.cell_running).to_owned(), |verdict| words.plain("verdict", verdict.word()))
}

#[component]
fn Proof(cell: Cell) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Cell { verdict, findings, evidence, .. } = cell;
    let fine = (findings.is_empty() && verdict == Verdict::Pass)
        .then(|| view! { <p class="text-good">{word!(i18n, wizard.nothing_found)}</p> });
    let sentences = findings
        .into_iter()
        .map(|finding| view! { <li>{part(move || words.say("finding", finding.code.as_str(), &finding.params))}</li> })
        .collect_view();
    let proof = evidence.into_iter().map(|evidence| view! { <CodeBlock evidence/> }).collect_view();
    view! {
        {fine}
        <ul class="wizard-findings">{sentences}</ul>
        {proof}
    }
}
