//! Sealed elements: nowhere in the database in the clear, whole again for whoever may read them, and
//! only with the right key.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::ResourceType;
use it::{Database, Fixture};
use search::{Hasher, Param};
use server::{DatabaseSettings, SealKey, SealSettings, Settings};
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::net::TcpListener;

const PATHS: [&str; 5] = [
    "Patient.identifier.where(system='urn:ssn').value",
    "Patient.name.family",
    "Patient.birthDate",
    "Patient.telecom.value",
    "Observation.value.ofType(string)",
];
const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:ssn","value":"123-45-6789"},{"system":"urn:mrn","value":"open-1"}],"name":[{"family":"Quixotewood","given":["Ada"]}],"telecom":[{"system":"phone","value":"555-0199-77"}],"birthDate":"1907-03-04"}"#;
const OBSERVATION: &str = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"c"},"subject":{"reference":"Patient/p"},"valueString":"Zanzibarism"}"#;

pub(crate) fn key(first: u8) -> SealKey {
    let bytes: Vec<u8> = (0..32).map(|n: u8| n.wrapping_mul(7).wrapping_add(first)).collect();
    STANDARD.encode(bytes).parse().unwrap_or_else(|never| match never {})
}

pub(crate) fn seal(paths: &[&str], key: Option<SealKey>) -> SealSettings {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    SealSettings { paths, key, ..SealSettings::default() }
}

/// Columns, of all tables, in which a text is: as it is, or in bytes.
async fn places(owner: &mut PgConnection, text: &str) -> Result<Vec<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select format('%I', relname) from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'm')",
    )
    .fetch_all(&mut *owner)
    .await?;
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut found = Vec::new();
    for table in tables {
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select t::text from {table} t where t::text ilike '%{text}%' or t::text like '%{hex}%'"
        )))
        .fetch_all(&mut *owner)
        .await?;
        found.extend(rows.iter().map(|row| format!("{table}: {row}")));
    }
    Ok(found)
}

#[tokio::test]
async fn sealed_values_are_nowhere_in_the_clear() -> Result<()> {
    let server = Fixture::start_with(|settings| settings.seal = seal(&PATHS, Some(key(3)))).await?;
    let client = &server.client;
    for (path, body) in [("/Patient/p", PATIENT), ("/Observation/o", OBSERVATION)] {
        assert_eq!(client.send("PUT", path, body).await?.status, 201);
        let again = client.send("PUT", path, body).await?;
        assert_eq!((again.status, again.version()), (200, 1), "{}", again.text);
    }
    let changed = PATIENT.replace("Ada", "Eve");
    assert_eq!(client.send("PUT", "/Patient/p", &changed).await?.version(), 2);
    let (read, old) = (client.get("/Patient/p").await?, client.get("/Patient/p/_history/1").await?);
    for part in ["123-45-6789", "Quixotewood", "555-0199-77", "1907-03-04", "Eve"] {
        assert!(read.text.contains(part), "{part}: {}", read.text);
        assert!(part == "Eve" || old.text.contains(part), "{part}: {}", old.text);
    }
    assert!(client.get("/Observation/o").await?.text.contains("Zanzibarism"));

    for (query, found) in [
        ("Patient?identifier=urn:ssn|123-45-6789", 1),
        ("Patient?identifier=123-45-6789", 1),
        ("Patient?identifier=urn:ssn|123-45", 0),
        ("Patient?phone=555-0199-77", 1),
        ("Patient?given=eve", 1),
        ("Patient?birthdate:missing=false", 1),
        ("Patient?family:missing=true", 0),
        ("Observation?patient=p", 1),
        ("Patient?_text=ada", 0),
        ("Encounter?_content=ada", 0),
    ] {
        let page = client.get(&format!("/{query}")).await?;
        assert_eq!((page.status, page.entries().len()), (200, found), "{query}: {}", page.text);
    }
    for query in [
        "Patient?family=quixotewood",
        "Patient?name=ada",
        "Patient?phonetic=quixotewood",
        "Patient?birthdate=1907-03-04",
        "Patient?_sort=family",
        "Patient?_sort=-birthdate",
        "Observation?value-string=Zanzibarism",
        "Patient?_content=quixotewood",
        "Observation?subject:Patient._content=quixotewood",
    ] {
        let refused = client.get(&format!("/{query}")).await?;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
        assert!(refused.text.contains("stored sealed"), "{query}: {}", refused.text);
    }
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient?identifier=urn:ssn%7C123-45-6789"}}]}"#;
    assert_eq!(client.send("POST", "", batch).await?.status, 200);
    assert_eq!(client.send("DELETE", "/Patient/p", "").await?.status, 204);

    let mut owner = server.database.connect().await?;
    for text in ["123-45", "Quixotewood", "0199-77", "1907-03-04", "Zanzibarism"] {
        assert_eq!(places(&mut owner, text).await?, Vec::<String>::new(), "{text}");
    }
    // As the index would have it, in microseconds.
    assert_eq!(places(&mut owner, "-1982793600000000").await?, Vec::<String>::new());
    assert!(!places(&mut owner, "open-1").await?.is_empty(), "the search finds what is open");
    assert!(!places(&mut owner, "identifier=-sealed-").await?.is_empty(), "the query is recorded");
    Ok(())
}

