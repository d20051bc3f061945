//! Random searches: values of the resources themselves, so that most find something.

use canonical_model::Value;

use super::ask::{Ask, Asked, Criterion, Filter, under};
use super::meaning::Test;
use super::params::{Form, LINKS, Link, PARAMS, Param, SORTS, find};
use super::place::Place;
use super::world::{World, part};
use crate::search_model::fold;

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
pub(super) const PREFIXES: [&str; 10] = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];

pub(super) struct Dice<'w> {
    pub(super) random: fastrand::Rng,
    pub(super) world: &'w World,
}

/// A modifier with whether it turns the meaning round.
type Modifier = (&'static str, bool);

impl Dice<'_> {
    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        self.random.choice(from).copied()
    }

    /// A search of one type by whoever may do everything.
    pub(super) fn ask(&mut self) -> Option<Ask> {
        let kinds = vec![self.pick(&KINDS)?];
        let count = self.random.usize(1..4);
        let criteria = (0..count).map(|_| self.criterion(&kinds, 0)).collect::<Option<_>>()?;
        let sort = self.sort(&kinds);
        Some(Ask { caller: None, place: Place::Type, kinds, criteria, sort, includes: Vec::new() })
    }

    pub(super) fn sort(&mut self, kinds: &[&str]) -> Vec<(&'static str, bool)> {
        let all = |code: &str| kinds.iter().all(|kind| SORTS.contains(&(kind, code)));
        let fields: Vec<&str> = SORTS
            .iter()
            .filter(|(of, code)| kinds.first() == Some(of) && all(code))
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

    /// One that all of the types understand.
    pub(super) fn criterion(&mut self, kinds: &[&'static str], depth: usize) -> Option<Criterion> {
        match self.random.usize(..16) {
            0 | 1 if depth < 3 => self.chain(kinds, depth),
            2 | 3 if depth < 3 => self.has(kinds, depth),
            4 => self.missing(kinds),
            5 if depth == 0 => Some(Criterion::Filter(self.filter(kinds, 0)?)),
            6 => self.ids(kinds),
            _ => self.values(kinds),
        }
    }

    pub(super) fn ids(&mut self, kinds: &[&str]) -> Option<Criterion> {
        let all: Vec<&Value> =
            self.world.now.iter().filter(|it| kinds.contains(&part(it, "resourceType"))).collect();
        let id = |dice: &mut Self| Some(part(dice.random.choice(&all)?, "id").to_owned());
        Some(Criterion::Id((0..self.random.usize(1..6)).map(|_| id(self)).collect::<Option<_>>()?))
    }

    fn chain(&mut self, kinds: &[&str], depth: usize) -> Option<Criterion> {
        let all = |link: &&Link| kinds.iter().all(|kind| link.of(kind).is_some());
        let links: Vec<_> =
            LINKS.iter().filter(|link| kinds.first() == Some(&link.from)).filter(all).collect();
        let link = self.pick(&links)?;
        let named = link.code != "patient" || self.random.bool();
        Some(Criterion::Chain(link, named, Box::new(self.criterion(&[link.to], depth + 1)?)))
    }

    fn has(&mut self, kinds: &[&str], depth: usize) -> Option<Criterion> {
        let links: Vec<_> = LINKS.iter().filter(|link| kinds == [link.to]).collect();
        let link = self.pick(&links)?;
        Some(Criterion::Has(link, Box::new(self.criterion(&[link.from], depth + 1)?)))
    }

    /// Parameters of the first type that the others have too, as values of the same kind.
    fn params(kinds: &[&str]) -> Vec<&'static Param> {
        let alike = |param: &&Param| {
            kinds.iter().all(|kind| find(kind, param.code).is_some_and(|it| it.form == param.form))
        };
        let own = PARAMS.iter().filter(|param| kinds.first() == Some(&param.kind));
        own.filter(alike).collect()
    }

    fn missing(&mut self, kinds: &[&str]) -> Option<Criterion> {
        let param = self.pick(&Self::params(kinds))?;
        // Whether a reference elsewhere is one to a patient, and an element a pair, is no plain question.
        let plain = param.code != "patient" && !matches!(param.form, Form::Pair | Form::Near);
        plain.then(|| Criterion::Missing(param, self.random.bool()))
    }

    fn values(&mut self, kinds: &[&str]) -> Option<Criterion> {
        let param = self.pick(&Self::params(kinds))?;
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
    pub(super) fn value(&mut self, param: &Param) -> Option<Value> {
        let all: Vec<&Value> =
            self.world.of_kind(param.kind).flat_map(|it| under(it, param.paths)).collect();
        self.random.choice(&all).map(|value| (*value).clone())
    }

    fn filter(&mut self, kinds: &[&str], depth: usize) -> Option<Filter> {
        let inner = |dice: &mut Self| Some(Box::new(dice.filter(kinds, depth + 1)?));
        match self.random.usize(..6) {
            0 if depth < 3 => Some(Filter::And(inner(self)?, inner(self)?)),
            1 if depth < 3 => Some(Filter::Or(inner(self)?, inner(self)?)),
            2 if depth < 3 => Some(Filter::Not(inner(self)?)),
            _ => self.comparison(kinds),
        }
    }

    fn comparison(&mut self, kinds: &[&str]) -> Option<Filter> {
        let mut params = Self::params(kinds);
        params.retain(|it| matches!(it.form, Form::Text | Form::Token | Form::Date));
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
