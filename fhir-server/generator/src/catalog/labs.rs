//! Laboratory tests: LOINC codes, UCUM units, adult reference ranges, and where a value comes from.

use crate::body::Measures;
use crate::code::{Code, loinc};

/// One analyte.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) code: Code,
    /// As printed, and as UCUM writes it.
    pub(crate) unit: (&'static str, &'static str),
    pub(crate) places: u32,
    /// Reference range; either end may be open.
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) read: fn(&Measures) -> f64,
}

/// Analytes that are ordered and reported together; no report for a single one.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) report: Option<Code>,
    pub(crate) labs: &'static [Lab],
}

const MG_DL: (&str, &str) = ("mg/dL", "mg/dL");
const MMOL_L: (&str, &str) = ("mmol/L", "mmol/L");
const PERCENT: (&str, &str) = ("%", "%");

const fn lab(
    code: Code,
    unit: (&'static str, &'static str),
    places: u32,
    range: (Option<f64>, Option<f64>),
    read: fn(&Measures) -> f64,
) -> Lab {
    Lab { code, unit, places, low: range.0, high: range.1, read }
}

#[rustfmt::skip]
mod table {
    use super::*;

    pub(crate) static METABOLIC: Panel = Panel {
        report: Some(loinc("51990-0", "Basic metabolic panel - Blood")),
        labs: &[
            lab(loinc("2345-7", "Glucose [Mass/volume] in Serum or Plasma"), MG_DL, 0, (Some(70.0), Some(99.0)), |m| m.glucose),
            lab(loinc("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma"), MG_DL, 0, (Some(7.0), Some(20.0)), |m| m.urea),
            lab(loinc("2160-0", "Creatinine [Mass/volume] in Serum or Plasma"), MG_DL, 2, (Some(0.5), Some(1.2)), |m| m.creatinine),
            lab(loinc("17861-6", "Calcium [Mass/volume] in Serum or Plasma"), MG_DL, 1, (Some(8.5), Some(10.5)), |m| m.calcium),
            lab(loinc("2951-2", "Sodium [Moles/volume] in Serum or Plasma"), MMOL_L, 0, (Some(135.0), Some(145.0)), |m| m.sodium),
            lab(loinc("2823-3", "Potassium [Moles/volume] in Serum or Plasma"), MMOL_L, 1, (Some(3.5), Some(5.1)), |m| m.potassium),
            lab(loinc("2075-0", "Chloride [Moles/volume] in Serum or Plasma"), MMOL_L, 0, (Some(98.0), Some(107.0)), |m| m.chloride),
            lab(loinc("2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma"), MMOL_L, 0, (Some(22.0), Some(29.0)), |m| m.bicarbonate),
            lab(loinc("33914-3", "Glomerular filtration rate/1.73 sq M.predicted by Creatinine-based formula (MDRD)"), ("mL/min/1.73m2", "mL/min/{1.73_m2}"), 0, (Some(60.0), None), |m| m.filtration),
        ],
    };
    pub(crate) static LIPIDS: Panel = Panel {
        report: Some(loinc("57698-3", "Lipid panel with direct LDL - Serum or Plasma")),
        labs: &[
            lab(loinc("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"), MG_DL, 0, (None, Some(199.0)), Measures::cholesterol),
            lab(loinc("2571-8", "Triglyceride [Mass/volume] in Serum or Plasma"), MG_DL, 0, (None, Some(149.0)), |m| m.triglyceride),
            lab(loinc("18262-6", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay"), MG_DL, 0, (None, Some(129.0)), |m| m.ldl),
            lab(loinc("2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma"), MG_DL, 0, (Some(40.0), None), |m| m.hdl),
        ],
    };
    pub(crate) static BLOOD_COUNT: Panel = Panel {
        report: Some(loinc("58410-2", "CBC panel - Blood by Automated count")),
        labs: &[
            lab(loinc("6690-2", "Leukocytes [#/volume] in Blood by Automated count"), ("10*3/uL", "10*3/uL"), 1, (Some(4.5), Some(11.0)), |m| m.leukocytes),
            lab(loinc("789-8", "Erythrocytes [#/volume] in Blood by Automated count"), ("10*6/uL", "10*6/uL"), 2, (Some(3.9), Some(5.7)), |m| m.hemoglobin / 3.0),
            lab(loinc("718-7", "Hemoglobin [Mass/volume] in Blood"), ("g/dL", "g/dL"), 1, (Some(12.0), Some(17.5)), |m| m.hemoglobin),
            lab(loinc("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count"), PERCENT, 1, (Some(36.0), Some(50.0)), |m| m.hemoglobin * 3.0),
            lab(loinc("777-3", "Platelets [#/volume] in Blood by Automated count"), ("10*3/uL", "10*3/uL"), 0, (Some(150.0), Some(400.0)), |m| m.platelets),
        ],
    };
    pub(crate) static A1C: Panel = Panel {
        report: None,
        labs: &[lab(loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"), PERCENT, 1, (Some(4.0), Some(5.6)), |m| m.a1c)],
    };
    pub(crate) static ALBUMINURIA: Panel = Panel {
        report: None,
        labs: &[lab(loinc("9318-7", "Albumin/Creatinine [Mass Ratio] in Urine"), ("mg/g", "mg/g"), 0, (None, Some(29.0)), |m| m.albuminuria)],
    };
    pub(crate) static THYROTROPIN: Panel = Panel {
        report: None,
        labs: &[lab(loinc("3016-3", "Thyrotropin [Units/volume] in Serum or Plasma"), ("mIU/L", "m[IU]/L"), 2, (Some(0.4), Some(4.5)), |m| m.thyrotropin)],
    };
    pub(crate) static CLOTTING: Panel = Panel {
        report: None,
        labs: &[lab(loinc("6301-6", "INR in Platelet poor plasma by Coagulation assay"), ("{INR}", "{INR}"), 1, (Some(2.0), Some(3.0)), |m| m.clotting)],
    };
}
pub(crate) use table::*;
