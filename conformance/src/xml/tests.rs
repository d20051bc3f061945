//! What XML means in JSON and back, and what is refused.

use canonical_model::Kind;
use canonical_model::json::{Layout, parse};
use canonical_model::limits::JSON_DEPTH_MAX;

use super::{read, root, write};
use crate::limits::{XHTML_DEPTH_MAX, XML_ATTRIBUTES_MAX};

const NS: &str = r#" xmlns="http://hl7.org/fhir""#;
const DIV: &str = r#"<div xmlns="http://www.w3.org/1999/xhtml">"#;

/// The text with `@` for the declaration of FHIR's namespace.
fn json(xml: &str) -> String {
    let xml = xml.replacen('@', NS, 1);
    read(xml.as_bytes()).unwrap_or_else(|error| panic!("{xml}: {error}")).to_text()
}

fn xml(json: &str, layout: Layout) -> String {
    let mut out = String::new();
    write(&parse(json.as_bytes()).expect(json), layout, &mut out).expect(json);
    out
}

fn refused(xml: &str) -> String {
    let xml = xml.replacen('@', NS, 1);
    let error = read(xml.as_bytes()).expect_err(&xml);
    assert_eq!(error.kind, Kind::Invalid, "{xml}");
    error.to_string().trim_start_matches("Invalid: ").to_owned()
}

