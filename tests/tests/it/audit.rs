//! Every access leaves one audit row, granted or refused; where none can be written, nothing is
//! given out.

use anyhow::Result;
use auth::{ClientConfig, Secret, SecretHash};
use canonical_model::ResourceType;
use it::{Answer, Client, Fixture};
use sqlx::{AssertSqlSafe, PgConnection};

const ACTIONS: [&str; 6] = ["create", "read", "update", "delete", "search", "operation"];

type Row =
    (i64, i16, i16, Option<i16>, Option<String>, Option<i32>, String, String, Option<String>);

/// The audit as it grows.
pub(crate) struct Journal {
    database: PgConnection,
    seen: i64,
}

impl Journal {
    pub(crate) async fn open(server: &Fixture) -> Result<Self> {
        Ok(Self { database: server.database.connect().await?, seen: 0 })
    }

    /// The rows of accesses since the last call, without the token that began: `create 201 Patient/a v1`, then the query if there is one.
    pub(crate) async fn news(&mut self, client: &str) -> Result<Vec<String>> {
        let rows: Vec<Row> = sqlx::query_as(
            "select audit_id, action, status, type, id, version, client, token_id, detail
             from audit where audit_id > $1 and action < 6 order by audit_id",
        )
        .bind(self.seen)
        .fetch_all(&mut self.database)
        .await?;
        let mut news = Vec::new();
        for (audit_id, action, status, kind, id, version, by, token, detail) in rows {
            self.seen = self.seen.max(audit_id);
            assert_eq!(by, client);
            assert!(!token.is_empty());
            let kind = kind.and_then(ResourceType::from_number).map_or("-", ResourceType::name);
            let mut row = format!("{} {status} {kind}", ACTIONS[usize::try_from(action)?]);
            id.iter().for_each(|id| row.push_str(&format!("/{id}")));
            version.iter().for_each(|version| row.push_str(&format!(" v{version}")));
            detail.iter().for_each(|detail| row.push_str(&format!(" ?{detail}")));
            news.push(row);
        }
        Ok(news)
    }

    async fn run(&mut self, statement: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.database).await?;
        Ok(())
    }
}

fn patient(id: &str, family: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}]}}"#)
}

async fn ask(
    client: &Client,
    method: &str,
    path: &str,
    header: &str,
    body: &str,
) -> Result<Answer> {
    let mut request = client.request(method, path);
    if let Some((name, value)) = header.split_once(": ") {
        request = request.header(name, value);
    }
    if !body.is_empty() && !header.starts_with("content-type") {
        request = request.header("content-type", "application/fhir+json");
    }
    Answer::of(request.body(body.to_owned())).await
}

