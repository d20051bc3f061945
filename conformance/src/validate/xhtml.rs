//! Narratives: well-formed XHTML of formatting elements only, as invariant txt-1 asks, so
//! that a browser may show them as they are. <https://hl7.org/fhir/R4/narrative.html#xhtml>

use canonical_model::IssueCode;

use super::primitive::Fault;
use crate::limits::XHTML_DEPTH_MAX;
use crate::xml::named;

/// Sorted.
#[rustfmt::skip]
const ELEMENTS: [&str; 49] = [
    "a", "abbr", "acronym", "b", "big", "blockquote", "br", "caption", "cite", "code", "col",
    "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "li", "ol", "p", "pre", "q", "samp", "small", "span", "strong", "sub", "sup", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
];

/// Sorted.
#[rustfmt::skip]
const ATTRIBUTES: [&str; 55] = [
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding",
    "cellspacing", "cellvalign", "char", "charoff", "charset", "cite", "class", "colspan",
    "compact", "coords", "dir", "frame", "headers", "height", "href", "hreflang", "hspace", "id",
    "lang", "longdesc", "name", "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape",
    "span", "src", "start", "style", "summary", "tabindex", "title", "type", "valign", "value",
    "vspace", "width", "xml:base", "xml:id", "xml:lang", "xml:space", "xmlns", "xmlns:xsi",
];

const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// What a link may begin with, if it has a scheme. Sorted.
const SCHEMES: [&str; 7] = ["data", "ftp", "http", "https", "mailto", "tel", "urn"];

const ONE_DIV: Fault = (IssueCode::Structure, "A narrative is one <div> element of XHTML.");
const FORM: Fault = (
    IssueCode::Structure,
    "Make the narrative well-formed XHTML: close every element, quote attributes, write & as &amp;",
);
const CHARACTER: Fault = (
    IssueCode::Structure,
    "A narrative has no control characters but tabs and line ends: XHTML cannot hold them.",
);
const DEEP: Fault = (IssueCode::Structure, "Nest the narrative's elements less deeply.");
const ELEMENT: Fault = (
    IssueCode::Invariant,
    "A narrative has formatting elements only: no scripts, forms, frames, objects or styles.",
);
const ATTRIBUTE: Fault =
    (IssueCode::Invariant, "A narrative has formatting attributes only: no event handlers.");
const DECLARATION: Fault =
    (IssueCode::Security, "A narrative has no DOCTYPE, entities, CDATA or instructions.");
const ACTIVE: Fault =
    (IssueCode::Security, "A narrative has no active links and no styles that load anything.");

/// Checks the text of `Narrative.div`.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    if !text.chars().all(is_character) {
        return Err(CHARACTER);
    }
    let mut scan = Scan { rest: text.trim(), open: Vec::new() };
    if !scan.rest.starts_with("<div") {
        return Err(ONE_DIV);
    }
    loop {
        scan.tag()?;
        if scan.open.is_empty() {
            break;
        }
        scan.text()?;
    }
    if scan.rest.is_empty() { Ok(()) } else { Err(ONE_DIV) }
}

struct Scan<'a> {
    rest: &'a str,
    /// The names of the elements around.
    open: Vec<&'a str>,
}

impl<'a> Scan<'a> {
    /// Takes a prefix off.
    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes all up to `end` and `end` itself.
    fn until(&mut self, end: &str) -> Result<&'a str, Fault> {
        let (taken, rest) = self.rest.split_once(end).ok_or(FORM)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes text up to the next tag.
    fn text(&mut self) -> Result<(), Fault> {
        let (text, rest) =
            self.rest.find('<').and_then(|at| self.rest.split_at_checked(at)).ok_or(FORM)?;
        self.rest = rest;
        if entities_are_whole(text) && !text.contains("]]>") { Ok(()) } else { Err(FORM) }
    }

