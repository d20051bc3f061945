//! What a code system keeps, over its compact form too.

use canonical_model::json;

use super::{Builder, CodeSystem, Content, Head, Subsumption};

fn system() -> CodeSystem {
    let text = r#"{"url":"http://a","content":"complete","property":[{"code":"kind","type":"code"}],"concept":[
        {"code":"a","display":"A","definition":"The first.","concept":[{"code":"b","concept":[{"code":"c"}]},{"code":"d","property":[{"code":"kind","valueCode":"x"}]}]},
        {"code":"e","property":[{"code":"child","valueCode":"c"}]},
        {"code":"f","property":[{"code":"parent","valueCode":"d"},{"code":"status","valueCode":"retired"}]}]}"#;
    CodeSystem::read(&json::parse(text.as_bytes()).expect("json")).expect("a code system")
}

fn sorted(system: &CodeSystem, places: Vec<super::Place>) -> String {
    let mut codes: Vec<&str> = places.into_iter().map(|place| system.code(place)).collect();
    codes.sort_unstable();
    codes.join(",")
}

#[test]
fn the_hierarchy_is_nested_and_told_by_properties() {
    let system = system();
    let place = |code: &str| system.find(code).expect("a code");
    for (code, below, above) in [
        ("a", "a,b,c,d,f", "a"),
        ("b", "b,c", "a,b"),
        ("c", "c", "a,b,c,e"),
        ("e", "c,e", "e"),
        ("f", "f", "a,d,f"),
    ] {
        let most = usize::MAX;
        assert_eq!(sorted(&system, system.below(place(code), most)), below, "below {code}");
        assert_eq!(sorted(&system, system.above(place(code), most)), above, "above {code}");
    }
    assert_eq!(system.below(place("a"), 2).len(), 2, "up to so many");
    for (a, b, expected) in [
        ("a", "a", Subsumption::Equivalent),
        ("a", "f", Subsumption::Subsumes),
        ("f", "a", Subsumption::SubsumedBy),
        ("b", "d", Subsumption::NotSubsumed),
    ] {
        assert_eq!(system.subsumption(place(a), place(b)), expected, "{a} {b}");
    }
    assert!(system.is_inactive(place("f")) && !system.is_inactive(place("a")));
    assert_eq!(system.definition(place("a")), Some("The first."));
}

#[test]
fn a_circle_ends() {
    let circle = r#"{"content":"complete","concept":[
        {"code":"a","property":[{"code":"parent","valueCode":"b"}]},
        {"code":"b","property":[{"code":"parent","valueCode":"a"}]}]}"#;
    let circle = json::parse(circle.as_bytes()).expect("json");
    let system = CodeSystem::read(&circle).expect("a code system");
    assert_eq!(sorted(&system, system.below(0, usize::MAX)), "a,b");
    assert_eq!(sorted(&system, system.above(0, usize::MAX)), "a,b");
    assert_eq!(system.subsumption(0, 1), Subsumption::Equivalent);
}

#[test]
fn the_compact_form_is_read_as_it_was_written() {
    let head = Head {
        url: "http://big".to_owned(),
        content: Content::Complete,
        case_sensitive: true,
        ..Head::default()
    };
    let mut builder = Builder::new(head);
    let top = builder.concept("0").expect("room");
    for number in 1..5_000 {
        let place = builder.concept(&number.to_string()).expect("room");
        builder.display(place, &format!("Number {number}")).expect("room");
        builder.below(place, top);
        builder.below(place, top);
    }
    let bytes = builder.encode().expect("bytes");
    let (read, made) = (CodeSystem::decode(&bytes).expect("read"), builder.finish());
    assert_eq!((read.len(), read.head()), (5_000, made.head()));
    for code in ["0", "17", "4999"] {
        let place = read.find(code).expect("a code");
        assert_eq!((made.find(code), read.display(place)), (Some(place), made.display(place)));
    }
    assert_eq!(read.children(top).len(), 4_999);
    for damaged in [&[][..], &[9, 9], bytes.get(..40).expect("bytes")] {
        assert!(CodeSystem::decode(damaged).is_err());
    }
}
