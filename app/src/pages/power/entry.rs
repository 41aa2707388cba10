//! How the power of a machine is reached, as an admin enters it.

use crate::api::{self, ApiError, PowerLine};
use crate::components::{Button, ButtonKind, Field, Message, Refusal, Select, Tone};
use crate::i18n::*;
use crate::pages::sign_in_again::{SignInAgain, asks_when_old, needs_sign_in};
use crate::reactive::{derived, memo, part};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use model::bmc::{Bmc, BmcKind, BmcWay, CIPHER_USUAL, IPMI_PORT};
use model::ids::NodeId;
use model::problem::{Problem, ProblemCode};

/// What stands in the fields.
#[derive(Clone, Copy)]
struct Typed {
    kind: RwSignal<String>,
    host: RwSignal<String>,
    port: RwSignal<String>,
    user: RwSignal<String>,
    password: RwSignal<String>,
    interface: RwSignal<String>,
    cipher: RwSignal<String>,
    outer: RwSignal<String>,
    guest: RwSignal<String>,
}

impl Typed {
    /// As it is entered now; the password is never among it.
    fn of(way: Option<&BmcWay>, outer: &[(NodeId, String)]) -> Self {
        let text = |text: &str| RwSignal::new(text.to_owned());
        let first = outer.first().map(|(id, _)| id.to_string()).unwrap_or_default();
        let typed = Self {
            kind: text(way.map_or(BmcKind::Ipmi, BmcWay::kind).word()),
            host: text(""),
            port: text(&IPMI_PORT.to_string()),
            user: text(""),
            password: text(""),
            interface: text("lanplus"),
            cipher: text(&CIPHER_USUAL.to_string()),
            outer: text(&first),
            guest: text(""),
        };
        match way {
            Some(BmcWay::Ipmi { host, port, user, lanplus, cipher }) => {
                typed.host.set(host.clone());
                typed.port.set(port.to_string());
                typed.user.set(user.clone());
                typed.interface.set(if *lanplus { "lanplus" } else { "lan" }.to_owned());
                typed.cipher.set(cipher.to_string());
            }
            Some(BmcWay::Qm { outer, vmid, .. }) => {
                typed.outer.set(outer.to_string());
                typed.guest.set(vmid.to_string());
            }
            Some(BmcWay::Virsh { outer, domain, .. }) => {
                typed.outer.set(outer.to_string());
                typed.guest.set(domain.clone());
            }
            None => {}
        }
        typed
    }

    fn kind(self) -> BmcKind {
        BmcKind::from_word(&self.kind.get()).unwrap_or(BmcKind::Ipmi)
    }

    /// The server writes the host's name into it.
    fn way(self) -> Result<BmcWay, Problem> {
        let outer = || self.outer.get().parse::<NodeId>().map_err(|_| Problem::from(ProblemCode::BmcOuterInvalid));
        let way = match self.kind() {
            BmcKind::Ipmi => BmcWay::Ipmi {
                host: self.host.get(),
                port: self.port.get().trim().parse().map_err(|_| Problem::from(ProblemCode::PortInvalid))?,
                user: self.user.get(),
                lanplus: self.interface.get() != "lan",
                cipher: self.cipher.get().trim().parse().map_err(|_| Problem::from(ProblemCode::BmcCipherInvalid))?,
            },
            BmcKind::Qm => BmcWay::Qm {
                outer: outer()?,
                outer_name: String::new(),
                vmid: self.guest.get().trim().parse().map_err(|_| Problem::from(ProblemCode::BmcVmidInvalid))?,
            },
            BmcKind::Virsh => BmcWay::Virsh { outer: outer()?, outer_name: String::new(), domain: self.guest.get() },
        };
        Ok(way.checked()?)
    }
}

