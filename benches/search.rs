//! To be measured: search.

pub fn run() {}
