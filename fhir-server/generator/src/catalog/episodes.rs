//! Illnesses and injuries that come and go.

use super::drugs::{self, Drug};
use super::procedures::{self, Treatment};
use crate::code::{Code, icd10, snomed};

/// An acute illness or injury.
#[derive(Debug)]
pub(crate) struct Episode {
    pub(crate) codes: [Code; 2],
    /// Seen in an emergency department rather than at the practice.
    pub(crate) emergency: bool,
    /// Cases per thousand person-years at ages 0-4, 5-17, 18-64, 65 and over.
    pub(crate) yearly: [u32; 4],
    /// Until it is over.
    pub(crate) days: i32,
    /// Raises temperature, pulse and white cells.
    pub(crate) fever: bool,
    pub(crate) drug: Option<&'static Drug>,
    pub(crate) treatment: Option<&'static Treatment>,
}

const fn ill(codes: [Code; 2], yearly: [u32; 4], days: i32, drug: &'static Drug) -> Episode {
    let (fever, emergency, treatment) = (true, false, None);
    Episode { codes, emergency, yearly, days, fever, drug: Some(drug), treatment }
}

const fn hurt(codes: [Code; 2], yearly: [u32; 4], days: i32) -> Episode {
    let drug = Some(&drugs::IBUPROFEN);
    Episode { codes, emergency: true, yearly, days, fever: false, drug, treatment: None }
}

#[rustfmt::skip]
pub(crate) static EPISODES: [Episode; 14] = [
    ill([snomed("195662009", "Acute viral pharyngitis"), icd10("J02.9", "Acute pharyngitis, unspecified")], [150, 130, 70, 40], 9, &drugs::ACETAMINOPHEN),
    ill([snomed("444814009", "Viral sinusitis"), icd10("J01.90", "Acute sinusitis, unspecified")], [60, 90, 90, 60], 14, &drugs::ACETAMINOPHEN),
    ill([snomed("10509002", "Acute bronchitis"), icd10("J20.9", "Acute bronchitis, unspecified")], [90, 60, 60, 80], 12, &drugs::ACETAMINOPHEN),
    ill([snomed("65363002", "Otitis media"), icd10("H66.90", "Otitis media, unspecified, unspecified ear")], [320, 60, 8, 5], 10, &drugs::AMOXICILLIN),
    ill([snomed("43878008", "Streptococcal sore throat"), icd10("J02.0", "Streptococcal pharyngitis")], [60, 110, 20, 8], 10, &drugs::PENICILLIN_V),
    ill([snomed("6142004", "Influenza"), icd10("J11.1", "Influenza due to unidentified influenza virus with other respiratory manifestations")], [60, 50, 30, 30], 8, &drugs::ACETAMINOPHEN),
    ill([snomed("840539006", "COVID-19"), icd10("U07.1", "COVID-19")], [20, 25, 40, 40], 12, &drugs::ACETAMINOPHEN),
    ill([snomed("68566005", "Urinary tract infectious disease"), icd10("N39.0", "Urinary tract infection, site not specified")], [15, 12, 45, 90], 7, &drugs::CO_AMOXICLAV),
    Episode { treatment: Some(&procedures::CHEST_XRAY), emergency: true, ..ill([snomed("233604007", "Pneumonia"), icd10("J18.9", "Pneumonia, unspecified organism")], [20, 8, 6, 30], 21, &drugs::CO_AMOXICLAV) },
    Episode { drug: None, ..ill([snomed("25374005", "Gastroenteritis"), icd10("K52.9", "Noninfective gastroenteritis and colitis, unspecified")], [90, 40, 20, 25], 5, &drugs::ACETAMINOPHEN) },
    Episode { fever: false, ..ill([snomed("279039007", "Low back pain"), icd10("M54.50", "Low back pain, unspecified")], [0, 4, 60, 70], 30, &drugs::IBUPROFEN) },
    hurt([snomed("44465007", "Sprain of ankle"), icd10("S93.409A", "Sprain of unspecified ligament of unspecified ankle, initial encounter")], [4, 40, 16, 8], 28),
    Episode { treatment: Some(&procedures::WOUND_SUTURE), ..hurt([snomed("283371005", "Laceration of forearm"), icd10("S51.819A", "Laceration without foreign body of unspecified forearm, initial encounter")], [12, 20, 12, 10], 14) },
    Episode { drug: None, ..hurt([snomed("62106007", "Concussion with no loss of consciousness"), icd10("S06.0X0A", "Concussion without loss of consciousness, initial encounter")], [6, 14, 5, 8], 21) },
];
