//! What somebody asks on the page: whose record, of which days, all or what was disclosed, and where to go on.

use canonical_model::{ResourceId, Result};
use chrono::{DateTime, Utc};
use domain::record::Ask;
use form_urlencoded::Serializer;
use store::record::JournalKey;

use super::{HERE, Reading};
use crate::page::Stop;
use crate::seal::{open, seal};

/// As the address has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) patient: String,
    pub(super) from: String,
    pub(super) to: String,
    /// Whether only what was disclosed is asked for.
    pub(super) disclosures: bool,
    /// Behind which place, sealed; empty at the beginning.
    pub(super) after: String,
}

impl Asked {
    pub(super) fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match &*name {
                "patient" => value.clone_into(&mut asked.patient),
                "from" => value.clone_into(&mut asked.from),
                "to" => value.clone_into(&mut asked.to),
                "show" => asked.disclosures = value == "disclosures",
                "after" => value.clone_into(&mut asked.after),
                _ => {}
            }
        }
        asked
    }

    /// The patient whom it names.
    pub(super) fn id(&self) -> Option<ResourceId> {
        named(&self.patient)
    }

    /// The same as the record is asked.
    ///
    /// # Errors
    /// Invalid where a day is none.
    pub(super) fn ask(&self, now: DateTime<Utc>) -> Result<Ask> {
        let days = [("ge", &self.from), ("le", &self.to)];
        let days = days.into_iter().filter(|(_, day)| !day.is_empty());
        let pairs: Vec<_> =
            days.map(|(prefix, day)| ("date".into(), format!("{prefix}{day}"))).collect();
        let ask = Ask::read(&pairs)?;
        Ok(if self.disclosures { ask.of_six_years(now) } else { ask })
    }

    /// Where older ones are.
    pub(super) fn link(&self, after: &str) -> String {
        self.address(HERE, after)
    }

    /// Where the same is as a table, from its beginning.
    pub(super) fn csv(&self) -> String {
        self.address(&format!("{HERE}.csv"), "")
    }

    fn address(&self, path: &str, after: &str) -> String {
        let show = if self.disclosures { "disclosures" } else { "" };
        let pairs = [
            ("patient", self.patient.as_str()),
            ("from", &self.from),
            ("to", &self.to),
            ("show", show),
            ("after", after),
        ];
        let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        let query = Serializer::new(String::new()).extend_pairs(said).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// The patient of an id, or of a reference.
pub(super) fn named(text: &str) -> Option<ResourceId> {
    ResourceId::parse(text.strip_prefix("Patient/").unwrap_or(text)).ok()
}

impl Reading<'_> {
    /// A place for a link, for this person and this patient alone.
    pub(super) fn seal(
        &self,
        JournalKey { era, tx, audit_id }: JournalKey,
    ) -> Result<String, Stop> {
        let place = format!("{era} {tx} {audit_id}");
        Ok(seal(self.auth.secret(), &self.of(), place.as_bytes())?)
    }

    /// The place that a link has.
    pub(super) fn open(&self, sealed: &str) -> Option<JournalKey> {
        let place = String::from_utf8(open(self.auth.secret(), &self.of(), sealed)?).ok()?;
        let mut parts = place.split(' ');
        let (era, tx, audit_id) = (parts.next()?, parts.next()?, parts.next()?);
        Some(JournalKey {
            era: era.parse().ok()?,
            tx: tx.parse().ok()?,
            audit_id: audit_id.parse().ok()?,
        })
    }

    /// What a place is bound to.
    fn of(&self) -> String {
        format!(
            "place in the record of {} for account {}",
            self.whose.id, self.signed.account.account
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_was_read_from() {
        for (query, again) in [
            ("", HERE),
            ("from=2026-01-01&nonsense=1", "/auth/record?from=2026-01-01"),
            ("show=disclosures&patient=a%26b&to=+", "/auth/record?patient=a%26b&show=disclosures"),
            ("show=everything", HERE),
        ] {
            assert_eq!(Asked::read(query).link(""), again, "{query}");
        }
        assert_eq!(Asked::read("patient=a&after=x").csv(), "/auth/record.csv?patient=a");
    }

    #[test]
    fn days_are_days() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let ask = |query: &str| Asked::read(query).ask(now);
        let ask_of = ask("from=2026-01-01&to=2026-01-31").unwrap();
        assert_eq!(ask_of.from.unwrap().to_rfc3339(), "2026-01-01T00:00:00+00:00");
        assert_eq!(ask_of.to.unwrap().to_rfc3339(), "2026-02-01T00:00:00+00:00");
        assert!(ask("from=yesterday").is_err() && ask("to=2026-13-01").is_err());
        let disclosed = ask("show=disclosures").unwrap();
        let begin = disclosed.from.unwrap().format("%Y-%m-%d").to_string();
        assert!(disclosed.disclosures && begin == "2020-09-21", "{begin}");
    }
}
