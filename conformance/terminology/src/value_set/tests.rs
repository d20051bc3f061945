//! Tables of value sets: what each means when it is composed, and that each code of it, and no other, is in it.

use std::sync::Arc;

use canonical_model::json;

use super::{ValueSet, members};
use crate::code_system::{CodeSystem, Wanted};
use crate::library::{Library, Loaded, Refusal};
use crate::{Membership, View, check, expand};

/// A hierarchy: animal over dog (over pug and poodle), cat, horse and donkey; `mule` has two parents.
const ANIMALS: &str = r#"{"url":"http://a","version":"2","content":"complete",
    "property":[{"code":"legs","type":"integer"},{"code":"eats","type":"Coding"}],
    "concept":[{"code":"animal","display":"Animal","property":[{"code":"notSelectable","valueBoolean":true}],"concept":[
        {"code":"dog","display":"Domestic dog","property":[{"code":"legs","valueInteger":4},{"code":"eats","valueCoding":{"system":"http://f","code":"meat"}}],
         "designation":[{"language":"de","value":"Haushund"},{"language":"fr-CA","use":{"system":"http://u","code":"long"},"value":"Chien domestique"}],
         "concept":[{"code":"pug","display":"Pug (small dog)"},{"code":"poodle","property":[{"code":"inactive","valueBoolean":true}]}]},
        {"code":"cat","display":"Cat"},{"code":"horse"},{"code":"donkey"}]},
        {"code":"mule","property":[{"code":"parent","valueCode":"horse"},{"code":"parent","valueCode":"donkey"}]}]}"#;

const ALL: [&str; 8] = ["animal", "dog", "pug", "poodle", "cat", "horse", "donkey", "mule"];

fn filter(property: &str, op: &str, value: &str) -> String {
    format!(
        r#""include":[{{"system":"http://a","filter":[{{"property":"{property}","op":"{op}","value":"{value}"}}]}}]"#
    )
}

/// The library: the systems, and value sets by the names of the cases.
fn library(sets: &[(&str, String)]) -> Loaded {
    let mut loaded = Loaded::default();
    let system = |text: &str| {
        let value = json::parse(text.as_bytes()).expect("json");
        Ok(Arc::new(CodeSystem::read(&value).expect("a code system")))
    };
    loaded.put_code_system("http://a", None, system(ANIMALS));
    let part = r#"{"url":"http://part","content":"fragment","concept":[{"code":"x"}]}"#;
    loaded.put_code_system("http://part", None, system(part));
    let body = r#"{"url":"http://body","content":"complete","hierarchyMeaning":"part-of","concept":[{"code":"arm","concept":[{"code":"hand"}]}]}"#;
    loaded.put_code_system("http://body", None, system(body));
    let loose = r#"{"url":"http://loose","content":"complete","caseSensitive":false,"concept":[{"code":"aB"},{"code":"AB"}]}"#;
    loaded.put_code_system("http://loose", None, system(loose));
    for (name, rest) in sets {
        loaded.put_value_set(name, read(name, rest).map(Arc::new));
    }
    loaded
}

