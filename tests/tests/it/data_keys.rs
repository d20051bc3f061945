//! The keys of what is sealed: made, changed and wrapped anew while servers run, and no row is written for it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use it::ledger::until;
use it::{Database, Fixture, Kms, KmsFault};
use server::{AwsFlags, KmsSettings, SealSettings};
use sqlx::PgConnection;
use store::{AuditAction, AuditEntry, DataKeys, KeyTimes, RequestContext};
use telemetry::Clock;

use crate::seal::{key, seal};

const PATHS: [&str; 1] = ["Patient.identifier.where(system='urn:ssn').value"];
const KEK: &str = "alias/carebridge";

/// A hundred times as fast as outside tests, or faster.
const TIMES: KeyTimes = KeyTimes {
    every: Duration::from_millis(50),
    forget: Duration::from_secs(3),
    settle: Duration::ZERO,
};

fn patient(id: &str, ssn: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:ssn","value":"{ssn}"}}]}}"#
    )
}

fn with_key(first: u8) -> SealSettings {
    SealSettings { times: TIMES, ..seal(&PATHS, Some(key(first))) }
}

fn with_kms(kms: &Kms) -> SealSettings {
    let (id, secret) = (kms.access_key.clone(), kms.secret.clone());
    SealSettings {
        kms: Some(KmsSettings {
            key_id: KEK.to_owned(),
            region: "eu-central-1".to_owned(),
            endpoint: Some(kms.endpoint.clone()),
        }),
        aws: AwsFlags {
            aws_access_key_id: Some(id),
            aws_secret_access_key: Some(secret),
            aws_session_token: None,
        },
        times: TIMES,
        ..seal(&PATHS, None)
    }
}

/// The row that goes with a change of keys.
fn row(detail: String) -> AuditEntry {
    let (now, context) = (Clock::system().now(), RequestContext::internal());
    let entry = AuditEntry::new(now, context, AuditAction::Accounts, 200);
    AuditEntry { detail: Some(detail), ..entry }
}

fn data_keys(settings: &SealSettings, database: &Database) -> Result<DataKeys> {
    settings.data_keys(&database.url, &Clock::system())?.context("a key is set")
}

/// A file with a key, as an operator keeps one that was replaced.
fn key_file(first: u8) -> Result<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("carebridge-kek-{}-{number}", std::process::id()));
    let bytes: Vec<u8> = (0..32).map(|n: u8| n.wrapping_mul(7).wrapping_add(first)).collect();
    std::fs::write(&file, base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes))?;
    Ok(file)
}

/// How the sealed value of a patient begins in the database, up to its second or third colon.
async fn mark(owner: &mut PgConnection, id: &str) -> Result<String> {
    let text: String =
        sqlx::query_scalar("select content->'identifier'->0->>'value' from resource where id = $1")
            .bind(id)
            .fetch_one(owner)
            .await?;
    let parts: Vec<&str> = text.split(':').collect();
    Ok(parts.split_last().map(|(_, mark)| mark.join(":")).unwrap_or_default())
}

/// Who wrote which row, of everything that a resource is.
async fn writers(owner: &mut PgConnection) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar(
        "select 'resource ' || id || ' ' || xmin from resource
        union all select 'history ' || rid || ' ' || xmin from history order by 1",
    );
    Ok(rows.fetch_all(owner).await?)
}

