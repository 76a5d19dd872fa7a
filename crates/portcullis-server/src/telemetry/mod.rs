//! What the server says of itself while it runs.

mod logs;
pub(crate) mod metrics;

pub(crate) use logs::Logs;
pub(crate) use metrics::Metrics;
