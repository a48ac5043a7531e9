//! A secret in an answer: everything but the last byte is sent while the key is pending; then it is made live, and the last byte
//! follows.
//!
//! A client cannot read the answer before its end, so it cannot use the key before it is live; and a key whose answer breaks
//! off is void. What a proxy has taken and then lost is nobody's to know: for that there are `Idempotency-Key` and `hold`.
//!
//! This module never decides that a delivery has worked or has not: `ops::hand_over` does, by what it reports.

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::call::{Outcome, Turn};
use crate::domain::secret::Secret;
use crate::domain::{Key, KeyId, State, Timestamp};
use crate::error::{Error, Kind, Result};
use crate::ops::hand_over::{self, Delivered};
use crate::ops::{mint, rotate};
use crate::output::json;
use crate::output::view::{KeyView, Minted};
use crate::serve::answer::Answer;
use crate::serve::body::{Content, Held};

/// How long the system may take to take an answer over. A client that does not read it has its connection closed by then.
const TAKEN: Duration = Duration::from_secs(15);
/// How long the peer may take to acknowledge it.
const ACKNOWLEDGED: Duration = Duration::from_secs(1);

/// Delivers a key that was minted.
pub fn minted(
    turn: &mut Turn<'_>,
    mut minted: mint::Outcome,
    hold: bool,
    status: u16,
    view: impl FnOnce(&Key, &str, Timestamp) -> Zeroizing<Vec<u8>>,
) -> Outcome {
    let key = minted.keys.pop().expect("one key is minted for a count of one");
    deliver(turn, &key, minted.secrets, hold, status, |secret, now| {
        let mut shown = key.clone();
        if !hold {
            shown.state = State::Active;
        }
        view(&shown, secret.expose(), now)
    })
}

/// Delivers the replacement of a key.
pub fn rotated(turn: &mut Turn<'_>, rotated: rotate::Outcome, hold: bool) -> Outcome {
    let rotate::Outcome { key, secret, old, ending, rest } = rotated;
    deliver(turn, &key, vec![secret], hold, 201, |secret, now| {
        let (mut shown, mut replaced) = (key.clone(), old.clone());
        if !hold {
            shown.state = State::Active;
            shown.supersede(&mut replaced, now);
        }
        let ended: &[KeyId] = if hold { &[] } else { &ending };
        json::to_bytes(&Minted {
            key: Some(secret.expose()),
            replaced: Some(KeyView::new(&replaced, now)),
            also_changed: ended,
            still_valid: &rest.ids,
            ..Minted::new(&shown, now)
        })
    })
}

fn deliver(
    turn: &mut Turn<'_>,
    key: &Key,
    secrets: Vec<Secret>,
    hold: bool,
    status: u16,
    view: impl FnOnce(&Secret, Timestamp) -> Zeroizing<Vec<u8>>,
) -> Outcome {
    let clock = turn.settings.clock;
    let ends = turn.call.ends;
    let Turn { store, actor, answer, .. } = turn;
    let keys = std::slice::from_ref(key);
    let request = hand_over::Request { keys, secrets, hold };
    let send = |secrets: &[Secret]| {
        let secret = secrets.first().expect("the secret that was given");
        let now = clock();
        let wire = Wire::begin(answer.take(), view(secret, now), status, ends)?;
        wire.await_taken()?;
        Ok(Delivered {
            live_at: Some(now),
            take_back: None,
            finish: Some(Box::new(|| wire.finish())),
        })
    };
    hand_over::run(store, actor, request, clock, send)?;
    Ok(None)
}

/// An answer on its way.
struct Wire {
    taken: Receiver<()>,
    live: oneshot::Sender<()>,
    ends: Option<(SocketAddr, SocketAddr)>,
}

