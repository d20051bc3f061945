//! The exchange of a code at a provider, through the one door for URLs out of data.

use http::header::AUTHORIZATION;
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{
    Client, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest, HttpResponse,
    StandardRevocableToken, StandardTokenResponse,
};
use outbound::{Call, Credential, Fault, Outbound};
use serde::{Deserialize, Serialize};

/// What OpenID Connect adds to the answer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Extra {
    id_token: Option<String>,
}

impl ExtraTokenFields for Extra {}

type Answer = StandardTokenResponse<Extra, BasicTokenType>;

/// A client that knows where to send people, and where codes are exchanged.
pub(super) type Ready = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// The identity token of an answer.
pub(super) fn identity_of(answer: &Answer) -> Option<&str> {
    answer.extra_fields().id_token.as_deref()
}

/// Sends what the exchange asks for.
pub(super) async fn request(door: Outbound, asked: HttpRequest) -> Result<HttpResponse, Fault> {
    let url = asked.uri().to_string();
    let secret = asked.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let origin = crate::page::origin(&url);
    let secret = secret.map(|value| Credential::new(origin, value)).transpose()?;
    let form = "application/x-www-form-urlencoded";
    let call = Call::post(url.clone(), "application/json", form, asked.body().clone());
    let call = match secret {
        Some(secret) => call.with(secret),
        None => call,
    };
    let answer = door.call(call).await?;
    let mut response = HttpResponse::new(answer.body.to_vec());
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}
