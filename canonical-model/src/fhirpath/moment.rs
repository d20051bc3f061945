//! Dates and times with the precision they are written in: order, boundaries, arithmetic.
//! <http://hl7.org/fhirpath/N1/#datetime-arithmetic>, <https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time>

use std::cmp::Ordering;

use super::quantity::Span;
use crate::date::{civil, days};

/// The parts in their order: year, month, day, hour, minute, second, and microseconds of it.
const PARTS: usize = 7;
/// Where a time of day begins.
const HOUR: usize = 3;
/// Digits of each part; three at least of the last.
const WIDTHS: [usize; PARTS] = [4, 2, 2, 2, 2, 2, 3];
/// The least of each part, and the most but for days.
const LEAST: [i64; PARTS] = [1, 1, 1, 0, 0, 0, 0];
const MOST: [i64; PARTS] = [9999, 12, 31, 23, 59, 59, 999_999];
/// A last part as it ends: to the millisecond.
const LAST_MILLI: i64 = 999_000;
/// Microseconds.
const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOURS: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOURS;
/// What stands before each part but the first.
const SIGNS: [&str; PARTS] = ["", "-", "-", "T", ":", ":", "."];
/// Time zones that are in use, in minutes: where a moment comes first, and where it comes last.
const EARLIEST: i64 = 14 * 60;
const LATEST: i64 = -12 * 60;

/// A `date`, `dateTime`, `instant` or `time`, as far as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    parts: [i64; PARTS],
    /// The first part that is written: [`HOUR`] for a time of day.
    first: usize,
    /// One behind the last.
    end: usize,
    zone: Option<i64>,
}

/// Whether a text is a time of day: `14`, `14:30`, `14:30:00.123`.
pub(crate) fn is_time(text: &str) -> bool {
    time(text).is_some()
}

/// A time of day.
pub(crate) fn time(text: &str) -> Option<Moment> {
    let mut moment = Moment { parts: LEAST, first: HOUR, end: HOUR, zone: None };
    let rest = moment.read(text)?;
    (rest.is_empty() && moment.end > HOUR).then_some(moment)
}

/// A date, or a date and a time, with a zone or without.
pub(crate) fn date_time(text: &str) -> Option<Moment> {
    let mut moment = Moment { parts: LEAST, first: 0, end: 0, zone: None };
    let rest = moment.read(text)?;
    if moment.end > HOUR && !rest.is_empty() {
        moment.zone = Some(zone(rest)?);
    } else if !rest.is_empty() {
        return None;
    }
    let [year, month, day, ..] = moment.parts;
    (day <= month_days(year, month)).then_some(moment)
}

fn zone(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.strip_prefix(['+', '-'])?.split_once(':')?;
    let part = |digits: &str, most| number(digits, 2).filter(|it| digits.len() == 2 && *it <= most);
    Some(sign * (part(hours, 14)? * 60 + part(minutes, 59)?))
}

/// The number that so many digits write at the beginning of a text.
fn number(text: &str, width: usize) -> Option<i64> {
    let digits = text.get(..width)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn month_days(year: i64, month: i64) -> i64 {
    let (year, month) = (i16::try_from(year).unwrap_or(1), u8::try_from(month).unwrap_or(1));
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next, 1) - days(year, month, 1)
}

