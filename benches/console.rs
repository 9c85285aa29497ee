//! To be measured: console.

pub fn run() {}
