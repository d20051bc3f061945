//! What the record says of an access beside who and what: for which interaction, of which patients, by whom as a
//! person, from where, to what purpose, and in which transaction.

use std::time::Duration;

use access::Treatment;
use anyhow::Result;
use it::{Answer, Client, Database, Fixture, Signer, ledger};
use serde_json::json;
use server::Settings;
use sqlx::{AssertSqlSafe, PgConnection};

/// By number, as the code names them.
const INTERACTIONS: [&str; 14] = [
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "history-system",
    "create",
    "search-type",
    "search-system",
    "batch",
    "transaction",
    "operation",
];

/// The record as it grows: `interaction of patients by person for purpose from address`, where there are any.
struct Record {
    database: PgConnection,
    seen: i64,
}

type Row = (i64, i16, Vec<String>, Option<String>, Option<String>, Option<String>, Option<i64>);

impl Record {
    async fn open(database: &Database) -> Result<Self> {
        Ok(Self { database: database.connect().await?, seen: 0 })
    }

    async fn news(&mut self) -> Result<Vec<String>> {
        let rows: Vec<Row> = sqlx::query_as(
            "select audit_id, interaction,
                array(select id from resource where id_hash = any (a.patients) order by id), person, purpose,
                host(address), tx
             from audit a where audit_id > $1 and action < 6 order by audit_id",
        )
        .bind(self.seen)
        .fetch_all(&mut self.database)
        .await?;
        let mut news = Vec::new();
        for (audit_id, interaction, patients, person, purpose, address, tx) in rows {
            self.seen = self.seen.max(audit_id);
            assert!(tx.is_some_and(|tx| tx > 0), "which transaction wrote it");
            assert_eq!(address.as_deref(), Some("127.0.0.1"));
            let mut row = INTERACTIONS[usize::try_from(interaction)?].to_owned();
            if !patients.is_empty() {
                row.push_str(&format!(" of {}", patients.join(",")));
            }
            person.iter().for_each(|person| row.push_str(&format!(" by {person}")));
            purpose.iter().for_each(|purpose| row.push_str(&format!(" for {purpose}")));
            news.push(row);
        }
        Ok(news)
    }
}

async fn ask(
    client: &Client,
    method: &str,
    path: &str,
    header: &str,
    body: &str,
) -> Result<Answer> {
    let mut request = client.request(method, path).header("content-type", "application/fhir+json");
    if let Some((name, value)) = header.split_once(": ") {
        request = client.request(method, path).header(name, value);
        if name != "content-type" {
            request = request.header("content-type", "application/fhir+json");
        }
    }
    Answer::of(request.body(body.to_owned())).await
}

fn weight(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"w"}},
            "subject":{{"reference":"Patient/{patient}"}}}}"#
    )
}

