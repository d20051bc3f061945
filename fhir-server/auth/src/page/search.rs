//! Looking for a patient on a page: the form, what was typed into it, and who was found.

use canonical_model::date::PartialDateTime;

use crate::limits::{PICKED_MAX, PICKER_BYTES_MAX};
use crate::page::looking::{Looking, Shown};
use crate::page::{Posted, Stop};

/// What somebody is looked for by: the field, and what was typed.
pub(super) type Criterion<'a> = (&'static str, &'a str);

/// A search, as a page shows it.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Where it is sent to.
    pub(super) here: &'static str,
    /// Where one who was found is sent to.
    pub(super) chosen: &'static str,
    pub(super) name: String,
    pub(super) birthdate: String,
    pub(super) identifier: String,
    /// Who fits; `None` before anybody was looked for.
    pub(super) found: Option<Vec<Shown>>,
    pub(super) more: bool,
}

impl Search {
    /// Before anything was typed.
    pub(super) fn new(here: &'static str, chosen: &'static str) -> Self {
        Self { here, chosen, ..Self::default() }
    }

    /// These alone, and nobody is looked for.
    pub(super) fn among(chosen: &'static str, found: Vec<Shown>) -> Self {
        Self { chosen, found: Some(found), ..Self::default() }
    }

    /// Reads what was typed and looks for it: what is wrong with it, in a sentence; nothing where nothing is. `refused`
    /// says that of what may not be looked for on a page.
    pub(super) async fn run(
        &mut self,
        posted: &Posted,
        looking: &Looking<'_>,
        refused: fn(&[Criterion<'_>]) -> &'static str,
    ) -> Result<&'static str, Stop> {
        let typed = |field: &str| posted.get(field).trim().to_owned();
        (self.name, self.birthdate) = (typed("name"), typed("birthdate"));
        self.identifier = typed("identifier");
        let criteria = match self.criteria() {
            Ok(criteria) => criteria,
            Err(wrong) => return Ok(wrong),
        };
        let wrong = refused(&criteria);
        if wrong.is_empty() {
            let mut found = looking.search(&criteria).await?;
            self.more = found.len() > PICKED_MAX;
            found.truncate(PICKED_MAX);
            self.found = Some(found);
        }
        Ok(wrong)
    }

    /// What to look for; or what is wrong with it.
    fn criteria(&self) -> Result<Vec<Criterion<'_>>, &'static str> {
        let fields = [
            ("name", &self.name),
            ("birthdate", &self.birthdate),
            ("identifier", &self.identifier),
        ];
        let typed: Vec<Criterion<'_>> = fields
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(field, text)| (field, text.as_str()))
            .collect();
        let is_date = |text: &str| text.len() <= 10 && PartialDateTime::parse(text).is_ok();
        match typed.as_slice() {
            [] => Err("Type a name, a date of birth or a number first."),
            all if all.iter().any(|(_, text)| text.len() > PICKER_BYTES_MAX) => {
                Err("That is too long to be searched for.")
            }
            all if all.iter().any(|(field, text)| *field == "birthdate" && !is_date(text)) => {
                Err("That is no date of birth. It is written as 1984-03-12.")
            }
            _ => Ok(typed),
        }
    }
}

/// Whatever is typed may be looked for.
pub(super) fn anything(_: &[Criterion<'_>]) -> &'static str {
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_judged() {
        let long = "x".repeat(PICKER_BYTES_MAX + 1);
        for (name, birthdate, identifier, fits) in [
            ("al", "", "", true),
            ("", "1980-01-02", "", true),
            ("", "1980", "7", true),
            ("", "", "", false),
            ("", "2.1.1980", "", false),
            (long.as_str(), "", "", false),
        ] {
            let [name, birthdate, identifier] = [name, birthdate, identifier].map(str::to_owned);
            let search = Search { name, birthdate, identifier, ..Search::default() };
            assert_eq!(search.criteria().is_ok(), fits, "{search:?}");
        }
    }
}
