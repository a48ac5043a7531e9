//! What a refusal looks like: keyward's own body, or that of a documented system.
//!
//! This module never says more in one dialect than in another: what is refused is decided before.

use hyper::StatusCode;
use serde_json::json;

use crate::domain::Code;
use crate::domain::words::words;
use crate::output::json;

/// The media type of problem details (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";

words! {
    /// Whose bodies refusals have.
    pub enum Dialect {
        /// keyward's own: `error` with the code, and `message`.
        Own = "keyward",
        /// `{"error":"revoked"}`, as its page on authentication has it.
        Amazonscraperapi = "amazonscraperapi",
        /// Three bodies, one for each of 401, 403 and 429.
        Audioscrape = "audioscrape",
        /// The code alone: its page names codes and shows no body.
        Azscraper = "azscraper",
        /// The code alone: its page names codes and shows no body.
        Scrapewise = "scrapewise",
        /// Problem details (RFC 9457).
        Problem = "problem+json",
    }
}

#[derive(Debug, Clone)]
pub struct Refusal {
    pub code: &'static str,
    pub status: u16,
    pub message: String,
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), retry_after: None }
    }

    /// The refusal that a verdict is.
    pub fn of(code: Code, retry_after: Option<u64>) -> Self {
        let refusal = Self::new(code.word(), code.http_status(), code.message());
        Self { retry_after, ..refusal }
    }
}

impl Dialect {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Problem => PROBLEM,
            _ => "application/json",
        }
    }

    pub fn body(self, refusal: &Refusal) -> String {
        let Refusal { code, status, message, retry_after } = refusal;
        match (self, status) {
            (Self::Audioscrape, 401) => {
                r#"{"error": "Unauthorized", "message": "Invalid or missing API key"}"#.to_owned()
            }
            (Self::Audioscrape, 403) => {
                r#"{"error": "Forbidden", "message": "Insufficient permissions"}"#.to_owned()
            }
            (Self::Audioscrape, 429) => {
                let seconds = retry_after.unwrap_or_default();
                format!(
                    r#"{{"error": "Rate Limited", "message": "Too many requests", "retry_after": {seconds}}}"#
                )
            }
            (Self::Own | Self::Audioscrape | Self::Problem, _) => {
                let mut body = match self {
                    // The code says more than a type of its own would: it is the one of the command line.
                    Self::Problem => json!({
                        "type": "about:blank",
                        "title": StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason()),
                        "status": status,
                        "detail": message,
                        "code": code,
                    }),
                    _ => json!({ "error": code, "message": message }),
                };
                if let Some(seconds) = retry_after {
                    body["retryAfter"] = json!(seconds);
                }
                json::to_string(&body)
            }
            (_, 401) if matches!(*code, "malformed" | "not_found") => {
                json::to_string(&json!({ "error": "unauthorized" }))
            }
            (Self::Scrapewise, 401) => json::to_string(&json!({ "error": "unauthorized" })),
            _ => json::to_string(&json!({ "error": code })),
        }
    }
}
