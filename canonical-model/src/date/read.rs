//! Reads a date by hand: searches and indexing do this millions of times.

use super::{PartialDateTime, Precision};

/// The whole text as a date, or nothing.
pub(super) fn date_time(text: &[u8]) -> Option<PartialDateTime> {
    let mut cursor = Cursor(text);
    let mut date = PartialDateTime {
        year: i16::try_from(cursor.number(4)?).ok()?,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        micro: 0,
        precision: Precision::Year,
        zone_minutes: None,
    };
    if date.year == 0 {
        return None;
    }
    if cursor.take(b'-') {
        date.month = cursor.within(1, 12)?;
        date.precision = Precision::Month;
        if cursor.take(b'-') {
            date.day = cursor.within(1, month_days(date.year, date.month))?;
            date.precision = Precision::Day;
            if cursor.take(b'T') {
                time(&mut cursor, &mut date)?;
            }
        }
    }
    cursor.0.is_empty().then_some(date)
}

fn time(cursor: &mut Cursor<'_>, date: &mut PartialDateTime) -> Option<()> {
    date.hour = cursor.within(0, 23)?;
    if !cursor.take(b':') {
        return None;
    }
    date.minute = cursor.within(0, 59)?;
    date.precision = Precision::Minute;
    if cursor.take(b':') {
        date.second = cursor.within(0, 60)?;
        date.precision = Precision::Second;
        if cursor.take(b'.') {
            let (micro, digits) = cursor.fraction()?;
            date.micro = micro;
            date.precision = Precision::Fraction(digits);
        }
    }
    date.zone_minutes = zone(cursor)?;
    Some(())
}

/// `Some(None)`: none was written.
fn zone(cursor: &mut Cursor<'_>) -> Option<Option<i16>> {
    if cursor.take(b'Z') {
        return Some(Some(0));
    }
    let sign = match () {
        () if cursor.take(b'+') => 1,
        () if cursor.take(b'-') => -1,
        () => return Some(None),
    };
    let hours = cursor.within(0, 14)?;
    if !cursor.take(b':') {
        return None;
    }
    let minutes = cursor.within(0, if hours == 14 { 0 } else { 59 })?;
    Some(Some(sign * (i16::from(hours) * 60 + i16::from(minutes))))
}

fn month_days(year: i16, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The text that is still to be read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn digit(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first()?;
        let digit = first.is_ascii_digit().then(|| u32::from(first - b'0'))?;
        self.0 = rest;
        Some(digit)
    }

    fn number(&mut self, width: usize) -> Option<u32> {
        let mut number = 0;
        for _ in 0..width {
            number = number * 10 + self.digit()?;
        }
        Some(number)
    }

    fn within(&mut self, least: u8, most: u8) -> Option<u8> {
        let number = u8::try_from(self.number(2)?).ok()?;
        (least..=most).contains(&number).then_some(number)
    }

    fn take(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Microseconds and how many digits said so; digits beyond the sixth are read and dropped.
    fn fraction(&mut self) -> Option<(u32, u8)> {
        let mut micro = self.digit()?;
        let mut digits = 1;
        while let Some(digit) = self.digit() {
            if digits < 6 {
                micro = micro * 10 + digit;
                digits += 1;
            }
        }
        Some((micro * 10_u32.pow(6 - u32::from(digits)), digits))
    }
}
