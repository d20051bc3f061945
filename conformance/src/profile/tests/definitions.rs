//! R4's own definitions: all of them compile, with all of their invariants and slices.

use crate::profile::{Profiles, builtin};

/// Rules that R4 writes for elements that are not there: profile, rule.
const UNREADABLE: [(&str, &str); 2] = [
    // ChargeItemDefinition has no `name`.
    ("http://hl7.org/fhir/StructureDefinition/ChargeItemDefinition", "cid-0"),
    // An extension has neither `substanceExposureRisk` nor `code`.
    ("http://hl7.org/fhir/StructureDefinition/allergyintolerance-substanceExposureRisk", "inv-1"),
];

#[test]
fn all_of_r4_compiles() {
    let (mut profiles, mut invariants, mut faults) = (0, 0, Vec::new());
    for url in Profiles::built_in() {
        let Some(profile) = builtin::find(url) else {
            faults.push(format!("{url} does not compile"));
            continue;
        };
        profiles += 1;
        for node in &profile.nodes {
            for invariant in &node.invariants {
                invariants += 1;
                let known = UNREADABLE.contains(&(url, invariant.key.as_str()));
                if invariant.rule.is_none() != known {
                    faults.push(format!("{url} {}: {}", node.name, invariant.key));
                }
            }
            for slice in node.slicing.iter().flat_map(|it| &it.slices) {
                if slice.tests.is_none() {
                    faults.push(format!("{url} {} slice {}", node.name, slice.name));
                }
            }
        }
    }
    println!("{profiles} profiles with {invariants} invariants");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(profiles > 600 && invariants > 900, "{profiles} profiles, {invariants} invariants");
}
