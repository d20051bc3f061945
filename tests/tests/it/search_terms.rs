//! Codes that are meant and not listed: `:in`, `:not-in`, `:above`, `:below` on tokens.
//! <https://hl7.org/fhir/R4/search.html#token>

use anyhow::{Context, Result};
use auth::ClientConfig;
use it::{Answer, Client, Fixture};

use crate::search::{check, ids};
use crate::search_values::holding;

/// A hierarchy: animal over dog (over pug and poodle) and cat; `mule` has two parents.
const ANIMALS: &str = r#"{"resourceType":"CodeSystem","id":"animals","status":"active","url":"http://a.example/animals","content":"complete",
    "property":[{"code":"legs","type":"integer"},{"code":"parent","type":"code"}],
    "concept":[{"code":"animal","concept":[
        {"code":"dog","property":[{"code":"legs","valueInteger":4}],"concept":[{"code":"pug"},{"code":"poodle"}]},
        {"code":"cat"},{"code":"horse"},{"code":"donkey"}]},
        {"code":"mule","property":[{"code":"parent","valueCode":"horse"},{"code":"parent","valueCode":"donkey"}]}]}"#;

fn value_set(id: &str, rest: &str) -> String {
    format!(
        r#"{{"resourceType":"ValueSet","id":"{id}","status":"active","url":"http://a.example/vs/{id}",{rest}}}"#
    )
}

fn composed(id: &str, compose: &str) -> String {
    value_set(id, &format!(r#""compose":{{{compose}}}"#))
}

fn condition(id: &str, code: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"{id}","subject":{{"reference":"Patient/p"}},{code}
        "clinicalStatus":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"{}"}}]}}}}"#,
        if id == "cat" { "resolved" } else { "active" }
    )
}

