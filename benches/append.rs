//! To be measured: append.

pub fn run() {}
