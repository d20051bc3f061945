//! Values that are asked for: those of the resources themselves, or what is near to them.

use canonical_model::Value;

use super::ask::{Asked, escape, under};
use super::dice::{Dice, PREFIXES};
use super::make::UNITS;
use super::meaning::{Ladder, Test, Unit, distance, local, millionths, position};
use super::params::{Form, Param};
use super::world::{IN_SET, LOCAL, part};
use crate::search_model::{fold, span, tokens, values as dates};

impl Dice<'_> {
    pub(super) fn asked(&mut self, param: &Param, modifier: &str) -> Option<Asked> {
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
    pub(super) fn piece(&mut self, text: &str, anywhere: bool) -> String {
        let letters: Vec<char> = text.chars().collect();
        let from = if anywhere { self.random.usize(..letters.len()) } else { 0 };
        let to = self.random.usize(from + 1..=letters.len());
        let part: String = letters.get(from..to).unwrap_or(&letters).iter().collect();
        let part = part.trim();
        if part.is_empty() { text.to_owned() } else { part.to_owned() }
    }

    pub(super) fn token(&mut self, value: &Value, modifier: &str) -> Option<Asked> {
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
    pub(super) fn bounds(&mut self, value: &Value) -> Option<(String, (i64, i64))> {
        let paths =
            ["start", "end", "event", "repeat.boundsPeriod.start", "repeat.boundsPeriod.end"];
        let inside = dates(value, &paths).into_iter().filter_map(Value::as_str);
        let texts: Vec<&str> = value.as_str().into_iter().chain(inside).collect();
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
        let only = modifier.trim_start_matches(':');
        let Some((kind, id, _)) = local(value) else {
            let kind = match kinds {
                [only] => Some(*only),
                _ => (!only.is_empty()).then_some(only),
            };
            let test = Test::Elsewhere(kind.map(str::to_owned), written.to_owned());
            return (!written.is_empty()).then(|| Asked { text: escape(written), test });
        };
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
}
