//! What must hold of an answer, and in which words it is said that it does not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::answer::Answer;
use crate::variables::Variables;

/// What an answer must be. At least one of them is said, or a step would judge nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Any of these.
    #[serde(default)]
    pub(crate) status: Vec<u16>,
    /// Each header holds the text, whatever its case.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// What the JSON holds.
    #[serde(default)]
    pub(crate) json: Vec<Check>,
    /// The body is exactly this JSON.
    pub(crate) exactly: Option<String>,
    /// Texts that are nowhere in the body.
    #[serde(default)]
    pub(crate) nowhere: Vec<String>,
    /// Texts that are in the body.
    #[serde(default)]
    pub(crate) somewhere: Vec<String>,
    /// A handshake was refused.
    #[serde(default)]
    pub(crate) refused: bool,
}

/// What holds of the value at a JSON pointer.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    /// JSON pointer (RFC 6901); a `*` stands for each item of an array, which must not be empty.
    pub(crate) at: String,
    /// Its kind.
    pub(crate) is: Option<Is>,
    /// The value itself.
    pub(crate) equals: Option<Value>,
    /// How a text begins.
    pub(crate) begins: Option<String>,
    /// Words of an array, or of a text between spaces, that are there.
    #[serde(default)]
    pub(crate) has: Vec<String>,
    /// Words that are not.
    #[serde(default)]
    pub(crate) lacks: Vec<String>,
    /// Every word is one of these.
    #[serde(default)]
    pub(crate) within: Vec<String>,
    /// Bounds of a number, both within.
    pub(crate) between: Option<[f64; 2]>,
    /// How many items an array has.
    pub(crate) count: Option<usize>,
    /// One of the values at a pointer with `*` is enough.
    #[serde(default)]
    pub(crate) some: bool,
}

/// Kinds of values.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Is {
    /// A text that is not empty.
    Text,
    /// A whole or broken number.
    Number,
    /// True or false.
    Boolean,
    /// An array that is not empty.
    List,
    /// An object.
    Object,
    /// An absolute http or https URL.
    Url,
    /// Not there at all.
    Absent,
}

impl Expect {
    /// The way back to the app, with a code.
    pub(crate) fn code() -> Self {
        let code = Check { at: "/code".to_owned(), is: Some(Is::Text), ..Check::default() };
        Self { status: vec![302, 303], json: vec![code], ..Self::default() }
    }

    /// Whether it judges anything.
    pub(crate) fn judges(&self) -> bool {
        !self.status.is_empty() || self.exactly.is_some() || self.refused
    }

    /// The first thing that does not hold.
    pub(crate) fn fault(&self, answer: &Answer, variables: &Variables) -> Option<String> {
        self.status_fault(answer)
            .or_else(|| self.header_fault(answer, variables))
            .or_else(|| self.body_fault(answer, variables))
    }

    fn status_fault(&self, answer: &Answer) -> Option<String> {
        let expected = self.status.is_empty() || self.status.contains(&answer.status);
        (!expected).then(|| format!("status {} in place of {}", answer.status, any(&self.status)))
    }

    fn header_fault(&self, answer: &Answer, variables: &Variables) -> Option<String> {
        self.headers.iter().find_map(|(name, text)| {
            let text = variables.fill(text).ok()?;
            match answer.header(name) {
                None => Some(format!("no header {name}, which must hold `{text}`")),
                Some(value) if value.to_lowercase().contains(&text.to_lowercase()) => None,
                Some(value) => Some(format!("header {name} is `{value}`, it must hold `{text}`")),
            }
        })
    }

    fn body_fault(&self, answer: &Answer, variables: &Variables) -> Option<String> {
        let body = String::from_utf8_lossy(&answer.body);
        for text in &self.nowhere {
            let text = variables.fill(text).unwrap_or_default();
            if !text.is_empty() && body.contains(&text) {
                return Some("the body has what must not be in it".to_owned());
            }
        }
        for text in &self.somewhere {
            let text = variables.fill(text).unwrap_or_default();
            if !body.contains(&text) {
                return Some(format!("the body lacks `{text}`"));
            }
        }
        if self.json.is_empty() && self.exactly.is_none() {
            return None;
        }
        let Some(json) = answer.json() else { return Some("the body is no JSON".to_owned()) };
        if let Some(exactly) = &self.exactly
            && serde_json::from_str(exactly).ok() != Some(json.clone())
        {
            return Some(format!("the body is not exactly `{exactly}`"));
        }
        self.json.iter().find_map(|check| check.fault(&json, variables))
    }
}

impl Check {
    fn fault(&self, json: &Value, variables: &Variables) -> Option<String> {
        let at = &self.at;
        if self.is == Some(Is::Absent) {
            return found(json, at).first().map(|_| format!("`{at}` is there, it must not be"));
        }
        let values = found(json, at);
        if values.is_empty() {
            return Some(format!("`{at}` is not there"));
        }
        let mut faults = values.into_iter().map(|value| self.value_fault(value, variables));
        match self.some {
            true if faults.any(|fault| fault.is_none()) => None,
            true => Some(format!("none of `{at}` is as expected")),
            false => faults.flatten().next(),
        }
    }

