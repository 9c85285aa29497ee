//! What every test here stands on.
