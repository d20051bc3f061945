//! The operations on codes, each by a table of cases, over HTTP: `$lookup`, `$validate-code`, `$subsumes`, `$expand`,
//! `$translate`. <https://hl7.org/fhir/R4/terminology-service.html>

use anyhow::Result;
use canonical_model::Value;
use it::{Answer, Client, Fixture};

use crate::search_values::holding;

/// Animals: the dog over pug and poodle, which is no longer to be used; the mule is below two.
pub(crate) const ANIMALS: &str = r#"{"resourceType":"CodeSystem","id":"animals","status":"active","url":"http://a.example/animals","version":"2","name":"Animals","content":"complete","caseSensitive":true,
    "property":[{"code":"legs","type":"integer","description":"How many"},{"code":"parent","type":"code"},{"code":"notSelectable","type":"boolean"},{"code":"inactive","type":"boolean"}],
    "concept":[{"code":"animal","display":"Animal","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
        {"code":"dog","display":"Domestic dog","definition":"It barks.","designation":[{"language":"de","value":"Haushund"}],
         "property":[{"code":"legs","valueInteger":4}],"concept":[{"code":"pug","display":"Pug"},
            {"code":"poodle","display":"Poodle","property":[{"code":"inactive","valueBoolean":true}]}]},
        {"code":"cat","display":"Cat"},{"code":"horse","display":"Horse"},{"code":"donkey","display":"Donkey"}]},
        {"code":"mule","display":"Mule","property":[{"code":"parent","valueCode":"horse"},{"code":"parent","valueCode":"donkey"}]}]}"#;

const DOGS: &str = r#"{"resourceType":"ValueSet","id":"dogs","status":"active","url":"http://a.example/vs/dogs","version":"1","name":"Dogs",
    "compose":{"include":[{"system":"http://a.example/animals","filter":[{"property":"concept","op":"is-a","value":"dog"}]}]}}"#;
const ALL: &str = r#"{"resourceType":"ValueSet","id":"all","status":"active","url":"http://a.example/vs/all",
    "compose":{"include":[{"system":"http://a.example/animals"}]}}"#;
const LISTED: &str = r#"{"resourceType":"ValueSet","id":"listed","status":"active","url":"http://a.example/vs/listed",
    "compose":{"include":[{"system":"http://b.example","concept":[{"code":"x","display":"The X"}]},{"system":"http://a.example/animals","concept":[{"code":"cat"}]}]}}"#;
const PART: &str = r#"{"resourceType":"CodeSystem","id":"part","status":"active","url":"http://a.example/part","content":"fragment","concept":[{"code":"x","display":"X"}]}"#;
const OF_PART: &str = r#"{"resourceType":"ValueSet","id":"of-part","status":"active","url":"http://a.example/vs/of-part",
    "compose":{"include":[{"system":"http://a.example/part"},{"system":"http://nowhere.example"}]}}"#;
const SELF: &str = r#"{"resourceType":"ValueSet","id":"self","status":"active","url":"http://a.example/vs/self",
    "compose":{"include":[{"valueSet":["http://a.example/vs/self"]}]}}"#;
const MAP: &str = r#"{"resourceType":"ConceptMap","id":"map","status":"active","url":"http://a.example/cm/map","sourceUri":"http://a.example/vs/all","targetUri":"http://f.example/vs","group":[
    {"source":"http://a.example/animals","target":"http://f.example/foods","element":[
        {"code":"dog","target":[{"code":"meat","display":"Meat","equivalence":"wider"}]},
        {"code":"cat","target":[{"equivalence":"unmatched"}]},
        {"code":"horse","target":[{"code":"hay","equivalence":"equivalent","dependsOn":[{"property":"http://e.example/season","system":"http://s.example","value":"winter"}],
            "product":[{"property":"http://e.example/box","value":"large"}]}]}],
     "unmapped":{"mode":"other-map","url":"http://a.example/cm/other"}}]}"#;
const OTHER: &str = r#"{"resourceType":"ConceptMap","id":"other","status":"active","url":"http://a.example/cm/other","group":[
    {"source":"http://a.example/animals","target":"http://f.example/foods","element":[{"code":"cat","target":[{"code":"fish","equivalence":"equal"}]}],"unmapped":{"mode":"fixed","code":"grass"}}]}"#;

