//! gzip (RFC 1952) and zstd (RFC 8878), of several members and frames.

use std::io::{self, BufRead, Read};

use flate2::bufread::{GzDecoder, MultiGzDecoder};
use ruzstd::decoding::FrameDecoder;
use ruzstd::decoding::StreamingDecoder;

/// The largest window of zstd, in bytes: what a level below 20 uses, and four times that.
const WINDOW: u64 = 32 << 20;

/// Whether what begins like gzip can be unpacked at all.
pub(super) fn is_gzip(head: &[u8]) -> bool {
    let mut first = GzDecoder::new(head).take(1);
    match io::copy(&mut first, &mut io::sink()) {
        Ok(_) => true,
        // Cut off, or more than has been read.
        Err(error) => error.kind() == io::ErrorKind::UnexpectedEof,
    }
}

pub(super) fn gzip(source: impl BufRead) -> impl Read {
    MultiGzDecoder::new(source)
}

pub(super) fn zstd<R: BufRead>(source: R) -> impl Read {
    Zstd { state: State::Between(source) }
}

struct Zstd<R: BufRead> {
    state: State<R>,
}

enum State<R: BufRead> {
    /// Before a frame, or at the end.
    Between(R),
    Within(Box<StreamingDecoder<R, FrameDecoder>>),
    Over,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(0),
                State::Between(mut source) => {
                    if source.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let frame = StreamingDecoder::new_with_max_window_size(source, WINDOW)
                        .map_err(|error| io::Error::other(format!("zstd: {error}")))?;
                    self.state = State::Within(Box::new(frame));
                }
                State::Within(mut frame) => match frame.read(buffer)? {
                    0 => self.state = State::Between(frame.into_inner()),
                    count => {
                        self.state = State::Within(frame);
                        return Ok(count);
                    }
                },
            }
        }
    }
}
