//! Who is behind the proxy that does TLS: without this every browser would have the proxy's address, in the audit and where
//! tries at passwords are counted.

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::net::{IpAddr, SocketAddr};

/// Each proxy appends the address that it was called from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Whose word counts for where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// Its address was given.
    At(IpAddr),
    /// A name tells nothing of an address: it is believed on this machine only.
    Named,
}

impl Proxy {
    /// Reads what `--behind-proxy` says.
    #[must_use]
    pub fn of(word: &str) -> Self {
        word.trim().parse().map_or(Self::Named, |address: IpAddr| Self::At(address.to_canonical()))
    }

    fn is(self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        match self {
            Self::At(address) => address == peer,
            Self::Named => peer.is_loopback(),
        }
    }
}

/// The console as it is reached through this proxy, if through any: what the proxy says of a browser's address is the
/// request's address from here on.
pub fn behind(router: Router, proxy: Option<&str>) -> Router {
    match proxy {
        Some(word) => router.layer(from_fn_with_state(Proxy::of(word), seen_through)),
        None => router,
    }
}

async fn seen_through(State(proxy): State<Proxy>, mut request: Request<Body>, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    if let Some(peer) = peer.filter(|peer| proxy.is(peer.ip()))
        && let Some(browser) = last_hop(request.headers())
    {
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(browser, peer.port())));
    }
    next.run(request).await
}

/// The last address of the last such header: the one that the proxy itself wrote. Those before it anybody may have made up.
fn last_hop(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = line.rsplit(',').next()?.trim();
    let with_port = || last.parse::<SocketAddr>().ok().map(|address| address.ip());
    last.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn hop(lines: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        last_hop(&headers).map(|address| address.to_string())
    }

    #[test]
    fn only_what_the_proxy_itself_wrote_counts() {
        assert_eq!(hop(&[]), None);
        assert_eq!(hop(&["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(hop(&["203.0.113.9, 192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(hop(&["203.0.113.9", "198.51.100.1,192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(hop(&["[2001:db8::1]:4711"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(hop(&["2001:db8::1"]).as_deref(), Some("2001:db8::1"));
        assert_eq!(hop(&["::ffff:192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        assert_eq!(hop(&["192.0.2.7:4711"]).as_deref(), Some("192.0.2.7"));
        for nobody in ["unknown", "192.0.2.7, unknown", ""] {
            assert_eq!(hop(&[nobody]), None, "{nobody}");
        }
    }

    #[test]
    fn an_address_is_one_machine_and_a_name_is_this_one() {
        let peer = |text: &str| text.parse::<IpAddr>().expect("an address");
        let given = Proxy::of("10.0.0.4");
        assert!(given.is(peer("10.0.0.4")) && given.is(peer("::ffff:10.0.0.4")));
        assert!(!given.is(peer("10.0.0.5")) && !given.is(peer("127.0.0.1")));
        let named = Proxy::of("nginx");
        assert!(named.is(peer("127.0.0.1")) && named.is(peer("::1")) && !named.is(peer("10.0.0.4")));
    }
}
