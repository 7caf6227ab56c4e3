//! The hands of the fake platform over HTTP, so that black-box tests in other processes can drive it.
//!
//! `POST /ready?target=…&fleet=…&count=…`, `/behaviour?version=…&ready_after_ms=…` (or `by_hand`, `crash_after_ms`),
//! `/crash?target=…&fleet=…&code=…`, `/refuse_routes?target=…&why=…`, `/unavailable?why=…`, `/route?target=…&fleet=…`;
//! `GET /state?target=…`.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::{get, post},
};
use bellwether_clock::spawn;
use bellwether_platform::fake::{Behaviour, Control};
use bellwether_rollout::{FleetId, Split};
use bellwether_server::Shutdown;
use serde_json::{Value, json};
use uuid::Uuid;

type Asked = Query<HashMap<String, String>>;
type Answer = Result<(), StatusCode>;

/// Serves until the process ends.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn serve(address: SocketAddr, control: Control, shutdown: Shutdown) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await.context("the fake's control")?;
    let routes = Router::new()
        .route("/ready", post(ready))
        .route("/behaviour", post(behaviour))
        .route("/crash", post(crash))
        .route("/refuse_routes", post(refuse_routes))
        .route("/unavailable", post(unavailable))
        .route("/route", post(route))
        .route("/state", get(state))
        .with_state(control);
    let serving = axum::serve(listener, routes);
    spawn("fake-control", async move {
        let ended = serving.with_graceful_shutdown(async move { shutdown.triggered().await }).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "the fake's control has ended");
        }
    });
    Ok(())
}

fn text<'a>(asked: &'a Asked, name: &str) -> Result<&'a str, StatusCode> {
    asked.get(name).map(String::as_str).ok_or(StatusCode::BAD_REQUEST)
}

fn number(asked: &Asked, name: &str) -> Result<u64, StatusCode> {
    text(asked, name)?.parse().map_err(|_| StatusCode::BAD_REQUEST)
}

fn fleet(asked: &Asked) -> Result<FleetId, StatusCode> {
    let id = text(asked, "fleet")?;
    Uuid::try_parse(id).map(FleetId).map_err(|_| StatusCode::BAD_REQUEST)
}

async fn ready(State(control): State<Control>, asked: Asked) -> Answer {
    let count = usize::try_from(number(&asked, "count")?).map_err(|_| StatusCode::BAD_REQUEST)?;
    control.set_ready(text(&asked, "target")?, fleet(&asked)?, count);
    Ok(())
}

async fn behaviour(State(control): State<Control>, asked: Asked) -> Answer {
    let behaviour = if asked.contains_key("by_hand") {
        Behaviour::ByHand
    } else if asked.contains_key("crash_after_ms") {
        Behaviour::CrashAfter(Duration::from_millis(number(&asked, "crash_after_ms")?))
    } else {
        Behaviour::ReadyAfter(Duration::from_millis(number(&asked, "ready_after_ms")?))
    };
    match asked.get("version") {
        Some(version) => control.behaviour(version, behaviour),
        None => control.default_behaviour(behaviour),
    }
    Ok(())
}

async fn crash(State(control): State<Control>, asked: Asked) -> Answer {
    let code = i32::try_from(number(&asked, "code")?).map_err(|_| StatusCode::BAD_REQUEST)?;
    control.crash(text(&asked, "target")?, fleet(&asked)?, code);
    Ok(())
}

async fn refuse_routes(State(control): State<Control>, asked: Asked) -> Answer {
    control.refuse_routes(text(&asked, "target")?, asked.get("why").map(String::as_str));
    Ok(())
}

async fn unavailable(State(control): State<Control>, asked: Asked) -> Answer {
    control.unavailable(asked.get("why").map(String::as_str));
    Ok(())
}

async fn route(State(control): State<Control>, asked: Asked) -> Answer {
    control.route_by_hand(text(&asked, "target")?, Split::all_to(fleet(&asked)?));
    Ok(())
}

async fn state(State(control): State<Control>, asked: Asked) -> Result<Json<Value>, StatusCode> {
    let target = text(&asked, "target")?;
    let stats = control.stats(target);
    let started: HashMap<String, usize> =
        stats.started.iter().map(|(fleet, started)| (fleet.to_string(), started.len())).collect();
    Ok(Json(json!({
        "split": control.split(target),
        "splits": stats.splits,
        "peak_instances": stats.peak_instances,
        "least_ready": stats.least_ready,
        "served_unready": stats.served_unready.len(),
        "started": started,
        "fenced": stats.fenced,
    })))
}
