//! A browser: cookies, its own address, and the headers that browsers send.

use app::api::Me;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use model::problem::Problem;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tower::ServiceExt;

pub const SESSION: &str = "quorate_session";
const ANSWER_MAX_BYTES: usize = 8 * 1024 * 1024;

pub struct Client {
    router: Router,
    peer: SocketAddr,
    cookies: Mutex<BTreeMap<String, String>>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Client {
    pub fn new(router: Router, number: u8) -> Self {
        let peer = SocketAddr::from(([127, 9, 0, number], 40_000));
        Self { router, peer, cookies: Mutex::default() }
    }

    /// Calls a server function as the page does.
    pub async fn call<T: DeserializeOwned>(&self, function: &str, input: Value) -> Result<T, Problem> {
        let answer = self.post(function, &input).await;
        let text = answer.text();
        if answer.status.is_success() {
            return Ok(app::api::read(&text).unwrap_or_else(|error| panic!("{function} answered {text}: {error}")));
        }
        Err(app::api::read(&text)
            .unwrap_or_else(|error| panic!("{function} answered {} {text}: {error}", answer.status)))
    }

    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Me, Problem> {
        self.call("sign_in", json!({ "name": name, "password": password })).await
    }

    pub async fn me(&self) -> Result<Me, Problem> {
        self.call("me", json!({})).await
    }

    /// The answer of a server function as it comes.
    pub async fn post(&self, function: &str, input: &Value) -> Answer {
        let same_site = [("sec-fetch-site", "same-origin"), (ORIGIN.as_str(), "http://console.test")];
        self.post_with(function, input, &same_site).await
    }

    pub async fn post_with(&self, function: &str, input: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request(Method::POST, &format!("/api/{function}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json");
        self.send(request.body(Body::from(input.to_string())).expect("request")).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        self.send(request.body(Body::empty()).expect("request")).await
    }

    /// The head of an answer whose body may never end.
    pub async fn open(&self, path: &str) -> Response<Body> {
        self.open_with(path, &[]).await
    }

    /// The same with headers of its own.
    pub async fn open_with(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/event-stream");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        self.pass(request.body(Body::empty()).expect("request")).await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.pass(request).await.into_parts();
        let body = to_bytes(body, ANSWER_MAX_BYTES).await.expect("body");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let line: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = Request::builder().method(method).uri(path).header(HOST, "console.test");
        if !line.is_empty() {
            request = request.header(COOKIE, line.join("; "));
        }
        request.extension(ConnectInfo(self.peer))
    }

    async fn pass(&self, request: Request<Body>) -> Response<Body> {
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        for line in response.headers().get_all(SET_COOKIE) {
            self.keep(line.to_str().expect("cookie"));
        }
        response
    }

    fn keep(&self, line: &str) {
        let (pair, rules) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').expect("a cookie");
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        if rules.contains("Max-Age=0") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub fn cookie(&self) -> Option<String> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).get(SESSION).cloned()
    }

    pub fn set_cookie(&self, value: &str) {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner).insert(SESSION.to_owned(), value.to_owned());
    }
}
