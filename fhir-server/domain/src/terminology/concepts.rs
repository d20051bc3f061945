//! The concepts of a code system and which of them subsume which.
//! <https://hl7.org/fhir/R4/codesystem.html#hierarchy>

use std::collections::{HashMap, HashSet};

use canonical_model::{Error, IssueCode, Result, Value};

use super::definitions::shown;

/// All concepts of a code system.
#[derive(Debug, Default)]
pub(super) struct Concepts {
    codes: Vec<Concept>,
    places: HashMap<String, usize>,
    /// The properties that concepts may have.
    declared: HashSet<String>,
    /// What the hierarchy means, where that is not subsumption.
    other_meaning: Option<String>,
    /// Child and parent, while they are read: a concept may name very many.
    related: HashSet<(usize, usize)>,
    properties: usize,
}

#[derive(Debug, Default)]
struct Concept {
    code: String,
    parents: Vec<usize>,
    children: Vec<usize>,
    properties: Vec<(String, String)>,
}

impl Concepts {
    /// Reads a CodeSystem.
    ///
    /// # Errors
    /// Unprocessable where it does not hold all of its concepts.
    pub(super) fn read(system: &Value) -> Result<Self> {
        let part = |name: &str| system.get(name).and_then(Value::as_str);
        if part("content") != Some("complete") {
            let url = shown(part("url").unwrap_or_default());
            let text =
                format!("the code system {url} is known here, but not with all its concepts");
            return Err(Error::unprocessable(text).code(IssueCode::NotSupported));
        }
        let mut concepts = Self::default();
        for property in items(system, "property") {
            concepts.declared.extend(text(property, "code").map(str::to_owned));
        }
        let meaning = part("hierarchyMeaning").filter(|meaning| *meaning != "is-a");
        concepts.other_meaning = meaning.map(str::to_owned);
        concepts.add(system);
        concepts.link();
        concepts.related = HashSet::new();
        concepts.properties = concepts.codes.iter().map(|it| it.properties.len()).sum();
        Ok(concepts)
    }

    /// Adds nested concepts, without recursion: the nesting is the sender's.
    fn add(&mut self, system: &Value) {
        let mut open: Vec<(&Value, Option<usize>)> =
            items(system, "concept").iter().rev().map(|concept| (concept, None)).collect();
        while let Some((concept, parent)) = open.pop() {
            let Some(code) = text(concept, "code") else { continue };
            let place = self.place(code);
            self.relate(place, parent);
            if let Some(it) = self.codes.get_mut(place) {
                it.properties.extend(items(concept, "property").iter().filter_map(property));
            }
            open.extend(items(concept, "concept").iter().rev().map(|child| (child, Some(place))));
        }
    }

    fn place(&mut self, code: &str) -> usize {
        if let Some(place) = self.places.get(code) {
            return *place;
        }
        let place = self.codes.len();
        self.codes.push(Concept { code: code.to_owned(), ..Concept::default() });
        self.places.insert(code.to_owned(), place);
        place
    }

    /// Parents and children that are told by properties. A concept may have several parents only so.
    fn link(&mut self) {
        let mut links = Vec::new();
        for (place, concept) in self.codes.iter().enumerate() {
            for (name, value) in &concept.properties {
                let Some(other) = self.places.get(value) else { continue };
                match name.as_str() {
                    "parent" | "subsumedBy" => links.push((place, *other)),
                    "child" => links.push((*other, place)),
                    _ => {}
                }
            }
        }
        for (child, parent) in links {
            self.relate(child, Some(parent));
        }
    }

    fn relate(&mut self, child: usize, parent: Option<usize>) {
        let Some(parent) = parent else { return };
        if !self.related.insert((child, parent)) {
            return;
        }
        if let Some(it) = self.codes.get_mut(child) {
            it.parents.push(parent);
        }
        if let Some(it) = self.codes.get_mut(parent) {
            it.children.push(child);
        }
    }

    /// How many concepts and properties there are to look at.
    pub(super) fn size(&self) -> usize {
        self.codes.len() + self.properties
    }

