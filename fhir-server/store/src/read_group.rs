//! Current versions, each with the record of its access: many in one round trip and one flush. Only reads
//! whose access demands no owner: the others carry their own filter.

use std::sync::Arc;

use canonical_model::{Error, Kind, ResourceId, ResourceType, Result};
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgBindIterExt;

use crate::RequestContext;
use crate::change::Method;
use crate::error::StoreError;
use crate::gather::{Answers, Gathered};
use crate::ground::Ground;
use crate::limits::READ_GROUP_BYTES_MAX;
use crate::read::Reading;
use crate::rows::stored;
use crate::sealer::Sealer;
use crate::sessions::Sessions;
use crate::statement::{Part, Parts, Template, statement};

/// Which version is wanted, and by whom.
pub(crate) struct Wanted {
    pub(crate) kind: ResourceType,
    pub(crate) id: ResourceId,
    pub(crate) identity: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) context: RequestContext,
}

#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) sessions: Sessions,
    pub(crate) ground: Ground,
    pub(crate) sealer: Arc<Sealer>,
}

impl Gathered for Reader {
    type Asked = Wanted;
    /// A version that is large comes without its text.
    type Answer = Option<Reading>;

    async fn fetch(&self, group: &[Wanted]) -> Result<Answers<Self>> {
        let outcome = self.ground.reserve.watch(self.read(group).await).await;
        match outcome {
            // The reserve has been given back since.
            Err(error) if error.kind == Kind::StorageFull => self.read(group).await,
            outcome => outcome,
        }
    }
}

impl Reader {
    async fn read(&self, group: &[Wanted]) -> Result<Answers<Self>> {
        let contexts = || group.iter().map(|wanted| &wanted.context);
        let parts = Parts::default()
            .with(Part::Record, self.ground.has_record())
            .with(Part::Kept, self.ground.keeps_record());
        let query = sqlx::query(statement(Template::Read, parts))
            .bind(group.iter().map(|wanted| wanted.identity).bind_iter())
            .bind(group.iter().map(|wanted| wanted.id.as_str()).bind_iter())
            .bind(group.iter().map(|wanted| wanted.at).bind_iter())
            .bind(contexts().map(|context| &*context.request_id).bind_iter())
            .bind(contexts().map(RequestContext::client).bind_iter())
            .bind(contexts().map(RequestContext::subject).bind_iter())
            .bind(contexts().map(RequestContext::token_id).bind_iter())
            .bind(READ_GROUP_BYTES_MAX)
            .bind(contexts().map(|context| context.interaction as i16).bind_iter())
            .bind(contexts().map(RequestContext::person).bind_iter())
            .bind(contexts().map(RequestContext::inet).bind_iter())
            .bind(contexts().map(RequestContext::purpose).bind_iter());
        let rows = self.sessions.fetch_all(query).await?;
        let mut answers: Answers<Self> = group.iter().map(|_| Ok(None)).collect();
        for row in &rows {
            let ord: i64 = row.try_get("ord").map_err(StoreError)?;
            let at = usize::try_from(ord - 1).map_err(Error::internal)?;
            if let (Some(wanted), Some(answer)) = (group.get(at), answers.get_mut(at)) {
                let stored = stored(row, &self.sealer, wanted.kind, wanted.id.to_string());
                *answer = stored.map(|stored| {
                    let recorded = stored.method != Method::Delete;
                    Some(Reading { stored, recorded })
                });
            }
        }
        Ok(answers)
    }
}
