//! The survey: what clients are here, and the fingerprint of each.
