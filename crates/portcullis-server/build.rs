//! Takes Swagger UI's files out of the crate that ships them, so that they are served as they are:
//! plain, and packed by gzip.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::{env, fs};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::GzEncoder;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED as ARCHIVE;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What is taken: name and media type.
const TAKEN: [(&str, &str); 6] = [
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
    ("oauth2-redirect.html", "text/html; charset=utf-8"),
    ("oauth2-redirect.js", "text/javascript; charset=utf-8"),
];

/// What is ours.
const OWN: [(&str, &str); 2] =
    [("index.html", "text/html; charset=utf-8"), ("start.js", "text/javascript; charset=utf-8")];

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=assets/docs");
    let out = env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?;
    let mut list = String::from("&[\n");
    for (name, media_type) in TAKEN {
        write_asset(Path::new(&out), name, media_type, &take(name)?, &mut list)?;
    }
    for (name, media_type) in OWN {
        let plain = fs::read(Path::new("assets/docs").join(name))?;
        write_asset(Path::new(&out), name, media_type, &plain, &mut list)?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&out).join("docs_assets.rs"), list)?;
    Ok(())
}

fn write_asset(
    out: &Path,
    name: &str,
    media_type: &str,
    plain: &[u8],
    list: &mut String,
) -> Outcome<()> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(plain)?;
    fs::write(out.join(name), plain)?;
    fs::write(out.join(format!("{name}.gz")), gzip.finish()?)?;
    let tag = format!("{:08x}{:x}", crc32fast::hash(plain), plain.len());
    writeln!(
        list,
        "Asset {{ name: {name:?}, media_type: {media_type:?}, tag: {tag:?}, \
         plain: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")), \
         gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\")) }},"
    )?;
    Ok(())
}

/// The content of the file `dist/<name>` of the archive.
fn take(name: &str) -> Outcome<Vec<u8>> {
    const END: &[u8] = b"PK\x05\x06";
    let end =
        ARCHIVE.windows(4).rposition(|window| window == END).ok_or("the archive has no end")?;
    let entries = number(end + 10, 2)?;
    let mut at = number(end + 16, 4)?;
    for _ in 0..entries {
        let (method, packed) = (number(at + 10, 2)?, number(at + 20, 4)?);
        let (name_length, rest) = (number(at + 28, 2)?, number(at + 30, 2)? + number(at + 32, 2)?);
        let start = number(at + 42, 4)?;
        let path = std::str::from_utf8(slice(at + 46, name_length)?)?;
        let mut steps = path.split('/');
        steps.next();
        if steps.eq(["dist", name]) {
            let data = start + 30 + number(start + 26, 2)? + number(start + 28, 2)?;
            let stored = slice(data, packed)?;
            return match method {
                8 => {
                    let mut plain = Vec::new();
                    DeflateDecoder::new(stored).read_to_end(&mut plain)?;
                    Ok(plain)
                }
                0 => Ok(stored.to_vec()),
                _ => Err(format!("{path} is packed in a way not known here").into()),
            };
        }
        at += 46 + name_length + rest;
    }
    Err(format!("the archive does not hold dist/{name}").into())
}

fn slice(at: usize, length: usize) -> Outcome<&'static [u8]> {
    Ok(ARCHIVE.get(at..at + length).ok_or("the archive is cut short")?)
}

fn number(at: usize, length: usize) -> Outcome<usize> {
    Ok(slice(at, length)?.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
}
