//! Page links: opaque text for a place in a walk, bound to the client that walks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canonical_model::{Error, Result};
use chrono::DateTime;
use search::Hasher;
use store::{HistoryKey, PageKey, PageValue};

/// Between fields; in no snapshot and in no folded string.
const FIELD: char = '\u{1f}';

/// Writes a search's place.
pub(crate) fn write(hasher: &Hasher, client: &str, key: &PageKey) -> String {
    let mut text = format!("{}{FIELD}{}", key.snapshot, key.rid);
    for value in &key.values {
        text.push(FIELD);
        match value {
            PageValue::Number(number) => text.push_str(&format!("n{number}")),
            PageValue::Float(number) => text.push_str(&format!("f{:x}", number.to_bits())),
            PageValue::Time(time) => text.push_str(&format!("t{}", time.timestamp_micros())),
            PageValue::Text(folded) => text.push_str(&format!("s{folded}")),
        }
    }
    seal(hasher, client, &text)
}

/// Reads a search's place.
///
/// # Errors
/// Invalid where the link is not one of this server for this client.
pub(crate) fn read(hasher: &Hasher, client: &str, link: &str) -> Result<PageKey> {
    let text = open(hasher, client, link)?;
    let mut fields = text.split(FIELD);
    let snapshot = fields.next().unwrap_or_default().to_owned();
    let rid = number(fields.next())?;
    let values = fields.map(value).collect::<Result<_>>()?;
    Ok(PageKey { values, rid, snapshot })
}

fn value(field: &str) -> Result<PageValue> {
    let mut letters = field.chars();
    let kind = letters.next();
    let rest = letters.as_str();
    match kind {
        Some('n') => Ok(PageValue::Number(number(Some(rest))?)),
        Some('f') => {
            let bits = u64::from_str_radix(rest, 16).map_err(|_| foreign())?;
            Ok(PageValue::Float(f64::from_bits(bits)))
        }
        Some('t') => Ok(PageValue::Time(moment(rest)?)),
        Some('s') => Ok(PageValue::Text(rest.to_owned())),
        _ => Err(foreign()),
    }
}

/// Writes a history's place.
pub(crate) fn write_history(hasher: &Hasher, client: &str, key: HistoryKey) -> String {
    let micros = key.last_updated.timestamp_micros();
    seal(hasher, client, &format!("{micros}{FIELD}{}{FIELD}{}", key.rid, key.version))
}

/// Reads a history's place.
///
/// # Errors
/// Invalid where the link is not one of this server for this client.
pub(crate) fn read_history(hasher: &Hasher, client: &str, link: &str) -> Result<HistoryKey> {
    let text = open(hasher, client, link)?;
    let mut fields = text.split(FIELD);
    let last_updated = moment(fields.next().unwrap_or_default())?;
    let rid = number(fields.next())?;
    let version = i32::try_from(number(fields.next())?).map_err(|_| foreign())?;
    Ok(HistoryKey { last_updated, rid, version })
}

fn number(field: Option<&str>) -> Result<i64> {
    field.and_then(|text| text.parse().ok()).ok_or_else(foreign)
}

fn moment(field: &str) -> Result<DateTime<chrono::Utc>> {
    DateTime::from_timestamp_micros(number(Some(field))?).ok_or_else(foreign)
}

fn seal(hasher: &Hasher, client: &str, text: &str) -> String {
    let mark = mark(hasher, client, text);
    URL_SAFE_NO_PAD.encode(format!("{mark:016x}{text}"))
}

fn open(hasher: &Hasher, client: &str, link: &str) -> Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(link).map_err(|_| foreign())?;
    let whole = String::from_utf8(bytes).map_err(|_| foreign())?;
    let (seal, text) = whole.split_at_checked(16).ok_or_else(foreign)?;
    if seal == format!("{:016x}", mark(hasher, client, text)) {
        Ok(text.to_owned())
    } else {
        Err(foreign())
    }
}

fn mark(hasher: &Hasher, client: &str, text: &str) -> i64 {
    hasher.digest(format!("page{FIELD}{client}{FIELD}{text}").as_bytes())
}

fn foreign() -> Error {
    Error::invalid("_page: not a page link of this server for this client. Start the search again.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_bound_to_their_client() {
        let hasher = Hasher::new(b"0123456789abcdef");
        let key = PageKey {
            values: vec![PageValue::Number(-5), PageValue::Text("müller".into())],
            rid: 7,
            snapshot: "10:20:11,12".into(),
        };
        let link = write(&hasher, "a", &key);
        assert_eq!(read(&hasher, "a", &link).expect("own link"), key);
        assert!(read(&hasher, "b", &link).is_err());
        assert!(read(&hasher, "a", &format!("{link}A")).is_err());
        assert!(read(&hasher, "a", "").is_err());
        assert!(read(&hasher, "a", "!!").is_err());
    }
}
