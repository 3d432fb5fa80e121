//! What the office promises, through its public interfaces.

#[cfg(test)]
mod api;
#[cfg(test)]
mod office;
#[cfg(test)]
mod store;
