//! Reading a body under its limits, compressed or not: whole, or set aside as it comes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use canonical_model::{Blob, Error, Kind, Result};
use domain::limits::CONTENT_INLINE_BYTES_MAX;
use futures::{Stream, StreamExt};
use store::BlobWriter;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use tokio_util::io::StreamReader;

use crate::limits::{
    BODY_BYTES_MAX, BODY_WIRE_BYTES_MAX, CONTENT_GROWTH_FREE_BYTES, CONTENT_GROWTH_MAX,
    HEAR_BYTES_MAX, HEAR_S_MAX, PIECE_BYTES, ROOM_FREE_BYTES,
};
use crate::pace::Pace;
use crate::room::{Room, Rooms, shrink};
use crate::wire_request::unsupported;

/// How a body is compressed. <https://www.rfc-editor.org/rfc/rfc9110#section-8.4>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

impl Encoding {
    /// Reads `Content-Encoding`.
    ///
    /// # Errors
    /// UnsupportedMediaType for others.
    pub(crate) fn read(header: Option<&str>) -> Result<Self> {
        match header.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(unsupported("Content-Encoding: send gzip, zstd or none.")),
        }
    }
}

/// A Binary's own content.
#[derive(Debug)]
pub(crate) enum Content {
    Small(Bytes),
    Stored(Blob),
}

/// The whole body, decompressed, and the room it takes.
///
/// # Errors
/// TooLarge over a limit, before more than the limit sits in memory; Invalid where it breaks off or is
/// not what `Content-Encoding` says; Timeout where it comes too slowly; Unavailable where too many large ones are there already.
pub(crate) async fn whole(
    body: Body,
    encoding: Encoding,
    rooms: &Rooms,
    most: usize,
) -> Result<(Bytes, Option<Room>)> {
    let mut source = Source::new(body, BODY_WIRE_BYTES_MAX, rooms);
    let outcome = match encoding {
        Encoding::Identity => collect(&mut source, rooms, most).await,
        Encoding::Gzip | Encoding::Zstd => unpack(&mut source, encoding, rooms, most).await,
    };
    match outcome {
        Ok((bytes, room)) => {
            let room = shrink(room, bytes.len());
            Ok((bytes, room))
        }
        Err(error) => Err(source.hear_out(error).await),
    }
}

async fn collect(source: &mut Source, rooms: &Rooms, most: usize) -> Result<(Bytes, Option<Room>)> {
    let known = source.body.size_hint().exact().map(usize::try_from);
    let mut room = match known {
        Some(Ok(bytes)) if bytes <= most => rooms.take(bytes).await?,
        Some(_) => return Err(too_large(most)),
        None => None,
    };
    let Some(first) = source.piece().await? else { return Ok((Bytes::new(), room)) };
    let Some(second) = source.piece().await? else { return Ok((first, room)) };
    let mut all = BytesMut::with_capacity((first.len() + second.len()) * 2);
    all.extend_from_slice(&first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if all.len() + piece.len() > most {
            return Err(too_large(most));
        }
        if room.is_none() && all.len() + piece.len() > ROOM_FREE_BYTES {
            room = rooms.take(most).await?;
        }
        all.extend_from_slice(&piece);
        next = source.piece().await?;
    }
    Ok((all.freeze(), room))
}

/// Reads a piece beyond the limit at most: a bomb costs what its limit costs.
async fn unpack(
    source: &mut Source,
    encoding: Encoding,
    rooms: &Rooms,
    most: usize,
) -> Result<(Bytes, Option<Room>)> {
    let (mut all, mut room) = (Vec::new(), None);
    let mut reader = decoded(source, encoding);
    while read_piece(&mut reader, &mut all).await? > 0 {
        if all.len() > most {
            return Err(too_large(most));
        }
        if room.is_none() && all.len() > ROOM_FREE_BYTES {
            room = rooms.take(most).await?;
        }
    }
    Ok((all.into(), room))
}

/// A Binary's own content: what is small stays in memory, the rest is written as it comes. `begin` is
/// asked for a writer then, and may refuse.
///
/// # Errors
/// As [`whole`]; what `begin` and the writer run into.
pub(crate) async fn content(
    body: Body,
    encoding: Encoding,
    rooms: &Rooms,
    begin: impl FnOnce() -> Result<BlobWriter>,
) -> Result<Content> {
    let most = rooms.bodies.content_bytes_max;
    let mut source = Source::new(body, usize::try_from(most).unwrap_or(usize::MAX), rooms);
    let outcome = write(&mut source, encoding, rooms, begin).await;
    match outcome {
        Ok(content) => Ok(content),
        Err(error) => Err(source.hear_out(error).await),
    }
}

