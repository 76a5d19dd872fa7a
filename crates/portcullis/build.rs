//! Builds the crate anew when a migration is added: `sqlx::migrate!` cannot say so by itself.

use std::io::{self, Write};

fn main() -> io::Result<()> {
    writeln!(io::stdout(), "cargo:rerun-if-changed=migrations")
}
