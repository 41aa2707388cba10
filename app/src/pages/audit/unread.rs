//! Archived parts that an answer had to do without: what is unknown is said to be.

use crate::components::{Message, Tone};
use crate::i18n::*;
use crate::reactive::part;
use crate::words::use_words;
use leptos::prelude::*;
use model::segment::Unread;

#[component]
pub fn Unreads(all: Vec<Unread>) -> impl IntoView {
    let i18n = use_i18n();
    let words = use_words();
    let one = |Unread { first, last, file, fault }| {
        let text = part(move || {
            let why = words.plain("segment", fault.as_str());
            said!(i18n, pages.audit_unread, first = first, last = last, file = file.clone(), why = why).to_string()
        });
        view! { <Message tone=Tone::Bad><p>{text}</p></Message> }
    };
    all.into_iter().map(one).collect_view().into_any()
}
