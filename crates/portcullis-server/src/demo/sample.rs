//! The sample users. Their passwords are public, so the demo listens on loopback only.

use portcullis::auth::{Auth, GrantRequest, NewAccount, UserRequest};
use portcullis::crypto::Secret;
use portcullis::problem::Problem;
use portcullis::types::{Actor, ConditionSpec, Effect, Role, Subject, User};

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
pub(crate) async fn sample(rules: &Auth) -> Result<(), Problem> {
    for one in &USERS {
        match rules.store().user_by_login(one.username).await? {
            None => make(rules, one).await?,
            // The start before may have been cut off between the user and what they hold.
            Some(user) => complete(rules, one, &user).await?,
        }
    }
    Ok(())
}

async fn make(rules: &Auth, sample: &Sample) -> Result<(), Problem> {
    let account = NewAccount {
        username: sample.username.to_owned(),
        password: Secret::new(sample.password.to_owned()),
        email: sample.email.map(str::to_owned),
        name: None,
    };
    let by = Actor::system();
    let user = rules.add_user(&by, account, sample.active, &[Role::from(sample.role)]).await?;
    complete(rules, sample, &user).await
}

async fn complete(rules: &Auth, sample: &Sample, user: &User) -> Result<(), Problem> {
    let by = Actor::system();
    let held = if sample.grants.is_empty() {
        Vec::new()
    } else {
        rules.grants_of(&Subject::User(user.id)).await?
    };
    for (effect, permission, condition) in sample.grants {
        if held.iter().any(|grant| grant.permission.as_str() == *permission) {
            continue;
        }
        let condition: Option<ConditionSpec> = match condition {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(Problem::internal)?),
        };
        let request = GrantRequest { condition, ..GrantRequest::new(*effect, *permission) };
        rules.grant(&by, Subject::User(user.id), request).await?;
    }
    if sample.username == "ada" && !user.email_verified {
        let verified = UserRequest { email_verified: Some(true), ..UserRequest::default() };
        rules.change_user(&by, user.id, verified).await?;
    }
    Ok(())
}
