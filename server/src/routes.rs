//! All ways in, in one place; what each needs stands in `authorisation`.

use crate::backend::RequestBackend;
use crate::sessions::Sessions;
use crate::state::AppState;
use crate::{audit_export, export, live, site};
use app::api::{ApiError, Backend};
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use leptos::prelude::{FromServerFnError, provide_context};
use leptos_axum::{LeptosRoutes, generate_route_list};
use model::problem::{Problem, ProblemCode};
use std::net::SocketAddr;
use std::sync::Arc;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::PeerIpKeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_sessions::Session;

/// The longest request, in bytes: forms and drafts are small.
const BODY_MAX_BYTES: usize = 256 * 1024;
/// Sign-in attempts of one address: so many at once...
const SIGN_IN_BURST: u32 = 10;
/// ...and one more every so many seconds.
const SIGN_IN_EVERY_S: u64 = 3;

/// The whole application.
///
/// # Errors
/// When the rate limit cannot be configured.
pub fn router(state: AppState, secure: bool) -> anyhow::Result<Router> {
    let sessions = Sessions::new(Arc::clone(&state.engine.store), Arc::clone(&state.engine.clock)).layer(secure);
    let limit = GovernorConfigBuilder::default()
        .key_extractor(PeerIpKeyExtractor)
        .per_second(SIGN_IN_EVERY_S)
        .burst_size(SIGN_IN_BURST)
        .finish()
        .ok_or_else(|| anyhow::anyhow!("the rate limit of sign-in is zero"))?;
    let passwords = Router::new()
        .route("/api/sign_in", post(server_function))
        .route("/api/accept_invite", post(server_function))
        .route("/api/confirm_password", post(server_function))
        .route("/api/change_password", post(server_function))
        .layer(GovernorLayer::new(limit).error_handler(too_often));
    let pages = generate_route_list(app::App);
    let router = Router::new()
        .merge(passwords)
        .route("/api/{*function}", post(server_function))
        .route("/live/clusters/{id}", get(live::cluster))
        .route("/audit/export", get(audit_export::route))
        .route("/export/clusters/{id}/plan", get(export::plan))
        .route("/export/clusters/{id}/verification", get(export::verification))
        .route("/export/operations/{id}", get(export::operation))
        .leptos_routes_with_handler(pages, page)
        .fallback(page)
        .layer(sessions)
        .layer(CsrfLayer::new())
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .route("/pkg/{version}/{*file}", get(site::package))
        .route("/favicon.svg", get(site::favicon))
        .route("/health", get(health));
    Ok(headers(router).with_state(state))
}

/// The same words as for an account that has to wait: a page knows how to show those.
fn too_often(error: GovernorError) -> Response {
    let GovernorError::TooManyRequests { wait_time, .. } = error else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // It rounds down: who came back after that time would be too early.
    let seconds = wait_time + 1;
    let problem = Problem::new(ProblemCode::TooManyAttempts).with("seconds", seconds);
    let wait = [(RETRY_AFTER, seconds.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, wait, ApiError(problem).ser()).into_response()
}

/// Headers that no answer may miss; pages add their content security policy with its nonce.
fn headers(router: Router<AppState>) -> Router<AppState> {
    [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ]
    .into_iter()
    .fold(router, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        ))
    })
    .layer(SetResponseHeaderLayer::if_not_present(
        axum::http::header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    ))
}

fn backend(state: &AppState, session: &Session, peer: SocketAddr) -> Arc<dyn Backend> {
    Arc::new(RequestBackend::new(state.clone(), session.clone(), peer.ip().to_string()))
}

async fn server_function(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    session: Session,
    request: Request<Body>,
) -> Response {
    let backend = backend(&state, &session, peer);
    // The request's future is dropped when the tab is closed; what it began goes on to its end.
    let work = state.engine.work.spawn(async move {
        leptos_axum::handle_server_fns_with_context(move || provide_context(Arc::clone(&backend)), request)
            .await
            .into_response()
    });
    match work.await {
        Ok(Some(response)) => response,
        Ok(None) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(error) => {
            tracing::error!(task.error = %error, "a server function did not come to its end");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn page(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    session: Session,
    request: Request<Body>,
) -> Response {
    if !site::is_there() {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "This binary was built without its site. Build it with: cargo xtask build\n",
        )
            .into_response();
    }
    let backend = backend(&state, &session, peer);
    let options = state.leptos.clone();
    let rooms = site::rooms();
    let render = leptos_axum::render_app_async_with_context(
        move || {
            provide_context(Arc::clone(&backend));
            provide_context(rooms.clone());
        },
        move || app::shell(options.clone()),
    );
    render(request).await.into_response()
}

async fn health(State(state): State<AppState>) -> Response {
    match state.engine.store.clusters().await {
        Ok(_) => Json(serde_json::json!({ "status": "ok" })).into_response(),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(serde_json::json!({ "status": "store failed" }))).into_response()
        }
    }
}
