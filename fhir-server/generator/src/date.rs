//! Days and moments, with nothing but the proleptic Gregorian calendar.
//! <https://hl7.org/fhir/R4/datatypes.html#date>

use std::fmt;

/// A day, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub(crate) i32);

/// Days of an average year.
const YEAR_DAYS: f64 = 365.2425;

impl Day {
    /// The day of a year, month (1 to 12) and day of month; nothing where there is no such day.
    #[must_use]
    pub fn new(year: i32, month: i32, day: i32) -> Option<Self> {
        let found = Self::from_civil(year, month, day);
        let real = (1..=9999).contains(&year) && found.civil() == (year, month, day);
        real.then_some(found)
    }

    /// Reads `YYYY-MM-DD`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-').map(|part| part.parse::<i32>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        (text.len() == 10).then(|| Self::new(year, month, day)).flatten()
    }

    /// The day of a number of seconds since 1970, as a system clock has it.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.div_euclid(86_400).clamp(-700_000, 2_900_000) as i32)
    }

    /// Counts from March, so that the leap day ends the year; 400 years repeat exactly.
    fn from_civil(year: i32, month: i32, day: i32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9).rem_euclid(12)) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// Year, month and day of month.
    #[must_use]
    pub fn civil(self) -> (i32, i32, i32) {
        let shifted = self.0 + 719_468;
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + shifted.div_euclid(146_097) * 400 + i32::from(month <= 2);
        (year, month, day)
    }

    /// The day some days later.
    pub(crate) fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// The day some average years later.
    pub(crate) fn plus_years(self, years: f64) -> Self {
        Self(self.0 + (years * YEAR_DAYS) as i32)
    }

    /// Average years since an earlier day.
    pub(crate) fn years_since(self, earlier: Self) -> f64 {
        f64::from(self.0 - earlier.0) / YEAR_DAYS
    }

    /// A working day: Saturday and Sunday move to the next Monday.
    pub(crate) fn workday(self) -> Self {
        match (self.0 + 3).rem_euclid(7) {
            5 => self.plus(2),
            6 => self.plus(1),
            _ => self,
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// A moment in the population's one time zone, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    pub(crate) day: Day,
    pub(crate) minute: i32,
}

impl Moment {
    /// The moment some minutes later.
    pub(crate) fn plus_minutes(self, minutes: i32) -> Self {
        let total = self.minute + minutes;
        Self { day: self.day.plus(total.div_euclid(1440)), minute: total.rem_euclid(1440) }
    }

    /// Writes `2024-05-06T09:15:00-05:00`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        write_day(self.day, out);
        out.push(b'T');
        push_two(self.minute / 60, out);
        out.push(b':');
        push_two(self.minute % 60, out);
        out.extend_from_slice(b":00-05:00");
    }
}

/// Writes `2024-05-06`.
pub(crate) fn write_day(day: Day, out: &mut Vec<u8>) {
    let (year, month, day) = day.civil();
    push_two(year / 100, out);
    push_two(year % 100, out);
    out.push(b'-');
    push_two(month, out);
    out.push(b'-');
    push_two(day, out);
}

fn push_two(value: i32, out: &mut Vec<u8>) {
    out.push(b'0' + (value / 10 % 10) as u8);
    out.push(b'0' + (value % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_text_agree() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("2000-02-29", 11_016),
            ("2024-12-31", 20_088),
            ("1900-03-01", -25_508),
        ] {
            assert_eq!(Day::parse(text), Some(Day(days)), "{text}");
            assert_eq!(Day(days).to_string(), text);
        }
        for bad in ["2023-02-29", "2023-13-01", "2023-1-1", "20230101", "", "2023-04-31"] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
        for days in -30_000..30_000 {
            let (year, month, day) = Day(days).civil();
            assert_eq!(Day::new(year, month, day), Some(Day(days)));
        }
    }

    #[test]
    fn moments_carry_over_midnight_and_weekends_move() {
        let late = Moment { day: Day(0), minute: 1430 }.plus_minutes(20);
        let mut out = Vec::new();
        late.write(&mut out);
        assert_eq!(out, b"1970-01-02T00:10:00-05:00");
        assert_eq!(Day(2).workday(), Day(4)); // 1970-01-03 was a Saturday
        assert_eq!(Day(3).workday(), Day(4));
        assert_eq!(Day(4).workday(), Day(4));
    }
}
