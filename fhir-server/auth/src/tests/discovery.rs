//! What a client finds out before it has a token.

use axum::body::Body;
use axum::http::Request;

use super::{send, server};
use crate::{Endpoints, smart_configuration};

#[test]
fn the_configuration_names_absolute_addresses_and_what_exists() {
    let document = smart_configuration(&Endpoints::new("https://fhir.example.org"), false, true);
    assert_eq!(document["token_endpoint"], "https://fhir.example.org/auth/token");
    assert_eq!(document["grant_types_supported"], serde_json::json!(["client_credentials"]));
    assert!(document["code_challenge_methods_supported"][0] == "S256");
    for absent in
        ["registration_endpoint", "issuer", "authorization_endpoint", "introspection_endpoint"]
    {
        assert!(document.get(absent).is_none(), "{absent}");
    }
    let document = smart_configuration(&Endpoints::new("https://fhir.example.org"), true, false);
    assert!(document.get("registration_endpoint").is_none());
    let document = smart_configuration(&Endpoints::new("https://fhir.example.org"), true, true);
    assert_eq!(document["registration_endpoint"], "https://fhir.example.org/auth/register");
    assert_eq!(document["authorization_endpoint"], "https://fhir.example.org/auth/authorize");
    let capabilities = document["capabilities"].as_array().unwrap();
    for (capability, offered) in [
        ("launch-standalone", true),
        ("client-public", true),
        ("permission-v1", true),
        ("launch-ehr", true),
        ("sso-openid-connect", true),
        ("client-confidential-asymmetric", true),
        ("permission-offline", true),
    ] {
        assert_eq!(capabilities.iter().any(|it| it == capability), offered, "{capability}");
    }
}

#[tokio::test]
async fn the_keys_are_public_and_public_only() {
    let (auth, _clock) = server();
    let answer = send(&auth, Request::get("/auth/jwks").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    let key = &answer.body["keys"][0];
    assert_eq!(key["kid"], auth.parts().keys.ring().access.kid());
    assert_eq!(
        [&key["kty"], &key["crv"], &key["alg"], &key["use"]],
        ["EC", "P-256", "ES256", "sig"]
    );
    assert_eq!(key.as_object().unwrap().len(), 7, "no private member");
}
