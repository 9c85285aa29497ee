//! To be measured: open.

pub fn run() {}
