//! What will run, where, how it is proven, and how it could be taken back.

use super::diff::file_change;
use crate::components::{Badge, Column, Table, Tone};
use crate::i18n::*;
use crate::reactive::{derived, part};
use crate::words::plan::{proof, risk_word};
use crate::words::use_words;
use leptos::prelude::*;
use model::plan::{Plan, Step};

/// How many groups of four digits of a digest people are shown.
const DIGEST_GROUPS: usize = 4;

/// `digest` is the plan's SHA-256 in hex; its first digits are shown, all of them in the tooltip.
#[component]
pub fn PlanSheet(plan: Plan, digest: String) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let risk = plan.risk;
    let word = derived(move || words.plain("risk", risk_word(risk)));
    let consequences = plan
        .consequences
        .into_iter()
        .map(|one| view! { <li>{part(move || words.say("consequence", one.code.as_str(), &one.params))}</li> })
        .collect_view();
    let rows = (1usize..).zip(plan.steps).map(|(number, step)| view! { <Row number step/> }).collect_view();
    let short = short_digest(&digest);
    let columns = vec![
        Column::text(derived(|| "#".to_owned())),
        Column::text(text!(i18n, wizard.plan_on)),
        Column::text(text!(i18n, wizard.plan_what)),
        Column::text(text!(i18n, wizard.plan_proof)),
        Column::text(text!(i18n, wizard.plan_undo)),
    ];
    view! {
        <div class="stack plan">
            <div class="row">
                <Badge tone=Tone::from(risk) word/>
                <span class="muted">{word!(i18n, wizard.plan_digest)}" "<code title=digest>{short}</code></span>
            </div>
            <div>
                <h3>{word!(i18n, wizard.plan_consequences)}</h3>
                <ul class="plan-consequences">{consequences}</ul>
            </div>
            <Table caption=text!(i18n, wizard.plan_steps) class="plan-table table-stacks" columns>
                {rows}
            </Table>
        </div>
    }
    .into_any()
}

fn short_digest(digest: &str) -> String {
    let groups: Vec<&str> = (0..DIGEST_GROUPS).filter_map(|group| digest.get(group * 4..group * 4 + 4)).collect();
    groups.join(" ")
}

#[component]
fn Row(number: usize, step: Step) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let Step { node_name, action, commands, .. } = step;
    let (word, undo) = (action.word(), action.undo().word());
    let as_unit = action.runs_as_unit().then(|| view! { <p class="muted small">{word!(i18n, wizard.plan_unit)}</p> });
    let change = file_change(&action);
    let commands =
        commands.into_iter().map(|line| view! { <pre class="plan-command" tabindex="0">{line}</pre> }).collect_view();
    view! {
        <tr>
            <td class="number">{number}</td>
            <th scope="row" class="nowrap">{node_name}</th>
            <td><p>{part(move || words.plain("action", word))}</p>{change}{commands}{as_unit}</td>
            <td data-label=move || said!(i18n, wizard.plan_proof)>{part(move || proof(i18n.get_locale(), &action))}</td>
            <td data-label=move || said!(i18n, wizard.plan_undo)>{part(move || words.plain("undo", undo))}</td>
        </tr>
    }
    .into_any()
}
