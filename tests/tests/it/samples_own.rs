//! The corners of JSON in FHIR, in fixtures of our own: what published examples rarely hold.

use anyhow::{Context, Result};
use it::Fixture;

use crate::samples::round_trip;

const PRIMITIVE_EXTENSIONS: &str = r#"{"resourceType":"Patient","id":"p","meta":{"tag":[
  {"system":"http://example.org/tags","code":"a"}]},"birthDate":"1970-03",
  "_birthDate":{"id":"b","extension":[{"url":"http://example.org/time","valueDateTime":"1970-03-30T10:00:00.000+01:00"}]},
  "name":[{"given":["Anna",null,"Maria"],"_given":[null,{"extension":[
  {"url":"http://example.org/initial","valueBoolean":true}]},null],"family":"M"},
  {"_family":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}}],
  "_gender":{"extension":[{"url":"http://example.org/g","valueDecimal":1.0}]}}"#;

const DECIMALS: &str = r#"{"resourceType":"Observation","id":"d","status":"final","code":{"text":"x"},
  "valueQuantity":{"value":1.50},"component":[
  {"code":{"text":"1"},"valueQuantity":{"value":1e2}},
  {"code":{"text":"2"},"valueQuantity":{"value":1E+2}},
  {"code":{"text":"3"},"valueQuantity":{"value":-0.0}},
  {"code":{"text":"4"},"valueQuantity":{"value":0.000000000000000001}},
  {"code":{"text":"5"},"valueQuantity":{"value":123456789012345678.901234567890}},
  {"code":{"text":"6"},"valueQuantity":{"value":1.20e-3}},
  {"code":{"text":"7"},"valueInteger":2147483647},
  {"code":{"text":"8"},"valueQuantity":{"value":100}},
  {"code":{"text":"9"},"valueQuantity":{"value":100.00}}]}"#;

const CONTAINED: &str = r##"{"resourceType":"MedicationRequest","id":"c","contained":[
  {"resourceType":"Medication","id":"m","code":{"text":"A"},"ingredient":[
    {"itemReference":{"reference":"#s"},"strength":{"numerator":{"value":0.10,"unit":"g"},"denominator":{"value":1.0}}}]},
  {"resourceType":"Substance","id":"s","code":{"text":"B"},"ingredient":[{"substanceReference":{"reference":"#s2"}}]},
  {"resourceType":"Substance","id":"s2","code":{"text":"C"}},
  {"resourceType":"Patient","id":"pat","_birthDate":{"extension":[{"url":"http://example.org/u","valueCode":"unknown"}]}}],
  "status":"active","intent":"order","medicationReference":{"reference":"#m"},"subject":{"reference":"#pat"}}"##;

const UNICODE: &str = "{\"resourceType\":\"Patient\",\"id\":\"u\",\"name\":[{\"text\":\
  \"\\u00e9 é e\u{301} \\ud83d\\ude00 😀 مرحبا 山田 太郎 \u{2028}\u{200d}\u{feff} \\\" \\\\ \\/ \\t \u{10ffff}\",\
  \"family\":\"𝔐üller\",\"given\":[\"A\\nB\"]}],\
  \"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">ü &amp; &#233; <b>😀</b></div>\"}}";

#[tokio::test]
async fn corners_come_back_as_they_were() -> Result<()> {
    let server = Fixture::start().await?;
    let mut database = server.database.connect().await?;
    let big = questionnaire();
    for (name, text, rewritten) in [
        ("primitive extensions", PRIMITIVE_EXTENSIONS, &[] as &[&str]),
        ("decimals", DECIMALS, &["1e2 → 100", "1E+2 → 100", "-0.0 → 0.0", "1.20e-3 → 0.00120"]),
        ("contained", CONTAINED, &[]),
        ("unicode", UNICODE, &[]),
        ("a big Questionnaire", &big, &[]),
    ] {
        let numbers = round_trip(&server, &mut database, text).await.context(name)?;
        assert_eq!(numbers, rewritten, "{name}");
    }
    Ok(())
}

/// A thousand items, in groups eight deep.
fn questionnaire() -> String {
    fn group(depth: usize, name: &str, out: &mut String) {
        let kind = if depth == 0 { "decimal" } else { "group" };
        out.push_str(&format!(
            r#"{{"linkId":"{name}","text":"Überschrift {name}","type":"{kind}""#
        ));
        if depth == 0 {
            out.push_str(r#","initial":[{"valueDecimal":0.10}]}"#);
            return;
        }
        out.push_str(r#","item":["#);
        for n in 0..2 {
            out.push_str(if n > 0 { "," } else { "" });
            group(depth - 1, &format!("{name}.{n}"), out);
        }
        out.push_str("]}");
    }
    let mut items = String::new();
    for n in 0..2 {
        items.push_str(if n > 0 { "," } else { "" });
        group(8, &n.to_string(), &mut items);
    }
    format!(r#"{{"resourceType":"Questionnaire","id":"q","status":"draft","item":[{items}]}}"#)
}

#[tokio::test]
async fn a_change_in_precision_alone_is_a_new_version() -> Result<()> {
    let server = Fixture::start().await?;
    let body = |value: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"o","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{value}}}}}"#
        )
    };
    for (value, version) in [("1.5", 1), ("1.50", 2), ("1.50", 2), ("1.5", 3), ("15e-1", 4)] {
        let answer = server.client.send("PUT", "/Observation/o", &body(value)).await?;
        assert_eq!(answer.version(), version, "{value}: {}", answer.text);
        assert!(answer.text.contains(&format!(r#""value":{value}}}"#)), "{}", answer.text);
    }
    Ok(())
}