pub(crate) async fn zoo() -> Result<Fixture> {
    holding(&[ANIMALS, DOGS, ALL, LISTED, PART, OF_PART, SELF, MAP, OTHER]).await
}

/// An answer in short: of Parameters each name and value, of a ValueSet its total and codes, else what is wrong.
pub(crate) fn told(answer: &Answer) -> String {
    let Ok(body) = answer.json() else { return format!("{}: {}", answer.status, answer.text) };
    match body.get("resourceType").and_then(Value::as_str) {
        Some("Parameters") => parts(body.get("parameter").map(Value::items).unwrap_or_default()),
        Some("ValueSet") => {
            let total = answer.at("expansion.total").map(|it| it.to_text()).unwrap_or_default();
            let mut codes = Vec::new();
            nested(answer.at("expansion.contains").as_ref(), &mut codes);
            format!("{total}: {}", codes.join(" "))
        }
        _ => format!("{} {}", answer.status, answer.text_at("issue.0.diagnostics")),
    }
}

fn nested(contains: Option<&Value>, codes: &mut Vec<String>) {
    for one in contains.map(Value::items).unwrap_or_default() {
        let mut code = one.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        if one.get("contains").is_some() {
            let mut inner = Vec::new();
            nested(one.get("contains"), &mut inner);
            code = format!("{code}({})", inner.join(" "));
        }
        codes.push(code);
    }
}

fn parts(list: &[Value]) -> String {
    let one = |parameter: &Value| {
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
        if let Some(inner) = parameter.get("part") {
            return format!("{name}[{}]", parts(inner.items()));
        }
        let members = parameter.as_object().into_iter().flat_map(|it| it.iter());
        let value = members.into_iter().find(|(key, _)| key.starts_with("value"));
        let value = value.map(|(_, value)| match value.get("code") {
            Some(code) => {
                let system = value.get("system").and_then(Value::as_str).unwrap_or_default();
                format!("{system}|{}", code.as_str().unwrap_or_default())
            }
            None => value.as_str().map_or_else(|| value.to_text(), str::to_owned),
        });
        format!("{name}={}", value.unwrap_or_default())
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Each case: a path, and what the answer is, or begins with where it ends in `…`. All are tried before any fails.
pub(crate) async fn check(client: &Client, cases: &[(&str, &str)]) -> Result<()> {
    let mut wrong = Vec::new();
    for (path, expected) in cases {
        wrong.extend(differs(&client.get(path).await?, path, expected));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

pub(crate) fn expect(answer: &Answer, asked: &str, expected: &str) {
    assert_eq!(differs(answer, asked, expected), None);
}

fn differs(answer: &Answer, asked: &str, expected: &str) -> Option<String> {
    let found = told(answer);
    let fits = match expected.strip_suffix('\u{2026}') {
        Some(beginning) => found.starts_with(beginning),
        None => found == expected,
    };
    (!fits).then(|| format!("{asked}\n  {found}\nand not\n  {expected}"))
}

const SYSTEM: &str = "system=http://a.example/animals";

fn with_system(cases: &[(&'static str, &'static str)]) -> Vec<(String, &'static str)> {
    cases.iter().map(|(path, expected)| (path.replace("SYSTEM", SYSTEM), *expected)).collect()
}

async fn check_with_system(client: &Client, cases: &[(&'static str, &'static str)]) -> Result<()> {
    let cases = with_system(cases);
    let cases: Vec<(&str, &str)> =
        cases.iter().map(|(path, expected)| (path.as_str(), *expected)).collect();
    check(client, &cases).await
}

#[tokio::test]
async fn looks_codes_up() -> Result<()> {
    let server = zoo().await?;
    check_with_system(&server.client, &[
        ("/CodeSystem/$lookup?code=dog&SYSTEM", "name=Animals, version=2, display=Domestic dog, designation[language=de, value=Haushund], property[code=definition, value=It barks.], property[code=parent, value=animal, description=Animal], property[code=legs, value=4, description=How many]"),
        ("/CodeSystem/$lookup?code=dog&SYSTEM&version=2&displayLanguage=de&property=legs", "name=Animals, version=2, display=Haushund, property[code=legs, value=4, description=How many]"),
        ("/CodeSystem/$lookup?code=dog&SYSTEM&property=child", "name=Animals, version=2, display=Domestic dog, property[code=child, value=pug, description=Pug], property[code=child, value=poodle, description=Poodle]"),
        ("/CodeSystem/$lookup?code=dog&SYSTEM&property=lang.de", "name=Animals, version=2, display=Domestic dog, designation[language=de, value=Haushund]"),
        ("/CodeSystem/$lookup?code=poodle&SYSTEM&property=inactive", "name=Animals, version=2, display=Poodle, property[code=inactive, value=true]"),
        ("/CodeSystem/$lookup?code=mule&SYSTEM&property=parent", "name=Animals, version=2, display=Mule, property[code=parent, value=horse, description=Horse], property[code=parent, value=donkey, description=Donkey]"),
        ("/CodeSystem/$lookup?code=x&system=http://a.example/part", "name=http://a.example/part, display=X"),
        // Of the package of R4.
        ("/CodeSystem/$lookup?code=male&system=http://hl7.org/fhir/administrative-gender", "name=AdministrativeGender, version=4.0.1, display=Male, property[code=definition, value=Male.]"),
        ("/CodeSystem/$lookup?code=cow&SYSTEM", "404 the code is not one of the code system"),
        ("/CodeSystem/$lookup?code=y&system=http://a.example/part", "404 the code is not one of the code system, of which not all is known here"),
        ("/CodeSystem/$lookup?code=x&system=http://nowhere.example", "404 the code system http://nowhere.example is not known here"),
        ("/CodeSystem/$lookup?code=dog&SYSTEM&version=1", "404 the code system http://a.example/animals is not known here"),
        ("/CodeSystem/$lookup?code=dog", "400 system: it is missing"),
        ("/CodeSystem/$lookup?SYSTEM", "400 name the code by one of code, coding and codeableConcept"),
    ]).await?;
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"system":"http://a.example/animals","code":"cat"}}]}"#;
    let answer = server.client.send("POST", "/CodeSystem/$lookup", body).await?;
    expect(
        &answer,
        body,
        "name=Animals, version=2, display=Cat, property[code=parent, value=animal, description=Animal]",
    );
    Ok(())
}

