//! Random searches: values of the resources themselves, so that most find something.

use canonical_model::Value;

use super::ask::{Ask, Asked, Criterion, Filter, escape, under};
use super::meaning::{Ladder, Test, Unit, distance, local, millionths, position};
use super::params::{Form, LINKS, PARAMS, Param, SORTS};
use super::world::{IN_SET, LOCAL, UNITS, World, part};
use crate::search_model::{fold, span, tokens};

/// What is asked often stands here often.
const KINDS: [&str; 13] = [
    "Patient",
    "Patient",
    "Patient",
    "Observation",
    "Observation",
    "Observation",
    "Observation",
    "Encounter",
    "Condition",
    "RiskAssessment",
    "Questionnaire",
    "QuestionnaireResponse",
    "Location",
];
const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

pub(super) struct Dice<'w> {
    pub(super) random: fastrand::Rng,
    pub(super) world: &'w World,
}

/// A modifier with whether it turns the meaning round.
type Modifier = (&'static str, bool);

impl Dice<'_> {
    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        self.random.choice(from).copied()
    }

    pub(super) fn ask(&mut self) -> Option<Ask> {
        let kind = self.pick(&KINDS)?;
        let count = self.random.usize(1..4);
        let criteria = (0..count).map(|_| self.criterion(kind, 0)).collect::<Option<_>>()?;
        Some(Ask { kind, criteria, sort: self.sort(kind) })
    }

    fn sort(&mut self, kind: &str) -> Vec<(&'static str, bool)> {
        let fields: Vec<&str> = SORTS
            .iter()
            .filter(|(of, _)| *of == kind)
            .map(|(_, code)| *code)
            .chain(["_id"])
            .collect();
        let count = [0, 0, 1, 2][self.random.usize(..4)];
        let mut sort: Vec<(&'static str, bool)> = Vec::new();
        for _ in 0..count {
            if let Some(code) = self.random.choice(&fields).copied()
                && sort.iter().all(|(other, _)| *other != code)
            {
                sort.push((code, self.random.bool()));
            }
        }
        sort
    }

    fn criterion(&mut self, kind: &str, depth: usize) -> Option<Criterion> {
        match self.random.usize(..16) {
            0 | 1 if depth < 3 => self.chain(kind, depth),
            2 | 3 if depth < 3 => self.has(kind, depth),
            4 => self.missing(kind),
            5 if depth == 0 => Some(Criterion::Filter(self.filter(kind, 0)?)),
            6 => {
                let all: Vec<&Value> = self.world.of_kind(kind).collect();
                let id = |dice: &mut Self| Some(part(dice.random.choice(&all)?, "id").to_owned());
                Some(Criterion::Id(
                    (0..self.random.usize(1..6)).map(|_| id(self)).collect::<Option<_>>()?,
                ))
            }
            _ => self.values(kind),
        }
    }

    fn chain(&mut self, kind: &str, depth: usize) -> Option<Criterion> {
        let links: Vec<_> = LINKS.iter().filter(|link| link.from == kind).collect();
        let link = self.pick(&links)?;
        let named = link.code != "patient" || self.random.bool();
        Some(Criterion::Chain(link, named, Box::new(self.criterion(link.to, depth + 1)?)))
    }

    fn has(&mut self, kind: &str, depth: usize) -> Option<Criterion> {
        let links: Vec<_> = LINKS.iter().filter(|link| link.to == kind).collect();
        let link = self.pick(&links)?;
        Some(Criterion::Has(link, Box::new(self.criterion(link.from, depth + 1)?)))
    }

    fn param(&mut self, kind: &str) -> Option<&'static Param> {
        let params: Vec<&Param> = PARAMS.iter().filter(|param| param.kind == kind).collect();
        self.pick(&params)
    }

    fn missing(&mut self, kind: &str) -> Option<Criterion> {
        let param = self.param(kind)?;
        // Whether a reference elsewhere is one to a patient, and an element a pair, is no plain question.
        let plain = param.code != "patient" && !matches!(param.form, Form::Pair | Form::Near);
        plain.then(|| Criterion::Missing(param, self.random.bool()))
    }

    fn values(&mut self, kind: &str) -> Option<Criterion> {
        let param = self.param(kind)?;
        let (modifier, negated) = self.modifier(param)?;
        let count = self.random.usize(1..4);
        let values = (0..count).map(|_| self.asked(param, modifier)).collect::<Option<_>>()?;
        Some(Criterion::Values { param, modifier, negated, values })
    }

    fn modifier(&mut self, param: &Param) -> Option<Modifier> {
        let plain = ("", false);
        let all: &[Modifier] = match param.form {
            Form::Text => &[plain, plain, (":contains", false), (":exact", false)],
            Form::Token if param.code == "identifier" => {
                &[plain, (":not", true), (":of-type", false), (":text", false)]
            }
            Form::Token if matches!(param.code, "gender" | "status" | "active") => {
                &[plain, plain, (":not", true)]
            }
            Form::Token => &[
                plain,
                plain,
                (":not", true),
                (":text", false),
                (":in", false),
                (":not-in", true),
                (":below", false),
                (":above", false),
            ],
            Form::Reference(_) if param.code == "general-practitioner" => {
                &[plain, plain, (":identifier", false), (":Practitioner", false)]
            }
            Form::Reference(kinds) if kinds.contains(&"Group") => {
                &[plain, plain, (":Patient", false), (":Group", false)]
            }
            Form::Uri => &[plain, (":below", false), (":above", false)],
            Form::Canonical => &[plain, plain, (":below", false), (":above", false)],
            Form::Date
            | Form::Number
            | Form::Quantity
            | Form::Pair
            | Form::Near
            | Form::Reference(_) => &[plain],
        };
        self.pick(all)
    }

    /// A value of the parameter in some resource.
    fn value(&mut self, param: &Param) -> Option<Value> {
        let all: Vec<&Value> =
            self.world.of_kind(param.kind).flat_map(|it| under(it, param.paths)).collect();
        self.random.choice(&all).map(|value| (*value).clone())
    }

    fn asked(&mut self, param: &Param, modifier: &str) -> Option<Asked> {
        let value = self.value(param)?;
        match param.form {
            Form::Text => self.text(value.as_str()?, modifier),
            Form::Token => self.token(&value, modifier),
            Form::Date => self.date(&value),
            Form::Number => {
                let prefix = self.pick(&PREFIXES)?;
                let number = value.as_number()?.as_str().to_owned();
                let test = Test::Number(prefix, millionths(&number));
                Some(Asked { text: format!("{prefix}{number}"), test })
            }
            Form::Quantity => self.quantity(&value),
            Form::Reference(kinds) => self.reference(&value, kinds, modifier),
            Form::Uri => {
                let mut uri = value.as_str()?.to_owned();
                if modifier == ":above" && self.random.bool() {
                    uri.push_str("/5");
                }
                let test = match modifier {
                    ":below" => Test::UriBelow(uri.clone()),
                    ":above" => Test::UriAbove(uri.clone()),
                    _ => Test::Uri(uri.clone()),
                };
                Some(Asked { text: escape(&uri), test })
            }
            Form::Canonical => self.canonical(value.as_str()?, modifier),
            Form::Near => self.near(&value),
            Form::Pair => {
                let (code, quantity) = (value.get("code")?, value.get("valueQuantity")?);
                let (code, quantity) = (self.token(code, "")?, self.quantity(quantity)?);
                let text = format!("{}${}", code.text, quantity.text);
                let bare = code.text.ends_with('|');
                let test = Test::Pair(Box::new(code.test), Box::new(quantity.test));
                (!bare).then_some(Asked { text, test })
            }
        }
    }

    fn text(&mut self, text: &str, modifier: &str) -> Option<Asked> {
        if modifier == ":exact" {
            let asked = if self.random.bool() { text.to_owned() } else { text.to_uppercase() };
            return Some(Asked { text: escape(&asked), test: Test::Exact(asked) });
        }
        let part = self.piece(text, modifier == ":contains");
        let test = if modifier == ":contains" { Test::Contains } else { Test::Begins };
        let asked = if self.random.bool() { part.to_uppercase() } else { part.clone() };
        Some(Asked { text: escape(&asked), test: test(fold(&part)) })
    }

    /// A part of a text, from its beginning or anywhere.
    fn piece(&mut self, text: &str, anywhere: bool) -> String {
        let letters: Vec<char> = text.chars().collect();
        let from = if anywhere { self.random.usize(..letters.len()) } else { 0 };
        let to = self.random.usize(from + 1..=letters.len());
        let part: String = letters.get(from..to).unwrap_or(&letters).iter().collect();
        let part = part.trim();
        if part.is_empty() { text.to_owned() } else { part.to_owned() }
    }

    fn token(&mut self, value: &Value, modifier: &str) -> Option<Asked> {
        match modifier {
            ":text" => {
                let concept = value.get("type").unwrap_or(value);
                let texts = under(concept, &["text", "coding.display", "display"]);
                let text = self.random.choice(&texts)?.as_str()?.to_owned();
                let part = self.piece(&text, true);
                Some(Asked { text: escape(&part), test: Test::TextOf(fold(&part)) })
            }
            ":of-type" => {
                let code = self.pick(&["MR", "SS"])?;
                let number = part(value, "value").to_owned();
                let text = format!("http://v2.example|{code}|{}", escape(&number));
                Some(Asked { text, test: Test::OfType("http://v2.example", code, number) })
            }
            ":in" | ":not-in" => {
                let text =
                    self.pick(&["ValueSet/vs", "http://vs.example/vs", "BASE/ValueSet/vs"])?;
                let codes = IN_SET.map(|(system, code)| (system.to_owned(), code.to_owned()));
                Some(Asked { text: text.to_owned(), test: Test::Among(codes.to_vec()) })
            }
            ":below" | ":above" => {
                let (code, below, above) = self.pick(&LOCAL)?;
                let system = "http://local.example";
                let codes = if modifier == ":below" { below } else { above };
                let codes = codes.iter().map(|it| (system.to_owned(), (*it).to_owned())).collect();
                Some(Asked { text: format!("{system}|{code}"), test: Test::Among(codes) })
            }
            _ => {
                let (system, code) = self.random.choice(&tokens(value)).cloned()?;
                let known = !system.is_empty();
                let (text, test) = match self.random.usize(..4) {
                    0 if known => (format!("{}|", escape(&system)), (Some(system), None)),
                    1 => (format!("|{}", escape(&code)), (Some(String::new()), Some(code))),
                    2 if known => (
                        format!("{}|{}", escape(&system), escape(&code)),
                        (Some(system), Some(code)),
                    ),
                    _ => (escape(&code), (None, Some(code))),
                };
                Some(Asked { text, test: Test::Code(test.0, test.1) })
            }
        }
    }

    fn date(&mut self, value: &Value) -> Option<Asked> {
        let prefix = self.pick(&PREFIXES)?;
        let (date, bounds) = self.bounds(value)?;
        Some(Asked { text: format!("{prefix}{date}"), test: Test::Date(prefix, bounds) })
    }

    /// A date of the value, or what it begins with.
    fn bounds(&mut self, value: &Value) -> Option<(String, (i64, i64))> {
        let texts = [value.as_str().unwrap_or_default(), part(value, "start"), part(value, "end")];
        let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        let whole = self.random.choice(&texts).copied()?;
        let cut = [4, 7, 10, whole.len()][self.random.usize(..4)].min(whole.len());
        let date = whole.get(..cut)?;
        Some((date.to_owned(), span(date)?))
    }

    fn quantity(&mut self, value: &Value) -> Option<Asked> {
        let prefix = self.pick(&PREFIXES)?;
        let number = value.get("value")?.as_number()?.as_str().to_owned();
        let unit = self.pick(&UNITS)?;
        let (rest, unit) = match self.random.usize(..4) {
            0 => (String::new(), Unit::Any),
            1 => (format!("||{unit}"), Unit::Named(unit.to_owned())),
            _ => {
                let own = part(value, "code");
                let unit = if own.is_empty() || self.random.bool() { unit } else { own };
                (format!("|http://unitsofmeasure.org|{unit}"), Unit::Ucum(unit.to_owned()))
            }
        };
        let test = Test::Quantity(prefix, millionths(&number), unit);
        Some(Asked { text: format!("{prefix}{number}{rest}"), test })
    }

    fn reference(&mut self, value: &Value, kinds: &[&str], modifier: &str) -> Option<Asked> {
        if modifier == ":identifier" {
            let system = self.random.bool().then(|| "http://npi.example".to_owned());
            let head = system.as_ref().map(|it| format!("{it}|")).unwrap_or_default();
            return Some(Asked {
                text: format!("{head}7"),
                test: Test::Identified(system, "7".to_owned()),
            });
        }
        let written = part(value, "reference");
        let Some((kind, id, _)) = local(value) else {
            let elsewhere = !written.is_empty() && modifier.is_empty() && kinds.len() > 1;
            let test = Test::Elsewhere(written.to_owned());
            return elsewhere.then(|| Asked { text: escape(written), test });
        };
        let only = modifier.trim_start_matches(':');
        if !only.is_empty() {
            let test = Test::Refers(vec![only.to_owned()], id.to_owned(), None);
            return Some(Asked { text: id.to_owned(), test });
        }
        // A parameter of one type finds that type alone.
        if !kinds.contains(&kind) {
            return None;
        }
        let named = || vec![kind.to_owned()];
        let (text, kinds, version) = match self.random.usize(..4) {
            0 => (id.to_owned(), kinds.iter().map(|it| (*it).to_owned()).collect(), None),
            1 => (format!("BASE/{kind}/{id}"), named(), None),
            2 => (format!("{kind}/{id}/_history/1"), named(), Some("1")),
            _ => (format!("{kind}/{id}"), named(), None),
        };
        Some(Asked { text, test: Test::Refers(kinds, id.to_owned(), version) })
    }

    fn canonical(&mut self, text: &str, modifier: &str) -> Option<Asked> {
        let (uri, version) = match text.split_once('|') {
            Some((uri, version)) => (uri, Some(version)),
            None => (text, None),
        };
        let ladder = match modifier {
            ":below" => Ladder::Below,
            ":above" => Ladder::Above,
            _ => Ladder::Same,
        };
        let version = match version {
            Some(version) if ladder != Ladder::Same || self.random.bool() => Some(version),
            None if ladder != Ladder::Same => Some("1.2"),
            _ => None,
        };
        let tail = version.map(|it| format!("|{it}")).unwrap_or_default();
        let test = Test::Canonical(uri.to_owned(), version.map(|it| (ladder, it.to_owned())));
        Some(Asked { text: format!("{uri}{tail}"), test })
    }

    fn near(&mut self, value: &Value) -> Option<Asked> {
        let at = position(value)?;
        let (text, km) =
            self.pick(&[("0.5", 0.5), ("3|km", 3.0), ("800|m", 0.8), ("5|[mi_i]", 8.046_72)])?;
        // How round the earth is must not matter.
        let others = self.world.of_kind("Location").filter_map(|it| position(it.get("position")?));
        let clear = others.into_iter().all(|other| (distance(other, at) / km - 1.0).abs() > 0.02);
        let test = Test::Near(at.0, at.1, km);
        clear.then(|| Asked { text: format!("{}|{}|{text}", at.0, at.1), test })
    }

    fn filter(&mut self, kind: &str, depth: usize) -> Option<Filter> {
        let inner = |dice: &mut Self| Some(Box::new(dice.filter(kind, depth + 1)?));
        match self.random.usize(..6) {
            0 if depth < 3 => Some(Filter::And(inner(self)?, inner(self)?)),
            1 if depth < 3 => Some(Filter::Or(inner(self)?, inner(self)?)),
            2 if depth < 3 => Some(Filter::Not(inner(self)?)),
            _ => self.comparison(kind),
        }
    }

    fn comparison(&mut self, kind: &str) -> Option<Filter> {
        let params = PARAMS.iter().filter(|param| param.kind == kind);
        let params: Vec<&Param> =
            params.filter(|it| matches!(it.form, Form::Text | Form::Token | Form::Date)).collect();
        let param = self.pick(&params)?;
        let (operator, asked) = match param.form {
            Form::Text => {
                let operator = self.pick(&["eq", "sw", "co"])?;
                let whole = self.value(param)?.as_str()?.to_owned();
                let part =
                    if operator == "eq" { whole } else { self.piece(&whole, operator == "co") };
                let test = match operator {
                    "eq" => Test::Equals,
                    "co" => Test::Contains,
                    _ => Test::Begins,
                };
                (operator, Asked { text: part.clone(), test: test(fold(&part)) })
            }
            Form::Date => {
                let operator =
                    self.pick(&["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "po", "ap"])?;
                let (date, bounds) = {
                    let value = self.value(param)?;
                    self.bounds(&value)?
                };
                let meant = if operator == "ne" { "" } else { operator };
                (operator, Asked { text: date, test: Test::Date(meant, bounds) })
            }
            _ => {
                let operator = self.pick(&["eq", "ne"])?;
                let value = self.value(param)?;
                let asked = self.token(&value, "")?;
                (operator, asked)
            }
        };
        // `|` in a filter's value always parts it.
        let plain = !asked.text.contains(['\\', '$'])
            && (param.form == Form::Token || !asked.text.contains('|'));
        plain.then_some(Filter::Is { param, operator, negated: operator == "ne", asked })
    }
}
