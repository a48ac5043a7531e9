//! Manual pages, completions and other generated files equal what the parser renders.
