//! Files that hold a secret: read only where others cannot read them, made so that they cannot.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// No secret is longer than this; whoever names a device or a log by mistake is told.
const LONGEST: u64 = 64 * 1024;

/// Why a file of secrets was refused.
#[derive(Debug)]
pub(crate) enum FileFault {
    /// It cannot be read.
    Unreadable(PathBuf, io::Error),
    /// Others on the machine can read or change it.
    OpenToAll(PathBuf),
    /// It is empty, too long or not text.
    NotASecret(PathBuf),
}

impl FileFault {
    /// What to do about it.
    pub(crate) fn fix(&self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Unreadable(..) => format!("put the file there and let this user read {path}"),
            Self::OpenToAll(_) => format!(
                "`chmod o= {path}`; a mounted secret takes `mode: 0400` (Compose) or `defaultMode: 0400` (Kubernetes)"
            ),
            Self::NotASecret(_) => "write the secret into it, as one line of text".to_owned(),
        }
    }
}

impl fmt::Display for FileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(path, error) => {
                write!(f, "{} cannot be read: {error}", path.display())
            }
            Self::OpenToAll(path) => {
                write!(f, "{} can be read or changed by everybody on this machine", path.display())
            }
            Self::NotASecret(path) => {
                write!(f, "{} is empty, longer than 64 KiB or not UTF-8", path.display())
            }
        }
    }
}

/// Refuses a file that users other than its owner and group may read or write.
///
/// # Errors
/// [`FileFault::OpenToAll`], or [`FileFault::Unreadable`] where there is no telling.
pub(crate) fn refuse_if_open_to_all(path: &Path) -> Result<(), FileFault> {
    let file = File::open(path).map_err(|error| FileFault::Unreadable(path.into(), error))?;
    refuse_open_handle(&file, path)
}

fn refuse_open_handle(file: &File, path: &Path) -> Result<(), FileFault> {
    let facts = file.metadata().map_err(|error| FileFault::Unreadable(path.into(), error))?;
    match facts.permissions().mode() & 0o007 {
        0 => Ok(()),
        _ => Err(FileFault::OpenToAll(path.into())),
    }
}

/// Reads a file that holds a secret.
///
/// # Errors
/// Where it cannot be read, is open to all, or is too long.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, FileFault> {
    let unreadable = |error| FileFault::Unreadable(path.into(), error);
    let file = File::open(path).map_err(unreadable)?;
    // The handle is judged, not the path: what is read is what was looked at.
    refuse_open_handle(&file, path)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.is_empty() || bytes.len() as u64 > LONGEST {
        return Err(FileFault::NotASecret(path.into()));
    }
    Ok(bytes)
}

/// Reads a file that holds a secret as text, without the byte order mark and the line break that an
/// editor leaves at its beginning and end.
///
/// # Errors
/// As [`read_bytes`], and where it is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, FileFault> {
    let text =
        String::from_utf8(read_bytes(path)?).map_err(|_| FileFault::NotASecret(path.into()))?;
    // A byte order mark is an editor's, not a part of the secret.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() { Err(FileFault::NotASecret(path.into())) } else { Ok(line.to_owned()) }
}

/// Reads the file, or makes it with what `fresh` says, for its owner alone. Of several processes
/// that start at once, all read what the first one wrote.
///
/// # Errors
/// As [`read_bytes`]; where it cannot be made, or `fresh` fails.
pub(crate) fn read_or_make(
    path: &Path,
    fresh: impl FnOnce() -> io::Result<Vec<u8>>,
) -> Result<Vec<u8>, FileFault> {
    match read_bytes(path) {
        Err(FileFault::Unreadable(_, error)) if error.kind() == io::ErrorKind::NotFound => {
            make(path, fresh).map_err(|error| FileFault::Unreadable(path.into(), error))?;
            read_bytes(path)
        }
        other => other,
    }
}

fn make(path: &Path, fresh: impl FnOnce() -> io::Result<Vec<u8>>) -> io::Result<()> {
    let bytes = fresh()?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    // Left over by a process of the same number that died here: its bytes were never used.
    if draft.exists() {
        std::fs::remove_file(&draft)?;
    }
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(&bytes)?;
        file.sync_all()?;
        // A link appears whole, and fails where another process was first.
        match std::fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    let removed = std::fs::remove_file(&draft);
    written?;
    removed?;
    // The name is kept only once the folder is.
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.secret");
        let first = read_or_make(&path, || Ok(b"first".to_vec())).unwrap();
        let second = read_or_make(&path, || Ok(b"second".to_vec())).unwrap();
        assert_eq!((&first[..], &second[..]), (&b"first"[..], &b"first"[..]));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no draft is left over");
    }

    #[test]
    fn processes_that_start_at_once_agree() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.secret");
        make(&path, || Ok(b"first".to_vec())).unwrap();
        make(&path, || Ok(b"second".to_vec())).unwrap();
        assert_eq!(read_bytes(&path).unwrap(), b"first");
    }

    #[test]
    fn a_file_open_to_all_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "hush\n").unwrap();
        for (mode, good) in [(0o600, true), (0o640, true), (0o604, false), (0o602, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_text(&path).is_ok(), good, "{mode:o}");
        }
    }

    #[test]
    fn a_trailing_line_break_is_not_part_of_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        for (written, read) in [
            ("hush\r\n", "hush"),
            ("hush\n", "hush"),
            (" hush ", " hush "),
            // Faults §12: a byte order mark.
            ("\u{feff}hush\n", "hush"),
        ] {
            std::fs::write(&path, written).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert_eq!(read_text(&path).unwrap(), read);
        }
        std::fs::write(&path, "\u{feff}\n").unwrap();
        assert!(matches!(read_text(&path), Err(FileFault::NotASecret(_))));
        std::fs::write(&path, "").unwrap();
        assert!(matches!(read_text(&path), Err(FileFault::NotASecret(_))));
    }
}
