//! Token requests as tables.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;

use super::{Answer, ask, send, server};
use crate::AuthState;

const GRANT: &str = "grant_type=client_credentials";
const READER: &str = "reader:reader+secret%3A%26%3D%2B%25";

fn show(answer: &Answer) -> String {
    let word = if answer.status.is_success() { "scope" } else { "error" };
    format!("{} {}", answer.status.as_u16(), answer.text(word))
}

#[tokio::test]
async fn requests_are_answered_as_the_rfc_says() {
    let (auth, _clock) = server();
    let dev = Some("dev-backend:dev-secret");
    for (basic, form, shown) in [
        (dev, "", "200 system/*.cruds"),
        (dev, "&scope=system/*.read", "200 system/*.read"),
        (dev, "&scope=system/Patient.rs+system/Slot.c", "200 system/Patient.rs system/Slot.c"),
        (dev, "&scope=", "200 system/*.cruds"),
        (dev, "&client_id=dev-backend", "200 system/*.cruds"),
        (None, "&client_id=dev-backend&client_secret=dev-secret", "200 system/*.cruds"),
        (Some(READER), "", "200 system/Patient.rs"),
        (Some(READER), "&scope=system/*.*", "200 system/Patient.read"),
        (Some(READER), "&scope=system/Patient.read+openid", "200 system/Patient.read"),
        (Some(READER), "&scope=system/Observation.rs", "400 invalid_scope"),
        (Some(READER), "&scope=system/Patient.sr", "400 invalid_scope"),
        (Some("person:person-secret"), "", "400 invalid_scope"),
        (Some("person:person-secret"), "&scope=user/*.rs", "400 invalid_scope"),
        (Some("dev-backend:wrong"), "", "401 invalid_client"),
        (Some("dev-backend:"), "", "401 invalid_client"),
        (Some("dev-backend"), "", "401 invalid_client"),
        (Some("nobody:dev-secret"), "", "401 invalid_client"),
        (None, "", "401 invalid_client"),
        (None, "&client_id=dev-backend", "401 invalid_client"),
        (dev, "&client_secret=dev-secret", "400 invalid_request"),
        (dev, "&client_id=reader", "400 invalid_request"),
        (dev, "&scope=system/*.rs&scope=system/*.cruds", "400 invalid_request"),
        (dev, "&grant_type=client_credentials", "400 invalid_request"),
    ] {
        let answer = ask(&auth, basic, &format!("{GRANT}{form}")).await;
        assert_eq!(show(&answer), shown, "{basic:?} {form}");
        let caching = [answer.header("cache-control"), answer.header("pragma")];
        assert_eq!(caching, ["no-store", "no-cache"], "{form}");
        let asks_for_basic = answer.header("www-authenticate").starts_with("Basic realm=");
        assert_eq!(asks_for_basic, answer.status == 401, "{form}");
    }
    for (form, shown) in [
        ("", "400 invalid_request"),
        ("grant_type=", "400 invalid_request"),
        ("grant_type=password", "400 unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", "400 unsupported_grant_type"),
    ] {
        assert_eq!(show(&ask(&auth, dev, form).await), shown, "{form}");
    }
}

#[tokio::test]
async fn a_token_answer_has_what_smart_asks() {
    let (auth, _clock) = server();
    let answer = ask(&auth, Some("dev-backend:dev-secret"), GRANT).await;
    assert_eq!(answer.text("token_type"), "bearer");
    assert_eq!(answer.body["expires_in"], 300);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body.as_object().unwrap().len(), 4, "no refresh token");
}

