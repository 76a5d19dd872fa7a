//! What every store must do: run it on one of your own.
//!
//! ```
//! use portcullis::store::MemoryStore;
//! use portcullis::testing::contract;
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! contract::all(async || MemoryStore::new()).await;
//! # });
//! ```

mod access;
mod api_keys;
mod audit;
mod clients;
mod feed;
mod holders;
mod keys;
mod persistence;
mod rotation;
mod samples;
mod sessions;
mod tokens;
mod users;

use std::sync::Arc;

use crate::store::Store;

/// Runs each of these on a store of its own.
macro_rules! run {
    ($make:ident: $($case:path,)*) => {
        $($case(&Arc::new($make().await)).await;)*
    };
}

/// Puts stores through the contract; `make` makes an empty one each time. It takes a runtime with
/// more than one thread to try what must be atomic.
///
/// # Panics
/// Where the contract is broken.
pub async fn all<S: Store>(make: impl AsyncFn() -> S) {
    run!(make:
        users::are_found_by_id_and_login,
        users::have_logins_of_their_own,
        users::differ_by_more_than_case,
        users::change,
        users::are_made_whole_or_not_at_all,
        users::are_made_once_however_many_try,
        users::keep_a_stronger_hash_only_of_the_same_password,
        users::leave_nothing_behind,
        users::come_in_pages,
        clients::are_registered_changed_and_deleted,
        clients::come_in_pages,
        access::roles_are_made_replaced_and_deleted,
        access::a_role_never_includes_itself,
        access::a_cycle_is_not_made_by_two_at_once,
        access::roles_are_assigned_to_users_and_clients,
        access::the_holders_of_a_role_are_who_was_assigned_it,
        access::grants_are_direct_and_in_order,
        access::grants_are_replaced_in_one_step,
        access::a_standing_follows_every_change,
        holders::the_last_one_stays,
        holders::of_two_who_leave_at_once_one_stays,
        sessions::begin_for_the_active_only,
        sessions::are_found,
        sessions::move_their_idle_expiry_while_live,
        sessions::end_for_ever,
        sessions::end_with_password_and_activity,
        sessions::are_at_most_a_hundred,
        sessions::stay_known_as_ended_until_swept,
        tokens::are_found_until_revoked,
        tokens::belong_to_a_session,
        tokens::are_swept,
        rotation::goes_from_one_to_the_next,
        rotation::gives_a_retry_the_same_successor,
        rotation::ends_the_session_on_reuse,
        rotation::stops_where_the_session_does,
        rotation::of_fifty_at_once_leaves_one_lineage,
        api_keys::are_kept_used_and_deleted,
        api_keys::end_with_their_user,
        api_keys::of_a_client_end_with_it,
        api_keys::are_bounded_and_swept,
        keys::are_kept_in_order,
        keys::are_made_first_by_one_only,
        audit::chains_without_a_gap,
        audit::is_filtered_and_paged,
        feed::tells_what_changed,
        feed::is_quiet_where_nothing_did,
        feed::says_so_where_it_forgot,
    );
}

/// Puts stores that outlive the process through what that asks of them, on top of [`all`]:
/// `reopen` is handed a store and gives back a new one on the same data.
///
/// # Panics
/// Where the contract is broken.
pub async fn persistent<S: Store>(make: impl AsyncFn() -> S, reopen: impl AsyncFn(S) -> S) {
    persistence::everything_answered_is_there(make().await, &reopen).await;
    persistence::ended_and_revoked_stay_so(make().await, &reopen).await;
}
