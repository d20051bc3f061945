//! String folding: search compares without case, accents and repeated white space.
//! <https://hl7.org/fhir/R4/search.html#string>

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::limits::STRING_BYTES_MAX;

/// The folded form, cut at a character's boundary to [`STRING_BYTES_MAX`].
#[must_use]
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(STRING_BYTES_MAX));
    if text.is_ascii() {
        collect(text.chars().map(|c| c.to_ascii_lowercase()), &mut out);
    } else {
        let plain = text.nfkd().filter(|c| !is_combining_mark(*c));
        collect(plain.flat_map(char::to_lowercase), &mut out);
    }
    out
}

fn collect(letters: impl Iterator<Item = char>, out: &mut String) {
    let mut gap = false;
    for letter in letters {
        if letter.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        let width = letter.len_utf8() + usize::from(gap);
        if out.len() + width > STRING_BYTES_MAX {
            return;
        }
        if gap {
            out.push(' ');
            gap = false;
        }
        out.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folds() {
        for (given, expected) in [
            ("  O'Brien  de   Souza ", "o'brien de souza"),
            ("MÜLLER", "muller"),
            ("Ångström", "angstrom"),
            ("ﬁ", "fi"),
            ("", ""),
            ("山田", "山田"),
        ] {
            assert_eq!(fold(given), expected);
        }
        assert!(fold(&"é".repeat(1000)).len() <= 256);
    }
}
