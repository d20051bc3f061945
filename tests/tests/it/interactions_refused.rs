//! Who may not, and what is not there: 401, 403, 404, 405.

use anyhow::Result;
use auth::{ClientConfig, Secret, SecretHash};
use it::{Client, Fixture};

use crate::interactions_table::{get, play, send, with};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"a"}"#;

#[tokio::test]
async fn nothing_without_a_token() -> Result<()> {
    let server = Fixture::start().await?;
    let challenge: &[&str] = &["www-authenticate: *", ".issue.0.code = login"];
    let anonymous = server.client.anonymous();
    play(
        &anonymous,
        &[
            get("GET /Patient/a", 401, challenge),
            get("HEAD /Patient/a", 401, &["body: empty"]),
            get("GET /Patient", 401, challenge),
            get("GET /_history", 401, challenge),
            get("GET /Pacient", 401, challenge),
            get("GET /no/such/path/at/all", 401, challenge),
            send("POST /Patient", PATIENT, 401, challenge),
            send("POST /", "{}", 401, challenge),
            get("DELETE /Patient/a", 401, challenge),
            with("GET /Patient/a", &["Authorization: Basic YTpi"], "", 401, challenge),
            with("GET /Patient/a", &["Authorization: Bearer x.y.z"], "", 401, &[]),
            get("GET /Patient/a?access_token=x", 400, &[".issue.0.code = security"]),
        ],
    )
    .await
}

/// A client that may read and search observations, and create patients.
async fn narrow(server: &Fixture) -> Result<Client> {
    Client::connect(server.origin()?, "narrow", "narrow-secret").await
}

async fn start() -> Result<Fixture> {
    let secret = SecretHash::of(&Secret::new("narrow-secret".to_owned()))?;
    Fixture::start_with(|settings| {
        settings.clients.push(ClientConfig {
            id: "narrow".to_owned(),
            secret: Some(secret),
            scope: "system/Observation.rs system/Patient.c".to_owned(),
            ..ClientConfig::default()
        });
    })
    .await
}

#[tokio::test]
async fn no_more_than_the_scopes() -> Result<()> {
    let server = start().await?;
    let (client, refused) = (narrow(&server).await?, [".issue.0.code = forbidden"]);
    let refused: &'static [&'static str] = Box::leak(Box::new(refused));
    play(&server.client, &[send("PUT /Patient/a", PATIENT, 201, &[])]).await?;
    play(
        &client,
        &[
            get("GET /Observation", 200, &[]),
            get("GET /Observation/none", 404, &[]),
            send("POST /Patient", r#"{"resourceType":"Patient"}"#, 201, &[]),
            get("GET /Patient/a", 403, refused),
            get("GET /Patient/none", 403, refused),
            get("GET /Patient/a/_history/1", 403, refused),
            get("GET /Patient/a/_history", 403, refused),
            get("GET /Patient/_history", 403, refused),
            // All that the client may see, and of that there is nothing.
            get("GET /_history", 200, &[".entry absent"]),
            get("GET /Patient", 403, refused),
            send("PUT /Patient/a", PATIENT, 403, refused),
            get("DELETE /Patient/a", 403, refused),
            get("DELETE /Patient?identifier=x", 403, refused),
            // To create on a condition is to search.
            with("POST /Patient", &["If-None-Exist: identifier=x"], PATIENT, 403, refused),
        ],
    )
    .await
}

#[tokio::test]
async fn bundles_are_no_way_around_scopes() -> Result<()> {
    let server = start().await?;
    let client = narrow(&server).await?;
    play(
        &client,
        &[
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"batch","entry":[
                    {"request":{"method":"GET","url":"Patient/a"}},
                    {"request":{"method":"GET","url":"Observation"}}]}"#,
                200,
                &[".entry.0.response.status = 403 Forbidden", ".entry.1.response.status = 200 OK"],
            ),
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"transaction","entry":[
                    {"request":{"method":"POST","url":"Patient"},
                     "resource":{"resourceType":"Patient"}},
                    {"request":{"method":"DELETE","url":"Patient/a"}}]}"#,
                403,
                &[".issue.0.expression.0 = Bundle.entry[1]"],
            ),
            send(
                "POST /",
                r#"{"resourceType":"Bundle","type":"transaction","entry":[
                    {"request":{"method":"POST","url":"Patient"},
                     "resource":{"resourceType":"Patient"}},
                    {"request":{"method":"GET","url":"Patient"}}]}"#,
                403,
                &[".issue.0.expression.0 = Bundle.entry[1]"],
            ),
        ],
    )
    .await?;
    play(&server.client, &[get("GET /Patient?_summary=count", 200, &[".total = 0"])]).await
}

#[tokio::test]
async fn methods_that_a_path_does_not_take() -> Result<()> {
    let server = Fixture::start().await?;
    play(
        &server.client,
        &[
            send("PUT /", "{}", 405, &["allow: GET, HEAD, POST"]),
            get("DELETE /metadata", 405, &["allow: GET, HEAD"]),
            send("POST /_history", "{}", 405, &["allow: GET, HEAD"]),
            send("POST /Patient/a", PATIENT, 405, &["allow: GET, HEAD, PUT, PATCH, DELETE"]),
            get("DELETE /Patient/_history", 405, &["allow: GET, HEAD"]),
            get("GET /Patient/_search", 405, &["allow: POST"]),
            send("PUT /Patient/a/_history/1", PATIENT, 405, &["allow: GET, HEAD"]),
            get("DELETE /Patient/a/_history", 405, &["allow: GET, HEAD"]),
            get("BREW /Patient", 405, &["allow: GET, HEAD, POST, PUT, PATCH, DELETE"]),
            get("BREW /Pacient", 404, &["allow:"]),
            send("POST /Pacient/a", PATIENT, 404, &["allow:"]),
            get("GET /Patient/a/$nothing", 404, &[]),
            get("GET /Patient/$nothing", 404, &[]),
            get("GET /Patient//a", 404, &[]),
            get("GET //Patient/a", 404, &[]),
            get("GET /Patient/a//", 404, &[]),
        ],
    )
    .await
}
