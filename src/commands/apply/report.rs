//! What `apply` says: the plan, what has become of it, and where it stopped.

use crate::domain::difference::Difference;
use crate::domain::holding::Action;
use crate::domain::{Key, Safe};
use crate::error::{Error, Result};
use crate::ops::apply::{Plan, Request, WorkspaceStep};
use crate::output::ui::{Format, Ui};
use crate::output::view::{ChangeView, Changes, WorkspaceChange};

/// How many keys a message names at most.
const NAMED: usize = 10;

/// Every change, at first as planned and in the end as made.
pub struct Report {
    workspaces: Vec<WorkspaceChange>,
    changes: Vec<ChangeView>,
    done: Vec<bool>,
    /// Which of the workspaces are as they should be.
    settled: Vec<bool>,
    /// What the user should know once all has worked; a failure says one thing alone.
    warnings: Vec<String>,
}

impl Report {
    pub fn new(request: &Request, plan: &Plan) -> Self {
        let workspaces = request.workspaces.iter().zip(&plan.workspaces);
        let keys = request.keys.iter().zip(&plan.keys);
        let wanted = keys.map(|(key, (environment, decision))| ChangeView {
            workspace: key.entry.workspace.clone(),
            environment: environment.clone(),
            name: key.entry.wanted.name.as_str().to_owned(),
            id: decision.step.key().map(|key| key.id.as_str().to_owned()),
            action: decision.step.action(),
            differences: decision.differences.clone(),
        });
        let strays = plan.strays.iter().map(|key| ChangeView {
            workspace: key.workspace.clone(),
            environment: key.environment.clone(),
            name: key.name.clone(),
            id: Some(key.id.as_str().to_owned()),
            action: Action::Revoked,
            differences: Vec::new(),
        });
        let changes: Vec<ChangeView> = wanted.chain(strays).collect();
        Self {
            settled: vec![false; request.workspaces.len()],
            warnings: Vec::new(),
            workspaces: workspaces
                .map(|(workspace, step)| WorkspaceChange {
                    name: workspace.name.as_str().to_owned(),
                    action: step.action(),
                    differences: match step {
                        WorkspaceStep::Set { differences, .. } => differences.clone(),
                        _ => Vec::new(),
                    },
                })
                .collect(),
            done: changes.iter().map(|change| !change.action.is_change()).collect(),
            changes,
        }
    }

    /// How many keys are still to be changed.
    pub fn pending(&self) -> usize {
        self.done.iter().filter(|done| !**done).count()
    }

    pub fn place(&self, at: usize) -> String {
        place(&self.changes[at])
    }

    /// The keys that are to be revoked, each in a line of its own.
    pub fn strays(&self) -> Vec<String> {
        let changes = self.changes.iter();
        let strays = changes.filter(|change| change.action == Action::Revoked);
        strays
            .map(|change| {
                let id = change.id.as_deref().unwrap_or_default();
                format!("  {}  {}", place(change), Safe(id))
            })
            .collect()
    }

    pub fn done(&mut self, at: usize, key: &Key, action: Action) {
        self.changes[at].id = Some(key.id.as_str().to_owned());
        self.changes[at].action = action;
        self.done[at] = true;
    }

    /// Notes that the keys that were to go are gone.
    pub fn revoked(&mut self) {
        self.done.fill(true);
    }

    /// Says where and why it stopped, what was done before and what was not.
    pub fn stopped(&self, error: Error, at: &str) -> Error {
        let made = self.workspaces.iter().zip(&self.settled);
        let made = made.filter(|(workspace, settled)| **settled && workspace.action.is_change());
        let mut done: Vec<String> = made.map(|(workspace, _)| in_words(workspace)).collect();
        let mut left = Vec::new();
        for (change, is_done) in self.changes.iter().zip(&self.done) {
            let place = place(change);
            match (change.action.is_change(), is_done) {
                (true, true) => done.push(place),
                (_, false) if place != at => left.push(place),
                _ => {}
            }
        }
        let (done, left) = (named(done), named(left));
        error.told(|message| {
            format!("{at}: {message} (done before it: {done}; left after it: {left})")
        })
    }

    /// Notes that a workspace is as it should be.
    pub fn settled(&mut self, at: usize) {
        self.settled[at] = true;
    }

