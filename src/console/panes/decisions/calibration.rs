//! Stated confidence against what came of it, as a reliability diagram of rows.

use ratatui::text::{Line, Span};

use super::detail::wrapped;
use crate::{
    console::{
        scene::Scene,
        text,
        theme::{Role, Theme},
    },
    door::Calibration,
    model::{CalibrationBin, Fault},
};

/// Columns before the band: stated, observed, n.
const NUMBERS: usize = 24;
/// The band's columns at most and at least.
const BAND_MAX: usize = 51;
const BAND_MIN: usize = 11;

pub fn lines(found: Option<&Result<Calibration, Fault>>, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let mut lines = wrapped("Calibration", Role::Heading1, width, scene);
    match found {
        None => lines.extend(wrapped("counting…", Role::Muted, width, scene)),
        Some(Err(fault)) => lines.extend(wrapped(&fault.message, Role::Error, width, scene)),
        Some(Ok(found)) => {
            lines.extend(wrapped(
                "of every decision of the project shown, whatever its status",
                Role::Muted,
                width,
                scene,
            ));
            lines.push(Line::default());
            match found.brier {
                Some(brier) => scored(found, brier, width, scene, &mut lines),
                None => lines.extend(wrapped(
                    "No decision has both a confidence and an outcome yet: say how sure you are when you decide, and record what came of it.",
                    Role::Placeholder,
                    width,
                    scene,
                )),
            }
            lines.push(Line::default());
            lines.extend(
                left_out(found).into_iter().flat_map(|said| wrapped(&said, Role::Muted, width, scene)),
            );
        }
    }
    lines
}

fn scored(found: &Calibration, brier: f64, width: usize, scene: &Scene, lines: &mut Vec<Line<'static>>) {
    let reference = found.brier_of_base_rate.unwrap_or_default();
    let brier =
        format!("Brier score {brier:.3}  (0 is perfect; always saying the base rate: {reference:.3})");
    lines.extend(wrapped(&brier, Role::Strong, width, scene));
    let mut said = vec![text::counted(found.n, "decision", "decisions")];
    said.extend(found.mean_confidence.map(|mean| format!("mean confidence {mean:.2}")));
    said.extend(found.base_rate.map(|rate| format!("turned out {rate:.2}")));
    said.extend(found.skill.map(|skill| format!("skill {skill:+.2}")));
    lines.extend(wrapped(&said.join(&format!(" {} ", scene.theme.dot())), Role::Text, width, scene));
    lines.push(Line::default());
    let columns = width.saturating_sub(NUMBERS).min(BAND_MAX);
    let muted = scene.theme.style(Role::Muted);
    let scale = match columns {
        BAND_MIN.. => format!("0{}1", " ".repeat(columns - 2)),
        _ => String::new(),
    };
    lines.push(Line::styled(format!("{}{scale}", text::pad("stated observed    n", NUMBERS)), muted));
    lines.extend(found.bins.iter().map(|bin| row(bin, columns, scene)));
    let [stated, observed] = marks(scene.theme);
    let legend = format!("{observed} what came of it, in its 95 % band (Wilson); {stated} what was stated");
    lines.extend(wrapped(&legend, Role::Muted, width, scene));
}

/// The signs of what was stated and what was observed.
fn marks(theme: &Theme) -> [&str; 2] {
    [theme.lines().1, theme.glyph(Role::Ok)]
}

fn row(bin: &CalibrationBin, columns: usize, scene: &Scene) -> Line<'static> {
    let theme = scene.theme;
    let mut spans = vec![
        Span::styled(text::pad_left(&format!("{:.2}", bin.stated), 6), theme.style(Role::Text)),
        Span::styled(text::pad_left(&format!("{:.2}", bin.observed), 9), theme.style(Role::Strong)),
        Span::styled(text::pad_left(&text::compact(bin.n), 5), theme.style(Role::Muted)),
        Span::raw(" ".repeat(NUMBERS - 20)),
    ];
    if columns < BAND_MIN {
        return Line::from(spans);
    }
    let at = |share: f64| (share * (columns - 1) as f64).round() as usize;
    let [stated, observed] = marks(theme);
    let band = at(bin.low)..=at(bin.high);
    spans.extend((0..columns).map(|column| {
        if column == at(bin.observed) {
            Span::styled(observed.to_owned(), theme.style(Role::Chart))
        } else if column == at(bin.stated) {
            Span::styled(stated.to_owned(), theme.style(Role::Warn))
        } else if band.contains(&column) {
            Span::styled(theme.lines().0, theme.style(Role::Chart))
        } else {
            Span::raw(" ")
        }
    }));
    Line::from(spans)
}

/// What is not in the score, and what is in it by half.
fn left_out(found: &Calibration) -> Vec<String> {
    let counted =
        |n: u64, what: &str| (n > 0).then(|| format!("{} {what}", text::counted(n, "decision", "decisions")));
    [
        counted(found.partial, "turned out in part: counted as a half"),
        counted(found.without_outcome, "without an outcome yet: not counted"),
        counted(found.without_confidence, "without a stated confidence: not counted"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
