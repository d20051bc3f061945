//! Types, backbone elements and their children, from the snapshots of the structure definitions.

use std::collections::{BTreeMap, BTreeSet};

use crate::index::{Element, Key, Primitive, Shape, Structure};
use crate::package::{ElementDefinition, Package, StructureDefinition, TypeRef};
use crate::{Built, keep};

/// Elements of one structure: validation keeps a bit for each.
const ELEMENTS_MAX: usize = 64;

pub(crate) struct Structures {
    pub(crate) list: Vec<Structure>,
    pub(crate) targets: Vec<Vec<u16>>,
    /// Required bindings of `code` elements: structure, element, value set.
    pub(crate) bindings: Vec<(usize, usize, String)>,
    numbers: BTreeMap<String, u16>,
}

impl Structures {
    pub(crate) fn read(package: &Package) -> Built<Self> {
        let mut definitions: Vec<StructureDefinition> = package.all("StructureDefinition")?;
        definitions
            .retain(|it| it.kind != "logical" && it.derivation.as_deref() != Some("constraint"));
        let mut paths = BTreeSet::new();
        for element in definitions.iter().flat_map(|it| &it.snapshot.element) {
            paths.insert(element.path.split_once('.').map_or(&*element.path, |(root, _)| root));
            paths.extend(element.path.rsplit_once('.').map(|(parent, _)| parent));
        }
        let numbers = paths.into_iter().zip(0..).map(|(path, n)| (path.to_owned(), n)).collect();
        let mut read =
            Self { list: Vec::new(), targets: vec![vec![]], bindings: Vec::new(), numbers };
        let mut list = BTreeMap::new();
        for definition in &definitions {
            read.definition(definition, &mut list)?;
        }
        read.list = list.into_values().collect();
        Ok(read)
    }

    pub(crate) fn find(&self, path: &str) -> Built<u16> {
        self.numbers.get(path).copied().ok_or_else(|| format!("unknown type {path}"))
    }

    /// Adds a type and its backbone elements.
    fn definition(
        &mut self,
        definition: &StructureDefinition,
        list: &mut BTreeMap<u16, Structure>,
    ) -> Built<()> {
        for element in &definition.snapshot.element {
            let number = self.numbers.get(&element.path).copied();
            let Some((parent, name)) = element.path.rsplit_once('.') else {
                let base = definition.base.as_deref().map(|url| self.find(last(url)));
                let shape = shape(definition)?;
                list.insert(
                    self.find(&element.path)?,
                    empty(&element.path, shape, base.transpose()?),
                );
                continue;
            };
            if let Some(number) = number {
                let base = element.types.first().map(|it| self.find(&it.code)).transpose()?;
                list.insert(number, empty(&element.path, Shape::Backbone, base));
            }
            let is_value = definition.kind == "primitive-type" && name == "value";
            if element.max != "0" && !is_value {
                let number = self.find(parent)?;
                let parent = list.get_mut(&number).ok_or("a child before its parent")?;
                self.child(usize::from(number), parent, name, element)?;
            }
        }
        for structure in list.values_mut() {
            structure.keys.sort_by_key(|key| key.name);
        }
        Ok(())
    }

    fn child(
        &mut self,
        number: usize,
        parent: &mut Structure,
        name: &str,
        definition: &ElementDefinition,
    ) -> Built<()> {
        let place = parent.elements.len();
        if place >= ELEMENTS_MAX {
            return Err(format!("{} has more than {ELEMENTS_MAX} elements", parent.path));
        }
        let (name, choice) = name.strip_suffix("[x]").map_or((name, false), |name| (name, true));
        let mut types = Vec::new();
        for (kind, targets) in self.types(parent, definition)? {
            let key = if choice { format!("{name}{}", capital(&kind)) } else { name.to_owned() };
            let structure = self.find(&kind)?;
            let element = u8::try_from(place).map_err(|e| e.to_string())?;
            parent.keys.push(Key { name: keep(key), element, structure, targets });
            types.push(structure);
        }
        if let Some(binding) = definition.binding.as_ref().filter(|it| it.strength == "required")
            && definition.types.iter().any(|it| it.code == "code")
        {
            self.bindings.extend(binding.value_set.clone().map(|url| (number, place, url)));
        }
        parent.required |= u64::from(definition.min > 0) << place;
        parent.elements.push(Element {
            name: keep(name.to_owned()),
            choice,
            required: definition.min > 0,
            many: definition.max != "1",
            summary: definition.is_summary,
            modifier: definition.is_modifier,
            attribute: definition.representation.iter().any(|it| it == "xmlAttr"),
            types,
            codes: None,
        });
        Ok(())
    }