    /// Every code, in the order of the code system.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(|concept| concept.code.as_str())
    }

    /// The values of a property, by code.
    ///
    /// # Errors
    /// Unprocessable for one that the code system does not declare: its absence would say nothing.
    pub(super) fn property<'c, 'n>(
        &'c self,
        name: &'n str,
    ) -> Result<impl Iterator<Item = (&'c str, Vec<&'c str>)> + use<'c, 'n>> {
        if !self.declared.contains(name) {
            let text = format!("the code system declares no property {}", shown(name));
            return Err(Error::unprocessable(text).code(IssueCode::NotSupported));
        }
        let of = move |concept: &'c Concept| {
            let values = concept.properties.iter().filter(move |(key, _)| key == name);
            (concept.code.as_str(), values.map(|(_, value)| value.as_str()).collect())
        };
        Ok(self.codes.iter().map(of))
    }

    /// A code and all that it subsumes, up to so many.
    ///
    /// # Errors
    /// Unprocessable where the code is not of the system, or its hierarchy is no subsumption.
    pub(super) fn below(&self, code: &str, most: usize) -> Result<Vec<&str>> {
        self.reach(code, most, |concept| &concept.children)
    }

    /// A code and all that subsumes it, up to so many.
    ///
    /// # Errors
    /// As [`Concepts::below`].
    pub(super) fn above(&self, code: &str, most: usize) -> Result<Vec<&str>> {
        self.reach(code, most, |concept| &concept.parents)
    }

    /// Each place once: a hierarchy may run in a circle.
    fn reach(
        &self,
        code: &str,
        most: usize,
        next: fn(&Concept) -> &Vec<usize>,
    ) -> Result<Vec<&str>> {
        if let Some(meaning) = &self.other_meaning {
            let text = format!("the code system's hierarchy means {}, not is-a", shown(meaning));
            return Err(Error::unprocessable(text).code(IssueCode::NotSupported));
        }
        let start = self.places.get(code).copied().ok_or_else(|| {
            let text = "the code system does not have the code";
            Error::unprocessable(text).code(IssueCode::CodeInvalid)
        })?;
        let (mut seen, mut open) = (HashSet::from([start]), vec![start]);
        let mut codes = Vec::new();
        while let Some(concept) = open.pop().and_then(|place| self.codes.get(place)) {
            if codes.len() == most {
                break;
            }
            codes.push(concept.code.as_str());
            open.extend(next(concept).iter().copied().filter(|place| seen.insert(*place)));
        }
        Ok(codes)
    }
}

/// Items of an array member; none where it is not there.
pub(super) fn items<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).unwrap_or_default()
}

/// A string member.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// A property's name and its value as text.
fn property(property: &Value) -> Option<(String, String)> {
    let name = text(property, "code")?;
    let (_, value) = property.as_object()?.iter().find(|(key, _)| key.starts_with("value"))?;
    let value = match value {
        Value::Object(_) => text(value, "code")?.to_owned(),
        Value::String(value) => value.to_string(),
        other => other.to_text(),
    };
    Some((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(extra: &str) -> Result<Concepts> {
        let text = format!(
            r#"{{"resourceType":"CodeSystem","content":"complete"{extra},"property":[{{"code":"kind","type":"code"}}],"concept":[
            {{"code":"a","concept":[{{"code":"b","concept":[{{"code":"c"}}]}},{{"code":"d","property":[{{"code":"kind","valueCode":"x"}}]}}]}},
            {{"code":"e","property":[{{"code":"child","valueCode":"c"}}]}},
            {{"code":"f","property":[{{"code":"parent","valueCode":"d"}}]}}]}}"#
        );
        Concepts::read(&canonical_model::json::parse(text.as_bytes()).expect("json"))
    }

    fn sorted(codes: Result<Vec<&str>>) -> String {
        let mut codes = codes.expect("codes");
        codes.sort_unstable();
        codes.join(",")
    }

    #[test]
    fn the_hierarchy_is_nested_and_told_by_properties() {
        let concepts = system("").expect("complete");
        for (code, below, above) in [
            ("a", "a,b,c,d,f", "a"),
            ("b", "b,c", "a,b"),
            ("c", "c", "a,b,c,e"),
            ("e", "c,e", "e"),
            ("f", "f", "a,d,f"),
        ] {
            assert_eq!(sorted(concepts.below(code, usize::MAX)), below, "below {code}");
            assert_eq!(sorted(concepts.above(code, usize::MAX)), above, "above {code}");
        }
        assert_eq!(concepts.below("a", 2).expect("codes").len(), 2, "up to so many");
        assert!(concepts.below("z", usize::MAX).is_err());
        assert!(concepts.property("color").is_err());
        let of_kind: Vec<_> = concepts
            .property("kind")
            .expect("declared")
            .filter(|(_, values)| values.contains(&"x"))
            .collect();
        assert_eq!(of_kind, [("d", vec!["x"])]);
    }

    #[test]
    fn what_is_no_subsumption_is_refused() {
        assert!(
            system(r#","hierarchyMeaning":"is-a""#)
                .expect("complete")
                .below("a", usize::MAX)
                .is_ok()
        );
        assert!(
            system(r#","hierarchyMeaning":"part-of""#)
                .expect("complete")
                .below("a", usize::MAX)
                .is_err()
        );
        let part = r#"{"resourceType":"CodeSystem","content":"fragment"}"#;
        let part = canonical_model::json::parse(part.as_bytes()).expect("json");
        assert!(Concepts::read(&part).is_err());
    }

    #[test]
    fn a_circle_ends() {
        let circle = r#"{"content":"complete","concept":[
            {"code":"a","property":[{"code":"parent","valueCode":"b"}]},
            {"code":"b","property":[{"code":"parent","valueCode":"a"}]}]}"#;
        let circle = canonical_model::json::parse(circle.as_bytes()).expect("json");
        let concepts = Concepts::read(&circle).expect("complete");
        assert_eq!(sorted(concepts.below("a", usize::MAX)), "a,b");
        assert_eq!(sorted(concepts.above("a", usize::MAX)), "a,b");
    }
}
