//! From settings to an application: the store, the rules, the gate, the routes.

mod check;
mod countries;
mod gate;
mod greeting;
mod health;
mod mail;
mod open;
mod reload;
mod roles;
mod routes;
mod run;

pub(crate) use check::faults;
pub(crate) use gate::countries;
pub(crate) use greeting::Message;
pub(crate) use open::{OpenError, open, open_over};
pub(crate) use reload::Reload;
pub(crate) use roles::ADMINISTRATION;
pub(crate) use routes::{Application, application};
pub(crate) use run::{FOLLOWED_EVERY, ServeError, run};

/// Which of the two servers it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For real use.
    Serve,
    /// The tutorial's whole system, with sample data whose passwords are public.
    Demo,
}
