//! `jobs show`: one job in full.

use super::marks;
use crate::{
    cli::{Stop, id, text, verb::Ask},
    door::{JobRef, JobView},
    model::job::{CatchUp, JobOrigin, Kind, Missed, Overlap, Retry, RetryOn},
    report,
};

pub async fn show(ask: &mut Ask, job: JobRef) -> Result<(), Stop> {
    let view = ask.door().await?.job(&ask.caller, job).await?;
    if ask.out.manner.json {
        return ask.out.document(&view);
    }
    let paint = ask.out.paint();
    let title = report::escape_line(&view.job.title);
    ask.out.line(format!("{}  {}", paint.cyan(&view.job.slug), paint.bold(&title)).trim_end())?;
    for line in text::fields(&fields(ask, &view), paint) {
        ask.out.line(&line)?;
    }
    if !view.recent.is_empty() {
        ask.out.line("")?;
        let rows: Vec<Vec<String>> = view
            .recent
            .iter()
            .map(|run| {
                let took =
                    run.ended.zip(run.started).map(|(ended, started)| text::span(ended.since(started)));
                vec![
                    id::short(run.id),
                    marks::of_run(run.state, run.progress.as_ref()),
                    ask.moment(marks::moment(run)),
                    took.unwrap_or_else(|| "-".to_owned()),
                    marks::trigger(run.trigger).to_owned(),
                    report::escape_line(&marks::of_mark(run)),
                ]
            })
            .collect();
        for line in text::table(&rows, |column, cell| match column {
            0 => paint.cyan(cell),
            1 => marks::state(cell, paint),
            5 => cell.to_owned(),
            _ => paint.dim(cell),
        }) {
            ask.out.line(&line)?;
        }
    }
    ask.out.flush()
}

fn fields(ask: &Ask, view: &JobView) -> Vec<(&'static str, String)> {
    let job = &view.job;
    let mut rows = vec![
        ("id", job.id.to_string()),
        ("project", job.project.to_string()),
        ("when", report::escape_line(&view.when)),
        ("state", marks::of_job(view)),
    ];
    if let Some(paused) = &view.paused {
        let until = paused.until.map(|until| format!(", until {}", ask.coming(until))).unwrap_or_default();
        let by = format!("by {}{until}", report::escape_line(&paused.by.0));
        let reason = report::escape_line(&paused.reason);
        rows.push(("paused", if reason.is_empty() { by } else { format!("{reason}; {by}") }));
    }
    if let Some(why) = &view.cannot_run {
        rows.push(("cannot run", report::escape_line(why)));
    }
    if let Some(next) = view.next {
        rows.push(("next", format!("{}, {}", ask.coming(next), ask.clock_time(next))));
    }
    rows.extend(kind(&job.kind));
    rows.push(("overlap", overlap(job.overlap).to_owned()));
    rows.push(("catch-up", catch_up(job.catch_up)));
    if !job.jitter.is_zero() {
        rows.push(("jitter", format!("up to {}", job.jitter)));
    }
    rows.push(("timeout", job.timeout.to_string()));
    rows.push(("retry", retry(&job.retry)));
    if job.pause_after_dead > 0 {
        let runs = text::counted(job.pause_after_dead.into(), "dead run", "dead runs");
        rows.push(("pauses", format!("after {runs} in a row")));
    }
    rows.push((
        "from",
        match &job.origin {
            JobOrigin::File(path) => report::escape_line(path),
            JobOrigin::Api => "asked for".to_owned(),
            JobOrigin::Builtin => "the program".to_owned(),
        },
    ));
    rows.push(("updated", format!("{}, revision {}", ask.moment(job.updated_at), job.revision)));
    if !job.by.0.is_empty() {
        rows.push(("by", report::escape_line(&job.by.0)));
    }
    rows
}

fn kind(kind: &Kind) -> Vec<(&'static str, String)> {
    let line = |text: &str| report::escape_line(text);
    match kind {
        Kind::Builtin { name } => vec![("does", format!("{}, of the hub itself", line(name)))],
        Kind::Command { argv, cwd, env } => {
            let words: Vec<&str> = argv.iter().map(String::as_str).collect();
            let command = shlex::try_join(words).unwrap_or_else(|_| argv.join(" "));
            let mut rows = vec![("command", line(&command))];
            rows.extend(cwd.as_deref().map(|cwd| ("in", line(cwd))));
            if !env.is_empty() {
                rows.push(("sees", line(&env.join(", "))));
            }
            rows
        }
        Kind::Http { url, method, headers, body } => {
            let mut rows = vec![("http", format!("{} {}", line(method), line(url)))];
            if !headers.is_empty() {
                // Their values may be secrets.
                let names: Vec<&str> = headers.keys().map(String::as_str).collect();
                rows.push(("headers", line(&names.join(", "))));
            }
            rows.extend(body.as_ref().map(|body| ("body", text::bytes(body.len() as u64))));
            rows
        }
    }
}

fn overlap(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Skip => "skipped while another run is not done",
        Overlap::QueueOne => "one waits while another run is not done",
        Overlap::QueueAll => "all wait, one runs after the other",
        Overlap::CancelRunning => "what runs is asked to end for it",
        Overlap::Allow => "they run beside each other",
    }
}

fn catch_up(policy: CatchUp) -> String {
    let window = policy.window;
    match policy.missed {
        Missed::None => "none: what was missed is over".to_owned(),
        Missed::Latest => format!("the latest missed slot, up to {window} old"),
        Missed::All => format!("all missed slots, up to {window} old"),
    }
}

fn retry(policy: &Retry) -> String {
    if policy.attempts <= 1 {
        return "never".to_owned();
    }
    let on: Vec<String> = policy.on.iter().map(|on| retry_on(*on)).collect();
    let (attempts, delay, factor, max) = (policy.attempts, policy.delay, policy.factor, policy.delay_max);
    format!(
        "{attempts} attempts, after {delay}, each time {factor} times that, up to {max}; on {}",
        on.join(", ")
    )
}

fn retry_on(on: RetryOn) -> String {
    let word = serde_json::to_value(on).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_said_in_words() {
        assert_eq!(
            retry(&Retry::default()),
            "3 attempts, after 1s, each time 2 times that, up to 10s; on unavailable, timeout"
        );
        assert_eq!(retry(&Retry { attempts: 1, ..Retry::default() }), "never");
        assert_eq!(catch_up(CatchUp::default()), "the latest missed slot, up to 1d old");
    }

    #[test]
    fn a_command_is_shown_as_a_shell_would_take_it() {
        let command = Kind::Command {
            argv: vec!["./report".into(), "all of it".into()],
            cwd: None,
            env: vec!["PATH".into()],
        };
        let said = [("command", "./report 'all of it'".to_owned()), ("sees", "PATH".to_owned())];
        assert_eq!(kind(&command), said);
        let secret = Kind::Http {
            url: "https://example.org".into(),
            method: "GET".into(),
            headers: [("authorization".to_owned(), "Bearer x".to_owned())].into(),
            body: None,
        };
        assert_eq!(kind(&secret)[1], ("headers", "authorization".to_owned()));
    }
}