#[component]
pub fn Entry(
    node: NodeId,
    bmc: Option<Bmc>,
    outer: StoredValue<Vec<(NodeId, String)>>,
    on_set: Callback<PowerLine>,
) -> impl IntoView {
    let i18n = use_i18n();
    let typed = outer.with_value(|all| Typed::of(bmc.as_ref().map(|bmc| &bmc.way), all));
    let save = saving(node, typed, on_set);
    let wrong = RwSignal::new(None::<Problem>);
    let send = Callback::new(move |()| match untrack(|| typed.way()) {
        Ok(way) => {
            wrong.set(None);
            save.dispatch((way, typed.password.get_untracked()));
            // It stays in no field.
            typed.password.set(String::new());
        }
        Err(problem) => wrong.set(Some(problem)),
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send.run(());
    };
    let asking = RwSignal::new(false);
    let refused = asks_when_old(derived(move || save.value().get().flatten()), asking);
    let kinds = derived(move || {
        vec![
            ("ipmi".to_owned(), said!(i18n, recover.power_kind_ipmi).to_owned()),
            ("qm".to_owned(), said!(i18n, recover.power_kind_qm).to_owned()),
            ("virsh".to_owned(), said!(i18n, recover.power_kind_virsh).to_owned()),
        ]
    });
    let is_ipmi = memo(move |_| typed.kind() == BmcKind::Ipmi);
    let known = bmc.is_some();
    let fields = part(move || {
        if is_ipmi.get() {
            view! { <Network typed known/> }.into_any()
        } else {
            view! { <Guest typed outer/> }.into_any()
        }
    });
    view! {
        <form class="stack wizard-node-work" on:submit=submit aria-label=text!(i18n, recover.power_entry)>
            <Select label=text!(i18n, recover.power_kind) value=typed.kind options=kinds/>
            {fields}
            <Refusal problem=derived(move || wrong.get().or_else(|| refused.get()))/>
            <div class="row"><Button kind=ButtonKind::Primary submit=true busy=save.pending()>{word!(i18n, recover.power_save)}</Button></div>
        </form>
        <SignInAgain open=asking second=true then=send/>
    }
    .into_any()
}

fn saving(node: NodeId, typed: Typed, on_set: Callback<PowerLine>) -> Action<(BmcWay, String), Option<Problem>> {
    Action::new(move |(way, password): &(BmcWay, String)| {
        let (way, password) = (way.clone(), password.clone());
        async move {
            match api::set_bmc(node, way, password.clone()).await {
                Ok(line) => {
                    on_set.run(line);
                    None
                }
                Err(ApiError(problem)) => {
                    if needs_sign_in(&problem) {
                        // It was not used; it goes with the same press once the person has signed in again.
                        typed.password.set(password);
                    }
                    Some(problem)
                }
            }
        }
    })
}

#[component]
fn Network(typed: Typed, known: bool) -> impl IntoView {
    let i18n = use_i18n();
    let interfaces = derived(move || {
        vec![
            ("lanplus".to_owned(), said!(i18n, recover.power_lanplus).to_owned()),
            ("lan".to_owned(), said!(i18n, recover.power_lan).to_owned()),
        ]
    });
    let hint = derived(move || {
        let text =
            if known { said!(i18n, recover.power_password_kept) } else { said!(i18n, recover.power_password_hint) };
        Some(text.to_owned())
    });
    view! {
        <Field label=text!(i18n, recover.power_host) value=typed.host mono=true/>
        <Field label=text!(i18n, recover.power_port) value=typed.port mono=true/>
        <Field label=text!(i18n, recover.power_user) value=typed.user mono=true/>
        <Field label=text!(i18n, recover.power_password) value=typed.password kind="password" autocomplete="new-password" hint/>
        <Select label=text!(i18n, recover.power_interface) value=typed.interface options=interfaces/>
        <Field label=text!(i18n, recover.power_cipher) value=typed.cipher mono=true hint=derived(move || Some(said!(i18n, recover.power_cipher_hint).to_owned()))/>
    }
    .into_any()
}

#[component]
fn Guest(typed: Typed, outer: StoredValue<Vec<(NodeId, String)>>) -> impl IntoView {
    let i18n = use_i18n();
    let hosts = outer.with_value(|all| all.iter().map(|(id, name)| (id.to_string(), name.clone())).collect::<Vec<_>>());
    let none = hosts.is_empty();
    let hosts = derived(move || hosts.clone());
    let label = derived(move || {
        match typed.kind() {
            BmcKind::Virsh => said!(i18n, recover.power_domain),
            BmcKind::Qm | BmcKind::Ipmi => said!(i18n, recover.power_vmid),
        }
        .to_owned()
    });
    view! {
        {none.then(|| view! { <Message tone=Tone::Look><p>{word!(i18n, recover.power_no_outer)}</p></Message> })}
        <Select label=text!(i18n, recover.power_outer) value=typed.outer options=hosts/>
        <Field label value=typed.guest mono=true/>
    }
    .into_any()
}
