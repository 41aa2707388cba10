//! The prerequisites as a table that fills while one watches.

use super::acknowledge::Acknowledge;
use super::cell::CheckPanel;
use super::check_groups::CheckGroups;
use super::context::Wizard;
use super::grid::Chosen;
use super::mending::{Mending, Opened};
use crate::api::{self, ApiError};
use crate::components::{Badge, Button, ButtonKind, Card, Empty, LiveRegion, Message, Refusal, Tone, short};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::clock::use_clock;
use leptos::prelude::*;
use model::can::{self, Deed};
use model::inventory::{LogIn, Purpose};
use model::preflight::{CheckId, FindingCode, Matrix, Verdict};
use model::problem::Problem;

#[component]
pub fn Checks() -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let chosen: Chosen = RwSignal::new(None);
    let opened: Opened = RwSignal::new(None);
    let run = Action::new(move |(): &()| async move {
        let answer = api::run_checks(wizard.id).await;
        if let Ok(matrix) = &answer {
            wizard.live.matrix.set(Some(matrix.clone()));
            ask_again(wizard, matrix).await;
        }
        wizard.refresh();
        answer.err().map(|ApiError(problem)| problem)
    });
    let matrix = memo(move |_| wizard.matrix());
    let running = derived(move || {
        run.pending().get() || matrix.with(|one| one.as_ref().is_some_and(|one| one.finished_at.is_none()))
    });
    let any = memo(move |_| matrix.with(Option::is_some));
    view! {
        <div class="split">
            <Card title=text!(i18n, wizard.checks) extra=view! { <Counts matrix running/> }.into_any()>
                <div class="stack">
                    <Show when=move || any.get() fallback=move || view! { <NothingChecked/> }>
                        <Outcome matrix/>
                        <CheckGroups matrix running chosen/>
                        <Acknowledge matrix/>
                    </Show>
                    <Refusal problem=derived(move || run.value().get().flatten())/>
                    <CheckButton run running any/>
                </div>
            </Card>
            <CheckPanel matrix chosen opened/>
        </div>
        <Mending opened again=Callback::new(move |()| drop(run.dispatch(())))/>
    }
}

/// Where a check contradicts what is known of the log-in, that is out of date: a changed key shows here, and a machine that
/// answers again is no longer in the way.
async fn ask_again(wizard: Wizard, matrix: &Matrix) {
    let (may, works) = wizard.view.with_untracked(|view| {
        let works =
            view.view.nodes.iter().filter(|node| matches!(node.log_in, LogIn::Works { .. })).map(|node| node.id);
        (can::do_it(view.view.role, Deed::AddNode).is_ok(), works.collect::<Vec<_>>())
    });
    for cell in matrix.cells.iter().filter(|cell| may && cell.check == CheckId::RootSsh) {
        let no_rsa_key = cell.findings.iter().any(|finding| finding.code == FindingCode::NoRsaHostKey);
        if !no_rsa_key && cell.verdict.blocks() == works.contains(&cell.node) {
            // The row of the machine says what this finds.
            let _ = api::try_log_in(cell.node).await;
        }
    }
}

#[component]
fn CheckButton(run: Action<(), Option<Problem>>, running: Signal<bool>, any: Memo<bool>) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let refusal = wizard.refusal(Deed::RunChecks);
    let reason = derived(move || {
        refusal
            .get()
            .or_else(|| wizard.nodes(Purpose::Member).is_empty().then(|| said!(i18n, wizard.missing_nodes).to_owned()))
    });
    let word = part(move || if any.get() { said!(i18n, wizard.check_again) } else { said!(i18n, wizard.check_all) });
    view! {
        <Button kind=ButtonKind::Primary busy=running disabled_reason=reason on_press=Callback::new(move |()| drop(run.dispatch(())))>
            {word}
        </Button>
    }
}

#[component]
fn NothingChecked() -> impl IntoView {
    let i18n = use_i18n();
    view! { <Empty title=text!(i18n, wizard.checks_none)><p>{word!(i18n, wizard.checks_none_text)}</p></Empty> }
}

/// How many cells of each verdict there are; verdicts that nobody has are left out.
#[component]
fn Counts(matrix: Memo<Option<Matrix>>, running: Signal<bool>) -> impl IntoView {
    let i18n = use_i18n();
    part(move || {
        let matrix = matrix.get()?;
        let of = |verdict: Verdict| {
            let count = matrix.count(verdict);
            let word = derived(move || counted(i18n, verdict, count));
            (count > 0).then(|| view! { <Badge tone=Tone::from(verdict) word/> })
        };
        let open = (matrix.nodes.len() * CheckId::ALL.len()).saturating_sub(matrix.cells.len());
        let waiting = text!(i18n, wizard.count_running, count = open);
        let waiting = (open > 0 && running.get()).then(|| view! { <Badge tone=Tone::Act word=waiting/> });
        let shown = [Verdict::Fail, Verdict::Warn, Verdict::Error, Verdict::Pass, Verdict::Skipped].map(of);
        Some(view! { <span class="row">{shown.into_iter().collect_view()}{waiting}</span> })
    })
}

fn counted(i18n: I18n, verdict: Verdict, count: usize) -> String {
    match verdict {
        Verdict::Pass => said!(i18n, wizard.count_pass, count = count).to_string(),
        Verdict::Skipped => said!(i18n, wizard.count_skipped, count = count).to_string(),
        Verdict::Warn => said!(i18n, wizard.count_warn, count = count).to_string(),
        Verdict::Error => said!(i18n, wizard.count_error, count = count).to_string(),
        Verdict::Fail => said!(i18n, wizard.count_fail, count = count).to_string(),
    }
}

/// When the results came in, whether they still count, and one sentence for those who listen.
#[component]
fn Outcome(matrix: Memo<Option<Matrix>>) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let finished = memo(move |_| matrix.with(|one| one.as_ref().and_then(|one| one.finished_at)));
    let stale = memo(move |_| {
        matrix.with(|one| one.as_ref().is_some_and(|one| one.finished_at.is_some() && one.stale(clock.now())))
    });
    let age = part(move || match finished.get() {
        Some(at) => said!(i18n, wizard.checked_ago, ago = short(clock.age_s(at))).to_string(),
        None => said!(i18n, wizard.checks_running).to_owned(),
    });
    let spoken = derived(move || {
        matrix.with(|one| match one.as_ref().filter(|one| one.finished_at.is_some()) {
            Some(one) => said!(
                i18n,
                wizard.checks_spoken,
                passed = one.count(Verdict::Pass),
                failed = one.count(Verdict::Fail),
                unknown = one.count(Verdict::Error)
            )
            .to_string(),
            None => String::new(),
        })
    });
    view! {
        <p class="muted small">{age}</p>
        <Show when=move || stale.get()><Message tone=Tone::Look><p>{word!(i18n, wizard.checks_stale)}</p></Message></Show>
        <LiveRegion text=spoken/>
    }
}
