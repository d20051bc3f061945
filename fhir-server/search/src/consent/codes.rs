//! The codes that provisions of a Consent are read by, as data.

use conformance::SearchParamKind;

use crate::catalogue::ParamPlan;

/// What the base rule of a Consent comes to: whether it denies. <https://terminology.hl7.org/CodeSystem-v3-ActCode.html>
pub(super) fn base(code: &str) -> Option<bool> {
    match code {
        "OPTIN" | "OPTINR" => Some(false),
        "OPTOUT" | "OPTOUTE" => Some(true),
        _ => None,
    }
}

/// Roles in which an actor is whoever gets the data. <https://hl7.org/fhir/R4/valueset-security-role-type.html>
pub(super) const RECIPIENTS: [&str; 8] =
    ["AGNT", "ASSIGNED", "DELEGATEE", "EMP", "GRANTEE", "IRCP", "PRCP", "PROV"];

/// The role of whoever keeps the data: of all here that is the operator.
pub(super) const CUSTODIAN: &str = "CST";

/// Types of resource that users, and those whom they work for, are known as.
pub(super) const ACTORS: [&str; 5] =
    ["Organization", "Patient", "Practitioner", "PractitionerRole", "RelatedPerson"];

/// The letters of SMART's `cruds` that an action takes in, as bits in their order.
/// <https://terminology.hl7.org/CodeSystem-consentaction.html>
pub(super) fn action(code: &str) -> Option<i16> {
    let [create, read, update, delete, search] = [1, 2, 4, 8, 16];
    match code {
        "collect" => Some(create),
        "access" | "use" | "disclose" => Some(read | search),
        "correct" => Some(update | delete),
        _ => None,
    }
}

/// Confidentiality, from the least strict to the strictest. A denial of one is of the stricter too, a permission of
/// the laxer. <https://terminology.hl7.org/CodeSystem-v3-Confidentiality.html>
const CONFIDENTIALITY: [&str; 6] = ["U", "L", "M", "N", "R", "V"];

/// What codes take in that are narrower: labels, and purposes of use.
const NARROWER: [(&str, &[&str]); 5] = [
    ("BH", &["COGN", "DVD", "EMOTDIS", "ETH", "ETHUD", "MH", "OPIOIDUD", "PSY", "PSYTHPN", "SUD"]),
    ("ETH", &["ETHUD", "OPIOIDUD", "SUD"]),
    ("MH", &["PSY", "PSYTHPN"]),
    ("SUD", &["ETHUD", "OPIOIDUD"]),
    ("TREAT", &["BTG", "CAREMGT", "CLINTRCH", "COC", "ETREAT"]),
];

/// A label or purpose and what it takes in.
pub(super) fn spread(code: &str, denies: bool) -> Vec<&str> {
    if let Some(at) = CONFIDENTIALITY.iter().position(|level| *level == code) {
        let (lax, strict) = (CONFIDENTIALITY.get(..=at), CONFIDENTIALITY.get(at..));
        return if denies { strict } else { lax }.unwrap_or_default().to_vec();
    }
    let narrower = NARROWER.iter().find(|(wide, _)| *wide == code).map(|(_, narrower)| *narrower);
    [&[code], narrower.unwrap_or_default()].concat()
}

/// Whether a code of a Consent is looked for under this parameter: any of FHIR's own that finds codes.
pub(super) fn finds_codes(param: &ParamPlan) -> bool {
    param.custom.is_none()
        && param.definition.kind == SearchParamKind::Token
        && !param.definition.code.starts_with('_')
        && !param.identifies()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_spread_to_the_stricter_or_the_laxer() {
        for (code, denies, expected) in [
            ("R", true, "R V"),
            ("R", false, "U L M N R"),
            ("V", true, "V"),
            ("SUD", true, "SUD ETHUD OPIOIDUD"),
            ("SUD", false, "SUD ETHUD OPIOIDUD"),
            ("HIV", true, "HIV"),
        ] {
            assert_eq!(spread(code, denies).join(" "), expected, "{code} {denies}");
        }
    }
}