#[tokio::test]
async fn a_new_key_seals_what_is_written_later_and_no_row_is_written_for_it() -> Result<()> {
    let (old, new) = (with_key(3), with_key(5));
    let mut server = Fixture::start_with(|settings| settings.seal = old.clone()).await?;
    let database = server.database.clone();
    let mut owner = database.connect().await?;
    let client = &server.client;
    assert_eq!(client.send("PUT", "/Patient/a", &patient("a", "111-22")).await?.status, 201);
    assert_eq!(mark(&mut owner, "a").await?, "sealed:1");
    let before = writers(&mut owner).await?;

    // A new data key.
    let kept = data_keys(&old, &database)?;
    let made = kept.rotate(|number| row(format!("data key {number}"))).await?;
    assert!(made.number > 0 && made.seals, "{made:?}");
    let expected = format!("sealed:2:{}", made.number);
    let mut number = 0;
    let sealed_anew = async || {
        number += 1;
        let body = patient("b", &format!("333-{number}"));
        let put = client.send("PUT", "/Patient/b", &body).await;
        put.is_ok_and(|it| it.status < 300)
            && mark(&mut owner, "b").await.is_ok_and(|mark| mark == expected)
    };
    until("the new key seals", Duration::from_secs(30), sealed_anew).await?;
    assert_eq!(client.send("PUT", "/Patient/b", &patient("b", "333-44")).await?.status, 200);

    // A new key-encryption key.
    let wrapped = SealSettings { older_key_files: vec![key_file(3)?], ..new.clone() };
    let again = data_keys(&wrapped, &database)?;
    let rewrapped = |count| row(format!("{count} wrapped anew"));
    let counts = (again.rewrap(rewrapped).await?, again.rewrap(rewrapped).await?);
    assert_eq!(counts, (2, 0));
    let keks: Vec<String> = again.list().await?.into_iter().map(|key| key.kek).collect();
    assert!(keks.iter().all(|kek| *kek == keks[0] && kek.starts_with("file:")), "{keks:?}");
    let after = writers(&mut owner).await?;
    let same = before.iter().all(|row| after.contains(row));
    assert!(same, "what was stored is as it was: {before:?} {after:?}");

    // The old one opens nothing any more; the new one all that either data key sealed.
    server.stop().await;
    let refused = Fixture::on(database.clone(), |settings| settings.seal = old.clone()).await.err();
    let refused = format!("{:#}", refused.context("the old key opens nothing")?);
    assert!(refused.contains("is not the one that data key 0"), "{refused}");
    let server = Fixture::on(database, |settings| settings.seal = new).await?;
    for (id, ssn) in [("a", "111-22"), ("b", "333-44")] {
        assert!(server.client.get(&format!("/Patient/{id}")).await?.text.contains(ssn));
        let found = server.client.get(&format!("/Patient?identifier=urn:ssn|{ssn}")).await?;
        assert_eq!(found.entries().len(), 1, "{}", found.text);
    }
    Ok(())
}

/// Ways in which the service is not there for its key.
#[tokio::test]
async fn without_the_key_service_sealed_values_are_refused_and_all_else_goes_on() -> Result<()> {
    let kms = Kms::start(&[KEK]).await?;
    let mut server = Fixture::start_with(|settings| settings.seal = with_kms(&kms)).await?;
    let database = server.database.clone();
    let plain = r#"{"resourceType":"Patient","id":"open","name":[{"family":"Open"}]}"#;
    let client = &server.client;
    for (id, body) in [("s", patient("s", "111-22-3333").as_str()), ("open", plain)] {
        assert_eq!(client.send("PUT", &format!("/Patient/{id}"), body).await?.status, 201);
    }
    let mut owner = database.connect().await?;
    assert_eq!(mark(&mut owner, "s").await?, "sealed:1");
    let statuses = async || -> Result<[u16; 4]> {
        let read = client.get("/Patient/s").await?;
        let open = client.get("/Patient/open").await?;
        let write = client.send("PUT", "/Patient/t", &patient("t", "9")).await?;
        let other = client.send("PUT", "/Patient/open", plain).await?;
        Ok([read.status, open.status, write.status, other.status])
    };
    let gone = async || matches!(statuses().await, Ok([503, 200, 503, 200]));
    let back = async || matches!(statuses().await, Ok([200, 200, 200 | 201, 200]));
    for fault in [None, Some(KmsFault::Throttle), Some(KmsFault::Internal), Some(KmsFault::Silence)]
    {
        match fault {
            None => kms.enable(KEK, false),
            some => kms.fault(some),
        }
        until("the keys are forgotten", Duration::from_secs(60), gone).await?;
        let refused = client.get("/Patient/s").await?;
        assert!(refused.text.contains("cannot be had") && !refused.text.contains("111-22"));
        kms.enable(KEK, true);
        kms.fault(None);
        until("the keys are back", Duration::from_secs(60), back).await?;
    }
    // Its own rotation changes nothing here.
    kms.rotate(KEK)?;
    let (asked, forged) = kms.counts();
    let asked_again = async || kms.counts().0 > asked + 1;
    until("it was asked again", Duration::from_secs(30), asked_again).await?;
    assert_eq!(statuses().await?, [200, 200, 200, 200]);
    assert_eq!(forged, 0, "every request was signed as the service reads it");

    // Nobody else's credentials, and no other key.
    server.stop().await;
    let mut stranger = with_kms(&kms);
    stranger.aws.aws_secret_access_key = Some("another".to_owned());
    let mut other = with_kms(&kms);
    other.kms.iter_mut().for_each(|kms| kms.key_id = "alias/another".to_owned());
    let named = with_key(3);
    for (settings, expected) in [
        (stranger, "InvalidSignatureException"),
        (other, "aws:alias/carebridge"),
        (named, "aws:alias/carebridge"),
    ] {
        let refused = Fixture::on(database.clone(), |it| it.seal = settings).await.err();
        let refused = format!("{:#}", refused.context("it does not start")?);
        assert!(refused.contains(expected), "{refused}");
    }
    Ok(())
}

