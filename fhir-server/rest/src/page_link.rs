//! Page links: a search and a place in its walk, sealed. Nobody can read a link, which may name a
//! patient; nobody else than the client and user that got it can use it; and it ends with its time, so
//! nothing needs to be kept here.

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, NONCE_LEN, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use canonical_model::{Error, Issue, IssueCode, Kind, Result};
use chrono::{DateTime, Utc};
use domain::Request;
use search::query::{Pair, parse_pairs, write_pairs};
use store::record::JournalKey;
use store::{HistoryKey, PageKey, PageValue, aead};

use crate::app::App;
use crate::limits::{PAGE_KEY_BYTES_MAX, PAGE_LINK_HOURS};

/// Between fields; in no snapshot and in no query that is written, and validation keeps it out of what is sorted.
const FIELD: char = '\u{1f}';

/// Who may use a link, for what, and when.
pub(crate) struct Holder {
    key: [u8; 32],
    binding: String,
    now: DateTime<Utc>,
}

impl Holder {
    pub(crate) fn of(app: &App, request: &Request, path: &str) -> Self {
        let (client, user) = (&request.caller.client_id, &request.caller.subject);
        let user = user.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            key: app.domain.store().hasher().secret("page link"),
            binding: format!("{client}{FIELD}{user}{FIELD}{path}"),
            now: app.domain.now(),
        }
    }
}

/// A search and the place its next page is at.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) pairs: Vec<Pair>,
    /// `None` for the first page.
    pub(crate) key: Option<PageKey>,
}

/// Writes a search and its place.
pub(crate) fn write(holder: &Holder, pairs: &[Pair], key: Option<&PageKey>) -> Result<String> {
    let mut text = write_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    if let Some(key) = key {
        let way = if key.backward { "<" } else { ">" };
        let walked = if key.walked { "|" } else { "" };
        text.push_str(&format!("{FIELD}{way}{walked}{FIELD}{}{FIELD}{}", key.snapshot, key.rid));
        for value in &key.values {
            text.push(FIELD);
            match value {
                PageValue::Number(number) => text.push_str(&format!("n{number}")),
                PageValue::Float(number) => text.push_str(&format!("f{:x}", number.to_bits())),
                PageValue::Time(time) => text.push_str(&format!("t{}", time.timestamp_micros())),
                PageValue::Text(folded) => text.push_str(&format!("s{folded}")),
            }
        }
    }
    seal(holder, &text)
}

/// How long a link may be, in bytes, with the parameter that carries it, to a search that is written in so many.
pub(crate) fn bytes_of(written: usize) -> usize {
    let sealed = NONCE_LEN + written + PAGE_KEY_BYTES_MAX;
    "_page=&".len() + sealed.div_ceil(3) * 4
}

/// Reads a search and its place.
///
/// # Errors
/// Gone where the link has expired; Invalid where it is not one of this server for this caller.
pub(crate) fn read(holder: &Holder, link: &str) -> Result<Place> {
    let text = open(holder, link)?;
    let mut fields = text.split(FIELD);
    let pairs = parse_pairs(fields.next().unwrap_or_default())?;
    let Some(way) = fields.next() else { return Ok(Place { pairs, key: None }) };
    let snapshot = fields.next().unwrap_or_default().to_owned();
    let rid = number(fields.next())?;
    let values = fields.map(value).collect::<Result<_>>()?;
    let (backward, walked) = (way.starts_with('<'), way.ends_with('|'));
    Ok(Place { pairs, key: Some(PageKey { values, rid, snapshot, backward, walked }) })
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
pub(crate) fn write_history(holder: &Holder, key: HistoryKey) -> Result<String> {
    let micros = key.last_updated.timestamp_micros();
    seal(holder, &format!("{micros}{FIELD}{}{FIELD}{}", key.rid, key.version))
}

/// Reads a history's place.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_history(holder: &Holder, link: &str) -> Result<HistoryKey> {
    let text = open(holder, link)?;
    let mut fields = text.split(FIELD);
    let last_updated = moment(fields.next().unwrap_or_default())?;
    let rid = number(fields.next())?;
    let version = i32::try_from(number(fields.next())?).map_err(|_| foreign())?;
    Ok(HistoryKey { last_updated, rid, version })
}

