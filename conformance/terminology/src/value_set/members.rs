//! The codes of a value set: concepts by their number, and codes of systems that are not here by themselves.

use std::collections::HashMap;
use std::sync::Arc;

use canonical_model::{Result, Value};

use super::Listed;
use crate::bits::Bits;
use crate::code_system::read::text;
use crate::code_system::{CodeSystem, Place};

/// The codes of a value set in order, each once.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// By system and version.
    pub slots: Vec<Slot>,
    /// In their order.
    pub order: Vec<Member>,
}

/// The codes of one system.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The system's URL.
    pub url: Arc<str>,
    /// Its version, where that is known.
    pub version: Option<Arc<str>>,
    /// The system, where it is here.
    pub system: Option<Arc<CodeSystem>>,
    /// Which of its concepts are in.
    pub bits: Bits,
    /// What the value set says of concepts itself.
    pub said: HashMap<Place, Listed>,
    /// Codes that are not here.
    pub listed: Vec<Option<Listed>>,
    /// Where they are.
    pub by_code: HashMap<Box<str>, u32>,
}

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// A concept of the slot's system.
    Concept(u16, Place),
    /// A code that the slot lists.
    Listed(u16, u32),
}

impl Members {
    /// How many codes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The slot of a system; it comes where there is none yet.
    pub(super) fn slot(
        &mut self,
        url: &str,
        version: Option<&str>,
        system: Option<&Arc<CodeSystem>>,
    ) -> Result<u16> {
        let version: Option<Arc<str>> =
            system.map_or(version, |it| it.head().version.as_deref()).map(Arc::from);
        let same = |slot: &Slot| {
            let both = slot.system.is_some() == system.is_some();
            *slot.url == *url && slot.version == version && both
        };
        let place = self.slots.iter().position(same).unwrap_or_else(|| {
            self.slots.push(Slot {
                url: url.into(),
                version: version.clone(),
                bits: Bits::none(system.map_or(0, |it| it.len())),
                system: system.cloned(),
                said: HashMap::new(),
                listed: Vec::new(),
                by_code: HashMap::new(),
            });
            self.slots.len() - 1
        });
        u16::try_from(place).map_err(|_| super::compose::too_costly("it names too many systems"))
    }

    pub(super) fn at(&self, slot: u16) -> Option<&Slot> {
        self.slots.get(usize::from(slot))
    }

    /// Puts a concept in.
    pub(super) fn add(&mut self, slot: u16, place: Place) {
        let own = self.slots.get_mut(usize::from(slot));
        if own.is_some_and(|own| own.bits.insert(place)) {
            self.order.push(Member::Concept(slot, place));
        }
    }

    /// Puts a code in as it is listed: as a concept where it is one.
    pub(super) fn list(&mut self, slot: u16, listed: &Listed) {
        let Some(own) = self.slots.get_mut(usize::from(slot)) else { return };
        match own.system.as_ref().and_then(|system| system.find(&listed.code)) {
            Some(place) => {
                if listed.display.is_some() || !listed.designations.is_empty() {
                    own.said.entry(place).or_insert_with(|| listed.clone());
                }
                self.add(slot, place);
            }
            None if own.by_code.contains_key(&*listed.code) => {}
            None => {
                let number = u32::try_from(own.listed.len()).unwrap_or(u32::MAX);
                own.by_code.insert(listed.code.clone(), number);
                own.listed.push(Some(listed.clone()));
                self.order.push(Member::Listed(slot, number));
            }
        }
    }

