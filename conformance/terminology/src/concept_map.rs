//! Maps from the codes of one system to those of another. <https://hl7.org/fhir/R4/conceptmap.html>

use canonical_model::Value;
use canonical_model::json::Object;

use crate::code_system::read::{items, text};

/// A concept map.
#[derive(Clone, Debug, Default)]
pub struct ConceptMap {
    /// The canonical URL.
    pub url: String,
    /// Its version.
    pub version: Option<String>,
    /// The value set whose codes it maps.
    pub source: Option<String>,
    /// The value set that it maps to.
    pub target: Option<String>,
    groups: Vec<Group>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    source: Option<String>,
    source_version: Option<String>,
    target: Option<String>,
    target_version: Option<String>,
    elements: Vec<Element>,
    unmapped: Option<Unmapped>,
}

#[derive(Clone, Debug, Default)]
struct Element {
    code: String,
    display: Option<String>,
    targets: Vec<Target>,
}

#[derive(Clone, Debug, Default)]
struct Target {
    code: Option<String>,
    display: Option<String>,
    equivalence: String,
    depends_on: Vec<Dependency>,
    products: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unmapped {
    /// The code itself.
    Provided,
    /// This code.
    Fixed(String, Option<String>),
    /// Another map has it.
    Other(String),
}

/// What a translation depends on beside the code: an element and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The element or property.
    pub element: String,
    /// The system of its code, where that is told.
    pub system: Option<String>,
    /// Its code.
    pub code: String,
}

/// What is to be translated.
#[derive(Clone, Debug, Default)]
pub struct Translated<'a> {
    /// The code's system.
    pub system: &'a str,
    /// The system's version, where it matters.
    pub version: Option<&'a str>,
    /// The code.
    pub code: &'a str,
    /// The only system of what is looked for.
    pub target: Option<&'a str>,
    /// Whether the code is one that the map leads to.
    pub reverse: bool,
    /// What is known beside it.
    pub dependencies: &'a [Dependency],
}

/// One translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// <https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html>, as seen from the code that was given.
    pub equivalence: String,
    /// What it is: a Coding. None where the map says that there is nothing.
    pub concept: Option<Value>,
    /// What comes of it besides, as `ConceptMap.group.element.target.product`.
    pub products: Vec<Value>,
    /// The map that says so.
    pub source: String,
}

/// What a map has of a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// The translations.
    pub matches: Vec<Match>,
    /// Maps that have it instead.
    pub elsewhere: Vec<String>,
}

impl Match {
    /// Whether it is a translation, not a statement that there is none.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.concept.is_some() && !matches!(self.equivalence.as_str(), "unmatched" | "disjoint")
    }
}

impl ConceptMap {
    /// Reads a ConceptMap.
    #[must_use]
    pub fn read(map: &Value) -> Self {
        let own = |name: &str| text(map, name).map(str::to_owned);
        Self {
            url: own("url").unwrap_or_default(),
            version: own("version"),
            source: own("sourceUri").or_else(|| own("sourceCanonical")),
            target: own("targetUri").or_else(|| own("targetCanonical")),
            groups: items(map, "group").iter().map(group).collect(),
        }
    }

    /// Whether it maps codes of one system, perhaps only to those of another.
    #[must_use]
    pub fn is_of(&self, system: &str, target: Option<&str>, reverse: bool) -> bool {
        self.groups.iter().any(|group| {
            let (from, to) = group.ends(reverse);
            from == Some(system) && target.is_none_or(|target| to == Some(target))
        })
    }

    /// The translations of a code.
    #[must_use]
    pub fn translate(&self, asked: &Translated<'_>) -> Translation {
        let mut found = Translation::default();
        for group in &self.groups {
            let (from, to) = group.ends(asked.reverse);
            let (from_version, _) = group.versions(asked.reverse);
            let other = asked.version.zip(from_version).is_some_and(|(a, b)| a != b);
            if from != Some(asked.system) || asked.target.is_some_and(|it| to != Some(it)) || other
            {
                continue;
            }
            match asked.reverse {
                true => group.backwards(asked, &self.url, &mut found),
                false => group.forwards(asked, &self.url, &mut found),
            }
        }
        found
    }
}