impl Moment {
    /// Reads part after part; what is left of the text.
    fn read<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let mut rest = text;
        for at in self.first..PARTS {
            let sign = if at == self.first { "" } else { SIGNS.get(at)? };
            let Some(behind) =
                rest.strip_prefix(sign).filter(|_| at == self.first || !rest.is_empty())
            else {
                break;
            };
            let part;
            (part, rest) = if at + 1 == PARTS { fraction(behind)? } else { fixed(at, behind)? };
            if part < *LEAST.get(at)? || part > *MOST.get(at)? {
                return None;
            }
            *self.parts.get_mut(at)? = part;
            self.end = at + 1;
        }
        Some(rest)
    }

    /// How many digits are written: 8 for a day, 17 for milliseconds.
    pub(crate) fn digits(&self) -> usize {
        self.widths(self.end)
    }

    fn widths(&self, end: usize) -> usize {
        WIDTHS.get(self.first..end).unwrap_or_default().iter().sum()
    }

    /// The day, where a day and a time are written.
    pub(crate) fn day_alone(self) -> Self {
        Self { end: self.end.min(HOUR), zone: None, ..self }
    }

    /// Microseconds since the year 1970, or since midnight; parts that are not written are the least.
    fn micros(&self) -> i64 {
        let [year, month, day, hour, minute, second, micro] = self.parts;
        let date = if self.first == HOUR {
            0
        } else {
            let part = |it| u8::try_from(it).unwrap_or(1);
            days(i16::try_from(year).unwrap_or(1), part(month), part(day))
        };
        let clock = (hour * 60 + minute - self.zone.unwrap_or(0)) * 60 + second;
        date * DAY + clock * SECOND + micro
    }

    /// The same moment at another place: where it is `zone` minutes later than in UTC.
    fn at(self, zone: i64) -> Self {
        let moved = self.of_micros(self.micros() + zone * MINUTE);
        Self { zone: Some(zone), ..moved }
    }

    /// As precise as this one, so many microseconds after 1970, or midnight.
    fn of_micros(self, micros: i64) -> Self {
        let (day, clock) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
        let (year, month, day) = if self.first == HOUR { (1, 1, 1) } else { civil(day) };
        let (hour, minute) = (clock / HOURS, clock / MINUTE % 60);
        let parts = [year, month, day, hour, minute, clock / SECOND % 60, clock % SECOND];
        Self { parts, ..self }
    }

    /// `None` where one is not precise enough to tell. Seconds and milliseconds are one precision.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        if self.first != other.first {
            return None;
        }
        let zoned = self.end > HOUR && other.end > HOUR && self.first == 0;
        let (a, b) = match (self.zone, other.zone) {
            (None, None) => (self, other),
            _ if zoned => {
                let utc = |moment: Self| Self { zone: moment.zone.or(Some(0)), ..moment }.at(0);
                (utc(self), utc(other))
            }
            _ => (self, other),
        };
        let rank = |moment: &Self| if moment.end + 1 == PARTS { PARTS } else { moment.end };
        let common = rank(&a).min(rank(&b));
        let parts = |moment: &Self| moment.parts.get(moment.first..common).map(<[i64]>::to_vec);
        match parts(&a).cmp(&parts(&b)) {
            Ordering::Equal if rank(&a) != rank(&b) => None,
            order => Some(order),
        }
    }

    /// The first moment that it can be, or the last, to so many digits; `None` where that is no precision.
    pub(crate) fn boundary(self, low: bool, digits: Option<usize>, timed: bool) -> Option<String> {
        let most = if self.first == 0 && !timed { HOUR } else { PARTS };
        let digits = digits.unwrap_or_else(|| self.widths(most));
        let end = (self.first + 1..=PARTS).find(|end| self.widths(*end) == digits)?;
        let mut whole = self;
        let unknown = if low { LEAST } else { [9999, 12, 31, 23, 59, 59, LAST_MILLI] };
        for at in self.end..PARTS {
            *whole.parts.get_mut(at)? = *unknown.get(at)?;
        }
        if self.end < HOUR && !low {
            let [year, month, ..] = whole.parts;
            *whole.parts.get_mut(2)? = month_days(year, month);
        }
        if self.first == 0 && end > HOUR {
            whole.zone = whole.zone.or(Some(if low { EARLIEST } else { LATEST }));
        } else {
            whole.zone = None;
        }
        Some(Self { end, ..whole }.to_text())
    }

    /// So much later, or earlier; `None` where a span has no meaning for it.
    pub(crate) fn plus(self, span: Span, count: i64) -> Option<Self> {
        match span {
            Span::Months(months) if self.first == 0 => self.plus_months(months.checked_mul(count)?),
            Span::Months(_) => None,
            Span::Micros(micros) => {
                let micros = micros.checked_mul(count)?;
                // What is finer than the date is written cannot move it: whole units of the finest part do.
                let finest = [365 * DAY, 30 * DAY, DAY, HOURS, MINUTE, 1, 1];
                let finest = *finest.get(self.end.checked_sub(1)?)?;
                match self.end {
                    1 => self.plus_months(micros / finest * 12),
                    2 => self.plus_months(micros / finest),
                    _ => {
                        let moved = self.local().micros().checked_add(micros / finest * finest)?;
                        let moment = Self { zone: self.zone, ..self.of_micros(moved) };
                        (1..=9999).contains(&moment.parts.first().copied()?).then_some(moment)
                    }
                }
            }
        }
    }

    /// As the clock on the wall shows it.
    fn local(self) -> Self {
        Self { zone: None, ..self }
    }

    fn plus_months(self, months: i64) -> Option<Self> {
        let [year, month, day, ..] = self.parts;
        let months = if self.end == 1 { months / 12 * 12 } else { months };
        let all = (year * 12 + month - 1).checked_add(months)?;
        let (year, month) = (all.div_euclid(12), all.rem_euclid(12) + 1);
        let mut moved = self;
        let date = [year, month, day.min(month_days(year, month))];
        moved.parts.iter_mut().zip(date).for_each(|(part, new)| *part = new);
        (1..=9999).contains(&year).then_some(moved)
    }

    /// As it is written.
    pub(crate) fn to_text(self) -> String {
        let mut text = String::new();
        for at in self.first..self.end {
            if at > self.first {
                text.push_str(SIGNS.get(at).copied().unwrap_or_default());
            }
            let (part, width) = (self.parts.get(at), WIDTHS.get(at));
            let (part, width) = (part.copied().unwrap_or(0), width.copied().unwrap_or(2));
            match (at + 1 == PARTS, part % 1_000) {
                (false, _) => text.push_str(&format!("{part:0>width$}")),
                (true, 0) => text.push_str(&format!("{:0>width$}", part / 1_000)),
                (true, _) => text.push_str(&format!("{part:0>6}")),
            }
        }
        match self.zone.filter(|_| self.end > HOUR) {
            Some(0) => text.push('Z'),
            Some(zone) => {
                let (sign, minutes) = (if zone < 0 { '-' } else { '+' }, zone.abs());
                text.push_str(&format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
            }
            None => {}
        }
        text
    }
}

fn fixed(at: usize, text: &str) -> Option<(i64, &str)> {
    let width = *WIDTHS.get(at)?;
    Some((number(text, width)?, text.get(width..)?))
}

/// Microseconds: finer digits are dropped, coarser ones made up.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let padded = format!("{digits:0<6}");
    Some((number(&padded, 6).filter(|_| !digits.is_empty())?, rest))
}

#[cfg(test)]
mod tests;
