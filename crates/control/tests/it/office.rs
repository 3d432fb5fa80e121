//! The office without its doors: who may do what, what ends when, and what survives.

mod approving;
pub(crate) mod bench;
mod bounding;
mod ending;
mod granting;
mod keeping;
mod reading;
mod recording;
mod registering;
mod revoking;
mod sealing;
mod supervising;
mod tainting;
