//! A scope with `?` reaches what meets it and nothing else, whichever way is tried: what does not meet it has no effect
//! on the bytes, the counts or the status of an answer.

use anyhow::{Result, ensure};
use auth::{ClientConfig, Secret, SecretHash};
use it::{Answer, Client, Fixture, Signer};
use search::query::write_pairs;

use crate::alike::{SEEN, Side, UNSEEN, itself, put, reads_alike, same, sides};
use crate::conditions::Dice;
use crate::scope_conditions_versions::walked;
use crate::search::ids;

pub(crate) const SCOPE: &str = "system/Observation.cruds?category=urn:c|lab system/List.rs?code=open \
                     system/Patient.cruds system/Encounter.rs";

/// What does not meet the constraint is on one side alone.
pub(crate) async fn constrained() -> Result<[Side; 2]> {
    sides(&itself(SCOPE), &UNSEEN.map(str::to_owned)).await
}

#[tokio::test]
async fn what_is_read_is_the_same_as_if_nothing_else_were_there() -> Result<()> {
    let sides = constrained().await?;
    reads_alike(&sides).await?;
    for (method, path, status) in [
        ("GET", "/Observation/x1", 404),
        ("HEAD", "/Observation/x1", 404),
        ("GET", "/Observation/x1/_history/1", 404),
        ("GET", "/Observation/x1/_history", 404),
        ("GET", "/Observation/x2?_elements=id", 404),
        ("GET", "/Observation/x3", 404),
        ("GET", "/List/l2", 404),
        ("GET", "/List/l1", 200),
        ("GET", "/Observation/o1", 200),
        ("GET", "/Observation/o1/_history/1", 200),
        ("GET", "/Observation/o1/_history/2", 404),
    ] {
        assert_eq!(same(&sides, method, path, "").await?.status, status, "{method} {path}");
    }
    for (name, value) in
        [("if-none-match", "W/\"1\""), ("if-modified-since", "Wed, 01 Jan 2020 00:00:00 GMT")]
    {
        let asked = sides[0].limited.request("GET", "/Observation/x1").header(name, value);
        assert_eq!(Answer::of(asked).await?.status, 404, "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_link_of_another_token_leads_to_no_more() -> Result<()> {
    let side = Side::holding(&[SEEN.as_slice(), UNSEEN.as_slice()].concat(), SCOPE).await?;
    let whole = side.bearing(&itself("system/*.rs"))?;
    for path in [
        "/Observation?_count=1&_sort=_id",
        "/Observation?_count=1",
        "/Observation?status=final&_count=1&_total=accurate",
    ] {
        let mut link = whole.get(path).await?.link("next");
        let mut pages = 0;
        while let Some(url) = link {
            let page = side.limited.get(&url).await?;
            assert!(matches!(page.status, 200 | 400), "{path}: {}", page.text);
            assert!(
                !page.text.contains(r#""id":"x"#) && !page.text.contains("canary"),
                "{}",
                page.text
            );
            link = page.link("next");
            pages += 1;
        }
        assert!(pages > 0, "{path}");
    }
    Ok(())
}

/// Constraints of every kind, at random: each lets through what the same search finds.
#[tokio::test]
async fn a_constraint_lets_through_what_its_search_finds() -> Result<()> {
    let side = Side::holding(&[], SCOPE).await?;
    let client = &side.server.client;
    let mut dice = Dice { random: fastrand::Rng::with_seed(20_261_201), base: client.base.clone() };
    let all: Vec<_> = (0..80).map(|n| dice.observation(n)).collect();
    crate::conditions::write(client, &all).await?;
    let mut some = 0;
    for _ in 0..80 {
        let pairs = dice.condition("Observation");
        let text = write_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)));
        let scopes = format!("system/Observation.rs?{text} system/Patient.s");
        let limited = side.bearing(&itself(&scopes))?;
        let found = ids(&client.get(&format!("/Observation?{text}&_count=1000&_sort=_id")).await?);
        let path = "/Observation?_count=1000&_sort=_id";
        assert_eq!(ids(&limited.get(path).await?), found, "{text}");
        let both = format!("{path}&{text}&_total=accurate");
        assert_eq!(ids(&limited.get(&both).await?), found, "twice {text}");
        let mut versions = walked(&limited, "/Observation/_history?_count=1000").await?;
        versions.sort_unstable();
        let mut names: Vec<String> =
            found.split(',').filter(|id| !id.is_empty()).map(|id| format!("{id}/1")).collect();
        names.sort_unstable();
        assert_eq!(versions, names, "{text}");
        let one = dice.random.usize(..all.len());
        let status = limited.get(&format!("/Observation/o{one}")).await?.status;
        let expected = if names.contains(&format!("o{one}/1")) { 200 } else { 404 };
        assert_eq!(status, expected, "o{one} {text}");
        some += usize::from(!names.is_empty());
    }
    ensure!(some > 20, "{some} let something through");
    Ok(())
}

/// What a client asks is bounded by what it may have, and that is then enforced.
#[tokio::test]
async fn a_client_that_may_have_little_gets_it_and_no_more() -> Result<()> {
    let (signer, secret) = (Signer::create()?, "a secret of one client");
    let config = ClientConfig {
        id: "lab".to_owned(),
        secret: Some(SecretHash::of(&Secret::new(secret.to_owned()))?),
        scope: "system/Observation.rs?category=urn:c|lab".to_owned(),
        ..ClientConfig::default()
    };
    let file = signer.file.clone();
    let server = Fixture::start_with(|settings| {
        settings.auth.signing_key = Some(file);
        settings.clients.push(config);
    })
    .await?;
    for text in SEEN.iter().chain(&UNSEEN) {
        put(&server.client, text).await?;
    }
    let client = Client::connect(server.origin()?, "lab", secret).await?;
    assert_eq!(ids(&client.get("/Observation?_sort=_id").await?), "o1,o2");
    assert_eq!(client.get("/Observation/x1").await?.status, 404);
    assert_eq!(client.get("/Patient/p").await?.status, 403);
    Ok(())
}

#[tokio::test]
async fn several_constraints_are_several_ways_in() -> Result<()> {
    let side = Side::holding(&[SEEN.as_slice(), UNSEEN.as_slice()].concat(), SCOPE).await?;
    let patient = |scope: &str| -> Result<Client> {
        let token = side.signer.patient_token(side.server.origin()?, "p", scope)?;
        Ok(side.server.client.bearing(token))
    };
    for (scope, expected) in [
        ("patient/Observation.rs?category=urn:c|lab", "o1"),
        ("patient/Observation.rs?category=urn:c|lab,urn:c|vital", "o1,x1"),
        (
            "patient/Observation.rs?category=urn:c|lab patient/Observation.rs?category=urn:c|vital",
            "o1,x1",
        ),
        ("patient/Observation.rs?category=urn:c|lab&code=b", ""),
        ("patient/Observation.rs?date=ge2024-01-02", "x1"),
        ("patient/Observation.rs?subject=Patient/q", ""),
        ("patient/Observation.rs?encounter=Encounter/e&status=final", "o1,x1"),
    ] {
        let answer = patient(scope)?.get("/Observation?_sort=_id").await?;
        assert_eq!(ids(&answer), expected, "{scope}");
    }
    let nothing = patient("patient/Observation.rs?category=urn:c|lab")?.get("/Patient/p").await?;
    assert_eq!(nothing.status, 403, "{}", nothing.text);
    Ok(())
}
