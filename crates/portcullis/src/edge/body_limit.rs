//! The largest body that a route reads.

/// The largest body that is read, in bytes. Put it into a request's extensions to change it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimit(pub usize);

impl Default for BodyLimit {
    /// 1 MiB.
    fn default() -> Self {
        Self(1024 * 1024)
    }
}
