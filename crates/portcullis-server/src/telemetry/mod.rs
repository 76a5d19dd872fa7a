//! What the server says of itself while it runs.

mod logs;
pub(crate) mod metrics;
mod writer;

pub(crate) use logs::Logs;
pub(crate) use metrics::Metrics;
pub(crate) use writer::flush;
