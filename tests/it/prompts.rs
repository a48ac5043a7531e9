//! Questions asked on a real terminal.
