//! Whether keyward lives, and whether it can judge.

use super::answer::Answer;
use super::worker::Worker;

/// It lives while it answers.
pub fn alive() -> Answer {
    Answer::json(200, "{\"alive\":true}\n".to_owned())
}

/// It is ready while the store can be read and it is not shutting down.
pub async fn ready(worker: &Worker) -> Answer {
    let recording = if worker.is_ending.get() { None } else { worker.is_recording().await.ok() };
    match recording {
        Some(recording) => {
            Answer::json(200, format!("{{\"ready\":true,\"recording\":{recording}}}\n"))
        }
        None => Answer::json(503, "{\"ready\":false,\"recording\":false}\n".to_owned()),
    }
}
