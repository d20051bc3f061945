//! What of “Who saw the record” whoever stands for a patient is told: nothing of what a label or a Consent keeps from
//! them, who wrote it and who read it neither.

use anyhow::{Result, ensure};
use it::{Page, Signed, Visitor};

use crate::record_page::{HERE, account, enter, lines, world};

const CONDITION: &str = "illnesses and problems";
const OBSERVATION: &str = "measurements and laboratory results";

/// Mary stands for Bert.
async fn standing() -> Result<Signed> {
    let world = world().await?;
    account(&world, "mary", "proxy", "RelatedPerson/mary").await?;
    let mary = world.store.account_of("mary").await?.account;
    let by = world.store.account_of("aude").await?.account;
    world.store.stand_for(mary, "bert", None, by).await?;
    Ok(world)
}

async fn put(world: &Signed, path: &str, body: &str) -> Result<()> {
    let put = world.server.client.send("PUT", path, body).await?;
    ensure!(matches!(put.status, 200 | 201), "{path}: {}", put.text);
    Ok(())
}

fn condition(id: &str, meta: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"{id}"{meta},"subject":{{"reference":"Patient/bert"}}}}"#
    )
}

/// Bert's active Consent that is but this.
fn consent(provision: &str) -> String {
    format!(
        r#"{{"resourceType":"Consent","id":"no","status":"active",
            "scope":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}}]}},
            "category":[{{"coding":[{{"code":"59284-0"}}]}}],"patient":{{"reference":"Patient/bert"}},
            "policyRule":{{"coding":[{{"code":"hipaa-auth"}}]}},"provision":{provision}}}"#
    )
}

/// How often the page and the table name these things.
async fn told(visitor: &mut Visitor, things: &str) -> Result<(usize, usize)> {
    let (page, table) = both(visitor).await?;
    ensure!((page.status, table.status) == (200, 200), "{} {}", page.status, table.status);
    let on_page = lines(&page).iter().filter(|line| line.contains(things)).count();
    Ok((on_page, table.text.lines().filter(|line| line.contains(things)).count()))
}

async fn both(visitor: &mut Visitor) -> Result<(Page, Page)> {
    let page = visitor.open(&format!("{HERE}?patient=bert")).await?;
    Ok((page, visitor.open(&format!("{HERE}.csv?patient=bert")).await?))
}

#[tokio::test]
async fn what_a_label_keeps_from_them_they_are_not_told_of() -> Result<()> {
    let world = standing().await?;
    let vio = r#","meta":{"security":[{"code":"VIO"}]}"#;
    put(&world, "/Condition/kept", &condition("kept", vio)).await?;
    let client = &world.server.client;
    for path in ["/Condition/kept", "/Condition?subject=Patient/bert", "/Observation/bert"] {
        assert_eq!(client.get(path).await?.status, 200, "{path}");
    }
    let (mut mary, page) = enter(&world, "mary", HERE).await?;
    assert_eq!(page.status, 200);
    assert_eq!(told(&mut mary, CONDITION).await?, (0, 0));
    assert_eq!(told(&mut mary, OBSERVATION).await?, (2, 2), "the rest is told: a change, a look");
    // The patient and the auditor are told of it: a change, a look, a search.
    for login in ["bert", "aude"] {
        let (mut visitor, _) = enter(&world, login, HERE).await?;
        assert_eq!(told(&mut visitor, CONDITION).await?, (3, 3), "{login}");
    }
    // Also once it is gone; and what is not labelled is told, and that somebody searched for such.
    assert_eq!(client.send("DELETE", "/Condition/kept", "").await?.status, 204);
    assert_eq!(told(&mut mary, CONDITION).await?, (0, 0));
    put(&world, "/Condition/open", &condition("open", "")).await?;
    assert_eq!(told(&mut mary, CONDITION).await?, (2, 2));
    assert_eq!(client.send("DELETE", "/Condition/open", "").await?.status, 204);
    assert_eq!(told(&mut mary, CONDITION).await?, (2, 2), "a change and its end");
    Ok(())
}

#[tokio::test]
async fn where_a_consent_denies_them_the_patient_the_page_is_shut() -> Result<()> {
    let world = standing().await?;
    let client = &world.server.client;
    for _ in 0..60 {
        assert_eq!(client.get("/Observation/bert").await?.status, 200);
    }
    let (mut mary, page) = enter(&world, "mary", &format!("{HERE}?patient=bert")).await?;
    let links = page.text.split("<a href=\"").skip(1).filter_map(|link| link.split('"').next());
    let mut links = links.map(|link| link.replace("&#38;", "&"));
    let older = links.find(|link| link.contains("after=")).unwrap_or_default();
    assert_eq!(mary.open(&older).await?.status, 200, "{older}");
    let who = r#""actor":[{"role":{"coding":[{"code":"IRCP"}]},"reference":{"reference":"RelatedPerson/mary"}}]"#;
    // One that denies a part leaves out that part.
    let some = format!(
        r#"{{"type":"deny",{who},"class":[{{"system":"http://hl7.org/fhir/resource-types","code":"Observation"}}]}}"#
    );
    put(&world, "/Consent/no", &consent(&some)).await?;
    assert_eq!(told(&mut mary, OBSERVATION).await?, (0, 0));
    put(&world, "/Consent/no", &consent(&format!(r#"{{"type":"deny",{who}}}"#))).await?;
    let (page, table) = both(&mut mary).await?;
    let older = mary.open(&older).await?;
    for (what, page) in [("page", page), ("table", table), ("older ones", older)] {
        assert_eq!(page.status, 403, "{what}: {}", page.text);
        assert!(!page.text.contains(OBSERVATION) && !page.text.contains("Bert"), "{what}");
    }
    for login in ["bert", "aude"] {
        let (mut visitor, _) = enter(&world, login, HERE).await?;
        let (page, table) = both(&mut visitor).await?;
        assert_eq!((page.status, table.status), (200, 200), "{login}");
        // That she tried is there.
        let carer = "A relative or carer through a page of this server Asked who saw the record, and was refused";
        assert!(lines(&page).iter().any(|line| line == carer), "{:?}", lines(&page));
    }
    Ok(())
}
