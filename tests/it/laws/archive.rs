//! `search`: whatever a scan unpacks, it ends, keeps to its limits, and tells of a token that somebody packed at its place.
//!
//! An input's first byte chooses how many archives are around the text, the next three which; then come two for where a token is
//! put, two for where the archive is damaged, and one for how: not at all where it is zero. The rest is the text.

use std::ops::Range;
use std::sync::OnceLock;

use keyward::Result;
use keyward::domain::known_format::KnownFormat;
use keyward::domain::preset;
use keyward::domain::scan::{Candidate, Coverage, Foreign, Hunter, Location, Place, Sink};
use keyward::domain::token::TokenFormat;
use keyward::search::{Limits, Search};

use super::reference;
use super::repeatable::Repeatable;

/// How many of its first bytes say what to do with the rest.
const ORDERS: usize = 9;
/// What the archives in one text may come to.
const LIMIT: u64 = 1 << 20;
/// The name of every member.
const MEMBER: &[u8] = b"m";

/// Holds the unpacking to its laws.
pub fn hold(data: &[u8]) {
    let (orders, text) = data.split_at(data.len().min(ORDERS));
    let mut padded = [0; ORDERS];
    padded[..orders.len()].copy_from_slice(orders);
    scan(text);

    let minted = format().mint("live", &mut Repeatable::from(text)).expect("random");
    let token = minted.secret.expose();
    let number = |at: Range<usize>| {
        padded[at].iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let place = number(4..6) % (text.len() + 1);
    // What comes first is no archive's beginning.
    let mut packed = [b"#", &text[..place], token.as_bytes(), &text[place..]].concat();
    // It may end with one, which may be damaged.
    let has_end = packed.windows(4).any(|four| four == b"PK\x05\x06");
    let mut inside = 0;
    for kind in &padded[1..][..usize::from(padded[0] % 4)] {
        (packed, inside) = match kind % 4 {
            0 => (gzip(&packed), inside),
            1 => (zstd(&packed), inside),
            2 => (tar(&packed), inside + 1),
            // Some have a program in front that unpacks them.
            _ if *kind > 127 => ([&b"#!\n"[..], &zip(&packed)].concat(), inside + 1),
            _ => (zip(&packed), inside + 1),
        };
    }
    let whole = scan(&packed);
    assert!(whole.coverage.is_complete() || has_end, "{:?}", whole.coverage.incomplete);
    let expected = (vec![MEMBER.to_vec(); inside], place as u64 + 1, token.to_owned());
    assert!(whole.found.contains(&expected), "a packed token is not found at its place");
    let at = number(6..8) % packed.len();
    packed[at] ^= padded[8];
    scan(&packed);
    packed.truncate(at);
    scan(&packed);
}

/// What a scan has said.
#[derive(Default)]
struct Told {
    secrets: Vec<String>,
    found: Vec<(Vec<Vec<u8>>, u64, String)>,
    coverage: Coverage,
}

impl Sink for Told {
    fn judge(&mut self, candidates: &[Candidate]) -> Result<Vec<Option<usize>>> {
        let first = self.secrets.len();
        let texts = candidates.iter().map(|candidate| candidate.secret.expose().to_owned());
        self.secrets.extend(texts);
        Ok((first..self.secrets.len()).map(Some).collect())
    }

    fn add(&mut self, finding: usize, place: Place) {
        let offset = place.spot.map_or(0, |spot| spot.offset);
        self.found.push((place.location.inside, offset, self.secrets[finding].clone()));
    }

    fn learn(&mut self, _: &mut dyn FnMut(&mut Location)) {}

    fn reached(&mut self, _: &Coverage) {}
}

fn scan(bytes: &[u8]) -> Told {
    static HUNTER: OnceLock<Hunter> = OnceLock::new();
    let hunter = HUNTER.get_or_init(|| {
        Hunter::new(&[KnownFormat::Minted(format().clone())], None, Foreign::default())
    });
    let mut told = Told::default();
    let mut search = Search::new(hunter, &mut told, Limits { bytes: LIMIT, depth: 4 });
    search.bytes(bytes, &Location::default()).expect("nothing is asked of a store");
    let coverage = std::mem::take(&mut search.coverage);
    assert!(coverage.bytes <= bytes.len() as u64 + LIMIT, "{} bytes", coverage.bytes);
    for (_, _, token) in &told.found {
        assert!(reference::recognises(format(), token.as_bytes()), "{token} is no token");
    }
    Told { coverage, ..told }
}

fn format() -> &'static TokenFormat {
    static FORMAT: OnceLock<TokenFormat> = OnceLock::new();
    FORMAT.get_or_init(|| {
        let policy = preset::load("default").expect("it is a preset");
        policy.token_format().expect("it has a format")
    })
}

/// RFC 1952, with blocks that are stored (RFC 1951, 3.2.4).
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec();
    let blocks: Vec<&[u8]> = content.chunks(usize::from(u16::MAX)).collect();
    for (nth, block) in blocks.iter().enumerate() {
        let length = block.len() as u16;
        packed.push(u8::from(nth + 1 == blocks.len()));
        packed.extend(length.to_le_bytes());
        packed.extend((!length).to_le_bytes());
        packed.extend(*block);
    }
    packed.extend(reference::crc32(content).to_le_bytes());
    packed.extend((content.len() as u32).to_le_bytes());
    packed
}

/// RFC 8878, with raw blocks.
fn zstd(content: &[u8]) -> Vec<u8> {
    let mut packed = b"\x28\xb5\x2f\xfd\xa0".to_vec();
    packed.extend((content.len() as u32).to_le_bytes());
    let blocks: Vec<&[u8]> = content.chunks(64 << 10).collect();
    for (nth, block) in blocks.iter().enumerate() {
        let header = (block.len() as u32) << 3 | u32::from(nth + 1 == blocks.len());
        packed.extend(&header.to_le_bytes()[..3]);
        packed.extend(*block);
    }
    packed
}

/// POSIX.1-1988.
fn tar(content: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..MEMBER.len()].copy_from_slice(MEMBER);
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; content.len().next_multiple_of(512) - content.len() + 1024];
    [&header[..], content, &padding].concat()
}

/// PKWARE's APPNOTE, with a member that is stored.
fn zip(content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32).to_le_bytes();
    let checksum = reference::crc32(content).to_le_bytes();
    let name = (MEMBER.len() as u16).to_le_bytes();
    // From the version to the extra field's length; the directory's own fields follow.
    let common = [&[20, 0][..], &[0; 8], &checksum, &size, &size, &name, &[0; 2]].concat();
    let member = [b"PK\x03\x04", &common[..], MEMBER, content].concat();
    let entry = [b"PK\x01\x02", &[20, 0][..], &common, &[0; 14], MEMBER].concat();
    let (length, start) = ((entry.len() as u32).to_le_bytes(), (member.len() as u32).to_le_bytes());
    let end = [b"PK\x05\x06", &[0; 4][..], &[1, 0, 1, 0], &length, &start, &[0; 2]].concat();
    [member, entry, end].concat()
}
