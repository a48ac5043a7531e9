//! A secret appears once, on its sink, and nowhere else.
