//! The tokens of XML that FHIR has: tags with attributes, text and comments. No DOCTYPE, no CDATA, no instructions,
//! and no entities but the five of XML itself. <https://www.w3.org/TR/xml/>

use std::borrow::Cow;

use canonical_model::limits::JSON_VALUES_MAX;

use super::fault::{Fault, Read};
use crate::limits::XML_ATTRIBUTES_MAX;

/// A token.
#[derive(Debug)]
pub(super) enum Token<'a> {
    Open(Tag<'a>),
    /// The name of the element that ends.
    Close(&'a str),
    /// What stands between tags, as it is written.
    Text(&'a str),
    End,
}

/// A start tag, or an empty element's.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    /// Where it begins.
    pub(super) at: usize,
    /// Its name, with its prefix.
    pub(super) name: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
    /// `<a/>`: its end is itself.
    pub(super) empty: bool,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute<'a> {
    pub(super) at: usize,
    /// Its name, with its prefix.
    pub(super) name: &'a str,
    /// What it means.
    pub(super) value: Cow<'a, str>,
    /// How it is written, with its quotes.
    pub(super) raw: &'a str,
}

/// A walk over a text.
pub(super) struct Scan<'a> {
    text: &'a str,
    pub(super) at: usize,
    /// Elements and attributes so far.
    nodes: usize,
}

const DECLARATION: &str = "DOCTYPE, entities, CDATA and instructions are not read here";

impl<'a> Scan<'a> {
    /// A walk from the start.
    ///
    /// # Errors
    /// For a character that no XML has.
    pub(super) fn new(text: &'a str) -> Read<Self> {
        if let Some((at, _)) = text.char_indices().find(|(_, it)| !is_character(*it)) {
            return Err(Fault { at, what: "a character that XML does not have" });
        }
        Ok(Self { text, at: 0, nodes: 0 })
    }

    /// Passes over the declaration of XML, which may stand first.
    ///
    /// # Errors
    /// For another version than 1.0 or another encoding than UTF-8.
    pub(super) fn declaration(&mut self) -> Read<()> {
        let begins = |rest: &str| rest.chars().next().is_some_and(char::is_whitespace);
        match self.rest().strip_prefix("<?xml") {
            Some(rest) if begins(rest) => {}
            _ => return Ok(()),
        }
        let start = self.at;
        let said = self.until("?>", "the declaration of XML does not end")?;
        let value = |name: &str| {
            let (_, rest) = said.split_once(name)?;
            let rest = rest.trim_start().strip_prefix('=')?.trim_start();
            let quote = rest.chars().next().filter(|it| matches!(it, '"' | '\''))?;
            rest.get(1..)?.split(quote).next()
        };
        if value("version") != Some("1.0") {
            return Err(Fault { at: start, what: "XML 1.0 is read here" });
        }
        let utf8 =
            |name: &str| ["utf-8", "utf8", "us-ascii"].contains(&&*name.to_ascii_lowercase());
        match value("encoding") {
            Some(name) if !utf8(name) => {
                Err(Fault { at: start, what: "XML is read in UTF-8 here" })
            }
            _ => Ok(()),
        }
    }

