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
    /// Requests that are worked on.
    open: AtomicUsize,
    /// Goes up whenever a request begins or ends, and an answer's body is asked for more.
    moves: AtomicUsize,
}

/// A request until its answer begins.
#[derive(Debug)]
pub(super) struct Open(Activity);

impl Activity {
    /// A request begins.
    pub(super) fn begin(&self) -> Open {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        self.moved();
        Open(self.clone())
    }

    /// How often something has moved so far, where nothing is worked on: twice the same is a connection that only
    /// holds its place, be it that nothing is asked or that nobody reads the answers.
    pub(super) fn idle_at(&self) -> Option<usize> {
        let moves = self.0.moves.load(Ordering::Relaxed);
        (self.0.open.load(Ordering::Relaxed) == 0).then_some(moves)
    }

    fn moved(&self) {
        self.0.moves.fetch_add(1, Ordering::Relaxed);
    }
}

impl Open {
    /// Its answer begins.
    pub(super) fn answering(self, body: axum::body::Body) -> Answering {
        Answering { body, activity: self.0.clone() }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.moved();
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body, which tells when it is asked for more.
#[derive(Debug)]
pub(super) struct Answering {
    body: axum::body::Body,
    activity: Activity,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.activity.moved();
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.activity.moved();
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
    fn a_connection_is_idle_where_nothing_moves() {
        let activity = Activity::default();
        assert_eq!(activity.idle_at(), Some(0));
        let (first, second) = (activity.begin(), activity.begin());
        drop(first);
        assert_eq!(activity.idle_at(), None, "one is worked on");
        let mut answering = second.answering(axum::body::Body::from("x"));
        let unread = activity.idle_at();
        assert!(unread.is_some() && unread == activity.idle_at(), "nobody reads it");
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut answering).poll_frame(&mut cx).is_ready());
        let read = activity.idle_at();
        assert_ne!(read, unread);
        drop(answering);
        assert_ne!(activity.idle_at(), read);
    }
}
