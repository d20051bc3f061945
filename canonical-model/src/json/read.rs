//! The reader. One pass, bounded depth, and every refusal names the path and the place.

use std::collections::HashSet;

use super::{Number, Object, Text, Value};
use crate::limits::{
    JSON_DEPTH_AROUND, JSON_DEPTH_MAX, JSON_EXPONENT_MAX, JSON_MEMBERS_MAX, JSON_NUMBER_BYTES_MAX,
    JSON_VALUES_MAX,
};
use crate::{Error, Issue, IssueCode, Kind, Result};

/// Reads one JSON value that fills the input.
///
/// # Errors
/// 400 with path, line and column for: invalid UTF-8, syntax, duplicate keys, NUL, unpaired
/// surrogates, nesting over [`JSON_DEPTH_MAX`], numbers over their limits.
pub fn parse(bytes: &[u8]) -> Result<Value> {
    parse_within(bytes, Most { depth: JSON_DEPTH_MAX, values: JSON_VALUES_MAX })
}

/// Reads a text that this server wrote: what it puts around resources, as a bundle, may nest deeper and hold more
/// than what it reads of others.
///
/// # Errors
/// As [`parse`], but for the count of values.
pub fn parse_own(bytes: &[u8]) -> Result<Value> {
    parse_within(bytes, Most { depth: JSON_DEPTH_MAX + JSON_DEPTH_AROUND, values: usize::MAX })
}

/// A number as JSON writes it, within its limits.
pub(super) fn number(text: &str) -> Option<Number> {
    let most = Most { depth: 0, values: 0 };
    let mut reader =
        Reader { bytes: text.as_bytes(), text, at: 0, values: 0, path: Vec::new(), most };
    let number = reader.number().ok()?;
    (reader.at == text.len()).then_some(number)
}

fn parse_within(bytes: &[u8], most: Most) -> Result<Value> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
        Err(fault) => return Err(refuse(bytes, fault.valid_up_to(), "", "not UTF-8")),
    };
    let mut reader =
        Reader { bytes: text.as_bytes(), text, at: 0, values: 0, path: Vec::new(), most };
    let outcome = reader.document();
    outcome.map_err(|fault| {
        let path = render_path(&reader.path);
        refuse(reader.bytes, fault.at, &path, fault.what)
    })
}

/// How much a text may hold.
#[derive(Clone, Copy)]
struct Most {
    /// Levels of nesting.
    depth: usize,
    /// Values of every level.
    values: usize,
}

/// Where and why reading stopped; the path is the reader's at that moment.
struct Fault {
    at: usize,
    what: &'static str,
}

enum Step {
    Key(Text),
    Index(usize),
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    values: usize,
    path: Vec<Step>,
    most: Most,
}

type Read<T> = std::result::Result<T, Fault>;

