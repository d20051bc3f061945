//! An expansion as it is given out: narrowed, in pages, nested, in a language.
//! <https://hl7.org/fhir/R4/valueset-operation-expand.html>

use std::collections::HashMap;

use canonical_model::json::Object;
use canonical_model::{Result, Value};

use super::compose::too_costly;
use super::{Member, Members};
use crate::bits::Bits;
use crate::code_system::{Designation, Wanted};
use crate::limits::{EXPANSION_CODES_MAX, NESTING_MAX};

/// How an expansion is wanted.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Only codes with these words.
    pub filter: Option<Wanted>,
    /// Codes that are skipped.
    pub offset: usize,
    /// Codes that are given out at most; `None` for all.
    pub count: Option<usize>,
    /// Without codes that are no longer to be used.
    pub active_only: bool,
    /// Without codes that only group others.
    pub selectable_only: bool,
    /// Codes below those that they are below.
    pub nested: bool,
    /// The language of displays.
    pub language: Option<String>,
    /// With other wordings.
    pub designations: bool,
    /// Of these, as `use system|code` or a language; all where none is named.
    pub wanted: Vec<String>,
    /// Without the codes of these systems.
    pub without: Vec<String>,
}

/// One page of an expansion.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// How many codes there are in all.
    pub total: usize,
    /// The systems with the versions that were used, as `url|version`.
    pub versions: Vec<String>,
    /// The codes.
    pub contains: Vec<Contains>,
}

/// One code of it.
#[derive(Clone, Debug)]
pub struct Contains {
    member: Member,
    children: Vec<Contains>,
}

/// A page of a value set's codes.
///
/// # Errors
/// TooLarge where all are asked for and they are too many.
pub fn expand(members: &Members, view: &View) -> Result<Expansion> {
    let found = narrowed(members, view);
    let total = found.len();
    if view.count.is_none() && total.saturating_sub(view.offset) > EXPANSION_CODES_MAX {
        return Err(too_costly(&format!(
            "the value set has {total} codes; at most {EXPANSION_CODES_MAX} are given out at once: ask for pages by \
             count and offset, or name words in filter"
        )));
    }
    let count = view.count.map_or(EXPANSION_CODES_MAX, |count| count.min(EXPANSION_CODES_MAX));
    let page: Vec<Member> = found.into_iter().skip(view.offset).take(count).collect();
    let version = |slot: &super::Slot| match &slot.version {
        Some(version) => format!("{}|{version}", slot.url),
        None => slot.url.to_string(),
    };
    let contains = match view.nested {
        true => nest(members, &page),
        false => page.into_iter().map(|member| Contains { member, children: Vec::new() }).collect(),
    };
    let mut versions: Vec<String> = members.slots.iter().map(version).collect();
    versions.dedup();
    Ok(Expansion { total, versions, contains })
}

fn narrowed(members: &Members, view: &View) -> Vec<Member> {
    let wanted = view.filter.as_ref();
    let bits: Vec<Option<Bits>> = match wanted {
        None => Vec::new(),
        Some(wanted) => {
            let of = |slot: &super::Slot| slot.system.as_ref().map(|it| it.matching(wanted));
            members.slots.iter().map(of).collect()
        }
    };
    let has_words = |member: Member| {
        let Some(wanted) = wanted else { return true };
        let by_system = match member {
            Member::Concept(slot, place) => {
                let bits = bits.get(usize::from(slot)).and_then(Option::as_ref);
                bits.is_some_and(|bits| bits.has(place))
            }
            Member::Listed(..) => false,
        };
        by_system
            || members.said(member).is_some_and(|it| {
                let word =
                    |it: &'_ Value| it.get("value").and_then(Value::as_str).map(str::to_owned);
                let others: Vec<String> = it.designations.iter().filter_map(word).collect();
                let own = [Some(&*it.code), it.display.as_deref()].into_iter().flatten();
                wanted.is_in(own.chain(others.iter().map(String::as_str)))
            })
    };
    let left_out = |member: Member| {
        let (Member::Concept(slot, _) | Member::Listed(slot, _)) = member;
        let Some(slot) = members.at(slot) else { return true };
        let version = slot.version.as_deref().unwrap_or_default();
        view.without.iter().any(|it| match it.split_once('|') {
            Some((url, of)) => url == &*slot.url && of == version,
            None => it == &*slot.url,
        })
    };
    let all = members.order.iter().copied();
    all.filter(|member| {
        has_words(*member)
            && !(view.active_only && members.is_inactive(*member))
            && !(view.selectable_only && members.is_abstract(*member))
            && (view.without.is_empty() || !left_out(*member))
    })
    .collect()
}

