//! What leaves the console as a file: plans as shell scripts, the verification as Markdown and JSON.
//!
//! Links of a page lead here, so each checks session and role as the server functions do.

use crate::backend::RequestBackend;
use crate::state::AppState;
use app::api::{ApiError, Backend, Caller, Wish};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::can::{self, Deed};
use model::ids::{ClusterId, OperationId};
use model::plan::Plan;
use model::problem::{Problem, ProblemCode};
use serde::Deserialize;
use std::net::SocketAddr;
use tower_sessions::Session;

const SHELL_SCRIPT: &str = "text/x-shellscript; charset=utf-8";
const MARKDOWN: &str = "text/markdown; charset=utf-8";
const JSON: &str = "application/json";

/// A plan that was shown and not run.
#[derive(Debug, Deserialize)]
pub struct PlanAsked {
    /// The wish that it was made for, as JSON.
    wish: String,
    /// The plan that was seen; another one is not handed out in its place.
    digest: String,
    #[serde(default)]
    language: String,
}

#[derive(Debug, Deserialize)]
pub struct Spoken {
    #[serde(default)]
    language: String,
}

#[derive(Debug, Deserialize)]
pub struct ReportAsked {
    /// `json`; Markdown else.
    #[serde(default)]
    format: String,
    #[serde(default)]
    language: String,
}

/// `GET /export/clusters/{id}/plan`
pub async fn plan(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<ClusterId>,
    Query(asked): Query<PlanAsked>,
    session: Session,
) -> Response {
    let work = async {
        let (backend, caller) = enter(&state, session, peer).await?;
        let wish: Wish = serde_json::from_str(&asked.wish).map_err(|_| Problem::from(ProblemCode::NotFound))?;
        let preview = backend.preview(caller, id, wish).await.map_err(|ApiError(problem)| problem)?;
        if preview.digest != asked.digest {
            return Err(ProblemCode::PlanChanged.into());
        }
        script(&state, &preview.plan, &preview.digest, &asked.language).await
    };
    work.await.unwrap_or_else(refused)
}

/// `GET /export/operations/{id}`
pub async fn operation(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<OperationId>,
    Query(asked): Query<Spoken>,
    session: Session,
) -> Response {
    let work = async {
        let (backend, caller) = enter(&state, session, peer).await?;
        let view = backend.operation(caller, id).await.map_err(|ApiError(problem)| problem)?;
        script(&state, &view.operation.plan, view.operation.digest.as_str(), &asked.language).await
    };
    work.await.unwrap_or_else(refused)
}

/// `GET /export/clusters/{id}/verification`: the newest report.
pub async fn verification(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<ClusterId>,
    Query(asked): Query<ReportAsked>,
    session: Session,
) -> Response {
    let work = async {
        let (_, caller) = enter(&state, session, peer).await?;
        can::do_it(caller.me.access.on(id), Deed::See)?;
        let cluster = state.engine.store.cluster(id).await.map_err(|_| Problem::from(ProblemCode::NotFound))?;
        let report = state.engine.verification(id).await?.ok_or_else(|| Problem::from(ProblemCode::NotFound))?;
        let name = cluster.name.to_string();
        if asked.format == "json" {
            let text =
                serde_json::to_string_pretty(report.as_ref()).map_err(|_| Problem::from(ProblemCode::Internal))?;
            return Ok(file(JSON, &format!("quorate-verify-{name}.json"), text + "\n"));
        }
        let text = app::words::report::verification(&asked.language, &name, &report);
        Ok(file(MARKDOWN, &format!("quorate-verify-{name}.md"), text))
    };
    work.await.unwrap_or_else(refused)
}

async fn enter(state: &AppState, session: Session, peer: SocketAddr) -> Result<(RequestBackend, Caller), Problem> {
    let backend = RequestBackend::new(state.clone(), session, peer.ip().to_string());
    let caller = backend.caller().await.map_err(|ApiError(problem)| problem)?;
    Ok((backend, caller))
}

async fn script(state: &AppState, plan: &Plan, digest: &str, language: &str) -> Result<Response, Problem> {
    let spoken = app::words::plan::spoken(language, plan, digest);
    let text = state.engine.script(plan, &spoken).await?;
    let short: String = digest.chars().take(8).collect();
    Ok(file(SHELL_SCRIPT, &format!("quorate-{}-{short}.sh", plan.intent.word()), text))
}

/// Names are made of what the names of clusters and intents are made of, so that they need no quoting.
fn file(kind: &'static str, name: &str, text: String) -> Response {
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text).into_response()
}

/// A refusal as the code that the pages know.
fn refused(problem: Problem) -> Response {
    let status = match problem.code {
        ProblemCode::NotSignedIn => StatusCode::UNAUTHORIZED,
        ProblemCode::RoleTooLow => StatusCode::FORBIDDEN,
        ProblemCode::NotFound => StatusCode::NOT_FOUND,
        ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::CONFLICT,
    };
    (status, format!("{}\n", problem.code.as_str())).into_response()
}
