//! Modes, owners and links of files and folders.
