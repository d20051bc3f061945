//! The cases, which are part of the program: it judges a server without any file beside it.

use std::sync::LazyLock;

use serde::Serialize;

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
];

static CASES: LazyLock<Vec<(&'static str, Case)>> = LazyLock::new(|| {
    let files = FILES.iter().filter_map(|(suite, _, text)| {
        let file: File = toml::from_str(text).ok()?;
        Some(file.case.into_iter().map(move |case| (*suite, case.complete())))
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
}

/// The cases that a filter means: nothing is all, `smart` a suite, `smart/G01` or `G01` a case.
#[must_use]
pub fn list(filter: Option<&str>) -> Vec<Listed> {
    let listed = |(suite, case): (&'static str, &'static Case)| {
        let Case { id, title, section, .. } = case;
        Listed { suite, id, title, section }
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
            for case in file.case.into_iter().map(Case::complete) {
                assert!(!case.title.is_empty() && !case.section.is_empty(), "{}", case.id);
                assert!(case.steps.iter().all(|step| step.expect.judges()), "{}", case.id);
                assert!(ids.insert(case.id.clone()), "{} is there twice", case.id);
            }
        }
    }

    #[test]
    fn a_filter_is_a_suite_or_a_case() {
        assert!(list(None).len() >= list(Some("smart")).len());
        assert_eq!(list(Some("smart/g01")).len(), 1);
        assert_eq!(list(Some("G01")).len(), 1);
        assert!(list(Some("dull")).is_empty());
    }
}
