//! Allergies, by how common they are among those who have one.

use crate::code::{Code, snomed};

/// An allergy.
#[derive(Debug)]
pub(crate) struct Allergen {
    pub(crate) weight: u32,
    pub(crate) code: Code,
    /// `AllergyIntolerance.category`.
    pub(crate) category: &'static str,
    pub(crate) reaction: Code,
    pub(crate) severity: &'static str,
}

const HIVES: Code = snomed("247472004", "Wheal");
const SNEEZING: Code = snomed("76067001", "Sneezing");
const ANAPHYLAXIS: Code = snomed("39579001", "Anaphylaxis");
const RASH: Code = snomed("271807003", "Eruption of skin");

const fn row(
    weight: u32,
    code: Code,
    category: &'static str,
    reaction: Code,
    severity: &'static str,
) -> Allergen {
    Allergen { weight, code, category, reaction, severity }
}

#[rustfmt::skip]
pub(crate) static ALLERGENS: [Allergen; 10] = [
    row(20, snomed("91936005", "Allergy to penicillin"), "medication", RASH, "moderate"),
    row(6, snomed("293586001", "Allergy to aspirin"), "medication", HIVES, "mild"),
    row(16, snomed("418689008", "Allergy to grass pollen"), "environment", SNEEZING, "mild"),
    row(14, snomed("419263009", "Allergy to tree pollen"), "environment", SNEEZING, "mild"),
    row(14, snomed("232350006", "House dust mite allergy"), "environment", SNEEZING, "mild"),
    row(8, snomed("232347008", "Dander (animal) allergy"), "environment", SNEEZING, "moderate"),
    row(8, snomed("91935009", "Allergy to peanuts"), "food", ANAPHYLAXIS, "severe"),
    row(6, snomed("300913006", "Shellfish allergy"), "food", HIVES, "moderate"),
    row(4, snomed("213020009", "Egg protein allergy"), "food", HIVES, "mild"),
    row(4, snomed("424213003", "Allergy to bee venom"), "environment", ANAPHYLAXIS, "severe"),
];
