//! What holds whatever comes in: a law for each fuzz target, which takes any bytes and panics where the law is broken.
//!
//! `fuzz/` is built on these, and `fuzz_corpus` holds the inputs that fuzzing found worth keeping to them on every run.
//! Nothing here is asked of the code under test that it could answer about itself: checksums, tokens and the reading of
//! lines are worked out a second time.

// `keyward serve`: what goes out on a connection is answers, whatever comes in.
pub mod answers;
// `search`: what is packed is found at its place, and no archive keeps a scan from its end and its limits.
pub mod archive;
// `domain::sanitize`: what is shown misleads neither a terminal, nor a CI runner, nor a shell.
pub mod escaper;
// `domain::transfer`: a line that is taken says what its JSON says, and holds no secret.
pub mod import;
// `domain::manifest`: what is read is what TOML says, and what is refused has its line.
pub mod manifest;
// `domain::policy`: what was read is written and read as the same, and can be lived by.
pub mod policy;
// `domain::credential`, `domain::forwarded` and `domain::percent`: what a request says of itself is read without a guess.
pub mod presented;
// `domain::scan`: every token that stands in a text is found, and nothing else, however it is cut into parts.
pub mod scan;
// `domain::template`: what is minted after a template has its shape and is recognised.
pub mod template;
// `TokenFormat::recognises`: a text is taken exactly if it has the form and the checksum.
pub mod token;
// `keyward verify --stream`: a line is read exactly as JSON says, and never repeated when it is refused.
pub mod verify_line;

// Randomness that is the same for the same input.
mod repeatable;
// What nobody may be shown.
mod shown;
// The rules of a token a second time.
mod reference;

/// A law.
pub type Law = fn(&[u8]);

/// Every fuzz target with its law. A target's name is that of its file, its corpus and its module.
pub const ALL: &[(&str, Law)] = &[
    ("answers", answers::hold),
    ("archive", archive::hold),
    ("escaper", escaper::hold),
    ("import", import::hold),
    ("manifest", manifest::hold),
    ("policy", policy::hold),
    ("presented", presented::hold),
    ("scan", scan::hold),
    ("template", template::hold),
    ("token", token::hold),
    ("verify_line", verify_line::hold),
];