impl Group {
    fn ends(&self, reverse: bool) -> (Option<&str>, Option<&str>) {
        let (source, target) = (self.source.as_deref(), self.target.as_deref());
        if reverse { (target, source) } else { (source, target) }
    }

    fn versions(&self, reverse: bool) -> (Option<&str>, Option<&str>) {
        let (source, target) = (self.source_version.as_deref(), self.target_version.as_deref());
        if reverse { (target, source) } else { (source, target) }
    }

    fn forwards(&self, asked: &Translated<'_>, map: &str, found: &mut Translation) {
        let Some(element) = self.elements.iter().find(|it| it.code == asked.code) else {
            match &self.unmapped {
                Some(Unmapped::Provided) => {
                    let concept = self.coding(false, asked.code, None);
                    found.matches.push(Match::of("equal", Some(concept), map));
                }
                Some(Unmapped::Fixed(code, display)) => {
                    let concept = self.coding(false, code, display.as_deref());
                    found.matches.push(Match::of("relatedto", Some(concept), map));
                }
                Some(Unmapped::Other(url)) => found.elsewhere.push(url.clone()),
                None => {}
            }
            return;
        };
        for target in element.targets.iter().filter(|it| it.holds(asked.dependencies)) {
            let code = target.code.as_deref();
            let concept = code.map(|code| self.coding(false, code, target.display.as_deref()));
            let mut one = Match::of(&target.equivalence, concept, map);
            one.products.clone_from(&target.products);
            found.matches.push(one);
        }
    }

    fn backwards(&self, asked: &Translated<'_>, map: &str, found: &mut Translation) {
        for element in &self.elements {
            let to = element.targets.iter().filter(|it| {
                it.code.as_deref() == Some(asked.code) && it.holds(asked.dependencies)
            });
            for target in to {
                let concept = self.coding(true, &element.code, element.display.as_deref());
                let equivalence = inverse(&target.equivalence);
                found.matches.push(Match::of(equivalence, Some(concept), map));
            }
        }
    }

    fn coding(&self, reverse: bool, code: &str, display: Option<&str>) -> Value {
        let mut coding = Object::new();
        let ((_, system), (_, version)) = (self.ends(reverse), self.versions(reverse));
        let parts =
            [("system", system), ("version", version), ("code", Some(code)), ("display", display)];
        for (name, part) in parts {
            if let Some(part) = part {
                coding.set(name, part);
            }
        }
        coding.into()
    }
}

impl Target {
    /// Whether all that it depends on is so.
    fn holds(&self, known: &[Dependency]) -> bool {
        self.depends_on.iter().all(|needed| {
            known.iter().any(|it| {
                let system = needed.system.is_none() || needed.system == it.system;
                it.element == needed.element && it.code == needed.code && system
            })
        })
    }
}

impl Match {
    fn of(equivalence: &str, concept: Option<Value>, source: &str) -> Self {
        let (equivalence, source) = (equivalence.to_owned(), source.to_owned());
        Self { equivalence, concept, products: Vec::new(), source }
    }
}

/// The same seen from the other end.
fn inverse(equivalence: &str) -> &str {
    match equivalence {
        "wider" => "narrower",
        "narrower" => "wider",
        "subsumes" => "specializes",
        "specializes" => "subsumes",
        same => same,
    }
}

