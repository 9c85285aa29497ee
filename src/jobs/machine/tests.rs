//! The machine against a store, clocks and attempts that a test moves by hand.

mod sim;
mod turns;
mod world;
