//! `[throttle]`: how often a wrong password may be tried.

use std::time::Duration;

use super::table::settings;

settings! {
    /// How often a wrong password may be tried before the answer is 429.
    Throttle reads "throttle" {
        /// Failed attempts on one account within `window`, from one address.
        account_attempts: u32 = 20;
        /// Failed attempts from one address (of IPv6, one /64) within `window`, on whatever account; and
        /// as many registrations and e-mails asked for from there.
        address_attempts: u32 = 100;
        /// The time over which attempts are counted.
        window: Duration = Duration::from_mins(15);
    }
}
