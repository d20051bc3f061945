//! What is below an item, whatever it is; and what an item is.

use super::{Machine, Run};
use crate::fhirpath::item::{Item, NULL, SYSTEM, is_primitive};
use crate::fhirpath::plan::Plan;
use crate::fhirpath::quantity::Measure;
use crate::fhirpath::schema::{Member, Model};
use crate::json::{Object, Value};

impl<'a> Machine<'a> {
    /// Replaces the items above the mark by what is directly below them, or by all that is.
    pub(super) fn tree(&mut self, mark: usize, deep: bool, model: &'static dyn Model) -> Run {
        let mut queue = self.stack.split_off(mark);
        while !queue.is_empty() {
            let before = self.stack.len();
            for item in queue {
                self.members(item, None, model)?;
            }
            queue = if deep { self.above(before).to_vec() } else { Vec::new() };
        }
        Ok(())
    }

    /// Pushes the members of a name, or of all names.
    pub(super) fn members(
        &mut self,
        item: Item<'a>,
        name: Option<&str>,
        model: &'static dyn Model,
    ) -> Run {
        let Some(object) = item.members() else { return Ok(()) };
        for (key, value) in object.iter() {
            let partner = key.strip_prefix('_');
            let plain = partner.unwrap_or(key);
            let Some(member) = model.member(item.type_name, plain) else { continue };
            if name.is_some_and(|name| name != member.name) {
                continue;
            }
            match partner {
                // Its values bring their partners along.
                Some(plain) if object.get(plain).is_some() => {}
                Some(_) => self.grow(member, &NULL, Some(value), item)?,
                None => {
                    let partner = is_primitive(member.kind).then(|| partner_of(object, plain));
                    self.grow(member, value, partner.flatten(), item)?;
                }
            }
        }
        Ok(())
    }

    fn grow(
        &mut self,
        member: Member,
        value: &'a Value,
        partner: Option<&'a Value>,
        parent: Item<'a>,
    ) -> Run {
        let values = value.as_array();
        let partners = partner.and_then(Value::as_array);
        let count = values.map_or(0, <[Value]>::len).max(partners.map_or(0, <[Value]>::len));
        if values.is_none() && partners.is_none() {
            return self.grown(member, value, partner, parent);
        }
        for at in 0..count {
            let value = values.and_then(|values| values.get(at)).unwrap_or(&NULL);
            let partner = partners.and_then(|partners| partners.get(at));
            self.grown(member, value, partner, parent)?;
        }
        Ok(())
    }

    fn grown(
        &mut self,
        member: Member,
        value: &'a Value,
        partner: Option<&'a Value>,
        parent: Item<'a>,
    ) -> Run {
        self.spend()?;
        let partner = partner.filter(|partner| !matches!(partner, Value::Null));
        if matches!(value, Value::Null) && partner.is_none() {
            return Ok(());
        }
        let mut child = Item {
            value,
            type_name: member.kind,
            extension: partner,
            parent: Some(parent.value),
            resource: parent.resource,
            remote: false,
        };
        if matches!(member.kind, "Resource" | "DomainResource") {
            child.resource = value;
            let own = value.get("resourceType").and_then(Value::as_str);
            child.type_name = own.unwrap_or(child.type_name);
        }
        self.stack.push(child);
        Ok(())
    }

    /// `type()`: the namespace and the name of each item's type.
    pub(super) fn type_info(&mut self, mark: usize) -> Run {
        for item in self.stack.split_off(mark) {
            let own = SYSTEM.iter().find(|(_, fhir)| *fhir == item.type_name);
            let (namespace, name) = match own {
                Some((system, _)) if item.is_system() => ("System", *system),
                _ if item.is_system() => ("System", item.type_name),
                _ => ("FHIR", item.type_name),
            };
            let mut info = Object::new();
            info.set("namespace", namespace);
            info.set("name", name);
            let info = self.keep(info.into())?;
            self.stack.push(Item::loose(info, TYPE_INFO));
        }
        Ok(())
    }

    /// Whether the one item is as a profile says.
    pub(super) fn conforms_to(
        &mut self,
        model: &'static dyn Model,
        arguments: &'a [Plan],
        mark: usize,
        this: Item<'a>,
    ) -> Run<Option<bool>> {
        let Some(item) = self.one(mark)? else { return Ok(None) };
        let Some(url) = self.text_argument(arguments, this)? else { return Ok(None) };
        let holds = model.conforms(item.value, item.type_name, url);
        holds.map(Some).ok_or("a profile that is not known here")
    }

    /// `-a`
    pub(super) fn negate(&mut self, mark: usize) -> Run {
        let Some(item) = self.one(mark)? else { return Ok(()) };
        let negative = match item.value {
            Value::Number(number) => {
                let text = number.as_str();
                let text = text.strip_prefix('-').map_or_else(|| format!("-{text}"), str::to_owned);
                crate::json::parse(text.as_bytes()).ok()
            }
            quantity => Measure::of(quantity)
                .and_then(|it| crate::fhirpath::quantity::negative(&it.with(&it.value)?)),
        };
        let negative = self.keep(negative.ok_or("expected a number")?)?;
        self.stack.truncate(mark);
        self.stack.push(Item::loose(negative, item.type_name));
        Ok(())
    }
}

/// The type of what `type()` makes.
pub(crate) const TYPE_INFO: &str = "TypeInfo";

fn partner_of<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    let is = |key: &str| key.strip_prefix('_') == Some(name);
    object.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
}