fn read(name: &str, rest: &str) -> Result<ValueSet, Refusal> {
    let text = format!(r#"{{"resourceType":"ValueSet","url":"{name}",{rest}}}"#);
    let value = json::parse(text.as_bytes()).expect("json");
    ValueSet::read(value).map_err(|error| Refusal::from(&error))
}

fn composed(compose: &str) -> String {
    format!(r#""compose":{{{compose}}}"#)
}

fn cases() -> Vec<(&'static str, String, &'static str)> {
    let listed = r#""include":[{"system":"http://a","concept":[{"code":"cat"},{"code":"dog"},{"code":"cow"}]}]"#;
    let whole = r#""include":[{"system":"http://a"}]"#;
    vec![
        ("listed", composed(listed), "cat dog cow"),
        ("whole", composed(whole), "animal dog pug poodle cat horse donkey mule"),
        ("active", composed(&format!(r#""inactive":false,{whole}"#)), "animal dog pug cat horse donkey mule"),
        ("is-a", composed(&filter("concept", "is-a", "dog")), "dog pug poodle"),
        ("descendent-of", composed(&filter("concept", "descendent-of", "dog")), "pug poodle"),
        ("is-not-a", composed(&filter("code", "is-not-a", "dog")), "animal cat horse donkey mule"),
        ("generalizes", composed(&filter("concept", "generalizes", "mule")), "animal horse donkey mule"),
        ("equals", composed(&filter("legs", "=", "4")), "dog"),
        ("coding", composed(&filter("eats", "=", "meat")), "dog"),
        ("exists", composed(&filter("legs", "exists", "true")), "dog"),
        ("lacks", composed(&filter("legs", "exists", "false")), "animal pug poodle cat horse donkey mule"),
        ("in", composed(&filter("code", "in", "cat, pug")), "pug cat"),
        ("not-in", composed(&filter("code", "not-in", "animal,dog,mule,horse")), "pug poodle cat donkey"),
        ("regex", composed(&filter("code", "regex", "d.*|c")), "dog donkey"),
        ("display", composed(&filter("display", "regex", ".*dog.*")), "dog pug"),
        ("parent", composed(&filter("parent", "=", "donkey")), "mule"),
        ("child", composed(&filter("child", "=", "mule")), "horse donkey"),
        ("inactive", composed(&filter("inactive", "=", "true")), "poodle"),
        ("excluding", composed(&format!(r#"{whole},"exclude":[{{"valueSet":["is-a"]}},{{"system":"http://a","concept":[{{"code":"cat"}}]}}]"#)), "animal horse donkey mule"),
        ("both", composed(r#""include":[{"valueSet":["is-a","listed"]}]"#), "dog"),
        ("narrowed", composed(r#""include":[{"system":"http://a","valueSet":["listed"]}]"#), "dog cat"),
        ("joined", composed(r#""include":[{"valueSet":["descendent-of"]},{"system":"http://b","concept":[{"code":"z"}]},{"valueSet":["is-a"]}]"#), "pug poodle z dog"),
        ("expanded", r#""expansion":{"total":2,"contains":[{"system":"http://a","code":"dog","contains":[{"system":"http://a","code":"pug"}]}]}"#.to_owned(), "dog pug"),
        ("fallback", r#""compose":{"include":[{"system":"http://nowhere"}]},"expansion":{"contains":[{"system":"http://nowhere","code":"q"}]}"#.to_owned(), "q"),
    ]
}

fn codes(library: &Loaded, name: &str) -> canonical_model::Result<String> {
    let set = library.value_set(name)?;
    let members = members(library, &set)?;
    let codes: Vec<&str> = members.order.iter().map(|member| members.code(*member)).collect();
    Ok(codes.join(" "))
}

#[test]
fn value_sets_mean_what_they_compose() {
    let cases = cases();
    let sets: Vec<(&str, String)> =
        cases.iter().map(|(name, set, _)| (*name, set.clone())).collect();
    let library = library(&sets);
    for (name, _, expected) in &cases {
        let found = codes(&library, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(&found, expected, "{name}");
        // Each code for itself says the same.
        let all: Vec<&str> = expected.split(' ').collect();
        for code in ALL.iter().chain(&["cow", "z", "q", "nothing"]) {
            for system in ["http://a", "http://b", "http://nowhere"] {
                let told = check(&library, name, Some(system), code);
                let of = match *code {
                    "z" => "http://b",
                    "q" => "http://nowhere",
                    _ => "http://a",
                };
                let is_in = all.contains(code) && system == of;
                match told {
                    Membership::In => assert!(is_in, "{name} {system} {code}"),
                    Membership::Out => assert!(!is_in, "{name} {system} {code}"),
                    Membership::Unknown(why) => panic!("{name} {system} {code}: {why}"),
                }
            }
            let anywhere = check(&library, name, None, code);
            assert_eq!(anywhere == Membership::In, all.contains(code), "{name} {code}");
        }
    }
}

#[test]
fn what_cannot_be_told_is_refused_with_a_reason() {
    let filtered = |property, op, value| composed(&filter(property, op, value));
    let cases = [
        ("cyclic", composed(r#""include":[{"valueSet":["cyclic"]}]"#), "cyclic includes itself"),
        ("ring-a", composed(r#""include":[{"valueSet":["ring-b|1"]}]"#), "ring-a includes itself"),
        ("ring-b|1", composed(r#""include":[{"valueSet":["ring-a"]}]"#), "includes itself"),
        ("not-there", composed(r#""include":[{"system":"http://nowhere"}]"#), "http://nowhere is not known"),
        ("no-set", composed(r#""include":[{"valueSet":["http://vs/none"]}]"#), "http://vs/none is not known"),
        ("part", composed(r#""include":[{"system":"http://part"}]"#), "not with all its concepts"),
        ("part-of", composed(r#""include":[{"system":"http://body","filter":[{"property":"concept","op":"is-a","value":"arm"}]}]"#), "means part-of"),
        ("undeclared", filtered("color", "=", "red"), "no property color"),
        ("no-op", filtered("code", "sounds-like", "dog"), "filter code sounds-like"),
        ("no-root", filtered("concept", "is-a", "cow"), "does not have the code"),
        ("bad-regex", filtered("code", "regex", "(a"), "filter code regex"),
        ("big-regex", filtered("code", "regex", "((((a{99}){99}){99}){99})"), "filter code regex"),
        ("contained", composed(r##""include":[{"valueSet":["#x"]}]"##), "contained"),
        ("locked", composed(r#""lockedDate":"2020-01-01","include":[{"system":"http://a"}]"#), "on a date"),
        ("empty", r#""status":"active""#.to_owned(), "without codes"),
        ("page", r#""expansion":{"total":9,"contains":[{"system":"http://a","code":"dog"}]}"#.to_owned(), "a part of an expansion"),
        ("narrowed", r#""expansion":{"parameter":[{"name":"filter","valueString":"d"}],"contains":[{"system":"http://a","code":"dog"}]}"#.to_owned(), "a part of an expansion"),
    ];
    let sets: Vec<(&str, String)> =
        cases.iter().map(|(name, set, _)| (*name, set.clone())).collect();
    let library = library(&sets);
    for (name, _, expected) in &cases {
        let refused = codes(&library, name).expect_err(name).to_string();
        assert!(refused.contains(expected), "{name}: {refused}");
        match check(&library, name, Some("http://a"), "mule") {
            Membership::Unknown(why) => assert!(why.contains(expected), "{name}: {why}"),
            told => {
                // A code of another system is out, whatever cannot be told of that one.
                let elsewhere = ["not-there", "part", "part-of"].contains(name);
                assert!(elsewhere && told == Membership::Out, "{name}: {told:?}");
            }
        }
    }
    // What is in one part is in, and what is out of all is not told while one cannot be.
    let half = [(
        "half",
        composed(
            r#""include":[{"system":"http://nowhere"},{"system":"http://nowhere","concept":[{"code":"x"}]}]"#,
        ),
    )];
    let library = self::library(&half);
    assert_eq!(check(&library, "half", Some("http://nowhere"), "x"), Membership::In);
    assert!(matches!(check(&library, "half", Some("http://nowhere"), "y"), Membership::Unknown(_)));
    // What a fragment has is in; of what it has not nothing is known.
    let part = [("part", composed(r#""include":[{"system":"http://part"}]"#))];
    let library = self::library(&part);
    assert_eq!(check(&library, "part", Some("http://part"), "x"), Membership::In);
    assert!(matches!(check(&library, "part", Some("http://part"), "y"), Membership::Unknown(_)));
}

/// Each level names the one below it eight times: 8⁸ paths.
#[test]
fn sets_made_of_each_other_many_times_over_end_soon() {
    let names: Vec<String> = (0..9).map(|level| format!("level-{level}")).collect();
    let mut sets = vec![("level-0", composed(r#""include":[{"system":"http://a"}]"#))];
    for (above, below) in names.iter().skip(1).zip(&names) {
        let one = format!(r#"{{"valueSet":["{below}"]}}"#);
        sets.push((above, composed(&format!(r#""include":[{}]"#, vec![one; 8].join(",")))));
    }
    let library = library(&sets);
    let begun = std::time::Instant::now();
    assert_eq!(codes(&library, "level-8").expect("composed"), ALL.join(" "));
    assert!(matches!(check(&library, "level-8", Some("http://a"), "none"), Membership::Unknown(_)));
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    let deep: Vec<String> = (0..20).map(|level| format!("deep-{level}")).collect();
    let mut sets = vec![("deep-0", composed(r#""include":[{"system":"http://a"}]"#))];
    for (above, below) in deep.iter().skip(1).zip(&deep) {
        sets.push((above, composed(&format!(r#""include":[{{"valueSet":["{below}"]}}]"#))));
    }
    let library = self::library(&sets);
    let refused = codes(&library, "deep-19").expect_err("too deep");
    assert_eq!(refused.kind, canonical_model::Kind::TooLarge);
}

fn view(filter: Option<&str>) -> View {
    View { filter: filter.map(|it| Wanted::read(it).expect("words")), ..View::default() }
}

fn shown(library: &Loaded, name: &str, view: &View) -> (usize, Vec<String>) {
    let members = members(library, &library.value_set(name).expect("known")).expect("composed");
    let page = expand(&members, view).expect("expanded");
    let text = |it: &crate::Contains| it.to_value(&members, view).to_text();
    (page.total, page.contains.iter().map(text).collect())
}

#[test]
fn expansions_are_narrowed_paged_and_named_in_a_language() {
    let listed = r#""include":[{"system":"http://a","concept":[{"code":"dog","display":"Hound","designation":[{"language":"de","value":"Jagdhund"}]},{"code":"cat"},{"code":"cow","display":"Cow"}]}]"#;
    let library = library(&[
        ("whole", composed(r#""include":[{"system":"http://a"}]"#)),
        ("own", composed(listed)),
    ]);
    let codes = |name: &str, view: &View| {
        let (total, all) = shown(&library, name, view);
        let code = |text: &String| {
            let value = json::parse(text.as_bytes()).expect("json");
            value.get("code").and_then(|it| it.as_str()).unwrap_or_default().to_owned()
        };
        format!("{total}: {}", all.iter().map(code).collect::<Vec<_>>().join(" "))
    };
    for (name, filter, expected) in [
        ("whole", "dog", "2: dog pug"),
        ("whole", "DOM do", "1: dog"),
        ("whole", "small-dog", "1: pug"),
        ("whole", "haus", "1: dog"),
        ("whole", "og", "0: "),
        ("whole", "poo", "1: poodle"),
        ("own", "hound", "1: dog"),
        ("own", "cow", "1: cow"),
        ("own", "jagd", "1: dog"),
        ("own", "domestic", "1: dog"),
    ] {
        assert_eq!(codes(name, &view(Some(filter))), expected, "{name} {filter}");
    }
    let all = view(None);
    for (view, expected) in [
        (View { offset: 2, count: Some(3), ..all.clone() }, "8: pug poodle cat"),
        (View { offset: 7, count: Some(3), ..all.clone() }, "8: mule"),
        (View { offset: 9, count: Some(3), ..all.clone() }, "8: "),
        (View { count: Some(0), ..all.clone() }, "8: "),
        (View { active_only: true, ..all.clone() }, "7: animal dog pug cat horse donkey mule"),
        (View { selectable_only: true, ..all.clone() }, "7: dog pug poodle cat horse donkey mule"),
        (View { without: vec!["http://a".to_owned()], ..all.clone() }, "0: "),
        (
            View { without: vec!["http://a|1".to_owned()], count: Some(1), ..all.clone() },
            "8: animal",
        ),
        (View { nested: true, ..all.clone() }, "8: animal"),
    ] {
        assert_eq!(codes("whole", &view), expected);
    }
    let german = View { language: Some("de-AT".to_owned()), ..all.clone() };
    let (_, own) = shown(&library, "own", &View { language: Some("de".to_owned()), ..all.clone() });
    assert_eq!(own[0], r#"{"system":"http://a","version":"2","code":"dog","display":"Jagdhund"}"#);
    assert_eq!(own[2], r#"{"system":"http://a","version":"2","code":"cow","display":"Cow"}"#);
    let (_, whole) = shown(&library, "whole", &german);
    assert_eq!(
        whole[0],
        r#"{"system":"http://a","version":"2","abstract":true,"code":"animal","display":"Animal"}"#
    );
    assert!(whole[1].contains("Haushund") && whole[3].contains(r#""inactive":true"#));
    let wanted = View {
        designations: true,
        wanted: vec!["http://u|long".to_owned()],
        filter: Some(Wanted::read("domestic").expect("words")),
        ..all.clone()
    };
    let (_, found) = shown(&library, "whole", &wanted);
    assert_eq!(
        found,
        [
            r#"{"system":"http://a","version":"2","code":"dog","display":"Domestic dog","designation":[{"language":"fr-CA","use":{"system":"http://u","code":"long"},"value":"Chien domestique"}]}"#
        ]
    );
    let (_, nested) = shown(&library, "whole", &View { nested: true, ..all });
    assert!(
        nested[0].contains(
            r#""code":"horse","contains":[{"system":"http://a","version":"2","code":"mule"}]"#
        ),
        "{nested:?}"
    );
}

#[test]
fn codes_that_differ_in_case_are_one_where_the_system_says_so() {
    let library = library(&[]);
    let loose = library.code_system("http://loose", None).expect("known");
    let code = |text: &str| loose.find(text).map(|place| loose.code(place));
    assert_eq!((code("AB"), code("aB"), code("ab")), (Some("AB"), Some("aB"), Some("aB")));
    let strict = library.code_system("http://a", None).expect("known");
    assert!(strict.find("Dog").is_none() && strict.find("dog").is_some());
}
