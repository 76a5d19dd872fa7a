//! The sample users. Their passwords are public, so the demo listens on loopback only.

use portcullis::auth::{Actor, Auth, GrantRequest, NewAccount, UserRequest};
use portcullis::crypto::Secret;
use portcullis::problem::Problem;
use portcullis::types::{ConditionSpec, Effect, Role, Subject};

/// A sample user.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) role: &'static str,
    email: Option<&'static str>,
    grants: &'static [(Effect, &'static str, Option<&'static str>)],
    active: bool,
}

const fn user(username: &'static str, password: &'static str, role: &'static str) -> Sample {
    Sample { username, password, role, email: None, grants: &[], active: true }
}

/// Every sample user.
pub(crate) const USERS: [Sample; 11] = [
    Sample { email: Some("ada@example.org"), ..user("ada", "analytical:engine:1843", "admin") },
    user("mona", "moderate-every-thread", "moderator"),
    Sample { email: Some("alice@example.org"), ..user("alice", "down-the-rabbit-hole", "user") },
    user("gus", "just-looking-around-1", "guest"),
    Sample {
        grants: &[(Effect::Allow, "read", None)],
        ..user("rita", "reads-all-the-books-2", "guest")
    },
    Sample {
        grants: &[(Effect::Allow, "write", None)],
        ..user("will", "writes-all-the-books", "guest")
    },
    Sample {
        grants: &[(
            Effect::Allow,
            "write",
            Some(
                r#"{"hours": {
                    "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                    "from": "09:00", "to": "17:00", "time_zone": "Europe/Berlin"
                }}"#,
            ),
        )],
        ..user("nick", "nine-to-five-weekdays", "guest")
    },
    Sample {
        grants: &[(Effect::Allow, "write", Some(r#"{"networks": ["127.0.0.0/8", "::1"]}"#))],
        ..user("lois", "from-this-host-only-3", "guest")
    },
    Sample {
        grants: &[(Effect::Deny, "delete", None)],
        ..user("dora", "never-may-delete-any", "moderator")
    },
    Sample { active: false, ..user("ghost", "long-gone-and-inactive", "admin") },
    user("ïvan", "пароль-из-символов", "user"),
];

/// Makes every sample user that is not there yet.
///
/// # Errors
/// A 503 where the store is away.
pub(crate) async fn sample(auth: &Auth) -> Result<(), Problem> {
    for one in &USERS {
        match auth.user_named(one.username).await? {
            None => make(auth, one).await?,
            // The start before may have been cut off between the user and what they hold.
            Some(user) => complete(auth, one, &user).await?,
        }
    }
    super::clients::clients(auth).await
}

async fn make(auth: &Auth, sample: &Sample) -> Result<(), Problem> {
    let account = NewAccount {
        username: sample.username.to_owned(),
        password: Secret::new(sample.password.to_owned()),
        email: sample.email.map(str::to_owned),
        name: None,
    };
    let by = Actor::system();
    let user = auth.add_user(&by, account, sample.active, &[Role::from(sample.role)]).await?;
    complete(auth, sample, &user.id.into()).await
}

async fn complete(auth: &Auth, sample: &Sample, subject: &Subject) -> Result<(), Problem> {
    let by = Actor::system();
    let held = if sample.grants.is_empty() { Vec::new() } else { auth.grants_of(subject).await? };
    for (effect, permission, condition) in sample.grants {
        if held.iter().any(|grant| grant.permission.as_str() == *permission) {
            continue;
        }
        let condition: Option<ConditionSpec> = match condition {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(Problem::internal)?),
        };
        let request = GrantRequest { condition, ..GrantRequest::new(*effect, *permission) };
        auth.grant(&by, subject.clone(), request).await?;
    }
    if let Subject::User(id) = *subject
        && sample.username == "ada"
        && !auth.user(id).await?.email_verified
    {
        let verified = UserRequest { email_verified: Some(true), ..UserRequest::default() };
        auth.change_user(&by, id, verified).await?;
    }
    Ok(())
}
