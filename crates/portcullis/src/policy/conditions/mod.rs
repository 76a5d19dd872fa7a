//! The built-in conditions, one file a question.

mod assurance;
mod combined;
mod country;
mod hours;
mod moment;
mod network;

pub use assurance::{RecentLogin, SecondFactor};
pub use combined::{AllOf, AnyOf, NotThis};
pub use country::Countries;
pub use hours::OpenHours;
pub use moment::Moment;
pub use network::Within;