impl Reader<'_> {
    fn document(&mut self) -> Read<Value> {
        let value = self.value(0)?;
        self.white();
        if self.at < self.bytes.len() {
            self.fail("text after the end of the value")
        } else {
            Ok(value)
        }
    }

    fn fail<T>(&self, what: &'static str) -> Read<T> {
        Err(Fault { at: self.at, what })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        self.white();
        self.values += 1;
        if self.values > self.most.values {
            return self.fail("more than 1000000 values in one text");
        }
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => self.fail("expected a JSON value"),
            None => self.fail("the text ends in the middle of a value"),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) == Some(word.as_bytes()) {
            self.at = end;
            Ok(value)
        } else {
            self.fail("expected a JSON value")
        }
    }

    fn enter(&mut self, depth: usize) -> Read<()> {
        if depth > self.most.depth {
            return self.fail("nested deeper than 64 levels");
        }
        self.at += 1;
        self.white();
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Read<Value> {
        self.enter(depth)?;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(items));
        }
        loop {
            self.path.push(Step::Index(items.len()));
            items.push(self.value(depth)?);
            self.path.pop();
            self.white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Array(items));
                }
                _ => return self.fail("expected `,` or `]`"),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.enter(depth)?;
        let mut members: Vec<(Text, Value)> = Vec::new();
        let mut seen = Seen::default();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(Object(members)));
        }
        loop {
            self.white();
            if self.peek() != Some(b'"') {
                return self.fail("expected a member name in quotes");
            }
            let start = self.at;
            let key = self.string()?;
            self.path.push(Step::Key(key.clone()));
            if seen.repeats(&key, &members) {
                return Err(Fault { at: start, what: "this member occurs twice" });
            }
            if members.len() >= JSON_MEMBERS_MAX {
                return Err(Fault { at: start, what: "more than 1000 members in one object" });
            }
            self.white();
            if self.peek() != Some(b':') {
                return self.fail("expected `:`");
            }
            self.at += 1;
            let value = self.value(depth)?;
            members.push((key, value));
            self.path.pop();
            self.white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(Object(members)));
                }
                _ => return self.fail("expected `,` or `}`"),
            }
        }
    }

    fn string(&mut self) -> Read<Text> {
        self.at += 1;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let text = self.slice(start)?.into();
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => return self.escaped(start),
                Some(byte) if byte >= 0x20 => self.at += 1,
                Some(_) => return self.fail("a control character must be escaped"),
                None => return self.fail("a string without its closing quote"),
            }
        }
    }

    /// The text from `start` to here. Both fall on ASCII bytes, so on character boundaries.
    fn slice(&self, start: usize) -> Read<&str> {
        self.text.get(start..self.at).ok_or(Fault { at: start, what: "not UTF-8" })
    }

    fn escaped(&mut self, start: usize) -> Read<Text> {
        let mut out = String::from(self.slice(start)?);
        let mut run = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    out.push_str(self.slice(run)?);
                    self.at += 1;
                    return Ok(out.into());
                }
                Some(b'\\') => {
                    out.push_str(self.slice(run)?);
                    out.push(self.escape()?);
                    run = self.at;
                }
                Some(byte) if byte >= 0x20 => self.at += 1,
                Some(_) => return self.fail("a control character must be escaped"),
                None => return self.fail("a string without its closing quote"),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let letter = self.bytes.get(self.at + 1).copied();
        let plain = match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.fail("an unknown escape"),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Read<char> {
        let start = self.at;
        let first = self.unit()?;
        let point = match first {
            0 => return Err(Fault { at: start, what: "the character NUL is not allowed" }),
            0xd800..=0xdbff => {
                if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                    return Err(Fault { at: start, what: "an unpaired surrogate" });
                }
                match self.unit()? {
                    low @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00),
                    _ => return Err(Fault { at: start, what: "an unpaired surrogate" }),
                }
            }
            plain => plain,
        };
        char::from_u32(point).ok_or(Fault { at: start, what: "an unpaired surrogate" })
    }

    /// Reads `\uXXXX` at the cursor.
    fn unit(&mut self) -> Read<u32> {
        let digits = self.text.get(self.at + 2..self.at + 6);
        let hex = digits.filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
        match hex.and_then(|text| u32::from_str_radix(text, 16).ok()) {
            Some(unit) => {
                self.at += 6;
                Ok(unit)
            }
            None => self.fail("`\\u` needs four hexadecimal digits"),
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Read<Number> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(Fault { at: start, what: "not a JSON number" });
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(Fault { at: start, what: "not a JSON number" });
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.exponent(start)?;
        }
        if self.at - start > JSON_NUMBER_BYTES_MAX {
            return Err(Fault { at: start, what: "a number longer than 64 characters" });
        }
        Ok(Number(self.slice(start)?.into()))
    }

    fn exponent(&mut self, start: usize) -> Read<()> {
        self.at += 1;
        if matches!(self.peek(), Some(b'+' | b'-')) {
            self.at += 1;
        }
        let from = self.at;
        if self.digits() == 0 {
            return Err(Fault { at: start, what: "not a JSON number" });
        }
        match self.slice(from)?.parse::<u32>() {
            Ok(size) if size <= JSON_EXPONENT_MAX => Ok(()),
            _ => Err(Fault { at: start, what: "an exponent beyond 300" }),
        }
    }
}

/// Finds repeated keys: by a scan while an object is small, by a set when it grows.
#[derive(Default)]
struct Seen(HashSet<Text>);

impl Seen {
    const SCAN_MAX: usize = 24;

    fn repeats(&mut self, key: &Text, members: &[(Text, Value)]) -> bool {
        if members.len() < Self::SCAN_MAX {
            return members.iter().any(|(name, _)| name == key);
        }
        if self.0.is_empty() {
            self.0.extend(members.iter().map(|(name, _)| name.clone()));
        }
        !self.0.insert(key.clone())
    }
}