/// Each in XML and in JSON, the same in both directions.
const ALIKE: [(&str, &str); 12] = [
    (r#"<Patient@/>"#, r#"{"resourceType":"Patient"}"#),
    (
        r#"<Patient@><id value="a"/><active value="true"/><birthDate value="1970-01"/></Patient>"#,
        r#"{"resourceType":"Patient","id":"a","active":true,"birthDate":"1970-01"}"#,
    ),
    (
        r#"<Patient@><name><given value="A"/><given id="g"/><given value="B"/></name></Patient>"#,
        r#"{"resourceType":"Patient","name":[{"given":["A",null,"B"],"_given":[null,{"id":"g"},null]}]}"#,
    ),
    (
        r#"<Patient@><name id="n"><family value="A"><extension url="urn:x"><valueDecimal value="1.50"/></extension></family></name></Patient>"#,
        r#"{"resourceType":"Patient","name":[{"id":"n","family":"A","_family":{"extension":[{"url":"urn:x","valueDecimal":1.50}]}}]}"#,
    ),
    (
        r#"<Patient@><gender><extension url="urn:x"><valueCode value="y"/></extension></gender></Patient>"#,
        r#"{"resourceType":"Patient","_gender":{"extension":[{"url":"urn:x","valueCode":"y"}]}}"#,
    ),
    (
        r#"<Observation@><contained><Patient><id value="p"/></Patient></contained><status value="final"/><code><text value="&lt;&amp;&quot;'&#9;&#10;&#13;é😀"/></code><subject><reference value="\#p"/></subject><valueInteger value="-7"/></Observation>"#,
        r#"{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"status":"final","code":{"text":"<&\"'\t\n\ré😀"},"subject":{"reference":"\\#p"},"valueInteger":-7}"#,
    ),
    (
        r#"<Bundle@><type value="batch"/><total value="0"/><entry><resource><Binary><contentType value="a/b"/><data value="QQ=="/></Binary></resource><request><method value="PUT"/><url value="Binary/1"/></request></entry></Bundle>"#,
        r#"{"resourceType":"Bundle","type":"batch","total":0,"entry":[{"resource":{"resourceType":"Binary","contentType":"a/b","data":"QQ=="},"request":{"method":"PUT","url":"Binary/1"}}]}"#,
    ),
    (
        r#"<Parameters@><parameter><name value="a"/><part><name value="b"/><resource><Basic/></resource></part></parameter></Parameters>"#,
        r#"{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Basic"}}]}]}"#,
    ),
    (
        r#"<Patient@><text><status value="empty"/><div xmlns="http://www.w3.org/1999/xhtml">a &lt; b &#160;<p class='x'>é<br/>c</p><!-- d --></div></text></Patient>"#,
        r#"{"resourceType":"Patient","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a &lt; b &#160;<p class='x'>é<br/>c</p><!-- d --></div>"}}"#,
    ),
    (
        r#"<Patient@><modifierExtension url="urn:x"><extension url="urn:y"><valueUri value="urn:z"/></extension></modifierExtension></Patient>"#,
        r#"{"resourceType":"Patient","modifierExtension":[{"url":"urn:x","extension":[{"url":"urn:y","valueUri":"urn:z"}]}]}"#,
    ),
    (
        r#"<Questionnaire@><status value="draft"/><item><linkId value="1"/><item><linkId value="1.1"/></item></item></Questionnaire>"#,
        r#"{"resourceType":"Questionnaire","status":"draft","item":[{"linkId":"1","item":[{"linkId":"1.1"}]}]}"#,
    ),
    (
        r#"<Observation@><status value="final"/><valueQuantity><value value="1e2"/></valueQuantity></Observation>"#,
        r#"{"resourceType":"Observation","status":"final","valueQuantity":{"value":1e2}}"#,
    ),
];

#[test]
fn both_ways() {
    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    for (text, value) in ALIKE {
        assert_eq!(json(text), value);
        assert_eq!(xml(value, Layout::Compact), format!("{HEAD}{}", text.replacen('@', NS, 1)));
        let pretty = xml(value, Layout::Pretty);
        roxmltree::Document::parse(&pretty).expect(&pretty);
        assert_eq!(json(&pretty), value, "{pretty}");
    }
}

#[test]
fn other_ways_to_say_the_same() {
    let patient = r#"{"resourceType":"Patient","id":"a","active":true}"#;
    for text in [
        "\u{feff}<?xml version='1.0'?>\n<!-- c --><Patient@><id value='a'/>\n<!-- d -->\t<active value = \"true\" ></active ></Patient>\n<!-- e -->\n",
        r#"<?xml version="1.0" encoding="utf-8" standalone="yes"?><Patient@><id value="&#97;"/><active value="&#x74;rue"/></Patient>"#,
        r#"<f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="a"/><f:active value="true"/></f:Patient>"#,
        r#"<Patient@ xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://hl7.org/fhir ../patient.xsd" xmlns:unused="urn:x"><id value="a"/><active value="true"/></Patient>"#,
        r#"<x:Patient xmlns:x="http://hl7.org/fhir"><id xmlns="http://hl7.org/fhir" value="a"/><x:active value="true"/></x:Patient>"#,
    ] {
        assert_eq!(json(text), patient, "{text}");
    }
    // FHIR's elements have an order, that of others is passed over.
    assert_eq!(
        json(
            "<Patient@><name><given value='a'/></name><id value='b'/><name><family value='c'/></name></Patient>"
        ),
        r#"{"resourceType":"Patient","id":"b","name":[{"given":["a"]},{"family":"c"}]}"#
    );
    // An attribute's white space is space, unless it is written as a reference.
    assert_eq!(
        json("<Basic@><code><text value=\"a\tb\r\nc&#10;d\"/></code></Basic>"),
        r#"{"resourceType":"Basic","code":{"text":"a b c\nd"}}"#
    );
    let narrative = |div: &str| {
        json(&format!(
            r#"<Patient@ xmlns:h="http://www.w3.org/1999/xhtml"><text>{div}</text></Patient>"#
        ))
    };
    let plain = |inside: &str| {
        format!(
            r#"{{"resourceType":"Patient","text":{{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">{inside}</div>"}}}}"#
        )
    };
    assert_eq!(
        narrative(r#"<h:div>a<h:b title='t'>b</h:b><h:br/></h:div>"#),
        plain(r#"a<b title='t'>b</b><br/>"#)
    );
    assert_eq!(narrative(&format!("{DIV}a\r\nb\rc</div>")), plain(r"a\nb\nc"));
    assert_eq!(narrative(&format!("{DIV}a&#13;b</div>")), plain(r"a\rb"));
}

#[test]
fn narratives_of_json_in_xml() {
    let written = |div: &str| {
        let mut out = String::new();
        super::narrative::write(div, &mut out);
        out
    };
    let whole = |inside: &str| format!("{DIV}{inside}</div>");
    for (div, inside) in [
        ("<div>a</div>", "a"),
        (
            "<div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;&copy;&amp;&#8364;</div>",
            "\u{a0}©&amp;&#8364;",
        ),
        ("<div>a\r\nb<p\r\nclass=\"x\">c</p></div>", "a&#13;\nb<p \nclass=\"x\">c</p>"),
        ("<div>\u{1}</div>", "\u{fffd}"),
        // What is none is shown as what it is.
        ("a < b", "a &lt; b"),
        ("<div>a</p></div>", "&lt;div&gt;a&lt;/p&gt;&lt;/div&gt;"),
        ("<div>a &bogus; b & c</div>", "a &amp;bogus; b &amp; c"),
        ("<div a='1' a='2'/>", "&lt;div a='1' a='2'/&gt;"),
        ("<div>a</div><div>b</div>", "&lt;div&gt;a&lt;/div&gt;&lt;div&gt;b&lt;/div&gt;"),
        ("<script>a</script>", "&lt;script&gt;a&lt;/script&gt;"),
    ] {
        assert_eq!(written(div), whole(inside), "{div}");
        roxmltree::Document::parse(&written(div)).expect(div);
    }
}

#[test]
fn refuses_what_is_not_fhir() {
    for (text, said) in [
        ("", "XML: expected an element, at line 1, column 1"),
        ("a", "text between elements"),
        ("<Patient/>", "an element outside of FHIR"),
        (r#"<Patient xmlns="urn:x"/>"#, "an element outside of FHIR"),
        ("<Pacient@/>", "no resource type"),
        ("<patient@/>", "no resource type"),
        ("<Element@/>", "no resource type"),
        (r#"<Patient@/><Patient xmlns="http://hl7.org/fhir"/>"#, "behind the end"),
        ("<Patient@>a</Patient>", "Patient: XML: text between elements"),
        ("<Patient@>&#32;</Patient>", "text between elements"),
        (
            "<Patient@\n><name><givn value='x'/></name></Patient>",
            "Patient.name[0].givn: XML: there is no such element here: remove it or correct its name, at line 2, column 8",
        ),
        (
            "<Patient@><name/><name><family/><family/></name></Patient>",
            "Patient.name[1].family: XML: this element occurs twice",
        ),
        (
            "<Patient@><gender value='male'/><name/><gender value='male'/></Patient>",
            "Patient.gender: XML: this element occurs twice",
        ),
        (
            "<Patient@><deceasedBoolean value='true'/><deceasedDateTime value='2000'/></Patient>",
            "Patient.deceased: XML: only one type",
        ),
        ("<Patient@ id='a'/>", "Patient: XML: FHIR defines no such attribute here"),
        ("<Patient@ value='a'/>", "no such attribute"),
        (
            "<Patient@><name value='a'/></Patient>",
            "Patient.name[0]: XML: FHIR defines no such attribute",
        ),
        ("<Patient@><name url='a'/></Patient>", "no such attribute"),
        ("<Patient@><name xml:id='a'/></Patient>", "no such attribute"),
        ("<Patient@ xmlns:o='urn:o'><name o:id='a'/></Patient>", "no such attribute"),
        ("<Patient@><name o:id='a'/></Patient>", "a prefix whose namespace is not declared"),
        (
            "<Patient@ xmlns:o='urn:o'><o:name/></Patient>",
            "Patient.name: XML: an element outside of FHIR",
        ),
        (
            "<Patient@><name><id value='a'/></name></Patient>",
            "Patient.name[0].id: XML: this is an attribute",
        ),
        ("<Patient@><active value='yes'/></Patient>", "Patient.active: XML: no boolean"),
        ("<Patient@><active value='1'/></Patient>", "no boolean"),
        ("<Bundle@><total value='1.'/></Bundle>", "Bundle.total: XML: no number"),
        ("<Bundle@><total value=''/></Bundle>", "no number"),
        ("<Bundle@><total value='1e999'/></Bundle>", "no number"),
        ("<Patient@><contained/></Patient>", "Patient.contained[0]: XML: expected one resource"),
        ("<Patient@><contained><Basic/><Basic/></contained></Patient>", "expected one resource"),
        ("<Patient@><contained id='a'><Basic/></contained></Patient>", "no such attribute"),
        ("<Patient@><contained><name/></contained></Patient>", "no resource type"),
        (
            "<Patient@><text><div>a</div></text></Patient>",
            "Patient.text.div: XML: a narrative outside of XHTML",
        ),
        (
            "<Patient@><text><div xmlns='urn:x'>a</div></text></Patient>",
            "a narrative outside of XHTML",
        ),
    ] {
        let text = refused(text);
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn refuses_what_is_not_plain_xml() {
    let narrative = |inside: &str| format!("<Patient@><text>{DIV}{inside}</div></text></Patient>");
    for (text, said) in [
        ("<!DOCTYPE Patient><Patient@/>".to_owned(), "DOCTYPE"),
        ("<!DOCTYPE p [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><Patient@/>".to_owned(), "DOCTYPE"),
        ("<?xml-stylesheet href='x'?><Patient@/>".to_owned(), "instructions"),
        ("<?xml version='1.1'?><Patient@/>".to_owned(), "XML 1.0"),
        ("<?xml version='1.0' encoding='latin1'?><Patient@/>".to_owned(), "UTF-8"),
        ("<?xml version='1.0'".to_owned(), "does not end"),
        (" <?xml version='1.0'?><Patient@/>".to_owned(), "instructions"),
        ("<Patient@><![CDATA[x]]></Patient>".to_owned(), "CDATA"),
        (
            "<Patient@><name><family value='&x;'/></name></Patient>".to_owned(),
            "an entity other than",
        ),
        (
            "<Patient@><name><family value='&nbsp;'/></name></Patient>".to_owned(),
            "an entity other than",
        ),
        (
            "<Patient@><name><family value='a & b'/></name></Patient>".to_owned(),
            "begins no reference",
        ),
        (
            "<Patient@><name><family value='&#0;'/></name></Patient>".to_owned(),
            "a reference to a character",
        ),
        (
            "<Patient@><name><family value='&#xD800;'/></name></Patient>".to_owned(),
            "a reference to a character",
        ),
        (
            "<Patient@><name><family value='&#99999999999;'/></name></Patient>".to_owned(),
            "a reference to a character",
        ),
        ("<Patient@><name><family value='a<b'/></name></Patient>".to_owned(), "write &lt;"),
        (
            "<Patient@><name><family value='\u{1}'/></name></Patient>".to_owned(),
            "a character that XML does not have",
        ),
        (
            "<Patient@><name><family value='\u{ffff}'/></name></Patient>".to_owned(),
            "a character that XML",
        ),
        ("<Patient@><name id='a' id='b'/></Patient>".to_owned(), "occurs twice"),
        ("<Patient@><name id='a'id2='b'/></Patient>".to_owned(), "white space and an attribute"),
        ("<Patient@><name id=a/></Patient>".to_owned(), "in quotes"),
        ("<Patient@><name id/></Patient>".to_owned(), "expected ="),
        ("<Patient@><name id='a".to_owned(), "does not end"),
        ("<Patient@><name>".to_owned(), "ends in the middle"),
        ("<Patient@></Person>".to_owned(), "the end of another element"),
        ("</Patient>".to_owned(), "the end of another element"),
        ("<Patient@><!-- a -- b --></Patient>".to_owned(), "a comment with --"),
        ("<Patient@><!-- a".to_owned(), "a comment does not end"),
        ("<Patient@>< name/></Patient>".to_owned(), "expected the name"),
        ("<a:b:Patient xmlns:a='http://hl7.org/fhir'/>".to_owned(), "one prefix"),
        ("<Patient@ xmlns:xml='urn:x'/>".to_owned(), "does not allow"),
        ("<Patient@ xmlns:p=''/>".to_owned(), "does not allow"),
        (narrative("&nbsp;"), "Patient.text.div: XML: an entity other than"),
        (narrative("a & b"), "begins no reference"),
        (narrative("a ]]> b"), "write ]]&gt;"),
        (narrative("<p>"), "the end of another element"),
        (narrative("<x:p/>"), "a prefix whose namespace"),
        (narrative("<p xmlns='urn:x'/>"), "an element outside of XHTML"),
        (narrative("<![CDATA[x]]>"), "CDATA"),
        (narrative("<!DOCTYPE x>"), "DOCTYPE"),
        (narrative("<?php x?>"), "instructions"),
        (narrative(&"<b>".repeat(XHTML_DEPTH_MAX + 1)), "nested too deeply"),
    ] {
        let refusal = refused(&text);
        assert!(refusal.contains(said), "{text}: {refusal}");
    }
    let latin1 = read(b"<Patient xmlns='http://hl7.org/fhir'><id value='\xe9'/></Patient>");
    assert!(latin1.expect_err("no UTF-8").to_string().contains("not UTF-8"));
}

#[test]
fn says_nothing_of_what_was_sent() {
    for text in [
        "<Patient@><Zweig value='Zweig'/></Patient>",
        "<Patient@><name Zweig='Zweig'/></Patient>",
        "<Patient@>Zweig</Patient>",
        "<Patient@><birthDate value='Zweig&Zweig;'/></Patient>",
        "<Patient@><active value='Zweig'/></Patient>",
        "<Zweig@/>",
    ] {
        let said = refused(text);
        // An element's name is shown as the path's last step, as the reader of JSON does.
        assert!(!said.replace("Patient.Zweig:", "").contains("Zweig"), "{said}");
    }
    let long = format!("<Patient@><{}/></Patient>", "x".repeat(65));
    assert!(refused(&long).starts_with("Patient.?:"));
}

#[test]
fn what_is_read_is_bounded() {
    let deep = |levels: usize| {
        let (open, close) =
            ("<extension url='urn:x'>".repeat(levels), "</extension>".repeat(levels));
        format!("<Patient@>{open}{close}</Patient>").replacen('@', NS, 1)
    };
    // Each is a list and an object; the Patient is one object.
    let fits = (JSON_DEPTH_MAX - 1) / 2;
    let value = read(deep(fits).as_bytes()).expect("just so deep");
    parse(value.to_text().as_bytes()).expect("the reader of JSON takes it too");
    assert!(refused(&deep(fits + 1)).contains("nested deeper than 64 levels"));
    assert!(refused(&deep(100_000)).contains("nested deeper"));
    let many =
        |count: usize| (0..count).map(|n| format!(" xmlns:p{n}='urn:x'")).collect::<String>();
    assert!(
        refused(&format!("<Patient{}/>", many(XML_ATTRIBUTES_MAX + 1))).contains("32 attributes")
    );
    let wide = format!("<Patient@>{}</Patient>", "<name/>".repeat(1_000_001));
    assert!(refused(&wide).contains("1000000"));
}

/// Texts with a few bytes changed at random: what is read is XML to another reader too, and can be written.
#[test]
fn what_passes_is_sound() {
    const BYTES: &[u8] = b"<>&;'\"=/!?-:[] \nax#0&<\xc3";
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut dice = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let mut passed = 0;
    for round in 0..20_000 {
        let (text, _) = ALIKE[round % ALIKE.len()];
        let mut bytes = text.replacen('@', NS, 1).into_bytes();
        for _ in 0..=dice(2) {
            let at = dice(bytes.len());
            match dice(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes[at] = BYTES[dice(BYTES.len())],
                _ => bytes.insert(at, BYTES[dice(BYTES.len())]),
            }
        }
        let Ok(resource) = read(&bytes) else { continue };
        passed += 1;
        let text = std::str::from_utf8(&bytes).unwrap();
        roxmltree::Document::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let value = resource.to_text();
        assert_eq!(parse(value.as_bytes()).unwrap(), *resource.body());
        if crate::validate(&resource).is_ok() {
            assert_eq!(json(&xml(&value, Layout::Compact)), value, "{text}");
        }
    }
    assert!(passed > 500, "{passed}");
}

#[test]
fn tells_what_a_text_is() {
    for (text, name) in [
        ("<Binary/>", Some("Binary")),
        ("<?xml version='1.0'?>\n<!-- c -->\n<f:Binary xmlns:f='x'>", Some("Binary")),
        ("<ClinicalDocument xmlns='urn:hl7-org:v3'>", Some("ClinicalDocument")),
        ("{}", None),
        ("", None),
        ("<", None),
    ] {
        assert_eq!(root(text.as_bytes()), name, "{text}");
    }
}

#[test]
fn writes_no_more_than_fhir_has() {
    for value in [
        r#"{"resourceType":"Patient","colour":"red"}"#,
        r#"{"resourceType":"Patient","name":[{"family":{"x":1}}]}"#,
        r#"{"resourceType":"Pacient"}"#,
        r#"{"name":[]}"#,
        r#"[]"#,
    ] {
        let value = parse(value.as_bytes()).unwrap();
        let error = write(&value, Layout::Compact, &mut String::new()).expect_err("no FHIR");
        assert_eq!(error.kind, Kind::Internal);
    }
    let text = xml(r#"{"resourceType":"Basic","code":{"text":"a\u0001\uffffb"}}"#, Layout::Compact);
    assert!(text.contains("value=\"a\u{fffd}\u{fffd}b\""), "{text}");
}