#[tokio::test]
async fn tells_whether_codes_are_right() -> Result<()> {
    let server = zoo().await?;
    check_with_system(&server.client, &[
        ("/CodeSystem/$validate-code?url=http://a.example/animals&code=dog", "result=true, display=Domestic dog"),
        ("/CodeSystem/animals/$validate-code?code=dog&display=domestic%20DOG", "result=true, display=Domestic dog"),
        ("/CodeSystem/animals/$validate-code?code=dog&display=Haushund", "result=true, display=Domestic dog"),
        ("/CodeSystem/animals/$validate-code?code=dog&display=Cat", "result=false, message=the display is none of the code's, display=Domestic dog"),
        ("/CodeSystem/animals/$validate-code?code=cow", "result=false, message=the code is not one of the code system http://a.example/animals"),
        ("/CodeSystem/animals/$validate-code?code=Dog", "result=false…"),
        ("/CodeSystem/animals/$validate-code?code=animal", "result=false, message=the code only groups others; with abstract=true it is accepted, display=Animal"),
        ("/CodeSystem/animals/$validate-code?code=animal&abstract=true", "result=true, display=Animal"),
        ("/CodeSystem/animals/$validate-code?code=poodle", "result=true, message=the code is no longer to be used, display=Poodle"),
        ("/CodeSystem/part/$validate-code?code=x", "result=true, display=X"),
        ("/CodeSystem/part/$validate-code?code=y", "422 the code was not checked: the code system http://a.example/part is known here, but not with all its concepts"),
        ("/CodeSystem/$validate-code?url=http://nowhere.example&code=y", "404 the code system http://nowhere.example is not known here"),
        ("/CodeSystem/nobody/$validate-code?code=y", "404…"),
        ("/ValueSet/$validate-code?url=http://a.example/vs/dogs&code=pug&SYSTEM", "result=true, display=Pug"),
        ("/ValueSet/$validate-code?url=http://a.example/vs/dogs&valueSetVersion=1&code=pug&SYSTEM&systemVersion=2", "result=true, display=Pug"),
        ("/ValueSet/$validate-code?url=http://a.example/vs/dogs&code=pug&SYSTEM&systemVersion=1", "422 the code was not checked: the code system http://a.example/animals is not known here"),
        ("/ValueSet/dogs/$validate-code?code=cat&SYSTEM", "result=false, message=the code is not in the value set http://a.example/vs/dogs"),
        ("/ValueSet/dogs/$validate-code?code=pug&system=http://else.example", "result=false…"),
        ("/ValueSet/dogs/$validate-code?code=pug", "400 system: it is missing"),
        ("/ValueSet/listed/$validate-code?code=x&system=http://b.example", "result=true, display=The X"),
        ("/ValueSet/listed/$validate-code?code=x&system=http://b.example&display=Y", "result=false, message=the display is none of the code's, display=The X"),
        ("/ValueSet/of-part/$validate-code?code=x&system=http://a.example/part", "result=true, display=X"),
        ("/ValueSet/of-part/$validate-code?code=y&system=http://a.example/part", "422 the code was not checked…"),
        ("/ValueSet/of-part/$validate-code?code=y&system=http://nowhere.example", "422 the code was not checked: the code system http://nowhere.example is not known here"),
        ("/ValueSet/of-part/$validate-code?code=y&system=http://else.example", "result=false…"),
        ("/ValueSet/self/$validate-code?code=y&system=http://else.example", "422 the code was not checked: the value set http://a.example/vs/self includes itself"),
        ("/ValueSet/$validate-code?url=http://a.example/vs/none&code=y&SYSTEM", "404 the value set http://a.example/vs/none is not known here"),
        ("/ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/administrative-gender&code=male&system=http://hl7.org/fhir/administrative-gender", "result=true, display=Male"),
        ("/CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mg/dL", "result=true…"),
        ("/CodeSystem/$validate-code?url=http://unitsofmeasure.org&code=mgg/dL", "result=false…"),
        ("/ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/ucum-units&system=http://unitsofmeasure.org&code=mm[Hg]", "result=true…"),
        ("/ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/observation-codes&code=1-8&system=http://loinc.org", "422 the code was not checked…"),
    ]).await?;
    for (path, concept, expected) in [
        (
            "/ValueSet/dogs/$validate-code",
            r#"{"coding":[{"system":"http://a.example/animals","code":"cat"},{"system":"http://a.example/animals","code":"dog"}]}"#,
            "result=true, display=Domestic dog",
        ),
        (
            "/ValueSet/dogs/$validate-code",
            r#"{"coding":[{"system":"http://a.example/animals","code":"cat"},{"system":"http://b.example","code":"x"}]}"#,
            "result=false, message=the code is not in the value set http://a.example/vs/dogs",
        ),
        (
            "/ValueSet/of-part/$validate-code",
            r#"{"coding":[{"system":"http://else.example","code":"q"},{"system":"http://nowhere.example","code":"q"}]}"#,
            "422 the code was not checked…",
        ),
        (
            "/CodeSystem/animals/$validate-code",
            r#"{"coding":[{"system":"http://b.example","code":"x"},{"system":"http://a.example/animals","code":"cat"}]}"#,
            "result=true, display=Cat",
        ),
        (
            "/ValueSet/dogs/$validate-code",
            r#"{"text":"dog"}"#,
            "400 codeableConcept: it has no code",
        ),
    ] {
        let body = format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"codeableConcept","valueCodeableConcept":{concept}}}]}}"#
        );
        expect(&server.client.send("POST", path, &body).await?, &body, expected);
    }
    // What is not stored is judged as it is sent.
    let body = format!(
        r#"{{"resourceType":"Parameters","parameter":[{{"name":"codeSystem","resource":{}}},{{"name":"code","valueCode":"a"}}]}}"#,
        r#"{"resourceType":"CodeSystem","url":"http://x","content":"complete","concept":[{"code":"a","display":"A"}]}"#
    );
    expect(
        &server.client.send("POST", "/CodeSystem/$validate-code", &body).await?,
        &body,
        "result=true, display=A",
    );
    Ok(())
}