    /// The next token. Comments are passed over.
    pub(super) fn next(&mut self) -> Read<Token<'a>> {
        loop {
            let (start, rest) = (self.at, self.rest());
            if rest.is_empty() {
                return Ok(Token::End);
            }
            if !rest.starts_with('<') {
                let text = rest.split('<').next().unwrap_or(rest);
                self.at += text.len();
                return Ok(Token::Text(text));
            }
            if self.take("<!--") {
                let inside = self.until("-->", "a comment does not end")?;
                if inside.contains("--") || inside.ends_with('-') {
                    return Err(Fault { at: start, what: "a comment with -- inside" });
                }
                continue;
            }
            if rest.starts_with("<!") || rest.starts_with("<?") {
                return self.fail(DECLARATION);
            }
            if self.take("</") {
                let name = self.name()?;
                self.white();
                return if self.take(">") {
                    Ok(Token::Close(name))
                } else {
                    self.fail("expected >")
                };
            }
            return self.tag().map(Token::Open);
        }
    }

    /// What was written from `start` to here.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn fail<T>(&self, what: &'static str) -> Read<T> {
        Err(Fault { at: self.at, what })
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes a word, if it comes next.
    fn take(&mut self, word: &str) -> bool {
        let comes = self.rest().starts_with(word);
        self.at += if comes { word.len() } else { 0 };
        comes
    }

    /// Takes all up to `end`, and `end`.
    fn until(&mut self, end: &str, what: &'static str) -> Read<&'a str> {
        let Some((inside, _)) = self.rest().split_once(end) else { return self.fail(what) };
        self.at += inside.len() + end.len();
        Ok(inside)
    }

    fn white(&mut self) -> bool {
        let rest = self.rest();
        let white = rest.len() - rest.trim_start_matches(is_white).len();
        self.at += white;
        white > 0
    }

    /// A name. FHIR's and those of XHTML are ASCII.
    fn name(&mut self) -> Read<&'a str> {
        let rest = self.rest();
        let ends = |it: char| !(it.is_ascii_alphanumeric() || matches!(it, '_' | '-' | '.' | ':'));
        let name = rest.split(ends).next().unwrap_or_default();
        if !name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_') {
            return self.fail("expected the name of an element or attribute");
        }
        self.at += name.len();
        Ok(name)
    }

    fn tag(&mut self) -> Read<Tag<'a>> {
        let at = self.at;
        self.at += 1;
        let name = self.name()?;
        self.count(at)?;
        let mut attributes: Vec<Attribute<'a>> = Vec::new();
        loop {
            let spaced = self.white();
            if self.take("/>") {
                return Ok(Tag { at, name, attributes, empty: true });
            }
            if self.take(">") {
                return Ok(Tag { at, name, attributes, empty: false });
            }
            if !spaced {
                return self.fail("expected >, or white space and an attribute");
            }
            let attribute = self.attribute()?;
            self.count(attribute.at)?;
            if attributes.iter().any(|other| other.name == attribute.name) {
                return Err(Fault { at: attribute.at, what: "this attribute occurs twice" });
            }
            if attributes.len() >= XML_ATTRIBUTES_MAX {
                return Err(Fault { at, what: "more than 32 attributes of one element" });
            }
            attributes.push(attribute);
        }
    }

    fn attribute(&mut self) -> Read<Attribute<'a>> {
        let at = self.at;
        let name = self.name()?;
        self.white();
        if !self.take("=") {
            return self.fail("expected = and the attribute's value");
        }
        self.white();
        let start = self.at;
        let quote = if self.take("\"") {
            "\""
        } else if self.take("'") {
            "'"
        } else {
            return self.fail("expected the attribute's value in quotes");
        };
        let inside = self.until(quote, "an attribute's value does not end")?;
        if inside.contains('<') {
            return Err(Fault { at: start, what: "a < in an attribute: write &lt;" });
        }
        let value = meaning(inside, start)?;
        Ok(Attribute { at, name, value, raw: self.since(start) })
    }

    fn count(&mut self, at: usize) -> Read<()> {
        self.nodes += 1;
        if self.nodes > JSON_VALUES_MAX {
            return Err(Fault {
                at,
                what: "more than 1000000 elements and attributes in one text",
            });
        }
        Ok(())
    }
}

pub(super) fn is_white(it: char) -> bool {
    matches!(it, ' ' | '\t' | '\n' | '\r')
}

/// <https://www.w3.org/TR/xml/#charsets>
pub(super) fn is_character(it: char) -> bool {
    matches!(it, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// What an attribute's text means: references resolved, line ends and tabs as spaces.
/// <https://www.w3.org/TR/xml/#AVNormalize>
fn meaning(raw: &str, at: usize) -> Read<Cow<'_, str>> {
    if !raw.contains(['&', '\t', '\n', '\r']) {
        return Ok(Cow::Borrowed(raw));
    }
    let raw = raw.replace("\r\n", " ").replace(['\t', '\n', '\r'], " ");
    let mut parts = raw.split('&');
    let mut out = String::with_capacity(raw.len());
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (name, text) = part.split_once(';').ok_or(Fault { at, what: AMPERSAND })?;
        out.push(reference(name).map_err(|what| Fault { at, what })?);
        out.push_str(text);
    }
    Ok(Cow::Owned(out))
}

const AMPERSAND: &str = "an & that begins no reference: write &amp;";

/// What `&name;` stands for.
pub(super) fn reference(name: &str) -> Result<char, &'static str> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or("an entity other than amp, lt, gt, quot and apos")?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let plain = digits.bytes().all(|it| it.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| plain);
    code.and_then(char::from_u32)
        .filter(|it| is_character(*it))
        .ok_or("a reference to a character that XML does not have")
}

/// Refuses references in text that mean nothing, and what ends a section that never began.
pub(super) fn expect_sound(text: &str) -> Result<(), &'static str> {
    if text.contains("]]>") {
        return Err("a ]]> in text: write ]]&gt;");
    }
    text.split('&').skip(1).try_for_each(|part| {
        let (name, _) = part.split_once(';').ok_or(AMPERSAND)?;
        reference(name).map(drop)
    })
}
