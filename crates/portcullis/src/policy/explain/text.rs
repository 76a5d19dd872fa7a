//! Reasons as a tree of lines.

use std::fmt;

use super::{Circumstance, Effect, Ground, Held, Help, Outcome, Reason, Reasons, State};
use crate::policy::check::UNSCOPED;
use crate::types::{Remedy, Role};

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.outcome)?;
        if let Some(opens) = &self.opens {
            writeln!(f, "would be allowed from {}", opens.local)?;
        }
        write_reason(&self.because, 1, f)
    }
}

fn write_reason(reason: &Reason, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let held = match reason.held {
        Held::Yes => "yes  ",
        Held::No => "no   ",
        Held::Later => "later",
    };
    let indent = "  ".repeat(depth);
    writeln!(f, "{indent}{held}  {}", reason.required)?;
    for ground in &reason.by {
        writeln!(f, "{indent}         {ground}")?;
    }
    for help in &reason.helps {
        writeln!(f, "{indent}         would help: {help}")?;
    }
    reason.terms.iter().try_for_each(|term| write_reason(term, depth + 1, f))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permit => "allowed",
            Self::AskOwner => "allowed to the owner only",
            Self::SignIn => "refused until signed in (401)",
            Self::StepUp => "refused until signed in again (401)",
            Self::Forbid => "refused (403)",
        })
    }
}

fn way(path: &[Role]) -> String {
    path.iter().map(Role::as_str).collect::<Vec<_>>().join(" > ")
}

fn verb(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allowed",
        Effect::Deny => "denied",
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { reason } => write!(f, "open: {reason}"),
            Self::Subject { who } => write!(f, "asked by {who}"),
            Self::Role { path } => write!(f, "held: {}", way(path)),
            Self::RolePermission { effect, permission, path } => {
                write!(f, "{permission} {} by role {}", verb(*effect), way(path))
            }
            Self::Grant { grant, effect, permission, counts, condition } => {
                write!(f, "{permission} {} by grant {grant}", verb(*effect))?;
                if let Some(condition) = condition {
                    write!(f, ", {condition}")?;
                }
                if *counts { Ok(()) } else { f.write_str("; does not count") }
            }
            Self::Vouched { effect, permission } => {
                write!(f, "{permission} {}, as vouched for", verb(*effect))
            }
            Self::HeldIn { effect, permission, place, path, grant } => {
                write!(f, "{permission} {} in {place}", verb(*effect))?;
                if !path.is_empty() {
                    write!(f, " by role {}", way(path))?;
                }
                grant.map_or(Ok(()), |grant| write!(f, " by grant {grant}"))
            }
            Self::Scope { scope, carried, behind } => {
                let carried = if *carried { "carried" } else { "not carried" };
                write!(f, "scope {scope} {carried}")?;
                behind.as_ref().map_or(Ok(()), |behind| write!(f, "; it needs permission {behind}"))
            }
            Self::BeyondScope => f.write_str("beyond the scopes of the credential"),
            Self::Condition(circumstance) => write!(f, "{circumstance}"),
        }
    }
}

impl fmt::Display for Circumstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Holds => "holds",
            State::Fails => "does not hold",
            State::Unknown => "unknown",
        };
        write!(f, "{} ({state})", self.sentence)
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => f.write_str("signing in"),
            Self::SignInAgain { remedies } => {
                f.write_str("signing in again")?;
                remedies.iter().try_for_each(|remedy| match remedy {
                    Remedy::RecentLogin(seconds) => {
                        write!(f, ", at most {seconds} seconds before")
                    }
                    Remedy::SecondFactor => f.write_str(", with a second factor"),
                })
            }
            Self::Role { role } => write!(f, "role {role}"),
            Self::Grant { permission } => write!(f, "a grant of {permission}"),
            Self::Scope { scope } => write!(f, "a token with scope {scope}"),
            Self::NoScopeLimit => f.write_str(UNSCOPED),
            Self::Waiting { until } => write!(f, "waiting until {}", until.local),
            Self::Circumstance { sentence } => write!(f, "asking {sentence}"),
            Self::RevokeGrant { grant } => write!(f, "taking grant {grant} back"),
            Self::RoleWithout { role, permission } => {
                write!(f, "role {role} without the denial of {permission}")
            }
        }
    }
}
