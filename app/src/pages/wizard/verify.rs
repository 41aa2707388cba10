//! Step 5: every node is asked, and the answers have to be the same.

use super::context::Wizard;
use super::foot::Foot;
use super::steps::{NotYet, blocked};
use super::verify_report::Report;
use crate::api::{self, ApiError};
use crate::components::{Button, ButtonKind, Card, Empty, Message, Refusal, Tone, When, language};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use leptos::prelude::*;
use model::can::Deed;
use model::wizard::WizardStep;

const STEP: WizardStep = WizardStep::Verify;

#[component]
pub fn Verify() -> impl IntoView {
    let wizard = Wizard::here();
    let problem = memo(move |_| blocked(wizard, STEP));
    let content = part(move || match problem.get() {
        Some(problem) => view! { <NotYet problem/> }.into_any(),
        None => view! { <Ask/> }.into_any(),
    });
    view! {
        {content}
        <Foot step=STEP/>
    }
}

#[component]
fn Ask() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let ask = Action::new(move |(): &()| async move {
        match api::verify(wizard.id).await {
            Ok(found) => {
                wizard.verification.set(Some(found));
                wizard.refresh();
                None
            }
            Err(ApiError(problem)) => Some(problem),
        }
    });
    let refusal = wizard.refusal(Deed::RunChecks);
    let any = memo(move |_| wizard.verification.with(Option::is_some));
    let before = memo(move |_| wizard.view.with(|view| view.draft.verified_at));
    let filed = memo(move |_| any.get() || wizard.view.with(|view| view.report_at.is_some()));
    let word = move || if any.get() { said!(i18n, wizard.verify_again) } else { said!(i18n, wizard.verify_now) };
    let report = part(move || wizard.verification.get().map(|found| view! { <Report found/> }));
    let earlier = part(move || {
        let at = before.get().filter(|_| !any.get())?;
        Some(view! { <Message tone=Tone::Good><p>{word!(i18n, wizard.verified_before)}" "<When at/></p></Message> })
    });
    view! {
        <Card title=text!(i18n, wizard.verify_title)>
            <div class="stack">
                <p class="muted no-print">{word!(i18n, wizard.verify_text)}</p>
                {earlier}
                <Show when=move || !any.get() && before.with(Option::is_none)>
                    <Empty title=text!(i18n, wizard.verify_none)><p>{word!(i18n, wizard.verify_none_text)}</p></Empty>
                </Show>
                <Refusal problem=derived(move || ask.value().get().flatten())/>
                <div class="row">
                    <Button kind=ButtonKind::Primary busy=ask.pending() disabled_reason=refusal on_press=Callback::new(move |()| drop(ask.dispatch(())))>
                        {word}
                    </Button>
                    <Show when=move || any.get()><Button on_press=Callback::new(|()| drop(window().print()))>{word!(i18n, wizard.print)}</Button></Show>
                    // Also of a report that somebody else asked for, or before the page was loaded again.
                    <Show when=move || filed.get()><Files/></Show>
                </div>
            </div>
        </Card>
        {report}
    }
}

/// The report as files.
#[component]
fn Files() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let address = move |format: &str| {
        format!("/export/clusters/{}/verification?format={format}&language={}", wizard.id, language(i18n))
    };
    view! {
        <a class="button" rel="external" download="" href=move || address("markdown")>{word!(i18n, wizard.report_markdown)}</a>
        <a class="button" rel="external" download="" href=move || address("json")>{word!(i18n, wizard.report_json)}</a>
    }
}
