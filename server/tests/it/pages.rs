//! The documents: scripts run by nonce only, and who is not signed in sees nothing.

use crate::app::TestApp;
use crate::client::{Answer, Client};
use crate::world::World;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use leptos::prelude::provide_context;
use server::backend::RequestBackend;
use server::sessions::Sessions;
use server::site;
use server::state::AppState;
use std::net::SocketAddr;
use std::sync::Arc;
use tower_sessions::Session;

/// The pages as the router serves them; without a site it refuses, and the same document is rendered here.
pub fn pages(app: &TestApp) -> Router {
    if site::is_there() {
        return app.router();
    }
    let engine = &app.state.engine;
    let sessions = Sessions::new(Arc::clone(&engine.store), Arc::clone(&engine.clock)).layer(false);
    // The route list registers the pages' kinds with the renderer.
    let _ = leptos_axum::generate_route_list(app::App);
    Router::new().fallback(render).layer(sessions).with_state(app.state.clone())
}

async fn render(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    session: Session,
    request: Request<Body>,
) -> Response {
    let backend: Arc<dyn app::api::Backend> =
        Arc::new(RequestBackend::new(state.clone(), session, peer.ip().to_string()));
    let options = state.leptos.clone();
    leptos_axum::render_app_async_with_context(
        move || provide_context(Arc::clone(&backend)),
        move || app::shell(options.clone()),
    )(request)
    .await
    .into_response()
}

#[tokio::test]
async fn a_binary_without_its_site_says_how_to_build_one() {
    let app = TestApp::new().await;
    let answer = app.anon().get("/sign-in").await;
    if site::is_there() {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(
            answer.text().contains(&format!("/{}/quorate", server::site::folder())),
            "the page does not load its script"
        );
    } else {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.text().contains("cargo xtask build"));
    }
}

#[tokio::test]
async fn nothing_inline_runs_without_the_nonce_of_this_answer() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let signed_in = app.operator().await;
    let client = Client::new(pages(&app), 200);
    client.set_cookie(&signed_in.cookie().expect("cookie"));
    let cluster = format!("/clusters/{}", world.cluster);
    let operation = format!("/operations/{}", world.operation);
    for path in ["/sign-in", "/", &cluster, "/audit", &operation, "/no/such/page"] {
        let (first, second) = (client.get(path).await, client.get(path).await);
        let nonce = nonce_of(path, &first);
        assert_ne!(nonce, nonce_of(path, &second), "{path}: a nonce used twice protects nothing");
        check_document(path, &first.text(), &nonce);
    }
}

fn nonce_of(path: &str, answer: &Answer) -> String {
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("'unsafe-inline'") && !policy.contains("'unsafe-eval'"), "{policy}");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(nonce.len() >= 16, "{nonce} can be guessed");
    nonce.to_owned()
}

fn check_document(path: &str, text: &str, nonce: &str) {
    let mut scripts = 0;
    // The words of the language are embedded by an element that is empty here: nothing to run, nothing to block.
    let text = text.replace("<script></script>", "");
    for tag in text.split("<script").skip(1).filter_map(|rest| rest.split('>').next()) {
        scripts += 1;
        assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{tag}> has no nonce");
    }
    assert!(scripts > 0, "{path}: the page has no script at all");
    for tag in text.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let attributes: Vec<&str> = tag.split_whitespace().skip(1).collect();
        for attribute in attributes {
            let name = attribute.split('=').next().unwrap_or_default();
            let inline = attribute.contains('=') && (name == "style" || name.starts_with("on"));
            assert!(!inline, "{path}: <{tag}> is blocked by the policy");
        }
    }
    assert!(!text.contains("javascript:"), "{path}");
}

#[tokio::test]
async fn pages_send_strangers_to_the_sign_in() {
    let app = TestApp::new().await;
    let world = World::make(&app).await;
    let name = engine::ports::ClusterStore::cluster(&app.store, world.cluster).await.expect("cluster").name.to_string();
    let stranger = Client::new(pages(&app), 201);
    let cluster = format!("/clusters/{}", world.cluster);
    let operations = format!("{cluster}/operations");
    for path in ["/", &cluster, &operations, "/operations", "/audit", "/people"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status, StatusCode::FOUND, "{path}");
        assert!(answer.header("location").is_some_and(|to| to.starts_with("/sign-in")), "{path}");
        assert!(!answer.text().contains(&name), "{path} tells strangers about clusters");
    }
}