async fn write(
    source: &mut Source,
    encoding: Encoding,
    rooms: &Rooms,
    begin: impl FnOnce() -> Result<BlobWriter>,
) -> Result<Content> {
    let most = source.most;
    if encoding == Encoding::Identity
        && source.body.size_hint().exact().is_some_and(|size| size > most as u64)
    {
        return Err(too_large(most));
    }
    let taken = Arc::clone(&source.taken);
    let mut reader = decoded(source, encoding);
    let mut piece = Vec::new();
    while piece.len() <= CONTENT_INLINE_BYTES_MAX {
        if read_piece(&mut reader, &mut piece).await? == 0 {
            return Ok(Content::Small(piece.into()));
        }
    }
    let _place = rooms.upload().await?;
    let (mut writer, mut size) = (begin()?, 0);
    while !piece.is_empty() {
        size += piece.len();
        if size > most {
            return Err(too_large(most));
        }
        if grown(size, taken.load(Relaxed)) {
            return Err(bomb());
        }
        writer.push(&piece).await?;
        piece.clear();
        read_piece(&mut reader, &mut piece).await?;
    }
    writer.finish().await.map(Content::Stored)
}

/// Whether content that took `taken` bytes on the wire is more than disks should hold for it.
fn grown(size: usize, taken: usize) -> bool {
    size > CONTENT_GROWTH_FREE_BYTES && size / CONTENT_GROWTH_MAX > taken
}

fn bomb() -> Error {
    let text = format!(
        "The content is over {CONTENT_GROWTH_MAX} times as large as what was sent; send it without \
         Content-Encoding."
    );
    Error::new(Kind::TooLarge, text)
}

type Reader<'a> = Box<dyn AsyncRead + Send + Unpin + 'a>;

fn decoded(source: &mut Source, encoding: Encoding) -> Reader<'_> {
    let raw = StreamReader::new(source);
    match encoding {
        Encoding::Identity => Box::new(raw),
        // Several members are one content; what is behind the last must be one too.
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(raw);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Encoding::Zstd => {
            let mut decoder = ZstdDecoder::new(raw);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
    }
}

/// Appends up to [`PIECE_BYTES`]; none at the end.
async fn read_piece(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<usize> {
    reader.take(PIECE_BYTES).read_to_end(out).await.map_err(|fault| {
        fault.downcast::<Error>().unwrap_or_else(|fault| {
            Error::invalid("The body is not what Content-Encoding says.").caused_by(fault)
        })
    })
}

/// A body as it comes, up to a limit.
struct Source {
    body: Body,
    taken: Arc<AtomicUsize>,
    most: usize,
    pace: Pace,
}

impl Source {
    fn new(body: Body, most: usize, rooms: &Rooms) -> Self {
        Self { body, taken: Arc::default(), most, pace: Pace::new(rooms.bodies.grace) }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let piece = self.next().await.transpose();
        piece.map_err(|fault| fault.downcast::<Error>().unwrap_or_else(Error::internal))
    }

    /// Lets a client that is refused send on for a while: else it may find its connection broken
    /// before it has read why.
    async fn hear_out(&mut self, error: Error) -> Error {
        if matches!(error.kind, Kind::TooLarge | Kind::Unavailable | Kind::Forbidden) {
            self.most = self.taken.load(Relaxed).saturating_add(HEAR_BYTES_MAX);
            let rest = async { while matches!(self.next().await, Some(Ok(_))) {} };
            drop(timeout(Duration::from_secs(HEAR_S_MAX), rest).await);
        }
        error
    }
}

impl Stream for Source {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let this = &mut *self;
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
                let late = ready!(this.pace.poll_late(context, this.taken.load(Relaxed)));
                return Poll::Ready(Some(Err(std::io::Error::other(late))));
            };
            this.pace.came();
            let frame = match frame {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => frame,
                Some(Err(fault)) => {
                    let error = Error::invalid("The body broke off.").caused_by(fault);
                    return Poll::Ready(Some(Err(std::io::Error::other(error))));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            let taken = self.taken.fetch_add(data.len(), Relaxed).saturating_add(data.len());
            let most = self.most;
            return Poll::Ready(Some(match taken > most {
                true => Err(std::io::Error::other(too_large(most))),
                false => Ok(data),
            }));
        }
    }
}

fn too_large(most: usize) -> Error {
    let text = format!("The body is larger than {}, the most there may be.", size(most));
    let advice = if most == BODY_BYTES_MAX {
        " Split it; the content of a Binary may be larger, sent as itself."
    } else {
        ""
    };
    Error::new(Kind::TooLarge, text + advice)
}

fn size(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    if bytes.is_multiple_of(MIB) {
        format!("{} MiB", bytes / MIB)
    } else {
        format!("{bytes} bytes")
    }
}
