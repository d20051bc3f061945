//! What kind of event a row is: its type and subtypes, who of client and server gives and who takes, and which of
//! IHE's profiles it follows. Data.
//! <https://profiles.ihe.net/ITI/BALP/content.html>

use store::AuditAction;
use store::record::JournalRow;

use super::view::DCM;

/// What client and server are to what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// What it comes from.
    Source,
    /// Where it goes.
    Destination,
    /// Who asks.
    Application,
    /// Who keeps it.
    Custodian,
}

/// A kind of event.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    /// Its type: system, code, display.
    pub(crate) kind: (&'static str, &'static str, &'static str),
    /// Its subtypes: system, code.
    pub(crate) subtypes: Vec<(&'static str, &'static str)>,
    /// C, R, U, D or E.
    pub(crate) action: &'static str,
    /// What the client is.
    pub(crate) client: Role,
    /// What the server is.
    pub(crate) server: Role,
    /// What the user is: of v3-ParticipationType.
    pub(crate) user: &'static str,
    /// The profile, without `Patient`.
    pub(crate) profile: Option<&'static str>,
}

const REST: (&str, &str, &str) =
    ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "Restful Operation");
const RESTFUL: &str = "http://hl7.org/fhir/restful-interaction";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
/// Transactions of IHE; 102 is to introspect a token.
const ITI: &str = "urn:ihe:event-type-code";
/// Decisions on access.
const AUTHZ: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";

/// By number, as the record has them: [`store::AuditInteraction`].
pub(crate) const INTERACTIONS: [&str; 14] = [
    "read",
    "vread",
    "update",
    "patch",
    "delete",
    "history-instance",
    "history-type",
    "history-system",
    "create",
    "search-type",
    "search-system",
    "batch",
    "transaction",
    "operation",
];

/// The letters of actions, with the record's numbers of each.
pub(crate) const LETTERS: [(&str, &[AuditAction]); 5] = [
    ("C", &[AuditAction::Create]),
    ("R", &[AuditAction::Read, AuditAction::Export, AuditAction::Disclosure]),
    ("U", &[AuditAction::Update]),
    ("D", &[AuditAction::Delete]),
    (
        "E",
        &[
            AuditAction::Search,
            AuditAction::Operation,
            AuditAction::LogIn,
            AuditAction::Token,
            AuditAction::Revocation,
            AuditAction::BreakGlass,
            AuditAction::Review,
            AuditAction::Accounts,
            AuditAction::LogOut,
            AuditAction::Consent,
            AuditAction::Introspection,
        ],
    ),
];

/// The kind of a row.
pub(crate) fn deed(row: &JournalRow) -> Deed {
    use Role::{Application, Custodian, Destination, Source};
    let interaction = row.interaction.and_then(|n| INTERACTIONS.get(usize::try_from(n).ok()?));
    let interaction = interaction.copied();
    let rest = |of: &'static str, action, client, server, user, profile| Deed {
        kind: REST,
        subtypes: subtypes(of, interaction),
        action,
        client,
        server,
        user,
        profile: Some(profile),
    };
    let other = |kind, subtypes: &[(&'static str, &'static str)], action| Deed {
        kind,
        subtypes: subtypes.to_vec(),
        action,
        client: Application,
        server: Custodian,
        user: "IRCP",
        profile: None,
    };
    let (login, alert) =
        ((DCM, "110114", "User Authentication"), (DCM, "110113", "Security Alert"));
    let letter = |n| LETTERS.iter().find(|(_, all)| all.iter().any(|action| *action as i16 == n));
    let letter = letter(row.action).map_or("E", |(letter, _)| letter);
    match AuditAction::ALL.into_iter().find(|action| *action as i16 == row.action) {
        Some(AuditAction::Create) => rest("create", letter, Source, Destination, "AUT", "Create"),
        Some(AuditAction::Update) => rest("update", letter, Source, Destination, "AUT", "Update"),
        Some(AuditAction::Delete) => {
            rest("delete", letter, Application, Custodian, "CST", "Delete")
        }
        Some(AuditAction::Read) => match interaction {
            Some("history-instance") => Deed {
                profile: None,
                ..rest("history-instance", letter, Destination, Source, "IRCP", "")
            },
            _ => rest("read", letter, Destination, Source, "IRCP", "Read"),
        },
        Some(AuditAction::Search) => match interaction {
            Some(of @ ("history-type" | "history-system" | "history-instance")) => {
                Deed { profile: None, ..rest(of, letter, Source, Destination, "IRCP", "") }
            }
            _ => rest("search-type", letter, Source, Destination, "IRCP", "Query"),
        },
        Some(AuditAction::LogIn | AuditAction::Token) => other(login, &[(DCM, "110122")], letter),
        Some(AuditAction::Revocation | AuditAction::LogOut) => {
            other(login, &[(DCM, "110123")], letter)
        }
        Some(AuditAction::Introspection) => other(login, &[(ITI, "ITI-102")], letter),
        Some(AuditAction::Consent) => other(alert, &[(AUTHZ, "AuthZ-Consent")], letter),
        Some(AuditAction::Export) => other((DCM, "110106", "Export"), &[], letter),
        Some(AuditAction::Disclosure) => {
            other((DCM, "110106", "Export"), &[(LIFECYCLE, "disclose")], letter)
        }
        Some(AuditAction::BreakGlass) => other(alert, &[(DCM, "110127")], letter),
        Some(AuditAction::Review) => other((DCM, "110101", "Audit Log Used"), &[], letter),
        Some(AuditAction::Accounts) => other(alert, &[(DCM, "110137")], letter),
        Some(AuditAction::Operation) | None => {
            Deed { profile: None, ..rest("operation", letter, Source, Destination, "IRCP", "") }
        }
    }
}

/// What was done, in the words of FHIR: what the action says, and the request where that says more. `patch` is an
/// update and `vread` a read, each in its own word; a write in a transaction is both.
fn subtypes(
    of: &'static str,
    interaction: Option<&'static str>,
) -> Vec<(&'static str, &'static str)> {
    let own = match (of, interaction) {
        ("read", Some("vread")) => "vread",
        ("update", Some("patch")) => "patch",
        ("search-type", Some("search-system")) => "search-system",
        ("operation", Some(interaction)) => interaction,
        _ => of,
    };
    let whole = interaction.filter(|word| matches!(*word, "transaction" | "batch") && *word != own);
    [Some(own), whole].into_iter().flatten().map(|word| (RESTFUL, word)).collect()
}
