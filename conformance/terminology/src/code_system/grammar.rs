//! Codes that are made by a grammar, so that no list has them all: units of measure. <https://ucum.org/ucum>

use std::sync::{Arc, LazyLock};

use super::{Builder, CodeSystem, Content, Head};
use crate::limits::UNIT_BYTES_MAX;

/// The URL of UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";

/// UCUM as it is known without an import: by its grammar alone.
pub(crate) fn ucum() -> Arc<CodeSystem> {
    static KNOWN: LazyLock<Arc<CodeSystem>> = LazyLock::new(|| {
        let head = Head {
            url: UCUM.to_owned(),
            name: "UCUM".to_owned(),
            content: Content::Fragment,
            case_sensitive: true,
            ..Head::default()
        };
        Arc::new(Builder::new(head).finish())
    });
    Arc::clone(&KNOWN)
}

impl CodeSystem {
    /// Whether the system's grammar makes the code; `None` where it has no grammar.
    #[must_use]
    pub fn makes(&self, code: &str) -> Option<bool> {
        (self.head().url == UCUM)
            .then(|| code.len() <= UNIT_BYTES_MAX && ucum::validate(code).is_ok())
    }

    /// What a code is called that the grammar makes.
    #[must_use]
    pub fn made_display(&self, code: &str) -> Option<String> {
        let made = self.makes(code) == Some(true);
        made.then(|| ucum::display_name(code).ok()).flatten().filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_judged_by_their_grammar() {
        let system = ucum();
        for (code, right) in [
            ("mg/dL", true),
            ("mm[Hg]", true),
            ("10*3/uL", true),
            ("{score}", true),
            ("1", true),
            ("mgg/dL", false),
            ("mg/", false),
            ("MG/DL", false),
            ("(m", false),
        ] {
            assert_eq!(system.makes(code), Some(right), "{code}");
        }
        assert_eq!(system.makes(&"(".repeat(100_000)), Some(false));
        assert!(system.made_display("mg").is_some_and(|text| text.contains("gram")));
        let other = Builder::new(Head::default()).finish();
        assert_eq!(other.makes("mg"), None);
    }
}
