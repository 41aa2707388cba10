//! A table, the same everywhere: it scrolls by itself where the page is narrow, and tells those who hear it what it lists.

use crate::reactive::part;
use leptos::prelude::*;

/// The head of one column.
#[derive(Clone, Copy)]
pub struct Column {
    words: Signal<String>,
    /// Figures stand under each other by their last digit.
    number: bool,
    /// Only heard: a column of buttons needs no heading to be seen.
    heard: bool,
}

impl Column {
    #[must_use]
    pub const fn text(words: Signal<String>) -> Self {
        Self { words, number: false, heard: false }
    }

    #[must_use]
    pub const fn number(words: Signal<String>) -> Self {
        Self { words, number: true, heard: false }
    }

    #[must_use]
    pub const fn heard(words: Signal<String>) -> Self {
        Self { words, number: false, heard: true }
    }
}

/// A table with these rows.
#[component]
pub fn Table(
    /// What is listed; heard, and seen where it is `captioned`.
    caption: Signal<String>,
    #[prop(optional)] captioned: bool,
    /// A class beside that of all tables.
    #[prop(optional)]
    class: &'static str,
    columns: Vec<Column>,
    /// The rows.
    children: Children,
) -> impl IntoView {
    let heads = columns.into_iter().map(head).collect_view();
    view! {
        <div class="table-scroll">
            <table class=format!("table {class}")>
                <caption class=(!captioned).then_some("visually-hidden")>{part(move || caption.get())}</caption>
                <thead><tr>{heads}</tr></thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn head(Column { words, number, heard }: Column) -> AnyView {
    let hidden = heard.then_some("visually-hidden");
    view! {
        <th scope="col" class=number.then_some("number")><span class=hidden>{part(move || words.get())}</span></th>
    }
    .into_any()
}