    fn tag(&mut self) -> Result<(), Fault> {
        if self.take("<!--") {
            self.until("--")?;
            return if self.take(">") { Ok(()) } else { Err(FORM) };
        }
        if self.take("<!") || self.take("<?") {
            return Err(DECLARATION);
        }
        if self.take("</") {
            let name = self.until(">")?.trim_end_matches(is_white);
            return if self.open.pop() == Some(name) { Ok(()) } else { Err(FORM) };
        }
        if !self.take("<") {
            return Err(FORM);
        }
        let name = self.name()?;
        if ELEMENTS.binary_search(&name).is_err() {
            return Err(ELEMENT);
        }
        let mut attributes = Vec::new();
        loop {
            let spaced = self.rest.starts_with(is_white);
            self.rest = self.rest.trim_start_matches(is_white);
            if self.take("/>") {
                return Ok(());
            }
            if self.take(">") {
                self.open.push(name);
                return if self.open.len() > XHTML_DEPTH_MAX { Err(DEEP) } else { Ok(()) };
            }
            if !spaced {
                return Err(FORM);
            }
            let attribute = self.attribute(name)?;
            if attributes.contains(&attribute) {
                return Err(FORM);
            }
            attributes.push(attribute);
        }
    }

    fn name(&mut self) -> Result<&'a str, Fault> {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_'));
        let end = self.rest.find(ends).ok_or(FORM)?;
        let (name, rest) = self.rest.split_at_checked(end).ok_or(FORM)?;
        self.rest = rest;
        if name.is_empty() { Err(FORM) } else { Ok(name) }
    }

    /// Takes an attribute; returns its name, of which there is but one in a tag.
    fn attribute(&mut self, element: &str) -> Result<&'a str, Fault> {
        let name = self.name()?;
        self.rest = self.rest.trim_start_matches(is_white);
        if !self.take("=") {
            return Err(FORM);
        }
        self.rest = self.rest.trim_start_matches(is_white);
        let quote = if self.take("\"") {
            "\""
        } else if self.take("'") {
            "'"
        } else {
            return Err(FORM);
        };
        let value = self.until(quote)?;
        if ATTRIBUTES.binary_search(&name).is_err() {
            return Err(ATTRIBUTE);
        }
        if value.contains('<') || !entities_are_whole(value) {
            return Err(FORM);
        }
        let harmless = match name {
            "href" | "src" | "cite" | "longdesc" => is_harmless_link(element, value),
            "style" => is_harmless_style(value),
            "xmlns" if value != XHTML => return Err(ELEMENT),
            // A name for nothing: Namespaces in XML, 5.
            "xmlns:xsi" if value.is_empty() => return Err(FORM),
            _ => true,
        };
        if harmless { Ok(name) } else { Err(ACTIVE) }
    }
}

/// White space as XML has it. <https://www.w3.org/TR/xml/#NT-S>
fn is_white(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Every `&` begins a reference to a character that XHTML can hold: `&name;`, `&#9;` or `&#x9;`.
fn entities_are_whole(text: &str) -> bool {
    text.split('&').skip(1).all(|part| {
        let Some((name, _)) = part.split_once(';') else { return false };
        let Some(number) = name.strip_prefix('#') else { return is_named(name) };
        if !number.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return false;
        }
        let code = match number.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        code.is_ok_and(|code| char::from_u32(code).is_some_and(is_character))
    })
}

fn is_named(name: &str) -> bool {
    matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") || named(name).is_some()
}