#[tokio::test]
async fn the_shape_of_the_request_is_checked_first() {
    let (auth, _clock) = server();
    let form = "application/x-www-form-urlencoded";
    let secret = "&client_id=dev-backend&client_secret=dev-secret";
    let right = format!("{GRANT}{secret}");
    let many: String = (0..40).map(|n| format!("&p{n}=1")).collect();
    for (method, uri, media, body, shown) in [
        ("POST", "/auth/token", form, right.clone(), "200 system/*.cruds"),
        (
            "POST",
            "/auth/token",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            right.clone(),
            "200 system/*.cruds",
        ),
        ("POST", "/auth/token", "application/json", "{}".into(), "400 invalid_request"),
        ("POST", "/auth/token", "", right.clone(), "400 invalid_request"),
        (
            "POST",
            "/auth/token?client_secret=dev-secret",
            form,
            right.clone(),
            "400 invalid_request",
        ),
        ("POST", "/auth/token", form, right.clone() + &many, "400 invalid_request"),
        (
            "POST",
            "/auth/token",
            form,
            right.clone() + "&x=" + &"y".repeat(17_000),
            "413 invalid_request",
        ),
        ("GET", "/auth/token", form, String::new(), "405 invalid_request"),
        ("PUT", "/auth/token", form, right, "405 invalid_request"),
    ] {
        let request = Request::builder().method(method).uri(uri).header("content-type", media);
        let answer = send(&auth, request.body(Body::from(body)).unwrap()).await;
        assert_eq!(show(&answer), shown, "{method} {uri} {media}");
        assert_eq!(answer.header("allow"), if answer.status == 405 { "POST" } else { "" });
    }
}

async fn ask_from(auth: &AuthState, address: u8, secret: &str) -> Answer {
    ask_as(auth, address, "dev-backend", secret).await
}

async fn ask_as(auth: &AuthState, address: u8, id: &str, secret: &str) -> Answer {
    let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, address), 40_000));
    let body = format!("{GRANT}&client_id={id}&client_secret={secret}");
    let request = Request::post("/auth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .extension(ConnectInfo(peer));
    send(auth, request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn guessing_is_slowed_for_the_guesser_alone() {
    let (auth, clock) = server();
    for _ in 0..10 {
        assert_eq!(ask_from(&auth, 1, "guess").await.status, 401);
    }
    clock.advance(Duration::from_secs(20));
    let refused = ask_from(&auth, 1, "dev-secret").await;
    assert_eq!((refused.status.as_u16(), refused.text("error")), (429, "slow_down"));
    assert_eq!(refused.header("retry-after"), "40");
    assert_eq!(ask_from(&auth, 2, "dev-secret").await.status, 200, "another address");
    clock.advance(Duration::from_secs(40));
    assert_eq!(ask_from(&auth, 1, "guess").await.status, 401, "a new window");
    assert_eq!(ask_from(&auth, 1, "dev-secret").await.status, 200);
}

#[test]
fn the_throttle_stays_bounded() {
    let throttle = crate::throttle::Throttle::new(
        crate::limits::FAILURES_MAX,
        crate::limits::FAILURE_WINDOW_S,
    );
    for n in 0..25_000 {
        throttle.failed(throttle.suspect(&format!("client-{n}"), None), 0);
    }
    let last = throttle.suspect("client-24999", None);
    for _ in 0..9 {
        throttle.failed(last, 0);
    }
    assert_eq!(throttle.admit(last, 1), Err(59));
}

#[test]
fn made_up_names_forget_no_failures_of_others() {
    let throttle = crate::throttle::Throttle::new(
        crate::limits::FAILURES_MAX,
        crate::limits::FAILURE_WINDOW_S,
    );
    let [barred, near] = ["barred", "near"].map(|name| throttle.suspect(name, None));
    for _ in 0..crate::limits::FAILURES_MAX {
        throttle.failed(barred, 0);
    }
    for _ in 1..crate::limits::FAILURES_MAX {
        throttle.failed(near, 0);
    }
    for n in 0..25_000 {
        throttle.failed(throttle.suspect(&format!("client-{n}"), None), 1);
    }
    assert_eq!(throttle.admit(barred, 2), Err(58));
    assert_eq!(throttle.admit(near, 2), Ok(()));
    throttle.failed(near, 2);
    assert_eq!(throttle.admit(near, 3), Err(57), "it goes on from what it had");
}

#[tokio::test]
async fn names_that_are_nobodys_are_one_suspect() {
    let (auth, _) = server();
    for n in 0..crate::limits::FAILURES_MAX {
        let answer = ask_as(&auth, 1, &format!("made-up-{n}"), "guess").await;
        assert_eq!(answer.status, 401, "{n}");
    }
    assert_eq!(ask_as(&auth, 1, "made-up-too", "guess").await.status, 429);
    assert_eq!(ask_as(&auth, 1, "dev-backend", "dev-secret").await.status, 200);
}
