//! `docs/limits.md`: what one address, one account, one connection and one request may cost.

use std::fmt::Write as _;

use super::Settings;

/// A bound: what it bounds, the setting (or what fixes it), what comes beyond it, a test that reaches it.
struct Limit(&'static str, Bound, &'static str, &'static str);

/// Where a bound comes from.
enum Bound {
    /// A setting, with its default.
    Setting(&'static str),
    /// Written in the code.
    Fixed(&'static str),
}

use Bound::{Fixed, Setting};

const CONNECTIONS: &[Limit] = &[
    Limit(
        "connections, all together",
        Setting("server.max_connections"),
        "the idlest is closed for a new one; where all are at work, new ones wait",
        "a_full_room_takes_the_place_of_the_idlest_and_waits_for_the_busy",
    ),
    Limit(
        "connections of one address (IPv6: one /64)",
        Setting("server.connections_per_address"),
        "its idlest is closed for a new one; where all are at work, the new one is",
        "one_address_has_its_share_and_its_idlest_goes",
    ),
    Limit(
        "connections of the probes' listener",
        Fixed("64"),
        "as above, in a room of its own",
        "probes_are_answered_while_the_main_listener_is_full",
    ),
    Limit(
        "a header or a handshake that does not end, an answer that nobody takes",
        Setting("server.connection_timeout"),
        "the connection is closed",
        "a_header_that_never_ends_is_not_waited_for",
    ),
    Limit(
        "the end of the process",
        Setting("server.shutdown_timeout"),
        "requests under way are cut off",
        "the_end_does_not_wait_for_ever",
    ),
];

const REQUESTS: &[Limit] = &[
    Limit(
        "one request's answer",
        Setting("server.request_timeout"),
        "504",
        "an_answer_is_not_waited_for_longer_than_said",
    ),
    Limit(
        "a header",
        Setting("server.header_limit"),
        "431",
        "what_is_too_long_is_refused_and_what_fits_is_not",
    ),
    Limit(
        "a path with its query",
        Setting("server.uri_limit"),
        "414",
        "what_is_too_long_is_refused_and_what_fits_is_not",
    ),
    Limit(
        "a body",
        Setting("server.body_limit"),
        "413",
        "a_body_too_large_is_refused_announced_or_not",
    ),
    Limit(
        "a body of a public route",
        Setting("server.public_body_limit"),
        "413",
        "a_strangers_body_is_held_to_a_limit_of_its_own",
    ),
    Limit(
        "the age of the verdict under which a body is handed over",
        Fixed("3s"),
        "who sends it is judged again: 401, 403, or 409 where what they hold has changed",
        "a_handler_is_not_run_on_a_verdict_that_has_grown_old",
    ),
    Limit(
        "all bodies that arrive at once; one half for public routes",
        Setting("server.bodies_in_flight"),
        "503, `Retry-After: 1`",
        "strangers_take_one_half_and_leave_the_rest",
    ),
];

const NODES: &[Limit] = &[
    Limit(
        "connections that read, of one process",
        Setting("database.connections"),
        "more wait",
        "connections_that_are_ended_under_load_lose_no_answer",
    ),
    Limit(
        "the wait for a connection",
        Setting("database.acquire_timeout"),
        "503, `Retry-After: 1`",
        "a_node_that_is_cut_off_stops_answering_and_recovers_by_itself",
    ),
    Limit(
        "one statement, and a transaction that does nothing (PostgreSQL)",
        Setting("database.statement_timeout"),
        "503; the server ends the transaction",
        "a_transaction_that_does_nothing_is_ended_by_the_server",
    ),
    Limit(
        "an answer from memory without having read what others changed",
        Setting("cluster.max_staleness"),
        "the database is asked; 503 where it is away",
        "what_ends_on_one_node_ends_on_the_others_within_the_lease",
    ),
];

const ACCOUNTS: &[Limit] = &[
    Limit(
        "failed attempts on an account from one address, in `throttle.window`",
        Setting("throttle.account_attempts"),
        "429",
        "failures_fill_a_bucket_that_time_empties",
    ),
    Limit(
        "failed attempts, registrations and e-mails asked for, of one address",
        Setting("throttle.address_attempts"),
        "429",
        "registrations_from_one_address_are_counted",
    ),
    Limit(
        "invitations that are open",
        Fixed("1000"),
        "409",
        "only_so_many_invitations_are_open_at_once",
    ),
    Limit(
        "changes that an account makes of its own, in `throttle.window`: sign-ins, refreshes, revoked tokens",
        Setting("throttle.account_changes"),
        "429; what a permission allows is not counted",
        "what_an_account_changes_of_its_own_has_a_pace",
    ),
    Limit(
        "the same from one address",
        Setting("throttle.address_changes"),
        "429",
        "what_an_address_changes_has_a_pace",
    ),
    Limit(
        "the time over which all of these are counted",
        Setting("throttle.window"),
        "—",
        "failures_fill_a_bucket_that_time_empties",
    ),
    Limit(
        "direct grants of one user or client, and the members of their conditions together",
        Fixed("1000 each"),
        "409",
        "a_condition_and_all_of_them_have_a_bound",
    ),
    Limit(
        "members of one condition: conditions in it, networks, countries, parameters",
        Fixed("100"),
        "422",
        "a_condition_and_all_of_them_have_a_bound",
    ),
    Limit(
        "conditions asked for when something would be allowed",
        Fixed("30 000"),
        "it is not foreseen",
        "what_it_costs_to_say_when_is_bounded",
    ),
    Limit(
        "passwords hashed at once",
        Setting("passwords.threads"),
        "more wait (`0`: as many as there are cores)",
        "a_full_queue_refuses_and_those_who_gave_up_keep_no_place",
    ),
    Limit(
        "sign-ins that wait for a hash",
        Setting("passwords.queue"),
        "503",
        "a_full_queue_refuses_and_those_who_gave_up_keep_no_place",
    ),
    Limit(
        "the memory of one hash",
        Setting("passwords.memory"),
        "—",
        "hashes_of_other_settings_are_marked_and_absurd_ones_refused",
    ),
    Limit(
        "roles that one user or client holds in places, such as in tenants",
        Fixed("1000"),
        "409",
        "what_one_subject_holds_in_places_is_bounded_and_goes_with_it",
    ),
];

const LIFETIMES: &[Limit] = &[
    Limit(
        "an access token",
        Setting("tokens.access_ttl"),
        "401",
        "a_token_counts_from_its_beginning_to_its_end",
    ),
    Limit(
        "a refresh token that is not used",
        Setting("tokens.refresh_ttl"),
        "400 `invalid_grant`; its session is swept",
        "what_was_ended_stays_so_and_what_was_not_lives",
    ),
    Limit(
        "a session",
        Setting("tokens.session_ttl"),
        "ends; swept with its tokens",
        "what_was_ended_stays_so_and_what_was_not_lives",
    ),
    Limit(
        "the retry of a refresh",
        Setting("tokens.refresh_window"),
        "the session ends",
        "a_retry_gets_the_very_same_token_until_the_window_has_passed",
    ),
];

const DATABASE: &[Limit] = &[
    Limit(
        "a change that waits for its turn, behind changes of this process and of others",
        Setting("database.lock_timeout"),
        "503, `Retry-After: 1`; reads do not wait",
        "writers_wait_for_another_process_a_bounded_time_and_reads_not_at_all",
    ),
    Limit(
        "rows deleted in one transaction: by a sweep, with an account, behind an archive",
        Fixed("500"),
        "the rest in further ones",
        "what_an_interrupted_cut_left_is_swept",
    ),
    Limit(
        "rows of the audit log for one kind of refusal, by one actor at one address, in a minute",
        Fixed("60"),
        "counted: one row with `repeated`",
        "a_minutes_repeats_are_written_then_counted",
    ),
    Limit(
        "such rows, all together",
        Fixed("200 a second, 2000 at once"),
        "counted: `audit.dropped`",
        "it_lets_a_burst_through_and_then_so_many_a_second",
    ),
    Limit(
        "rows of the audit log",
        Fixed("none"),
        "`portcullis audit archive` takes the older ones off",
        "a_log_goes_on_behind_its_archive_and_both_are_verified",
    ),
    Limit(
        "what subjects hold, in memory",
        Fixed("128 MiB, equal combinations once; 100 000 subjects"),
        "read from the database again",
        "what_differs_has_a_bound_and_then_memory_begins_anew",
    ),
];

const CLIENTS: &[Limit] = &[
    Limit(
        "secrets of one client",
        Fixed("2"),
        "409",
        "two_secrets_count_while_one_takes_over_from_the_other",
    ),
    Limit(
        "redirect URIs of one client, of each kind",
        Fixed("20, of 500 characters"),
        "422",
        "a_uri_that_could_lead_elsewhere_cannot_be_registered",
    ),
    Limit(
        "an authorization code",
        Fixed("one use, 60 s"),
        "400 `invalid_grant`; a second use ends what the first gave",
        "a_code_that_is_replayed_ends_what_it_gave_and_nothing_else",
    ),
    Limit("unused codes of one sign-in", Fixed("20"), "the oldest go", "—"),
    Limit(
        "the query of an authorization request",
        Fixed("4096 bytes"),
        "400",
        "a_redirect_that_is_not_registered_leads_nowhere",
    ),
    Limit("a person on a page of the flow", Fixed("an hour"), "400", "—"),
    Limit(
        "wrong secrets of one client that somebody chose, from one address",
        Setting("throttle.account_attempts"),
        "429",
        "failures_fill_a_bucket_that_time_empties",
    ),
];

const E_MAIL: &[Limit] = &[
    Limit(
        "e-mails that wait to be sent",
        Fixed("1000"),
        "the next one is dropped, and the log says so",
        "—",
    ),
    Limit(
        "attempts at one e-mail",
        Fixed("5, in six minutes"),
        "it is given up, and the log says so",
        "an_email_that_the_server_refuses_at_first_is_sent_again",
    ),
];

fn default_of(setting: &str) -> String {
    let (section, key) = setting.split_once('.').unwrap();
    let section = Settings::SECTIONS.iter().find(|one| one.name == section).unwrap();
    let setting = section.settings.iter().find(|one| one.key == key).unwrap();
    setting.default_is.map_or_else(|| format!("`{}`", (setting.default)()), str::to_owned)
}

/// The page.
fn markdown() -> String {
    let mut page = String::from(
        "# Limits\n\n\
         Generated by `cargo xtask bless` from `crates/portcullis-server/src/config/limits.rs`. Do not edit.\n\n\
         What one address, one account, one connection and one request may cost, and what comes beyond. The bounds\n\
         of settings are in [the list of settings](generated/config.md).\n",
    );
    for (heading, limits) in [
        ("Connections", CONNECTIONS),
        ("Requests", REQUESTS),
        ("Nodes and the database", NODES),
        ("Accounts and passwords", ACCOUNTS),
        ("Tokens and sessions", LIFETIMES),
        ("Database and memory", DATABASE),
        ("Clients", CLIENTS),
        ("E-mail", E_MAIL),
    ] {
        let _ = write!(
            page,
            "\n## {heading}\n\n| what | setting | default | beyond it | reached by |\n|---|---|---|---|---|\n"
        );
        for Limit(what, bound, beyond, test) in limits {
            let (setting, default) = match bound {
                Setting(name) => (format!("`{name}`"), default_of(name)),
                Fixed(number) => ("—".to_owned(), (*number).to_owned()),
            };
            let test = if *test == "—" { "—".to_owned() } else { format!("`{test}`") };
            let _ = writeln!(page, "| {what} | {setting} | {default} | {beyond} | {test} |");
        }
    }
    page
}

#[test]
fn the_page_of_limits_is_up_to_date() {
    crate::generated::compare("../limits.md", &markdown());
}
