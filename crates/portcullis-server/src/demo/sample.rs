//! The sample users. Their passwords are public, so the demo listens on loopback only.

use portcullis::problem::Problem;
use portcullis::rules::{GrantRequest, NewAccount, Rules, UserRequest};
use portcullis::secret::Hidden;
use portcullis::types::{Clause, Effect, Role, Subject};

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
pub(crate) async fn sample(rules: &Rules) -> Result<(), Problem> {
    for one in &USERS {
        if rules.store().user_by_login(one.username).await?.is_none() {
            make(rules, one).await?;
        }
    }
    Ok(())
}

async fn make(rules: &Rules, sample: &Sample) -> Result<(), Problem> {
    let account = NewAccount {
        username: sample.username.to_owned(),
        password: Hidden::new(sample.password.to_owned()),
        email: sample.email.map(str::to_owned),
        name: None,
    };
    let user = rules.add_user(account, sample.active, &[Role::from(sample.role)]).await?;
    for (effect, permission, condition) in sample.grants {
        let condition: Option<Clause> = match condition {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(Problem::internal)?),
        };
        let request = GrantRequest { effect: *effect, permission: (*permission).into(), condition };
        rules.grant(Subject::User(user.id), request).await?;
    }
    if sample.username == "ada" {
        let verified = UserRequest { email_verified: Some(true), ..UserRequest::default() };
        rules.change_user(user.id, verified).await?;
    }
    Ok(())
}