#[tokio::test]
async fn each_interaction_says_whom_it_was_about() -> Result<()> {
    let server = Fixture::start().await?;
    let mut record = Record::open(&server.database).await?;
    let patch = r#"[{"op":"add","path":"/gender","value":"male"}]"#;
    let as_patch = "content-type: application/json-patch+json";
    let (a, b) =
        (r#"{"resourceType":"Patient","id":"a"}"#, r#"{"resourceType":"Patient","id":"b"}"#);
    let organization = r#"{"resourceType":"Organization","id":"o","name":"O"}"#;
    let (of_a, of_b, moved) = (weight("x", "a"), weight("y", "b"), weight("y", "a"));
    let new = of_a.replace(r#""id":"x","#, "");
    for (method, path, header, body, expected) in [
        ("PUT", "/Patient/a", "", a, "update of a"),
        ("PUT", "/Patient/a", "", a, "update of a"),
        ("PUT", "/Patient/b", "", b, "update of b"),
        ("PUT", "/Organization/o", "", organization, "update"),
        ("PUT", "/Observation/x", "", &of_a, "update of a"),
        ("PUT", "/Observation/y", "", &of_b, "update of b"),
        ("POST", "/Observation", "", &new, "create of a"),
        (
            "POST",
            "/Patient",
            "if-none-exist: _id=a",
            r#"{"resourceType":"Patient"}"#,
            "create of a",
        ),
        ("PATCH", "/Patient/a", as_patch, patch, "patch of a"),
        ("GET", "/Patient/a", "", "", "read of a"),
        ("GET", "/Observation/y", "", "", "read of b"),
        ("GET", "/Observation/y", "if-none-match: W/\"1\"", "", "read of b"),
        ("GET", "/Organization/o", "", "", "read"),
        ("GET", "/Patient/nobody", "", "", "read"),
        ("GET", "/Patient/a/_history/1", "", "", "vread of a"),
        ("GET", "/Patient/a/_history", "", "", "history-instance of a"),
        ("GET", "/Observation/_history", "", "", "history-type of a,b"),
        ("GET", "/_history?_count=100", "", "", "history-system of a,b"),
        ("GET", "/Observation?status=final", "", "", "search-type of a,b"),
        ("GET", "/Observation?status=final&_summary=count", "", "", "search-type"),
        ("GET", "/Observation?_id=y", "", "", "search-type of b"),
        ("GET", "/Patient?_id=b&_revinclude=Observation:subject", "", "", "search-type of b"),
        ("GET", "/Observation?status=amended", "", "", "search-type"),
        ("GET", "/Patient/a/Observation", "", "", "search-type of a"),
        ("GET", "/?_type=Patient", "", "", "search-system of a,b"),
        ("PUT", "/Observation/y", "", &moved, "update of a"),
        ("DELETE", "/Observation/y", "", "", "delete of a"),
        ("PUT", "/Observation/z", "if-match: W/\"7\"", &weight("z", "a"), "update"),
        ("PUT", "/Observation/z", "", "{", "update"),
    ] {
        let answer = ask(&server.client, method, path, header, body).await?;
        assert_eq!(record.news().await?, [expected], "{method} {path} {}", answer.text);
    }
    Ok(())
}

#[tokio::test]
async fn entries_of_bundles_say_it_each() -> Result<()> {
    let server = Fixture::start().await?;
    let mut record = Record::open(&server.database).await?;
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[
                {{"resource":{{"resourceType":"Patient","id":"a"}},"request":{{"method":"PUT","url":"Patient/a"}}}},
                {{"resource":{},"request":{{"method":"PUT","url":"Observation/x"}}}}]}}"#,
            weight("x", "a")
        )
    };
    for (kind, expected) in [
        ("transaction", ["transaction", "transaction of a", "transaction of a"]),
        ("batch", ["batch", "update of a", "update of a"]),
    ] {
        let answer = server.client.send("POST", "", &bundle(kind)).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut news = record.news().await?;
        news.sort();
        assert_eq!(news, expected);
    }
    Ok(())
}

