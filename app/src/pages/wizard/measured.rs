//! The links measured: a button, its progress, a picture's colours and a table with the figures.

use super::context::Wizard;
use super::pair_grid::{Chosen, PairGrid};
use super::way_panel::WayPanel;
use crate::api::{self, ApiError};
use crate::components::{Button, ButtonKind, Card, LiveRegion, Message, Refusal, Tone, short};
use crate::i18n::*;
use crate::reactive::{derived, memo, part};
use crate::state::clock::use_clock;
use leptos::prelude::*;
use model::can::Deed;
use model::links::LinkPlan;
use model::measure::Measurement;
use model::observation::Freshness;
use model::preflight::Verdict;

/// What was measured last, as it is to be believed now.
#[derive(Clone, Copy)]
pub struct Seen {
    pub measurement: Memo<Option<Measurement>>,
    /// Older than ten minutes.
    pub stale: Memo<bool>,
}

impl Seen {
    pub fn here() -> Self {
        let wizard = Wizard::here();
        let clock = use_clock();
        let measurement = memo(move |_| wizard.live.measurement.get());
        let stale = memo(move |_| {
            measurement.with(|one| one.as_ref().is_some_and(|one| one.finished_at.is_some() && one.stale(clock.now())))
        });
        Self { measurement, stale }
    }

    /// How a verdict looks: an old one is not as good any more.
    pub fn tone(self, verdict: Verdict) -> Tone {
        Tone::from(verdict).aged(if self.stale.get() { Freshness::Stale } else { Freshness::Fresh })
    }
}

/// `faulty` keeps what cannot be measured from being measured.
#[component]
pub fn Measured(
    #[prop(into)] links: Signal<Vec<LinkPlan>>,
    #[prop(into, optional)] faulty: Signal<bool>,
    seen: Seen,
) -> impl IntoView {
    let i18n = use_i18n();
    let any = memo(move |_| seen.measurement.with(Option::is_some));
    view! {
        <div class="stack">
            <Card title=text!(i18n, wizard.measured)>
                <div class="stack">
                    <p class="muted">{word!(i18n, wizard.measure_text)}</p>
                    <Measure links faulty seen/>
                    <Show when=move || any.get()><Outcome links seen/></Show>
                </div>
            </Card>
            <Ways links seen/>
        </div>
    }
}

#[component]
fn Measure(links: Signal<Vec<LinkPlan>>, faulty: Signal<bool>, seen: Seen) -> impl IntoView {
    let i18n = use_i18n();
    let wizard = Wizard::here();
    let measure = Action::new(move |(): &()| async move {
        match api::measure_links(wizard.id, links.get_untracked()).await {
            Ok(found) => {
                wizard.live.take_measurement(found);
                None
            }
            Err(ApiError(problem)) => Some(problem),
        }
    });
    let refusal = wizard.refusal(Deed::RunChecks);
    let reason = derived(move || {
        let wrong = || faulty.get().then(|| said!(i18n, wizard.links_faulty).to_owned());
        let nothing = || links.with(Vec::is_empty).then(|| said!(i18n, wizard.measure_no_link).to_owned());
        refusal.get().or_else(wrong).or_else(nothing)
    });
    let any = memo(move |_| seen.measurement.with(Option::is_some));
    let word =
        part(move || if any.get() { said!(i18n, wizard.measure_again) } else { said!(i18n, wizard.measure_now) });
    let filling = memo(move |_| {
        seen.measurement.with(|one| {
            let one = one.as_ref().filter(|one| one.finished_at.is_none())?;
            Some((one.ways.len(), one.expected()))
        })
    });
    let pending = measure.pending();
    let progress = part(move || {
        let (done, all) = filling.get().filter(|_| pending.get())?;
        let word = text!(i18n, wizard.measure_progress, done = done, all = all);
        Some(view! {
            <div class="measure-progress">
                <progress max=all.to_string() value=done.to_string() aria-label=move || word.get()></progress>
                <span class="muted small">{part(move || word.get())}</span>
            </div>
        })
    });
    view! {
        <Refusal problem=derived(move || measure.value().get().flatten())/>
        <div class="row">
            <Button kind=ButtonKind::Primary busy=pending disabled_reason=reason on_press=Callback::new(move |()| drop(measure.dispatch(())))>
                {word}
            </Button>
            {progress}
        </div>
    }
}

