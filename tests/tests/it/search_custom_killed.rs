//! A server that is killed while it takes up a search parameter: the next start makes it whole.

use std::time::Duration;

use anyhow::Result;
use it::Database;
use it::ledger::{ServerProcess, rounds, seed};
use tokio::time::timeout;

use crate::search_custom::{matches, parameter, patient, put, whole};

const PATIENTS: usize = 300;

#[tokio::test]
async fn killed_at_any_moment() -> Result<()> {
    let database = Database::create().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    let entries: Vec<String> = (0..PATIENTS)
        .map(|n| {
            let body = patient(&format!("p{n}"), "Ozzy");
            format!(r#"{{"resource":{body},"request":{{"method":"PUT","url":"Patient/p{n}"}}}}"#)
        })
        .collect();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    );
    assert_eq!(server.client().await?.send("POST", "", &bundle).await?.status, 200);
    let mut random = fastrand::Rng::with_seed(seed());
    for round in 0..rounds(4, 60) {
        let code = format!("nick{round}");
        let body = parameter(&format!(
            r#""status":"active","code":"{code}","base":["Patient"],"type":"string",
            "expression":"Patient.name.where(use='nickname').text""#
        ));
        let client = server.client().await?;
        // Before the write, in it, while it is put to use, or while it is indexed.
        let moment = Duration::from_millis(random.u64(0..150));
        let written = timeout(moment, put(&client, "SearchParameter", "nick", &body)).await;
        server.kill9().await?;
        server.restart().await?;
        let client = server.client().await?;
        let kept = client.get("/SearchParameter/nick").await?;
        let defined = kept.text.contains(&format!(r#""code":"{code}""#));
        assert!(defined || !matches!(written, Ok(Ok(_))), "an acknowledged write is kept");
        if !defined {
            put(&client, "SearchParameter", "nick", &body).await?;
        }
        let path = format!("/Patient?{code}=ozzy&_count=1000&_elements=id");
        assert_eq!(matches(&whole(&client, &path).await?), PATIENTS, "round {round}");
    }
    Ok(())
}
