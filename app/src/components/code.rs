//! What a machine printed, as it printed it. Text nodes only: nothing of it is ever read as markup.

use super::age::When;
use crate::i18n::*;
use crate::reactive::part;
use leptos::prelude::*;
use model::observation::Evidence;

/// A command with its output, node, time and duration; the guilty lines are marked.
#[component]
pub fn CodeBlock(evidence: Evidence) -> impl IntoView {
    let i18n = use_i18n();
    let Evidence { node, command, exit, at, millis, lines, cut } = evidence;
    let printed = lines
        .into_iter()
        .map(|line| {
            // A mark that is only a colour would be lost on some readers: the word stands before the line.
            let mark =
                line.guilty.then(|| view! { <span class="visually-hidden">{word!(i18n, common.this_line)}" "</span> });
            view! { <span class="code-line" class:code-guilty=line.guilty>{mark}{line.text}"\n"</span> }
        })
        .collect_view();
    let ended = part(move || match exit {
        Some(code) => said!(i18n, common.exit_code, code = code).to_string(),
        None => "…".to_owned(),
    });
    view! {
        <figure class="code">
            <figcaption class="code-head">
                <code>"$ "{command}</code>
                <span class="muted">{node}" · "<When at/>" · "{millis}" ms · "{ended}</span>
            </figcaption>
            <pre tabindex="0">{printed}{cut.then(|| view! { <span class="muted">{word!(i18n, common.lines_cut)}</span> })}</pre>
        </figure>
    }
    .into_any()
}

/// Plain lines in a box, for commands and keys.
#[component]
pub fn Lines(#[prop(into)] text: Signal<String>) -> impl IntoView {
    view! { <pre class="code code-plain" tabindex="0">{part(move || text.get())}</pre> }.into_any()
}