    /// The names of an element's structures, each with its list of reference targets.
    fn types(
        &mut self,
        parent: &Structure,
        definition: &ElementDefinition,
    ) -> Built<Vec<(String, u16)>> {
        if let Some(content) = &definition.content_reference {
            return Ok(vec![(content.trim_start_matches('#').to_owned(), 0)]);
        }
        if self.numbers.contains_key(&definition.path) {
            return Ok(vec![(definition.path.clone(), 0)]);
        }
        let is_resource_id = parent.shape == Shape::Resource && definition.path.ends_with(".id");
        let mut types = Vec::new();
        for each in &definition.types {
            let name = if is_resource_id { "id" } else { fhir_type(each) };
            types.push((name.to_owned(), self.target_list(each)?));
        }
        Ok(types)
    }

    fn target_list(&mut self, each: &TypeRef) -> Built<u16> {
        let mut list = Vec::new();
        if each.code == "Reference" {
            for profile in &each.target_profile {
                list.push(self.find(last(profile))?);
            }
            if list.contains(&self.find("Resource")?) {
                list.clear();
            }
        }
        list.sort_unstable();
        let place = self.targets.iter().position(|known| *known == list).unwrap_or_else(|| {
            self.targets.push(list);
            self.targets.len() - 1
        });
        u16::try_from(place).map_err(|e| e.to_string())
    }
}

fn empty(path: &str, shape: Shape, base: Option<u16>) -> Structure {
    let path = keep(path.to_owned());
    Structure { path, shape, base, elements: Vec::new(), keys: Vec::new(), required: 0 }
}

/// FHIRPath's system types stand for what an extension names (`xhtml.id` alone lacks it).
fn fhir_type(each: &TypeRef) -> &str {
    if !each.code.starts_with("http://hl7.org/fhirpath/") {
        return &each.code;
    }
    let named = each.extension.iter().find(|it| it.url.ends_with("/structuredefinition-fhir-type"));
    named.and_then(|it| it.value.as_deref()).unwrap_or("string")
}

fn shape(definition: &StructureDefinition) -> Built<Shape> {
    Ok(match definition.kind.as_str() {
        _ if definition.is_abstract => Shape::Abstract,
        "resource" => Shape::Resource,
        "complex-type" => Shape::Datatype,
        _ => Shape::Primitive(primitive(&definition.name)?),
    })
}

fn primitive(name: &str) -> Built<Primitive> {
    Ok(match name {
        "base64Binary" => Primitive::Base64Binary,
        "boolean" => Primitive::Boolean,
        "canonical" => Primitive::Canonical,
        "code" => Primitive::Code,
        "date" => Primitive::Date,
        "dateTime" => Primitive::DateTime,
        "decimal" => Primitive::Decimal,
        "id" => Primitive::Id,
        "instant" => Primitive::Instant,
        "integer" => Primitive::Integer,
        "markdown" => Primitive::Markdown,
        "oid" => Primitive::Oid,
        "positiveInt" => Primitive::PositiveInt,
        "string" => Primitive::String,
        "time" => Primitive::Time,
        "unsignedInt" => Primitive::UnsignedInt,
        "uri" => Primitive::Uri,
        "url" => Primitive::Url,
        "uuid" => Primitive::Uuid,
        "xhtml" => Primitive::Xhtml,
        other => return Err(format!("unknown primitive type {other}")),
    })
}

fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
