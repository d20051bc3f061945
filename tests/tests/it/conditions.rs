//! What a resource decides by itself is decided in memory as the database decides it: random resources, random
//! conditions of the kinds that a scope may have.

use anyhow::{Context, Result};
use canonical_model::{Resource, ResourceType};
use it::{Client, Fixture};
use search::query::{Pair, write_pairs};
use search::{Catalogue, Expr, condition, extract, holds};
use serde_json::{Value, json};

use crate::blobs::store;
use crate::search::ids;

/// Resources of each type.
const RESOURCES: usize = 120;
/// Conditions on each type.
const CONDITIONS: usize = 250;

/// Makes the resource of a number.
type Make = fn(&mut Dice, usize) -> Value;

#[tokio::test]
async fn are_decided_in_memory_as_in_the_database() -> Result<()> {
    let server = Fixture::start().await?;
    let base = &server.client.base;
    let mut dice = Dice { random: fastrand::Rng::with_seed(20_261_130), base: base.clone() };
    let catalogue = Catalogue::new(store(&server.database).await?.hasher().clone());
    let makes: [(&str, Make); 2] =
        [("Observation", Dice::observation), ("ValueSet", Dice::value_set)];
    for (name, make) in makes {
        let kind = ResourceType::parse(name)?;
        let all: Vec<Value> = (0..RESOURCES).map(|n| make(&mut dice, n)).collect();
        write(&server.client, &all).await?;
        let index = |value: &Value| -> Result<_> {
            let resource = Resource::parse(value.to_string().as_bytes())?;
            let id = resource.id().context("an id")?.to_owned();
            Ok((id, extract(&catalogue, base, &resource)?))
        };
        let indexed = all.iter().map(index).collect::<Result<Vec<_>>>()?;
        let (mut some, mut every) = (0, 0);
        for _ in 0..CONDITIONS {
            let pairs = dice.condition(name);
            let expr =
                condition(&catalogue, base, kind, &pairs).with_context(|| format!("{pairs:?}"))?;
            let held = |expr: &Expr| -> Result<Vec<&str>> {
                let decided = indexed.iter().map(|(id, entries)| {
                    let held = holds(expr, entries).context("it is decided")?;
                    Ok(held.then_some(id.as_str()))
                });
                let decided: Vec<Option<&str>> = decided.collect::<Result<_>>()?;
                Ok(decided.into_iter().flatten().collect())
            };
            let query = write_pairs(pairs.iter().map(|(name, value)| (&**name, &**value)));
            let found = server.client.get(&format!("/{name}?{query}&_count=1000")).await?;
            let found = ids(&found);
            let mut found: Vec<&str> = found.split(',').filter(|id| !id.is_empty()).collect();
            found.sort_unstable();
            let mut here = held(&expr)?;
            here.sort_unstable();
            assert_eq!(here, found, "{name}?{query}");
            let others = held(&Expr::Not(Box::new(expr)))?;
            assert_eq!(others.len(), all.len() - here.len(), "not {name}?{query}");
            some += usize::from(!here.is_empty());
            every += usize::from(others.is_empty());
        }
        assert!(some > CONDITIONS / 4 && every < some, "{name}: {some} match, {every} all");
    }
    Ok(())
}

/// Writes all in one transaction.
pub(crate) async fn write(client: &Client, all: &[Value]) -> Result<()> {
    let entry = |value: &Value| {
        let part = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let url = format!("{}/{}", part("resourceType"), part("id"));
        json!({ "resource": value, "request": { "method": "PUT", "url": url } })
    };
    let entries: Vec<Value> = all.iter().map(entry).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    let answer = client.send("POST", "/", &bundle.to_string()).await?;
    anyhow::ensure!(answer.status == 200, "{}", answer.text);
    Ok(())
}

/// Random resources of few values, and conditions on these.
pub(crate) struct Dice {
    pub(crate) random: fastrand::Rng,
    /// The server's base URL, as it stands in references too.
    pub(crate) base: String,
}

const SYSTEMS: [&str; 2] = ["http://one.example", "urn:two"];
const CODES: [&str; 4] = ["a", "b", "a,b", "B"];
const PROFILES: [&str; 4] =
    ["http://p.example/a", "http://p.example/a/b", "http://p.example/a|1.2", "urn:uuid:7"];
const DATES: [&str; 7] = [
    "2023",
    "2024-02",
    "2024-02-10",
    "2024-02-10T10:00:00Z",
    "2024-02-10T10:00:00.250Z",
    "2024-03-01T00:30:00+02:00",
    "2025",
];
const STATUSES: [&str; 3] = ["final", "amended", "preliminary"];

