//! `/auth/verify` and `/auth/forgot-password`: an address counts once its owner was asked.

use std::time::Duration;

use portcullis::auth::{AccountChange, Actor};
use portcullis::clock::Sources;
use portcullis::crypto::Secret;
use portcullis::testing::{Answer, MailBox, TestApp, TestClient};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{auth, mount};

const PASSWORD: &str = "seventeen-quiet-owls";

/// An application, the box its letters fall into, and the folder its database lives in.
async fn app() -> (TestApp, MailBox, TempDir) {
    let letters = MailBox::new();
    let (builder, folder) = auth(Sources::system()).await;
    let auth = builder.mailer(letters.clone()).start().await.unwrap();
    (TestApp::new(mount(&auth, Sources::system()), auth), letters, folder)
}

fn person(app: &TestApp, name: &str) -> TestClient {
    app.user(name).with_password(PASSWORD)
}

async fn change_address(who: &TestClient, email: &str) -> Answer {
    let change = json!({"email": email, "current_password": PASSWORD});
    who.patch("/users/me").json(change).await
}

/// Waits for letters, which are written behind the answer, and takes them out: to whom, what about,
/// and the proof in each.
async fn delivered(letters: &MailBox, count: usize) -> Vec<(String, String, Option<String>)> {
    for _ in 0..500 {
        if letters.emails().len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let all = letters.empty();
    assert_eq!(all.len(), count, "{all:?}");
    let proof = |text: &str| {
        text.lines().find(|line| line.len() > 60 && !line.contains(' ')).map(str::to_owned)
    };
    all.into_iter().map(|mail| (mail.to, mail.subject, proof(&mail.text))).collect()
}

async fn verify(app: &TestApp, proof: &str) -> Answer {
    app.anon().post("/auth/verify").json(json!({"token": proof})).await
}

/// Gives somebody an address by the letter that goes there.
async fn settle(app: &TestApp, letters: &MailBox, who: &TestClient, email: &str) {
    change_address(who, email).await.expect(200);
    let sent = delivered(letters, 1).await;
    verify(app, sent[0].2.as_ref().unwrap()).await.expect(200);
    let _ = letters.empty();
}

#[tokio::test]
async fn a_new_address_counts_once_the_letter_was_answered() {
    let (app, letters, _folder) = app().await;
    let ann = person(&app, "ann");
    let answer: Value = change_address(&ann, "ann@example.org").await.expect(200).json();
    assert_eq!(answer["email"], json!(null));
    let sent = delivered(&letters, 1).await;
    assert_eq!(
        (sent[0].0.as_str(), sent[0].1.as_str()),
        ("ann@example.org", "Is this address yours?")
    );
    let proof = sent[0].2.clone().unwrap();
    let verified: Value = verify(&app, &proof).await.expect(200).json();
    assert_eq!(
        (&verified["email"], &verified["is_verified"]),
        (&json!("ann@example.org"), &json!(true))
    );
    verify(&app, &proof).await.expect(422);

    // Another one: the old address is told, and a proof for a third is void by then.
    change_address(&ann, "third@example.org").await.expect(200);
    let third = delivered(&letters, 1).await[0].2.clone().unwrap();
    change_address(&ann, "second@example.org").await.expect(200);
    let second = delivered(&letters, 1).await[0].2.clone().unwrap();
    verify(&app, &second).await.expect(200);
    let forwarded = delivered(&letters, 1).await;
    assert_eq!(forwarded[0].0, "ann@example.org");
    verify(&app, &third).await.expect(422);
    assert_eq!(ann.get("/users/me").await.json::<Value>()["email"], "second@example.org");
    // Only how it is written: no letter.
    let same: Value = change_address(&ann, "Second@example.org").await.expect(200).json();
    assert_eq!(same["email"], "Second@example.org");
    assert_eq!(letters.emails().len(), 0);
}

#[tokio::test]
async fn nobody_is_told_that_an_address_is_somebody_elses() {
    let (app, letters, _folder) = app().await;
    let (ann, bob) = (person(&app, "ann"), person(&app, "bob"));
    settle(&app, &letters, &ann, "ann@example.org").await;
    let strip = |answer: Answer| {
        let mut account: Value = answer.expect(200).json();
        account["updated_at"] = json!(null);
        account
    };
    let taken = strip(change_address(&bob, "ANN@example.org").await);
    assert_eq!(delivered(&letters, 1).await[0].1, "Somebody wants to use your address");
    let free = strip(change_address(&bob, "bob@example.org").await);
    assert_eq!(taken, free);
    let proof = delivered(&letters, 1).await[0].2.clone().unwrap();
    // Taken meanwhile: whoever has the letter is told, and nothing changes.
    settle(&app, &letters, &person(&app, "cid"), "bob@example.org").await;
    verify(&app, &proof).await.expect(409);
    assert_eq!(strip(bob.get("/users/me").await), free);
}

#[tokio::test]
async fn a_letter_is_promised_to_every_address_alike_and_sent_to_the_owner_alone() {
    let (app, letters, _folder) = app().await;
    let ann = person(&app, "ann");
    settle(&app, &letters, &ann, "ann@example.org").await;
    for path in ["/auth/forgot-password", "/auth/request-verify-token"] {
        let ask = |email: &str| app.anon().post(path).json(json!({"email": email}));
        let unknown = ask("nobody@example.org").await.expect(202).text();
        assert_eq!(ask("ann@example.org").await.expect(202).text(), unknown, "{path}");
    }
    // She is verified already: one letter.
    let proof = delivered(&letters, 1).await[0].2.clone().unwrap();
    verify(&app, &proof).await.expect(422);
    let reset = |password: &str| {
        app.anon().post("/auth/reset-password").json(json!({"token": proof, "password": password}))
    };
    reset("short").await.expect(422);
    reset("eighteen-louder-owls").await.expect(200);
    ann.get("/users/me").await.expect(401);
    reset("nineteen-louder-owls").await.expect(422);
}

#[tokio::test]
async fn letters_are_asked_for_by_an_address_and_sent_to_one_so_often_only() {
    let (app, letters, _folder) = app().await;
    let ann = person(&app, "ann");
    settle(&app, &letters, &ann, "ann@example.org").await;
    let ask = || app.anon().post("/auth/forgot-password").json(json!({"email": "ann@example.org"}));
    // Two of a hundred were asked for to settle the address.
    for _ in 0..99 {
        ask().await.expect(202);
    }
    assert!(ask().await.expect(429).header("retry-after").is_some());
    ask().from("127.0.0.2").await.expect(202);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(letters.empty().len(), 5, "five of a kind in a quarter of an hour");
}

#[tokio::test]
async fn an_address_that_only_folds_to_somebodys_gets_no_letter_of_theirs() {
    let (app, letters, _folder) = app().await;
    let ann = person(&app, "ann");
    settle(&app, &letters, &ann, "ann@fussball.example").await;
    for alike in ["ann@fußball.example", "ａnn@fussball.example", "ANN@fussball.example"] {
        // Past the schema, which takes no such address.
        app.auth().request_password_reset(&Actor::system(), alike.to_owned()).unwrap();
        let sent = delivered(&letters, 1).await;
        assert_eq!(sent[0].0, "ann@fussball.example", "asked for by {alike}");
    }
    // Nor is another domain taken for hers without a letter that goes there.
    let change = AccountChange {
        email: Some(Some("ann@fußball.example".to_owned())),
        current_password: Some(Secret::new(PASSWORD.to_owned())),
        ..AccountChange::default()
    };
    let who = portcullis::types::Principal::new(ann.id().await.into(), "ann");
    let user = app.auth().change_account(&who, change).await.unwrap();
    assert_eq!(user.email.as_deref(), Some("ann@fussball.example"));
}