/// <https://www.w3.org/TR/xml/#charsets>
fn is_character(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A browser drops control characters from a scheme and decodes entities, so that neither may hide
/// one. Images alone may carry their data.
fn is_harmless_link(element: &str, value: &str) -> bool {
    let hidden = value.split('&').skip(1).any(|part| !part.starts_with("amp;"));
    let head = value.trim().split(['/', '?', '#']).next().unwrap_or_default();
    match head.split_once(':') {
        _ if hidden => false,
        None => true,
        Some((scheme, _)) => {
            let scheme = scheme.to_ascii_lowercase();
            SCHEMES.binary_search(&scheme.as_str()).is_ok()
                && (scheme != "data" || element == "img")
        }
    }
}

fn is_harmless_style(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    !["url(", "expression(", "@import", "javascript:", "\\"].iter().any(|word| value.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        assert!(ELEMENTS.is_sorted() && ATTRIBUTES.is_sorted() && SCHEMES.is_sorted());
    }

    #[test]
    fn passes() {
        for inside in [
            "a",
            "a &lt; b &#160; &nbsp;",
            "<p class='x'>a<br/>b<br />c</p><!-- <b> -->",
            "<img src=\"data:image/png;base64,QQ==\" alt=\"\"/>",
            "&#xA0;&apos;\u{9}\u{a}\u{d}",
            "<a href=\"http://h/x:y\">a</a><a href=\"#x\" name='n'>b</a><a href=\"Patient/1\">c</a>",
            "<a href=\"x?a=1&amp;b=2\">d</a>",
            "<table border=\"1\"><tr><td colspan=\"2\" style=\"color: red\">é</td></tr></table>",
        ] {
            let text = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inside}</div>");
            assert_eq!(check(&text), Ok(()), "{inside}");
        }
    }

    #[test]
    fn refuses() {
        for (text, fault) in [
            ("<p>a</p>", ONE_DIV),
            ("<div>a</div><div>b</div>", ONE_DIV),
            ("<div>a</div> b", ONE_DIV),
            ("a", ONE_DIV),
            ("<div>a", FORM),
            ("<div>a<br></div>", FORM),
            ("<div><b>a</div></b>", FORM),
            ("<div>a & b</div>", FORM),
            ("<div><!-- a--b -->a</div>", FORM),
            ("<div><!-- a --->a</div>", FORM),
            ("<div><p xmlns=\"urn:x\">a</p></div>", ELEMENT),
            ("<div>a &bogus; b</div>", FORM),
            ("<div>a &#1; &#x1F;</div>", FORM),
            ("<div>a &#xD800;</div>", FORM),
            ("<div>a &#+65;</div>", FORM),
            ("<div>a\u{1}</div>", CHARACTER),
            ("<div title=\"\u{1f}\">a</div>", CHARACTER),
            ("<div>a &b</div>", FORM),
            ("<div>a ]]> b</div>", FORM),
            ("<div><p class=\"a\" class=\"b\">a</p></div>", FORM),
            ("<div\u{a0}class=\"a\">a</div>", FORM),
            ("<div><b>a</b\u{2028}></div>", FORM),
            ("<div xmlns:xsi=\"\">a</div>", FORM),
            ("<div class=x>a</div>", FORM),
            ("<div class=\"x\"id=\"y\">a</div>", FORM),
            ("<div class=\"x>a</div>", FORM),
            ("<div title=\"<b>\">a</div>", FORM),
            ("<div", FORM),
            ("<divx>a</divx>", ELEMENT),
            ("<div><script>a</script></div>", ELEMENT),
            ("<div><SCRIPT>a</SCRIPT></div>", ELEMENT),
            ("<div><iframe src=\"x\"/></div>", ELEMENT),
            ("<div><svg:x>a</svg:x></div>", ELEMENT),
            ("<div onclick=\"x\">a</div>", ATTRIBUTE),
            ("<div><!DOCTYPE x>a</div>", DECLARATION),
            ("<div><![CDATA[x]]>a</div>", DECLARATION),
            ("<div><?x y?>a</div>", DECLARATION),
            ("<div><a href=\"javascript:x\">a</a></div>", ACTIVE),
            ("<div><a href=\" JavaScript:x\">a</a></div>", ACTIVE),
            ("<div><a href=\"java\tscript:x\">a</a></div>", ACTIVE),
            ("<div><a href=\"javascript&#58;x\">a</a></div>", ACTIVE),
            ("<div><a href=\"&#106;avascript:x\">a</a></div>", ACTIVE),
            // XHTML has no such name.
            ("<div><a href=\"javascript&colon;x\">a</a></div>", FORM),
            ("<div><a href=\"data:text/html,x\">a</a></div>", ACTIVE),
            ("<div style=\"background: URL(x)\">a</div>", ACTIVE),
        ] {
            assert_eq!(check(text), Err(fault), "{text}");
        }
        let deep = format!("<div>{}a{}</div>", "<b>".repeat(101), "</b>".repeat(101));
        assert_eq!(check(&deep), Err(DEEP));
    }
}
