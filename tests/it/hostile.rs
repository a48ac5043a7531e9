//! Hostile names and inputs on every output.
