//! Consent resources as rules: written with each version of one, and asked of whatever they may deny.
//! See docs/adr/0010-authorization-server-and-audit.md, section 3.

use access::{Access, Action};
use canonical_model::{ResourceId, ResourceType, Result};
use search::{ConsentRule, Effect, Hasher, INDEX_FORM, IndexEntries};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::error::StoreError;
use crate::query::{Sql, prepared, push_denials, push_denying, push_reach};
use crate::reach::Reach;
use crate::{Store, Transaction};

/// What rules are asked with: who asks, and what for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Denials {
    pub(crate) identities: Vec<i64>,
    /// `None` where it is not known.
    pub(crate) purposes: Option<Vec<String>>,
    /// Bits, in the order of `cruds`.
    pub(crate) actions: i16,
    /// The patient who asks.
    pub(crate) own: Option<i64>,
    /// Whether Consents themselves are to be changed.
    pub(crate) changes_consents: bool,
}

/// What of a database's Consents a server must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consents {
    /// There are none that deny anything.
    None,
    /// There are some.
    Some,
    /// There are some that are not read in yet.
    Unread,
}

impl Denials {
    /// `None` where consent does not bind.
    pub(crate) fn of(access: &Access, kind: ResourceType, hasher: &Hasher) -> Option<Self> {
        let asker = access.asker()?;
        let identity = |(kind, id): (ResourceType, &str)| hasher.identity(kind, id);
        let own = |id: &ResourceId| hasher.identity(ResourceType::PATIENT, id.as_str());
        let changes = matches!(access.action(), Some(Action::Update | Action::Delete));
        Some(Self {
            identities: asker.identities().map(identity).collect(),
            purposes: asker.purposes().map(|all| all.iter().map(ToString::to_string).collect()),
            actions: access.action().map_or(i16::MAX, bits),
            own: asker.own().map(own),
            changes_consents: changes && kind.name() == "Consent",
        })
    }
}

/// Whoever changes what is there is shown it too.
fn bits(action: Action) -> i16 {
    match action {
        Action::Create => 1,
        Action::Read => 2,
        Action::Update => 4 | 2,
        Action::Delete => 8 | 2,
        Action::Search => 16,
    }
}

/// A resource that is no head: its type, its keys and whose it is.
pub(crate) type Loose<'a> = (ResourceType, &'a [i64], &'a [i64]);

impl Store {
    /// Whether anything could be denied at all, for who asks seldom and remembers it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn consents(&self) -> Result<Consents> {
        let consent = ResourceType::parse("Consent")?;
        let query = sqlx::query(include_str!("../queries/consents.sql"));
        let query = query.bind(INDEX_FORM).bind(consent.number());
        let row = self.sessions.fetch_optional(query).await?;
        let get = |name: &str| -> Result<bool> {
            row.as_ref().map_or(Ok(false), |row| Ok(row.try_get(name).map_err(StoreError)?))
        };
        Ok(match (get("unread")?, get("some")?) {
            (true, _) => Consents::Unread,
            (false, true) => Consents::Some,
            (false, false) => Consents::None,
        })
    }

    /// Whether a Consent denies the caller what is not stored yet.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn denies(
        &self,
        access: &Access,
        kind: ResourceType,
        entries: &IndexEntries,
    ) -> Result<bool> {
        let Some(denials) = Denials::of(access, kind, self.hasher()) else { return Ok(false) };
        let one = (kind, &*entries.keys, &*entries.patients);
        Ok(self.passing(&denials, &[one]).await?.is_empty())
    }

    /// Those that no rule denies, by their place from 0.
    pub(crate) async fn passing(&self, denials: &Denials, all: &[Loose<'_>]) -> Result<Vec<usize>> {
        places(&self.sessions.fetch_all(prepared(&mut loose(denials, all))).await?)
    }

    /// The heads of which a rule denies what is current, of these identities.
    pub(crate) async fn denied_heads(
        &self,
        denials: &Denials,
        identities: &[i64],
    ) -> Result<Vec<i64>> {
        let mut sql = Sql::new("select r.id_hash from unnest(");
        sql.push_bind(identities.to_vec()).push("::bigint[]) i (id_hash) cross join lateral (select * from resource x where x.id_hash = i.id_hash offset 0) r where exists (");
        push_denying(&mut sql, "r", denials);
        sql.push(" offset 0)");
        let rows = self.sessions.fetch_all(prepared(&mut sql)).await?;
        rows.iter().map(|row| Ok(row.try_get(0).map_err(StoreError)?)).collect()
    }

    /// The id of a Consent that denies a resource to who would reach it else.
    pub(crate) async fn denying(
        &self,
        access: &Access,
        kind: ResourceType,
        id: &ResourceId,
    ) -> Result<Option<String>> {
        let hasher = self.hasher();
        let Some(denials) = Denials::of(access, kind, hasher) else { return Ok(None) };
        let mut sql = Sql::new("select s.id from (");
        sql.push("select denied.source from resource r cross join lateral (");
        push_denying(&mut sql, "r", &denials);
        sql.push(" offset 0) denied where r.id_hash = ")
            .push_bind(hasher.identity(kind, id.as_str()));
        sql.push(" and r.id = ").push_bind(id.as_str().to_owned());
        push_reach(&mut sql, "r", &Reach::bounded(access, kind, hasher));
        sql.push(" order by denied.source limit 1) d cross join lateral (select * from resource x where x.rid = d.source offset 0) s");
        let row = self.sessions.fetch_optional(prepared(&mut sql)).await?;
        Ok(row.map(|row| row.try_get("id").map_err(StoreError)).transpose()?)
    }
}

