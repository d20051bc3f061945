//! What the index holds: 20 to 33 values a resource, as real search parameters give, with a common
//! code in a tenth of all resources, rare ones in a few of ten thousand, and ten resources a patient.

/// Search parameters whose values are looked for. The rest only fill the index.
#[derive(Clone, Copy)]
enum Parameter {
    Identifier = 1,
    Patient,
    Code,
    Status,
    Revised,
    Other,
}

const CODES: f64 = 1000.0;
const STATUSES: u64 = 4;
/// Values that many resources share: names, categories, profiles.
const OTHERS: u64 = 20_000;

/// Values that few share: identifiers, telephone numbers, references. Every fourth is one.
const RARE_OTHERS: u64 = 1 << 32;

const RESOURCES_PER_PATIENT: u64 = 10;
const KEYS: std::ops::RangeInclusive<usize> = 20..=33;

/// A search that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// One hit.
    Identifier,
    /// A few hits, from two values that are not rare together.
    PatientAndCode,
    /// The newest of very many.
    CommonCode,
    /// A few hits of a rare and a common value.
    RareCodeAndStatus,
    /// No hit.
    AbsentCode,
}

impl Query {
    pub(super) const ALL: [Self; 5] = [
        Self::Identifier,
        Self::PatientAndCode,
        Self::CommonCode,
        Self::RareCodeAndStatus,
        Self::AbsentCode,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::PatientAndCode => "patient and code, newest",
            Self::CommonCode => "common code, newest",
            Self::RareCodeAndStatus => "rare code and status",
            Self::AbsentCode => "absent code",
        }
    }

    /// The keys that must all be there, the rarest first, drawn for one of `resources`.
    pub(super) fn keys(self, resources: u64, random: &mut fastrand::Rng) -> Vec<i64> {
        let rid = random.u64(1..=resources.max(1));
        match self {
            Self::Identifier => vec![key(Parameter::Identifier, rid)],
            Self::PatientAndCode => vec![patient(rid), code_of(rid)],
            Self::CommonCode => vec![key(Parameter::Code, 0)],
            Self::RareCodeAndStatus => vec![
                key(Parameter::Code, random.u64(900..CODES as u64)),
                key(Parameter::Status, random.u64(0..STATUSES)),
            ],
            Self::AbsentCode => vec![key(Parameter::Code, random.u64(10_000..20_000))],
        }
    }
}

/// All keys of a resource, each once, in order. A later `revision` differs in two of them.
pub(super) fn keys(rid: u64, revision: u64) -> Vec<i64> {
    let mut random = fastrand::Rng::with_seed(rid);
    let mut keys = vec![
        key(Parameter::Identifier, rid),
        patient(rid),
        code_of(rid),
        key(Parameter::Status, (rid + revision) % STATUSES),
        key(Parameter::Revised, (rid + revision) % OTHERS),
    ];
    let count = random.usize(KEYS);
    while keys.len() < count {
        let bound = if keys.len().is_multiple_of(4) { RARE_OTHERS } else { OTHERS };
        let other = key(Parameter::Other, random.u64(0..bound));
        if !keys.contains(&other) {
            keys.push(other);
        }
    }
    keys.sort_unstable();
    keys
}

/// Cubing a number below one favours the low codes: code 0 gets a tenth of all.
fn code_of(rid: u64) -> i64 {
    let drawn = fastrand::Rng::with_seed(!rid).f64();
    key(Parameter::Code, (CODES * drawn.powi(3)) as u64)
}

fn patient(rid: u64) -> i64 {
    key(Parameter::Patient, rid / RESOURCES_PER_PATIENT)
}

/// Spreads parameter and value over 64 bits, as a keyed hash does: neighbours land far apart.
fn key(parameter: Parameter, value: u64) -> i64 {
    fastrand::Rng::with_seed((parameter as u64) << 56 ^ value).u64(..).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_20_to_33_keys_and_an_update_changes_two() {
        for rid in 1..500 {
            let (first, second) = (keys(rid, 0), keys(rid, 1));
            assert!(KEYS.contains(&first.len()));
            assert!(first.windows(2).all(|pair| pair[0] < pair[1]), "each once");
            let kept = first.iter().filter(|key| second.contains(key)).count();
            assert!(first.len() - kept <= 2, "{rid}");
        }
    }

    #[test]
    fn queries_hit_as_often_as_they_say() {
        let all: Vec<Vec<i64>> = (1..=5000).map(|rid| keys(rid, 0)).collect();
        let mut random = fastrand::Rng::with_seed(1);
        for (query, hits) in [
            (Query::Identifier, 1..=1),
            (Query::PatientAndCode, 1..=10),
            (Query::CommonCode, 300..=700),
            (Query::RareCodeAndStatus, 0..=10),
            (Query::AbsentCode, 0..=0),
        ] {
            let wanted = query.keys(5000, &mut random);
            let found = all.iter().filter(|keys| wanted.iter().all(|key| keys.contains(key)));
            let found = found.count();
            assert!(hits.contains(&found), "{query:?}: {found}");
        }
    }
}