#[tokio::test]
async fn tells_what_subsumes_what() -> Result<()> {
    let server = zoo().await?;
    check_with_system(&server.client, &[
        ("/CodeSystem/$subsumes?codeA=dog&codeB=pug&SYSTEM", "outcome=subsumes"),
        ("/CodeSystem/$subsumes?codeA=pug&codeB=animal&SYSTEM&version=2", "outcome=subsumed-by"),
        ("/CodeSystem/animals/$subsumes?codeA=pug&codeB=pug", "outcome=equivalent"),
        ("/CodeSystem/animals/$subsumes?codeA=pug&codeB=cat", "outcome=not-subsumed"),
        ("/CodeSystem/animals/$subsumes?codeA=animal&codeB=mule", "outcome=subsumes"),
        ("/CodeSystem/animals/$subsumes?codeA=pug&codeB=cow", "422 the code system does not have the code"),
        ("/CodeSystem/part/$subsumes?codeA=x&codeB=y", "422 the code system http://a.example/part is known here, but not with all its concepts"),
        ("/CodeSystem/$subsumes?codeA=pug&codeB=cat", "400 system: it is missing"),
        ("/CodeSystem/$subsumes?codeA=pug&SYSTEM", "400 codeB: it is missing"),
    ]).await?;
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"codingA","valueCoding":{"system":"http://a.example/animals","code":"dog"}},{"name":"codingB","valueCoding":{"system":"http://b.example","code":"dog"}}]}"#;
    let answer = server.client.send("POST", "/CodeSystem/$subsumes", body).await?;
    expect(&answer, body, "400 codingA, codingB: both must be of one code system, in one version");
    Ok(())
}

