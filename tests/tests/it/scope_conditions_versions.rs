//! Histories for a client with a constraint: each version meets it by itself.

use anyhow::{Result, ensure};
use it::Client;
use serde_json::json;

use crate::alike::{LAB, SEEN, Side, VITAL, observation, put};
use crate::scope_conditions::SCOPE;

#[tokio::test]
async fn of_superseded_versions_each_meets_it_by_itself() -> Result<()> {
    let side = Side::holding(&SEEN, SCOPE).await?;
    let (client, limited) = (&side.server.client, &side.limited);
    let of = |id: &str, lab: bool| observation(id, if lab { LAB } else { VITAL });
    let histories = [("m", vec![false, true, false, true]), ("n", vec![true, true, false])];
    for (id, versions) in &histories {
        for (n, lab) in versions.iter().enumerate() {
            let text = of(id, *lab).replace("\"new\"", &format!("\"{n}\""));
            put(client, &text).await?;
        }
        let seen: Vec<String> = (1..)
            .zip(versions)
            .filter(|(_, lab)| **lab)
            .map(|(n, _)| format!("{id}/{n}"))
            .collect();
        for (n, lab) in (1..).zip(versions) {
            let answer = limited.get(&format!("/Observation/{id}/_history/{n}")).await?;
            assert_eq!(answer.status, if *lab { 200 } else { 404 }, "{id} {n}");
        }
        let path = format!("/Observation/{id}/_history");
        assert_eq!(walked(limited, &path).await?, newest_first(&seen), "{path}");
        assert_eq!(
            walked(limited, &format!("{path}?_count=1")).await?,
            newest_first(&seen),
            "{path}"
        );
        assert_eq!(
            walked(limited, &format!("{path}?_sort=_lastUpdated&_count=1")).await?,
            seen,
            "{path}"
        );
    }
    let all: Vec<String> = ["n/2", "n/1", "m/4", "m/2", "o2/1", "o1/1"].map(str::to_owned).into();
    for path in [
        "/Observation/_history",
        "/Observation/_history?_count=1",
        "/Observation/_history?_count=2",
    ] {
        assert_eq!(walked(limited, path).await?, all, "{path}");
    }
    assert_eq!(limited.get("/Observation/n").await?.status, 404);
    assert_eq!(limited.get("/Observation/m").await?.status, 200);
    Ok(())
}

fn newest_first(versions: &[String]) -> Vec<String> {
    versions.iter().rev().cloned().collect()
}

/// The versions of a history, page by page.
pub(crate) async fn walked(client: &Client, path: &str) -> Result<Vec<String>> {
    let (mut versions, mut page) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = page {
        let answer = client.get(&path).await?;
        ensure!(answer.status == 200, "{path}: {}", answer.text);
        for n in 0..answer.entries().len() {
            let part = |name: &str| answer.text_at(&format!("entry.{n}.resource.{name}"));
            versions.push(format!("{}/{}", part("id"), part("meta.versionId")));
        }
        page = answer.link("next");
    }
    Ok(versions)
}

/// Resources that have many versions together, each in as many as there are rounds.
const MANY: usize = 450;
const ROUNDS: usize = 6;

/// A page ends where enough was judged, with a link behind it, and nothing is left out or said twice.
#[tokio::test]
async fn a_long_history_is_walked_whole() -> Result<()> {
    let side = Side::holding(&SEEN, SCOPE).await?;
    for round in 0..ROUNDS {
        let entry = |n: usize| -> Result<serde_json::Value> {
            let within = n == 0 && matches!(round, 0 | 3);
            let text = observation(&format!("f{n}"), if within { LAB } else { VITAL });
            let text = text.replace("\"new\"", &format!("\"{round}\""));
            let resource: serde_json::Value = serde_json::from_str(&text)?;
            let request = json!({ "method": "PUT", "url": format!("Observation/f{n}") });
            Ok(json!({ "resource": resource, "request": request }))
        };
        let entries = (0..MANY).map(entry).collect::<Result<Vec<_>>>()?;
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let answer = side.server.client.send("POST", "/", &bundle.to_string()).await?;
        ensure!(answer.status == 200, "{}", answer.text);
    }
    let expected: Vec<String> = ["f0/4", "f0/1", "o2/1", "o1/1"].map(str::to_owned).into();
    let path = "/Observation/_history";
    let first = side.limited.get(path).await?;
    assert_eq!((first.entries().len(), first.link("next").is_some()), (1, true), "{}", first.text);
    for query in ["", "?_count=1", "?_count=2"] {
        assert_eq!(walked(&side.limited, &format!("{path}{query}")).await?, expected, "{query}");
    }
    let oldest = walked(&side.limited, &format!("{path}?_sort=_lastUpdated")).await?;
    assert_eq!(oldest, newest_first(&expected));
    assert_eq!(walked(&side.limited, "/Observation/f0/_history").await?, expected[..2]);
    Ok(())
}
