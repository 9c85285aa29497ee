//! Job files: one job a TOML file, or several as `[[job]]`.
//!
//! ```toml
//! slug = "nightly"
//! schedule = { cron = "30 2 * * *", zone = "Europe/Berlin" }
//! kind = { command = ["./report", "--all"], env = ["PATH"] }
//! overlap = "queue_one"
//! ```
//!
//! A job is written here as it is at the surface, without what the hub adds. A field that is not known stops the file: a job
//! that runs otherwise than its writer meant is worse than one that does not run yet.

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{model::job::Job, report};

/// Larger files are refused: nobody writes that many jobs by hand.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Of one file.
const JOBS_MAX: usize = 1_000;

/// The tables of a job and their fields.
const FIELDS: [(&str, &[&str]); 5] = [
    (
        "",
        &[
            "slug",
            "title",
            "project",
            "enabled",
            "schedule",
            "kind",
            "overlap",
            "catch_up",
            "jitter",
            "timeout",
            "retry",
            "pause_after_dead",
        ],
    ),
    ("schedule", &["every", "phase", "cron", "zone", "on", "at"]),
    ("kind", &["builtin", "command", "cwd", "env", "http", "method", "headers", "body"]),
    ("catch_up", &["missed", "window"]),
    ("retry", &["attempts", "delay", "factor", "delay_max", "on"]),
];

/// Something that is wrong with a job file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    pub line: usize,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Deserialize)]
struct Several {
    job: Vec<Spanned<Job>>,
}

