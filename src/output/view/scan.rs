//! What is shown of a scan: findings without a token, a hash or a line of what was read.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::pattern::Pattern;
use crate::domain::scan::{Coverage, Encoding, Place, escaped};

/// What a scan found of a key, or of a token that is proven by its checksum alone.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeakView<'a, S> {
    #[serde(flatten)]
    pub subject: S,
    #[schemars(extend("enum" = ["live", "dead", "unknown"]))]
    pub kind: &'static str,
    #[schemars(extend("enum" = ["leaked"]))]
    pub reason: &'static str,
    #[schemars(extend("enum" = ["critical", "high", "medium", "low"]))]
    pub severity: &'static str,
    /// How many places there are; the first hundred are listed.
    pub places: u64,
    pub r#where: Vec<PlaceView>,
    /// The command that ends the key, where it is live.
    pub remedy: Option<&'a str>,
}

/// The public front of a token, and what is known of its key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NamedView<'a> {
    pub prefix: &'a str,
    pub environment: Option<&'a str>,
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub workspace: Option<&'a str>,
    pub status: Option<&'a str>,
}

/// A place. Line and column are the file's, or the archive member's; nothing where the token is in a name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlaceView {
    path: Option<String>,
    line: Option<u64>,
    column: Option<u64>,
    offset: Option<u64>,
    inside: Vec<String>,
    encoding: Vec<Encoding>,
    object: Option<String>,
    commit: Option<String>,
}

impl From<&Place> for PlaceView {
    fn from(place: &Place) -> Self {
        let (location, spot) = (&place.location, place.spot);
        Self {
            path: location.path.as_deref().map(escaped),
            line: spot.map(|spot| spot.line),
            column: spot.map(|spot| spot.column),
            offset: spot.map(|spot| spot.offset),
            inside: location.inside.iter().map(|member| escaped(member)).collect(),
            encoding: place.encodings.clone(),
            object: location.object.clone(),
            commit: location.commit.clone(),
        }
    }
}

/// A finding as one line of fields, which are the same for every kind.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeakRow<'a> {
    pub kind: &'static str,
    pub severity: &'static str,
    pub id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub workspace: Option<&'a str>,
    pub environment: Option<&'a str>,
    pub status: Option<&'a str>,
    pub prefix: &'a str,
    pub places: u64,
    pub path: Option<String>,
    pub line: Option<u64>,
    pub column: Option<u64>,
    pub commit: Option<&'a str>,
    pub remedy: Option<&'a str>,
}

/// What was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScannedView {
    files: u64,
    objects: u64,
    bytes: u64,
}

impl From<&Coverage> for ScannedView {
    fn from(coverage: &Coverage) -> Self {
        Self { files: coverage.files, objects: coverage.objects, bytes: coverage.bytes }
    }
}

/// A rule for a scanner of another program.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PatternView<'a> {
    id: &'a str,
    regex: &'a str,
    /// What every token begins with, one for each environment.
    keywords: &'a [String],
    /// What looks like a token and is none.
    example: &'a str,
}

impl<'a> From<&'a Pattern> for PatternView<'a> {
    fn from(pattern: &'a Pattern) -> Self {
        let Pattern { id, regex, keywords, example } = pattern;
        Self { id, regex, keywords, example }
    }
}
