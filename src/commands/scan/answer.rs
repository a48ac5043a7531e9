//! What a scan answers, in each format.

use crate::context::Context;
use crate::domain::scan::{Coverage, Place, shown};
use crate::domain::words::counted;
use crate::domain::{Safe, Timestamp};
use crate::error::Result;
use crate::ops::scan::{Finding, Kind, Subject};
use crate::output::relative::{moment, size};
use crate::output::sarif;
use crate::output::table::{Cell, Column};
use crate::output::ui::Format;
use crate::output::view::{KeyView, LeakRow, LeakView, NamedView, PlaceView, ScannedView};

/// How many of a finding's places a table has; each has a line.
const SHOWN: usize = 5;

pub(super) struct Answer<'a> {
    pub found: &'a [Finding],
    pub coverage: &'a Coverage,
    pub ignored: u64,
    /// How many findings are of other workspaces or environments.
    pub left_out: u64,
    pub now: Timestamp,
}

impl Answer<'_> {
    pub(super) fn give(
        &self,
        context: &Context,
        remedies: &[Option<String>],
        is_sarif: bool,
        covered: &str,
    ) -> Result<()> {
        let ui = &context.ui;
        if is_sarif {
            ui.data(&self.sarif(remedies))?;
        } else {
            self.list(context, remedies)?;
        }
        if is_sarif || ui.format != Format::Json {
            self.lacks().iter().for_each(|lack| ui.warn(lack));
        }
        ui.status(&self.sentence(covered));
        Ok(())
    }

    fn list(&self, context: &Context, remedies: &[Option<String>]) -> Result<()> {
        let mut listing = context.ui.list("findings")?;
        let is_tsv = context.ui.format == Format::Tsv;
        for (finding, remedy) in self.found.iter().zip(remedies) {
            let remedy = remedy.as_deref();
            let rows = || self.cells(finding, remedy);
            match &finding.subject {
                _ if is_tsv => listing.push(&self.row(finding, remedy))?,
                Subject::Key(key) => {
                    let key = KeyView::new(key, self.now);
                    listing.rows(&self.view(finding, key, remedy), rows)?;
                }
                Subject::Unproven(_) => {
                    let named = named(finding, self.now);
                    listing.rows(&self.view(finding, named, remedy), rows)?;
                }
            }
        }
        listing.add("complete", &self.coverage.is_complete());
        listing.add("incomplete", &self.lacks());
        listing.add("scanned", &ScannedView::from(self.coverage));
        listing.add("ignored", &self.ignored);
        let columns = [
            Column::last("KIND"),
            Column::text("NAME"),
            Column::text("WORKSPACE").wide(),
            Column::last("ENV"),
            Column::last("STATUS"),
            Column::last("LAST USED"),
            Column::text("WHERE"),
            Column::from("REMEDY"),
        ];
        context.ui.end(listing, &columns).map(drop)
    }

    /// What is shown of a finding, of which this is known.
    fn view<'v, S>(
        &self,
        finding: &'v Finding,
        subject: S,
        remedy: Option<&'v str>,
    ) -> LeakView<'v, S> {
        LeakView {
            subject,
            kind: finding.kind.word(),
            reason: "leaked",
            severity: severity(finding),
            places: finding.count,
            r#where: finding.places.iter().map(PlaceView::from).collect(),
            remedy,
        }
    }

    fn row<'v>(&self, finding: &'v Finding, remedy: Option<&'v str>) -> LeakRow<'v> {
        let kind = finding.kind;
        let place = finding.places.first();
        let location = place.map(|place| &place.location);
        let spot = place.and_then(|place| place.spot);
        let named = named(finding, self.now);
        LeakRow {
            kind: kind.word(),
            severity: severity(finding),
            id: named.id,
            name: named.name,
            workspace: named.workspace,
            environment: named.environment,
            status: named.status,
            prefix: named.prefix,
            places: finding.count,
            path: location.filter(|place| place.path.is_some()).map(shown),
            line: spot.map(|spot| spot.line),
            column: spot.map(|spot| spot.column),
            commit: location.and_then(|location| location.commit.as_deref()),
            remedy,
        }
    }

    /// A row for each of the first places; only the first says whose they are.
    fn cells(&self, finding: &Finding, remedy: Option<&str>) -> Vec<Vec<Cell>> {
        let named = named(finding, self.now);
        let safe = |text: Option<&str>| Cell::from(Safe(text.unwrap_or("-")).to_string());
        let kind = finding.kind;
        let colour = if kind == Kind::Live { "1;31" } else { "33" };
        let used = match finding.key() {
            Some(key) => moment(key.last_used_at, self.now),
            None => Cell::from("-"),
        };
        let mut rows = Vec::new();
        for (nth, place) in finding.places.iter().take(SHOWN).enumerate() {
            let left = finding.count - nth as u64;
            let text = match nth + 1 == SHOWN && left > 1 {
                true => format!("and {left} more places"),
                false => place_text(place),
            };
            rows.push(match nth {
                0 => vec![
                    Cell::from(kind.word()).coloured(colour),
                    safe(named.name.or(Some(named.prefix))),
                    safe(named.workspace),
                    safe(named.environment),
                    safe(named.status),
                    used.clone(),
                    text.into(),
                    remedy.unwrap_or("-").to_owned().into(),
                ],
                _ => {
                    let mut row = vec![Cell::default(); 8];
                    row[6] = text.into();
                    row
                }
            });
        }
        rows
    }

    fn sarif(&self, remedies: &[Option<String>]) -> String {
        let mut results = Vec::new();
        for (finding, remedy) in self.found.iter().zip(remedies) {
            let (named, kind) = (named(finding, self.now), finding.kind);
            for place in &finding.places {
                let who = match (named.name, named.id) {
                    (Some(name), Some(id)) => format!("key {} ({})", Safe(name), Safe(id)),
                    _ => format!("token {}…", Safe(named.prefix)),
                };
                let status = named.status.map_or_else(String::new, |word| format!(", {word}"));
                let remedy =
                    remedy.as_ref().map_or_else(String::new, |text| format!(". Run: {text}"));
                results.push(sarif::Result {
                    subject: named.id.unwrap_or(named.prefix),
                    kind: kind.word(),
                    message: format!(
                        "{} {who}{status} at {}{remedy}",
                        kind.word(),
                        place_text(place)
                    ),
                    path: place.location.path.as_deref(),
                    spot: place.spot.map(|spot| (spot.line, spot.column)),
                });
            }
        }
        sarif::document(&results, &self.lacks())
    }

    /// What was not read, a sentence each, the last about those that are too many to name.
    fn lacks(&self) -> Vec<String> {
        let mut lacks = self.coverage.incomplete.clone();
        if self.coverage.more > 0 {
            lacks.push(format!("{} more could not be read", counted(self.coverage.more, "thing")));
        }
        lacks
    }

    /// What was covered, and what came of it.
    fn sentence(&self, covered: &str) -> String {
        let coverage = self.coverage;
        let mut read = Vec::new();
        if coverage.files > 0 || coverage.objects == 0 {
            read.push(counted(coverage.files, "file"));
        }
        if coverage.objects > 0 {
            read.push(counted(coverage.objects, "object"));
        }
        let count = |kind| self.found.iter().filter(|one| one.kind == kind).count() as u64;
        let kinds = [(Kind::Live, "live key"), (Kind::Dead, "revoked or expired key")];
        let mut parts: Vec<String> = kinds
            .into_iter()
            .filter(|(kind, _)| count(*kind) > 0)
            .map(|(kind, noun)| counted(count(kind), noun))
            .collect();
        if count(Kind::Unknown) > 0 {
            parts.push(counted(count(Kind::Unknown), "unknown token"));
        }
        if parts.is_empty() {
            parts.push("no findings".to_owned());
        }
        if self.ignored > 0 {
            parts.push(format!("{} ignored", counted(self.ignored, "place")));
        }
        if self.left_out > 0 {
            parts.push(format!(
                "{} of other workspaces or environments",
                counted(self.left_out, "finding")
            ));
        }
        if !coverage.is_complete() {
            parts.push("incomplete".to_owned());
        }
        let (read, bytes) = (read.join(" and "), size(coverage.bytes));
        format!("scanned {read} ({bytes}) for {covered}: {}", parts.join(", "))
    }
}