    fn value_fault(&self, value: &Value, variables: &Variables) -> Option<String> {
        let at = &self.at;
        let fill = |text: &String| variables.fill(text).unwrap_or_else(|_| text.clone());
        if let Some(kind) = self.is.filter(|kind| !kind.holds(value)) {
            return Some(format!("`{at}` is no {kind:?}").to_lowercase());
        }
        if let Some(equals) = &self.equals {
            let equals = match equals {
                Value::String(text) => Value::String(fill(text)),
                other => other.clone(),
            };
            if *value != equals {
                return Some(format!("`{at}` is another value than the one expected"));
            }
        }
        if let Some(begins) = &self.begins {
            let begins = fill(begins);
            if !value.as_str().is_some_and(|text| text.starts_with(&begins)) {
                return Some(format!("`{at}` does not begin with `{begins}`"));
            }
        }
        let items = || value.as_array().map_or(0, Vec::len);
        if let Some(count) = self.count.filter(|count| *count != items()) {
            return Some(format!("`{at}` has {} items in place of {count}", items()));
        }
        if let Some([low, high]) = self.between
            && !value.as_f64().is_some_and(|it| low <= it && it <= high)
        {
            return Some(format!("`{at}` is not between {low} and {high}"));
        }
        let words = words(value);
        let has = |word: &String| words.contains(&fill(word));
        if let Some(word) = self.has.iter().find(|word| !has(word)) {
            return Some(format!("`{at}` lacks `{}`", fill(word)));
        }
        if let Some(word) = self.lacks.iter().find(|word| has(word)) {
            return Some(format!("`{at}` has `{}`, it must not", fill(word)));
        }
        let within: Vec<String> = self.within.iter().map(fill).collect();
        let outside = words.iter().find(|word| !within.is_empty() && !within.contains(word))?;
        Some(format!("`{at}` has `{outside}`, which is none of those allowed"))
    }
}

impl Is {
    fn holds(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Text => text.is_some_and(|text| !text.is_empty()),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.as_array().is_some_and(|items| !items.is_empty()),
            Self::Object => value.is_object(),
            Self::Url => text
                .and_then(|text| reqwest::Url::parse(text).ok())
                .is_some_and(|url| url.has_host()),
            Self::Absent => false,
        }
    }
}

/// The values at a pointer, of which `*` is each item.
fn found<'a>(json: &'a Value, pointer: &str) -> Vec<&'a Value> {
    match pointer.split_once("/*") {
        None => json.pointer(pointer).into_iter().collect(),
        Some((before, after)) => {
            let items = json.pointer(before).and_then(Value::as_array);
            items.into_iter().flatten().flat_map(|item| found(item, after)).collect()
        }
    }
}

/// The words of an array, or of a text between spaces.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(text) => text.split(' ').map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn any(statuses: &[u16]) -> String {
    let texts: Vec<String> = statuses.iter().map(u16::to_string).collect();
    texts.join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fault(check: &str, json: &Value) -> Option<String> {
        let check: Check = toml::from_str(check).unwrap();
        check.fault(json, &Variables::default())
    }

    #[test]
    fn each_check_holds_and_fails() {
        let json = json!({
            "url": "https://a.example/x", "words": "a b", "list": ["a", "b"], "n": 300,
            "entry": [{"id": "1"}, {"id": "2"}], "none": [], "yes": true,
        });
        for (check, holds) in [
            ("at = '/url'\nis = 'url'", true),
            ("at = '/words'\nis = 'url'", false),
            ("at = '/words'\nhas = ['b']", true),
            ("at = '/list'\nhas = ['c']", false),
            ("at = '/list'\nlacks = ['c']", true),
            ("at = '/list'\nlacks = ['a']", false),
            ("at = '/words'\nwithin = ['a', 'b', 'c']", true),
            ("at = '/words'\nwithin = ['a']", false),
            ("at = '/n'\nbetween = [1.0, 300.0]", true),
            ("at = '/n'\nbetween = [1.0, 299.0]", false),
            ("at = '/n'\nequals = 300", true),
            ("at = '/n'\nequals = '300'", false),
            ("at = '/url'\nbegins = 'https:'", true),
            ("at = '/url'\nbegins = 'http:'", false),
            ("at = '/none'\nis = 'list'", false),
            ("at = '/none/*'\nis = 'text'", false),
            ("at = '/entry/*/id'\nis = 'text'", true),
            ("at = '/entry/*/id'\nequals = '1'", false),
            ("at = '/entry/*/id'\nequals = '2'\nsome = true", true),
            ("at = '/entry/*/id'\nequals = '3'\nsome = true", false),
            ("at = '/entry'\ncount = 2", true),
            ("at = '/entry'\ncount = 3", false),
            ("at = '/none'\ncount = 0", true),
            ("at = '/words'\ncount = 1", false),
            ("at = '/gone'\nis = 'absent'", true),
            ("at = '/yes'\nis = 'absent'", false),
            ("at = '/gone'\nis = 'text'", false),
            ("at = '/yes'\nis = 'boolean'", true),
        ] {
            assert_eq!(fault(check, &json).is_none(), holds, "{check}: {:?}", fault(check, &json));
        }
    }
}
