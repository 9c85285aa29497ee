//! The live feed: readers page the log, the head is announced.