/// What is said of whoever a finding belongs to.
fn named(finding: &Finding, now: Timestamp) -> NamedView<'_> {
    match &finding.subject {
        Subject::Key(key) => NamedView {
            prefix: &key.prefix,
            environment: Some(&key.environment),
            id: Some(key.id.as_str()),
            name: Some(&key.name),
            workspace: Some(&key.workspace),
            status: Some(key.status(now).word()),
        },
        Subject::Unproven(unproven) => {
            let watched = unproven.watched.as_ref();
            NamedView {
                prefix: &unproven.prefix,
                environment: unproven.environment.as_deref(),
                id: watched.map(|key| key.id.as_str()),
                name: watched.map(|key| key.name.as_str()),
                workspace: watched.map(|key| key.workspace.as_str()),
                status: watched.map(|key| key.status.as_str()),
            }
        }
    }
}

fn severity(finding: &Finding) -> &'static str {
    match finding.kind {
        Kind::Live if finding.key().is_some_and(|key| key.environment == "test") => "high",
        Kind::Live => "critical",
        Kind::Unknown => "medium",
        Kind::Dead => "low",
    }
}

/// A place as people read it, and as editors open it.
fn place_text(place: &Place) -> String {
    match place.spot {
        Some(spot) => format!("{}:{}:{}", shown(&place.location), spot.line, spot.column),
        None => format!("{} (in its name)", shown(&place.location)),
    }
}