/// Puts each code below one that stands before it and is a parent of it.
fn nest(members: &Members, page: &[Member]) -> Vec<Contains> {
    let mut places: HashMap<(u16, u32), usize> = HashMap::new();
    let (mut above, mut depths) = (Vec::new(), Vec::<usize>::new());
    for (at, member) in page.iter().enumerate() {
        let parent = match (*member, members.concept(*member)) {
            (Member::Concept(slot, place), Some((system, _))) => {
                let known = |parent: &u32| places.get(&(slot, *parent)).copied();
                let parent = system.parents(place).iter().find_map(known);
                places.insert((slot, place), at);
                parent
            }
            _ => None,
        };
        let depth = |parent: usize| depths.get(parent).copied().unwrap_or(0_usize) + 1;
        let parent = parent.filter(|parent| depth(*parent) < NESTING_MAX);
        let own = parent.map_or(0, depth);
        depths.push(own);
        above.push(parent);
    }
    let entry = |member: &Member| Contains { member: *member, children: Vec::new() };
    let mut open: Vec<Option<Contains>> = page.iter().map(entry).map(Some).collect();
    let mut top = Vec::new();
    // Children stand behind their parents: from the end, each is whole when it is put in its place.
    for (at, parent) in above.iter().enumerate().rev() {
        let Some(mut entry) = open.get_mut(at).and_then(Option::take) else { continue };
        entry.children.reverse();
        match parent.and_then(|parent| open.get_mut(parent)).and_then(Option::as_mut) {
            Some(parent) => parent.children.push(entry),
            None => top.push(entry),
        }
    }
    top.reverse();
    top
}

impl Contains {
    /// As `ValueSet.expansion.contains`.
    #[must_use]
    pub fn to_value(&self, members: &Members, view: &View) -> Value {
        let (Member::Concept(slot, _) | Member::Listed(slot, _)) = self.member;
        let mut entry = Object::new();
        if let Some(slot) = members.at(slot) {
            entry.set("system", &*slot.url);
            if let Some(version) = slot.version.as_deref() {
                entry.set("version", version);
            }
        }
        if members.is_abstract(self.member) {
            entry.set("abstract", true);
        }
        if members.is_inactive(self.member) {
            entry.set("inactive", true);
        }
        entry.set("code", members.code(self.member));
        let language = view.language.as_deref();
        let display = language.and_then(|language| members.in_language(self.member, language));
        if let Some(display) = display.or_else(|| members.display(self.member)) {
            entry.set("display", display);
        }
        if view.designations {
            let designations = designations(members, self.member, &view.wanted);
            if !designations.is_empty() {
                entry.set("designation", designations);
            }
        }
        if !self.children.is_empty() {
            let children = self.children.iter().map(|it| it.to_value(members, view));
            entry.set("contains", children.collect::<Vec<_>>());
        }
        entry.into()
    }
}

fn designations(members: &Members, member: Member, wanted: &[String]) -> Vec<Value> {
    let mut all = members.said(member).map(|it| it.designations.clone()).unwrap_or_default();
    if let Some((system, place)) = members.concept(member) {
        all.extend(system.designations(place).map(|it| it.to_value()));
    }
    if !wanted.is_empty() {
        all.retain(|it| wanted.iter().any(|wanted| is_wanted(it, wanted)));
    }
    all
}

/// `designation=[system]|[code]` names a use, anything else a language; `urn:ietf:bcp:47|de` names one too.
fn is_wanted(designation: &Value, wanted: &str) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let language = text(designation.get("language"));
    let usage = designation.get("use");
    match wanted.split_once('|') {
        Some(("urn:ietf:bcp:47", of)) => language == of,
        Some((system, code)) => {
            let part = |name| text(usage.and_then(|it| it.get(name)));
            part("system") == system && part("code") == code
        }
        None => language == wanted,
    }
}

impl Designation<'_> {
    /// As `CodeSystem.concept.designation`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut out = Object::new();
        if !self.language.is_empty() {
            out.set("language", self.language);
        }
        let mut usage = Object::new();
        for (name, part) in ["system", "code", "display"].into_iter().zip(self.usage) {
            if !part.is_empty() {
                usage.set(name, part);
            }
        }
        if !usage.is_empty() {
            out.set("use", usage);
        }
        out.set("value", self.value);
        out.into()
    }
}