#[tokio::test]
async fn expands_value_sets() -> Result<()> {
    let server = zoo().await?;
    check(&server.client, &[
        ("/ValueSet/$expand?url=http://a.example/vs/dogs", "3: dog pug poodle"),
        ("/ValueSet/dogs/$expand", "3: dog pug poodle"),
        ("/ValueSet/$expand?url=http://a.example/vs/dogs&valueSetVersion=2", "404…"),
        ("/ValueSet/dogs/$expand?activeOnly=true", "2: dog pug"),
        ("/ValueSet/all/$expand?excludeNotForUI=true&count=2", "7: dog pug"),
        ("/ValueSet/all/$expand?filter=do", "2: dog donkey"),
        ("/ValueSet/all/$expand?filter=haus&includeDesignations=true", "1: dog"),
        ("/ValueSet/all/$expand?offset=2&count=3", "8: pug poodle cat"),
        ("/ValueSet/all/$expand?offset=7", "8: mule"),
        ("/ValueSet/all/$expand?count=0", "8: "),
        ("/ValueSet/all/$expand?excludeNested=false", "8: animal(dog(pug poodle) cat horse(mule) donkey)"),
        ("/ValueSet/all/$expand?excludeNested=true&count=1", "8: animal"),
        ("/ValueSet/listed/$expand", "2: x cat"),
        ("/ValueSet/listed/$expand?exclude-system=http://b.example", "1: cat"),
        ("/ValueSet/all/$expand?system-version=http://a.example/animals%7C2&count=1", "8: animal"),
        ("/ValueSet/all/$expand?force-system-version=http://a.example/animals%7C1&count=1", "422 the code system http://a.example/animals is not known here"),
        ("/ValueSet/all/$expand?check-system-version=http://a.example/animals%7C1&count=1", "422 check-system-version: of http://a.example/animals another version is used than is asked for"),
        ("/ValueSet/all/$expand?system-version=x", "400 system-version: expected a system and its version, as url|1.0"),
        ("/ValueSet/$expand?url=http://a.example/animals?fhir_vs=isa/horse", "2: horse mule"),
        ("/ValueSet/$expand?url=http://a.example/animals?fhir_vs%26count=1", "422…"),
        ("/ValueSet/$expand?url=http://a.example/animals?fhir_vs=refset/1", "422…"),
        ("/ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/administrative-gender", "4: male female other unknown"),
        ("/ValueSet/self/$expand", "422 the value set http://a.example/vs/self includes itself"),
        ("/ValueSet/of-part/$expand", "422 the code system http://a.example/part is known here, but not with all its concepts"),
        ("/ValueSet/$expand", "400 url: it is missing"),
        ("/ValueSet/dogs/$expand?url=http://a.example/vs/all", "400 name one: url, valueSet, or the resource in the path"),
        ("/ValueSet/dogs/$expand?filter=--", "400 filter: name a word or the beginning of one"),
        ("/ValueSet/dogs/$expand?count=-1", "400 count: expected a number from 0"),
        ("/ValueSet/dogs/$expand?context=Patient.gender", "400 context: it is not supported…"),
        ("/ValueSet/dogs/$expand?date=2020", "400 date: it is not supported…"),
        ("/ValueSet/dogs/$expand?colour=red", "400 colour: $expand has no such parameter"),
    ]).await?;
    let answer = server
        .client
        .get("/ValueSet/dogs/$expand?displayLanguage=de&count=1&includeDefinition=true")
        .await?;
    assert_eq!(answer.text_at("expansion.contains.0.display"), "Haushund", "{}", answer.text);
    assert_eq!(answer.text_at("compose.include.0.system"), "http://a.example/animals");
    assert_eq!(answer.text_at("url"), "http://a.example/vs/dogs");
    assert!(answer.text_at("expansion.identifier").starts_with("urn:uuid:"), "{}", answer.text);
    assert!(
        answer.text.contains(r#"{"name":"version","valueUri":"http://a.example/animals|2"}"#),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains(r#"{"name":"displayLanguage","valueString":"de"}"#),
        "{}",
        answer.text
    );
    let plain = server.client.get("/ValueSet/dogs/$expand").await?;
    assert!(
        plain.at("compose").is_none() && plain.at("expansion.contains.2.inactive").is_some(),
        "{}",
        plain.text
    );
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"valueSet","resource":{"resourceType":"ValueSet","status":"draft","compose":{"include":[{"valueSet":["http://a.example/vs/dogs"]},{"system":"http://a.example/animals","concept":[{"code":"cat"}]}]}}},{"name":"count","valueInteger":9}]}"#;
    expect(
        &server.client.send("POST", "/ValueSet/$expand", body).await?,
        body,
        "4: dog pug poodle cat",
    );
    Ok(())
}