/// When it was measured, whether that still counts, and one sentence for those who listen.
#[component]
fn Outcome(links: Signal<Vec<LinkPlan>>, seen: Seen) -> impl IntoView {
    let i18n = use_i18n();
    let clock = use_clock();
    let finished = memo(move |_| seen.measurement.with(|one| one.as_ref().and_then(|one| one.finished_at)));
    let age = part(move || {
        let at = finished.get()?;
        let ago = short(clock.age_s(at));
        Some(view! { <p class="muted small">{said!(i18n, wizard.measured_ago, ago = ago).to_string()}</p> })
    });
    let spoken = derived(move || {
        seen.measurement.with(|one| match one.as_ref().filter(|one| one.finished_at.is_some()) {
            Some(one) => said!(
                i18n,
                wizard.measure_spoken,
                passed = one.count(Verdict::Pass) + one.count(Verdict::Skipped),
                warned = one.count(Verdict::Warn),
                failed = one.count(Verdict::Fail),
                unknown = one.count(Verdict::Error)
            )
            .to_string(),
            None => String::new(),
        })
    });
    let moved = memo(move |_| {
        let known = seen.measurement.get();
        let moved = |link: &&LinkPlan| known.as_ref().is_some_and(|one| !one.covers(link));
        links.with(|links| links.iter().filter(moved).map(|link| link.number).collect::<Vec<u8>>())
    });
    let others = part(move || {
        let sentence = |number: u8| {
            view! { <Message tone=Tone::Unknown><p>{word!(i18n, wizard.measure_moved, number = number)}</p></Message> }
        };
        moved.get().into_iter().map(sentence).collect_view()
    });
    view! {
        {age}
        <Show when=move || seen.stale.get()><Message tone=Tone::Look><p>{word!(i18n, wizard.measure_stale)}</p></Message></Show>
        {others}
        <p class="small" aria-hidden="true">{part(move || spoken.get())}</p>
        <LiveRegion text=spoken/>
    }
}

/// One link's table at a time, beside what is behind the chosen cell.
#[component]
fn Ways(links: Signal<Vec<LinkPlan>>, seen: Seen) -> impl IntoView {
    let i18n = use_i18n();
    let chosen: Chosen = RwSignal::new(None);
    let shown = RwSignal::new(0_u8);
    let numbers = memo(move |_| links.with(|links| links.iter().map(|link| link.number).collect::<Vec<u8>>()));
    // A link that was taken away is not shown any more.
    let number = memo(move |_| {
        let all = numbers.get();
        all.iter().copied().find(|one| *one == shown.get()).or_else(|| all.first().copied())
    });
    let tabs = part(move || {
        let tab = |one: u8| {
            let on = move || number.get() == Some(one);
            view! {
                <button type="button" class="tab" aria-pressed=move || on().to_string() on:click=move |_| shown.set(one)>
                    {word!(i18n, wizard.link, number = one)}
                </button>
            }
        };
        numbers.get().into_iter().map(tab).collect_view()
    });
    let link = memo(move |_| {
        let number = number.get()?;
        links.with(|links| links.iter().find(|link| link.number == number).cloned())
    });
    let covered = memo(move |_| {
        let known = seen.measurement.get();
        link.get().is_some_and(|link| known.is_some_and(|one| one.covers(&link)))
    });
    let grid = part(move || link.get().filter(|_| covered.get()).map(|link| view! { <PairGrid link seen chosen/> }));
    view! {
        <div class="split measured-ways" hidden=move || !covered.get()>
            <Card title=text!(i18n, wizard.measure_table)>
                <div class="stack">
                    <span class="tabs" role="group" aria-label=text!(i18n, wizard.links)>{tabs}</span>
                    {grid}
                    <p class="muted small">{word!(i18n, wizard.measure_cell_text)}</p>
                </div>
            </Card>
            <WayPanel seen chosen/>
        </div>
    }
}
