//! A handful of definitions for tests, written as a table.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Element, Schema};
use crate::ResourceType;

/// `Type < base: element:type|type*`, where `*` means many and `[x]` a choice.
const TABLE: &str = "
Element < Base: id:string extension:Extension*
BackboneElement < Element: modifierExtension:Extension*
Resource < Base: id:id meta:Meta implicitRules:uri language:code
DomainResource < Resource: text:Narrative contained:Resource* extension:Extension* modifierExtension:Extension*
string < Element:
code < string:
id < string:
markdown < string:
uri < Element:
url < uri:
canonical < uri:
boolean < Element:
integer < Element:
positiveInt < integer:
decimal < Element:
date < Element:
dateTime < Element:
instant < Element:
xhtml < Element:
Extension < Element: url:uri value[x]:string|boolean|code|decimal|date|dateTime|Quantity|Reference|Period|CodeableConcept
Meta < Element: versionId:id lastUpdated:instant profile:canonical* tag:Coding*
Narrative < Element: status:code div:xhtml
Coding < Element: system:uri version:string code:code display:string
CodeableConcept < Element: coding:Coding* text:string
Identifier < Element: use:code type:CodeableConcept system:uri value:string period:Period assigner:Reference
HumanName < Element: use:code text:string family:string given:string* prefix:string* period:Period
ContactPoint < Element: system:code value:string use:code rank:positiveInt
Address < Element: use:code type:code line:string* city:string district:string state:string postalCode:string period:Period
Period < Element: start:dateTime end:dateTime
Reference < Element: reference:string type:uri identifier:Identifier display:string
Quantity < Element: value:decimal comparator:code unit:string system:uri code:code
Age < Quantity:
Range < Element: low:Quantity high:Quantity
Patient < DomainResource: identifier:Identifier* active:boolean name:HumanName* telecom:ContactPoint* gender:code birthDate:date deceased[x]:boolean|dateTime address:Address* maritalStatus:CodeableConcept multipleBirth[x]:boolean|integer contact:Patient.contact* generalPractitioner:Reference* managingOrganization:Reference link:Patient.link*
Patient.contact < BackboneElement: relationship:CodeableConcept* name:HumanName telecom:ContactPoint* address:Address gender:code period:Period
Patient.link < BackboneElement: other:Reference type:code
Practitioner < DomainResource: name:HumanName* telecom:ContactPoint*
Group < DomainResource: name:string
Condition < DomainResource: subject:Reference code:CodeableConcept onset[x]:dateTime|Age|Period|Range|string
Observation < DomainResource: status:code code:CodeableConcept subject:Reference effective[x]:dateTime|Period|instant value[x]:Quantity|CodeableConcept|string|boolean|integer|Range|dateTime|Period component:Observation.component*
Observation.component < BackboneElement: code:CodeableConcept value[x]:Quantity|CodeableConcept|string
Library < DomainResource: relatedArtifact:RelatedArtifact*
RelatedArtifact < Element: type:code resource:canonical
ConceptMap < DomainResource: source[x]:uri|canonical
Bundle < Resource: type:code entry:Bundle.entry*
Bundle.entry < BackboneElement: fullUrl:uri resource:Resource
Parameters < Resource: parameter:Parameters.parameter*
Parameters.parameter < BackboneElement: name:string value[x]:string|code|date|integer|boolean|dateTime|HumanName|Identifier|Extension resource:Resource part:Parameters.parameter*
";

/// The table, read.
pub(crate) struct Fake(HashMap<&'static str, (&'static str, HashMap<&'static str, Element>)>);

/// The one instance.
pub(crate) static FAKE: LazyLock<Fake> = LazyLock::new(|| {
    let kinds = TABLE.trim().lines().map(|line| {
        let (head, body) = line.split_once(':').expect(line);
        let (kind, base) = head.split_once(" < ").expect(line);
        (kind, (base, body.split_whitespace().map(element).collect()))
    });
    Fake(kinds.collect())
});

fn element(text: &'static str) -> (&'static str, Element) {
    let (name, types) = text.split_once(':').expect(text);
    let element = Element {
        types: types.trim_end_matches('*').split('|').map(Into::into).collect(),
        choice: name.ends_with("[x]"),
        many: types.ends_with('*'),
    };
    (name.trim_end_matches("[x]"), element)
}

impl Schema for Fake {
    fn element(&self, parent: &str, name: &str) -> Option<Element> {
        let (base, elements) = self.0.get(parent)?;
        elements.get(name).cloned().or_else(|| self.element(base, name))
    }

    fn is_a(&self, kind: &str, base: &str) -> bool {
        let resource = ResourceType::find(kind).is_some() && !self.0.contains_key(kind);
        (resource && matches!(base, "DomainResource" | "Resource"))
            || kind == base
            || self.0.get(kind).is_some_and(|(parent, _)| self.is_a(parent, base))
    }
}
