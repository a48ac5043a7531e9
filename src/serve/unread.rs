//! The body of a request as far as it was not read.
//!
//! This module never reads more than it was asked for.

use hyper::body::{Body, Bytes, Incoming};
use zeroize::Zeroizing;

use super::connection::{Connection, Phase};
use super::dialect::Refusal;

/// The longest body, in bytes, and the longest of an array of requests.
pub const LONGEST_BODY: usize = 64 * 1024;
pub const LONGEST_ARRAY: usize = 1024 * 1024;

/// The body of a request as far as it was not read.
pub struct Unread<'a> {
    incoming: Incoming,
    connection: &'a Connection,
}

impl<'a> Unread<'a> {
    pub fn new(incoming: Incoming, connection: &'a Connection) -> Self {
        Self { incoming, connection }
    }

    /// Whether there is nothing left of it.
    pub fn is_read(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// Reads all of it, unless that is more than this.
    pub async fn read(&mut self, longest: usize) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let too_large = || Refusal::plain("bad_request", 413);
        if self.incoming.size_hint().lower() > longest as u64 {
            return Err(too_large());
        }
        self.connection.enter(Phase::Body);
        // SECURITY: room for everything at once, so that growing leaves no copy behind.
        let room = self.incoming.size_hint().upper().map_or(longest, |upper| upper as usize);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room.min(longest)));
        while let Some(piece) = self.piece().await {
            let piece = piece.map_err(|_| Refusal::plain("bad_request", 400))?;
            if bytes.len() + piece.len() > longest {
                return Err(too_large());
            }
            bytes.extend_from_slice(&piece);
        }
        self.connection.enter(Phase::Answer);
        Ok(bytes)
    }

    async fn piece(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        loop {
            let incoming = &mut self.incoming;
            let frame = std::future::poll_fn(|context| {
                std::pin::Pin::new(&mut *incoming).poll_frame(context)
            });
            match frame.await? {
                Err(error) => return Some(Err(error)),
                // Trailers say nothing here.
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Some(Ok(bytes));
                    }
                }
            }
        }
    }
}