    /// Shows people the plan before it is carried out.
    pub fn announce(&self, ui: &Ui) {
        for line in self.lines() {
            ui.signed(&line.sign, line.colour, &line.text);
        }
    }

    /// Reports what was done to one key.
    pub fn tell(&self, at: usize, ui: &Ui) {
        let change = &self.changes[at];
        let id = change.id.as_deref().unwrap_or_default();
        ui.status(&format!("{} {} ({id})", change.action.word(), place(change)));
    }

    /// Notes what the user should know although it has worked.
    pub fn warned(&mut self, warnings: impl IntoIterator<Item = String>) {
        self.warnings.extend(warnings);
    }

    pub fn finish(&self, ui: &Ui) -> Result<()> {
        for warning in &self.warnings {
            ui.warn(warning);
        }
        let actions =
            [Action::Created, Action::Rotated, Action::Updated, Action::Unchanged, Action::Revoked];
        let counts = actions.into_iter().filter_map(|wanted| {
            let of_it = self.changes.iter();
            let count = of_it.filter(|change| change.action == wanted).count();
            (count > 0).then(|| format!("{count} {}", wanted.word()))
        });
        let counts: Vec<String> = counts.collect();
        let sentence = if counts.is_empty() {
            "the manifest has no keys".to_owned()
        } else {
            counts.join(", ")
        };
        ui.status(&sentence);
        if ui.is_for_people() { Ok(()) } else { ui.after(&sentence, || self.answer(ui)) }
    }

    /// Answers with the plan, or with what has become of it.
    pub fn answer(&self, ui: &Ui) -> Result<()> {
        match ui.format {
            Format::Table | Format::Wide => {
                let lines = self.lines();
                let lines = lines.iter().map(|line| line.rendered(ui.colour_stdout));
                ui.data(&lines.collect::<String>())
            }
            Format::Json => {
                let changes = Changes {
                    changes: &self.changes,
                    workspaces: &self.workspaces,
                    warnings: &self.warnings,
                };
                ui.record(&changes, String::new)
            }
            Format::Jsonl | Format::Tsv | Format::Value(_) => {
                let mut listing = ui.list("changes")?;
                self.changes.iter().try_for_each(|change| listing.push(change))?;
                listing.finish()
            }
        }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for workspace in &self.workspaces {
            lines.push(Line::of(workspace.action, in_words(workspace)));
            lines.extend(workspace.differences.iter().map(Line::below));
        }
        for change in &self.changes {
            let detail = match change.action {
                Action::Rotated => " (rotate)",
                Action::Updated => " (update)",
                _ => "",
            };
            lines.push(Line::of(change.action, place(change) + detail));
            lines.extend(change.differences.iter().map(Line::below));
        }
        lines
    }
}

/// A line of the plan.
struct Line {
    /// A sign, or the room of one.
    sign: String,
    /// The sign's, as a terminal's code.
    colour: &'static str,
    text: String,
}

impl Line {
    fn of(action: Action, text: String) -> Self {
        Self {
            sign: format!("{} ", action.sign()),
            colour: match action {
                Action::Created => "32",
                Action::Rotated | Action::Updated => "33",
                Action::Revoked => "31",
                Action::Unchanged => "2",
            },
            text,
        }
    }

    fn below(difference: &Difference) -> Self {
        Self { sign: " ".repeat(4), colour: "", text: difference.to_string() }
    }

    fn rendered(&self, colour: bool) -> String {
        let Self { sign, text, .. } = self;
        match self.colour {
            code if colour && !code.is_empty() => {
                format!("\u{1b}[{code}m{sign}\u{1b}[0m{text}\n")
            }
            _ => format!("{sign}{text}\n"),
        }
    }
}

fn place(change: &ChangeView) -> String {
    let (workspace, name) = (Safe(&change.workspace), Safe(&change.name));
    format!("{workspace}/{}/{name}", Safe(&change.environment))
}

fn in_words(workspace: &WorkspaceChange) -> String {
    format!("workspace {}", Safe(&workspace.name))
}

/// The first of several, and how many more there are.
fn named(mut places: Vec<String>) -> String {
    if places.is_empty() {
        return "none".to_owned();
    }
    let more = places.len().saturating_sub(NAMED);
    places.truncate(NAMED);
    match more {
        0 => places.join(", "),
        _ => format!("{} and {more} more", places.join(", ")),
    }
}
