//! Passwords: what is kept, what is refused, and that the threads behave.

use std::time::Duration;

use super::*;

fn passwords(settings: PasswordSettings) -> Passwords {
    Passwords::start(settings, Sources::system()).unwrap()
}

fn one_thread() -> PasswordSettings {
    PasswordSettings { threads: Some(1), ..PasswordSettings::cheap() }
}

#[tokio::test]
async fn hashes_and_compares() {
    let passwords = passwords(PasswordSettings::default());
    let hash = passwords.hash("пароль-из-символов".into()).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let good = passwords.verify("пароль-из-символов".into(), &hash).await.unwrap();
    assert_eq!(good, Verdict { matches: true, rehash_needed: false });
    let bad = passwords.verify("пароль-из-символов!".into(), &hash).await.unwrap();
    assert_eq!(bad, Verdict { matches: false, rehash_needed: false });
    assert!(!passwords.verify_nobody("пароль-из-символов".into()).await.unwrap().matches);
}

#[tokio::test]
async fn a_hash_of_the_reference_implementation_is_read() {
    // Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1`.
    let phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
               $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
    let verdict = passwords(one_thread()).verify("password".into(), phc).await.unwrap();
    assert_eq!(verdict, Verdict { matches: true, rehash_needed: true });
}

#[tokio::test]
async fn every_salt_is_fresh_and_one_password_has_one_spelling() {
    let passwords = passwords(one_thread());
    let composed = passwords.hash("na\u{ef}ve caf\u{e9} \u{fb01}sh".into()).await.unwrap();
    let again = passwords.hash("na\u{ef}ve caf\u{e9} \u{fb01}sh".into()).await.unwrap();
    assert_ne!(composed, again);
    let other = "nai\u{308}ve\u{a0}cafe\u{301}\u{3000}fish";
    assert!(passwords.verify(other.into(), &composed).await.unwrap().matches);
    assert!(!passwords.verify("naive cafe fish".into(), &composed).await.unwrap().matches);
}

#[tokio::test]
async fn hashes_of_other_settings_are_marked_and_absurd_ones_refused() {
    let weak = passwords(one_thread());
    let hash = weak.hash("down-the-rabbit-hole".into()).await.unwrap();
    let strong = passwords(PasswordSettings { passes: 3, ..one_thread() });
    let verdict = strong.verify("down-the-rabbit-hole".into(), &hash).await.unwrap();
    assert_eq!(verdict, Verdict { matches: true, rehash_needed: true });
    let verdict = strong.verify("down-the-rabbit-hol".into(), &hash).await.unwrap();
    assert_eq!(verdict, Verdict { matches: false, rehash_needed: false });

    let forged = |from: &str, to: &str| hash.replace(from, to);
    for (phc, error) in [
        (forged("m=64", "m=1048577"), PasswordError::AbsurdHash),
        (forged("t=1", "t=11"), PasswordError::AbsurdHash),
        (forged("p=1", "p=5"), PasswordError::AbsurdHash),
        (forged("argon2id", "argon2d"), PasswordError::UnreadableHash),
        (forged("v=19", "v=16"), PasswordError::UnreadableHash),
        (forged("m=64", "m=4294967296"), PasswordError::UnreadableHash),
        (String::new(), PasswordError::UnreadableHash),
        ("x".repeat(100_000), PasswordError::UnreadableHash),
        (
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".into(),
            PasswordError::UnreadableHash,
        ),
        (hash.rsplit_once('$').unwrap().0.into(), PasswordError::UnreadableHash),
    ] {
        assert_eq!(weak.verify("x".into(), &phc).await, Err(error), "{phc:.80}");
    }
}

#[tokio::test]
async fn a_password_as_long_as_a_book_matches_nothing_and_costs_nothing() {
    let passwords = passwords(one_thread());
    let hash = passwords.hash("down-the-rabbit-hole".into()).await.unwrap();
    let book = || Secret::new("x".repeat(1_000_000));
    assert!(!passwords.verify(book(), &hash).await.unwrap().matches);
    assert!(!passwords.verify_nobody(book()).await.unwrap().matches);
}

