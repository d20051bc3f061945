//! Whether anything goes on in a connection that carries many requests at once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// What goes on. Clones speak of the same connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    begun: AtomicUsize,
}

/// A request until the last byte of its answer.
#[derive(Debug)]
pub(super) struct Open(Activity);

impl Activity {
    /// A request begins.
    pub(super) fn begin(&self) -> Open {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }

    /// How many have begun so far, where none is open.
    pub(super) fn idle_at(&self) -> Option<usize> {
        let begun = self.0.begun.load(Ordering::Relaxed);
        (self.0.open.load(Ordering::Relaxed) == 0).then_some(begun)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body, which keeps its request open.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) body: axum::body::Body,
    pub(super) _open: Open,
}

impl Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_between_requests() {
        let activity = Activity::default();
        assert_eq!(activity.idle_at(), Some(0));
        let (first, second) = (activity.begin(), activity.begin());
        drop(first);
        assert_eq!(activity.idle_at(), None);
        let answering = Answering { body: axum::body::Body::from("x"), _open: second };
        assert_eq!(activity.idle_at(), None);
        drop(answering);
        assert_eq!(activity.idle_at(), Some(2));
    }
}
