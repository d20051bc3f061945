//! The cases themselves are judged: one that passes whatever a server answers judges nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::json;
use tokio::net::TcpListener;

use crate::cases::chosen;
use crate::need::Need;
use crate::{Options, Variables, Verdict, run};

/// Declares all that cases need, and answers everything else in one way.
async fn dull(status: u16) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let answer = move |request: axum::extract::Request| async move {
        // The runner's own question is the first; those of the cases follow.
        let first = !asked.swap(true, Ordering::Relaxed);
        if first && request.uri().path().ends_with("/smart-configuration") {
            return axum::Json(everything(address)).into_response();
        }
        (StatusCode::from_u16(status).unwrap(), axum::Json(json!({}))).into_response()
    };
    let app = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

fn everything(address: SocketAddr) -> serde_json::Value {
    let url = |path: &str| format!("http://{address}/{path}");
    let (mut capabilities, mut grants) = (Vec::new(), Vec::new());
    for need in chosen(None).flat_map(|(_, case)| &case.needs) {
        match need {
            Need::Capability(word) => capabilities.push(word.clone()),
            Need::Grant(word) => grants.push(word.clone()),
            Need::Member(_) | Need::Variable(_) | Need::Https(_) => {}
        }
    }
    json!({
        "capabilities": capabilities, "grant_types_supported": grants, "issuer": url("issuer"),
        "token_endpoint": url("token"), "jwks_uri": url("jwks"), "authorization_endpoint": url("authorize"),
        "introspection_endpoint": url("introspect"), "revocation_endpoint": url("revoke"),
    })
}

#[tokio::test]
async fn no_case_passes_whatever_is_answered() {
    let mut passed_by = std::collections::BTreeMap::new();
    for status in [200, 400, 401, 404, 500] {
        let address = dull(status).await;
        let mut variables = Variables::default();
        let names = [
            "client_id",
            "client_secret",
            "app_client",
            "app_redirect",
            "login",
            "password",
            "other_patient",
            "vital_sign",
            "laboratory",
            "provenance",
        ];
        for name in names {
            variables.set(name, "x");
        }
        let base = format!("http://{address}/fhir");
        let options = Options { base, variables, ..Options::default() };
        let report = run(options, |_| ()).await.unwrap();
        for case in report.cases.iter().filter(|case| case.verdict == Verdict::Passed) {
            passed_by.entry(case.id).or_insert_with(Vec::new).push(status);
        }
        assert!(report.failed > 10, "{report}");
    }
    assert!(passed_by.is_empty(), "{passed_by:?}");
}
