//! Codes and the systems they are of.

pub(crate) const SNOMED: &str = "http://snomed.info/sct";
pub(crate) const LOINC: &str = "http://loinc.org";
pub(crate) const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub(crate) const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub(crate) const CVX: &str = "http://hl7.org/fhir/sid/cvx";
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";

/// One code with the words a reader sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code {
    pub(crate) system: &'static str,
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
}

const fn code(system: &'static str, code: &'static str, display: &'static str) -> Code {
    Code { system, code, display }
}

pub(crate) const fn snomed(value: &'static str, display: &'static str) -> Code {
    code(SNOMED, value, display)
}

pub(crate) const fn loinc(value: &'static str, display: &'static str) -> Code {
    code(LOINC, value, display)
}

pub(crate) const fn icd10(value: &'static str, display: &'static str) -> Code {
    code(ICD10, value, display)
}

pub(crate) const fn rxnorm(value: &'static str, display: &'static str) -> Code {
    code(RXNORM, value, display)
}

pub(crate) const fn cvx(value: &'static str, display: &'static str) -> Code {
    code(CVX, value, display)
}

/// A code of one of HL7's own systems, `http://terminology.hl7.org/CodeSystem/…`.
macro_rules! hl7 {
    ($system:literal, $code:literal, $display:literal) => {
        $crate::code::Code {
            system: concat!("http://terminology.hl7.org/CodeSystem/", $system),
            code: $code,
            display: $display,
        }
    };
}
pub(crate) use hl7;

/// The canonical of a US Core profile.
macro_rules! profile {
    ($name:literal) => {
        concat!("http://hl7.org/fhir/us/core/StructureDefinition/", $name)
    };
}
pub(crate) use profile;
