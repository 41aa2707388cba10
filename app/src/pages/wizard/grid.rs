//! A table of verdicts: rows are questions, columns are nodes, each cell opens its proof.

use crate::components::Tone;
use crate::i18n::*;
use crate::reactive::part;
use leptos::prelude::*;
use model::preflight::Verdict;

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What people call the node; two nodes never have one label.
    pub label: String,
    pub first: bool,
}

/// One answer; `None` in a row while it has not come in.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub verdict: Verdict,
    pub brief: Option<String>,
}

/// One question with its answers in the order of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Code of the question.
    pub key: &'static str,
    pub name: String,
    pub answers: Vec<Option<Answer>>,
}

/// The code and the node's label of the cell whose proof is shown.
pub type Chosen = RwSignal<Option<(&'static str, String)>>;

/// `waiting` says what an empty cell means: running, or never asked.
#[component]
pub fn Grid(
    #[prop(into)] label: Signal<String>,
    #[prop(into)] question: Signal<String>,
    #[prop(into)] columns: Signal<Vec<Column>>,
    #[prop(into)] lines: Signal<Vec<Line>>,
    #[prop(into)] waiting: Signal<bool>,
    chosen: Chosen,
) -> impl IntoView {
    let i18n = use_i18n();
    let head = part(move || {
        let column = |one: Column| {
            let mark = one.first.then(|| view! { <span class="faint">" "{word!(i18n, wizard.first_node_mark)}</span> });
            view! { <th scope="col">{one.label}{mark}</th> }
        };
        columns.get().into_iter().map(column).collect_view()
    });
    let body = part(move || {
        let columns = columns.get();
        lines.get().into_iter().map(|line| row(line, &columns, waiting, chosen)).collect_view()
    });
    view! {
        <div class="table-scroll grid-scroll" role="region" aria-label=move || label.get() tabindex="0">
            <table class="table grid">
                <thead><tr><th scope="col">{part(move || question.get())}</th>{head}</tr></thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
}

fn row(line: Line, columns: &[Column], waiting: Signal<bool>, chosen: Chosen) -> impl IntoView + use<> {
    let Line { key, name, answers } = line;
    let cells = columns
        .iter()
        .cloned()
        .zip(answers)
        .map(|(column, answer)| cell(key, &name, column, answer, waiting, chosen))
        .collect_view();
    let selected = move || chosen.with(|one| one.as_ref().is_some_and(|(code, _)| *code == key));
    view! {
        <tr aria-selected=move || selected().then_some("true")>
            <th scope="row">{name.clone()}</th>
            {cells}
        </tr>
    }
}

fn cell(
    key: &'static str,
    name: &str,
    column: Column,
    answer: Option<Answer>,
    waiting: Signal<bool>,
    chosen: Chosen,
) -> impl IntoView + use<> {
    let i18n = use_i18n();
    let words = crate::words::use_words();
    let label = StoredValue::new(column.label);
    let tone = answer.as_ref().map(|answer| Tone::from(answer.verdict));
    let word = move |verdict: Option<Verdict>| match verdict {
        Some(verdict) => words.plain("verdict", verdict.word()),
        None if waiting.get() => said!(i18n, wizard.cell_running).to_owned(),
        None => said!(i18n, wizard.cell_empty).to_owned(),
    };
    let verdict = answer.as_ref().map(|answer| answer.verdict);
    let brief = answer.and_then(|answer| answer.brief);
    let spoken = {
        let (name, brief) = (name.to_owned(), brief.clone());
        move || {
            let brief = brief.as_ref().map(|brief| format!(", {brief}")).unwrap_or_default();
            format!("{name}, {}: {}{brief}", label.get_value(), word(verdict))
        }
    };
    // A pass may be short; everything else says its word, because colour alone says nothing.
    let shown = part(move || match (&brief, verdict) {
        (Some(brief), _) => brief.clone(),
        (None, Some(Verdict::Pass)) => String::new(),
        (None, verdict) => word(verdict),
    });
    let pressed = move || {
        chosen.with(|one| one.as_ref().is_some_and(|(code, node)| *code == key && label.with_value(|own| own == node)))
    };
    view! {
        <td>
            <button
                type="button"
                class=move || format!("badge grid-cell badge-{}", tone.map_or(if waiting.get() { "act" } else { "plain" }, Tone::word))
                aria-pressed=move || pressed().to_string()
                aria-label=spoken
                on:click=move |_| chosen.set(Some((key, label.get_value())))
            >
                <span class="badge-icon" aria-hidden="true">{part(move || tone.map_or(if waiting.get() { "↻" } else { "·" }, Tone::icon))}</span>
                <span aria-hidden="true">{shown}</span>
            </button>
        </td>
    }
}
