//! The grammar of a parameter's value: `,` `|` `$` part it, `\` takes their meaning away.
//! <https://hl7.org/fhir/R4/search.html#escaping>

use crate::query::refusal::Refusal;

/// Splits at a letter that is not escaped.
pub(super) fn split(value: &str, at: char) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = value;
    while let Some((first, more)) = split_once(rest, at) {
        out.push(first);
        rest = more;
    }
    out.push(rest);
    out
}

/// Splits at the first such letter.
pub(super) fn split_once(text: &str, at: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (index, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == at => {
                return text.get(..index).zip(text.get(index + at.len_utf8()..));
            }
            _ => {}
        }
    }
    None
}

/// The text without its escapes.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            plain => out.push(plain),
        }
    }
    out
}

/// Refuses a backslash that escapes nothing.
pub(super) fn balanced(name: &str, value: &str) -> Result<(), Refusal> {
    let mut letters = value.char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' && !letters.next().is_some_and(|(_, next)| ",|$\\".contains(next)) {
            let text = "`\\` stands before `,`, `|`, `$` or `\\` only";
            return Err(Refusal::value(name, text).about(value.get(at..).unwrap_or_default()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_take_the_meaning_away() {
        for (value, expected) in [
            ("a,b", vec!["a", "b"]),
            (r"a\,b,c", vec!["a,b", "c"]),
            (r"a\\,b", vec![r"a\", "b"]),
            (r"a\|b", vec!["a|b"]),
            (",", vec!["", ""]),
        ] {
            let parts: Vec<String> = split(value, ',').into_iter().map(unescape).collect();
            assert_eq!(parts, expected, "{value}");
        }
        for (value, good) in [(r"a\,b", true), (r"a\b", false), (r"a\", false), (r"\$\|\\", true)] {
            assert_eq!(balanced("x", value).is_ok(), good, "{value}");
        }
    }
}
