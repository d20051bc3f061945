//! The code systems, value sets and concept maps of R4's own package, as they are published, without what only people
//! read of them. They are kept compressed, and read one by one. <https://hl7.org/fhir/R4/terminologies.html>

use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;

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

/// All concept maps, sorted by URL.
#[must_use]
pub fn concept_maps() -> &'static [Definition] {
    &R4.concept_maps
}

/// All code systems of the package, by URL.
pub fn code_systems() -> impl Iterator<Item = &'static Definition> {
    R4.code_systems.iter()
}

fn find(sorted: &'static [Definition], url: &str) -> Option<&'static Definition> {
    let place = sorted.binary_search_by(|definition| definition.url.cmp(url)).ok()?;
    sorted.get(place)
}

impl Definition {
    /// The resource as JSON. It is decompressed each time, in well under a millisecond.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the build wrote these bytes with the same code")]
    pub fn text(&self) -> String {
        let chunk = R4.chunks.get(usize::from(self.chunk)).copied().unwrap_or_default();
        let (mut text, mut chunk) = (Vec::new(), ZlibDecoder::new(chunk));
        let mut skipped = (&mut chunk).take(u64::from(self.at));
        std::io::copy(&mut skipped, &mut std::io::sink()).expect("it was compressed by the build");
        let mut own = chunk.take(u64::from(self.len));
        own.read_to_end(&mut text).expect("it was compressed by the build");
        String::from_utf8(text).expect("it is JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_the_package_holds() {
        let gender = code_system("http://hl7.org/fhir/administrative-gender").expect("published");
        assert_eq!(gender.version, "4.0.1");
        let text = gender.text();
        assert!(text.contains(r#""code":"unknown""#) && text.contains(r#""display":"Male""#));
        assert!(text.starts_with('{') && text.ends_with('}') && !text.contains("narrative"));
        let set = value_set("http://hl7.org/fhir/ValueSet/condition-clinical").expect("published");
        assert!(set.text().contains("condition-clinical"), "{}", set.text());
        assert!(value_set("http://hl7.org/fhir/ValueSet/none").is_none());
        assert!(R4.code_systems.len() > 1_000 && R4.value_sets.len() > 1_000);
        assert!(concept_maps().len() > 50);
        let size: usize = R4.chunks.iter().map(|chunk| chunk.len()).sum();
        assert!(size < 1_500_000, "{size} bytes in the binary");
    }

    #[test]
    fn every_text_is_found_whole() {
        for one in R4.code_systems.iter().chain(&R4.value_sets).chain(&R4.concept_maps) {
            let text = one.text();
            assert!(text.starts_with('{') && text.ends_with('}'), "{}", one.url);
            assert!(text.contains(&format!(r#""url":"{}""#, one.url)), "{}", one.url);
        }
    }
}
