//! The cases, which are part of the program: it judges a server without any file beside it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::case::{Case, File};

/// Suite, file, text.
const FILES: &[(&str, &str, &str)] = &[
    ("smart", "discovery.toml", include_str!("../cases/smart/discovery.toml")),
    ("smart", "backend.toml", include_str!("../cases/smart/backend.toml")),
    ("smart", "standalone.toml", include_str!("../cases/smart/standalone.toml")),
    ("smart", "launch.toml", include_str!("../cases/smart/launch.toml")),
    ("smart", "openid.toml", include_str!("../cases/smart/openid.toml")),
    ("smart", "refresh.toml", include_str!("../cases/smart/refresh.toml")),
    ("smart", "granular.toml", include_str!("../cases/smart/granular.toml")),
    ("smart", "record.toml", include_str!("../cases/smart/record.toml")),
    ("rest", "instance.toml", include_str!("../cases/rest/instance.toml")),
    ("rest", "conditional.toml", include_str!("../cases/rest/conditional.toml")),
    ("rest", "formats.toml", include_str!("../cases/rest/formats.toml")),
    ("rest", "errors.toml", include_str!("../cases/rest/errors.toml")),
    ("history", "history.toml", include_str!("../cases/history/history.toml")),
    ("bundle", "bundle.toml", include_str!("../cases/bundle/bundle.toml")),
    ("patch", "patch.toml", include_str!("../cases/patch/patch.toml")),
    ("search", "values.toml", include_str!("../cases/search/values.toml")),
    ("search", "links.toml", include_str!("../cases/search/links.toml")),
    ("search", "results.toml", include_str!("../cases/search/results.toml")),
    ("validation", "validate.toml", include_str!("../cases/validation/validate.toml")),
    ("terminology", "terminology.toml", include_str!("../cases/terminology/terminology.toml")),
    ("us-core", "shall.toml", include_str!("../cases/us-core/shall.toml")),
    ("us-core", "included.toml", include_str!("../cases/us-core/included.toml")),
    ("us-core", "should.toml", include_str!("../cases/us-core/should.toml")),
];

/// What servers are known to lack: software, case, why.
const GAPS: &str = include_str!("../cases/gaps.toml");

/// A case that a server is known to fail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gap {
    /// `software.name` of its CapabilityStatement.
    software: String,
    /// The case's number.
    case: String,
    /// What is missing.
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gaps {
    #[serde(default)]
    gap: Vec<Gap>,
}

static KNOWN: LazyLock<Vec<Gap>> =
    LazyLock::new(|| toml::from_str::<Gaps>(GAPS).map(|gaps| gaps.gap).unwrap_or_default());

/// Why a server is known to fail a case.
pub(crate) fn gap(software: &str, case: &str) -> Option<&'static str> {
    let known = KNOWN.iter().find(|gap| gap.software == software && gap.case == case);
    known.map(|gap| gap.why.as_str())
}

static CASES: LazyLock<Vec<(&'static str, Case)>> = LazyLock::new(|| {
    let files = FILES.iter().filter_map(|(suite, _, text)| {
        let file: File = toml::from_str(text).ok()?;
        Some(file.cases().ok()?.into_iter().map(move |case| (*suite, case)))
    });
    let mut cases: Vec<_> = files.flatten().collect();
    cases.sort_by(|(a, x), (b, y)| (a, &x.id).cmp(&(b, &y.id)));
    cases
});

/// A case, for a list of them.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// The suite that it is of.
    pub suite: &'static str,
    /// Its number.
    pub id: &'static str,
    /// What holds where it passes.
    pub title: &'static str,
    /// The specification's section.
    pub section: &'static str,
    /// Where it is to be read; empty where the section says enough.
    pub link: &'static str,
}

/// The cases that a filter means: nothing is all, `smart` a suite, `smart/G01` or `G01` a case.
#[must_use]
pub fn list(filter: Option<&str>) -> Vec<Listed> {
    let listed = |(suite, case): (&'static str, &'static Case)| {
        let Case { id, title, section, link, .. } = case;
        Listed { suite, id, title, section, link }
    };
    chosen(filter).map(listed).collect()
}

pub(crate) fn chosen(filter: Option<&str>) -> impl Iterator<Item = (&'static str, &'static Case)> {
    let means = move |suite: &str, id: &str| match filter
        .map(|it| it.split_once('/').unwrap_or((it, "")))
    {
        None => true,
        Some((first, "")) => first == suite || first.eq_ignore_ascii_case(id),
        Some((first, second)) => first == suite && second.eq_ignore_ascii_case(id),
    };
    let all = CASES.iter().map(|(suite, case)| (*suite, case));
    all.filter(move |(suite, case)| means(suite, &case.id))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_file_reads_and_each_case_judges() {
        let mut ids = BTreeSet::new();
        for (_, name, text) in FILES {
            let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            for case in file.cases().unwrap_or_else(|error| panic!("{name}: {error:#}")) {
                assert!(!case.title.is_empty() && !case.section.is_empty(), "{}", case.id);
                assert!(case.steps.iter().all(|step| step.expect.judges()), "{}", case.id);
                assert!(ids.insert(case.id.clone()), "{} is there twice", case.id);
            }
        }
        let gaps: Gaps = toml::from_str(GAPS).unwrap();
        assert!(gaps.gap.iter().all(|gap| ids.contains(&gap.case) && !gap.why.is_empty()));
    }

    #[test]
    fn a_filter_is_a_suite_or_a_case() {
        assert!(list(None).len() >= list(Some("smart")).len());
        assert_eq!(list(Some("smart/g01")).len(), 1);
        assert_eq!(list(Some("G01")).len(), 1);
        assert!(list(Some("dull")).is_empty());
    }
}
