//! Words as they are looked for: without case, accents and punctuation.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Adds the words of a text, each with a space before it: `Type-2 diabète` as ` type 2 diabete`.
pub(crate) fn words(text: &str, out: &mut String) {
    let mut inside = false;
    let mut add = |letter: char| {
        if letter.is_alphanumeric() {
            if !inside {
                out.push(' ');
            }
            out.extend(letter.to_lowercase().filter(|it| !is_combining_mark(*it)));
            inside = true;
        } else if !is_combining_mark(letter) {
            inside = false;
        }
    };
    if text.is_ascii() {
        text.chars().for_each(&mut add);
    } else {
        text.nfd().for_each(&mut add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds() {
        for (text, expected) in [
            ("Type-2 Diab\u{e8}te", " type 2 diabete"),
            ("E11.9", " e11 9"),
            ("  (a)  b", " a b"),
            ("--", ""),
            ("STRA\u{df}E", " stra\u{df}e"),
            ("e\u{301}t\u{e9}", " ete"),
        ] {
            let mut out = String::new();
            words(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
