//! What is counted and measured, in the form of Prometheus. No label holds anything of a person.

use std::path::Path;
use std::time::Duration;

use http::Method;
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use portcullis::problem::ConfigError;

const REQUESTS: &str = "portcullis_http_requests_total";
const SECONDS: &str = "portcullis_http_request_duration_seconds";
const CONNECTIONS: &str = "portcullis_connections";
const LOST: &str = "portcullis_connections_dropped_total";
const DATABASE_UP: &str = "portcullis_database_up";
const DATABASE_BYTES: &str = "portcullis_database_bytes";
const MEMORY: &str = "process_resident_memory_bytes";
const STARTED: &str = "portcullis_build_info";

/// Where one bucket of seconds ends and the next begins.
const BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// What was counted so far.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Begins to count, for the whole process.
    ///
    /// # Errors
    /// Where a name or a bucket cannot be one.
    pub(crate) fn start() -> Result<Self, ConfigError> {
        let recorder = recorder().map_err(|error| {
            ConfigError::one("metrics", error.to_string(), "report this as a fault of portcullis")
        })?;
        let handle = recorder.handle();
        // Only the first one of a process counts; a test may start several.
        let _ = metrics::set_global_recorder(recorder);
        Ok(Self(handle))
    }

    /// All of it, as Prometheus reads it; with how the database is at this moment.
    pub(crate) fn render(&self, database_is_up: bool, database: Option<&Path>) -> String {
        gauge!(DATABASE_UP).set(if database_is_up { 1.0 } else { 0.0 });
        if let Some(file) = database {
            gauge!(DATABASE_BYTES, "file" => "database").set(size(file));
            let mut log = file.as_os_str().to_owned();
            log.push("-wal");
            gauge!(DATABASE_BYTES, "file" => "log").set(size(Path::new(&log)));
        }
        if let Some(bytes) = resident() {
            gauge!(MEMORY).set(bytes);
        }
        gauge!(STARTED, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        self.0.run_upkeep();
        self.0.render()
    }
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), &BUCKETS)?
        .build_recorder();
    metrics::with_local_recorder(&recorder, || {
        metrics::describe_counter!(
            REQUESTS,
            "Requests that were answered, by method, route and status."
        );
        metrics::describe_histogram!(
            SECONDS,
            "From a request's header to its answer's, in seconds."
        );
        metrics::describe_gauge!(CONNECTIONS, "Connections that are open, by listener.");
        metrics::describe_counter!(
            LOST,
            "Connections that were closed or refused for want of room."
        );
        metrics::describe_gauge!(DATABASE_UP, "1 where the database answered this scrape, else 0.");
        metrics::describe_gauge!(
            DATABASE_BYTES,
            "Size of the database and of its write-ahead log."
        );
        metrics::describe_gauge!(MEMORY, "Memory of the process.");
        metrics::describe_gauge!(STARTED, "Always 1; its label is the version.");
    });
    Ok(recorder)
}

/// Counts an answer. `route` is as declared, with its parameters unfilled; none for a path that no
/// route has.
pub(crate) fn answered(method: &Method, route: Option<&str>, status: u16, took: Duration) {
    // A method is a stranger's word too.
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    };
    let route = route.unwrap_or("none").to_owned();
    let status = status.to_string();
    counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status)
        .increment(1);
    histogram!(SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// Notes how many connections a listener has.
pub(crate) fn connections(listener: &'static str, open: usize) {
    let open = u32::try_from(open).unwrap_or(u32::MAX);
    gauge!(CONNECTIONS, "listener" => listener).set(f64::from(open));
}

/// Counts a connection that was closed or refused for want of room.
pub(crate) fn connection_dropped(listener: &'static str) {
    counter!(LOST, "listener" => listener).increment(1);
}

/// The size of a file; 0 where there is none. A gauge is a number of this kind.
#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 bytes nobody counts single ones")]
fn size(file: &Path) -> f64 {
    std::fs::metadata(file).map_or(0.0, |facts| facts.len() as f64)
}

/// What the process has in memory, where the system says it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}
