//! The population from outside: the same bytes every time, references that lead somewhere,
//! plausible people.

#![cfg(test)]

use std::collections::{BTreeMap, HashMap, HashSet};

use generator::{Day, Options, Population};
use serde_json::Value;

fn population(seed: u64, patients: u64) -> Population {
    Population::new(Options::new(seed, patients)).unwrap()
}

fn bundle(population: &Population, index: u64) -> Vec<u8> {
    let mut out = Vec::new();
    population.write_bundle(index, &mut out);
    out
}

/// FNV-1a, enough to tell whether a byte moved.
fn hash(bytes: &[u8], start: u64) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// All resources by `Type/id`, as NDJSON gives them.
fn resources(population: &Population) -> HashMap<String, Value> {
    let mut found = HashMap::new();
    let mut take = |kind: &str, bytes: &[u8]| {
        let resource: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(resource["resourceType"], kind);
        let key = format!("{kind}/{}", resource["id"].as_str().unwrap());
        assert!(found.insert(key.clone(), resource).is_none(), "{key} twice");
    };
    let mut written = population.shared_ndjson(&mut take);
    for index in 0..population.options().patients {
        written += population.write_ndjson(index, &mut take);
    }
    assert_eq!(found.len() as u64, written);
    found
}

/// Every value of a member named `reference`.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "reference" => found.push(text),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn bytes_never_change() {
    let population = population(42, 40);
    let bundles =
        (0..40).fold(0xcbf2_9ce4_8422_2325, |so_far, n| hash(&bundle(&population, n), so_far));
    let shared = hash(&population.shared_bundle(), 0xcbf2_9ce4_8422_2325);
    // Changes only with a deliberate change of the generator.
    assert_eq!(format!("{shared:016x} {bundles:016x}"), GOLDEN);
}

const GOLDEN: &str = "24307d1ad5c63c44 3b0dcc594f59290d";

#[test]
fn order_and_company_do_not_matter() {
    let (few, many) = (population(7, 10), population(7, 1000));
    let forward: Vec<_> = (0..10).map(|index| bundle(&few, index)).collect();
    let threads: Vec<_> = (0..10)
        .rev()
        .map(|index| {
            let many = many.clone();
            std::thread::spawn(move || (index, bundle(&many, index)))
        })
        .collect();
    for thread in threads {
        let (index, bytes) = thread.join().unwrap();
        assert_eq!(bytes, forward[index as usize]);
    }
    assert_ne!(bundle(&population(8, 10), 0), forward[0]);
}

#[test]
fn every_reference_leads_to_a_resource_of_that_type() {
    let resources = resources(&population(11, 150));
    for (key, resource) in &resources {
        let mut found = Vec::new();
        references(resource, &mut found);
        for reference in found {
            assert!(resources.contains_key(reference), "{key} refers to {reference}");
        }
    }
    for kind in [
        "Patient",
        "Encounter",
        "Condition",
        "Observation",
        "DiagnosticReport",
        "MedicationRequest",
        "Immunization",
        "AllergyIntolerance",
        "Procedure",
        "Coverage",
        "Claim",
        "ExplanationOfBenefit",
        "CarePlan",
        "Organization",
        "Location",
        "Practitioner",
        "PractitionerRole",
    ] {
        assert!(resources.keys().any(|key| key.starts_with(&format!("{kind}/"))), "no {kind}");
    }
}

#[test]
fn bundles_are_closed_transactions() {
    let population = population(12, 60);
    let shared: Value = serde_json::from_slice(&population.shared_bundle()).unwrap();
    let shared: HashSet<String> = shared["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            assert_eq!(entry["request"]["method"], "PUT");
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            let url = format!("{kind}/{}", entry["resource"]["id"].as_str().unwrap());
            assert_eq!(entry["request"]["url"], url.as_str());
            url
        })
        .collect();
    for index in 0..60 {
        let mut out = Vec::new();
        let count = population.write_bundle(index, &mut out);
        let bundle: Value = serde_json::from_slice(&out).unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        assert_eq!(bundle["type"], "transaction");
        assert_eq!(entries.len() as u64, count);
        let mut urls = HashSet::new();
        for entry in entries {
            assert_eq!(entry["request"]["method"], "POST");
            assert_eq!(entry["request"]["url"], entry["resource"]["resourceType"]);
            assert!(urls.insert(entry["fullUrl"].as_str().unwrap()));
        }
        let mut found = Vec::new();
        references(&bundle, &mut found);
        for reference in found {
            assert!(urls.contains(reference) || shared.contains(reference), "{reference}");
        }
    }
}

