//! Help texts and the examples in them.
