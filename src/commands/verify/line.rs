//! A line of `keyward verify --stream`: a bare secret, or a request as JSON.
//!
//! This module never repeats what stands in a line, which may be a secret.

use crate::context::{LONGEST_LINE, Line};
use crate::domain::secret::Secret;
use crate::error::Error;
use crate::ops::verifier::asked;
pub use crate::ops::verifier::asked::{Template, Turn};

/// Reads a line.
pub fn turn<'a>(line: &Line<'a>, template: &Template) -> Turn<'a> {
    let unreadable = |message: String| Turn { id: None, request: Err(Error::usage(message)) };
    let Line::Whole(bytes) = line else {
        return unreadable(format!("the line is longer than {LONGEST_LINE} bytes"));
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return unreadable("the line is not UTF-8 text".to_owned());
    };
    if !text.trim_start().starts_with('{') {
        return Turn { id: None, request: Ok(template.request(Secret::new(text.to_owned()))) };
    }
    asked::turn(text, "line", template)
}
