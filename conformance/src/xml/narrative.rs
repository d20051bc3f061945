//! Narratives, the one place where FHIR XML has text: in JSON they are their own source.
//! <https://hl7.org/fhir/R4/narrative.html#xhtml>

use super::entities;
use super::fault::{Fault, Read};
use super::names::{Names, Space, XHTML, declared};
use super::scan::{Scan, Tag, Token, expect_sound, is_character, is_white, reference};
use crate::limits::XHTML_DEPTH_MAX;

pub(super) const SPACE: &str =
    "a narrative outside of XHTML: write <div xmlns=\"http://www.w3.org/1999/xhtml\">";

/// Reads on to the narrative's end, and gives its source: as it is written, unless other namespaces than its own
/// have to be known to understand it.
pub(super) fn read<'a>(scan: &mut Scan<'a>, names: &mut Names<'a>, tag: &Tag<'a>) -> Read<String> {
    let own = |it: &Tag<'_>| it.attributes.iter().any(|attribute| attribute.name == "xmlns");
    let mut plain = tag.name == "div" && own(tag);
    expect_known(tag, names)?;
    let mut open = Vec::new();
    if !tag.empty {
        open.push((tag.name, 0));
    }
    while let Some((parent, before)) = open.last().copied() {
        let at = scan.at;
        match scan.next()? {
            Token::Text(text) => expect_sound(text).map_err(|what| Fault { at, what })?,
            Token::Close(name) if name == parent => {
                open.pop();
                // The narrative's own names are its caller's.
                if !open.is_empty() {
                    names.leave(before);
                }
            }
            Token::Close(_) => return Err(Fault { at, what: "the end of another element" }),
            Token::End => return scan.fail("the text ends in the middle of a narrative"),
            Token::Open(inner) => {
                plain &= !inner.name.contains(':');
                let before = names.enter(&inner)?;
                expect_known(&inner, names)?;
                if names.element(inner.name, inner.at)?.0 != Space::Xhtml {
                    return Err(Fault { at: inner.at, what: "an element outside of XHTML" });
                }
                if inner.empty {
                    names.leave(before);
                } else {
                    open.push((inner.name, before));
                }
                if open.len() > XHTML_DEPTH_MAX {
                    return Err(Fault { at: inner.at, what: "a narrative nested too deeply" });
                }
            }
        }
    }
    let source = scan.since(tag.at);
    let source = if plain { source.to_owned() } else { without_prefixes(source)? };
    Ok(with_own_line_ends(source))
}

/// Refuses attributes with a prefix that means nothing.
fn expect_known<'a>(tag: &Tag<'a>, names: &Names<'a>) -> Read<()> {
    let mut own = tag.attributes.iter().filter(|it| declared(it.name).is_none());
    own.try_for_each(|it| names.attribute(it.name, it.at).map(drop))
}

/// The same with XHTML as the namespace that needs no prefix.
fn without_prefixes(source: &str) -> Read<String> {
    let mut scan = Scan::new(source)?;
    let mut out = String::with_capacity(source.len() + 64);
    let local = |name: &str| name.rsplit(':').next().unwrap_or(name).to_owned();
    loop {
        match scan.next()? {
            Token::End => return Ok(out),
            Token::Text(text) => out.push_str(text),
            Token::Close(name) => out.push_str(&format!("</{}>", local(name))),
            Token::Open(tag) => {
                let first = out.is_empty();
                out.push('<');
                out.push_str(&local(tag.name));
                if first {
                    out.push_str(&format!(" xmlns=\"{XHTML}\""));
                }
                for it in tag.attributes.iter().filter(|it| declared(it.name).is_none()) {
                    out.push_str(&format!(" {}={}", it.name, it.raw));
                }
                out.push_str(if tag.empty { "/>" } else { ">" });
            }
        }
    }
}

/// Line ends as XML reads them. One that is written as a reference is meant.
fn with_own_line_ends(source: String) -> String {
    let lines = if source.contains('\r') {
        source.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        source
    };
    if lines.contains("&#13;") { lines.replace("&#13;", "\r") } else { lines }
}

/// Appends a narrative. One that is no well-formed XHTML, which validation lets nobody store, appears as text.
pub(super) fn write(source: &str, out: &mut String) {
    let sound = in_xml(source.trim());
    if is_sound(&sound) {
        out.push_str(&sound);
        return;
    }
    out.push_str(&format!("<div xmlns=\"{XHTML}\">"));
    source.chars().for_each(|it| match it {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '\r' => out.push_str("&#13;"),
        it => out.push(if is_character(it) { it } else { char::REPLACEMENT_CHARACTER }),
    });
    out.push_str("</div>");
}

/// Where in a narrative's source a character stands.
#[derive(Clone, Copy)]
enum Place {
    Text,
    Tag,
    Quoted(char),
}

impl Place {
    fn behind(self, it: char) -> Self {
        match (self, it) {
            (Self::Text, '<') => Self::Tag,
            (Self::Tag, '>') => Self::Text,
            (Self::Tag, '"' | '\'') => Self::Quoted(it),
            (Self::Quoted(quote), _) if it == quote => Self::Tag,
            (same, _) => same,
        }
    }
}

/// The source with its namespace, and with characters in place of names that XML does not know.
fn in_xml(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 64);
    let (mut rest, mut place) = (source, Place::Text);
    let head = source.split('>').next().unwrap_or_default();
    if let Some(behind) = source.strip_prefix("<div")
        && !head.split(is_white).any(|it| it == "xmlns" || it.starts_with("xmlns="))
    {
        out.push_str(&format!("<div xmlns=\"{XHTML}\""));
        (rest, place) = (behind, Place::Tag);
    }
    let mut known = 0;
    for (at, it) in rest.char_indices() {
        if at < known {
            continue;
        }
        place = place.behind(it);
        match (it, place) {
            ('\r', Place::Tag) => out.push(' '),
            ('\r', _) => out.push_str("&#13;"),
            ('&', _) => {
                let behind = rest.get(at + 1..).unwrap_or_default();
                let name = behind.split(['&', '<']).next().and_then(|it| it.split_once(';'));
                match name.map(|(name, _)| (name, entities::named(name))) {
                    Some((name, Some(character))) => {
                        out.push(character);
                        known = at + 1 + name.len() + 1;
                    }
                    Some((name, None)) if reference(name).is_ok() => out.push('&'),
                    _ => out.push_str("&amp;"),
                }
            }
            _ => out.push(if is_character(it) { it } else { char::REPLACEMENT_CHARACTER }),
        }
    }
    out
}

/// Whether the reader takes it as a narrative.
fn is_sound(source: &str) -> bool {
    let sound = || -> Read<bool> {
        let (mut scan, mut names) = (Scan::new(source)?, Names::new());
        let Token::Open(tag) = scan.next()? else { return Ok(false) };
        names.enter(&tag)?;
        let known = tag.name == "div" && names.element(tag.name, 0)?.0 == Space::Xhtml;
        read(&mut scan, &mut names, &tag)?;
        Ok(known && matches!(scan.next()?, Token::End))
    };
    sound().unwrap_or(false)
}
