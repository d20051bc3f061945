//! Prevention: check-ups, screening by age, vaccinations.

use super::Story;
use crate::body::Measures;
use crate::catalog::diseases::DISEASES;
use crate::catalog::labs;
use crate::catalog::procedures;
use crate::catalog::vaccines::{INFLUENZA, VACCINES};
use crate::chart::Chart;
use crate::resources::{Known, Scene, immunization, observation};

impl Story<'_> {
    pub(super) fn check_up(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        measures: &Measures,
        years: f64,
    ) -> Option<Known> {
        if years >= 13.0 {
            let smoker = self.person.smoker && years >= 18.0;
            chart.add("Observation", |w, id| observation::smoking(w, id, scene, smoker));
        }
        self.vaccinate(chart, scene);
        self.checked = scene.start.day;
        if years >= 18.0 {
            self.panel(chart, scene, &labs::METABOLIC, measures);
            if years >= 35.0 {
                self.panel(chart, scene, &labs::LIPIDS, measures);
            }
            if self.dice.chance(500) {
                self.panel(chart, scene, &labs::BLOOD_COUNT, measures);
            }
            self.screen(chart, scene, years);
        }
        for disease in &DISEASES {
            if let Some(known) = self.known(disease.ill) {
                self.prescribe(chart, scene, disease, Some(known));
            }
        }
        None
    }

    /// What is looked for by age in those without a complaint.
    pub(super) fn screen(&mut self, chart: &mut Chart<'_>, scene: &Scene, years: f64) {
        let age = years as i32;
        let due = [
            (self.dice.chance(500), &procedures::DEPRESSION_SCREENING),
            (age >= 65, &procedures::MEDICATION_RECONCILIATION),
            ((50..=75).contains(&age) && age % 10 == 0, &procedures::COLONOSCOPY),
            (
                self.person.female && (50..=74).contains(&age) && age % 2 == 0,
                &procedures::MAMMOGRAPHY,
            ),
        ];
        for (due, treatment) in due {
            if due {
                self.treat(chart, scene, treatment, None);
            }
        }
    }

    pub(super) fn vaccinate(&mut self, chart: &mut Chart<'_>, scene: &Scene) {
        let day = scene.start.day;
        for vaccine in &VACCINES {
            for (dose, months) in (1..).zip(vaccine.at_months) {
                let due = self.person.birth.plus_years(f64::from(*months) / 12.0);
                // A dose at birth falls on the day the record opens.
                let since = due > self.checked || (*months == 0 && due == self.checked);
                if since && due <= day && self.dice.chance(930) {
                    let lot = self.dice.below(100_000);
                    chart.add("Immunization", |w, id| {
                        immunization::write(w, id, scene, (vaccine.code, Some(dose)), lot);
                    });
                }
            }
        }
        self.vaccinate_against_influenza(chart, scene);
    }

    pub(super) fn vaccinate_against_influenza(&mut self, chart: &mut Chart<'_>, scene: &Scene) {
        let day = scene.start.day;
        let (year, month, _) = day.civil();
        let season = if month >= 9 { year } else { year - 1 };
        let in_season = !(3..9).contains(&month) && self.season != season;
        if in_season && self.person.years(day) >= 0.5 && self.dice.chance(600) {
            self.season = season;
            let lot = self.dice.below(100_000);
            chart.add("Immunization", |w, id| {
                immunization::write(w, id, scene, (INFLUENZA, None), lot);
            });
        }
    }
}