impl Wire {
    /// Sends the answer but for its last byte.
    fn begin(
        answer: Option<oneshot::Sender<Answer>>,
        text: Zeroizing<Vec<u8>>,
        status: u16,
        ends: Option<(SocketAddr, SocketAddr)>,
    ) -> Result<Self> {
        let (flushed, taken) = channel();
        let (live, becomes_live) = oneshot::channel();
        // SECURITY: it is wiped once the connection has taken it.
        let mut front = Bytes::from_owner(text);
        let last = front.split_off(front.len().saturating_sub(1));
        let held = Held { front: Some(front), last: Some(last), flushed, live: becomes_live };
        let answer = answer.ok_or_else(undelivered)?;
        let begun = Answer::empty(status).with_json(Content::Held(held));
        answer.send(begun).map_err(|_| undelivered())?;
        Ok(Self { taken, live, ends })
    }

    /// Waits until the peer has all that was sent, as far as the system knows.
    fn await_taken(&self) -> Result<()> {
        match self.taken.recv_timeout(TAKEN) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                return Err(undelivered());
            }
        }
        let until = Instant::now() + ACKNOWLEDGED;
        let mut pause = Duration::from_micros(200);
        while self.ends.is_some_and(is_owed) {
            if Instant::now() >= until {
                return Err(undelivered());
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        Ok(())
    }

    /// Sends the last byte.
    fn finish(self) -> Result<()> {
        let Self { taken, live, .. } = self;
        live.send(()).map_err(|()| undelivered())?;
        taken.recv_timeout(TAKEN).map_err(|_| undelivered())
    }
}

fn undelivered() -> Error {
    Error::new(Kind::DeliveryFailed, "the answer did not reach the caller")
}

/// Whether the other end of a TCP connection has not acknowledged everything yet, by the system's table of connections
/// (proc(5), `/proc/net/tcp`). Where there is no such table, it has.
fn is_owed((own, peer): (SocketAddr, SocketAddr)) -> bool {
    let table = if own.is_ipv4() { "/proc/self/net/tcp" } else { "/proc/self/net/tcp6" };
    let table = std::fs::read_to_string(table).unwrap_or_default();
    owed(&table, own, peer)
}

fn owed(table: &str, own: SocketAddr, peer: SocketAddr) -> bool {
    let ends = format!("{} {} ", written(own), written(peer));
    table.lines().any(|line| {
        line.split_once(&ends).is_some_and(|(_, rest)| {
            // The state, and then what waits to be acknowledged and to be read.
            let queues = rest.split_ascii_whitespace().nth(1).unwrap_or_default();
            queues.split(':').next().is_some_and(|sent| sent.bytes().any(|digit| digit != b'0'))
        })
    })
}

/// An address as the table has it: each group of four bytes as one number of this machine.
fn written(address: SocketAddr) -> String {
    let bytes = match address {
        SocketAddr::V4(address) => address.ip().octets().to_vec(),
        SocketAddr::V6(address) => address.ip().octets().to_vec(),
    };
    let groups = bytes.chunks_exact(4).map(|group| {
        let group = group.try_into().expect("chunks of four");
        format!("{:08X}", u32::from_ne_bytes(group))
    });
    format!("{}:{:04X}", groups.collect::<String>(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_acknowledged_is_read_off_the_table() {
        let own: SocketAddr = "127.0.0.1:7701".parse().expect("an address");
        let peer: SocketAddr = "127.0.0.1:40000".parse().expect("an address");
        let line = |queue: &str| {
            format!(
                "  sl  local_address rem_address   st tx_queue rx_queue\n   0: {} {} 01 {queue}:00000000 00:0",
                written(own),
                written(peer)
            )
        };
        assert!(owed(&line("0000001F"), own, peer));
        assert!(!owed(&line("00000000"), own, peer));
        assert!(!owed(&line("0000001F"), peer, own));
        assert!(!owed("", own, peer));
    }

    #[test]
    fn a_real_connection_that_nobody_reads_owes_something() {
        use std::io::Write;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let place = listener.local_addr().expect("an address");
        let client = std::net::TcpStream::connect(place).expect("it listens");
        let (mut server, peer) = listener.accept().expect("a connection");
        let own = server.local_addr().expect("an address");
        assert!(!is_owed((own, peer)));
        server.set_nonblocking(true).expect("possible");
        while server.write(&[0; 65536]).is_ok() {}
        assert!(is_owed((own, peer)));
        drop(client);
    }
}
