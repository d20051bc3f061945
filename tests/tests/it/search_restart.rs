//! A walk goes on behind a restart of the server, also one that it did not see coming: a page link holds
//! all that the next page needs.

use anyhow::{Context, Result};
use it::Database;
use it::ledger::ServerProcess;

use crate::search::ids;

const PATIENTS: usize = 30;
const WALKS: [&str; 5] =
    ["", "&_sort=family", "&_sort=-birthdate,family", "&gender=female", "&_sort=-_lastUpdated"];

#[tokio::test]
async fn a_walk_goes_on_behind_a_restart() -> Result<()> {
    let database = Database::create().await?;
    let mut server = ServerProcess::start(&database.url).await?;
    let client = server.client().await?;
    for n in 0..PATIENTS {
        let body = format!(
            r#"{{"resourceType":"Patient","id":"p{n:02}","gender":"female","birthDate":"19{:02}-01-01","name":[{{"family":"F{}"}}]}}"#,
            50 + n / 3,
            n % 7
        );
        let answer = client.send("PUT", &format!("/Patient/p{n:02}"), &body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let mut walks = Vec::new();
    for walk in WALKS {
        let page = client.get(&format!("/Patient?_count=7{walk}")).await?;
        walks.push((walk, ids(&page), page.link("next").context("a next page")?));
    }
    server.kill9().await?;
    server.restart().await?;
    let client = server.client().await?;
    // What came since the walk began is not part of it.
    let late = r#"{"resourceType":"Patient","id":"late","gender":"female"}"#;
    assert_eq!(client.send("PUT", "/Patient/late", late).await?.status, 201);
    for (walk, first, next) in walks {
        let mut met: Vec<String> = first.split(',').map(str::to_owned).collect();
        let mut next = Some(next);
        while let Some(url) = next {
            let page = client.get(&url).await?;
            assert_eq!(page.status, 200, "{walk}: {}", page.text);
            met.extend(ids(&page).split(',').filter(|id| !id.is_empty()).map(str::to_owned));
            next = page.link("next");
        }
        met.sort();
        let all: Vec<String> = (0..PATIENTS).map(|n| format!("p{n:02}")).collect();
        assert_eq!(met, all, "{walk}");
    }
    Ok(())
}
