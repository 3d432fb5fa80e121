//! The real client against the real server, with the door between them.

mod ground;
mod lies;
mod pushes;
