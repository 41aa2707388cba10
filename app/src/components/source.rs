//! Where a fact comes from, and the address of the raw answer behind it.

use super::age::Age;
use crate::api::FactSource;
use crate::i18n::*;
use crate::reactive::{derived, part};
use crate::state::live::LiveCluster;
use leptos::prelude::*;
use leptos_router::params::ParamsMap;
use model::ids::ClusterId;
use model::observation::{AGE_MEMBERSHIP, AgeLimits, Fact};

/// Where a fact comes from: node, age, and the command in the tooltip; on pages about a cluster the way to the raw answer.
#[component]
pub fn Source<T: Send + Sync + 'static>(
    fact: Fact<T>,
    #[prop(default = AGE_MEMBERSHIP)] limits: AgeLimits,
) -> impl IntoView {
    let Fact { node, command, at, .. } = fact;
    view! { <SourceOf source=FactSource { node, command, at } limits/> }
}

/// The same for a fact that is told again and again: only what differs is written anew.
#[component]
pub fn SourceOf(
    #[prop(into)] source: Signal<FactSource>,
    #[prop(default = AGE_MEMBERSHIP)] limits: AgeLimits,
) -> impl IntoView {
    let i18n = use_i18n();
    let at = derived(move || source.with(|one| one.at));
    let command = move || source.with(|one| one.command.clone());
    let node = part(move || source.with(|one| one.node.clone()));
    let Some(live) = use_context::<LiveCluster>() else {
        return view! { <span class="source" title=command>{node}", "<Age at limits/></span> }.into_any();
    };
    let to = move || source.with(|one| address(live.id, one));
    view! {
        <a class="source" href=to title=command>
            {node}", "<Age at limits/><span class="visually-hidden">", "{word!(i18n, pages.evidence_link)}</span>
        </a>
    }
    .into_any()
}

/// Where the answer behind a fact is shown.
#[must_use]
pub fn address(cluster: ClusterId, source: &FactSource) -> String {
    let FactSource { node, command, at } = source;
    let (node, command, at) = (encode(node), encode(command), encode(&at.to_string()));
    format!("/clusters/{cluster}/evidence?node={node}&command={command}&at={at}")
}

/// What [`address`] wrote; `None` where the address was cut or changed on its way.
#[must_use]
pub fn source_in(query: &ParamsMap) -> Option<FactSource> {
    let at = query.get("at")?.parse().ok()?;
    Some(FactSource { node: query.get("node")?, command: query.get("command")?, at })
}

/// Percent-encodes what the value of a query cannot hold.
#[must_use]
pub fn encode(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_to_its_source() {
        let source = FactSource {
            node: "pve-1".into(),
            command: "timeout 5 sh -c 'cat /etc/pve/.members & true' \"%?=#é\"".into(),
            at: "2026-11-28T12:00:00.123456Z".parse().expect("a time"),
        };
        let address = address(ClusterId::from_uuid(uuid::Uuid::nil()), &source);
        let (path, query) = address.split_once('?').expect("a query");
        assert!(path.starts_with("/clusters/") && address.is_ascii());
        let map: ParamsMap = query
            .split('&')
            .map(|pair| {
                let (name, value) = pair.split_once('=').expect("a value");
                (name.to_owned(), decoded(value))
            })
            .collect();
        assert_eq!(source_in(&map), Some(source));
        assert_eq!(source_in(&ParamsMap::new()), None);
    }

    /// As browsers do it.
    fn decoded(value: &str) -> String {
        let mut parts = value.split('%');
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            let (code, rest) = part.split_at(2);
            bytes.push(u8::from_str_radix(code, 16).expect("two digits"));
            bytes.extend(rest.as_bytes());
        }
        String::from_utf8(bytes).expect("text")
    }
}
