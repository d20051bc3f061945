//! Where an element stands in the text that was sent: for people who look for what is wrong with it.

/// A place in a text, both from 1. Columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The place of an element by its path, as `Patient.name[0].given[1]`; where it is not there, of what is there of
/// the way to it. `below` leads from the text's root to what the path begins with, as `parameter[1].resource`.
/// The text must be JSON; `None` where it is not.
#[must_use]
pub fn place(text: &[u8], below: &str, path: &str) -> Option<Place> {
    let below = below.split('.').filter(|part| !part.is_empty());
    let steps = below.chain(path.split('.').skip(1));
    let mut reader = Reader { text, at: 0 };
    reader.space();
    let mut found = reader.at;
    for step in steps {
        let (name, index) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        if !reader.enter(name)? {
            break;
        }
        found = reader.at;
        if let Some(index) = index {
            if !reader.item(index)? {
                break;
            }
            found = reader.at;
        }
    }
    let before = text.get(..found)?;
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(before.get(start..)?).chars().count() + 1;
    Some(Place { line, column })
}

/// Goes over a text, a value at a time.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Passes a byte that must be next.
    fn pass(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// From an object to the value of a member; `false` where there is none. Of a choice, that of any type.
    fn enter(&mut self, name: &str) -> Option<bool> {
        self.space();
        if self.peek()? != b'{' {
            return Some(false);
        }
        self.at += 1;
        let mut partner = None;
        loop {
            self.space();
            if self.peek()? == b'}' {
                break;
            }
            let key = self.string()?;
            self.pass(b':')?;
            self.space();
            let plain = key.strip_prefix(b"_").unwrap_or(key);
            if is_of(plain, name.as_bytes()) {
                if plain.len() == key.len() {
                    return Some(true);
                }
                partner = Some(self.at);
            }
            self.skip()?;
            self.space();
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.at = partner.unwrap_or(self.at);
        Some(partner.is_some())
    }

    /// From a list to one of its items; `false` where there is none.
    fn item(&mut self, index: usize) -> Option<bool> {
        if self.peek()? != b'[' {
            return Some(false);
        }
        self.at += 1;
        for _ in 0..index {
            self.space();
            if self.peek()? == b']' {
                return Some(false);
            }
            self.skip()?;
            self.space();
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.space();
        Some(self.peek()? != b']')
    }

    /// Passes a string, and yields it as it is written.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.pass(b'"')?;
        let start = self.at;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let text = self.text;
        text.get(start..self.at - 1)
    }

    /// Passes a value, however deep.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.space();
            match self.peek()? {
                b'"' => {
                    self.string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                _ => {
                    let plain = |b: u8| !b.is_ascii_whitespace() && !b",:{}[]\"".contains(&b);
                    let start = self.at;
                    while self.peek().is_some_and(plain) {
                        self.at += 1;
                    }
                    if self.at == start {
                        return None;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// Whether a key is an element's: `valueQuantity` is `value`'s.
fn is_of(key: &[u8], name: &[u8]) -> bool {
    let rest = key.strip_prefix(name);
    rest.is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_elements() {
        let text = "{\n  \"resourceType\": \"Patient\",\n  \"name\": [\n    {\"family\": \"ä\", \"given\": [\"a\", \"}]\\\"\",\n      \"c\"]}\n  ],\n  \"_birthDate\": {\"id\": \"x\"},\n  \"deceasedBoolean\": true\n}";
        for (path, line, column) in [
            ("Patient", 1, 1),
            ("Patient.name", 3, 11),
            ("Patient.name[0]", 4, 5),
            ("Patient.name[0].family", 4, 16),
            ("Patient.name[0].given[1]", 4, 36),
            ("Patient.name[0].given[2]", 5, 7),
            ("Patient.birthDate", 7, 17),
            ("Patient.deceased", 8, 22),
            // What is there of the way.
            ("Patient.name[0].period.start", 4, 5),
            ("Patient.name[7]", 3, 11),
            ("Patient.contact", 1, 1),
        ] {
            assert_eq!(place(text.as_bytes(), "", path), Some(Place { line, column }), "{path}");
        }
        let text = r#"{"parameter":[{"name":"a"},{"resource":{"active":1}}]}"#;
        let found = place(text.as_bytes(), "parameter[1].resource", "Patient.active");
        assert_eq!(found, Some(Place { line: 1, column: 50 }));
    }

    #[test]
    fn ends_on_what_is_no_json() {
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":[1,",
            "{\"b\":}",
            "[",
            "{\"b\":\"\\",
            "{\"b\":,,",
        ] {
            let _nothing_hangs = place(text.as_bytes(), "", "P.a[3].b");
        }
    }
}
