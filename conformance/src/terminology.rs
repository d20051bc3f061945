//! The code systems and value sets of R4's own package, as they are published, without displays and
//! designations. <https://hl7.org/fhir/R4/terminologies.html>

use std::sync::LazyLock;

pub use crate::index::Definition;
use crate::index::Definitions;

static R4: LazyLock<Definitions> = LazyLock::new(load);

#[expect(clippy::expect_used, reason = "the build wrote these bytes with the same code")]
fn load() -> Definitions {
    const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/r4-terminology.postcard"));
    postcard::from_bytes(BYTES).expect("the definitions fit their own code")
}

/// A code system by its URL, without version.
#[must_use]
pub fn code_system(url: &str) -> Option<&'static Definition> {
    find(&R4.code_systems, url)
}

/// A value set by its URL, without version.
#[must_use]
pub fn value_set(url: &str) -> Option<&'static Definition> {
    find(&R4.value_sets, url)
}

fn find(sorted: &'static [Definition], url: &str) -> Option<&'static Definition> {
    let place = sorted.binary_search_by(|definition| definition.url.cmp(url)).ok()?;
    sorted.get(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_the_package_holds() {
        let gender = code_system("http://hl7.org/fhir/administrative-gender").expect("published");
        assert_eq!(gender.version, "4.0.1");
        assert!(gender.text.contains(r#""code":"unknown""#) && !gender.text.contains("display"));
        let set = value_set("http://hl7.org/fhir/ValueSet/condition-clinical").expect("published");
        assert!(set.text.contains("condition-clinical"), "{}", set.text);
        assert!(value_set("http://hl7.org/fhir/ValueSet/none").is_none());
        assert!(R4.code_systems.len() > 1_000 && R4.value_sets.len() > 1_000);
    }
}
