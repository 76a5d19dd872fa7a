//! What the server says of itself while it runs.

mod logs;

pub(crate) use logs::Logs;
