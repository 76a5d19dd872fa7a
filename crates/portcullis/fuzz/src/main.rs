//! Fuzzes without cargo-fuzz, on a stable compiler: `portcullis-fuzz [TARGET|all] [SECONDS] [SEED]`.
//!
//! It knows nothing of coverage: it mutates a small corpus with the words of each grammar. The
//! same seed throws the same bytes.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Target {
    name: &'static str,
    run: fn(&[u8]),
    corpus: &'static [&'static [u8]],
    words: &'static [&'static [u8]],
}

const TARGETS: &[Target] = &[
    Target {
        name: "authorization",
        run: portcullis_fuzz::authorization,
        corpus: &[
            b"Basic YWRhOnJpZ2h0",
            b"bearer abc.def_-~+/==",
            b"Bearer a\nBearer b",
            b"pc_at_00000000000000000000000000000000000000000000000000",
        ],
        words: &[b"Basic ", b"Bearer ", b"=", b":", b" ", b"\n", b"pc_key_", b"\xff", b"Og=="],
    },
    Target {
        name: "cookie",
        run: portcullis_fuzz::cookie,
        corpus: &[b"a=b; __Host-session=pc_st_x; c=d", b"__Host-session=\"x\"", b"=;;="],
        words: &[b"__Host-session=", b"; ", b";", b"=", b"\"", b"\n", b"\t", b"%3D", b"\xff"],
    },
    Target {
        name: "form",
        run: portcullis_fuzz::form,
        corpus: &[
            b"grant_type=password&username=ada&password=x",
            b"grant_type=refresh_token&refresh_token=pc_rt_x&scope=a+b",
        ],
        words: &[
            b"&",
            b"=",
            b"+",
            b"%00",
            b"%ff",
            b"%",
            b"grant_type=",
            b"refresh_token=",
            b"[]",
            b"client_id=",
            b"client_secret=",
            b"scope=",
            b"password=",
            b";",
            b"\0",
        ],
    },
    Target {
        name: "forwarded",
        run: portcullis_fuzz::forwarded,
        corpus: &[
            b"for=192.0.2.60;proto=http;by=203.0.113.43",
            b"for=\"[2001:db8::1]:4711\", for=_hidden, for=unknown",
            b"192.0.2.1, 10.0.0.2",
        ],
        words: &[
            b"for=",
            b"proto=https",
            b"host=",
            b"\"",
            b"[",
            b"]",
            b";",
            b",",
            b":",
            b"\\",
            b"unknown",
            b"_x",
            b"::1",
            b"10.0.0.3",
            b"\n",
        ],
    },
    Target {
        name: "jws",
        run: portcullis_fuzz::jws,
        corpus: &[
            b"\0",
            b"\0\x10\x80a",
            b"\0\x00\x80e\x01\x80x",
            b"eyJhbGciOiJub25lIn0.e30.",
            b"..",
            b"{}.{}.{}",
        ],
        words: &[b"\0", b".", b"=", b"-", b"_", b"eyJ", b"e30", b"A", b"\x10\x40."],
    },
];

/// Xorshift: the same seed, the same numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or_default() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or_default()
    }
}

fn mutate(bytes: &mut Vec<u8>, words: &[&[u8]], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let to = (at + dice.below(16)).min(bytes.len());
    match dice.below(7) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..to)),
        2 => bytes.insert(at, dice.byte()),
        3 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        4 => {
            let copy = bytes[at..to].to_vec();
            bytes.splice(at..at, copy);
        }
        5 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = dice.byte();
            }
        }
        _ => {
            let word = words[dice.below(words.len())];
            bytes.splice(at..at, word.iter().copied());
        }
    }
    bytes.truncate(4096);
}

/// Runs one target for so long. Returns how many inputs it was given.
fn fuzz(target: &Target, time: Duration, dice: &mut Dice) -> Result<u64, Vec<u8>> {
    let end = Instant::now() + time;
    let mut corpus: Vec<Vec<u8>> = target.corpus.iter().map(|seed| seed.to_vec()).collect();
    let mut count = 0;
    while Instant::now() < end {
        for _ in 0..64 {
            let mut bytes = corpus[dice.below(corpus.len())].clone();
            for _ in 0..=dice.below(6) {
                mutate(&mut bytes, target.words, dice);
            }
            count += 1;
            if std::panic::catch_unwind(|| (target.run)(&bytes)).is_err() {
                return Err(bytes);
            }
            // Now and then one is kept, so that mutations add up.
            match dice.below(50) {
                0 if corpus.len() < 500 => corpus.push(bytes),
                0 => {
                    let place = target.corpus.len() + dice.below(500 - target.corpus.len());
                    corpus[place] = bytes;
                }
                _ => {}
            }
        }
    }
    Ok(count)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = arguments.first().map_or("all", String::as_str);
    let number = |position: usize, usual: u64| {
        arguments.get(position).map_or(Ok(usual), |text| text.parse::<u64>())
    };
    let (Ok(seconds), Ok(seed)) = (number(1, 60), number(2, 1)) else { return usage() };
    let mut out = std::io::stdout();
    let mut ran = false;
    for target in TARGETS.iter().filter(|target| wanted == "all" || wanted == target.name) {
        ran = true;
        let mut dice = Dice(seed.max(1));
        let line = match fuzz(target, Duration::from_secs(seconds), &mut dice) {
            Ok(count) => format!("{}: {count} inputs, nothing found", target.name),
            Err(bytes) => {
                let text = bytes.escape_ascii();
                let _ = writeln!(out, "{}: FAILED (seed {seed}) for b\"{text}\"", target.name);
                return ExitCode::FAILURE;
            }
        };
        let _ = writeln!(out, "{line}");
    }
    if ran { ExitCode::SUCCESS } else { usage() }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let _ =
        writeln!(std::io::stderr(), "portcullis-fuzz [all|{}] [SECONDS] [SEED]", names.join("|"));
    ExitCode::FAILURE
}
