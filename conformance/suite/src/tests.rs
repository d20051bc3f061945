//! The cases themselves are judged: one that passes whatever a server answers judges nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let asked = Arc::new(AtomicUsize::new(0));
    let answer = move |request: axum::extract::Request| async move {
        // The runner's own questions are the first; those of the cases follow.
        let number = asked.fetch_add(1, Ordering::Relaxed);
        if number == 0 && request.uri().path().ends_with("/smart-configuration") {
            return axum::Json(everything(address)).into_response();
        }
        if number == 1 && request.uri().path().ends_with("/metadata") {
            return axum::Json(statement()).into_response();
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
            _ => {}
        }
    }
    json!({
        "capabilities": capabilities, "grant_types_supported": grants, "issuer": url("issuer"),
        "token_endpoint": url("token"), "jwks_uri": url("jwks"), "authorization_endpoint": url("authorize"),
        "introspection_endpoint": url("introspect"), "revocation_endpoint": url("revoke"),
    })
}

/// A CapabilityStatement that declares all that cases need.
fn statement() -> serde_json::Value {
    let (mut system, mut operations, mut formats) = (Vec::new(), Vec::new(), Vec::new());
    let mut types = std::collections::BTreeMap::<&str, [Vec<&str>; 3]>::new();
    let mut of_type = |name: &'static str, place: usize| match name.split_once('.') {
        Some((kind, what)) => types.entry(kind).or_default()[place].push(what),
        None => system.push(json!({ "code": name })),
    };
    for need in chosen(None).flat_map(|(_, case)| &case.needs) {
        match need {
            Need::Interaction(name) => of_type(name, 0),
            Need::Search(name) => of_type(name, 1),
            Need::Declared(name) => of_type(name, 2),
            Need::Operation(name) => operations.push(json!({ "name": name })),
            Need::Format(mime) => formats.push(mime),
            _ => {}
        }
    }
    let named = |key: &str, names: &[&str]| -> serde_json::Value {
        names.iter().map(|name| json!({ key: name })).collect()
    };
    let resources = types.into_iter().map(|(kind, [interactions, searches, members])| {
        let mut resource = json!({
            "type": kind, "interaction": named("code", &interactions), "searchParam": named("name", &searches),
        });
        for member in members {
            resource[member] = json!(true);
        }
        resource
    });
    let resources: Vec<_> = resources.collect();
    json!({
        "resourceType": "CapabilityStatement", "format": formats,
        "rest": [{ "interaction": system, "operation": operations, "resource": resources }],
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
            "token",
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
        assert!(report.failed > report.cases.len() * 3 / 4, "{report}");
    }
    assert!(passed_by.is_empty(), "{passed_by:?}");
}

/// Without a token a server that asks for one is not judged by what it then refuses; one that asks for none is.
#[tokio::test]
async fn what_needs_a_token_is_skipped_without_one() {
    for (status, secret, skipped) in
        [(401, None, true), (401, Some("x"), true), (403, None, true), (200, None, false)]
    {
        let mut variables = Variables::default();
        if let Some(secret) = secret {
            variables.set("client_id", "somebody");
            variables.set("client_secret", secret);
        }
        let base = format!("http://{}/fhir", dull(status).await);
        let filter = Some("rest".to_owned());
        let report =
            run(Options { base, filter, variables, ..Options::default() }, |_| ()).await.unwrap();
        let whys = report.cases.iter().filter_map(|case| match &case.verdict {
            Verdict::Skipped(why) if why.contains("--token") => Some(why.as_str()),
            _ => None,
        });
        let whys: Vec<_> = whys.collect();
        let all = if skipped { report.cases.len() } else { 0 };
        assert_eq!(whys.len(), all, "{status}: {report}");
        if secret.is_some() {
            assert!(whys[0].contains("gave the client `somebody` none (401,"), "{whys:?}");
        }
        assert!(!report.ok(), "nothing was shown: {report}");
    }
}