/// Whoever has the whole database has the key of its hash too, and can try every number there is.
#[tokio::test]
async fn the_index_does_not_tell_a_sealed_identifier_to_who_tries_all() -> Result<()> {
    let (identifiers, texts) = (&PATHS[..1], &PATHS[4..]);
    for (paths, told) in [(identifiers, false), (texts, true)] {
        let server =
            Fixture::start_with(|settings| settings.seal = seal(paths, Some(key(3)))).await?;
        assert_eq!(server.client.send("PUT", "/Patient/p", PATIENT).await?.status, 201);
        let mut owner = server.database.connect().await?;
        let key: Vec<u8> = sqlx::query_scalar("select value from setting where name = 'hash_key'")
            .fetch_one(&mut owner)
            .await?;
        let hasher = Hasher::new(key.as_slice().try_into()?);
        let Param(param) = hasher.param(ResourceType::PATIENT, "identifier");
        let guess = |bit: i64| hasher.code(Param((param & !1) | bit), "123-45-6789");
        let found: bool =
            sqlx::query_scalar("select exists (select from token_index where key = any($1))")
                .bind(vec![guess(0), guess(1)])
                .fetch_one(&mut owner)
                .await?;
        assert_eq!(found, told, "{paths:?}");
        let page = server.client.get("/Patient?identifier=urn:ssn|123-45-6789").await?;
        assert_eq!(page.entries().len(), 1, "whoever has the keys finds it: {}", page.text);
    }
    Ok(())
}

async fn start(database: &Database, seal: SealSettings) -> Result<server::Running> {
    let url = Some(database.url.parse()?);
    let settings = Settings {
        database: DatabaseSettings { url, connections: 2, reserve_mib: 0, ..Default::default() },
        seal,
        ..Settings::default()
    };
    server::start(settings, TcpListener::bind("127.0.0.1:0").await?).await
}

#[tokio::test]
async fn another_key_is_refused_at_the_start() -> Result<()> {
    let mut server =
        Fixture::start_with(|settings| settings.seal = seal(&PATHS, Some(key(3)))).await?;
    assert_eq!(server.client.send("PUT", "/Patient/p", PATIENT).await?.status, 201);
    server.stop().await;
    for (name, settings, expected) in [
        ("another key", seal(&PATHS, Some(key(4))), "is not the one"),
        ("another, only to read", seal(&[], Some(key(4))), "is not the one"),
        ("no key", seal(&[], None), "no key opens them"),
        ("paths without a key", seal(&PATHS, None), "there is no key"),
    ] {
        let refused = start(&server.database, settings).await.err().context(name)?;
        assert!(format!("{refused:#}").contains(expected), "{name}: {refused:#}");
    }
    // Without paths nothing more is sealed, and what is sealed is read.
    let database = server.database.clone();
    let server = Fixture::on(database, |settings| settings.seal = seal(&[], Some(key(3)))).await?;
    assert!(server.client.get("/Patient/p").await?.text.contains("123-45-6789"));
    Ok(())
}

/// What is indexed follows what is sealed, without being told.
#[tokio::test]
async fn other_seals_are_another_index() -> Result<()> {
    const BORN: &str = "/Patient?birthdate=1907-03-04";
    const ROWS: &str = "select count(*) from date_index where lo = -1982793600000000";
    let database = Database::create().await?;
    let mut owner = database.connect().await?;
    let settings = [
        (seal(&[], None), 200, 1),
        (seal(&PATHS, Some(key(3))), 400, 0),
        (seal(&[], Some(key(3))), 200, 1),
    ];
    for (n, (seals, status, rows)) in settings.into_iter().enumerate() {
        let paths = seals.paths.clone();
        let mut server =
            Fixture::on(database.clone(), |settings| settings.seal = seals.clone()).await?;
        if n == 0 {
            assert_eq!(server.client.send("PUT", "/Patient/p", PATIENT).await?.status, 201);
        }
        let whole = async || {
            let answer = server.client.get("/Patient").await;
            answer.is_ok_and(|it| it.status == 200 && !it.text.contains("built anew"))
        };
        it::ledger::until("the index is made anew", Duration::from_secs(60), whole).await?;
        let answer = server.client.get(BORN).await?;
        assert_eq!(answer.status, status, "{paths:?}: {}", answer.text);
        assert!(status == 400 || answer.entries().len() == 1, "{paths:?}: {}", answer.text);
        let found: i64 = sqlx::query_scalar(ROWS).fetch_one(&mut owner).await?;
        assert_eq!(found, rows, "{paths:?}");
        server.stop().await;
    }
    Ok(())
}