/// The jobs of a file, or all that is wrong with it, in the order of its lines.
pub fn read(text: &str) -> Result<Vec<Job>, Vec<Note>> {
    if text.len() > FILE_BYTES_MAX {
        return Err(vec![note(
            1,
            format!("the file has {} bytes, at most {FILE_BYTES_MAX} fit", text.len()),
        )]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut notes: Vec<Note> = errors.iter().map(|error| not_understood(text, error)).collect();
    if notes.is_empty() {
        notes = unknown_fields(text, table.get_ref());
    }
    if notes.is_empty() {
        match jobs(text, table.get_ref().contains_key("job")) {
            Ok(jobs) => return Ok(jobs),
            Err(found) => notes = found,
        }
    }
    notes.sort_by_key(|note| note.line);
    Err(notes)
}

fn jobs(text: &str, several: bool) -> Result<Vec<Job>, Vec<Note>> {
    let wrong = |error: toml::de::Error| vec![not_understood(text, &error)];
    let jobs: Vec<(usize, Job)> = if several {
        let file: Several = toml::from_str(text).map_err(wrong)?;
        file.job.into_iter().map(|job| (line_of(text, job.span().start), job.into_inner())).collect()
    } else {
        vec![(1, toml::from_str(text).map_err(wrong)?)]
    };
    let mut notes = Vec::new();
    if jobs.len() > JOBS_MAX {
        notes.push(note(1, format!("the file has {} jobs, at most {JOBS_MAX} fit", jobs.len())));
    }
    for (n, (line, job)) in jobs.iter().enumerate() {
        if let Err(fault) = super::check(job) {
            let hint = fault.hint.or(fault.cause);
            notes.push(Note { line: *line, message: format!("job {:?}: {}", job.slug, fault.message), hint });
        }
        let name = |job: &Job| (job.project.clone(), job.slug.clone());
        if let Some((first, _)) = jobs[..n].iter().find(|(_, other)| name(other) == name(job)) {
            notes.push(note(*line, format!("job {:?} is in line {first} already", job.slug)));
        }
    }
    if notes.is_empty() { Ok(jobs.into_iter().map(|(_, job)| job).collect()) } else { Err(notes) }
}

fn unknown_fields(text: &str, table: &DeTable<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    let Some(several) = table.get("job") else {
        unknown_in(text, "", table, &mut notes);
        return notes;
    };
    for (name, _) in table.iter().filter(|(name, _)| name.get_ref().as_ref() != "job") {
        let line = line_of(text, name.span().start);
        notes.push(note(line, format!("{:?} stands outside of [[job]]", name.get_ref())));
    }
    match several.get_ref() {
        DeValue::Array(jobs) => {
            for job in jobs.iter() {
                if let DeValue::Table(job) = job.get_ref() {
                    unknown_in(text, "", job, &mut notes);
                }
            }
        }
        _ => notes.push(Note {
            hint: Some("a file with several jobs begins each with [[job]]".to_owned()),
            ..note(line_of(text, several.span().start), "job is not a list of jobs".to_owned())
        }),
    }
    notes
}

fn unknown_in(text: &str, place: &str, table: &DeTable<'_>, notes: &mut Vec<Note>) {
    let Some((_, known)) = FIELDS.iter().find(|(name, _)| *name == place) else { return };
    for (name, value) in table {
        let line = line_of(text, name.span().start);
        let name = name.get_ref().as_ref();
        let whole = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        if !known.contains(&name) {
            let meant = report::nearest(&name.to_ascii_lowercase().replace('-', "_"), known.iter().copied());
            let hint = match meant {
                Some(near) => format!("did you mean {near:?}?"),
                None => format!("one of {}", known.join(", ")),
            };
            notes.push(Note { hint: Some(hint), ..note(line, format!("unknown field {whole:?}")) });
        } else if let DeValue::Datetime(_) = value.get_ref() {
            notes.push(note(line, format!("{whole} is a text in quotes, not a date")));
        } else if let (DeValue::Table(inner), "") = (value.get_ref(), place) {
            unknown_in(text, name, inner, notes);
        }
    }
}

fn not_understood(text: &str, error: &toml::de::Error) -> Note {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    note(error.span().map_or(1, |span| line_of(text, span.start)), message)
}

fn note(line: usize, message: String) -> Note {
    Note { line, message, hint: None }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::{Kind, Overlap, Schedule};

    #[track_caller]
    fn check_says(text: &str, expected: &[(usize, &str, Option<&str>)]) {
        let notes = read(text).unwrap_err();
        let said: Vec<_> =
            notes.iter().map(|note| (note.line, note.message.as_str(), note.hint.as_deref())).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn one_job_or_several() {
        let one = "slug = \"tidy\"\nschedule.every = \"15m\"\nkind.builtin = \"tidy\"\n";
        let jobs = read(one).unwrap();
        assert_eq!((jobs.len(), jobs[0].slug.as_str(), jobs[0].enabled), (1, "tidy", true));
        let several = "[[job]]\nslug = \"a\"\nkind = { command = [\"true\"] }\noverlap = \"queue_one\"\n\
                       [[job]]\nslug = \"b\"\nproject = \"My Team\"\n[job.kind]\nhttp = \"https://example.org\"\n\
                       headers = { accept = \"x\" }\n[job.schedule]\ncron = \"30 2 * * *\"\nzone = \"Europe/Berlin\"\n";
        let jobs = read(several).unwrap();
        assert_eq!((jobs[0].overlap, jobs[0].kind.word()), (Overlap::QueueOne, "command"));
        assert_eq!(jobs[1].project.as_str(), "my-team");
        assert!(matches!(&jobs[1].schedule, Schedule::Cron { zone, .. } if zone == "Europe/Berlin"));
        assert!(matches!(&jobs[1].kind, Kind::Http { method, .. } if method == "GET"));
    }

    #[test]
    fn a_slip_is_named_with_its_line_and_what_was_meant() {
        check_says(
            "slug = \"a\"\nkind.builtin = \"b\"\nretri = {}\n[retry]\nattempt = 3\nwhen = 1\n",
            &[
                (3, "unknown field \"retri\"", Some("did you mean \"retry\"?")),
                (5, "unknown field \"retry.attempt\"", Some("did you mean \"attempts\"?")),
                (6, "unknown field \"retry.when\"", Some("one of attempts, delay, factor, delay_max, on")),
            ],
        );
        check_says(
            "title = \"x\"\n[[job]]\nslug = \"a\"\nid = \"x\"\nkind.builtin = \"b\"\n",
            &[
                (1, "\"title\" stands outside of [[job]]", None),
                (
                    4,
                    "unknown field \"id\"",
                    Some(
                        "one of slug, title, project, enabled, schedule, kind, overlap, catch_up, jitter, timeout, \
                         retry, pause_after_dead",
                    ),
                ),
            ],
        );
        check_says(
            "slug = \"a\"\nkind.builtin = \"b\"\nschedule.at = 2026-11-21T09:00:00Z\n",
            &[(3, "schedule.at is a text in quotes, not a date", None)],
        );
    }

    #[test]
    fn a_wrong_value_is_named() {
        check_says(
            "slug = \"a\"\nkind.builtin = \"b\"\njitter = \"soon\"\n",
            &[(3, "\"soon\" is no length of time: try 90s, 15m, 1h30m or 7d", None)],
        );
        check_says("slug = \"a\"\nkind = {}\n", &[(2, "a kind has one of builtin, command and http", None)]);
        check_says("slug = \n", &[(1, "string values must be quoted, expected literal string", None)]);
        check_says(
            "[[job]]\nslug = \"a\"\nkind.builtin = \"b\"\nschedule.cron = \"0 0 31 2 *\"\n\n\
             [[job]]\nslug = \"b\"\nkind.builtin = \"b\"\nschedule = { cron = \"@daily\", zone = \"Europe/Berlim\" }\n\n\
             [[job]]\nslug = \"b\"\nkind.builtin = \"b\"\n",
            &[
                (1, "job \"a\": schedule.cron is \"0 0 31 2 *\", which never comes", None),
                (
                    6,
                    "job \"b\": schedule.zone is \"Europe/Berlim\", and no zone is called so",
                    Some("did you mean \"Europe/Berlin\"?"),
                ),
                (11, "job \"b\" is in line 6 already", None),
            ],
        );
    }

    /// What the hub adds to a definition is not written by hand; everything else is.
    #[test]
    fn the_table_of_fields_is_the_job() {
        let job = read(
            "slug = \"a\"\nkind = { command = [\"a\"], cwd = \"/\", env = [\"A\"] }\n\
             schedule = { every = \"1h\", phase = \"1s\" }\n",
        )
        .unwrap()
        .remove(0);
        let value = serde_json::to_value(&job).unwrap();
        let added = ["id", "created_at", "updated_at", "revision", "origin", "by"];
        let names = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().filter(|key| !added.contains(&key.as_str())).cloned().collect()
        };
        for (place, known) in FIELDS {
            let table = if place.is_empty() { &value } else { &value[place] };
            let written = names(table);
            assert!(written.iter().all(|name| known.contains(&name.as_str())), "{place}: {written:?}");
            if !["kind", "schedule"].contains(&place) {
                assert_eq!(written.len(), known.len(), "{place}: {written:?}");
            }
        }
    }
}
