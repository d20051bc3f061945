//! EHR launches: what a user of ours had open when an app was started from it. Good for five minutes, once, in the
//! session that made it.

use canonical_model::Result;
use sqlx::Row;

use super::AuthStore;
use crate::error::StoreError;
use crate::limits::LAUNCH_S_MAX;

/// A launch to be.
#[derive(Clone, Copy, Debug)]
pub struct NewLaunch<'a> {
    /// SHA-256 of what the app is given.
    pub digest: &'a [u8; 32],
    /// The session of who starts the app.
    pub session: i64,
    /// The app.
    pub client: &'a str,
    /// The patient who is open.
    pub patient: Option<&'a str>,
    /// The encounter that is open.
    pub encounter: Option<&'a str>,
    /// The rest of the context: an object.
    pub context: &'a serde_json::Value,
    /// Why it is one in an emergency, sealed.
    pub emergency: Option<&'a str>,
}

/// What was open.
#[derive(Clone, Debug)]
pub struct Launched {
    /// The patient.
    pub patient: Option<String>,
    /// The encounter.
    pub encounter: Option<String>,
    /// The rest.
    pub context: serde_json::Value,
}

/// What of the context says why a launch is one in an emergency.
const EMERGENCY: &str = "emergency";

impl Launched {
    /// Why it is one in an emergency, sealed; `None` for any other. No app is told.
    pub fn take_emergency(&mut self) -> Option<String> {
        let reason = self.context.as_object_mut()?.remove(EMERGENCY)?;
        reason.as_str().map(str::to_owned)
    }
}

impl AuthStore {
    /// Keeps a launch; whether the session goes on.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn add_launch(&self, new: &NewLaunch<'_>) -> Result<bool> {
        let query = sqlx::query(
            "insert into launch (digest, session, client, patient, encounter, context, ends_at)
            select $1, session, $3, $4, $5,
                case when $8::text is null then $6 else $6::jsonb || jsonb_build_object($9::text, $8::text) end,
                now() + interval '1 s' * $7
            from session where session = $2 and ends_at > now()",
        )
        .bind(new.digest.as_slice())
        .bind(new.session)
        .bind(new.client)
        .bind(new.patient)
        .bind(new.encounter)
        .bind(new.context)
        .bind(LAUNCH_S_MAX)
        .bind(new.emergency)
        .bind(EMERGENCY);
        Ok(self.sessions.execute(query).await? > 0)
    }

    /// The launch of an app in a session, while it is good; `used` uses it up.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub async fn launch(
        &self,
        digest: &[u8; 32],
        session: i64,
        client: &str,
        used: bool,
    ) -> Result<Option<Launched>> {
        let query = sqlx::query(
            "update launch set used_at = case when $4 then now() end
            where digest = $1 and session = $2 and client = $3 and used_at is null and ends_at > now()
            returning patient, encounter, context",
        )
        .bind(digest.as_slice())
        .bind(session)
        .bind(client)
        .bind(used);
        let Some(row) = self.sessions.fetch_optional(query).await? else { return Ok(None) };
        let read = || {
            Ok(Launched {
                patient: row.try_get("patient")?,
                encounter: row.try_get("encounter")?,
                context: row.try_get("context")?,
            })
        };
        read().map(Some).map_err(|fault: sqlx::Error| StoreError(fault).into())
    }
}
