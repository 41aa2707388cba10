//! Lines as they are printed. They stream in; what is there already is not drawn again.

use crate::i18n::*;
use crate::reactive::memo;
use leptos::html;
use leptos::prelude::*;
use model::operation::OutputLine;

/// How near to the end counts as being there, in pixels.
const END_PX: i32 = 40;

/// The box follows its end until the reader scrolls up.
#[component]
pub fn Output(#[prop(into)] lines: Signal<Vec<OutputLine>>) -> impl IntoView {
    let i18n = use_i18n();
    let nothing = memo(move |_| lines.with(Vec::is_empty));
    let element = NodeRef::<html::Pre>::new();
    let following = RwSignal::new(true);
    Effect::new(move |_| {
        lines.track();
        if let Some(place) = element.get().filter(|_| following.get_untracked()) {
            // The new lines are drawn with this round of effects; their height is known in the next frame.
            request_animation_frame(move || place.set_scroll_top(place.scroll_height()));
        }
    });
    let scrolled = move |_| {
        if let Some(place) = element.get_untracked() {
            following.set(place.scroll_height() - place.scroll_top() - place.client_height() < END_PX);
        }
    };
    view! {
        <p class="muted small" hidden=move || !nothing.get()>{word!(i18n, pages.output_none)}</p>
        <pre
            node_ref=element
            class="code code-plain output"
            role="log"
            aria-live="off"
            aria-label=text!(i18n, pages.entry_output)
            tabindex="0"
            hidden=move || nothing.get()
            on:scroll=scrolled
        >
            <For each=move || lines.get() key=|line| line.seq let:line>
                <span class="output-line" class:output-error=line.error>{line.text}"\n"</span>
            </For>
        </pre>
    }
}