fn coded(id: &str, system: &str) -> String {
    condition(id, &format!(r#""code":{{"coding":[{{"system":"{system}","code":"{id}"}}]}},"#))
}

const SYSTEM: &str = "http://a.example/animals";

async fn zoo() -> Result<Fixture> {
    let mut all = vec![
        ANIMALS.to_owned(),
        r#"{"resourceType":"Patient","id":"p","gender":"male"}"#.to_owned(),
        r#"{"resourceType":"Patient","id":"q","gender":"other"}"#.to_owned(),
        r#"{"resourceType":"Patient","id":"r"}"#.to_owned(),
        r#"{"resourceType":"CodeSystem","id":"part","status":"active","url":"http://a.example/part","content":"fragment","concept":[{"code":"x"}]}"#.to_owned(),
        r#"{"resourceType":"CodeSystem","id":"body","status":"active","url":"http://a.example/body","content":"complete","hierarchyMeaning":"part-of","concept":[{"code":"arm","concept":[{"code":"hand"}]}]}"#.to_owned(),
        condition("pug-elsewhere", r#""code":{"coding":[{"system":"http://else.example","code":"pug"}]},"#),
        condition("pug-bare", r#""code":{"coding":[{"code":"pug"}]},"#),
        condition("text", r#""code":{"text":"pug"},"#),
    ];
    all.extend(["animal", "dog", "pug", "cat", "mule"].iter().map(|code| coded(code, SYSTEM)));
    let include = |rest: &str| format!(r#""include":[{{"system":"{SYSTEM}"{rest}}}]"#);
    let filter = |property: &str, op: &str, value: &str| {
        include(&format!(
            r#","filter":[{{"property":"{property}","op":"{op}","value":"{value}"}}]"#
        ))
    };
    all.extend([
        composed("listed", &include(r#","concept":[{"code":"dog"},{"code":"cat"}]"#)),
        composed("whole", &include("")),
        composed("dogs", &filter("concept", "is-a", "dog")),
        composed("below-dog", &filter("concept", "descendent-of", "dog")),
        composed("no-dogs", &filter("concept", "is-not-a", "dog")),
        composed("four-legs", &filter("legs", "=", "4")),
        composed("no-dog", &format!(r#"{},"exclude":[{{"system":"{SYSTEM}","concept":[{{"code":"dog"}}]}}]"#, include(""))),
        composed("nested", r#""include":[{"valueSet":["http://a.example/vs/dogs","http://a.example/vs/no-dog"]}]"#),
        composed("cyclic", r#""include":[{"valueSet":["http://a.example/vs/cyclic"]}]"#),
        composed("regex", &filter("code", "regex", "d.*")),
        composed("bad-regex", &filter("code", "regex", "(d")),
        composed("active", &format!(r#""inactive":false,{}"#, include(""))),
        composed("undeclared", &filter("color", "=", "red")),
        composed("not-there", r#""include":[{"system":"http://nowhere.example"}]"#),
        composed("part", r#""include":[{"system":"http://a.example/part"}]"#),
        composed("part-of", r#""include":[{"system":"http://a.example/body","filter":[{"property":"concept","op":"is-a","value":"arm"}]}]"#),
        composed("old", r#""lockedDate":"2020-01-01","include":[{"system":"http://a.example/animals"}]"#),
        composed("gender", r#""include":[{"system":"http://hl7.org/fhir/administrative-gender","concept":[{"code":"male"},{"code":"female"}]},{"system":"http://else.example","concept":[{"code":"other"}]}]"#),
        value_set("expanded", &format!(r#""compose":{{"include":[{{"system":"http://nowhere.example"}}]}},"expansion":{{"timestamp":"2024-01-01T00:00:00Z","total":2,"contains":[{{"system":"{SYSTEM}","code":"dog","contains":[{{"system":"{SYSTEM}","code":"pug"}}]}}]}}"#)),
        value_set("expanded-part", &format!(r#""expansion":{{"timestamp":"2024-01-01T00:00:00Z","total":99,"contains":[{{"system":"{SYSTEM}","code":"dog"}}]}}"#)),
        value_set("versioned", r#""version":"1.0","compose":{"include":[{"system":"http://a.example/animals","concept":[{"code":"dog"}]}]}"#),
        value_set("versioned", r#""version":"2.0","compose":{"include":[{"system":"http://a.example/animals","concept":[{"code":"cat"}]}]}"#).replace(r#""id":"versioned""#, r#""id":"versioned-2""#),
    ]);
    holding(&all.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn value_sets_and_hierarchies() -> Result<()> {
    let server = zoo().await?;
    let refused: Vec<(String, &str)> = [
        ("cyclic", "422"),
        ("bad-regex", "422"),
        ("undeclared", "422"),
        ("not-there", "422"),
        ("part", "422"),
        ("part-of", "422"),
        ("old", "422"),
        ("expanded-part", "422"),
        ("versioned", "422"),
        ("versioned|3.0", "422"),
        ("nobody", "422"),
    ]
    .iter()
    .map(|(id, status)| (format!("Condition?code:in=http://a.example/vs/{id}"), *status))
    .collect();
    let refused: Vec<(&str, &str)> =
        refused.iter().map(|(query, status)| (query.as_str(), *status)).collect();
    check(&server, &refused).await?;
    check(
        &server,
        &[
            ("Condition?code:in=http://a.example/vs/listed", "cat,dog"),
            ("Condition?code:in=ValueSet/listed", "cat,dog"),
            ("Condition?code:in=BASE/ValueSet/listed", "cat,dog"),
            ("Condition?code:in=ValueSet/nobody", "422"),
            ("Condition?code:in=http://a.example/vs/whole", "animal,cat,dog,mule,pug"),
            ("Condition?code:in=http://a.example/vs/dogs", "dog,pug"),
            ("Condition?code:in=http://a.example/vs/below-dog", "pug"),
            ("Condition?code:in=http://a.example/vs/no-dogs", "animal,cat,mule"),
            ("Condition?code:in=http://a.example/vs/four-legs", "dog"),
            ("Condition?code:in=http://a.example/vs/regex", "dog"),
            ("Condition?code:in=http://a.example/vs/active", "animal,cat,dog,mule,pug"),
            ("Condition?code:in=http://a.example/animals?fhir_vs=isa/dog", "dog,pug"),
            ("Condition?code:in=http://a.example/vs/no-dog", "animal,cat,mule,pug"),
            ("Condition?code:in=http://a.example/vs/nested", "pug"),
            ("Condition?code:in=http://a.example/vs/expanded", "dog,pug"),
            ("Condition?code:in=http://a.example/vs/versioned|1.0", "dog"),
            ("Condition?code:in=http://a.example/vs/versioned|2.0", "cat"),
            ("Condition?code:in=ValueSet/dogs,ValueSet/listed", "cat,dog,pug"),
            ("Condition?code:in=ValueSet/dogs&code:in=ValueSet/listed", "dog"),
            (
                "Condition?code:not-in=ValueSet/dogs",
                "animal,cat,mule,pug-bare,pug-elsewhere,text",
            ),
            ("Condition?code:below=http://a.example/animals|dog", "dog,pug"),
            ("Condition?code:below=http://a.example/animals|animal", "animal,cat,dog,mule,pug"),
            ("Condition?code:below=http://a.example/animals|donkey", "mule"),
            ("Condition?code:above=http://a.example/animals|pug", "animal,dog,pug"),
            ("Condition?code:above=http://a.example/animals|mule", "animal,mule"),
            ("Condition?code:below=http://a.example/animals|cow", "422"),
            ("Condition?code:below=http://a.example/body|arm", "422"),
            ("Condition?code:below=http://nowhere.example|x", "422"),
            ("Condition?code:below=dog", "400"),
            ("Condition?code:in=", "400"),
            // Of the package.
            ("Condition?clinical-status:in=http://hl7.org/fhir/ValueSet/condition-clinical&code:in=ValueSet/listed", "cat,dog"),
            ("Condition?clinical-status:below=http://terminology.hl7.org/CodeSystem/condition-clinical|inactive", "cat"),
            ("Condition?clinical-status:not-in=http://hl7.org/fhir/ValueSet/condition-clinical", ""),
            // A code element's system is that of the value set it is bound to.
            ("Patient?gender:in=http://hl7.org/fhir/ValueSet/administrative-gender", "p,q"),
            ("Patient?gender:in=ValueSet/gender", "p"),
            ("Patient?gender:not-in=ValueSet/gender", "q,r"),
            ("Patient?gender:below=http://hl7.org/fhir/administrative-gender|male", "p"),
            // The system of a `code` follows from its binding.
            ("Patient?gender=http://hl7.org/fhir/administrative-gender|male", "p"),
            ("Patient?gender=http://hl7.org/fhir/administrative-gender|", "p,q"),
            ("Patient?gender=http://hl7.org/fhir/administrative-gender|man", ""),
            ("Patient?gender=http://else.example|male", ""),
            ("Patient?gender=|male", "p"),
            ("Patient?gender:not=http://hl7.org/fhir/administrative-gender|male", "q,r"),
            ("Patient?gender:not=http://else.example|male", "p,q,r"),
            ("Patient?_filter=gender ne http://hl7.org/fhir/administrative-gender|male", "q,r"),
            ("Condition?patient.gender=http://hl7.org/fhir/administrative-gender|male&code:in=ValueSet/dogs", "dog,pug"),
            ("Patient?gender:below=http://else.example|male", "422"),
            // Where there are no codes.
            ("Patient?active:in=ValueSet/gender", "400"),
            ("Patient?identifier:in=ValueSet/gender", "400"),
            ("Patient?family:in=ValueSet/gender", "400"),
            ("Patient?language:in=ValueSet/gender", "")
        ],
    )
    .await?;
    check(
        &server,
        &[
            ("Patient?_has:Condition:patient:code:in=ValueSet/dogs", "p"),
            ("Patient?_has:Condition:patient:code:in=ValueSet/nobody", "422"),
            ("Condition?patient.gender:in=ValueSet/gender&code:in=ValueSet/dogs", "dog,pug"),
            ("Patient/p/Condition?code:in=ValueSet/dogs", "dog,pug"),
            ("Condition?_filter=code in http://a.example/vs/dogs", "dog,pug"),
            ("Condition?_filter=code ss http://a.example/animals|dog", "dog,pug"),
            ("Condition?_filter=code sb http://a.example/animals|pug and not (code in ValueSet/below-dog)", "animal,dog"),
            ("?_type=Condition&_tag:in=ValueSet/dogs", ""),
        ],
    )
    .await
}

/// The answer names the parameter, and pages lead on.
#[tokio::test]
async fn refusals_name_the_parameter_and_pages_go_on() -> Result<()> {
    let server = zoo().await?;
    for (query, place, said) in [
        (
            "code:in=http://a.example/vs/nobody",
            "http.code:in",
            "http://a.example/vs/nobody is not known",
        ),
        ("code:in=http://a.example/vs/bad-regex", "http.code:in", "filter code regex"),
        ("code:not-in=http://a.example/vs/part", "http.code:not-in", "not with all its concepts"),
        ("code:below=http://a.example/animals%7Ccow", "http.code:below", "does not have the code"),
    ] {
        let answer = server.client.get(&format!("/Condition?{query}")).await?;
        assert_eq!(answer.status, 422, "{query}: {}", answer.text);
        assert_eq!(answer.text_at("issue.0.expression.0"), place, "{}", answer.text);
        assert!(answer.text_at("issue.0.diagnostics").contains(said), "{}", answer.text);
    }
    let mut found = Vec::new();
    let mut next = Some("/Condition?code:in=ValueSet/whole&_count=2&_sort=_id".to_owned());
    while let Some(url) = next {
        let page = server.client.get(&url).await?;
        found.push(ids(&page));
        next = page.link("next");
    }
    assert_eq!(found, ["animal,cat", "dog,mule", "pug"]);
    Ok(())
}

#[tokio::test]
async fn criteria_and_bundles_mean_the_same() -> Result<()> {
    let server = zoo().await?;
    let request = server.client.request("PUT", "/Condition?code:in=ValueSet/below-dog");
    let body = coded("pug", SYSTEM).replace("active", "inactive");
    let request = request.header("content-type", "application/fhir+json").body(body);
    let answer = Answer::of(request).await?;
    assert_eq!((answer.status, answer.id().as_str()), (200, "pug"), "{}", answer.text);
    let answer = server.client.request("DELETE", "/Condition?code:in=ValueSet/nobody");
    assert_eq!(Answer::of(answer).await?.status, 422);
    let bundle = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"request":{"method":"POST","url":"Observation"},"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},
         "focus":[{"reference":"Condition?code:in=ValueSet/below-dog"}]}},
        {"request":{"method":"POST","url":"Condition","ifNoneExist":"code:below=http://a.example/animals|dog&code:not-in=ValueSet/below-dog"},
         "resource":{"resourceType":"Condition","subject":{"reference":"Patient/p"}}}]}"#;
    let answer = server.client.send("POST", "", bundle).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.text_at("entry.1.response.location").contains("Condition/dog/"),
        "{}",
        answer.text
    );
    let focus = server.client.get("/Observation?focus=Condition/pug").await?;
    assert_eq!(focus.entries().len(), 1, "{}", focus.text);
    let batch = r#"{"resourceType":"Bundle","type":"batch","entry":[
        {"request":{"method":"GET","url":"Condition?code:in=ValueSet/listed&_sort=_id"}},
        {"request":{"method":"GET","url":"Condition?code:in=ValueSet/nobody"}}]}"#;
    let answer = server.client.send("POST", "", batch).await?;
    assert_eq!(answer.text_at("entry.0.resource.entry.1.resource.id"), "dog", "{}", answer.text);
    assert!(answer.text_at("entry.1.response.status").starts_with("422"), "{}", answer.text);
    Ok(())
}

/// Who may not search ValueSets learns nothing of those that are stored; the published are open to all.
#[tokio::test]
async fn what_the_caller_may_not_see_stays_unseen() -> Result<()> {
    let server = Fixture::start_with(|settings| {
        settings.clients.push(ClientConfig {
            id: "conditions".to_owned(),
            secret: Some(
                auth::SecretHash::of(&auth::Secret::new("s3cret".to_owned())).expect("random"),
            ),
            scope: "system/Condition.s".to_owned(),
            ..ClientConfig::default()
        });
    })
    .await?;
    for body in [
        ANIMALS.to_owned(),
        coded("dog", SYSTEM),
        composed("listed", r#""include":[{"system":"http://a.example/animals"}]"#),
    ] {
        let kind = body.split('"').nth(3).context("a type")?.to_owned();
        let answer = server.client.send("POST", &format!("/{kind}"), &body).await?;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let client = Client::connect(server.origin()?, "conditions", "s3cret").await?;
    let mut answers = Vec::new();
    for name in ["listed", "nobody"] {
        let answer = client.get(&format!("/Condition?code:in=http://a.example/vs/{name}")).await?;
        assert_eq!(answer.status, 403, "{}", answer.text);
        answers.push(answer.text);
    }
    assert_eq!(answers.first(), answers.last(), "what is there and what is not look the same");
    let below = client.get("/Condition?code:below=http://a.example/animals%7Cdog").await?;
    assert_eq!(below.status, 403, "{}", below.text);
    let published = "http://hl7.org/fhir/ValueSet/condition-clinical";
    let answer = client.get(&format!("/Condition?clinical-status:in={published}")).await?;
    assert_eq!(answer.entries().len(), 1, "{}", answer.text);
    Ok(())
}
