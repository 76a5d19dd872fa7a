//! The mail server's side, played by the test.

use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::*;

/// A mail server on loopback that offers no TLS, and says no to so many e-mails first.
async fn mail_server(mut refusals: usize) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut read = BufReader::new(read).lines();
            write.write_all(b"220 here\r\n").await.unwrap();
            let mut in_text = false;
            while let Ok(Some(line)) = read.next_line().await {
                lines.lock().unwrap().push(line.clone());
                let answer = match line.split(' ').next().unwrap_or_default() {
                    "." if in_text && refusals > 0 => {
                        refusals -= 1;
                        in_text = false;
                        "451 not now\r\n"
                    }
                    "." => {
                        in_text = false;
                        "250 taken\r\n"
                    }
                    _ if in_text => continue,
                    "EHLO" => "250-here\r\n250 AUTH PLAIN LOGIN\r\n",
                    "AUTH" => "235 known\r\n",
                    "DATA" => {
                        in_text = true;
                        "354 go on\r\n"
                    }
                    "STARTTLS" => "502 no\r\n",
                    _ => "250 good\r\n",
                };
                write.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (port, heard)
}

fn smtp_to(url: &str) -> Smtp {
    let pauses = vec![Duration::from_millis(20); 3];
    Smtp::new(server(url).unwrap(), "A <a@example.org>".parse().unwrap(), pauses)
}

fn mail() -> Mail {
    Mail {
        to: "ada@example.org".to_owned(),
        subject: "Reset".to_owned(),
        text: "the-proof".to_owned(),
    }
}

/// Faults §10, row 1.
#[tokio::test]
async fn a_server_that_refuses_tls_learns_neither_password_nor_proof() {
    let (port, heard) = mail_server(0).await;
    let smtp = smtp_to(&format!("smtp://user:pass@127.0.0.1:{port}?tls=required"));
    assert!(smtp.attempt(&mail()).await.is_err());
    let heard = heard.lock().unwrap().join("\n");
    assert!(heard.contains("EHLO"), "{heard}");
    for word in ["AUTH", "MAIL FROM", "the-proof"] {
        assert!(!heard.contains(word), "{heard}");
    }
}

/// Faults §10, row 1.
#[test]
fn beyond_loopback_tls_is_required_whatever_the_url_says() {
    let way = |url: &str| server(url).map(|server| server.way);
    for (url, shown) in [
        (
            "smtp://user:pass@mail.example.org:587",
            "mail.example.org:587 by STARTTLS, which is required",
        ),
        ("smtp://mail.example.org", "mail.example.org:587 by STARTTLS, which is required"),
        (
            "smtp://mail.example.org:25?tls=required",
            "mail.example.org:25 by STARTTLS, which is required",
        ),
        ("smtps://mail.example.org", "mail.example.org:465 by TLS from the start"),
        ("smtp://localhost", "localhost:25 by cleartext, on this machine"),
        ("smtp://[::1]:2525", "[::1]:2525 by cleartext, on this machine"),
    ] {
        assert_eq!(way(url).unwrap(), shown, "{url}");
        let debug = format!("{:?}", server(url).unwrap().builder);
        let is_tls = !url.contains("localhost") && !url.contains("::1");
        assert_eq!(debug.contains("Required") || debug.contains("Wrapper"), is_tls, "{debug}");
    }
    for (url, words) in [
        ("smtp://mail.example.org?tls=opportunistic", "cleartext"),
        ("smtp://mail.example.org?tls=none", "cleartext"),
        // Faults §12: port 22 for mail.
        ("smtp://mail.example.org:22", "port 22 is that of SSH"),
        ("http://mail.example.org", "no mail server's address"),
        ("mail.example.org", "no mail server's address"),
    ] {
        let said = way(url).unwrap_err().to_string();
        assert!(said.contains(words), "{url}: {said}");
    }
}

/// Faults §10, row 2.
#[tokio::test]
async fn an_email_that_the_server_refuses_at_first_is_sent_again() {
    let (port, heard) = mail_server(2).await;
    let smtp = smtp_to(&format!("smtp://127.0.0.1:{port}"));
    smtp.deliver(&mail()).await;
    let attempts = |heard: &[String]| heard.iter().filter(|line| *line == ".").count();
    assert_eq!(attempts(&heard.lock().unwrap()), 3, "twice refused, then taken");
    smtp.deliver(&mail()).await;
    assert_eq!(attempts(&heard.lock().unwrap()), 4);

    let (port, heard) = mail_server(usize::MAX).await;
    smtp_to(&format!("smtp://127.0.0.1:{port}")).deliver(&mail()).await;
    assert_eq!(attempts(&heard.lock().unwrap()), 4, "then it is given up");
}