/// Writes what is asked of the record, and a place in it.
pub(crate) fn write_journal(holder: &Holder, pairs: &[Pair], key: JournalKey) -> Result<String> {
    let asked = write_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let JournalKey { era, tx, audit_id } = key;
    seal(holder, &format!("{asked}{FIELD}{era}{FIELD}{tx}{FIELD}{audit_id}"))
}

/// Reads what was asked of the record, and the place.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_journal(holder: &Holder, link: &str) -> Result<(Vec<Pair>, JournalKey)> {
    let text = open(holder, link)?;
    let mut fields = text.split(FIELD);
    let pairs = parse_pairs(fields.next().unwrap_or_default())?;
    let era = i32::try_from(number(fields.next())?).map_err(|_| foreign())?;
    let (tx, audit_id) = (number(fields.next())?, number(fields.next())?);
    Ok((pairs, JournalKey { era, tx, audit_id }))
}

fn number(field: Option<&str>) -> Result<i64> {
    field.and_then(|text| text.parse().ok()).ok_or_else(foreign)
}

fn moment(field: &str) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(number(Some(field))?).ok_or_else(foreign)
}

fn cipher(holder: &Holder) -> Result<LessSafeKey> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &holder.key).map_err(Error::internal)?))
}

/// The time first, so that a link that has ended is told from one that is broken.
fn seal(holder: &Holder, text: &str) -> Result<String> {
    let text = format!("{}{FIELD}{text}", holder.now.timestamp());
    Ok(URL_SAFE_NO_PAD.encode(aead::seal(&cipher(holder)?, &holder.binding, text.as_bytes())?))
}

fn open(holder: &Holder, link: &str) -> Result<String> {
    let sealed = URL_SAFE_NO_PAD.decode(link).map_err(|_| foreign())?;
    let opened = aead::open(&cipher(holder)?, &holder.binding, &sealed).ok_or_else(foreign)?;
    let text = String::from_utf8(opened).map_err(|_| foreign())?;
    let (made, text) = text.split_once(FIELD).ok_or_else(foreign)?;
    let age = holder.now.timestamp() - number(Some(made))?;
    if age > PAGE_LINK_HOURS * 3600 {
        let text = "This page link has expired. Start the search again.";
        return Err(Error::from_issues(
            Kind::Gone,
            vec![Issue::error(IssueCode::Expired, text).at("http._page")],
        ));
    }
    Ok(text.to_owned())
}

fn foreign() -> Error {
    let text = "_page: not a page link of this server for this client. Start the search again.";
    Error::invalid(text).at("http._page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(binding: &str, hours: i64) -> Holder {
        let now = DateTime::from_timestamp(1_700_000_000 + hours * 3600, 0).expect("a time");
        Holder { key: [7; 32], binding: binding.to_owned(), now }
    }

    #[test]
    fn links_are_bound_sealed_and_end() {
        let pairs = vec![("name".to_owned(), "Müller".to_owned())];
        let key = PageKey {
            values: vec![
                PageValue::Number(-5),
                PageValue::Float(1.5),
                PageValue::Text("müller".into()),
            ],
            rid: 7,
            snapshot: "10:20:11,12".into(),
            backward: true,
            walked: true,
        };
        let link = write(&holder("a", 0), &pairs, Some(&key)).expect("a link");
        let place = Place { pairs: pairs.clone(), key: Some(key) };
        assert_eq!(read(&holder("a", PAGE_LINK_HOURS), &link).expect("own link"), place);
        let first = write(&holder("a", 0), &pairs, None).expect("a link");
        assert_eq!(read(&holder("a", 0), &first).expect("own link"), Place { pairs, key: None });
        let kind = |holder: &Holder, link: &str| read(holder, link).map(drop).map_err(|e| e.kind);
        assert_eq!(kind(&holder("a", PAGE_LINK_HOURS + 1), &link), Err(Kind::Gone));
        assert_eq!(kind(&holder("b", 0), &link), Err(Kind::Invalid));
        for broken in [format!("{link}A"), String::new(), "!!".into(), "AAAA".into()] {
            assert_eq!(kind(&holder("a", 0), &broken), Err(Kind::Invalid), "{broken}");
        }
    }
}