#[test]
fn bundles_that_keep_ids_name_the_same_resources_as_lines() {
    let options = Options { keep_ids: true, ..Options::new(5, 6) };
    let population = Population::new(options).unwrap();
    let mut out = Vec::new();
    population.write_bundle(3, &mut out);
    let bundle: Value = serde_json::from_slice(&out).unwrap();
    let mut lines = Vec::new();
    population.write_ndjson(3, |kind, bytes| {
        let resource: Value = serde_json::from_slice(bytes).unwrap();
        lines.push(format!("{kind}/{}", resource["id"].as_str().unwrap()));
    });
    let entries = bundle["entry"].as_array().unwrap().iter();
    let urls: Vec<_> = entries.map(|entry| entry["request"]["url"].as_str().unwrap()).collect();
    assert_eq!(urls, lines);
    assert_eq!(urls[0], format!("Patient/{}", population.patient(3).id));
}

#[test]
fn text_is_valid_fhir_at_a_glance() {
    for (key, resource) in &resources(&population(13, 80)) {
        check_values(key, resource);
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let id = resource["id"].as_str().unwrap();
        assert!(id.len() <= 64 && id.bytes().all(legal), "{key}");
    }
}

/// No empty string, array or object, and every date within the lives of the people.
fn check_values(path: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            assert!(!members.is_empty(), "{path} is empty");
            for (name, value) in members {
                let path = format!("{path}.{name}");
                let dated = ["birthDate", "start", "end", "issued", "created", "servicedDate"];
                if name.ends_with("DateTime") || dated.contains(&name.as_str()) {
                    let day = value.as_str().and_then(|text| text.get(..10)).and_then(Day::parse);
                    let day = day.unwrap_or_else(|| panic!("{path}: {value}"));
                    assert!((1925..=2027).contains(&day.civil().0), "{path}: {day}");
                }
                check_values(&path, value);
            }
        }
        Value::Array(items) => {
            assert!(!items.is_empty(), "{path} is empty");
            items.iter().for_each(|item| check_values(path, item));
        }
        Value::String(text) => assert!(!text.trim().is_empty(), "{path} is empty"),
        Value::Null => panic!("{path} is null"),
        _ => {}
    }
}

#[test]
fn people_are_plausible() {
    let population = population(14, 3_000);
    let until = population.options().until;
    let mut households: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    let mut numbers = HashSet::new();
    let (mut women, mut dead, mut children, mut old) = (0, 0, 0, 0);
    for patient in population.patients() {
        assert!(numbers.insert(patient.record_number.clone()));
        let (year, ..) = patient.birth_date.civil();
        let age = until.civil().0 - year;
        assert!((0..=110).contains(&age) && patient.birth_date <= until, "{patient:?}");
        if let Some(death) = patient.death_date {
            assert!(patient.birth_date < death && death <= until);
            dead += 1;
        }
        women += i32::from(patient.female);
        children += i32::from(age < 18);
        old += i32::from(age >= 65);
        households.entry(patient.household).or_default().push((age, patient));
    }
    let share = |count: i32| f64::from(count) / 3_000.0;
    for (what, count, range) in [
        ("women", women, 0.46..0.56),
        ("dead", dead, 0.01..0.12),
        ("children", children, 0.12..0.32),
        ("old", old, 0.10..0.35),
    ] {
        assert!(range.contains(&share(count)), "{what}: {}", share(count));
    }
    for members in households.values() {
        let (head_age, head) = &members[0];
        let shared = members.iter().filter(|(_, member)| member.family == head.family).count();
        assert!(shared + 1 >= members.len(), "surnames of {members:?}");
        for (age, member) in members.iter().skip(1).filter(|(age, _)| *age < 18) {
            assert!(head_age - age >= 17, "{member:?} of {head:?}");
        }
    }
}

