//! The names of other entries in a narrative. <https://hl7.org/fhir/R4/http.html#trules>

const URN: &str = "urn:";

/// The text with what `named` knows replaced: URNs, each as a whole, and what links and images lead to. In one walk
/// through the text.
pub(super) fn replaced<'n>(text: &str, named: impl Fn(&str) -> Option<&'n str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, opening, from)) = next_name(rest) {
        let end = match opening {
            URN => from.find(|c| !is_name_part(c)).unwrap_or(from.len()),
            _ => from.find(['"', '\'', '#']).unwrap_or(from.len()),
        };
        let (whole, _) = from.split_at_checked(end).unwrap_or((from, ""));
        // The point of a sentence is a part of no name.
        let bare = whole.trim_end_matches(['.', ',', ':', ';']);
        let found = [whole, bare].into_iter().find_map(|name| Some((name, named(name)?)));
        let (taken, written) = found.unwrap_or((whole, whole));
        out.push_str(before);
        out.push_str(written);
        rest = from.get(taken.len()..).unwrap_or_default();
    }
    out + rest
}

/// What comes before something that may be a name: a URN, or what follows one of these; how it begins; and itself.
fn next_name(text: &str) -> Option<(&str, &'static str, &str)> {
    const LINKS: [&str; 4] = ["href=\"", "href='", "src=\"", "src='"];
    let starts = text.bytes().enumerate().filter(|(_, byte)| matches!(byte, b'u' | b'h' | b's'));
    for (at, _) in starts {
        let (before, from) = text.split_at_checked(at)?;
        if from.starts_with(URN) {
            return Some((before, URN, from));
        }
        if let Some(opening) = LINKS.into_iter().find(|opening| from.starts_with(opening)) {
            let (before, from) = text.split_at_checked(at + opening.len())?;
            return Some((before, opening, from));
        }
    }
    None
}

/// Whether a URN may have it, as it is written in a narrative.
/// <https://www.rfc-editor.org/rfc/rfc8141#section-2>
fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/%!$()*+,;=@".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Option<&'static str> {
        match name {
            "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0" => Some("Patient/1"),
            "urn:oid:1.2.34" => Some("Basic/2"),
            "http://x.example/fhir/Basic/old" | "Basic/old" => Some("Basic/3"),
            _ => None,
        }
    }

    #[test]
    fn names_in_narratives_are_replaced_as_a_whole() {
        for (text, expected) in [
            (
                "<a href=\"urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0\">a</a>",
                "<a href=\"Patient/1\">a</a>",
            ),
            ("<a href='urn:oid:1.2.34'>urn:oid:1.2.34</a>", "<a href='Basic/2'>Basic/2</a>"),
            ("urn:oid:1.2.345 urn:oid:1.2.34.", "urn:oid:1.2.345 Basic/2."),
            ("urn:oid:1.2.34#a urn: urn:", "Basic/2#a urn: urn:"),
            ("éurn:oid:1.2.34é", "éBasic/2é"),
            ("<a href=\"http://x.example/fhir/Basic/old\">", "<a href=\"Basic/3\">"),
            (
                "<img src='Basic/old'/><a href=\"Basic/old#a\">",
                "<img src='Basic/3'/><a href=\"Basic/3#a\">",
            ),
            (
                "<a href=\"Basic/older\">Basic/old</a> href=\"",
                "<a href=\"Basic/older\">Basic/old</a> href=\"",
            ),
        ] {
            assert_eq!(replaced(text, named), expected);
        }
    }
}
