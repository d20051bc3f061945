//! Long-term diseases: how many people get them and when, what raises the risk, and what follows.

use super::drugs::{self, Drug};
use super::labs::{self, Panel};
use super::procedures::{self, Treatment};
use crate::code::{Code, icd10, snomed};
use crate::directory::Specialty;

/// Which disease, for those parts of the body that change with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ill {
    Obesity,
    Asthma,
    Rhinitis,
    Attention,
    Depression,
    Anxiety,
    Migraine,
    Hypertension,
    Lipids,
    Diabetes,
    Thyroid,
    Reflux,
    Anemia,
    Arthritis,
    Osteoporosis,
    Pulmonary,
    Coronary,
    Fibrillation,
    Kidney,
    HeartFailure,
}

/// What multiplies the risk by two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risk {
    Smoking,
    Having(Ill),
}

/// A long-term disease.
#[derive(Debug)]
pub(crate) struct Disease {
    pub(crate) ill: Ill,
    pub(crate) codes: [Code; 2],
    /// Ages between which it begins.
    pub(crate) begins: (u8, u8),
    /// People in a thousand who get it if they live through those ages: women, men.
    pub(crate) lifetime: (u32, u32),
    pub(crate) raised_by: &'static [Risk],
    /// Between check-ups; none of its own where 0.
    pub(crate) follow_up_days: i32,
    pub(crate) drugs: &'static [&'static Drug],
    pub(crate) panels: &'static [&'static Panel],
    pub(crate) test: Option<&'static Treatment>,
    pub(crate) specialty: Specialty,
    /// Kind of care plan, and its activities.
    pub(crate) plan: Option<(Code, &'static [Code])>,
}

const PLAIN: Disease = Disease {
    ill: Ill::Obesity,
    codes: [
        snomed("162864005", "Body mass index 30+ - obesity"),
        icd10("E66.9", "Obesity, unspecified"),
    ],
    begins: (18, 60),
    lifetime: (0, 0),
    raised_by: &[],
    follow_up_days: 0,
    drugs: &[],
    panels: &[],
    test: None,
    specialty: Specialty::Family,
    plan: None,
};

const EXERCISE: Code = snomed("229065009", "Exercise therapy");
const DIABETIC_DIET: Code = snomed("160670007", "Diabetic diet");
const DIABETES_PLAN: Code = snomed("698360004", "Diabetes self management plan");
const HYPERTENSION_PLAN: Code = snomed("443402002", "Lifestyle education regarding hypertension");
const DASH_DIET: Code = snomed("1151000175103", "Dietary approaches to stop hypertension diet");
const ASTHMA_PLAN: Code = snomed("699728000", "Asthma self management");
const ALLERGEN_AVOIDANCE: Code = snomed("58332002", "Allergy education");

use Ill::*;
use Risk::{Having, Smoking};

