//! What each kind of search parameter finds, case by case, over a handful of resources.
//! <https://hl7.org/fhir/R4/search.html>

use anyhow::Result;
use it::{Answer, Fixture};

pub(crate) const PATIENTS: [(&str, &str); 5] = [
    (
        "a",
        r#""identifier":[{"system":"http://h.example/mrn","value":"1"},{"value":"plain"}],"active":true,
        "name":[{"family":"Müller","given":["Anna","Zoë"]}],"gender":"female","birthDate":"1980-05-17""#,
    ),
    (
        "b",
        r#""identifier":[{"system":"http://h.example/mrn","value":"2"}],"name":[{"family":"MULLER","given":["Bernd"]}],
        "gender":"male","birthDate":"1980-05","generalPractitioner":[{"reference":"Practitioner/d"}]"#,
    ),
    (
        "c",
        r#""identifier":[{"system":"http://other.example","value":"1"}],
        "name":[{"family":"O'Brien  de Souza","given":["Cé"]}],"gender":"male","birthDate":"1980""#,
    ),
    ("d", r#""name":[{"text":"Ng, Đặng|x$y"}],"address":[{"city":"Graz"}]"#),
    (
        "e",
        r#""name":[{"family":"Smith","prefix":["Dr."],"suffix":["Jr."]},{"family":"Miller-Young"}],
        "gender":"other","birthDate":"1981-01-01""#,
    ),
];

const VITAL: &str = r#""category":[{"coding":[{"system":"http://c.example","code":"vital"}]}]"#;

const OBSERVATIONS: [(&str, &str); 6] = [
    (
        "o1",
        r#""status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1234-5"}]},
        "subject":{"reference":"Patient/a"},"effectiveDateTime":"2024-01-15T10:00:00+01:00",VITAL"#,
    ),
    (
        "o2",
        r#""status":"final","code":{"coding":[{"system":"http://loinc.org","code":"1234-5"},
        {"system":"http://local.example","code":"x"}]},"subject":{"reference":"Patient/b"},
        "effectivePeriod":{"start":"2024-01-10","end":"2024-02-10"}"#,
    ),
    (
        "o3",
        r#""status":"preliminary","code":{"coding":[{"system":"http://local.example","code":"1234-5"}]},
        "subject":{"reference":"BASE/Patient/a"},"effectiveDateTime":"2024-01",VITAL"#,
    ),
    (
        "o4",
        r#""status":"amended","code":{"coding":[{"code":"1234-5"}]},"subject":{"reference":"Group/a"},
        "effectiveDateTime":"2023""#,
    ),
    (
        "o5",
        r#""status":"final","code":{"text":"1234-5"},"subject":{"reference":"http://else.example/fhir/Patient/a"},
        "effectivePeriod":{"start":"2024-03-01"}"#,
    ),
    (
        "o6",
        r#""status":"entered-in-error","code":{"coding":[{"system":"http://loinc.org","code":"99"}]},
        "subject":{"reference":"Patient/a/_history/1"},VITAL"#,
    ),
];