#[tokio::test]
async fn a_user_is_named_as_a_person_with_a_purpose() -> Result<()> {
    let signer = Signer::create()?;
    let server = Fixture::start_with(|settings| {
        settings.auth.signing_key = Some(signer.file.clone());
        settings.policy.treatment = Treatment::Open;
    })
    .await?;
    let a = r#"{"resourceType":"Patient","id":"a"}"#;
    let mut record = Record::open(&server.database).await?;
    let claims = json!({ "scope": "user/*.cruds", "fhirUser": "Practitioner/d1", "pou": "TREAT",
        "roles": ["clinician"], "orgs": ["o1"], "grant": 7, "gen": { "account": 1, "client": 2 } });
    let user = server.client.bearing(signer.token(server.origin()?, &claims)?);
    for (method, path, body, expected) in [
        ("PUT", "/Patient/a", a, "update of a by Practitioner/d1 for TREAT"),
        (
            "PUT",
            "/Patient/a",
            &a.replace('}', r#","active":true}"#),
            "update of a by Practitioner/d1 for TREAT",
        ),
        ("GET", "/Patient/a", "", "read of a by Practitioner/d1 for TREAT"),
        ("GET", "/Patient?_id=a", "", "search-type of a by Practitioner/d1 for TREAT"),
        ("GET", "/Patient/a/_history", "", "history-instance of a by Practitioner/d1 for TREAT"),
    ] {
        let answer = ask(&user, method, path, "", body).await?;
        assert_eq!(record.news().await?, [expected], "{method} {path} {}", answer.text);
    }
    let patient =
        server.client.bearing(signer.patient_token(server.origin()?, "a", "patient/*.rs")?);
    // Read by owner, and recorded after.
    assert_eq!(patient.get("/Patient/a").await?.status, 200);
    assert_eq!(record.news().await?, ["read of a"]);
    assert_eq!(patient.get("/Patient/b").await?.status, 404);
    assert_eq!(record.news().await?, ["read"]);
    Ok(())
}

/// Of those who come through a proxy that is trusted, the address that it names.
#[tokio::test]
async fn an_access_through_a_proxy_is_of_who_is_behind_it() -> Result<()> {
    let trusted = |settings: &mut Settings| {
        settings.http.trusted_proxies = "127.0.0.1".parse().into_iter().collect();
    };
    for (server, expected) in [
        (Fixture::start_with(trusted).await?, ["203.0.113.7", "2001:db8::7", "127.0.0.1"]),
        (Fixture::start().await?, ["127.0.0.1"; 3]),
    ] {
        let names = ["9.9.9.9, 203.0.113.7", "2001:db8::7", "nobody"];
        for (n, name) in names.iter().enumerate() {
            let a = format!(r#"{{"resourceType":"Patient","id":"a{n}"}}"#);
            let path = format!("/Patient/a{n}");
            // By each of the statements that write the record.
            for (method, path, body) in [
                ("PUT", path.as_str(), a.as_str()),
                ("PUT", &path, &a.replace('}', r#","active":true}"#)),
                ("GET", &path, ""),
                ("GET", &format!("/Patient?_id=a{n}"), ""),
            ] {
                let header = format!("x-forwarded-for: {name}");
                let answer = ask(&server.client, method, path, &header, body).await?;
                assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
            }
        }
        let addresses: Vec<String> = sqlx::query_scalar(
            "select host(address) from audit where action < 6 order by audit_id",
        )
        .fetch_all(&mut server.database.connect().await?)
        .await?;
        let expected: Vec<&str> = expected.into_iter().flat_map(|one| [one; 4]).collect();
        assert_eq!(addresses, expected);
    }
    Ok(())
}

/// Accesses that share a statement keep their own patients apart.
#[tokio::test]
async fn groups_do_not_mix_patients() -> Result<()> {
    let server = Fixture::start().await?;
    for n in 0..20 {
        let body = format!(r#"{{"resourceType":"Patient","id":"p{n}"}}"#);
        assert_eq!(server.client.send("PUT", &format!("/Patient/p{n}"), &body).await?.status, 201);
    }
    let client = &server.client;
    let all = (0..20).flat_map(|n| {
        [
            format!("/Patient/p{n}"),
            format!("/Patient/p{n}/_history/1"),
            format!("/Patient?_id=p{n}"),
        ]
    });
    futures::future::try_join_all(all.map(async |path| client.get(&path).await)).await?;
    let wrong: i64 = sqlx::query_scalar(
        "select count(*) from audit a
         where interaction in (0, 1, 9) and not exists (
            select from resource r where a.patients = array[r.id_hash]
                and (r.id = a.id or a.detail = '_id=' || r.id))",
    )
    .fetch_one(&mut server.database.connect().await?)
    .await?;
    let total: i64 =
        sqlx::query_scalar("select count(*) from audit where interaction in (0, 1, 9)")
            .fetch_one(&mut server.database.connect().await?)
            .await?;
    assert_eq!((wrong, total), (0, 60));
    Ok(())
}

/// A server that runs while its database is migrated says more from then on, without a restart.
#[tokio::test]
async fn a_migration_is_noticed_while_serving() -> Result<()> {
    let url = Database::create().await?.url;
    let server = {
        let mut owner = Database { url: url.clone() }.connect().await?;
        // The columns by another name are columns that are not there.
        let columns =
            ["tx", "interaction", "patients", "person", "address", "purpose", "rules", "recipient"];
        for column in columns {
            let rename = format!("alter table audit rename column {column} to {column}_later");
            sqlx::raw_sql(AssertSqlSafe(rename)).execute(&mut owner).await?;
        }
        let server = Fixture::on(Database { url: url.clone() }, |_| ()).await?;
        let a = r#"{"resourceType":"Patient","id":"a"}"#;
        assert_eq!(server.client.send("PUT", "/Patient/a", a).await?.status, 201);
        assert_eq!(server.client.get("/Patient/a").await?.status, 200);
        for column in columns {
            let rename = format!("alter table audit rename column {column}_later to {column}");
            sqlx::raw_sql(AssertSqlSafe(rename)).execute(&mut owner).await?;
        }
        server
    };
    let mut owner = server.database.connect().await?;
    let said = async |owner: &mut PgConnection| {
        sqlx::query_scalar::<_, i64>("select count(*) from audit where interaction = 0")
            .fetch_one(owner)
            .await
    };
    assert_eq!(said(&mut owner).await?, 0);
    let noticed = async || {
        let read = server.client.get("/Patient/a").await;
        let Ok(mut owner) = server.database.connect().await else { return false };
        read.is_ok() && said(&mut owner).await.is_ok_and(|rows| rows > 0)
    };
    ledger::until("the record says more", Duration::from_secs(60), noticed).await?;
    Ok(())
}
