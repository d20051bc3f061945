//! Vaccines and the ages at which their doses fall due, after the schedule in use in the US.

use crate::code::{Code, cvx};

/// A vaccine given by age.
#[derive(Debug)]
pub(crate) struct Vaccine {
    pub(crate) code: Code,
    /// Ages of the doses, in months.
    pub(crate) at_months: &'static [u16],
}

const fn vaccine(code: Code, at_months: &'static [u16]) -> Vaccine {
    Vaccine { code, at_months }
}

#[rustfmt::skip]
pub(crate) static VACCINES: [Vaccine; 14] = [
    vaccine(cvx("08", "Hep B, adolescent or pediatric"), &[0, 1, 6]),
    vaccine(cvx("119", "rotavirus, monovalent"), &[2, 4]),
    vaccine(cvx("20", "DTaP"), &[2, 4, 6, 15, 48]),
    vaccine(cvx("49", "Hib (PRP-OMP)"), &[2, 4, 12]),
    vaccine(cvx("133", "Pneumococcal conjugate PCV 13"), &[2, 4, 6, 12]),
    vaccine(cvx("10", "IPV"), &[2, 4, 6, 48]),
    vaccine(cvx("03", "MMR"), &[12, 48]),
    vaccine(cvx("21", "varicella"), &[12, 48]),
    vaccine(cvx("83", "Hep A, ped/adol, 2 dose"), &[12, 18]),
    vaccine(cvx("115", "Tdap"), &[132]),
    vaccine(cvx("114", "meningococcal MCV4P"), &[132, 192]),
    vaccine(cvx("113", "Td (adult) preservative free"), &[252, 372, 492, 612, 732, 852, 972]),
    vaccine(cvx("187", "zoster recombinant"), &[600, 603]),
    vaccine(cvx("33", "pneumococcal polysaccharide vaccine, 23 valent"), &[780]),
];

/// Given every season rather than by age.
pub(crate) static INFLUENZA: Code =
    cvx("140", "Influenza, seasonal, injectable, preservative free");