impl Transaction {
    /// As [`Store::denies`], as this transaction sees it.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn denies(
        &mut self,
        access: &Access,
        kind: ResourceType,
        entries: &IndexEntries,
    ) -> Result<bool> {
        let Some(denials) = Denials::of(access, kind, self.hasher()) else { return Ok(false) };
        let mut sql = loose(&denials, &[(kind, &*entries.keys, &*entries.patients)]);
        let rows = prepared(&mut sql).fetch_all(self.connection()).await.map_err(StoreError)?;
        Ok(places(&rows)?.is_empty())
    }
}

fn loose(denials: &Denials, all: &[Loose<'_>]) -> Sql {
    let array = |items: &[i64]| {
        format!("{{{}}}", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    };
    let types: Vec<i16> = all.iter().map(|(kind, ..)| kind.number()).collect();
    let keys: Vec<String> = all.iter().map(|(_, keys, _)| array(keys)).collect();
    let patients: Vec<String> = all.iter().map(|(.., patients)| array(patients)).collect();
    let mut sql = Sql::new("select n.ord from unnest(");
    sql.push_bind(types).push("::smallint[], ").push_bind(keys).push("::text[], ");
    sql.push_bind(patients).push("::text[]) with ordinality n (type, keys, patients, ord) cross join lateral (select n.type, n.keys::bigint[] as keys, n.patients::bigint[] as patients offset 0) r where true");
    // What is not stored yet is no Consent that binds.
    push_denials(&mut sql, "r", &Denials { changes_consents: false, ..denials.clone() });
    sql
}

fn places(rows: &[PgRow]) -> Result<Vec<usize>> {
    let place = |row: &PgRow| {
        let ord: i64 = row.try_get("ord").map_err(StoreError)?;
        Ok(usize::try_from(ord - 1).unwrap_or(usize::MAX))
    };
    rows.iter().map(place).collect()
}

/// Rules of Consents as the statements that write versions take them.
#[derive(Default)]
pub(crate) struct RuleRows {
    rows: Vec<Value>,
    some: bool,
}

impl RuleRows {
    /// Adds those of one version: whether or not it has any, those of the version before go.
    pub(crate) fn add(&mut self, kind: ResourceType, rid: i64, rules: &[ConsentRule]) {
        self.some |= kind.name() == "Consent";
        self.rows.extend((0i16..).zip(rules).map(|(place, rule)| row(rid, place, rule)));
    }

    /// Whether there is a Consent among the versions.
    pub(crate) fn has_some(&self) -> bool {
        self.some
    }

    /// As JSON; `None` where there is none.
    pub(crate) fn text(&self) -> Option<String> {
        self.some.then(|| Value::from(self.rows.clone()).to_string())
    }
}

fn row(rid: i64, place: i16, rule: &ConsentRule) -> Value {
    let (effect, depth) = match rule.effect {
        Effect::Deny => (0, 0),
        Effect::DenyWithin => (0, 1),
        Effect::Permit => (1, 1),
    };
    json!({
        "source": rid, "place": place, "patient": rule.patient, "effect": effect, "depth": depth,
        "types": rule.types, "keys": rule.keys, "actors": rule.actors, "actions": rule.actions,
        "purposes": rule.purposes, "since": rule.since, "until": rule.until,
    })
}
