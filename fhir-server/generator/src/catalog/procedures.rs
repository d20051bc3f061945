//! Procedures, with what a payer is billed for them.

use crate::code::{Code, snomed};

/// A procedure.
#[derive(Debug)]
pub(crate) struct Treatment {
    pub(crate) code: Code,
    pub(crate) minutes: i32,
    pub(crate) cents: i64,
}

const fn treatment(code: Code, minutes: i32, cents: i64) -> Treatment {
    Treatment { code, minutes, cents }
}

#[rustfmt::skip]
mod table {
    use super::*;

    pub(crate) static COLONOSCOPY: Treatment = treatment(snomed("73761001", "Colonoscopy"), 45, 128_400);
    pub(crate) static MAMMOGRAPHY: Treatment = treatment(snomed("24623002", "Screening mammography"), 20, 23_150);
    pub(crate) static ELECTROCARDIOGRAM: Treatment = treatment(snomed("29303009", "Electrocardiographic procedure"), 10, 8_625);
    pub(crate) static SPIROMETRY: Treatment = treatment(snomed("127783003", "Spirometry"), 15, 9_480);
    pub(crate) static DEPRESSION_SCREENING: Treatment = treatment(snomed("171207006", "Depression screening"), 10, 2_240);
    pub(crate) static MEDICATION_RECONCILIATION: Treatment = treatment(snomed("430193006", "Medication reconciliation"), 15, 4_300);
    pub(crate) static CHEST_XRAY: Treatment = treatment(snomed("399208008", "Plain X-ray of chest"), 10, 14_275);
    pub(crate) static WOUND_SUTURE: Treatment = treatment(snomed("288086009", "Suture open wound"), 25, 31_900);
}
pub(crate) use table::*;
