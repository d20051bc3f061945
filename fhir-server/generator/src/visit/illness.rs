//! Illness: a disease is recorded and treated, looked after, and what is acute is dealt with.

use super::Story;
use crate::body::Measures;
use crate::catalog::diseases::{DISEASES, Disease, Ill};
use crate::catalog::episodes::Episode;
use crate::catalog::labs::{self, Panel};
use crate::chart::Chart;
use crate::date::Moment;
use crate::resources::condition::{self, Course};
use crate::resources::{Known, Scene, care_plan, medication};

/// Days a long-term prescription runs before it is written anew.
const RENEWAL_DAYS: i32 = 365;

impl Story<'_> {
    pub(super) fn record(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        disease: &'static Disease,
        onset: Moment,
    ) -> Known {
        let id = chart.add("Condition", |w, id| {
            condition::write(w, id, scene, &disease.codes, onset, Course::Chronic);
        });
        let known = Known { id, code: disease.codes[0] };
        self.known.push((disease.ill, known));
        if let Some(plan) = disease.plan {
            chart.add("CarePlan", |w, id| care_plan::write(w, id, scene, plan, known));
        }
        known
    }

    pub(super) fn known(&self, ill: Ill) -> Option<Known> {
        self.known.iter().find(|(known, _)| *known == ill).map(|(_, known)| *known)
    }

    /// Writes the long-term drugs of a disease that are due.
    pub(super) fn prescribe(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        disease: &'static Disease,
        reason: Option<Known>,
    ) {
        let day = scene.start.day;
        let in_force = self.person.death.is_none() && day.plus(RENEWAL_DAYS) > self.options.until;
        for &drug in disease.drugs {
            let code = drug.code.code;
            let last = self.prescribed.iter_mut().find(|(known, _)| known.code.code == code);
            match last {
                Some((_, last)) if last.plus(RENEWAL_DAYS - 30) > day => continue,
                Some((_, last)) => *last = day,
                None => self.prescribed.push((drug, day)),
            }
            chart.add("MedicationRequest", |w, id| {
                medication::write(w, id, scene, (drug, in_force), reason);
            });
        }
    }

    pub(super) fn onset(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        disease: &'static Disease,
        measures: &Measures,
    ) -> Known {
        let known = match self.known(disease.ill) {
            Some(known) => known,
            None => self.record(chart, scene, disease, scene.start),
        };
        for panel in disease.panels {
            self.panel(chart, scene, panel, measures);
        }
        if let Some(test) = disease.test {
            self.treat(chart, scene, test, Some(known));
        }
        self.prescribe(chart, scene, disease, Some(known));
        known
    }

    /// A follow-up looks at all diseases that ask for one, each laboratory panel once.
    pub(super) fn follow_up(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        leading: &'static Disease,
        measures: &Measures,
    ) -> Option<Known> {
        let mut done: Vec<&'static Panel> = Vec::new();
        for disease in &DISEASES {
            let Some(known) = self.known(disease.ill) else { continue };
            for &panel in disease.panels {
                let code = |panel: &Panel| panel.labs.first().map(|lab| lab.code.code);
                let fresh = !done.iter().any(|known| code(known) == code(panel));
                if fresh && disease.follow_up_days > 0 {
                    done.push(panel);
                    self.panel(chart, scene, panel, measures);
                }
            }
            self.prescribe(chart, scene, disease, Some(known));
        }
        self.vaccinate_against_influenza(chart, scene);
        self.known(leading.ill)
    }

    pub(super) fn acute(
        &mut self,
        chart: &mut Chart<'_>,
        scene: &Scene,
        episode: &'static Episode,
        measures: &Measures,
    ) -> Known {
        let end = scene.start.plus_minutes(episode.days * 1440);
        let last = self.person.last_day(self.options);
        let course = if end.day < last { Course::Over(end) } else { Course::Acute };
        let begun = scene.start.plus_minutes(-1440 * i32::from(episode.fever));
        let onset = if begun.day < self.person.birth { scene.start } else { begun };
        let id = chart.add("Condition", |w, id| {
            condition::write(w, id, scene, &episode.codes, onset, course);
        });
        let known = Known { id, code: episode.codes[0] };
        if episode.emergency && episode.fever {
            self.panel(chart, scene, &labs::BLOOD_COUNT, measures);
        }
        if let Some(treatment) = episode.treatment {
            self.treat(chart, scene, treatment, Some(known));
        }
        if let Some(drug) = episode.drug {
            let active = matches!(course, Course::Acute) && self.person.death.is_none();
            chart.add("MedicationRequest", |w, id| {
                medication::write(w, id, scene, (drug, active), Some(known));
            });
        }
        known
    }
}
