//! Writes JSON text straight into a buffer: no value tree, no allocation per element.

use crate::code::{Code, UCUM};
use crate::date::{Day, Moment, write_day};
use crate::id::Id;

/// How a patient's resources name each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// `urn:uuid:…`, resolved by the server within a transaction.
    Urn,
    /// `Type/id`.
    Literal,
}

/// A writer. Commas follow from the last byte written, so there is no state to get wrong.
pub(crate) struct Json<'a> {
    out: &'a mut Vec<u8>,
    naming: Naming,
}

impl<'a> Json<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>, naming: Naming) -> Self {
        Self { out, naming }
    }

    fn lead(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':' | b'\n')) {
            self.out.push(b',');
        }
    }

    fn key(&mut self, key: &str) {
        self.lead();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn quoted(&mut self, text: &str) {
        self.out.push(b'"');
        for &byte in text.as_bytes() {
            if matches!(byte, b'"' | b'\\') {
                self.out.push(b'\\');
            }
            // Texts are ours: none holds a control character.
            self.out.push(byte);
        }
        self.out.push(b'"');
    }

    /// A member of type string.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        self.quoted(value);
    }

    /// A member whose value is JSON text already: a number or a boolean.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// A member of type boolean.
    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.raw(key, if value { "true" } else { "false" });
    }

    /// A whole number.
    pub(crate) fn number(&mut self, key: &str, value: i64) {
        self.decimal(key, value, 0);
    }

    /// A whole number in an array.
    pub(crate) fn integer(&mut self, value: u8) {
        self.lead();
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    /// A decimal of `scaled` over ten to the `places`, with all its places: `7.0` stays `7.0`.
    pub(crate) fn decimal(&mut self, key: &str, scaled: i64, places: u32) {
        self.key(key);
        if scaled < 0 {
            self.out.push(b'-');
        }
        let mut digits = [b'0'; 24];
        let mut rest = scaled.unsigned_abs();
        let mut count = 0;
        for slot in digits.iter_mut().rev() {
            *slot = b'0' + (rest % 10) as u8;
            rest /= 10;
            count += 1;
            if rest == 0 && count > places {
                break;
            }
        }
        let shown = digits.iter().skip(digits.len() - count as usize);
        for (n, digit) in shown.enumerate() {
            if places > 0 && n as u32 == count - places {
                self.out.push(b'.');
            }
            self.out.push(*digit);
        }
    }

    /// A member of type date.
    pub(crate) fn day(&mut self, key: &str, day: Day) {
        self.key(key);
        self.out.push(b'"');
        write_day(day, self.out);
        self.out.push(b'"');
    }

    /// A member of type dateTime or instant.
    pub(crate) fn moment(&mut self, key: &str, moment: Moment) {
        self.key(key);
        self.out.push(b'"');
        moment.write(self.out);
        self.out.push(b'"');
    }

    /// A member that is an object.
    pub(crate) fn object(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.key(key);
        self.braces(body);
    }

    /// A member that is an array.
    pub(crate) fn array(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.key(key);
        self.out.push(b'[');
        body(self);
        self.out.push(b']');
    }

    /// A member that is an array of one object.
    pub(crate) fn one(&mut self, key: &str, body: impl FnOnce(&mut Self)) {
        self.array(key, |w| w.item(body));
    }

    /// An object in an array.
    pub(crate) fn item(&mut self, body: impl FnOnce(&mut Self)) {
        self.lead();
        self.braces(body);
    }

    /// A string in an array.
    pub(crate) fn string(&mut self, text: &str) {
        self.lead();
        self.quoted(text);
    }

    /// A member that is an array of strings.
    pub(crate) fn strings(&mut self, key: &str, texts: &[&str]) {
        self.array(key, |w| texts.iter().for_each(|text| w.string(text)));
    }

    fn braces(&mut self, body: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        body(self);
        self.out.push(b'}');
    }

    /// A member that is an id.
    pub(crate) fn id(&mut self, key: &str, id: Id) {
        self.key(key);
        self.out.push(b'"');
        id.write(self.out);
        self.out.push(b'"');
    }

    /// A member `Type/id` or `urn:uuid:id`, by the naming in force.
    pub(crate) fn address(&mut self, key: &str, kind: &str, id: Id) {
        match self.naming {
            Naming::Urn => self.prefixed(key, "urn:uuid", b':', id),
            Naming::Literal => self.prefixed(key, kind, b'/', id),
        }
    }

    /// A member `prefix`, separator, id.
    pub(crate) fn prefixed(&mut self, key: &str, prefix: &str, separator: u8, id: Id) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(prefix.as_bytes());
        self.out.push(separator);
        id.write(self.out);
        self.out.push(b'"');
    }

    /// A Reference to a resource of the same patient.
    pub(crate) fn refer(&mut self, key: &str, kind: &str, id: Id) {
        self.object(key, |w| w.address("reference", kind, id));
    }

    /// A Reference to a resource that patients share: always `Type/id`.
    pub(crate) fn refer_shared(&mut self, key: &str, kind: &str, id: Id) {
        self.object(key, |w| w.prefixed("reference", kind, b'/', id));
    }

    /// A Coding's members, in the object that is open.
    pub(crate) fn coding(&mut self, code: &Code) {
        self.text("system", code.system);
        self.text("code", code.code);
        self.text("display", code.display);
    }

    /// A CodeableConcept's members, in the object that is open; its text is the first display.
    pub(crate) fn codings(&mut self, codes: &[Code]) {
        self.array("coding", |w| codes.iter().for_each(|code| w.item(|w| w.coding(code))));
        if let Some(first) = codes.first() {
            self.text("text", first.display);
        }
    }

    /// A CodeableConcept.
    pub(crate) fn concept(&mut self, key: &str, codes: &[Code]) {
        self.object(key, |w| w.codings(codes));
    }

    /// An array of one CodeableConcept.
    pub(crate) fn concepts(&mut self, key: &str, codes: &[Code]) {
        self.one(key, |w| w.codings(codes));
    }

    /// A CodeableConcept of one coding and no text, for the status-like ones.
    pub(crate) fn status_concept(&mut self, key: &str, code: &Code) {
        self.object(key, |w| w.one("coding", |w| w.coding(code)));
    }

    /// A Quantity in a UCUM unit.
    pub(crate) fn quantity(&mut self, key: &str, scaled: i64, places: u32, unit: (&str, &str)) {
        self.object(key, |w| {
            w.decimal("value", scaled, places);
            w.text("unit", unit.0);
            w.text("system", UCUM);
            w.text("code", unit.1);
        });
    }

    /// Money in dollars, from cents.
    pub(crate) fn money(&mut self, key: &str, cents: i64) {
        self.object(key, |w| {
            w.decimal("value", cents, 2);
            w.text("currency", "USD");
        });
    }

    /// A Period of moments.
    pub(crate) fn period(&mut self, key: &str, start: Moment, end: Moment) {
        self.object(key, |w| {
            w.moment("start", start);
            w.moment("end", end);
        });
    }

    /// `resourceType`, `id` and `meta.profile`: what every resource starts with.
    pub(crate) fn head(&mut self, kind: &str, id: Id, profile: Option<&str>) {
        self.text("resourceType", kind);
        self.id("id", id);
        if let Some(profile) = profile {
            self.object("meta", |w| w.strings("profile", &[profile]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    fn written(body: impl FnOnce(&mut Json<'_>)) -> String {
        let mut out = Vec::new();
        Json::new(&mut out, Naming::Urn).item(body);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn decimals_keep_their_places() {
        for (scaled, places, text) in [
            (70, 1, "7.0"),
            (5, 2, "0.05"),
            (0, 0, "0"),
            (0, 2, "0.00"),
            (-123, 1, "-12.3"),
            (1234, 0, "1234"),
            (100_000, 2, "1000.00"),
        ] {
            assert_eq!(written(|w| w.decimal("v", scaled, places)), format!("{{\"v\":{text}}}"));
        }
    }

    #[test]
    fn commas_and_escapes() {
        let text = written(|w| {
            w.text("a", "say \"hi\" \\ é");
            w.array("b", |w| {
                w.string("x");
                w.string("y");
                w.item(|_| {});
            });
            w.object("c", |w| w.flag("d", true));
        });
        assert_eq!(text, r#"{"a":"say \"hi\" \\ é","b":["x","y",{}],"c":{"d":true}}"#);
        let id = Id::derive(1, Stream::Identity, 1, 1);
        let urn = written(|w| w.refer("subject", "Patient", id));
        assert_eq!(urn, format!(r#"{{"subject":{{"reference":"urn:uuid:{id}"}}}}"#));
    }
}
