//! Around everything: where a request comes from, its id and its bounds, a net under panics.
//!
//! A header says what its sender likes. It counts only by the one rule for proxies: see [`Proxies`].

mod answered;
mod body_limit;
mod client_info;
#[cfg(feature = "geo")]
mod countries;
mod forwarded;
mod layer;

pub use answered::Answered;
pub use body_limit::BodyLimit;
pub(crate) use body_limit::{BodyBudget, BodyOverrun, Verdict};
pub(crate) use client_info::ListedOrigin;
pub use client_info::{ClientInfo, CountryOf, ForwardedHeader, OverTls, Proxies};
#[cfg(feature = "geo")]
pub use countries::{CountryDatabase, NoCountryDatabase};
pub(crate) use layer::{Bounds, EdgeLayer, RequestIds, nothing_here};
pub use layer::{RequestId, X_REQUEST_ID};
