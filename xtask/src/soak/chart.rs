//! What was measured, drawn.

use std::fmt::Write as _;

use super::Second;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 150.0;
const LEFT: f64 = 110.0;

/// What a chart is called, and what of a second it shows.
type Chart = (&'static str, fn(&Second) -> f64);

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

/// Four charts, one below the other. Where the disk was full the ground is
/// grey.
pub(super) fn draw(seconds: &[Second]) -> String {
    let charts: [Chart; 4] = [
        ("answers to signed-in users, a second", |second| f64::from(second.answers)),
        ("p99 of a signed-in request, ms", |second| f64::from(second.p99_micros) / 1000.0),
        ("resident memory, MiB", |second| f64::from(second.memory_kib) / 1024.0),
        ("database and its log on disk, MiB", |second| f64::from(second.file_kib) / 1024.0),
    ];
    let step = WIDTH / count(seconds.len().max(1));
    let row = HEIGHT + 50.0;
    let (width, height) = (WIDTH + LEFT + 20.0, row * count(charts.len()) + 30.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (number, (title, value)) in charts.iter().enumerate() {
        let top = 30.0 + row * count(number);
        let most = seconds.iter().map(value).fold(0.0, f64::max).max(0.001);
        for (at, _) in seconds.iter().enumerate().filter(|(_, second)| second.is_full) {
            let x = LEFT + count(at) * step;
            let _ = writeln!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{top}\" width=\"{step:.1}\" height=\"{HEIGHT}\" fill=\"#ddd\"/>"
            );
        }
        let mut points = String::new();
        for (at, second) in seconds.iter().enumerate() {
            let (x, y) =
                (LEFT + (count(at) + 0.5) * step, top + HEIGHT * (1.0 - value(second) / most));
            let _ = write!(points, "{x:.1},{y:.1} ");
        }
        let bottom = top + HEIGHT;
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{:.1}\">{title}</text>\n\
             <text x=\"5\" y=\"{:.1}\">{most:.1}</text><text x=\"5\" y=\"{bottom}\">0</text>\n\
             <path d=\"M{LEFT} {top}V{bottom}H{}\" fill=\"none\" stroke=\"black\"/>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#06c\"/>",
            top - 6.0,
            top + 10.0,
            LEFT + WIDTH,
            points.trim_end()
        );
    }
    svg + "</svg>\n"
}