#[tokio::test]
async fn a_full_queue_refuses_and_those_who_gave_up_keep_no_place() {
    // Slow enough that the single thread is still at the first when the last is asked.
    let settings = PasswordSettings { memory_kib: 64 * 1024, passes: 10, ..Default::default() };
    let passwords = passwords(PasswordSettings { waiting: Some(2), threads: Some(1), ..settings });
    let ask = || {
        let passwords = passwords.clone();
        tokio::spawn(async move { passwords.verify_nobody("x".into()).await })
    };
    let until_waiting = async |count| {
        while passwords.inner.pool.waiting() != count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let busy = ask();
    tokio::task::yield_now().await;
    until_waiting(0).await;
    let (second, third) = (ask(), ask());
    until_waiting(2).await;
    assert_eq!(passwords.verify_nobody("x".into()).await, Err(PasswordError::Overloaded));
    second.abort();
    third.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    assert!(third.await.unwrap_err().is_cancelled());
    assert!(!passwords.verify_nobody("x".into()).await.unwrap().matches);
    assert!(busy.await.unwrap().is_ok());
}

#[test]
fn the_threads_end_with_the_last_handle() {
    let holders = {
        let passwords =
            passwords(PasswordSettings { threads: Some(3), ..PasswordSettings::cheap() });
        let clone = passwords.clone();
        drop(passwords);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(clone.hash("down-the-rabbit-hole".into())).unwrap();
        assert!((clone.inner.pool.holders())() > 3);
        clone.inner.pool.holders()
    };
    for _ in 0..500 {
        if holders() == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("a thread is still there");
}

#[test]
fn settings_that_cannot_protect_are_refused_all_at_once() {
    let settings = PasswordSettings {
        memory_kib: 1024,
        lanes: 5,
        min_characters: 4,
        max_characters: 20,
        threads: Some(0),
        ..Default::default()
    };
    let error = Passwords::start(settings, Sources::system()).unwrap_err();
    assert_eq!(error.faults.len(), 5, "{error}");
}

#[test]
fn good_passwords_are_accepted() {
    let passwords = passwords(one_thread());
    for (username, password) in [
        ("ada", "analytical:engine:1843"),
        ("mona", "moderate-every-thread"),
        ("alice", "down-the-rabbit-hole"),
        ("gus", "just-looking-around-1"),
        ("rita", "reads-all-the-books-2"),
        ("will", "writes-all-the-books"),
        ("nick", "nine-to-five-weekdays"),
        ("lois", "from-this-host-only-3"),
        ("dora", "never-may-delete-any"),
        ("ghost", "long-gone-and-inactive"),
        ("ïvan", "пароль-из-символов"),
        ("bob", "seven green bottles hanging on"),
        ("bob", "私の猫は毎朝四時に起きて鳴くので困る"),
        ("bob", "Xk3#vQ9!mZ2@pL7$"),
        ("bob", "7f9c2ba4e88f827d616045507605853e"),
    ] {
        assert_eq!(passwords.fault(password, username), None, "{password}");
    }
    assert_eq!(passwords.fault(&"kein Ende ohne Anfang; ".repeat(11)[..250], "bob"), None);
}

#[test]
fn bad_passwords_are_refused_and_told_why() {
    let passwords = passwords(one_thread());
    for (username, password, why) in [
        ("bob", "", "short"),
        ("bob", "fourteen chars", "short"),
        // Sixteen code points as written, eight as spelled.
        ("bob", "e\u{301}a\u{301}o\u{301}u\u{301}i\u{301}n\u{303}a\u{308}o\u{308}", "short"),
        ("bob", "ﷺ", "short"),
        ("bob", "aaaaaaaaaaaaaaaa", "repeats"),
        ("bob", "abcabcabcabcabcabc", "repeats"),
        ("bob", "tr0ub4dortr0ub4dor", "repeats"),
        ("bob", "123456789012345", "runs"),
        ("bob", "abcdefghijklmnop", "runs"),
        ("bob", "qwertyuiopasdfgh", "runs"),
        ("bob", "zyxwvutsrqponmlk", "runs"),
        ("bob", "password-password1", "common"),
        ("bob", "P@ssw0rd-P@ssw0rd!", "common"),
        ("bob", "Correct horse battery staple", "common"),
        ("bob", "letmein-welcome-123456", "common"),
        ("bob", "Portcullis-Bob-2026", "username"),
        ("margaret.hamilton", "MargaretHamilton1", "username"),
        ("bob", "with a \u{7} bell in the middle", "control"),
    ] {
        let fault = passwords.fault(password, username).unwrap_or_default();
        assert!(fault.contains(why), "{password:?}: {fault:?}");
    }
    let long: String = (0..257).filter_map(|n| char::from_u32(0x4e00 + n * 7)).collect();
    let bound = |text: &str| passwords.fault(text, "bob").unwrap_or_default();
    assert_eq!(bound(&long), "it is too long: write at most 256 characters");
    assert!(bound("fourteen chars").contains("at least 15 characters"));
    let fits: String = long.chars().take(256).collect();
    assert_eq!(passwords.fault(&fits, "bob"), None);
}