#[tokio::test]
async fn every_access_leaves_one_row() -> Result<()> {
    let server = Fixture::start().await?;
    let mut journal = Journal::open(&server).await?;
    let (first, second) = (patient("a", "One"), patient("a", "Two"));
    let (new, free) = (r#"{"resourceType":"Patient"}"#, patient("b", "Three"));
    let form = "content-type: application/x-www-form-urlencoded";
    let patch = r#"[{"op":"add","path":"/gender","value":"male"}]"#;
    let steps = [
        ("PUT", "/Patient/a", "", first.as_str(), "update 201 Patient/a v1"),
        ("PUT", "/Patient/a", "", &second, "update 200 Patient/a v2"),
        ("PUT", "/Patient/a", "", &second, "update 200 Patient/a v2"),
        ("PUT", "/Patient/a", "if-match: W/\"1\"", &first, "update 412 Patient/a"),
        ("PUT", "/Patient/x", "", &first, "update 400 Patient/x"),
        (
            "PATCH",
            "/Patient/a",
            "content-type: application/json-patch+json",
            patch,
            "update 200 Patient/a v3",
        ),
        ("GET", "/Patient/a", "", "", "read 200 Patient/a v3"),
        ("HEAD", "/Patient/a", "", "", "read 200 Patient/a v3"),
        ("GET", "/Patient/a", "if-none-match: W/\"3\"", "", "read 304 Patient/a v3"),
        ("GET", "/Patient/nobody", "", "", "read 404 Patient/nobody"),
        ("GET", "/Patient/a/_history/1", "", "", "read 200 Patient/a v1"),
        ("GET", "/Patient/a/_history/9", "", "", "read 404 Patient/a"),
        ("GET", "/Patient/a/_history", "", "", "read 200 Patient/a"),
        ("GET", "/Patient/_history", "", "", "search 200 Patient"),
        ("GET", "/_history?_count=3", "", "", "search 200 - ?_count=3"),
        ("GET", "/Patient?family=two", "", "", "search 200 Patient ?family=two"),
        ("GET", "/Patient?family=nobody", "", "", "search 200 Patient ?family=nobody"),
        ("GET", "/Patient?birthdate=x", "", "", "search 400 Patient ?birthdate=x"),
        (
            "POST",
            "/Patient/_search?family=two",
            form,
            "gender=male",
            "search 200 Patient ?family=two",
        ),
        ("POST", "/Patient", "if-none-exist: family=two", new, "create 200 Patient/a v3"),
        (
            "POST",
            "/Patient",
            "",
            r#"{"resourceType":"Patient","gender":"x"}"#,
            "create 422 Patient",
        ),
        ("PUT", "/Patient?family=three", "", &free, "update 201 Patient/b v1"),
        ("DELETE", "/Patient?family=three", "", "", "delete 204 Patient/b v2"),
        ("DELETE", "/Patient/a", "", "", "delete 204 Patient/a v4"),
        ("DELETE", "/Patient/a", "", "", "delete 204 Patient/a"),
        ("GET", "/Patient/a", "", "", "read 410 Patient/a"),
        ("PUT", "/Patient/a", "", &first, "update 20"),
    ];
    let mut wrong = Vec::new();
    for (method, path, header, body, expected) in steps {
        let answer = ask(&server.client, method, path, header, body).await?;
        let news = journal.news("dev-backend").await?;
        if news.len() != 1 || !news[0].starts_with(expected) {
            wrong.push(format!("{method} {path}: {} {news:?}, not {expected}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    ask(&server.client, "GET", "/metadata", "", "").await?;
    assert!(journal.news("dev-backend").await?.is_empty(), "the capabilities are nobody's data");
    Ok(())
}

#[tokio::test]
async fn a_row_says_which_request_when_and_by_which_token() -> Result<()> {
    let server = Fixture::start().await?;
    let mut database = server.database.connect().await?;
    let body = patient("a", "One");
    for (method, id, body) in [("PUT", "case-1", body.as_str()), ("GET", "case-2", "")] {
        let header = format!("x-request-id: {id}");
        let answer = ask(&server.client, method, "/Patient/a", &header, body).await?;
        assert_eq!(answer.header("x-request-id"), id);
        let found: (bool, i64) = sqlx::query_as(
            "select bool_and(at between now() - interval '1 minute' and now() + interval '1 second'),
                count(distinct token_id)
             from audit where request_id = $1",
        )
        .bind(id)
        .fetch_one(&mut database)
        .await?;
        assert_eq!(found, (true, 1), "{method}");
    }
    let tokens: i64 = sqlx::query_scalar("select count(distinct token_id) from audit")
        .fetch_one(&mut database)
        .await?;
    assert_eq!(tokens, 1, "both came with one token");
    Ok(())
}

#[tokio::test]
async fn each_entry_of_a_bundle_leaves_its_own() -> Result<()> {
    let server = Fixture::start().await?;
    let mut journal = Journal::open(&server).await?;
    let entries = format!(
        r#"{{"resource":{},"request":{{"method":"PUT","url":"Patient/a"}}}},
        {{"resource":{},"request":{{"method":"PUT","url":"Patient/b"}}}},
        {{"request":{{"method":"GET","url":"Patient/a"}}}},
        {{"request":{{"method":"GET","url":"Patient?family=one"}}}}"#,
        patient("a", "One"),
        patient("b", "Two")
    );
    let bundle = |kind: &str, entries: &str| {
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{entries}]}}"#)
    };
    let answer = server.client.send("POST", "", &bundle("transaction", &entries)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut news = journal.news("dev-backend").await?;
    news.sort();
    assert_eq!(
        news,
        [
            "operation 200 -",
            "read 200 Patient/a v1",
            "search 200 Patient ?family=one",
            "update 201 Patient/a v1",
            "update 201 Patient/b v1"
        ]
    );
    let more = r#"{"request":{"method":"GET","url":"Patient/nobody"}},
        {"request":{"method":"DELETE","url":"Patient/b"}},
        {"resource":{"resourceType":"Patient","gender":"x"},"request":{"method":"POST","url":"Patient"}}"#;
    let answer = server.client.send("POST", "", &bundle("batch", more)).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut news = journal.news("dev-backend").await?;
    news.sort();
    assert_eq!(
        news,
        [
            "create 422 Patient",
            "delete 204 Patient/b v2",
            "operation 200 -",
            "read 404 Patient/nobody"
        ]
    );
    let refused = format!(
        r#"{entries},{{"resource":{},"request":{{"method":"PUT","url":"Patient/c","ifMatch":"W/\"3\""}}}}"#,
        patient("c", "C")
    );
    let answer = server.client.send("POST", "", &bundle("transaction", &refused)).await?;
    assert_eq!(answer.status, 412, "{}", answer.text);
    assert_eq!(journal.news("dev-backend").await?, ["operation 412 -"]);
    Ok(())
}

#[tokio::test]
async fn what_a_scope_forbids_is_recorded() -> Result<()> {
    let server = Fixture::start_with(|settings| {
        let secret = SecretHash::of(&Secret::new("s3cret".to_owned())).expect("random bytes");
        settings.clients.push(ClientConfig {
            id: "reader".to_owned(),
            secret: Some(secret),
            scope: "system/Patient.rs".to_owned(),
            ..ClientConfig::default()
        });
    })
    .await?;
    let body = patient("a", "One");
    assert_eq!(server.client.send("PUT", "/Patient/a", &body).await?.status, 201);
    let reader = Client::connect(server.origin()?, "reader", "s3cret").await?;
    let mut journal = Journal::open(&server).await?;
    journal.news("dev-backend").await?;
    for (method, path, body, expected) in [
        ("GET", "/Patient/a", "", "read 200 Patient/a v1"),
        ("PUT", "/Patient/a", patient("a", "Two").as_str(), "update 403 Patient/a"),
        ("POST", "/Patient", &body, "create 403 Patient"),
        ("DELETE", "/Patient/a", "", "delete 403 Patient/a"),
        ("GET", "/Observation?code=1", "", "search 403 Observation ?code=1"),
        ("GET", "/Observation/a", "", "read 403 Observation/a"),
        ("GET", "/Observation/a/_history", "", "read 403 Observation/a"),
        // Of the whole system only what the scope permits is given out.
        ("GET", "/_history", "", "search 200 -"),
    ] {
        let answer = ask(&reader, method, path, "", body).await?;
        let news = journal.news("reader").await?;
        assert_eq!(news, [expected], "{method} {path}: {}", answer.text);
    }
    let read = server.client.get("/Patient/a").await?;
    assert_eq!(read.version(), 1, "nothing was changed");
    Ok(())
}

#[tokio::test]
async fn without_a_record_nothing_is_given_out() -> Result<()> {
    let server = Fixture::start().await?;
    let put = server.client.send("PUT", "/Patient/a", &patient("a", "Zq7canary")).await?;
    assert_eq!(put.status, 201);
    let mut journal = Journal::open(&server).await?;
    journal.run("revoke insert on audit from carebridge_audit, carebridge_app").await?;
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/a"}}]}"#;
    for (method, path, body) in [
        ("GET", "/Patient/a", ""),
        ("GET", "/Patient/a?_summary=true", ""),
        ("GET", "/Patient/a/_history/1", ""),
        ("GET", "/Patient/a/_history", ""),
        ("GET", "/_history", ""),
        ("GET", "/Patient?family=zq7", ""),
        ("GET", "/Patient?family=zq7&_summary=count", ""),
        ("GET", "/Patient/nobody", ""),
        ("PUT", "/Patient/a", &patient("a", "Zq7canary")),
        ("POST", "", batch),
    ] {
        let answer = ask(&server.client, method, path, "", body).await?;
        assert_eq!(answer.status, 503, "{method} {path}: {}", answer.text);
        assert_eq!(answer.text_at("resourceType"), "OperationOutcome");
        assert!(!answer.text.contains("Zq7canary"), "{method} {path}: {}", answer.text);
        assert!(answer.headers.get("etag").is_none(), "{method} {path}");
    }
    journal.run("grant insert on audit to carebridge_audit, carebridge_app").await?;
    assert_eq!(server.client.get("/Patient/a").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn without_a_record_nothing_is_written() -> Result<()> {
    let server = Fixture::start().await?;
    let mut journal = Journal::open(&server).await?;
    assert_eq!(server.client.send("PUT", "/Patient/a", &patient("a", "One")).await?.status, 201);
    journal.run("revoke insert on audit from carebridge_app").await?;
    let transaction = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{},"request":{{"method":"PUT","url":"Patient/b"}}}}]}}"#,
        patient("b", "Two")
    );
    for (method, path, body) in [
        ("PUT", "/Patient/a", patient("a", "Two").as_str()),
        ("PUT", "/Patient/b", &patient("b", "Two")),
        ("POST", "/Patient", r#"{"resourceType":"Patient"}"#),
        ("DELETE", "/Patient/a", ""),
        ("POST", "", &transaction),
    ] {
        let answer = ask(&server.client, method, path, "", body).await?;
        assert!(answer.status >= 500, "{method} {path}: {} {}", answer.status, answer.text);
        assert_eq!(answer.text_at("resourceType"), "OperationOutcome");
    }
    journal.run("grant insert on audit to carebridge_app").await?;
    assert_eq!(server.client.get("/Patient/a").await?.version(), 1);
    let all = server.client.get("/Patient?_summary=count").await?;
    assert_eq!(all.at("total").map(|total| total.to_text()).as_deref(), Some("1"));
    assert_eq!(server.client.send("PUT", "/Patient/b", &patient("b", "Two")).await?.status, 201);
    Ok(())
}

/// An entry that finds what is there already gives it out without writing.
#[tokio::test]
async fn what_a_transaction_finds_is_recorded_too() -> Result<()> {
    let server = Fixture::start().await?;
    let body =
        r#"{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:x","value":"1"}]}"#;
    assert_eq!(server.client.send("PUT", "/Patient/a", body).await?.status, 201);
    let mut journal = Journal::open(&server).await?;
    journal.news("dev-backend").await?;
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{body},"request":{{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:x|1"}}}}]}}"#
    );
    let answer = server.client.send("POST", "", &bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let news = journal.news("dev-backend").await?;
    assert!(news.contains(&"create 200 Patient/a v1".to_owned()), "{news:?}");
    Ok(())
}
