//! Sealed content of Binaries: nowhere in the clear, small or large, and each chunk in its place alone.

use anyhow::Result;
use it::Fixture;
use sqlx::PgConnection;

use crate::blobs::{CHUNK, put, raw};
use crate::seal::{key, seal};

/// Bytes that begin alike at each third place, so that their base64 does too.
fn content(size: usize) -> Vec<u8> {
    b"CANARY-NOTE.".iter().copied().cycle().take(size).collect()
}

/// Rows in which the content is to be read, in whatever form.
async fn told(owner: &mut PgConnection) -> Result<i64> {
    let query = sqlx::query_scalar(
        "select (select count(*) from blob_chunk where position($1 in bytes) > 0)
            + (select count(*) from resource where content::text like '%' || $2 || '%')
            + (select count(*) from history where position(convert_to($2, 'UTF8') in wire) > 0)",
    );
    let base64 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "CANARY-NOTE.");
    Ok(query.bind(&b"CANARY-NOTE."[..]).bind(base64).fetch_one(owner).await?)
}

#[tokio::test]
async fn content_that_is_sealed_is_read_by_its_reader_alone() -> Result<()> {
    for (paths, sealed) in [(&["Binary.data"][..], true), (&["Patient.birthDate"], false)] {
        let server =
            Fixture::start_with(|settings| settings.seal = seal(paths, Some(key(3)))).await?;
        let client = &server.client;
        for size in [12, 120_000, CHUNK, 2 * CHUNK + 24] {
            let path = format!("/Binary/of-{size}");
            let bytes = content(size);
            assert_eq!(put(client, &path, bytes.clone()).await?.status, 201);
            assert!(raw(client, &path).await? == bytes, "{path} comes out as it went in");
            let again = put(client, &path, bytes.clone()).await?;
            assert_eq!((again.status, again.version()), (200, 1), "{path} is the same: no version");
        }
        let mut owner = server.database.connect().await?;
        let found = told(&mut owner).await?;
        assert_eq!(found > 0, !sealed, "{paths:?}: {found}");

        // Two chunks of one blob change places.
        sqlx::query(
            "update blob_chunk c set bytes = o.bytes from blob_chunk o
            where o.blob = c.blob and c.seq + o.seq = 1
                and (select count(*) from blob_chunk n where n.blob = c.blob) = 3",
        )
        .execute(&mut owner)
        .await?;
        let path = format!("/Binary/of-{}", 2 * CHUNK + 24);
        let swapped = raw(client, &path).await;
        assert_eq!(swapped.is_err(), sealed, "what was moved is not given out as if it were whole");
    }
    Ok(())
}
