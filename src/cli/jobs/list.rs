//! `jobs ls`: every job on a line.

use serde_json::json;

use super::marks;
use crate::{
    cli::{Stop, text, verb::Ask},
    console::caps::Caps,
    door::JobView,
    model::Time,
    report::{self, Paint},
};

const HEAD: [&str; 6] = ["name", "when", "last runs", "took", "next", "state"];
/// A schedule in a list is cut no shorter than this.
const WHEN_COLUMNS_MIN: usize = 16;
/// What a list needs besides names and schedules.
const OTHER_COLUMNS: usize = 56;

pub async fn list(ask: &mut Ask) -> Result<(), Stop> {
    let jobs = ask.door().await?.jobs(&ask.caller).await?;
    if ask.out.manner.json {
        return ask.out.document(&json!({ "jobs": jobs }));
    }
    if jobs.is_empty() {
        ask.out.remark("no jobs; `wheelhouse jobs define FILE` makes one");
        return Ok(());
    }
    let names = jobs.iter().map(|view| view.job.slug.len()).max().unwrap_or(0);
    let columns = ask.out.manner.width.map(|all| all.saturating_sub(names + OTHER_COLUMNS));
    let columns = columns.map(|columns| columns.max(WHEN_COLUMNS_MIN));
    // Which of two of one name it is.
    let of_several = jobs.iter().any(|view| view.job.project != jobs[0].job.project);
    let is_ascii = ask.setup.config.ascii || Caps::of_env().ascii.is_some();
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(jobs.len() + 1);
    if !ask.out.manner.quiet {
        rows.push(HEAD.map(str::to_owned).to_vec());
    }
    rows.extend(jobs.iter().map(|view| row(view, columns, is_ascii, |time| ask.coming(time))));
    if of_several {
        let projects = jobs.iter().map(|view| view.job.project.to_string());
        let head = (!ask.out.manner.quiet).then(|| "project".to_owned());
        for (row, project) in rows.iter_mut().zip(head.into_iter().chain(projects)) {
            row.push(project);
        }
    }
    let paint = ask.out.paint();
    for line in text::table(&rows, |column, cell| styled(column, cell, paint)) {
        ask.out.line(&line)?;
    }
    ask.out.flush()
}

fn row(
    view: &JobView,
    columns: Option<usize>,
    is_ascii: bool,
    coming: impl Fn(Time) -> String,
) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let took = view.recent.iter().find_map(|run| Some(text::span(run.ended?.since(run.started?))));
    vec![
        report::escape_line(&view.job.slug),
        text::fit(&report::escape_line(&view.when), columns),
        or_dash(Some(marks::marks(&view.recent, is_ascii)).filter(|marks| !marks.is_empty())),
        or_dash(took),
        or_dash(view.next.map(coming)),
        marks::of_job(view),
    ]
}

fn styled(column: usize, cell: &str, paint: Paint) -> String {
    match column {
        _ if HEAD.get(column) == Some(&cell) => paint.dim(cell),
        0 => paint.cyan(cell),
        2 => marks::painted(cell, paint),
        3 | 6 => paint.dim(cell),
        5 => marks::state(cell, paint),
        _ => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::marks::tests as jobs, *};

    #[test]
    fn a_row_says_how_it_went_and_what_comes() {
        let mut last = jobs::run("succeeded");
        last["started"] = json!("2026-11-21T10:00:00Z");
        last["ended"] = json!("2026-11-21T10:00:01.3Z");
        let view = jobs::view(
            json!({ "recent": [jobs::run("queued"), last], "next": "2026-11-21T10:15:00Z", "when": "a\u{1b}b" }),
        );
        let row = row(&view, Some(2), false, |_| "in 5 min".to_owned());
        assert_eq!(row, ["nightly", "a…", "■·", "1.3 s", "in 5 min", "queued"]);
    }

    #[test]
    fn what_never_ran_has_dashes() {
        let row = row(&jobs::view(json!({})), None, false, |_| unreachable!("no slot is known"));
        assert_eq!(row[1..], ["every 15 minutes", "-", "-", "-", "idle"]);
    }
}