fn group(group: &Value) -> Group {
    let own = |name: &str| text(group, name).map(str::to_owned);
    let unmapped = group.get("unmapped").and_then(|it| {
        let part = |name: &str| text(it, name).map(str::to_owned);
        match text(it, "mode")? {
            "provided" => Some(Unmapped::Provided),
            "fixed" => Some(Unmapped::Fixed(part("code")?, part("display"))),
            "other-map" => Some(Unmapped::Other(part("url")?)),
            _ => None,
        }
    });
    Group {
        source: own("source"),
        source_version: own("sourceVersion"),
        target: own("target"),
        target_version: own("targetVersion"),
        elements: items(group, "element").iter().map(element).collect(),
        unmapped,
    }
}

fn element(element: &Value) -> Element {
    Element {
        code: text(element, "code").unwrap_or_default().to_owned(),
        display: text(element, "display").map(str::to_owned),
        targets: items(element, "target").iter().map(target).collect(),
    }
}

fn target(target: &Value) -> Target {
    let own = |name: &str| text(target, name).map(str::to_owned);
    let dependency = |it: &Value| {
        let part = |name: &str| text(it, name).map(str::to_owned);
        Some(Dependency {
            element: part("property")?,
            system: part("system"),
            code: part("value")?,
        })
    };
    Target {
        code: own("code"),
        display: own("display"),
        equivalence: own("equivalence").unwrap_or_else(|| "equivalent".to_owned()),
        depends_on: items(target, "dependsOn").iter().filter_map(dependency).collect(),
        products: items(target, "product").to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = r#"{"resourceType":"ConceptMap","url":"http://m","group":[
        {"source":"http://a","target":"http://b","element":[
            {"code":"x","target":[{"code":"y","equivalence":"wider"}]},
            {"code":"z","target":[{"equivalence":"unmatched"}]},
            {"code":"w","target":[{"code":"y","equivalence":"equivalent","dependsOn":[{"property":"sex","system":"http://s","value":"f"}]}]}]},
        {"source":"http://a","target":"http://c","element":[],"unmapped":{"mode":"fixed","code":"other"}},
        {"source":"http://a","target":"http://d","element":[],"unmapped":{"mode":"provided"}},
        {"source":"http://a","target":"http://e","element":[],"unmapped":{"mode":"other-map","url":"http://n"}}]}"#;

    fn told(asked: &Translated<'_>) -> String {
        let map = ConceptMap::read(&canonical_model::json::parse(MAP.as_bytes()).expect("json"));
        let found = map.translate(asked);
        let one = |it: &Match| {
            let coding = it.concept.as_ref();
            let part = |name| coding.and_then(|it| text(it, name)).unwrap_or("-");
            format!("{} {}|{}", it.equivalence, part("system"), part("code"))
        };
        let matches = found.matches.iter().map(one);
        matches.chain(found.elsewhere.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn translates() {
        let to = |code, target| Translated {
            system: "http://a",
            code,
            target: Some(target),
            ..Translated::default()
        };
        for (code, target, expected) in [
            ("x", "http://b", "wider http://b|y"),
            ("z", "http://b", "unmatched -|-"),
            ("q", "http://b", ""),
            ("w", "http://b", ""),
            ("q", "http://c", "relatedto http://c|other"),
            ("q", "http://d", "equal http://d|q"),
            ("q", "http://e", "http://n"),
            ("x", "http://f", ""),
        ] {
            assert_eq!(told(&to(code, target)), expected, "{code} {target}");
        }
        let known = |system: Option<&str>, code: &str| Dependency {
            element: "sex".to_owned(),
            system: system.map(str::to_owned),
            code: code.to_owned(),
        };
        for (dependency, expected) in [
            (known(Some("http://s"), "f"), "equivalent http://b|y"),
            (known(Some("http://s"), "m"), ""),
            (known(None, "f"), ""),
        ] {
            let dependencies = [dependency];
            let asked = Translated { dependencies: &dependencies, ..to("w", "http://b") };
            assert_eq!(told(&asked), expected);
        }
        let back =
            Translated { system: "http://b", code: "y", reverse: true, ..Translated::default() };
        assert_eq!(told(&back), "narrower http://a|x");
    }
}
