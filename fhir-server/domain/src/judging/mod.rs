//! Validation with what is stored: profiles, value sets and questionnaires that a resource names are looked up first,
//! then it is judged without any I/O. What is not found is told as not checked.

mod known;
mod look_up;
mod terms;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use canonical_model::{Error, Issue, Resource, ResourceType, Result, Value};
use conformance::profile::{Profiles, Validator, answered, named};

use crate::checked::{Faults, faults};
use crate::limits::{PROFILES_READ_MAX, QUESTIONNAIRES_READ_MAX, WRITE_STEPS_MAX};
use crate::{Domain, Request};
pub(crate) use known::Known;
use known::Learnt;
use look_up::{any, profile, stored};
use terms::Codes;

/// Everything that the resources of one request are judged by.
#[derive(Debug, Default)]
pub(crate) struct Judging {
    profiles: Profiles,
    learnt: Vec<Arc<Learnt>>,
    questionnaires: Vec<Value>,
    /// The URLs of profiles that were looked up, found or not.
    seen: HashSet<String>,
    /// Those of questionnaires.
    answered: HashSet<String>,
    /// The profiles that the request names.
    asked: Vec<String>,
}

impl Judging {
    /// Looks up what a resource names, and what that names in turn.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub(crate) async fn of(domain: &Domain, resource: &Resource, asked: &[String]) -> Result<Self> {
        let mut judging = Self { asked: asked.to_vec(), ..Self::default() };
        judging.look_up(domain, resource).await?;
        Ok(judging)
    }

    /// What a resource is judged by that is about to be written; nothing where nobody looks.
    ///
    /// # Errors
    /// As [`Judging::of`].
    pub(crate) async fn of_write(
        domain: &Domain,
        request: &Request,
        resource: &Resource,
    ) -> Result<Self> {
        let mut judging = Self::default();
        judging.learn(domain, request, resource).await?;
        Ok(judging)
    }

    /// Adds what another resource is judged by that the request writes.
    ///
    /// # Errors
    /// As [`Judging::of`].
    pub(crate) async fn learn(
        &mut self,
        domain: &Domain,
        request: &Request,
        resource: &Resource,
    ) -> Result<()> {
        match faults(domain, request, resource.kind()) {
            Faults::Ignore => Ok(()),
            Faults::Reject | Faults::Quarantine | Faults::Warn => {
                self.look_up(domain, resource).await
            }
        }
    }

    async fn look_up(&mut self, domain: &Domain, resource: &Resource) -> Result<()> {
        let asked = self.asked.iter().map(String::as_str);
        let mut queue: VecDeque<String> = asked.filter_map(foreign).collect();
        // Nearly all name what R4 itself has.
        queue.extend(named(resource.body()).into_iter().filter_map(foreign));
        queue.retain(|url| !self.seen.contains(url));
        // One that many resources name was looked up a moment ago.
        let (now, known) = (domain.now(), &domain.shared.profiles);
        let is_new = queue.iter().any(|url| known.lately(url, now).is_none());
        if is_new && !any(domain).await? {
            queue.clear();
        }
        while let Some(url) = queue.pop_front() {
            if self.seen.len() >= PROFILES_READ_MAX || !self.seen.insert(url.clone()) {
                continue;
            }
            if let Some(learnt) = profile(domain, &url).await? {
                queue.extend(learnt.profile.names().filter_map(foreign));
                self.profiles.add(Arc::clone(&learnt.profile));
                self.learnt.push(learnt);
            }
        }
        for name in answered(resource.body()) {
            let url = name.split('|').next().unwrap_or_default();
            let is_new = !self.answered.contains(url);
            if is_new && self.answered.len() < QUESTIONNAIRES_READ_MAX {
                self.answered.insert(url.to_owned());
                let found = stored(domain, ResourceType::QUESTIONNAIRE, url).await?;
                self.questionnaires.extend(found.map(|it| it.parsed()).transpose()?);
            }
        }
        Ok(())
    }

    /// Judges, beside the threads that serve: it may take a second.
    ///
    /// # Errors
    /// Internal where it panicked.
    pub(crate) async fn judge(self, resource: Resource) -> Result<Vec<Issue>> {
        let work = move || {
            let asked: Vec<&str> = self.asked.iter().map(String::as_str).collect();
            self.validator(&Codes(&self.learnt)).judge(&resource, &asked)
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }

    /// What is wrong with a resource that is about to be written, judged on this thread.
    pub(crate) fn errors(&self, resource: &Resource) -> Vec<Issue> {
        let codes = Codes(&self.learnt);
        let validator = self.validator(&codes).only_errors().within(WRITE_STEPS_MAX);
        validator.judge(resource, &[])
    }

    fn validator<'a>(&'a self, codes: &'a Codes<'a>) -> Validator<'a> {
        let validator = Validator::new(&self.profiles, codes);
        validator.with_questionnaires(&self.questionnaires)
    }
}

/// A canonical URL without its version, unless it is R4's own.
fn foreign(canonical: &str) -> Option<String> {
    let url = canonical.split('|').next().unwrap_or_default();
    (!url.is_empty() && !Profiles::has_built_in(url)).then(|| url.to_owned())
}
