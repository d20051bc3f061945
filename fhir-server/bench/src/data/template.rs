//! JSON with slots: parsed once, then filled by copying, so that making a resource costs about a
//! microsecond and the load generator leaves the cores to the programs it measures.
//!
//! A slot is `{{name arguments}}`. `"{{#name}}"` also takes the quotes away: a number.

use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// A resource's text, cut at its slots.
pub(crate) struct Template {
    parts: Vec<Part>,
    rows: Vec<Vec<Box<str>>>,
}

enum Part {
    Text(Box<str>),
    Slot(Slot),
}

/// What a slot is filled with.
#[derive(Clone, Copy)]
enum Slot {
    /// A cell of the vocabulary row drawn for this resource.
    Column(usize),
    /// A number between two cells, with as many decimals as a third one says.
    Between(usize, usize, usize),
    Digits(usize),
    Date(u16, u16),
    Start,
    End,
    Family,
    Given,
    Id,
    Mrn,
    Patient,
    Encounter,
}

/// What a resource is about; everything else is drawn.
#[derive(Clone, Copy, Default)]
pub(crate) struct Subject<'a> {
    /// The logical id, for an update.
    pub(crate) id: Option<&'a str>,
    pub(crate) mrn: &'a str,
    pub(crate) patient: &'a str,
    pub(crate) encounter: &'a str,
}

impl Subject<'_> {
    /// The family name follows from the record number: who is updated keeps it, as in the runs that the peers'
    /// figures are from.
    fn family(self, names: &Names) -> &'static str {
        let mut hasher = DefaultHasher::new();
        self.mrn.hash(&mut hasher);
        let place = hasher.finish() % names.family.len().max(1) as u64;
        usize::try_from(place)
            .ok()
            .and_then(|place| names.family.get(place))
            .map_or("", |name| name)
    }
}

/// The names that slots draw from.
pub(crate) struct Names {
    pub(crate) family: Vec<&'static str>,
    pub(crate) given: Vec<&'static str>,
}

impl Template {
    /// Cuts `text` at its slots; `vocabulary` holds a tab-separated row per variant.
    pub(crate) fn parse(text: &str, vocabulary: &str) -> Result<Self> {
        let dense = without_spaces(text);
        let mut parts = Vec::new();
        let mut rest = dense.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (slot, after) = after.split_once("}}").context("a slot is not closed")?;
            let (before, slot, after) = match slot.strip_prefix('#') {
                None => (before, slot, after),
                Some(slot) => (
                    before.strip_suffix('"').context("`#` needs a quote before it")?,
                    slot,
                    after.strip_prefix('"').context("`#` needs a quote after it")?,
                ),
            };
            parts.push(Part::Text(before.into()));
            parts.push(Part::Slot(Slot::parse(slot)?));
            rest = after;
        }
        parts.push(Part::Text(rest.into()));
        let rows = vocabulary.lines().map(|row| row.split('\t').map(Into::into).collect());
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            bail!("a vocabulary needs a row");
        }
        Ok(Self { parts, rows })
    }

    /// Appends one resource to `out`. The same state of `random` gives the same bytes.
    pub(crate) fn fill(
        &self,
        out: &mut String,
        subject: Subject<'_>,
        names: &Names,
        random: &mut fastrand::Rng,
    ) {
        let row = random.choice(&self.rows);
        let cell = |i: usize| row.and_then(|row| row.get(i)).map_or("", |cell| &**cell);
        let moment = Moment::draw(random);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(Slot::Column(i)) => out.push_str(cell(*i)),
                Part::Slot(Slot::Between(low, high, decimals)) => {
                    number(out, cell(*low), cell(*high), cell(*decimals), random);
                }
                Part::Slot(Slot::Digits(count)) => {
                    out.extend(
                        (0..*count).map(|i| random.digit(10).max(if i == 0 { '1' } else { '0' })),
                    );
                }
                Part::Slot(Slot::Date(from, to)) => {
                    let (month, day) = (random.u8(1..=12), random.u8(1..=28));
                    put(out, format_args!("{}-{month:02}-{day:02}", random.u16(*from..=*to)));
                }
                Part::Slot(Slot::Start) => moment.write(out, 0),
                Part::Slot(Slot::End) => moment.write(out, Moment::MINUTES_LONG),
                Part::Slot(Slot::Family) => out.push_str(subject.family(names)),
                Part::Slot(Slot::Given) => out.push_str(random.choice(&names.given).unwrap_or(&"")),
                Part::Slot(Slot::Id) => {
                    if let Some(id) = subject.id {
                        put(out, format_args!("\"id\":\"{id}\","));
                    }
                }
                Part::Slot(Slot::Mrn) => out.push_str(subject.mrn),
                Part::Slot(Slot::Patient) => out.push_str(subject.patient),
                Part::Slot(Slot::Encounter) => out.push_str(subject.encounter),
            }
        }
    }
}

impl Slot {
    fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let number = |word: &str| word.parse().with_context(|| format!("slot `{text}`"));
        Ok(match words.as_slice() {
            ["column", i] => Self::Column(number(i)?),
            ["between", low, high, decimals] => {
                Self::Between(number(low)?, number(high)?, number(decimals)?)
            }
            ["digits", count] => Self::Digits(number(count)?),
            ["date", from, to] => Self::Date(from.parse()?, to.parse()?),
            ["start"] => Self::Start,
            ["end"] => Self::End,
            ["family"] => Self::Family,
            ["given"] => Self::Given,
            ["id"] => Self::Id,
            ["mrn"] => Self::Mrn,
            ["patient"] => Self::Patient,
            ["encounter"] => Self::Encounter,
            _ => bail!("no slot is called `{text}`"),
        })
    }
}

/// When something happened. Its end lies in the same hour, so no calendar is needed.
struct Moment {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Moment {
    const MINUTES_LONG: u8 = 25;

    fn draw(random: &mut fastrand::Rng) -> Self {
        Self {
            year: random.u16(2015..=2025),
            month: random.u8(1..=12),
            day: random.u8(1..=28),
            hour: random.u8(7..20),
            minute: random.u8(0..60 - Self::MINUTES_LONG),
            second: random.u8(0..60),
        }
    }

    fn write(&self, out: &mut String, minutes_later: u8) {
        let Self { year, month, day, hour, minute, second } = self;
        let minute = minute + minutes_later;
        put(out, format_args!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"));
    }
}

/// A decimal drawn between two whole numbers.
fn number(out: &mut String, low: &str, high: &str, decimals: &str, random: &mut fastrand::Rng) {
    let decimals: u32 = decimals.parse().unwrap_or(0);
    let scale = 10_u64.pow(decimals.min(6));
    let bound = |text: &str| text.parse::<u64>().unwrap_or(0) * scale;
    let drawn = random.u64(bound(low)..=bound(high).max(bound(low)));
    let (whole, fraction) = (drawn / scale, drawn % scale);
    match decimals as usize {
        0 => put(out, format_args!("{whole}")),
        width => put(out, format_args!("{whole}.{fraction:0width$}")),
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a string takes all that is written to it");
}

/// Drops the white space outside strings.
fn without_spaces(text: &str) -> String {
    let mut quoted = false;
    let keep = |c: &char| {
        quoted ^= *c == '"';
        quoted || !c.is_whitespace()
    };
    // Slots outside strings have no arguments, so no space of theirs is lost.
    text.chars().filter(keep).collect()
}
