//! What an answer carries.
//!
//! This module never sends the end of a secret's answer before it is released.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};

use super::connection::Connection;

/// An answer's body.
pub enum Content {
    /// All of it, or nothing.
    Whole(Option<Bytes>),
    /// As it is made. One that breaks off ends the connection.
    Pieces(mpsc::Receiver<Result<Bytes, Broken>>),
    /// All but the last byte, and that once the key is live.
    Held(Held),
}

/// A body that cannot be brought to its end.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the answer broke off")
    }
}

impl std::error::Error for Broken {}

/// A body whose last byte waits.
pub struct Held {
    pub front: Option<Bytes>,
    pub last: Option<Bytes>,
    /// Says when what was sent is with the system.
    pub flushed: Sender<()>,
    /// Says that the key is live. That it is gone says that the key is void.
    pub live: oneshot::Receiver<()>,
}

/// A body on its connection, which learns when it is over.
pub struct Body {
    content: Content,
    connection: Rc<Connection>,
}

impl Body {
    pub fn new(content: Content, connection: Rc<Connection>) -> Self {
        Self { content, connection }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.connection.answered();
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Self { content, connection } = self.get_mut();
        match content {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Pieces(pieces) => {
                pieces.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
            Content::Held(held) => held.poll(context, connection),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_none(),
            Content::Pieces(_) => false,
            Content::Held(held) => held.last.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(length(bytes)),
            Content::Pieces(_) => SizeHint::default(),
            Content::Held(held) => SizeHint::with_exact(length(&held.front) + length(&held.last)),
        }
    }
}

impl Held {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        connection: &Connection,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(front) = self.front.take() {
            connection.when_flushed(self.flushed.clone());
            return Poll::Ready(Some(Ok(Frame::data(front))));
        }
        match Pin::new(&mut self.live).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(_)) => Poll::Ready(Some(Err(Broken))),
            Poll::Ready(Ok(())) => {
                connection.when_flushed(self.flushed.clone());
                Poll::Ready(self.last.take().map(|last| Ok(Frame::data(last))))
            }
        }
    }
}
