//! The matrix by groups: what needs somebody is in sight, worst first; what passed is folded away.

use super::grid::{Answer, Chosen, Column, Grid, Line};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::words::{Words, use_words};
use leptos::prelude::*;
use model::preflight::{CheckGroup, CheckId, Matrix, Verdict};

/// All groups, in their order.
#[component]
pub fn CheckGroups(matrix: Memo<Option<Matrix>>, running: Signal<bool>, chosen: Chosen) -> impl IntoView {
    let groups = CheckGroup::ALL.iter().map(|group| view! { <Group group=*group matrix running chosen/> });
    view! { <div class="stack">{groups.collect_view()}</div> }
}

#[component]
fn Group(group: CheckGroup, matrix: Memo<Option<Matrix>>, running: Signal<bool>, chosen: Chosen) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let name = derived(move || words.plain("group", group.as_str()));
    let columns = memo(move |_| matrix.with(|one| one.as_ref().map(columns).unwrap_or_default()));
    let split = memo(move |_| matrix.with(|one| one.as_ref().map(|one| lines(group, words, one)).unwrap_or_default()));
    let open = memo(move |_| split.with(|(open, _)| open.clone()));
    let rest = memo(move |_| split.with(|(_, rest)| rest.clone()));
    let none_open = memo(move |_| open.with(Vec::is_empty));
    let none_folded = memo(move |_| rest.with(Vec::is_empty));
    let folded = derived(move || {
        let done = rest.with(|all| all.iter().filter(|line| line.answers.iter().all(Option::is_some)).count());
        let waiting = rest.with(Vec::len) - done;
        match waiting {
            0 => said!(i18n, wizard.checks_folded, count = done).to_string(),
            _ => said!(i18n, wizard.checks_folded_waiting, count = done, waiting = waiting).to_string(),
        }
    });
    let question = text!(i18n, wizard.check);
    view! {
        <section class="check-group" aria-label=move || name.get()>
            <h3>{part(move || name.get())}</h3>
            <Show when=move || !none_open.get()>
                <Grid label=name question columns lines=open waiting=running chosen/>
            </Show>
            <details class="check-rest" hidden=move || none_folded.get()>
                <summary>{part(move || folded.get())}</summary>
                <Grid label=name question columns lines=rest waiting=running chosen/>
            </details>
        </section>
    }
}

/// The lines that need somebody, the worst first, and the others in their own order.
fn lines(group: CheckGroup, words: Words, matrix: &Matrix) -> (Vec<Line>, Vec<Line>) {
    let of_group = CheckId::ALL.iter().copied().filter(|check| check.group() == group);
    let all = of_group.map(|check| line(check, words.plain("check", check.as_str()), matrix));
    let (mut open, rest): (Vec<Line>, Vec<Line>) =
        all.partition(|line| worst(line).is_some_and(|verdict| verdict.blocks() || verdict == Verdict::Warn));
    open.sort_by_key(|line| std::cmp::Reverse(worst(line)));
    (open, rest)
}

fn worst(line: &Line) -> Option<Verdict> {
    line.answers.iter().flatten().map(|answer| answer.verdict).max()
}

fn columns(matrix: &Matrix) -> Vec<Column> {
    matrix.nodes.iter().map(|one| Column { label: one.label.clone(), first: one.first }).collect()
}

fn line(check: CheckId, name: String, matrix: &Matrix) -> Line {
    let answer = |node| {
        let cell = matrix.cells.iter().find(|cell| cell.check == check && cell.node == node)?;
        Some(Answer { verdict: cell.verdict, brief: cell.brief.clone() })
    };
    Line { key: check.as_str(), name, answers: matrix.nodes.iter().map(|one| answer(one.node)).collect() }
}
