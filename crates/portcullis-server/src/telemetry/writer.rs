//! Writes the log by a thread of its own, so that no request waits for whoever reads standard error.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How many bytes may wait to be written. Lines beyond are left out and counted.
const MOST: usize = 4 * 1024 * 1024;

/// How long the end of the process waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The log of this process.
static LOG: OnceLock<LogWriter> = OnceLock::new();

/// Takes lines, and has them written in their order.
#[derive(Clone, Debug)]
pub(super) struct LogWriter(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Told when lines were added, and when all were written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    lost: u64,
    /// Whether the thread is writing what it took.
    writing: bool,
}

/// One line, as it is being formatted.
#[derive(Debug)]
pub(super) struct Line(LogWriter);

impl LogWriter {
    /// The log on standard error. Its thread begins with the first call.
    pub(super) fn standard_error() -> Self {
        LOG.get_or_init(|| {
            let writer = Self(Arc::default());
            let writing = writer.clone();
            // Where no thread can be had, lines are written by whoever logs them.
            let begun = std::thread::Builder::new()
                .name("log".to_owned())
                .spawn(move || writing.write_for_ever(io::stderr()));
            if begun.is_err() {
                writer.waiting().lost = u64::MAX;
            }
            writer
        })
        .clone()
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.lost == u64::MAX {
            drop(waiting);
            let _ = io::stderr().write_all(line);
            return;
        }
        if waiting.bytes.len() + line.len() > MOST {
            waiting.lost += 1;
            return;
        }
        waiting.bytes.extend_from_slice(line);
        self.0.changed.notify_all();
    }

    fn write_for_ever(&self, mut out: impl Write) {
        loop {
            let (bytes, lost) = {
                let mut waiting = self.waiting();
                while waiting.bytes.is_empty() {
                    waiting.writing = false;
                    self.0.changed.notify_all();
                    waiting = self.0.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
                }
                waiting.writing = true;
                (std::mem::take(&mut waiting.bytes), std::mem::take(&mut waiting.lost))
            };
            // Nobody may be reading.
            let _ = out.write_all(&bytes);
            if lost > 0 {
                let _ = writeln!(
                    out,
                    "{lost} lines of the log were left out: they came faster than they were read"
                );
            }
        }
    }

    fn flush(&self) {
        let waiting = self.waiting();
        let more = |waiting: &mut Waiting| waiting.writing || !waiting.bytes.is_empty();
        drop(self.0.changed.wait_timeout_while(waiting, LAST_LINES, more));
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until all lines are written, at the end of the process.
pub(crate) fn flush() {
    if let Some(log) = LOG.get() {
        log.flush();
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Line;

    fn make_writer(&self) -> Line {
        Line(self.clone())
    }
}

impl Write for Line {
    /// Takes a whole line: that is how the log is formatted.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who reads slowly.
    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(20));
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_in_their_order_and_nobody_waits_for_the_reader() {
        let (writer, slow) = (LogWriter(Arc::default()), Slow::default());
        let (writing, out) = (writer.clone(), slow.clone());
        std::thread::spawn(move || writing.write_for_ever(out));
        let began = std::time::Instant::now();
        let lines: String = (0..1000).map(|number| format!("line {number}\n")).collect();
        for line in lines.split_inclusive('\n') {
            writer.make_writer().write_all(line.as_bytes()).unwrap();
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        writer.flush();
        assert_eq!(slow.0.lock().unwrap().as_slice(), lines.as_bytes());
    }

    #[test]
    fn what_nobody_reads_is_counted_and_takes_no_memory() {
        let writer = LogWriter(Arc::default());
        for _ in 0..10 {
            writer.add(&vec![b'x'; MOST / 4]);
        }
        let waiting = writer.waiting();
        assert_eq!((waiting.bytes.len(), waiting.lost), (MOST, 6));
    }
}
