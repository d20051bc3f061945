//! Names and types: which JSON keys a name means, and which items a type test lets pass.

use super::{ANY, Compiler, Typed, distinct};
use crate::fhirpath::Element;
use crate::fhirpath::eval::TYPE_INFO;
use crate::fhirpath::item::{SYSTEM, is_primitive};
use crate::fhirpath::lex::refuse;
use crate::fhirpath::plan::{Arm, Function, Key, Plan, Step, TypeTest};
use crate::json::Text;
use crate::{ResourceType, Result};

impl Compiler<'_> {
    /// A path that begins with a type: `Patient.name` is nothing to an Observation.
    pub(super) fn type_start(&self, here: Typed, name: &str, at: usize) -> Result<Typed> {
        if here.types.iter().all(|kind| self.schema.is_a(kind, name)) {
            return Ok(here);
        }
        self.of_type(here, name, at)
    }

    /// To the members `name`. Each type that the parent can have contributes an arm.
    pub(super) fn member(&self, typed: Typed, name: &str, at: usize) -> Result<Typed> {
        if typed.is_nothing() {
            return Ok(typed);
        }
        if typed.types.iter().any(|kind| kind == ANY) {
            let step = Step::Named(name.into(), self.model(at)?);
            return Ok(typed.then(step, vec![ANY.into()]));
        }
        if typed.types.iter().all(|kind| kind == TYPE_INFO) && matches!(name, "namespace" | "name")
        {
            let element = Element { types: vec!["string".into()], choice: false, many: false };
            let arm = Arm { parent: None, stem: name.into(), keys: keys(name, &element) };
            return Ok(typed.then(Step::Child(vec![arm]), vec!["string".into()]));
        }
        if name == "value" && typed.types.iter().all(|kind| is_primitive(kind)) {
            return Ok(typed); // A primitive is its own value.
        }
        let mut found: Vec<(Text, Element)> = Vec::new();
        for parent in &typed.types {
            match self.schema.element(parent, name) {
                Some(element) => found.push((parent.clone(), element)),
                None if is_any_resource(parent) => found.extend(self.in_any_resource(name)),
                None => {}
            }
        }
        if found.is_empty() {
            let parent = typed.types.first().map_or("this", |kind| kind.as_str());
            let shown = if name.len() <= 64 { name } else { "…" };
            return Err(refuse(&format!("{parent} has no element `{shown}`"), at));
        }
        let sure = typed.types.len() == 1
            && found.len() == 1
            && !typed.types.iter().any(|kind| is_any_resource(kind));
        let types = found.iter().flat_map(|(_, element)| element.types.iter().cloned()).collect();
        let arms = found.into_iter().map(|(parent, element)| {
            // `Resource` itself is the type of no item: its elements belong to every resource.
            let any = sure || is_any_resource(&parent);
            Arm { parent: (!any).then_some(parent), stem: name.into(), keys: keys(name, &element) }
        });
        let arms = arms.collect();
        Ok(typed.then(Step::Child(arms), distinct(types)))
    }

    fn in_any_resource(&self, name: &str) -> Vec<(Text, Element)> {
        let element = |kind: ResourceType| {
            Some((kind.name().into(), self.schema.element(kind.name(), name)?))
        };
        ResourceType::all().filter_map(element).collect()
    }

    /// Only what is of the type. Directly behind a choice this costs nothing: the keys are known.
    pub(super) fn of_type(&self, mut typed: Typed, name: &str, at: usize) -> Result<Typed> {
        let base = system_name(name);
        if typed.types.iter().any(|kind| kind == ANY) {
            self.type_test(&typed.types, name, at)?;
            let step = Step::OfKind(base.into(), self.model(at)?);
            return Ok(typed.then(step, vec![base.into()]));
        }
        let test = self.type_test(&typed.types, name, at)?;
        let keeps = |kind: &Text| self.schema.is_a(kind, base);
        let narrows = |kind: &Text| self.schema.is_a(base, kind);
        let mut types: Vec<Text> = typed.types.iter().filter(|kind| keeps(kind)).cloned().collect();
        let narrowed = typed.types.iter().any(|kind| !keeps(kind) && narrows(kind));
        if narrowed {
            types.push(base.into());
        }
        if types.is_empty() {
            return Ok(Typed::nothing());
        }
        if let Plan::Path(_, steps) = &mut typed.plan
            && let Some(Step::Child(arms)) = steps.last_mut()
        {
            for arm in arms.iter_mut() {
                arm.keys.retain(|key| keeps(&key.kind) || narrows(&key.kind));
            }
            arms.retain(|arm| !arm.keys.is_empty());
            if !narrowed {
                typed.types = types;
                return Ok(typed);
            }
        } else if types.len() == typed.types.len() && !narrowed {
            return Ok(typed);
        }
        Ok(typed.then(Step::OfType(test), types))
    }

    /// The names of all types that are `name` or come from it, as far as they can occur here.
    pub(super) fn type_test(&self, types: &[Text], name: &str, at: usize) -> Result<TypeTest> {
        let base = system_name(name);
        let known = |top| self.schema.is_a(base, top);
        let resource = known("Resource") || ResourceType::find(base).is_some();
        if !is_primitive(base) && !resource && !known("Element") {
            return Err(refuse("expected the name of a type", at));
        }
        let mut names: Vec<Text> =
            types.iter().filter(|kind| self.schema.is_a(kind, base)).cloned().collect();
        if types.iter().any(|kind| is_any_resource(kind)) {
            let all = ResourceType::all().map(|kind| Text::from(kind.name()));
            names.extend(all.filter(|kind| self.schema.is_a(kind, base)));
        }
        names.push(base.into());
        Ok(TypeTest { names: distinct(names), system: false })
    }

    /// `is`: a name of FHIRPath's own types means these, and not what FHIR has for them.
    pub(super) fn is_test(&self, types: &[Text], name: &str, at: usize) -> Result<Function> {
        let test = self.type_test(types, name, at)?;
        let system = name.starts_with("System.") || SYSTEM.iter().any(|(own, _)| *own == name);
        if !system && types.iter().any(|kind| kind == ANY) {
            return Ok(Function::IsKind(system_name(name).into(), self.model(at)?));
        }
        Ok(Function::Is(TypeTest { system, ..test }))
    }
}

/// The abstract types, of which no item is: what stands there has a type of its own.
fn is_any_resource(kind: &str) -> bool {
    matches!(kind, "Resource" | "DomainResource")
}

fn system_name(name: &str) -> &str {
    let name = name.strip_prefix("FHIR.").or(name.strip_prefix("System.")).unwrap_or(name);
    SYSTEM.iter().find(|(system, _)| *system == name).map_or(name, |(_, fhir)| fhir)
}

fn keys(name: &str, element: &Element) -> Vec<Key> {
    let key = |kind: &Text| Key {
        name: if element.choice { choice_key(name, kind) } else { name.into() },
        kind: kind.clone(),
        primitive: is_primitive(kind),
        resource: is_any_resource(kind),
    };
    if element.choice {
        element.types.iter().map(key).collect()
    } else {
        element.types.iter().take(1).map(key).collect()
    }
}

/// `value` as a `dateTime` is `valueDateTime`.
pub(crate) fn choice_key(name: &str, kind: &str) -> Text {
    let mut key = Text::from(name);
    let mut letters = kind.chars();
    key.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    key.push_str(letters.as_str());
    key
}
