//! The operating system's random generator, which every secret comes from.
//!
//! This module never reads a file. A path such as /dev/urandom can name anything, a regular file in a chroot for instance.

use std::io;

use rand::{TryCryptoRng, TryRng};

/// The generator: on Linux the system call `getrandom` without flags, which waits until the kernel's generator is seeded.
///
/// Nothing is kept between two calls. On other systems it is what the `getrandom` crate finds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

// SECURITY: an error cannot be worked around. The caller must give up.
impl TryRng for SystemRandom {
    type Error = io::Error;

    fn try_next_u32(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        fill(bytes, draw)
    }
}

impl TryCryptoRng for SystemRandom {}

/// Calls `draw` until every byte is drawn: a call may give fewer than it was asked for, or be interrupted.
fn fill(mut rest: &mut [u8], draw: impl Fn(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
    while !rest.is_empty() {
        match draw(rest) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(drawn) => rest = &mut rest[drawn..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

// SECURITY: rustix makes the call itself. The `getrandom` crate and libc look the function up by name first, which finds
// nothing in a static binary, and then read /dev/urandom.
#[cfg(target_os = "linux")]
fn draw(bytes: &mut [u8]) -> io::Result<usize> {
    let drawn = rustix::rand::getrandom(bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(drawn)
}

#[cfg(not(target_os = "linux"))]
fn draw(bytes: &mut [u8]) -> io::Result<usize> {
    rand::rngs::SysRng.try_fill_bytes(bytes).map_err(io::Error::other)?;
    Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn two_draws_differ_and_leave_no_byte_out() {
        let (mut one, mut other) = ([0; 4096], [0; 4096]);
        SystemRandom.try_fill_bytes(&mut one).expect("random");
        SystemRandom.try_fill_bytes(&mut other).expect("random");
        assert_ne!(one, other);
        // 64 zero bytes in a row come up once in 2^512 draws.
        assert!(one.chunks(64).all(|chunk| chunk != [0; 64]));
        assert_ne!(
            SystemRandom.try_next_u64().expect("random"),
            SystemRandom.try_next_u64().expect("random")
        );
    }

    #[test]
    fn a_short_or_interrupted_draw_is_taken_up_and_a_failed_one_is_not() {
        let calls = Cell::new(0);
        let reluctant = |bytes: &mut [u8]| {
            calls.set(calls.get() + 1);
            if calls.get() % 2 == 0 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let drawn = bytes.len().min(3);
            bytes[..drawn].fill(7);
            Ok(drawn)
        };
        let mut bytes = [0; 8];
        fill(&mut bytes, reluctant).expect("filled");
        assert_eq!(bytes, [7; 8]);
        assert_eq!(calls.get(), 5);

        let failing = |_: &mut [u8]| Err(io::ErrorKind::Unsupported.into());
        assert!(fill(&mut bytes, failing).is_err());
        assert!(fill(&mut bytes, |_| Ok(0)).is_err());
        fill(&mut [], failing).expect("nothing to draw");
    }
}
