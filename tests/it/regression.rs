//! One test per defect that was once found.
