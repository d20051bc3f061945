//! Words of texts: how `_text` and `_content` compare them. <https://hl7.org/fhir/R4/search.html#content>

use std::sync::LazyLock;

use canonical_model::Value;
use canonical_model::json::Object;
use unicode_normalization::UnicodeNormalization;

/// The marks that are taken off letters, from and to: those of alphabets, for which they are accents.
pub const ACCENTS: [(u32, u32); 5] =
    [(0x300, 0x36f), (0x1ab0, 0x1aff), (0x1dc0, 0x1dff), (0x20d0, 0x20ff), (0xfe20, 0xfe2f)];

/// A word without case and accents. PostgreSQL does the same to the text, by [`ACCENTS`].
#[must_use]
pub(crate) fn fold_word(word: &str) -> String {
    let is_accent = |c: &char| {
        let code = u32::from(*c);
        ACCENTS.iter().any(|(from, to)| (*from..=*to).contains(&code))
    };
    word.nfkd().filter(|c| !is_accent(c)).flat_map(char::to_lowercase).collect()
}

/// The characters that a narrative may name, as a JSON object.
#[must_use]
pub fn named_characters() -> &'static str {
    static JSON: LazyLock<String> = LazyLock::new(|| {
        let mut names = Object::new();
        for (name, character) in conformance::named_characters() {
            names.set(name, character.to_string());
        }
        Value::Object(names).to_text()
    });
    &JSON
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded() {
        for (word, expected) in [
            ("Élodie", "elodie"),
            ("E\u{301}", "e"),
            ("ﬁn", "fin"),
            ("हिन्दी", "हिन्दी"),
            ("ΣΑΣ", "σασ"),
        ] {
            assert_eq!(fold_word(word), expected);
        }
        assert!(named_characters().contains(r#""eacute":"é""#));
        assert!(named_characters().contains(r#""quot":"\"""#));
    }
}
