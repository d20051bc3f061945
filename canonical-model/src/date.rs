//! Dates of any precision, and the stretch of time that each of them covers.
//!
//! `1990` is not the first of January: it is a year, and search, sorting and equality must treat it
//! as one. <https://hl7.org/fhir/R4/datatypes.html#dateTime>, <https://hl7.org/fhir/R4/search.html#date>

mod read;
mod span;

use std::cmp::Ordering;

pub use span::{Span, period_span, span_of};

use crate::{Error, Result};

/// Microseconds in a second, minute, hour and day.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

/// How much of a date was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// `2026`
    Year,
    /// `2026-03`
    Month,
    /// `2026-03-01`
    Day,
    /// `2026-03-01T12:30`: in searches only.
    Minute,
    /// `2026-03-01T12:30:00`
    Second,
    /// `2026-03-01T12:30:00.5`: this many digits behind the point count (at most 6).
    Fraction(u8),
}

/// A `date`, `dateTime` or `instant` as it was written. Invariant: a real day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialDateTime {
    year: i16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
    micro: u32,
    precision: Precision,
    zone_minutes: Option<i16>,
}

impl PartialDateTime {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `YYYY-MM-DDThh:mm[:ss[.fraction]][Z|±hh:mm]`.
    ///
    /// # Errors
    /// 400 where the text has another form or names a day or time that does not exist. A leap
    /// second (`:60`) passes.
    pub fn parse(text: &str) -> Result<Self> {
        read::date_time(text.as_bytes()).ok_or_else(|| {
            Error::invalid("A date is YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a zone")
        })
    }

    /// How much was written down.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether a time zone was written down.
    #[must_use]
    pub fn has_zone(&self) -> bool {
        self.zone_minutes.is_some()
    }

    /// The stretch it covers: `lo <= t < hi`, microseconds since 1970 in UTC. A missing zone is UTC.
    #[must_use]
    pub fn range(&self) -> (i64, i64) {
        let lo = self.start();
        let hi = match self.precision {
            Precision::Year => days(self.year + 1, 1, 1) * DAY,
            Precision::Month if self.month == 12 => days(self.year + 1, 1, 1) * DAY,
            Precision::Month => days(self.year, self.month + 1, 1) * DAY,
            Precision::Day => lo + DAY,
            Precision::Minute => lo + MINUTE,
            Precision::Second => lo + SECOND,
            Precision::Fraction(digits) => lo + 10_i64.pow(6 - u32::from(digits.min(6))),
        };
        (lo, hi)
    }

    fn start(&self) -> i64 {
        let clock = i64::from(self.hour) * 60 + i64::from(self.minute);
        let zone = i64::from(self.zone_minutes.unwrap_or(0));
        days(self.year, self.month, self.day) * DAY
            + (clock - zone) * MINUTE
            + i64::from(self.second) * SECOND
            + i64::from(self.micro)
    }

    /// FHIRPath's order: `None` where the precisions differ before an answer is known, as for
    /// `2026` and `2026-03`. Seconds and their fractions count as one precision.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let rank = |date: &Self| date.precision.min(Precision::Second);
        if rank(self) == rank(other) {
            return Some(self.start().cmp(&other.start()));
        }
        let ((lo, hi), (other_lo, other_hi)) = (self.range(), other.range());
        match () {
            () if hi <= other_lo => Some(Ordering::Less),
            () if other_hi <= lo => Some(Ordering::Greater),
            () => None,
        }
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar. The year is taken to begin
/// in March, so that the leap day is its last.
pub(crate) fn days(year: i16, month: u8, day: u8) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The day of the calendar that lies so many days from 1970-01-01.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// `2026-01-02T03:04:05.678Z` for milliseconds since 1970. Years run from 0000 to 9999; what lies
/// beyond is shown as the nearest end.
#[must_use]
pub fn format_instant(millis: i64) -> String {
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_300_799_999;
    let millis = millis.clamp(FIRST, LAST);
    let (year, month, day) = civil(millis.div_euclid(86_400_000));
    let clock = millis.rem_euclid(86_400_000);
    let mut out = String::with_capacity(24);
    let parts = [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (clock / 3_600_000, 2, ':'),
        (clock / 60_000 % 60, 2, ':'),
        (clock / 1_000 % 60, 2, '.'),
        (clock % 1_000, 3, 'Z'),
    ];
    for (number, width, end) in parts {
        for place in (0..width).rev() {
            let digit = number / 10_i64.pow(place) % 10;
            out.push(char::from_digit(u32::try_from(digit).unwrap_or(0), 10).unwrap_or('0'));
        }
        out.push(end);
    }
    out
}

#[cfg(test)]
mod tests;
