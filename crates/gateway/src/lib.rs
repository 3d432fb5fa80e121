//! The doors: client hooks, admission, and the ports to the other rooms.
