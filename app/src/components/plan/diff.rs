//! A file before and after, line by line.

use crate::i18n::*;
use leptos::prelude::*;
use model::plan::Action;
use model::remedy::{DiffKind, DiffLine, diff};

/// What a step writes into a file, where the plan holds the whole of it.
#[must_use]
pub fn file_change(action: &Action) -> Option<AnyView> {
    match action {
        Action::ReplaceHosts { old, new, .. } | Action::RestoreHosts { old, new } => {
            Some(view! { <Diff file="/etc/hosts".to_owned() old=old.clone() new=new.clone()/> }.into_any())
        }
        Action::AllowLinks { name, old, new } => {
            let file = format!("/etc/pve/nodes/{name}/host.fw");
            let (old, new) = (old.clone().unwrap_or_default(), new.clone().unwrap_or_default());
            Some(view! { <Diff file old new/> }.into_any())
        }
        _ => None,
    }
}

/// What goes is marked with `-`, what comes with `+`; those who listen hear a word before each such line.
#[component]
fn Diff(file: String, old: String, new: String) -> impl IntoView {
    let i18n = use_i18n();
    let lines = diff(&old, &new).into_iter().map(|line| view! { <Line line/> }).collect_view();
    view! {
        <figure class="code diff">
            <figcaption class="code-head"><code>{text!(i18n, wizard.diff_change, file = file.clone())}</code></figcaption>
            <pre tabindex="0">{lines}</pre>
        </figure>
    }
    .into_any()
}

#[component]
fn Line(line: DiffLine) -> impl IntoView {
    let i18n = use_i18n();
    let DiffLine { kind, text } = line;
    // The mark is read as punctuation, or not at all: the word stands before the line.
    match kind {
        DiffKind::Same => view! { <span class="code-line">"  "{text}"\n"</span> }.into_any(),
        DiffKind::Gone => view! {
            <del class="code-line diff-gone">
                <span class="visually-hidden">{word!(i18n, wizard.diff_gone)}" "</span>
                <span aria-hidden="true">"- "</span>
                {text}"\n"
            </del>
        }
        .into_any(),
        DiffKind::New => view! {
            <ins class="code-line diff-new">
                <span class="visually-hidden">{word!(i18n, wizard.diff_new)}" "</span>
                <span aria-hidden="true">"+ "</span>
                {text}"\n"
            </ins>
        }
        .into_any(),
    }
}
