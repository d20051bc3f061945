//! What each role reaches, as data: which types, by which letters, and whose resources.
//! See docs/adr/0010-authorization-server-and-audit.md, section 3.

use std::sync::LazyLock;

use canonical_model::ResourceType;

use crate::{Action, Actions, Role, TypeSet};

/// Whose resources a row of the table reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Anybody's, and what is nobody's.
    Open,
    /// Those of patients whom the user treats.
    Treated,
    /// Those of patients of the organisations that the user works for.
    Organisation,
    /// Those of either.
    Related,
    /// One's own.
    Own,
    /// Those of the patient for whom one stands, as the launch chose among them.
    StandsFor,
}

/// One row.
pub(crate) struct Row {
    pub(crate) role: Role,
    pub(crate) types: TypeSet,
    pub(crate) actions: Actions,
    pub(crate) bound: Bound,
}

/// What says who there is and what there is to choose from: about no patient.
const DIRECTORIES: &[&str] = &[
    "ActivityDefinition",
    "CapabilityStatement",
    "ChargeItemDefinition",
    "CodeSystem",
    "CompartmentDefinition",
    "ConceptMap",
    "Endpoint",
    "HealthcareService",
    "ImplementationGuide",
    "InsurancePlan",
    "Library",
    "Location",
    "Measure",
    "Medication",
    "MedicationKnowledge",
    "NamingSystem",
    "ObservationDefinition",
    "OperationDefinition",
    "Organization",
    "OrganizationAffiliation",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Questionnaire",
    "Schedule",
    "SearchParameter",
    "Slot",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Substance",
    "ValueSet",
];

/// Who somebody is and when they come.
const FRONT_DESK: &[&str] = &[
    "Account",
    "Appointment",
    "AppointmentResponse",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "Encounter",
    "Patient",
    "Person",
    "RelatedPerson",
];

const TIMES: &[&str] = &["Schedule", "Slot"];

const CLAIMS: &[&str] = &[
    "Account",
    "ChargeItem",
    "Claim",
    "ClaimResponse",
    "Contract",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "ExplanationOfBenefit",
    "Invoice",
    "PaymentNotice",
    "PaymentReconciliation",
];

/// What a claim is made of, as codes.
const CODED_FACTS: &[&str] = &[
    "Appointment",
    "Condition",
    "DeviceUseStatement",
    "Encounter",
    "EpisodeOfCare",
    "Immunization",
    "MedicationDispense",
    "Patient",
    "Procedure",
    "RelatedPerson",
    "ServiceRequest",
];

/// What holds care together.
const COORDINATION: &[&str] = &[
    "Appointment",
    "AppointmentResponse",
    "CarePlan",
    "CareTeam",
    "Communication",
    "CommunicationRequest",
    "EpisodeOfCare",
    "Flag",
    "Goal",
    "RequestGroup",
    "ServiceRequest",
    "Task",
];

const CLINICAL: &[&str] = &[
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "Binary",
    "BodyStructure",
    "CarePlan",
    "CareTeam",
    "ClinicalImpression",
    "Communication",
    "CommunicationRequest",
    "Composition",
    "Condition",
    "Consent",
    "Coverage",
    "DetectedIssue",
    "Device",
    "DeviceMetric",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "Encounter",
    "EpisodeOfCare",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "Group",
    "GuidanceResponse",
    "ImagingStudy",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "List",
    "Media",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "MolecularSequence",
    "NutritionOrder",
    "Observation",
    "Patient",
    "Person",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RequestGroup",
    "ResearchSubject",
    "RiskAssessment",
    "ServiceRequest",
    "Specimen",
    "SupplyDelivery",
    "SupplyRequest",
    "Task",
    "VisionPrescription",
];

/// All that FHIR has.
const ALL: &[&str] = &["*"];

const CRUDS: &str = "cruds";
const CRUS: &str = "crus";
const RS: &str = "rs";

/// The table: what no row says is not reached.
const TABLE: &[(Role, &[&str], &str, Bound)] = &[
    (Role::Clinician, CLINICAL, CRUDS, Bound::Treated),
    (Role::Clinician, DIRECTORIES, RS, Bound::Open),
    (Role::CareCoordinator, COORDINATION, CRUDS, Bound::Related),
    (Role::CareCoordinator, CLINICAL, RS, Bound::Related),
    (Role::CareCoordinator, DIRECTORIES, RS, Bound::Open),
    (Role::FrontDesk, FRONT_DESK, CRUS, Bound::Organisation),
    (Role::FrontDesk, TIMES, CRUS, Bound::Open),
    (Role::FrontDesk, DIRECTORIES, RS, Bound::Open),
    (Role::Billing, CLAIMS, CRUS, Bound::Organisation),
    (Role::Billing, CODED_FACTS, RS, Bound::Organisation),
    (Role::Billing, DIRECTORIES, RS, Bound::Open),
    (Role::Integration, ALL, CRUDS, Bound::Open),
    (Role::Auditor, &["AuditEvent"], RS, Bound::Open),
    (Role::Auditor, DIRECTORIES, RS, Bound::Open),
    (Role::Admin, DIRECTORIES, RS, Bound::Open),
    (Role::Patient, ALL, CRUDS, Bound::Own),
    (Role::Proxy, ALL, CRUDS, Bound::StandsFor),
];

/// The table with its words read.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |(role, types, letters, bound): &(Role, &[&str], &str, Bound)| Row {
        role: *role,
        types: match types {
            ["*"] => TypeSet::ALL,
            // A name that is no type would reach nothing; the tests find it.
            names => names.iter().filter_map(|name| ResourceType::find(name)).collect(),
        },
        actions: Actions::parse(letters).unwrap_or_default(),
        bound: *bound,
    };
    TABLE.iter().map(row).collect()
});

/// The rows of a role that speak of an action.
pub(crate) fn rows(role: Role, action: Action) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.role == role && row.actions.contains(action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_type_and_every_word_has_letters() {
        for (role, types, letters, _) in TABLE {
            for name in types.iter().filter(|name| **name != "*") {
                assert!(ResourceType::find(name).is_some(), "{role:?} {name}");
            }
            assert!(types.windows(2).all(|two| two[0] < two[1]), "{role:?} {types:?}");
            assert!(Actions::parse(letters).is_some(), "{role:?} {letters}");
        }
        assert!(Role::ALL.iter().all(|role| TABLE.iter().any(|(of, ..)| of == role)));
    }
}
