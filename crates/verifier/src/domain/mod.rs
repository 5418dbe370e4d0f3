//! What is known about a number: bits and ranges, and how operations and comparisons change it.
//!
//! Pure functions on small values. Knows no register, no program and no memory.

pub mod alu;
pub mod branch;
pub mod scalar;
pub mod tnum;

pub use scalar::Scalar;
pub use tnum::Tnum;
