//! From settings to an application: the store, the rules, the gate, the routes.

mod check;
mod countries;
mod database_file;
mod forward_auth;
mod gate;
mod greeting;
mod health;
mod mail;
mod notes;
mod open;
mod reload;
mod roles;
mod routes;
mod run;

pub(crate) use check::faults;
pub(crate) use database_file::DatabaseFile;
pub(crate) use gate::countries;
pub(crate) use greeting::Message;
pub(crate) use notes::{cookie_is_lost, notes};
pub(crate) use open::{
    OpenError, connect, open, open_over, replace_lost_secret, secret_opens, server_is_good,
};
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
