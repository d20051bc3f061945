//! Texts of definitions and requests as an error may show them.

/// The visible part of a URL, a code or a name, which may be the sender's text.
pub(crate) fn shown(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() && !"<>\"&".contains(*c);
    text.chars().filter(plain).take(200).collect()
}