    /// Adds another's codes.
    pub(super) fn extend(&mut self, other: &Self) -> Result<()> {
        let mut slots = Vec::with_capacity(other.slots.len());
        for slot in &other.slots {
            slots.push(self.slot(&slot.url, slot.version.as_deref(), slot.system.as_ref())?);
        }
        for member in &other.order {
            let (Member::Concept(theirs, _) | Member::Listed(theirs, _)) = *member;
            let Some(mine) = slots.get(usize::from(theirs)).copied() else { continue };
            match other.said(*member) {
                Some(listed) => self.list(mine, listed),
                None => {
                    if let Member::Concept(_, place) = member {
                        self.add(mine, *place);
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps what passes.
    pub(super) fn retain(&mut self, keep: impl Fn(&Self, Member) -> bool) {
        let order = std::mem::take(&mut self.order);
        let (kept, left): (Vec<Member>, Vec<Member>) =
            order.into_iter().partition(|member| keep(self, *member));
        self.order = kept;
        for member in left {
            match member {
                Member::Concept(slot, place) => {
                    if let Some(slot) = self.slots.get_mut(usize::from(slot)) {
                        slot.bits.remove(place);
                    }
                }
                Member::Listed(slot, number) => {
                    let Some(slot) = self.slots.get_mut(usize::from(slot)) else { continue };
                    let number = usize::try_from(number).unwrap_or(usize::MAX);
                    let gone = slot.listed.get_mut(number).and_then(Option::take);
                    if let Some(gone) = gone {
                        slot.by_code.remove(&gone.code);
                    }
                }
            }
        }
    }

    /// Whether a code of a system is in, whatever the version.
    #[must_use]
    pub fn has(&self, url: &str, code: &str) -> bool {
        self.slots.iter().filter(|slot| *slot.url == *url).any(|slot| {
            let place = slot.system.as_ref().and_then(|system| system.find(code));
            place.is_some_and(|place| slot.bits.has(place)) || slot.by_code.contains_key(code)
        })
    }

    /// Whether another's code is in; quick where both mean the same system.
    pub(super) fn has_member(&self, other: &Self, member: Member) -> bool {
        let (Member::Concept(slot, _) | Member::Listed(slot, _)) = member;
        let Some(theirs) = other.at(slot) else { return false };
        if let (Member::Concept(_, place), Some(system)) = (member, &theirs.system) {
            let same =
                |mine: &&Slot| mine.system.as_ref().is_some_and(|mine| Arc::ptr_eq(mine, system));
            if self.slots.iter().find(same).is_some_and(|mine| mine.bits.has(place)) {
                return true;
            }
        }
        self.has(&theirs.url, other.code(member))
    }

    /// What the value set itself says of a code.
    #[must_use]
    pub fn said(&self, member: Member) -> Option<&Listed> {
        match member {
            Member::Concept(slot, place) => self.at(slot)?.said.get(&place),
            Member::Listed(slot, number) => {
                self.at(slot)?.listed.get(usize::try_from(number).ok()?)?.as_ref()
            }
        }
    }

    /// The system, where it is here, and the concept.
    #[must_use]
    pub fn concept(&self, member: Member) -> Option<(&CodeSystem, Place)> {
        match member {
            Member::Concept(slot, place) => Some((self.at(slot)?.system.as_deref()?, place)),
            Member::Listed(..) => None,
        }
    }

    /// The URL of its system.
    #[must_use]
    pub fn system(&self, member: Member) -> Option<&str> {
        let (Member::Concept(slot, _) | Member::Listed(slot, _)) = member;
        self.at(slot).map(|slot| &*slot.url)
    }

    /// The code.
    #[must_use]
    pub fn code(&self, member: Member) -> &str {
        match self.concept(member) {
            Some((system, place)) => system.code(place),
            None => self.said(member).map(|it| &*it.code).unwrap_or_default(),
        }
    }

    /// The display: the value set's own, else the system's.
    #[must_use]
    pub fn display(&self, member: Member) -> Option<&str> {
        let own = self.said(member).and_then(|it| it.display.as_deref());
        own.or_else(|| self.concept(member).and_then(|(system, place)| system.display(place)))
    }

    /// The wording in a language: the value set's own, else the system's.
    #[must_use]
    pub fn in_language(&self, member: Member, language: &str) -> Option<&str> {
        let fits =
            |it: &&Value| text(it, "language").is_some_and(|it| it.eq_ignore_ascii_case(language));
        let own = self.said(member).and_then(|it| it.designations.iter().find(fits));
        own.and_then(|it| text(it, "value")).or_else(|| {
            let (system, place) = self.concept(member)?;
            system.in_language(place, language)
        })
    }

    /// Whether a code is no longer to be used.
    #[must_use]
    pub fn is_inactive(&self, member: Member) -> bool {
        self.said(member).is_some_and(|it| it.inactive)
            || self.concept(member).is_some_and(|(system, place)| system.is_inactive(place))
    }

    /// Whether a code only groups others.
    #[must_use]
    pub fn is_abstract(&self, member: Member) -> bool {
        self.said(member).is_some_and(|it| it.is_abstract)
            || self.concept(member).is_some_and(|(system, place)| system.is_abstract(place))
    }
}
