//! JSON answers and errors against their schemas.
