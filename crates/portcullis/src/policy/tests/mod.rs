//! The laws of the algebra, of denials and of roles, by property test.

mod laws;
mod places;
mod reasons;
mod roles;
mod samples;
mod scopes;
