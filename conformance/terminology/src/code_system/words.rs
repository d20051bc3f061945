//! Finds concepts by the words of their displays, designations and codes. The words of all stand in one text that is
//! read through: that is faster than an index that has to be built, and finds beginnings of words.

use canonical_model::{Error, Kind, Result};
use memchr::memmem;

use super::{CodeSystem, Place};
use crate::bits::Bits;
use crate::fold::words;
use crate::limits::FILTER_BYTES_MAX;

#[derive(Debug)]
pub(super) struct Words {
    text: String,
    /// Where each concept's words begin.
    starts: Vec<u32>,
}

/// What a text must have to be found.
#[derive(Clone, Debug)]
pub struct Wanted(Vec<String>);

impl Wanted {
    /// Reads a filter: words, each of which must begin a word of what is found.
    ///
    /// # Errors
    /// Invalid where it has no letter and no digit; TooLarge.
    pub fn read(filter: &str) -> Result<Self> {
        if filter.len() > FILTER_BYTES_MAX {
            let text = format!("filter: at most {FILTER_BYTES_MAX} bytes");
            return Err(Error::new(Kind::TooLarge, text));
        }
        let mut terms: Vec<String> = filter.split_whitespace().map(folded).collect();
        terms.retain(|term| !term.is_empty());
        // The longest is the rarest, as a rule.
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        if terms.is_empty() {
            return Err(Error::invalid("filter: name a word or the beginning of one"));
        }
        Ok(Self(terms))
    }

    /// Whether texts have it.
    pub fn is_in<'t>(&self, texts: impl Iterator<Item = &'t str>) -> bool {
        let mut all = String::new();
        texts.for_each(|text| words(text, &mut all));
        self.0.iter().all(|term| all.contains(term.as_str()))
    }
}

fn folded(text: &str) -> String {
    let mut out = String::new();
    words(text, &mut out);
    out
}

impl Words {
    pub(super) fn of(system: &CodeSystem) -> Self {
        let mut text = String::with_capacity(system.text.len());
        let mut starts = Vec::with_capacity(system.len() + 1);
        for place in system.places() {
            starts.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
            words(system.code(place), &mut text);
            words(system.display(place).unwrap_or_default(), &mut text);
            for designation in system.designations(place) {
                words(designation.value, &mut text);
            }
            // No word of one concept goes on in the next.
            text.push('\n');
        }
        starts.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        text.shrink_to_fit();
        Self { text, starts }
    }

    fn matching(&self, wanted: &Wanted) -> Bits {
        let mut bits = Bits::none(self.starts.len().saturating_sub(1));
        let Some((first, others)) = wanted.0.split_first() else { return bits };
        let mut place: Place = 0;
        let mut behind = 0;
        for hit in memmem::find_iter(self.text.as_bytes(), first.as_bytes()) {
            if hit < behind {
                continue;
            }
            while self.start(place.saturating_add(1)).is_some_and(|next| next <= hit) {
                place += 1;
            }
            let (Some(start), Some(end)) = (self.start(place), self.start(place + 1)) else {
                break;
            };
            behind = end;
            let own = self.text.get(start..end).unwrap_or_default();
            if others.iter().all(|term| own.contains(term.as_str())) {
                bits.insert(place);
            }
        }
        bits
    }

    fn start(&self, place: Place) -> Option<usize> {
        let start = self.starts.get(usize::try_from(place).ok()?)?;
        usize::try_from(*start).ok()
    }
}

impl CodeSystem {
    /// The concepts of which the display, a designation or the code has the words.
    #[must_use]
    pub fn matching(&self, wanted: &Wanted) -> Bits {
        self.words.get_or_init(|| Words::of(self)).matching(wanted)
    }
}