/// A server that holds the resources above.
pub(crate) async fn stocked() -> Result<Fixture> {
    let server = Fixture::start().await?;
    for (kind, all) in [("Patient", &PATIENTS[..]), ("Observation", &OBSERVATIONS[..])] {
        for (id, members) in all {
            let members = members.replace("VITAL", VITAL).replace("BASE", &server.client.base);
            let body = format!(r#"{{"resourceType":"{kind}","id":"{id}",{members}}}"#);
            let answer = server.client.send("PUT", &format!("/{kind}/{id}"), &body).await?;
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
    }
    Ok(server)
}

/// The ids of a page's matches, in order, with commas between.
pub(crate) fn ids(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let part = |entry: &canonical_model::Value, names: [&str; 2]| {
        entry.get(names[0])?.get(names[1])?.as_str().map(str::to_owned)
    };
    let entries = answer.entries();
    let matches =
        entries.iter().filter(|e| part(e, ["search", "mode"]).as_deref() == Some("match"));
    matches.filter_map(|entry| part(entry, ["resource", "id"])).collect::<Vec<_>>().join(",")
}

pub(crate) async fn check(server: &Fixture, cases: &[(&str, &str)]) -> Result<()> {
    let mut wrong = Vec::new();
    for (query, expected) in cases {
        let query = query.replace("BASE", &server.client.base);
        let request = server
            .client
            .request(
                "GET",
                &format!("/{query}{}", if query.contains("_sort=") { "" } else { "&_sort=_id" }),
            )
            .header("prefer", "handling=strict");
        let answer = Answer::of(request).await?;
        let found = if answer.status == 200 { ids(&answer) } else { format!("{}", answer.status) };
        if found != *expected {
            wrong.push(format!("{query}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn tokens() -> Result<()> {
    let server = stocked().await?;
    check(
        &server,
        &[
            ("Patient?identifier=http://h.example/mrn%7C1", "a"),
            ("Patient?identifier=1", "a,c"),
            ("Patient?identifier=%7Cplain", "a"),
            ("Patient?identifier=%7C1", ""),
            ("Patient?identifier=http://h.example/mrn%7C", "a,b"),
            ("Patient?identifier=http://h.example/MRN%7C1", ""),
            ("Patient?identifier=http://other.example%7C1,http://h.example/mrn%7C2", "b,c"),
            ("Patient?identifier=1&identifier=plain", "a"),
            ("Patient?identifier:missing=true", "d,e"),
            ("Patient?identifier:not=1", "b,d,e"),
            ("Patient?active=true", "a"),
            ("Patient?active=false", ""),
            ("Patient?gender=male", "b,c"),
            ("Patient?gender=male,female", "a,b,c"),
            ("Patient?gender=male&gender=female", ""),
            ("Patient?gender:not=male", "a,d,e"),
            ("Patient?gender:not=male,female", "d,e"),
            ("Patient?gender:missing=true", "d"),
            ("Patient?gender:missing=false", "a,b,c,e"),
            ("Observation?code=1234-5", "o1,o2,o3,o4"),
            ("Observation?code=http://loinc.org%7C1234-5", "o1,o2"),
            ("Observation?code=http://local.example%7C1234-5", "o3"),
            ("Observation?code=%7C1234-5", "o4"),
            ("Observation?code=http://loinc.org%7C", "o1,o2,o6"),
            ("Observation?code=http://loinc.org%7Cx", ""),
            ("Observation?code=x&code=1234-5", "o2"),
            ("Observation?code=x,99", "o2,o6"),
            ("Observation?code:not=1234-5", "o5,o6"),
            ("Observation?code:not=http://loinc.org%7C1234-5", "o3,o4,o5,o6"),
            ("Observation?status=final", "o1,o2,o5"),
            ("Observation?status:not=final", "o3,o4,o6"),
            ("Observation?category=vital&status=final", "o1"),
        ],
    )
    .await
}

#[tokio::test]
async fn strings() -> Result<()> {
    let server = stocked().await?;
    check(
        &server,
        &[
            ("Patient?family=mul", "a,b"),
            ("Patient?family=M%C3%9CL", "a,b"),
            ("Patient?family=mu%CC%88ller", "a,b"),
            ("Patient?family=uller", ""),
            ("Patient?family:contains=LLE", "a,b,e"),
            ("Patient?given=zoe", "a"),
            ("Patient?given=Zo%C3%AB", "a"),
            ("Patient?given=b", "b"),
            ("Patient?given=ce", "c"),
            ("Patient?name=anna", "a"),
            ("Patient?name=dr", "e"),
            ("Patient?name=jr", "e"),
            ("Patient?name=mil", "e"),
            ("Patient?name=mil,anna", "a,e"),
            ("Patient?name=mil&name=smi", "e"),
            ("Patient?name=mil&name=anna", ""),
            ("Patient?family=o'brien%20de", "c"),
            ("Patient?family=O'BRIEN%20%20%20de", "c"),
            ("Patient?family=souza", ""),
            ("Patient?family:contains=souza", "c"),
            ("Patient?name=ng%5C,%20", "d"),
            ("Patient?name=ng%5C,", "d"),
            ("Patient?name=ng,smith", "d,e"),
            ("Patient?name:contains=%5C%7Cx%5C$y", "d"),
            ("Patient?name:contains=%7Cx$y", "d"),
            ("Patient?address=gra", "d"),
            ("Patient?address-city=GRAZ", "d"),
            ("Patient?family:missing=true", "d"),
            ("Patient?name:missing=true", ""),
        ],
    )
    .await
}

#[tokio::test]
async fn dates() -> Result<()> {
    let server = stocked().await?;
    check(
        &server,
        &[
            ("Patient?birthdate=1980", "a,b,c"),
            ("Patient?birthdate=eq1980-05", "a,b"),
            ("Patient?birthdate=1980-05-17", "a"),
            ("Patient?birthdate=ne1980-05", "c,e"),
            ("Patient?birthdate=gt1980-05-17", "b,c,e"),
            ("Patient?birthdate=lt1980-05-17", "b,c"),
            ("Patient?birthdate=ge1980-05-17", "a,b,c,e"),
            ("Patient?birthdate=le1980-05-17", "a,b,c"),
            ("Patient?birthdate=sa1980-05", "e"),
            ("Patient?birthdate=eb1981", "a,b,c"),
            ("Patient?birthdate=ap1980-05-17", "a,b,c"),
            ("Patient?birthdate=1980-05-17,1981", "a,e"),
            ("Patient?birthdate=ge1980-06&birthdate=lt1982", "c,e"),
            ("Patient?birthdate:missing=true", "d"),
            ("Observation?date=2024-01-15", "o1"),
            ("Observation?date=2024-01", "o1,o3"),
            ("Observation?date=2024", "o1,o2,o3"),
            ("Observation?date=2023", "o4"),
            ("Observation?date=ne2024", "o4,o5"),
            ("Observation?date=gt2024-01-15", "o2,o3,o5"),
            ("Observation?date=lt2024-01-15", "o2,o3,o4"),
            ("Observation?date=ge2024-01-15", "o1,o2,o3,o5"),
            ("Observation?date=le2024-01-15", "o1,o2,o3,o4"),
            ("Observation?date=sa2024-01-15", "o5"),
            ("Observation?date=eb2024-01-15", "o4"),
            ("Observation?date=ap2024-01-15", "o1,o2,o3"),
            ("Observation?date=ge2024-03-01&date=lt2024-04", "o5"),
            ("Observation?date=2024-01-15T09:00:00Z", "o1"),
            ("Observation?date=2024-01-15T10:00:00%2B01:00", "o1"),
            ("Observation?date=2024-01-15T09:00Z", "o1"),
            ("Observation?date=2024-01-15T09:00:01Z", ""),
            ("Observation?date:missing=true", "o6"),
        ],
    )
    .await
}

#[tokio::test]
async fn references() -> Result<()> {
    let server = stocked().await?;
    check(
        &server,
        &[
            ("Patient?general-practitioner=Practitioner/d", "b"),
            ("Patient?general-practitioner=d", "b"),
            ("Patient?general-practitioner:Practitioner=d", "b"),
            ("Patient?general-practitioner:Organization=d", ""),
            ("Patient?general-practitioner=BASE/Practitioner/d", "b"),
            ("Patient?general-practitioner=Practitioner/e,Practitioner/d", "b"),
            ("Patient?general-practitioner:missing=false", "b"),
            ("Observation?patient=Patient/a", "o1,o3,o6"),
            ("Observation?patient=Patient/a,Patient/b", "o1,o2,o3,o6"),
            ("Observation?subject=Patient/a", "o1,o3,o6"),
            ("Observation?subject=a", "o1,o3,o4,o6"),
            ("Observation?subject:Patient=a", "o1,o3,o6"),
            ("Observation?subject:Group=a", "o4"),
            ("Observation?subject=BASE/Patient/a", "o1,o3,o6"),
            ("Observation?subject=Patient/a/_history/1", "o6"),
            ("Observation?subject=Patient/a/_history/7", ""),
            ("Observation?subject=http://else.example/fhir/Patient/a", "o5"),
            ("Observation?subject=Group/b", ""),
            ("Observation?patient=Patient/a&code=1234-5", "o1,o3"),
            ("Observation?patient=a&date=ge2024-01-15", "o1,o3"),
            ("Observation?patient=a&category=vital&status=final,preliminary", "o1,o3"),
            ("Observation?patient=nobody&code=1234-5", ""),
        ],
    )
    .await
}

#[tokio::test]
async fn everyones_parameters() -> Result<()> {
    let server = stocked().await?;
    check(
        &server,
        &[
            ("Patient?_id=a", "a"),
            ("Patient?_id=c,a,nobody", "a,c"),
            ("Patient?_id=o1", ""),
            ("Patient?_id=a%20b", ""),
            ("Patient?_id=a&_id=b", ""),
            ("Patient?_id=a,b&gender=male", "b"),
            ("Patient?_lastUpdated=ge2020", "a,b,c,d,e"),
            ("Patient?_lastUpdated=lt2020", ""),
            ("Patient?_lastUpdated=ne2020-01-01", "a,b,c,d,e"),
            ("Patient?_lastUpdated=gt2100&gender=male", ""),
            ("Patient?_lastUpdated=sa2020&_lastUpdated=eb2100&_id=d", "d"),
        ],
    )
    .await?;
    let updated = server.client.get("/Patient/c").await?.text_at("meta.lastUpdated");
    for (prefix, holds) in [
        ("", true),
        ("eq", true),
        ("ne", false),
        ("gt", false),
        ("lt", false),
        ("ge", true),
        ("le", true),
    ] {
        let value = updated.replace('+', "%2B");
        let found =
            server.client.get(&format!("/Patient?_id=c&_lastUpdated={prefix}{value}")).await?;
        assert_eq!(ids(&found), if holds { "c" } else { "" }, "{prefix}{updated}");
    }
    Ok(())
}

#[tokio::test]
async fn the_index_follows_every_write() -> Result<()> {
    let server = stocked().await?;
    let find = async |query: &str| -> Result<String> { Ok(ids(&server.client.get(query).await?)) };
    let body =
        r#"{"resourceType":"Patient","id":"a","name":[{"family":"Neu"}],"birthDate":"1999-09-09"}"#;
    assert_eq!(server.client.send("PUT", "/Patient/a", body).await?.status, 200);
    for (query, expected) in [
        ("/Patient?family=mul", "b"),
        ("/Patient?family=neu", "a"),
        ("/Patient?identifier=1", "c"),
        ("/Patient?birthdate=1980-05-17", ""),
        ("/Patient?birthdate=1999", "a"),
        ("/Patient?gender:missing=true&_sort=_id", "a,d"),
    ] {
        assert_eq!(find(query).await?, expected, "{query}");
    }
    assert_eq!(Answer::of(server.client.request("DELETE", "/Patient/a")).await?.status, 204);
    for query in ["/Patient?_id=a", "/Patient?family=neu", "/Patient?birthdate=1999"] {
        assert_eq!(find(query).await?, "", "{query}");
    }
    assert_eq!(server.client.send("PUT", "/Patient/a", body).await?.status, 201);
    assert_eq!(find("/Patient?family=neu").await?, "a");
    Ok(())
}
