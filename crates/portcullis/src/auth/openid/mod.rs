//! OpenID Connect: who signed in, said to a client. ID tokens, what `/userinfo` tells, the end of a sign-in.

mod id_token;
mod logout;
mod userinfo;

pub use logout::{LogoutOutcome, LogoutRequest};
pub use userinfo::UserInfo;

pub(in crate::auth) use id_token::NewIdToken;
