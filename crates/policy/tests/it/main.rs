//! The judge through its public door.

mod attacks;
mod classify;
mod ground;
mod judge;
mod matrix;
