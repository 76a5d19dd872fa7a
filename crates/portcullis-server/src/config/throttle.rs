//! `[throttle]`: how often a wrong password may be tried, and something of one's own changed.

use std::time::Duration;

use super::table::settings;

settings! {
    /// How often a wrong password may be tried, and something of one's own changed, before the answer is 429.
    Throttle reads "throttle" {
        /// Failed attempts on one account within `window`, from one address.
        account_attempts: u32 = 20;
        /// Failed attempts from one address (of IPv6, one /64) within `window`, on whatever account; and
        /// as many registrations and e-mails asked for from there.
        address_attempts: u32 = 100;
        /// Changes that one account makes of its own within `window`: sign-ins, refreshes, revoked tokens, changes
        /// of itself. What a permission allows, such as `users:manage`, is not counted.
        account_changes: u32 = 600;
        /// The same from one address (of IPv6, one /64), by whatever account. Raise it where one server asks
        /// for tokens for all of its users.
        address_changes: u32 = 10_000;
        /// The time over which attempts and changes are counted.
        window: Duration = Duration::from_mins(15);
    }
}
