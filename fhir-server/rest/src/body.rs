//! Reading a body under its limits, compressed or not.

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use canonical_model::{Error, Kind, Result};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, BufReader};

use crate::limits::{BODY_BYTES_MAX, BODY_WIRE_BYTES_MAX};
use crate::wire_request::unsupported;

/// The whole body, decompressed.
///
/// # Errors
/// TooLarge over a limit, before more than the limit sits in memory; Invalid where it breaks off
/// or is not what `Content-Encoding` says; UnsupportedMediaType for other encodings.
pub(crate) async fn read(body: Body, encoding: Option<&str>) -> Result<Bytes> {
    let raw = collect(body).await?;
    match encoding.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(raw),
        "gzip" | "x-gzip" => unpack(GzipDecoder::new(BufReader::new(raw.as_ref()))).await,
        "zstd" => unpack(ZstdDecoder::new(BufReader::new(raw.as_ref()))).await,
        _ => Err(unsupported("Content-Encoding: send gzip, zstd or none.")),
    }
    .and_then(|bytes| if bytes.len() > BODY_BYTES_MAX { Err(too_large()) } else { Ok(bytes) })
}

async fn collect(mut body: Body) -> Result<Bytes> {
    let first = next(&mut body).await?.unwrap_or_default();
    let Some(second) = next(&mut body).await? else { return Ok(first) };
    let mut all = BytesMut::with_capacity((first.len() + second.len()) * 2);
    all.extend_from_slice(&first);
    all.extend_from_slice(&second);
    while let Some(more) = next(&mut body).await? {
        if all.len() + more.len() > BODY_WIRE_BYTES_MAX {
            return Err(too_large());
        }
        all.extend_from_slice(&more);
    }
    Ok(all.freeze())
}

async fn next(body: &mut Body) -> Result<Option<Bytes>> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(fault)) => {
                return Err(Error::invalid("The body broke off.").caused_by(fault));
            }
        }
    }
}

/// Reads one byte beyond the limit at most: a bomb costs what its limit costs.
async fn unpack(decoder: impl tokio::io::AsyncRead + Unpin) -> Result<Bytes> {
    let limit = u64::try_from(BODY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    decoder.take(limit).read_to_end(&mut out).await.map_err(|fault| {
        Error::invalid("The body is not what Content-Encoding says.").caused_by(fault)
    })?;
    Ok(out.into())
}

fn too_large() -> Error {
    Error::new(Kind::TooLarge, "The body is larger than 16 MiB. Split it.")
}
