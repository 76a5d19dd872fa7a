//! `[passwords]`: what a password must be, and what it costs to try one.

use super::table::settings;
use super::value::ByteSize;

settings! {
    /// What a new password must be, and what it costs to try one. Hashes are Argon2id.
    Passwords reads "passwords" {
        /// The fewest characters of a new password. Nothing is said about which characters.
        min_length: u32 = 15;
        /// The most characters of a new password.
        max_length: u32 = 256;
        /// The memory one hash takes. A hash made with less is remade at the next login.
        memory: ByteSize = ByteSize::mib(19);
        /// How often a hash passes over that memory.
        iterations: u32 = 2;
        /// How many hashes are computed at once, each on a thread and memory of its own. `0`: as many as there are cores.
        threads: u32 = 0;
        /// How many logins may wait for a thread. One more is a 503.
        queue: u32 = 64;
    }
}