/// A database that was sealed before data keys were kept: its key becomes number 0, and no other.
#[tokio::test]
async fn the_key_of_before_is_taken_in_and_no_other() -> Result<()> {
    let mut server = Fixture::start_with(|settings| settings.seal = with_key(3)).await?;
    let database = server.database.clone();
    assert_eq!(server.client.send("PUT", "/Patient/a", &patient("a", "111-22")).await?.status, 201);
    server.stop().await;
    let mut owner = database.connect().await?;
    sqlx::query("delete from data_key").execute(&mut owner).await?;
    let kms = Kms::start(&[KEK]).await?;
    for settings in [with_key(4), with_kms(&kms)] {
        let refused = Fixture::on(database.clone(), |it| it.seal = settings).await.err();
        let refused = format!("{:#}", refused.context("another key is refused")?);
        assert!(
            refused.contains("no key opens them") || refused.contains("is not the one"),
            "{refused}"
        );
        let kept: i64 =
            sqlx::query_scalar("select count(*) from data_key").fetch_one(&mut owner).await?;
        assert_eq!(kept, 0, "a wrong key leaves nothing behind");
    }
    // To the service at once: the file's key is taken in, wrapped there.
    let both = SealSettings { key: Some(key(3)), ..with_kms(&kms) };
    let mut server = Fixture::on(database.clone(), |settings| settings.seal = both).await?;
    assert!(server.client.get("/Patient/a").await?.text.contains("111-22"));
    server.stop().await;
    let server = Fixture::on(database, |settings| settings.seal = with_kms(&kms)).await?;
    assert!(server.client.get("/Patient/a").await?.text.contains("111-22"), "without the file");
    Ok(())
}

#[tokio::test]
async fn servers_that_start_at_once_have_one_key() -> Result<()> {
    let kms = Kms::start(&[KEK]).await?;
    let database = Database::create().await?;
    let settings = with_kms(&kms);
    let starts = (0..4).map(|_| {
        let (database, seal) = (database.clone(), settings.clone());
        async move { Fixture::on(database, |it| it.seal = seal).await }
    });
    let servers: Vec<Fixture> =
        futures::future::join_all(starts).await.into_iter().collect::<Result<_>>()?;
    let mut owner = database.connect().await?;
    let keys: i64 =
        sqlx::query_scalar("select count(*) from data_key").fetch_one(&mut owner).await?;
    assert_eq!(keys, 1);
    let body = patient("a", "111-22");
    assert_eq!(servers[0].client.send("PUT", "/Patient/a", &body).await?.status, 201);
    for server in &servers {
        assert!(server.client.get("/Patient/a").await?.text.contains("111-22"));
    }
    Ok(())
}