/// In this order, so that a disease comes after those that raise its risk. Obesity is not drawn
/// here but follows from the body mass index.
#[rustfmt::skip]
pub(crate) static DISEASES: [Disease; 20] = [
    PLAIN,
    Disease { ill: Asthma, codes: [snomed("195967001", "Asthma"), icd10("J45.909", "Unspecified asthma, uncomplicated")], begins: (2, 30), lifetime: (100, 90), follow_up_days: 180, drugs: &[&drugs::ALBUTEROL, &drugs::FLUTICASONE], test: Some(&procedures::SPIROMETRY), plan: Some((ASTHMA_PLAN, &[ALLERGEN_AVOIDANCE, EXERCISE])), ..PLAIN },
    Disease { ill: Rhinitis, codes: [snomed("61582004", "Allergic rhinitis"), icd10("J30.9", "Allergic rhinitis, unspecified")], begins: (4, 30), lifetime: (150, 150), raised_by: &[Having(Asthma)], drugs: &[&drugs::LORATADINE], ..PLAIN },
    Disease { ill: Attention, codes: [snomed("406506008", "Attention deficit hyperactivity disorder"), icd10("F90.9", "Attention-deficit hyperactivity disorder, unspecified type")], begins: (5, 12), lifetime: (50, 110), follow_up_days: 180, specialty: Specialty::Pediatrics, ..PLAIN },
    Disease { ill: Depression, codes: [snomed("370143000", "Major depressive disorder"), icd10("F32.A", "Depression, unspecified")], begins: (16, 60), lifetime: (220, 120), follow_up_days: 120, drugs: &[&drugs::SERTRALINE], ..PLAIN },
    Disease { ill: Anxiety, codes: [snomed("197480006", "Anxiety disorder"), icd10("F41.9", "Anxiety disorder, unspecified")], begins: (14, 50), lifetime: (180, 110), raised_by: &[Having(Depression)], follow_up_days: 180, drugs: &[&drugs::FLUOXETINE], ..PLAIN },
    Disease { ill: Migraine, codes: [snomed("37796009", "Migraine"), icd10("G43.909", "Migraine, unspecified, not intractable, without status migrainosus")], begins: (12, 45), lifetime: (160, 60), drugs: &[&drugs::NAPROXEN], ..PLAIN },
    Disease { ill: Hypertension, codes: [snomed("59621000", "Essential hypertension"), icd10("I10", "Essential (primary) hypertension")], begins: (30, 80), lifetime: (520, 540), raised_by: &[Having(Obesity)], follow_up_days: 180, drugs: &[&drugs::LISINOPRIL, &drugs::HYDROCHLOROTHIAZIDE], panels: &[&labs::METABOLIC], plan: Some((HYPERTENSION_PLAN, &[DASH_DIET, EXERCISE])), ..PLAIN },
    Disease { ill: Lipids, codes: [snomed("55822004", "Hyperlipidemia"), icd10("E78.5", "Hyperlipidemia, unspecified")], begins: (30, 75), lifetime: (380, 420), raised_by: &[Having(Obesity)], drugs: &[&drugs::ATORVASTATIN], panels: &[&labs::LIPIDS], ..PLAIN },
    Disease { ill: Diabetes, codes: [snomed("44054006", "Diabetes mellitus type 2"), icd10("E11.9", "Type 2 diabetes mellitus without complications")], begins: (35, 75), lifetime: (110, 130), raised_by: &[Having(Obesity), Having(Hypertension)], follow_up_days: 95, drugs: &[&drugs::METFORMIN], panels: &[&labs::A1C, &labs::METABOLIC, &labs::ALBUMINURIA], specialty: Specialty::Endocrinology, plan: Some((DIABETES_PLAN, &[DIABETIC_DIET, EXERCISE])), ..PLAIN },
    Disease { ill: Thyroid, codes: [snomed("40930008", "Hypothyroidism"), icd10("E03.9", "Hypothyroidism, unspecified")], begins: (25, 75), lifetime: (100, 25), follow_up_days: 180, drugs: &[&drugs::LEVOTHYROXINE], panels: &[&labs::THYROTROPIN], specialty: Specialty::Endocrinology, ..PLAIN },
    Disease { ill: Reflux, codes: [snomed("235595009", "Gastroesophageal reflux disease"), icd10("K21.9", "Gastro-esophageal reflux disease without esophagitis")], begins: (25, 70), lifetime: (200, 190), raised_by: &[Having(Obesity)], drugs: &[&drugs::OMEPRAZOLE], ..PLAIN },
    Disease { ill: Anemia, codes: [snomed("271737000", "Anemia"), icd10("D64.9", "Anemia, unspecified")], begins: (16, 80), lifetime: (140, 50), panels: &[&labs::BLOOD_COUNT], ..PLAIN },
    Disease { ill: Arthritis, codes: [snomed("396275006", "Osteoarthritis"), icd10("M19.90", "Unspecified osteoarthritis, unspecified site")], begins: (45, 85), lifetime: (420, 330), raised_by: &[Having(Obesity)], drugs: &[&drugs::NAPROXEN], ..PLAIN },
    Disease { ill: Osteoporosis, codes: [snomed("64859006", "Osteoporosis"), icd10("M81.0", "Age-related osteoporosis without current pathological fracture")], begins: (55, 85), lifetime: (260, 60), drugs: &[&drugs::ALENDRONIC_ACID], ..PLAIN },
    Disease { ill: Pulmonary, codes: [snomed("13645005", "Chronic obstructive lung disease"), icd10("J44.9", "Chronic obstructive pulmonary disease, unspecified")], begins: (45, 75), lifetime: (60, 70), raised_by: &[Smoking, Smoking], follow_up_days: 180, drugs: &[&drugs::ALBUTEROL], test: Some(&procedures::SPIROMETRY), ..PLAIN },
    Disease { ill: Coronary, codes: [snomed("53741008", "Coronary arteriosclerosis"), icd10("I25.10", "Atherosclerotic heart disease of native coronary artery without angina pectoris")], begins: (45, 85), lifetime: (90, 150), raised_by: &[Smoking, Having(Diabetes), Having(Lipids)], follow_up_days: 180, drugs: &[&drugs::ASPIRIN, &drugs::SIMVASTATIN, &drugs::METOPROLOL], panels: &[&labs::LIPIDS], test: Some(&procedures::ELECTROCARDIOGRAM), specialty: Specialty::Cardiology, ..PLAIN },
    Disease { ill: Fibrillation, codes: [snomed("49436004", "Atrial fibrillation"), icd10("I48.91", "Unspecified atrial fibrillation")], begins: (55, 90), lifetime: (120, 150), raised_by: &[Having(Hypertension)], follow_up_days: 60, drugs: &[&drugs::WARFARIN], panels: &[&labs::CLOTTING], test: Some(&procedures::ELECTROCARDIOGRAM), specialty: Specialty::Cardiology, ..PLAIN },
    Disease { ill: Kidney, codes: [snomed("433144002", "Chronic kidney disease stage 3"), icd10("N18.30", "Chronic kidney disease, stage 3 unspecified")], begins: (50, 85), lifetime: (70, 70), raised_by: &[Having(Diabetes), Having(Hypertension)], follow_up_days: 120, drugs: &[&drugs::LOSARTAN], panels: &[&labs::METABOLIC, &labs::ALBUMINURIA], specialty: Specialty::Internal, ..PLAIN },
    Disease { ill: HeartFailure, codes: [snomed("84114007", "Heart failure"), icd10("I50.9", "Heart failure, unspecified")], begins: (60, 90), lifetime: (70, 80), raised_by: &[Having(Coronary), Having(Hypertension)], follow_up_days: 90, drugs: &[&drugs::FUROSEMIDE, &drugs::AMLODIPINE], panels: &[&labs::METABOLIC], test: Some(&procedures::ELECTROCARDIOGRAM), specialty: Specialty::Cardiology, ..PLAIN },
];
