//! The resource types of FHIR R4 (4.0.1). <https://hl7.org/fhir/R4/resourcelist.html>

use std::fmt;

use crate::{Error, IssueCode};

/// R4 is frozen, so a type's place in this list is its number in the database for ever.
#[rustfmt::skip]
const NAMES: [&str; 146] = [
    "Account", "ActivityDefinition", "AdverseEvent", "AllergyIntolerance", "Appointment",
    "AppointmentResponse", "AuditEvent", "Basic", "Binary", "BiologicallyDerivedProduct",
    "BodyStructure", "Bundle", "CapabilityStatement", "CarePlan", "CareTeam", "CatalogEntry",
    "ChargeItem", "ChargeItemDefinition", "Claim", "ClaimResponse", "ClinicalImpression",
    "CodeSystem", "Communication", "CommunicationRequest", "CompartmentDefinition", "Composition",
    "ConceptMap", "Condition", "Consent", "Contract", "Coverage", "CoverageEligibilityRequest",
    "CoverageEligibilityResponse", "DetectedIssue", "Device", "DeviceDefinition", "DeviceMetric",
    "DeviceRequest", "DeviceUseStatement", "DiagnosticReport", "DocumentManifest",
    "DocumentReference", "EffectEvidenceSynthesis", "Encounter", "Endpoint", "EnrollmentRequest",
    "EnrollmentResponse", "EpisodeOfCare", "EventDefinition", "Evidence", "EvidenceVariable",
    "ExampleScenario", "ExplanationOfBenefit", "FamilyMemberHistory", "Flag", "Goal",
    "GraphDefinition", "Group", "GuidanceResponse", "HealthcareService", "ImagingStudy",
    "Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation", "ImplementationGuide",
    "InsurancePlan", "Invoice", "Library", "Linkage", "List", "Location", "Measure",
    "MeasureReport", "Media", "Medication", "MedicationAdministration", "MedicationDispense",
    "MedicationKnowledge", "MedicationRequest", "MedicationStatement", "MedicinalProduct",
    "MedicinalProductAuthorization", "MedicinalProductContraindication",
    "MedicinalProductIndication", "MedicinalProductIngredient", "MedicinalProductInteraction",
    "MedicinalProductManufactured", "MedicinalProductPackaged", "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect", "MessageDefinition", "MessageHeader",
    "MolecularSequence", "NamingSystem", "NutritionOrder", "Observation", "ObservationDefinition",
    "OperationDefinition", "OperationOutcome", "Organization", "OrganizationAffiliation",
    "Parameters", "Patient", "PaymentNotice", "PaymentReconciliation", "Person", "PlanDefinition",
    "Practitioner", "PractitionerRole", "Procedure", "Provenance", "Questionnaire",
    "QuestionnaireResponse", "RelatedPerson", "RequestGroup", "ResearchDefinition",
    "ResearchElementDefinition", "ResearchStudy", "ResearchSubject", "RiskAssessment",
    "RiskEvidenceSynthesis", "Schedule", "SearchParameter", "ServiceRequest", "Slot", "Specimen",
    "SpecimenDefinition", "StructureDefinition", "StructureMap", "Subscription", "Substance",
    "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein",
    "SubstanceReferenceInformation", "SubstanceSourceMaterial", "SubstanceSpecification",
    "SupplyDelivery", "SupplyRequest", "Task", "TerminologyCapabilities", "TestReport",
    "TestScript", "ValueSet", "VerificationResult", "VisionPrescription",
];

/// One of R4's resource types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceType(u8); // Invariant: an index into NAMES.

impl ResourceType {
    /// `Patient`, named because the compartment rules speak of it.
    pub const PATIENT: Self = Self::known("Patient");
    /// `AuditEvent`, as which the record of accesses is read.
    pub const AUDIT_EVENT: Self = Self::known("AuditEvent");
    /// `Binary`, whose raw content has its own rules.
    pub const BINARY: Self = Self::known("Binary");
    /// `Bundle`.
    pub const BUNDLE: Self = Self::known("Bundle");
    /// `CodeSystem`, of which codes are.
    pub const CODE_SYSTEM: Self = Self::known("CodeSystem");
    /// `ConceptMap`, which leads from codes to codes.
    pub const CONCEPT_MAP: Self = Self::known("ConceptMap");
    /// `OperationDefinition`, as which the server says what its operations take.
    pub const OPERATION_DEFINITION: Self = Self::known("OperationDefinition");
    /// `OperationOutcome`.
    pub const OPERATION_OUTCOME: Self = Self::known("OperationOutcome");
    /// `Parameters`.
    pub const PARAMETERS: Self = Self::known("Parameters");
    /// `Questionnaire`, by which responses are judged.
    pub const QUESTIONNAIRE: Self = Self::known("Questionnaire");
    /// `StructureDefinition`, by which resources are judged.
    pub const STRUCTURE_DEFINITION: Self = Self::known("StructureDefinition");
    /// `SearchParameter`, which changes what can be searched.
    pub const SEARCH_PARAMETER: Self = Self::known("SearchParameter");
    /// `Task`, as which the server keeps aside what has faults.
    pub const TASK: Self = Self::known("Task");
    /// `ValueSet`, which names codes.
    pub const VALUE_SET: Self = Self::known("ValueSet");

    /// Finds a type by name; the error names the path's part, not the caller's data.
    pub fn parse(name: &str) -> Result<Self, Error> {
        Self::find(name).ok_or_else(|| {
            Error::invalid("resourceType: not a resource type of FHIR R4")
                .code(IssueCode::NotSupported)
        })
    }

    /// Finds a type by name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        NAMES.binary_search(&name).ok().and_then(|n| u8::try_from(n).ok()).map(Self)
    }

    /// The type's number in the database.
    #[must_use]
    pub fn number(self) -> i16 {
        i16::from(self.0)
    }

    /// The type of a database number.
    #[must_use]
    pub fn from_number(number: i16) -> Option<Self> {
        let index = u8::try_from(number).ok()?;
        (usize::from(index) < NAMES.len()).then_some(Self(index))
    }

    /// FHIR's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// Every type, in the order of names.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..NAMES.len()).filter_map(|n| u8::try_from(n).ok()).map(Self)
    }

    #[expect(clippy::indexing_slicing, clippy::panic, reason = "runs at compile time only")]
    const fn known(name: &str) -> Self {
        let mut n = 0;
        while n < NAMES.len() {
            if same(NAMES[n], name) {
                return Self(n as u8);
            }
            n += 1;
        }
        panic!("not a resource type");
    }
}

#[expect(clippy::indexing_slicing, reason = "runs at compile time only")]
const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut n = 0;
    while n < a.len() {
        if a[n] != b[n] {
            return false;
        }
        n += 1;
    }
    true
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(NAMES.is_sorted());
        assert_eq!(ResourceType::find("Patient"), Some(ResourceType::PATIENT));
        assert_eq!(ResourceType::find("patient"), None);
        for kind in ResourceType::all() {
            assert_eq!(ResourceType::from_number(kind.number()), Some(kind));
            assert_eq!(ResourceType::find(kind.name()), Some(kind));
        }
    }
}
