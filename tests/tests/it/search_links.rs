//! Chains, forth and back, over a handful of resources.
//! <https://hl7.org/fhir/R4/search.html#chaining>, <https://hl7.org/fhir/R4/search.html#has>

use anyhow::Result;

use crate::search::check;
use crate::search_values::holding;

const ALL: [&str; 10] = [
    r#"{"resourceType":"Organization","id":"org","name":"Acme Clinic"}"#,
    r#"{"resourceType":"Practitioner","id":"doc","name":[{"family":"House"}]}"#,
    r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Smith"}],"gender":"male","generalPractitioner":[{"reference":"Practitioner/doc"}],"managingOrganization":{"reference":"Organization/org"}}"#,
    r#"{"resourceType":"Patient","id":"p2","name":[{"family":"Jones"}],"gender":"female","generalPractitioner":[{"reference":"BASE/Organization/org"}]}"#,
    r#"{"resourceType":"Group","id":"p1","type":"person","actual":true}"#,
    r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"coding":[{"system":"http://l","code":"hr"}]},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2024-01-01"}"#,
    r#"{"resourceType":"Observation","id":"o2","status":"final","code":{"coding":[{"system":"http://l","code":"bp"}]},"subject":{"reference":"Patient/p2"},"effectiveDateTime":"2024-02-01"}"#,
    r#"{"resourceType":"Observation","id":"o3","status":"amended","code":{"coding":[{"system":"http://l","code":"hr"}]},"subject":{"reference":"Group/p1"}}"#,
    r#"{"resourceType":"Observation","id":"o4","status":"final","code":{"coding":[{"system":"http://l","code":"hr"}]},"subject":{"reference":"Patient/nobody"},"hasMember":[{"reference":"Observation/o1"}]}"#,
    r#"{"resourceType":"DiagnosticReport","id":"r1","status":"final","code":{"text":"x"},"result":[{"reference":"Observation/o1"},{"reference":"Observation/o2"}]}"#,
];

#[tokio::test]
async fn forward() -> Result<()> {
    let server = holding(&ALL).await?;
    check(
        &server,
        &[
            ("Observation?subject:Patient.family=smith", "o1"),
            ("Observation?patient.family=smith", "o1"),
            ("Observation?subject.family=smith", "o1"),
            ("Observation?subject.family=smith,jones", "o1,o2"),
            ("Observation?patient.gender=male", "o1"),
            ("Observation?patient.gender:not=male", "o2"),
            ("Observation?subject:Group.type=person", "o3"),
            ("Observation?patient._id=p2", "o2"),
            ("Observation?subject:Patient.general-practitioner:Practitioner.family=house", "o1"),
            ("Observation?subject.general-practitioner.name=acme", "o2"),
            ("Observation?patient.organization.name=acme&code=hr", "o1"),
            ("Observation?patient.organization.name=acme&code=bp", ""),
            ("Observation?has-member.patient.family=smith", "o4"),
            ("DiagnosticReport?result.patient.family=smith", "r1"),
            ("DiagnosticReport?result.code=http://l|bp&result.patient.gender=male", "r1"),
            ("Observation?_filter=patient.family eq smith", "o1"),
            ("Observation?_filter=patient.family eq smit", ""),
            ("Observation?_filter=subject.family sw smit", "o1"),
            ("Observation?_filter=patient.family gt smit", "400"),
            ("Observation?_filter=subject re Patient/p1", "o1"),
            ("Observation?patient.famly=x", "400"),
            ("Observation?subject:Practitioner.family=x", "400"),
            ("Observation?code.family=x", "400"),
            ("Observation?subject:Nothing.family=x", "400"),
        ],
    )
    .await
}

