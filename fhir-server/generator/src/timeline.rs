//! When a person sees a doctor, and why.

use crate::catalog::diseases::Disease;
use crate::catalog::episodes::{EPISODES, Episode};
use crate::date::{Day, Moment};
use crate::dice::{Dice, Stream};
use crate::directory::Specialty;
use crate::options::Options;
use crate::person::Person;

/// Why a visit happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reason {
    /// A check-up of a child or an adult.
    Wellness,
    /// A long-term disease is found.
    Onset(&'static Disease),
    /// Long-term diseases are looked after.
    FollowUp(&'static Disease),
    /// Something acute.
    Acute(&'static Episode),
}

/// A visit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    pub(crate) start: Moment,
    pub(crate) minutes: i32,
    pub(crate) reason: Reason,
}

/// Ages of the check-ups of the first two years, in days.
const INFANT_VISITS: [i32; 9] = [5, 61, 122, 183, 274, 366, 457, 548, 731];

impl Visit {
    /// Whose patients these are.
    pub(crate) fn specialty(&self, years: f64) -> Specialty {
        match self.reason {
            Reason::Acute(episode) if episode.emergency => Specialty::Emergency,
            Reason::FollowUp(disease) | Reason::Onset(disease) if years >= 18.0 => {
                disease.specialty
            }
            _ if years < 18.0 => Specialty::Pediatrics,
            _ if years >= 65.0 => Specialty::Internal,
            _ => Specialty::Family,
        }
    }
}

/// All visits within the years of records, in order.
pub(crate) fn visits(person: &Person, options: &Options) -> Vec<Visit> {
    let mut dice = Dice::new(options.seed, Stream::Timeline, person.index);
    let opens = options.until.plus_years(-f64::from(options.years));
    let span = Span { from: opens.max(person.birth), to: person.last_day(options) };
    let mut visits = Vec::with_capacity(32);
    check_ups(person, &span, &mut dice, &mut visits);
    long_term(person, &span, &mut dice, &mut visits);
    acute(person, &span, &mut dice, &mut visits);
    visits.sort_by_key(|visit| visit.start);
    visits
}

/// The days on which visits may fall: after `from`, before `to`.
struct Span {
    from: Day,
    to: Day,
}

impl Span {
    fn add(&self, day: Day, reason: Reason, dice: &mut Dice, visits: &mut Vec<Visit>) {
        let emergency = matches!(reason, Reason::Acute(episode) if episode.emergency);
        let day = if emergency { day } else { day.workday() };
        let minute = if emergency { dice.between(0, 1439) } else { 480 + 15 * dice.between(0, 34) };
        let minutes = match reason {
            Reason::Wellness => 30,
            Reason::Onset(_) => 40,
            Reason::FollowUp(_) => 20,
            Reason::Acute(_) if emergency => dice.between(70, 240),
            Reason::Acute(_) => 15,
        };
        if self.from < day && day < self.to {
            visits.push(Visit { start: Moment { day, minute }, minutes, reason });
        }
    }
}

fn check_ups(person: &Person, span: &Span, dice: &mut Dice, visits: &mut Vec<Visit>) {
    for days in INFANT_VISITS {
        span.add(person.birth.plus(days), Reason::Wellness, dice, visits);
    }
    let first = (person.years(span.from) as i32).max(3);
    let last = person.years(span.to) as i32;
    for age in first..=last {
        // Children come around their birthday; adults when it suits them, some years not at all.
        let (come, spread) = match age {
            0..18 => (920, 30),
            18..40 => (550, 300),
            40..65 => (750, 300),
            _ => (930, 200),
        };
        let day = person.birth.plus_years(f64::from(age)).plus(dice.between(3, spread));
        if dice.chance(come) {
            span.add(day, Reason::Wellness, dice, visits);
        }
    }
}

fn long_term(person: &Person, span: &Span, dice: &mut Dice, visits: &mut Vec<Visit>) {
    for (disease, onset) in &person.diseases {
        span.add(*onset, Reason::Onset(disease), dice, visits);
    }
    // One series of visits looks after all: that of the disease that asks for the most.
    let watched = person.diseases.iter().filter(|(disease, _)| disease.follow_up_days > 0);
    let Some((disease, onset)) = watched.min_by_key(|(disease, _)| disease.follow_up_days) else {
        return;
    };
    let mut day = if *onset < span.from {
        span.from.plus(dice.between(5, disease.follow_up_days))
    } else {
        onset.plus(dice.between(20, 45))
    };
    while day < span.to {
        if dice.chance(880) {
            span.add(day, Reason::FollowUp(disease), dice, visits);
        }
        day = day.plus(disease.follow_up_days + dice.between(-14, 14));
    }
}

fn acute(person: &Person, span: &Span, dice: &mut Dice, visits: &mut Vec<Visit>) {
    let mut from = span.from;
    while from < span.to {
        let [infant, child, adult, old] = [5.0, 18.0, 65.0, 200.0];
        let years = person.years(from);
        for episode in &EPISODES {
            let [a, b, c, d] = episode.yearly;
            let rates = [(infant, a), (child, b), (adult, c), (old, d)];
            let rate = rates.iter().find(|(below, _)| years < *below).map_or(0, |(_, rate)| *rate);
            if dice.chance(rate) {
                span.add(from.plus(dice.between(1, 364)), Reason::Acute(episode), dice, visits);
            }
        }
        from = from.plus(365);
    }
}
