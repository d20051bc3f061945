//! Medications. Every RxCUI here is a published one; a drug without a well-known RxCUI is left out.

use crate::code::{Code, rxnorm};

/// How a drug is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Oral,
    Inhaled,
}

/// A drug as it is prescribed.
#[derive(Debug)]
pub(crate) struct Drug {
    pub(crate) code: Code,
    pub(crate) route: Route,
    /// Tablets, capsules or puffs at a time.
    pub(crate) units: i64,
    pub(crate) unit: &'static str,
    /// Times a day; as needed where 0.
    pub(crate) per_day: i64,
    /// Days of one course; a long-term drug where 0.
    pub(crate) course_days: i32,
}

const fn tablets(code: Code, per_day: i64) -> Drug {
    Drug { code, route: Route::Oral, units: 1, unit: "tablet", per_day, course_days: 0 }
}

const fn course(code: Code, unit: &'static str, per_day: i64, course_days: i32) -> Drug {
    Drug { code, route: Route::Oral, units: 1, unit, per_day, course_days }
}

const fn puffs(code: Code, per_day: i64) -> Drug {
    Drug { code, route: Route::Inhaled, units: 2, unit: "puff", per_day, course_days: 0 }
}

#[rustfmt::skip]
mod table {
    use super::*;

    pub(crate) static METFORMIN: Drug = tablets(rxnorm("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"), 2);
    pub(crate) static LISINOPRIL: Drug = tablets(rxnorm("314076", "lisinopril 10 MG Oral Tablet"), 1);
    pub(crate) static LOSARTAN: Drug = tablets(rxnorm("979492", "losartan potassium 50 MG Oral Tablet"), 1);
    pub(crate) static AMLODIPINE: Drug = tablets(rxnorm("197361", "amlodipine 5 MG Oral Tablet"), 1);
    pub(crate) static HYDROCHLOROTHIAZIDE: Drug = tablets(rxnorm("310798", "hydrochlorothiazide 25 MG Oral Tablet"), 1);
    pub(crate) static ATORVASTATIN: Drug = tablets(rxnorm("617310", "atorvastatin 20 MG Oral Tablet"), 1);
    pub(crate) static SIMVASTATIN: Drug = tablets(rxnorm("312961", "simvastatin 20 MG Oral Tablet"), 1);
    pub(crate) static METOPROLOL: Drug = tablets(rxnorm("866412", "24 HR metoprolol succinate 100 MG Extended Release Oral Tablet"), 1);
    pub(crate) static FUROSEMIDE: Drug = tablets(rxnorm("313988", "furosemide 40 MG Oral Tablet"), 1);
    pub(crate) static WARFARIN: Drug = tablets(rxnorm("855332", "warfarin sodium 5 MG Oral Tablet"), 1);
    pub(crate) static ASPIRIN: Drug = tablets(rxnorm("243670", "aspirin 81 MG Oral Tablet"), 1);
    pub(crate) static LEVOTHYROXINE: Drug = tablets(rxnorm("966222", "levothyroxine sodium 0.075 MG Oral Tablet"), 1);
    pub(crate) static SERTRALINE: Drug = tablets(rxnorm("312938", "sertraline 100 MG Oral Tablet"), 1);
    pub(crate) static FLUOXETINE: Drug = tablets(rxnorm("310385", "fluoxetine 20 MG Oral Capsule"), 1);
    pub(crate) static OMEPRAZOLE: Drug = tablets(rxnorm("198051", "omeprazole 20 MG Delayed Release Oral Capsule"), 1);
    pub(crate) static ALENDRONIC_ACID: Drug = tablets(rxnorm("904419", "alendronic acid 10 MG Oral Tablet"), 1);
    pub(crate) static NAPROXEN: Drug = tablets(rxnorm("198014", "naproxen 500 MG Oral Tablet"), 2);
    pub(crate) static LORATADINE: Drug = tablets(rxnorm("311372", "loratadine 10 MG Oral Tablet"), 1);
    pub(crate) static ALBUTEROL: Drug = puffs(rxnorm("745679", "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"), 0);
    pub(crate) static FLUTICASONE: Drug = puffs(rxnorm("895994", "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler"), 2);

    pub(crate) static ACETAMINOPHEN: Drug = course(rxnorm("313782", "acetaminophen 325 MG Oral Tablet"), "tablet", 0, 7);
    pub(crate) static IBUPROFEN: Drug = course(rxnorm("310965", "ibuprofen 200 MG Oral Tablet"), "tablet", 0, 10);
    pub(crate) static AMOXICILLIN: Drug = course(rxnorm("308182", "amoxicillin 250 MG Oral Capsule"), "capsule", 3, 10);
    pub(crate) static CO_AMOXICLAV: Drug = course(rxnorm("562251", "amoxicillin 250 MG / clavulanate 125 MG Oral Tablet"), "tablet", 3, 10);
    pub(crate) static PENICILLIN_V: Drug = course(rxnorm("834102", "penicillin V potassium 500 MG Oral Tablet"), "tablet", 2, 10);
}
pub(crate) use table::*;
