//! A row of the record in plain words: who, through which app, did what, for what purpose.

use std::collections::BTreeMap;

use canonical_model::ResourceType;
use store::AuditAction;
use store::SignedIn;
use store::record::JournalRow;

use super::Whose;
use crate::page::Stop;
use crate::page::looking::Looking;
use crate::people::{PAGES, Sees};
use crate::state::Parts;
use crate::words::{capital, things};

/// Purposes of use as people call them.
/// <https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html>
const PURPOSES: [(&str, &str); 8] = [
    ("BTG", "in an emergency, against the rules"),
    ("ETREAT", "to treat in an emergency"),
    ("HOPERAT", "to run the organisation"),
    ("HPAYMT", "to settle payment"),
    ("HRESCH", "for research"),
    ("PATRQT", "because the patient asked"),
    ("PUBHLTH", "for public health"),
    ("TREAT", "to treat"),
];

/// An access, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) when: String,
    pub(super) who: String,
    pub(super) app: String,
    pub(super) what: String,
    pub(super) why: String,
}

/// What people and apps are called.
pub(super) struct Words<'a> {
    auth: &'a Parts,
    whose: &'a Whose,
    reader: &'a str,
    people: BTreeMap<String, String>,
    apps: BTreeMap<String, String>,
}

impl<'a> Words<'a> {
    pub(super) fn new(auth: &'a Parts, whose: &'a Whose, signed: &'a SignedIn) -> Self {
        let reader = signed.account.sub.as_str();
        Self { auth, whose, reader, people: BTreeMap::new(), apps: BTreeMap::new() }
    }

    /// Looks up the names that these rows need.
    pub(super) async fn learn(
        &mut self,
        looking: &Looking<'_>,
        rows: &[JournalRow],
    ) -> Result<(), Stop> {
        for kind in ["Practitioner", "RelatedPerson"] {
            let id = |row: &JournalRow| {
                let (have, id) = row.person.as_deref()?.split_once('/')?;
                (have == kind).then(|| id.to_owned())
            };
            let mut ids: Vec<String> = rows.iter().filter_map(id).collect();
            ids.retain(|id| !self.people.contains_key(&format!("{kind}/{id}")));
            ids.sort_unstable();
            ids.dedup();
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let named = looking.seeing_names().names(ResourceType::parse(kind)?, &ids).await?;
            self.people.extend(named.into_iter().map(|(id, name)| (format!("{kind}/{id}"), name)));
        }
        for row in rows {
            if !self.apps.contains_key(&row.client) {
                let client = self.auth.clients.find(&row.client).await?;
                let name = client.map_or_else(|| row.client.clone(), |client| client.name.clone());
                self.apps.insert(row.client.clone(), name);
            }
        }
        Ok(())
    }

    /// A row.
    pub(super) fn line(&self, row: &JournalRow) -> Line {
        let purpose = row.purpose.as_deref();
        let known = PURPOSES.iter().find(|(code, _)| Some(*code) == purpose);
        Line {
            when: row.at.format("%Y-%m-%d %H:%M").to_string(),
            who: self.who(row),
            app: self.app(row),
            what: what(row),
            why: known.map(|(_, words)| *words).or(purpose).unwrap_or_default().to_owned(),
        }
    }

    fn who(&self, row: &JournalRow) -> String {
        if row.subject.as_deref() == Some(self.reader) {
            return "You".to_owned();
        }
        let Some(person) = row.person.as_deref() else {
            let nobody =
                if row.subject.is_some() { "An account of this house" } else { "A program" };
            return nobody.to_owned();
        };
        if let Some(name) = self.people.get(person) {
            return name.clone();
        }
        match person.split_once('/') {
            Some(("Patient", id)) if id == self.whose.id.as_str() => match self.whose.own {
                true => "You".to_owned(),
                false => "The patient".to_owned(),
            },
            Some(("Patient", _)) => "Another patient".to_owned(),
            Some(("RelatedPerson", _)) => "A relative or carer".to_owned(),
            _ => format!("A member of staff ({person})"),
        }
    }

    fn app(&self, row: &JournalRow) -> String {
        match row.client.as_str() {
            PAGES => "a page of this server".to_owned(),
            id => self.apps.get(id).cloned().unwrap_or_else(|| id.to_owned()),
        }
    }
}

/// What was done.
fn what(row: &JournalRow) -> String {
    let kind = row.kind.and_then(ResourceType::from_number);
    let things = kind.map_or_else(|| "the record".to_owned(), things);
    let did = AuditAction::ALL.into_iter().find(|action| *action as i16 == row.action);
    let deed = match did {
        Some(AuditAction::Read) => format!("looked at {things}"),
        Some(AuditAction::Search) => format!("searched {things}"),
        Some(AuditAction::Create) => format!("added {things}"),
        Some(AuditAction::Update) => format!("changed {things}"),
        Some(AuditAction::Delete) => format!("deleted {things}"),
        Some(AuditAction::Export) => "took along an export of the record".to_owned(),
        Some(AuditAction::Disclosure) => match &row.recipient {
            Some(recipient) => format!("gave {things} to {recipient}"),
            None => format!("gave {things} to others"),
        },
        Some(AuditAction::BreakGlass) => "opened the record in an emergency".to_owned(),
        Some(AuditAction::Review) => "reviewed an access in an emergency".to_owned(),
        Some(AuditAction::LogIn | AuditAction::Token) => "got access".to_owned(),
        Some(AuditAction::Revocation) => "ended access".to_owned(),
        Some(AuditAction::LogOut) => "signed out".to_owned(),
        Some(AuditAction::Introspection) => "asked what access there is".to_owned(),
        // Whoever says no is not refused.
        Some(AuditAction::Consent) if row.status >= 400 => {
            return "Gave an app no access".to_owned();
        }
        Some(AuditAction::Consent) => "gave an app access".to_owned(),
        Some(AuditAction::Accounts) => "changed who has access".to_owned(),
        Some(AuditAction::Operation) | None => "asked who saw the record".to_owned(),
    };
    let came_to = match row.status {
        ..400 => "",
        400..500 => ", and was refused",
        500.. => ", which failed",
    };
    capital(&format!("{deed}{came_to}"))
}

impl<'a> Looking<'a> {
    /// The same person, who is told what people are called.
    fn seeing_names(&self) -> Looking<'a> {
        Looking::new(self.people, self.account, self.address, self.headers).seeing(Sees::Names)
    }
}