#[test]
fn records_are_plausible() {
    let resources = resources(&population(15, 200));
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for (key, resource) in &resources {
        let kind = key.split('/').next().unwrap();
        *counts.entry(kind).or_default() += 1;
        if kind != "Observation" {
            continue;
        }
        let code = resource["code"]["coding"][0]["code"].as_str().unwrap();
        let value = resource["valueQuantity"]["value"].as_f64();
        let range = match code {
            "8302-2" => 45.0..215.0,
            "29463-7" => 1.8..190.0,
            "39156-5" => 10.0..55.0,
            "8867-4" => 40.0..190.0,
            "8310-5" => 35.5..40.0,
            "4548-4" => 4.0..10.5,
            "2345-7" => 60.0..280.0,
            "2160-0" => 0.4..7.0,
            "18262-6" => 45.0..240.0,
            "718-7" => 6.0..19.0,
            _ => continue,
        };
        assert!(range.contains(&value.unwrap()), "{code} is {value:?}");
    }
    let per_patient = resources.len() as f64 / 200.0;
    assert!((60.0..400.0).contains(&per_patient), "{per_patient}: {counts:?}");
    assert_eq!(counts["Patient"], 200);
    assert_eq!(counts["Coverage"], 200);
    assert_eq!(counts["Claim"], counts["Encounter"]);
    assert_eq!(counts["ExplanationOfBenefit"], counts["Claim"]);
    println!("{per_patient:.0} resources a patient: {counts:?}");
}

#[test]
fn diabetes_is_treated_and_its_control_improves() {
    let options = Options { years: 10, ..Options::new(16, 600) };
    let population = Population::new(options).unwrap();
    let (mut patients, mut improved) = (0, 0);
    for index in 0..600 {
        let (mut a1c, mut treated) = (Vec::new(), false);
        population.write_ndjson(index, |kind, bytes| {
            let text = std::str::from_utf8(bytes).unwrap();
            treated |= kind == "MedicationRequest" && text.contains(r#""code":"860975""#);
            if kind == "Observation" && text.contains(r#""code":"4548-4""#) {
                let resource: Value = serde_json::from_str(text).unwrap();
                a1c.push(resource["valueQuantity"]["value"].as_f64().unwrap());
            }
        });
        if a1c.len() >= 8 {
            assert!(treated, "patient {index} has no metformin");
            patients += 1;
            improved += i32::from(a1c[0] > a1c[a1c.len() - 1] + 0.7);
        }
    }
    assert!(patients >= 15, "{patients} with diabetes");
    assert!(improved >= 5, "{improved} of {patients} improved");
}

#[test]
fn options_are_checked() {
    let good = Options::new(1, 10);
    for bad in [
        Options { years: 0, ..good.clone() },
        Options { years: 101, ..good.clone() },
        Options { facilities: 0, ..good.clone() },
        Options { patients: u64::MAX, ..good.clone() },
        Options { until: Day::parse("2300-01-01").unwrap(), ..good.clone() },
    ] {
        let error = Population::new(bad).unwrap_err();
        assert!(error.to_string().ends_with('.'), "{error}");
    }
    let long = Options { years: 60, ..good };
    assert!(bundle(&Population::new(long).unwrap(), 0).len() > 1000);
}

#[test]
fn twenty_thousand_resources_a_second() {
    let population = population(1, 60);
    let mut out = Vec::new();
    // The best of some tries: other tests share the machine.
    let rates = (0..8).map(|_| {
        let started = std::time::Instant::now();
        let mut resources = 0;
        for index in 0..60 {
            out.clear();
            resources += population.write_bundle(index, &mut out);
        }
        resources as f64 / started.elapsed().as_secs_f64()
    });
    let best = rates.fold(0.0, f64::max);
    println!("{best:.0} resources a second");
    assert!(best > 20_000.0, "{best:.0} resources a second");
}