fn render_path(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                // A key is the sender's text: shown only if it looks like an element's name.
                let tame =
                    key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                out.push_str(if tame { key } else { "?" });
            }
            Step::Index(n) => out.push_str(&format!("[{n}]")),
        }
    }
    out
}

fn refuse(bytes: &[u8], at: usize, path: &str, what: &str) -> Error {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
    let mut issue = Issue::error(
        IssueCode::Structure,
        format!("JSON: {what}, at line {line}, column {column}"),
    );
    if !path.is_empty() {
        issue = issue.at(path);
    }
    Error::from_issues(Kind::Invalid, vec![issue])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &[u8]) -> String {
        parse(text).expect_err("must be refused").to_string()
    }

    #[test]
    fn keeps_numbers_and_order() {
        for text in [
            r#"{"b":1.50,"a":[1,-0,1E+2,null,true],"s":"\"\\\u0001é😀"}"#,
            r#"[]"#,
            r#"{"given":["A",null],"_given":[null,{"id":"x"}]}"#,
        ] {
            assert_eq!(parse(text.as_bytes()).expect(text).to_text(), text);
        }
    }

    #[test]
    fn equality_ignores_member_order_only() {
        let read = |text: &str| parse(text.as_bytes()).expect(text);
        assert_eq!(read(r#"{"a":1,"b":2}"#), read(r#"{"b":2,"a":1}"#));
        assert_ne!(read(r#"{"a":1.0}"#), read(r#"{"a":1.00}"#));
        assert_ne!(read(r#"{"a":1}"#), read(r#"{"b":1}"#));
    }

    #[test]
    fn refuses_with_path_and_place() {
        assert_eq!(
            refused(b"{\"name\":[{\"family\":\"A\",\n \"family\":\"B\"}]}"),
            "Invalid: name[0].family: JSON: this member occurs twice, at line 2, column 2"
        );
        assert!(refused(br#"{"a":"\u0000"}"#).contains("NUL"));
        assert!(refused(br#"{"a":"\ud800x"}"#).contains("surrogate"));
        assert!(refused(b"{\"a\":\"\xff\"}").contains("UTF-8"));
        assert!(refused(&vec![b'['; 100_000]).contains("deeper"));
        assert!(refused(b"[1e99999]").contains("exponent"));
        for bad in
            ["", "{", "[1,]", "{\"a\"}", "01", "1.", "-", "nul", "\"", "[1] 2", "{a:1}", "\"\n\""]
        {
            refused(bad.as_bytes());
        }
    }

    #[test]
    fn our_own_texts_may_hold_more_around_what_was_read() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let (read, own) = (deep(JSON_DEPTH_MAX), deep(JSON_DEPTH_MAX + JSON_DEPTH_AROUND));
        assert!(parse(read.as_bytes()).is_ok() && parse_own(own.as_bytes()).is_ok());
        assert!(parse(own.as_bytes()).is_err());
        assert!(parse_own(deep(JSON_DEPTH_MAX + JSON_DEPTH_AROUND + 1).as_bytes()).is_err());
    }

    #[test]
    fn reads_numbers_alone() {
        for text in ["0", "-0", "1.50", "1E+2", "12345678901234567890"] {
            assert_eq!(Number::parse(text).expect(text).as_str(), text);
        }
        for text in ["", "+1", "01", "1.", ".5", " 1", "1 ", "1e999", "NaN", "0x1", "1,5"] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn values_are_counted() {
        let items = |count: usize| format!("[{}0]", "0,".repeat(count - 2));
        assert!(parse(items(JSON_VALUES_MAX).as_bytes()).is_ok());
        assert!(refused(items(JSON_VALUES_MAX + 1).as_bytes()).contains("1000000"));
    }

    #[test]
    fn many_members_are_checked_for_repeats() {
        let mut text: String = (0..100).map(|n| format!("\"k{n}\":1,")).collect();
        text.insert(0, '{');
        assert!(parse(format!("{text}\"z\":1}}").as_bytes()).is_ok());
        assert!(refused(format!("{text}\"k50\":1}}").as_bytes()).contains("k50"));
    }
}