impl Dice {
    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.usize(..of.len())]
    }

    fn coding(&mut self) -> Value {
        match self.random.u8(..4) {
            0 => json!({ "code": self.pick(&CODES) }),
            1 => json!({ "system": self.pick(&SYSTEMS) }),
            _ => json!({ "system": self.pick(&SYSTEMS), "code": self.pick(&CODES) }),
        }
    }

    fn concept(&mut self) -> Value {
        let codings: Vec<Value> = (0..self.random.usize(..3)).map(|_| self.coding()).collect();
        match codings.is_empty() {
            true => json!({ "text": "words" }),
            false => json!({ "coding": codings }),
        }
    }

    fn reference(&mut self) -> String {
        let id = self.random.u8(..3);
        match self.random.u8(..5) {
            0 => format!("{}/Patient/{id}", self.base),
            1 => format!("Group/{id}"),
            2 => format!("http://elsewhere.example/Patient/{id}"),
            _ => format!("Patient/{id}"),
        }
    }

    fn meta(&mut self) -> Value {
        let mut meta = json!({ "tag": [self.coding()] });
        if self.random.bool() {
            meta["profile"] = json!([self.pick(&PROFILES)]);
        }
        if self.random.u8(..4) == 0 {
            meta["source"] = json!(self.pick(&PROFILES));
        }
        meta
    }

    pub(crate) fn observation(&mut self, n: usize) -> Value {
        let categories: Vec<Value> = (0..self.random.usize(..3)).map(|_| self.concept()).collect();
        let mut made = json!({
            "resourceType": "Observation", "id": format!("o{n}"), "meta": self.meta(),
            "status": self.pick(&STATUSES), "code": self.concept(),
        });
        if !categories.is_empty() {
            made["category"] = json!(categories);
        }
        match self.random.u8(..6) {
            0 => {}
            1 => {
                let (system, value) = (self.pick(&SYSTEMS), self.pick(&CODES));
                made["subject"] = json!({ "identifier": { "system": system, "value": value } });
            }
            _ => made["subject"] = json!({ "reference": self.reference() }),
        }
        match self.random.u8(..4) {
            0 => {}
            1 => made["effectivePeriod"] = json!({ "start": self.pick(&DATES[..3]) }),
            2 => {
                made["effectivePeriod"] = json!({ "start": "2022-01-01", "end": self.pick(&DATES) })
            }
            _ => made["effectiveDateTime"] = json!(self.pick(&DATES)),
        }
        made
    }

    pub(crate) fn value_set(&mut self, n: usize) -> Value {
        let mut made = json!({
            "resourceType": "ValueSet", "id": format!("v{n}"), "meta": self.meta(),
            "status": self.pick(&["draft", "active"]),
            "identifier": [{ "system": self.pick(&SYSTEMS), "value": self.pick(&CODES) }],
        });
        if self.random.bool() {
            made["url"] = json!(self.pick(&PROFILES).split('|').next());
        }
        if self.random.bool() {
            made["date"] = json!(self.pick(&DATES));
        }
        if self.random.bool() {
            made["jurisdiction"] = json!([self.concept()]);
        }
        made
    }

    /// One to three parameters of the type, each with one to three values.
    pub(crate) fn condition(&mut self, kind: &str) -> Vec<Pair> {
        let own: &[&str] = match kind {
            "Observation" => {
                &["category", "code", "combo-code", "subject", "patient", "date", "status"]
            }
            _ => &["identifier", "url", "date", "jurisdiction", "status"],
        };
        let all = [own, &["_tag", "_profile", "_source"]].concat();
        let one = |dice: &mut Self| {
            let name = dice.pick(&all);
            let count = if name == "date" { 1 } else { dice.random.usize(1..4) };
            let values: Vec<String> = (0..count).map(|_| dice.value(name)).collect();
            (name.to_owned(), values.join(","))
        };
        (0..self.random.usize(1..4)).map(|_| one(self)).collect()
    }

    fn value(&mut self, name: &str) -> String {
        let escaped = |text: &str| text.replace(',', "\\,");
        match name {
            "status" => self.pick(&["final", "amended", "draft", "active"]).to_owned(),
            "date" => {
                let prefix =
                    self.pick(&["", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]).to_owned();
                prefix + self.pick(&DATES)
            }
            "subject" | "patient" => match self.random.u8(..3) {
                0 => self.random.u8(..3).to_string(),
                _ => self.reference(),
            },
            "url" | "_profile" | "_source" => self.pick(&PROFILES).to_owned(),
            _ => {
                let (system, code) = (self.pick(&SYSTEMS), escaped(self.pick(&CODES)));
                match self.random.u8(..4) {
                    0 => code,
                    1 => format!("|{code}"),
                    2 => format!("{system}|"),
                    _ => format!("{system}|{code}"),
                }
            }
        }
    }
}