#[tokio::test]
async fn translates_codes() -> Result<()> {
    let server = zoo().await?;
    check_with_system(&server.client, &[
        ("/ConceptMap/map/$translate?code=dog&SYSTEM", "result=true, match[equivalence=wider, concept=http://f.example/foods|meat, source=http://a.example/cm/map]"),
        ("/ConceptMap/$translate?url=http://a.example/cm/map&code=dog&SYSTEM&targetsystem=http://f.example/foods", "result=true, match[equivalence=wider, concept=http://f.example/foods|meat, source=http://a.example/cm/map]"),
        ("/ConceptMap/$translate?code=dog&SYSTEM&target=http://f.example/vs", "result=true, match[equivalence=wider, concept=http://f.example/foods|meat, source=http://a.example/cm/map]"),
        ("/ConceptMap/$translate?code=dog&SYSTEM&source=http://a.example/vs/none&target=http://f.example/vs", "result=false, message=no concept map that is known here has a translation of the code"),
        ("/ConceptMap/map/$translate?code=cat&SYSTEM", "result=false, message=the concept map says that there is no translation of the code, match[equivalence=unmatched, source=http://a.example/cm/map]"),
        ("/ConceptMap/map/$translate?code=mule&SYSTEM", "result=true, match[equivalence=relatedto, concept=http://f.example/foods|grass, source=http://a.example/cm/other]"),
        ("/ConceptMap/map/$translate?code=horse&SYSTEM", "result=false…"),
        ("/ConceptMap/map/$translate?code=meat&system=http://f.example/foods&reverse=true", "result=true, match[equivalence=narrower, concept=http://a.example/animals|dog, source=http://a.example/cm/map]"),
        ("/ConceptMap/map/$translate?code=dog&system=http://else.example", "result=false…"),
        ("/ConceptMap/$translate?url=http://a.example/cm/none&code=dog&SYSTEM", "404 the concept map http://a.example/cm/none is not known here"),
        ("/ConceptMap/$translate?code=dog&SYSTEM", "400 name a map by url, or where it leads by target or targetsystem"),
        ("/ConceptMap/map/$translate?code=dog", "400 system: it is missing"),
    ]).await?;
    let body = r#"{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"system":"http://a.example/animals","code":"horse"}},
        {"name":"dependency","part":[{"name":"element","valueUri":"http://e.example/season"},{"name":"concept","valueCodeableConcept":{"coding":[{"system":"http://s.example","code":"winter"}]}}]}]}"#;
    let answer = server.client.send("POST", "/ConceptMap/map/$translate", body).await?;
    expect(
        &answer,
        body,
        "result=true, match[equivalence=equivalent, concept=http://f.example/foods|hay, product[element=http://e.example/box, concept=|large], source=http://a.example/cm/map]",
    );
    Ok(())
}
