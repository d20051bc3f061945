//! Functions that take texts apart and together, and match them with patterns.
//! <http://hl7.org/fhirpath/N1/#string-manipulation>

use regex::{Regex, RegexBuilder};

use super::{Machine, Run};
use crate::fhirpath::item::Item;
use crate::fhirpath::plan::Plan;
use crate::limits::{
    FHIRPATH_FOUND_PATTERN_BYTES_MAX, FHIRPATH_MADE_BYTES_MAX, FHIRPATH_PATTERN_BYTES_MAX,
    FHIRPATH_PATTERN_STEPS, FHIRPATH_TEXT_BYTES_A_STEP,
};

/// Compiles a pattern. A point stands for any character, ends of lines too; to match takes time in proportion to
/// the text, whatever the pattern.
pub(crate) fn pattern(text: &str, whole: bool) -> Run<Regex> {
    compiled(text, whole, FHIRPATH_PATTERN_BYTES_MAX)
}

fn compiled(text: &str, whole: bool, bytes: usize) -> Run<Regex> {
    let text = if whole { format!("^(?:{text})$") } else { text.to_owned() };
    let mut builder = RegexBuilder::new(&text);
    builder.dot_matches_new_line(true).size_limit(bytes);
    builder.build().map_err(|_| "not a pattern that can be used here")
}

impl<'a> Machine<'a> {
    /// The first argument as a text.
    pub(super) fn text_argument(
        &mut self,
        arguments: &'a [Plan],
        this: Item<'a>,
    ) -> Run<Option<&'a str>> {
        let mark = self.stack.len();
        let Some(argument) = arguments.first() else { return Ok(None) };
        self.run(argument, this)?;
        self.take_text(mark)
    }

    /// Takes the items above the mark as one text.
    fn take_text(&mut self, mark: usize) -> Run<Option<&'a str>> {
        let text = match self.above(mark) {
            [] => None,
            [one] => Some(one.value.as_str().ok_or("expected a text")?),
            _ => return Err("expected one text, found several items"),
        };
        self.stack.truncate(mark);
        text.map_or(Ok(()), |text| self.spend_reading(text))?;
        Ok(text)
    }

    /// Takes the steps that it costs to go through a text.
    pub(super) fn spend_reading(&mut self, text: &str) -> Run {
        let steps = text.len() / FHIRPATH_TEXT_BYTES_A_STEP;
        self.spend_many(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    pub(super) fn matches(
        &mut self,
        whole: bool,
        ready: Option<&Regex>,
        arguments: &'a [Plan],
        mark: usize,
        this: Item<'a>,
    ) -> Run<Option<bool>> {
        let Some(text) = self.take_text(mark)? else { return Ok(None) };
        if let Some(ready) = ready {
            return Ok(Some(ready.is_match(text)));
        }
        let Some(written) = self.text_argument(arguments, this)? else { return Ok(None) };
        Ok(Some(self.pattern_of(written, whole)?.is_match(text)))
    }

    /// A pattern that is not written down: it may be another for each element, and is paid for.
    fn pattern_of(&mut self, written: &str, whole: bool) -> Run<Regex> {
        self.spend_many(FHIRPATH_PATTERN_STEPS)?;
        compiled(written, whole, FHIRPATH_FOUND_PATTERN_BYTES_MAX)
    }

    pub(super) fn replace_matches(
        &mut self,
        ready: Option<&Regex>,
        arguments: &'a [Plan],
        mark: usize,
        this: Item<'a>,
    ) -> Run {
        let Some(text) = self.take_text(mark)? else { return Ok(()) };
        let Some(written) = self.text_argument(arguments, this)? else { return Ok(()) };
        let behind = arguments.get(1..).unwrap_or_default();
        let Some(new) = self.text_argument(behind, this)? else { return Ok(()) };
        if new.len().saturating_mul(text.len() + 1) > FHIRPATH_MADE_BYTES_MAX {
            return Err("the text becomes too long");
        }
        let replaced = match ready {
            Some(ready) => ready.replace_all(text, new).into_owned(),
            None => self.pattern_of(written, false)?.replace_all(text, new).into_owned(),
        };
        self.push_text(replaced)
    }

    fn push_text(&mut self, text: String) -> Run {
        let text = self.keep(text.into())?;
        self.stack.push(Item::loose(text, "string"));
        Ok(())
    }

    pub(super) fn split(&mut self, arguments: &'a [Plan], mark: usize, this: Item<'a>) -> Run {
        let Some(text) = self.take_text(mark)? else { return Ok(()) };
        let Some(by) = self.text_argument(arguments, this)? else { return Ok(()) };
        if by.is_empty() {
            return self.push_text(text.to_owned());
        }
        text.split(by).try_for_each(|part| self.push_text(part.to_owned()))
    }

    pub(super) fn characters(&mut self, mark: usize) -> Run {
        let Some(text) = self.take_text(mark)? else { return Ok(()) };
        text.chars().try_for_each(|one| self.push_text(one.to_string()))
    }

    pub(super) fn join(&mut self, arguments: &'a [Plan], mark: usize, this: Item<'a>) -> Run {
        let between = self.text_argument(arguments, this)?.unwrap_or_default();
        let texts = self.above(mark).iter().map(|item| item.value.as_str());
        let texts: Vec<&str> = texts.collect::<Option<_>>().ok_or("expected texts")?;
        let long = texts.len().saturating_mul(between.len());
        if long.saturating_add(texts.iter().map(|text| text.len()).sum()) > FHIRPATH_MADE_BYTES_MAX
        {
            return Err("the text becomes too long");
        }
        let joined = texts.join(between);
        self.stack.truncate(mark);
        self.push_text(joined)
    }
}
