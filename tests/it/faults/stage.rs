//! A scene that is ready to be played: what is there before, as often as it is wanted, and what is known of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::injection::{Fault, Injection, counted};
use super::judge::Case;
use super::scene::{Again, Scene};
use super::scenes::NEXT;
use super::state::Baseline;
use crate::support::Sandbox;

/// The first faults of pairs are at the calls between which lies a state that outlives a crash, and at every so many of
/// the others, which are many and of which most differ by a page of the log.
const SPARSE: [(&str, usize); 3] = [("pwrite64", 7), ("openat", 7), ("write", 3)];

/// A scene that is ready to be played many times.
pub struct Stage {
    pub scene: Scene,
    template: Sandbox,
    baseline: Baseline,
}

/// What a point came to.
pub enum Tried {
    /// There is no such call.
    Undisturbed,
    Survived,
    Failed(String),
}

impl Stage {
    /// Makes what is there before, and plays it once undisturbed.
    pub fn of(scene: &Scene) -> Self {
        let template = Sandbox::new();
        (scene.prepare)(&template);
        let baseline = Baseline::of(scene, &template);
        Self {
            scene: scene.clone(),
            template,
            baseline: baseline.unwrap_or_else(|finding| panic!("{}: {finding}", scene.name)),
        }
    }

    /// Tries one point in a copy.
    pub fn try_at(&self, injection: Injection) -> Tried {
        let sandbox = self.template.copy();
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let disturbed = injection.run(&self.scene, &sandbox);
            if !disturbed.was_hit {
                return Tried::Undisturbed;
            }
            let case = Case {
                scene: &self.scene,
                baseline: &self.baseline,
                sandbox: &sandbox,
                output: &disturbed.output,
            };
            match case.judge() {
                Ok(()) => Tried::Survived,
                Err(finding) => Tried::Failed(finding),
            }
        }));
        tried.unwrap_or_else(|_| Tried::Failed("the test itself panicked, see above".to_owned()))
    }

    /// Every point at which the undisturbed command can be disturbed.
    pub fn points(&self) -> Vec<(&'static str, u32)> {
        let counts = counted(&self.scene, &self.template.copy());
        let places = |(call, count)| (1..=count).map(move |place| (call, place));
        counts.into_iter().flat_map(places).collect()
    }

    /// The points of the first faults of pairs.
    pub fn crossings(&self) -> Vec<(&'static str, u32)> {
        let is_kept = |(call, place): &(&str, u32)| {
            let sparse = SPARSE.iter().find(|(sparse, _)| sparse == call);
            sparse.is_none_or(|(_, every)| *place as usize % every == 1)
        };
        self.points().into_iter().filter(is_kept).collect()
    }

    /// The stage on which the next command runs after this one was killed here; none if it was not.
    pub fn killed_at(&self, (call, place): (&'static str, u32)) -> Option<Result<Self, String>> {
        let template = self.template.copy();
        let fault = Fault::Kill;
        let injection = Injection { fault, call, place };
        let disturbed = injection.run(&self.scene, &template);
        if disturbed.output.status != 137 {
            return None;
        }
        let scene = match self.scene.again {
            Again::Same(_) => self.scene.clone(),
            Again::Recovery => Scene { above_the_cap: self.scene.above_the_cap, ..NEXT },
        };
        let baseline = match Baseline::of(&scene, &template) {
            Ok(baseline) => baseline,
            Err(finding) => return Some(Err(finding)),
        };
        Some(Ok(Self { scene, template, baseline }))
    }
}
