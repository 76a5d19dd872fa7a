//! The command line: what a person at a shell may do, one file a noun.
//!
//! A command changes the same database as a running server, which follows within a tenth of a
//! second; a command that changes something waits for that before it ends, so that what it says
//! holds there too. What a command prints goes to standard output; what went wrong, with the fix, to
//! standard error. It ends with 0, with 1 where something was refused, with 2 where the command
//! itself was not understood.

mod audit;
mod audit_archive;
mod backup;
mod check;
mod client;
mod client_key;
mod client_secret;
mod copy;
mod cors;
mod demo;
mod doctor;
mod failure;
mod grants;
mod hours;
mod invite;
mod key;
mod migrate;
mod open;
mod password;
mod role;
mod routes;
mod secret;
mod serve;
mod show;
mod token;
mod user;
mod why;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use self::failure::Failure;
use crate::app::FOLLOWED_EVERY;
use crate::config::{Settings, SharedFlags};

/// A security layer for web APIs: who may call what, and who says so.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "The first administrator: portcullis user add --role admin NAME\n\
    Every setting: docs/generated/config.md. What is wrong with yours: portcullis check")]
struct Command {
    #[command(flatten)]
    shared: SharedFlags,
    #[command(subcommand)]
    operation: Operation,
}

/// What may be done.
#[derive(Debug, clap::Subcommand)]
enum Operation {
    /// Serve the tutorial's whole system with sample data, for this machine only
    Demo,
    /// Serve for real use
    Serve,
    /// People with accounts
    #[command(subcommand)]
    User(user::Operation),
    /// Roles: named bundles of permissions
    #[command(subcommand)]
    Role(role::Operation),
    Invite(invite::Invite),
    /// Programs that are registered
    #[command(subcommand)]
    Client(client::Operation),
    /// The keys that sign tokens
    #[command(subcommand)]
    Key(key::Operation),
    /// Tokens that are out
    #[command(subcommand)]
    Token(token::Operation),
    /// Who did what to whom, from where, when
    #[command(subcommand)]
    Audit(audit::Operation),
    /// The master secret
    #[command(subcommand)]
    Secret(secret::Operation),
    /// Print the access table: method, path, who may call
    Routes {
        #[command(flatten)]
        whose: routes::Whose,
        /// Print route by role instead: who may call what
        #[arg(long)]
        matrix: bool,
        #[command(flatten)]
        form: show::Form,
    },
    /// Say whether somebody may call a route, and why
    Why(why::Question),
    /// Print the OpenAPI document
    Openapi {
        #[command(flatten)]
        whose: routes::Whose,
    },
    /// Read the configuration and say every mistake at once, each with its fix
    Check,
    /// Bring the database to the newest schema
    Migrate,
    /// Copy the database to a file, also while a server uses it, and verify the copy
    Backup(backup::Backup),
    /// Put a backup in the database's place, and verify it
    Restore(backup::Restore),
    /// Copy everything to another database, of SQLite or PostgreSQL, and compare the two
    Copy(copy::Copy),
    /// Look at a running server from outside: TLS, headers, CORS, discovery, clock, exposure
    Doctor(doctor::Doctor),
    /// Pages of other origins
    #[command(subcommand)]
    Cors(cors::Operation),
}

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            // Help goes to standard output, a mistake to standard error. Nobody may be listening.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let mut runtime = match command.operation {
        Operation::Serve | Operation::Demo => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let done = match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(command.run()),
        Err(error) => Err(Failure::Io("the runtime cannot be started".to_owned(), error)),
    };
    match done.and_then(|text| show::print(&text)) {
        Ok(_) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = write!(std::io::stderr(), "{failure}");
            failure.code()
        }
    }
}

impl Command {
    /// Does it, and returns what is to be printed.
    async fn run(self) -> Result<String, Failure> {
        let Self { shared, operation } = self;
        let changes = operation.changes();
        let done = operation.run(shared).await;
        if changes && done.is_ok() {
            tokio::time::sleep(FOLLOWED_EVERY + FOLLOWED_EVERY / 2).await;
        }
        done
    }
}

impl Operation {
    /// Whether it changes what a running server goes by.
    const fn changes(&self) -> bool {
        match self {
            Self::User(operation) => {
                !matches!(operation, user::Operation::List(_) | user::Operation::Show { .. })
            }
            Self::Role(operation) => {
                !matches!(operation, role::Operation::List { .. } | role::Operation::Show { .. })
            }
            Self::Client(operation) => !matches!(
                operation,
                client::Operation::List { .. } | client::Operation::Show { .. }
            ),
            Self::Key(operation) => !matches!(operation, key::Operation::List { .. }),
            Self::Token(_) | Self::Secret(_) => true,
            Self::Invite(invite) => invite.changes(),
            _ => false,
        }
    }

    async fn run(self, shared: SharedFlags) -> Result<String, Failure> {
        let settings = || Settings::load(&shared);
        match self {
            Self::Demo => demo::demo(&shared).await,
            Self::Serve => serve::serve(&shared).await,
            Self::Why(question) => why::why(&question.whose.settings(&shared)?, question).await,
            Self::Routes { whose, matrix: true, form } => {
                routes::matrix(&whose.settings(&shared)?, whose, form).await
            }
            Self::Routes { whose, matrix: false, form } => {
                routes::routes(&settings()?, whose, form).await
            }
            Self::Openapi { whose } => routes::openapi(&settings()?, whose).await,
            Self::Migrate => migrate::migrate(&settings()?).await,
            Self::Backup(backup) => backup.run(&settings()?).await,
            Self::Restore(restore) => restore.run(&settings()?).await,
            Self::Copy(copy) => copy.run(&settings()?).await,
            Self::Doctor(doctor) => doctor.run().await,
            Self::Check => check::check(&shared).await,
            Self::Cors(operation) => operation.run(&settings()?).await,
            Self::User(operation) => operation.run(&settings()?).await,
            Self::Role(operation) => operation.run(&settings()?).await,
            Self::Invite(invite) => invite.run(&settings()?).await,
            Self::Client(operation) => operation.run(&settings()?).await,
            Self::Key(operation) => operation.run(&settings()?).await,
            Self::Token(operation) => operation.run(&settings()?).await,
            Self::Audit(operation) => operation.run(&settings()?).await,
            Self::Secret(operation) => operation.run(&settings()?).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::CommandFactory as _;

    use super::Command;

    /// Every command's help, each under its name.
    fn page() -> String {
        fn write(page: &mut String, command: &mut clap::Command) {
            let name = command.get_bin_name().unwrap_or("portcullis").to_owned();
            let help = command.clone().term_width(100).render_help().to_string();
            let lines: String =
                help.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n");
            let _ = write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.trim_end());
            for subcommand in command.get_subcommands_mut() {
                write(page, subcommand);
            }
        }
        let mut page = String::from(
            "# Commands\n\n\
             Generated by `cargo xtask bless` from `crates/portcullis-server/src/cli`. Do not edit.\n",
        );
        let mut command = Command::command();
        command.build();
        write(&mut page, &mut command);
        page
    }

    #[test]
    fn the_page_of_commands_is_up_to_date() {
        crate::generated::compare("cli.md", &page());
    }

    #[test]
    fn commands_do_not_contradict_themselves() {
        Command::command().debug_assert();
    }
}
