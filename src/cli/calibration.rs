//! `calibration`: stated confidence against what came of it, in numbers and as a chart of text.

use super::{Stop, text, verb::Ask};
use crate::model::{Calibration, CalibrationBin, DecisionFilter};

/// Columns from 0 to 1.
const CHART_COLUMNS: usize = 21;
/// Under this many decisions the numbers are hardly more than chance.
const FEW: u64 = 20;

pub async fn calibration(
    ask: &mut Ask,
    tags: Vec<String>,
    kind: Option<String>,
    all_projects: bool,
) -> Result<(), Stop> {
    let filter = DecisionFilter {
        projects: ask.setup.projects(all_projects),
        tags,
        kind,
        ..DecisionFilter::default()
    };
    let found = ask.door().await?.calibration(&ask.caller, filter).await?;
    if ask.out.manner.json {
        return ask.out.document(&found);
    }
    let paint = ask.out.paint();
    for line in text::fields(&numbers(&found), paint) {
        ask.out.line(&line)?;
    }
    if !found.bins.is_empty() {
        ask.out.line("")?;
        for line in text::table(&rows(&found.bins), |column, cell| match column {
            1 | 4 => paint.dim(cell),
            _ => cell.to_owned(),
        }) {
            ask.out.line(&line)?;
        }
    }
    ask.out.flush()?;
    if found.n == 0 {
        ask.out.remark(
            "nothing to compare yet: it takes decisions with --confidence, and `wheelhouse outcome` once it is known",
        );
    } else {
        ask.out.remark("| is what was stated, o what came of it, - the 95 % band of that (Wilson)");
        if found.n < FEW {
            let decisions = text::counted(found.n, "decision", "decisions");
            ask.out.remark(&format!("{decisions}: too few to say much"));
        }
    }
    Ok(())
}

fn numbers(found: &Calibration) -> Vec<(&'static str, String)> {
    let partial = match found.partial {
        0 => String::new(),
        n => format!(", {n} of them partial successes, counted half"),
    };
    let mut rows = vec![("decisions", format!("{}{partial}", found.n))];
    let numbers = [
        ("Brier score", found.brier, "0 is perfect"),
        ("of the base rate", found.brier_of_base_rate, "the score of always saying it"),
        ("skill", found.skill, "1 is perfect, under 0 is worse than the base rate"),
        ("base rate", found.base_rate, "how often it turned out well"),
        ("mean confidence", found.mean_confidence, "above the base rate it is overconfidence"),
    ];
    rows.extend(
        numbers.into_iter().filter_map(|(name, value, what)| Some((name, format!("{:.3}  {what}", value?)))),
    );
    if found.without_confidence > 0 {
        rows.push(("left out", format!("{} without a confidence", found.without_confidence)));
    }
    if found.without_outcome > 0 {
        rows.push(("left out", format!("{} without an outcome yet", found.without_outcome)));
    }
    rows
}

fn rows(bins: &[CalibrationBin]) -> Vec<Vec<String>> {
    let head = ["confidence", "n", "stated", "observed", "95 % band", "0         0.5         1"];
    let row = |bin: &CalibrationBin| {
        vec![
            format!("{:.1} to {:.1}", bin.from, bin.to),
            bin.n.to_string(),
            format!("{:.2}", bin.stated),
            format!("{:.2}", bin.observed),
            format!("{:.2} to {:.2}", bin.low, bin.high),
            format!("[{}]", chart(bin)),
        ]
    };
    let head = head.map(str::to_owned).to_vec();
    std::iter::once(head).chain(bins.iter().map(row)).collect()
}

/// The band, and in it what was stated and what came of it: `  ---o--|--  `.
fn chart(bin: &CalibrationBin) -> String {
    let column = |share: f64| (share * (CHART_COLUMNS - 1) as f64).round() as usize;
    let band = column(bin.low)..=column(bin.high);
    let mut line: Vec<char> =
        (0..CHART_COLUMNS).map(|at| if band.contains(&at) { '-' } else { ' ' }).collect();
    line[column(bin.stated)] = '|';
    line[column(bin.observed)] = 'o';
    line.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_is_drawn_to_scale() {
        let bin =
            CalibrationBin { from: 0.7, to: 0.8, n: 3, stated: 0.75, observed: 0.5, low: 0.25, high: 0.9 };
        assert_eq!(chart(&bin), "     -----o----|---  ");
        let edges = CalibrationBin { stated: 0.0, observed: 1.0, low: 0.0, high: 1.0, ..bin };
        assert_eq!(chart(&edges), "|-------------------o");
    }

    #[test]
    fn nothing_known_is_no_number() {
        assert_eq!(numbers(&Calibration::default()), [("decisions", "0".to_owned())]);
        let found = Calibration { n: 2, partial: 1, brier: Some(0.25), ..Calibration::default() };
        let rows = numbers(&found);
        assert_eq!(rows[0].1, "2, 1 of them partial successes, counted half");
        assert_eq!(rows[1], ("Brier score", "0.250  0 is perfect".to_owned()));
    }
}