#[tokio::test]
async fn reverse() -> Result<()> {
    let server = holding(&ALL).await?;
    check(
        &server,
        &[
            ("Patient?_has:Observation:patient:code=hr", "p1"),
            ("Patient?_has:Observation:patient:code=http://l|bp,http://l|hr", "p1,p2"),
            ("Patient?_has:Observation:subject:status=final", "p1,p2"),
            ("Group?_has:Observation:subject:status=amended", "p1"),
            ("Patient?_has:Observation:patient:date=ge2024-02", "p2"),
            ("Patient?_has:Observation:patient:code=hr&_has:Observation:patient:code=bp", ""),
            ("Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=final", "p1,p2"),
            (
                "Practitioner?_has:Patient:general-practitioner:_has:Observation:patient:code=hr",
                "doc",
            ),
            ("Patient?_has:Observation:patient:code=hr&family=smith", "p1"),
            ("Patient?_has:Observation:patient:code=hr&family=jones", ""),
            ("Observation?_has:Observation:has-member:patient.family=x", ""),
            ("Observation?_has:Observation:has-member:code=hr", "o1"),
            ("Patient?_has:Observation:encounter:code=hr", "400"),
            ("Patient?_has:Observation:code=hr", "400"),
            ("Patient?_has:Nothing:patient:code=hr", "400"),
        ],
    )
    .await
}

/// A chain that is too deep, or can be read in too many ways, is refused at once.
#[tokio::test]
async fn bounded() -> Result<()> {
    let server = holding(&ALL).await?;
    let deep = format!("Observation?{}code=hr", "has-member.".repeat(100));
    let back = format!("Patient?{}code=hr", "_has:Observation:patient:".repeat(100));
    let wide = "Observation?has-member.performer.participant.name=x";
    let begun = std::time::Instant::now();
    check(&server, &[(deep.as_str(), "400"), (back.as_str(), "400"), (wide, "400")]).await?;
    assert!(begun.elapsed().as_secs() < 5);
    Ok(())
}

/// Who may not search the other type gets no answer that depends on it, and changes nothing by it.
#[tokio::test]
async fn a_chain_needs_the_right_to_its_end() -> Result<()> {
    let server = it::Fixture::start_with(|settings| {
        settings.clients.push(auth::ClientConfig {
            id: "narrow".to_owned(),
            secret: Some(
                auth::SecretHash::of(&auth::Secret::new("s3cret".to_owned())).expect("random"),
            ),
            scope: "system/Observation.cruds".to_owned(),
            ..auth::ClientConfig::default()
        });
    })
    .await?;
    let full = &server.client;
    let patient = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Peter"}]}"#;
    assert_eq!(full.send("PUT", "/Patient/p", patient).await?.status, 201);
    let body = r#"{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"}}"#;
    assert_eq!(full.send("PUT", "/Observation/o", body).await?.status, 201);
    let narrow = it::Client::connect(server.origin()?, "narrow", "s3cret").await?;
    let chain = "subject:Patient.family=Peter";
    let filter = "status=final&_filter=not%20(patient.family%20eq%20Peter)";
    for query in [chain, filter, "status=final&_list=l"] {
        assert_eq!(narrow.get(&format!("/Observation?{query}")).await?.status, 403, "{query}");
        let path = format!("/Observation?{query}");
        assert_eq!(narrow.send("DELETE", &path, "").await?.status, 403, "{query}");
        assert_eq!(narrow.send("PUT", &path, body).await?.status, 403, "{query}");
        let entry = format!(
            r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"request":{{"method":"DELETE","url":"Observation?{query}"}}}}]}}"#
        );
        assert_eq!(narrow.send("POST", "/", &entry).await?.status, 403, "{query}");
    }
    let fresh = body.replace(r#""id":"o","#, "");
    let create = narrow.request("POST", "/Observation").header("if-none-exist", chain);
    let create = create.header("content-type", "application/fhir+json").body(fresh);
    assert_eq!(it::Answer::of(create).await?.status, 403);
    assert_eq!(
        full.get("/Observation?_summary=count").await?.at("total").map(|t| t.to_text()),
        Some("1".to_owned())
    );
    Ok(())
}
