//! The Authorization header as a table, and the challenges of refusals.

use axum::http::{HeaderMap, HeaderValue};
use canonical_model::{Error, Kind};

use crate::{bearer, challenge, refuse_token_in_query};

fn headers(values: &[&str]) -> HeaderMap {
    values
        .iter()
        .map(|value| ("authorization".parse().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect()
}

#[test]
fn a_bearer_token_is_found_or_asked_for() {
    let (none, bad) = ("Bearer realm=\"fhir\"", "Bearer realm=\"fhir\", error=\"invalid_token\"");
    let long = format!("Bearer {}", "a".repeat(8_193));
    let two = ["Bearer a", "Bearer b"];
    for (values, shown) in [
        (&["Bearer a.b-c_d~e+f/g="][..], "a.b-c_d~e+f/g="),
        (&["bearer  abc"], "abc"),
        (&[], none),
        (&["Basic YTpi"], none),
        (&["Bearer"], bad),
        (&["Bearer "], bad),
        (&["Bearer a b"], bad),
        (&["Bearer a\"b"], bad),
        (&[long.as_str()], bad),
        (&two, bad),
    ] {
        let headers = headers(values);
        match bearer(&headers) {
            Ok(token) => assert_eq!(token, shown),
            Err(error) => {
                assert_eq!(error.kind, Kind::Unauthorized);
                assert_eq!(challenge(&error).unwrap(), shown, "{values:?}");
            }
        }
    }
}

#[test]
fn challenges_go_with_rights_only() {
    let forbidden = Error::new(Kind::Forbidden, "x");
    let scope = "Bearer realm=\"fhir\", error=\"insufficient_scope\"";
    assert_eq!(challenge(&forbidden).unwrap(), scope);
    assert_eq!(challenge(&Error::not_found("x")), None);
}

#[test]
fn a_token_in_the_query_is_refused_however_it_is_written() {
    for (query, refused) in [
        (None, false),
        (Some(""), false),
        (Some("name=access_token"), false),
        (Some("access_token=abc"), true),
        (Some("name=x&access_token="), true),
        (Some("access%5Ftoken=abc"), true),
    ] {
        assert_eq!(refuse_token_in_query(query).is_err(), refused, "{query:?}");
    }
}
