//! How often callers from one address may be refused: whoever guesses, or has a key that does not work any more and never
//! stops, keeps the desks from nobody.
//!
//! This module never refuses a caller whose address is not known: on a Unix socket that is the operator.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use crate::domain::Timestamp;
use crate::domain::rate::{Rate, Unit};

/// So many refusals each address may have.
const RATE: Rate = Rate { count: 20, per: Unit::Minute };
/// How many addresses are remembered: those beyond cost the one whose time is over soonest.
const MOST: usize = 4096;

/// The addresses whose callers were refused, and when the rate is whole again for each.
#[derive(Default)]
pub struct Refused {
    whole_at: Mutex<BTreeMap<IpAddr, i64>>,
}

impl Refused {
    /// For how many seconds nobody from this address is listened to.
    pub fn wait(&self, address: IpAddr, now: Timestamp) -> Option<u64> {
        let whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_at = whole_at.get(&host(address)).copied();
        let millis = RATE.request(whole_at, now).err()?;
        Some(millis.unsigned_abs().div_ceil(1000))
    }

    pub fn note(&self, address: IpAddr, now: Timestamp) {
        let mut all = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let address = host(address);
        // Those that came at the same moment as the last one are refused in any case.
        if let Ok(taken) = RATE.request(all.get(&address).copied(), now) {
            let soonest = all.iter().min_by_key(|(_, whole_at)| **whole_at);
            if all.len() >= MOST
                && let Some((&soonest, _)) = soonest
            {
                all.remove(&soonest);
            }
            all.insert(address, taken.whole_at);
        }
    }
}

/// The address of a host: whoever has one of version 6 has all of its network's (RFC 6177).
fn host(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_refusals_are_listened_to_and_then_one_every_three_seconds() {
        let (refused, now) = (Refused::default(), Timestamp::from_millis(1_800_000_000_000));
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        for _ in 0..20 {
            assert_eq!(refused.wait(address("2001:db8::1"), now), None);
            refused.note(address("2001:db8::1"), now);
        }
        assert_eq!(refused.wait(address("2001:db8::ffff"), now), Some(3), "the same network");
        assert_eq!(refused.wait(address("2001:db8:0:1::1"), now), None, "another");
        refused.note(address("2001:db8::1"), now);
        assert_eq!(refused.wait(address("2001:db8::1"), now.plus_millis(3000)), None);
    }

    #[test]
    fn the_number_of_addresses_has_an_end() {
        let (refused, now) = (Refused::default(), Timestamp::from_millis(1_800_000_000_000));
        for number in 0..MOST as u32 + 10 {
            refused.note(IpAddr::from(number.to_be_bytes()), now.plus_millis(number.into()));
        }
        let all = refused.whole_at.into_inner().expect("no panic");
        assert_eq!(all.len(), MOST);
        assert!(!all.contains_key(&IpAddr::from([0, 0, 0, 0])));
    }
}
