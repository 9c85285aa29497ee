//! A memory and an event as rows, and rows as text.

use std::fmt::Write;

use serde::Serialize;

use crate::{
    console::panes::search::Row,
    door::JobView,
    model::{Decision, Envelope, Fault, Id, Project, Status, Time},
    report::escape_line,
};

/// A score to four places: what is behind them changes with the age of a memory, from second to second.
const SCORE_PLACES: f64 = 10_000.0;

/// Something that is exported.
pub trait Record: Serialize {
    /// The heads of its columns.
    fn head() -> Vec<&'static str>;
    /// Its cells, one for each head.
    fn cells(&self) -> Vec<String>;
    /// As text, ended by a line end.
    fn line(&self) -> String;
}

/// A hit, or a recent memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemoryRow {
    pub id: Id,
    pub title: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub project: Project,
    pub tags: Vec<String>,
    pub status: Status,
    pub updated_at: Time,
    /// Of a hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub snippet: String,
}

impl From<Row> for MemoryRow {
    fn from(row: Row) -> MemoryRow {
        MemoryRow {
            url: row.url().map(str::to_owned),
            id: row.id,
            title: row.title,
            kind: row.kind,
            project: row.project,
            tags: row.tags,
            status: row.status,
            updated_at: row.updated_at,
            score: row.score.map(|score| (f64::from(score) * SCORE_PLACES).round() / SCORE_PLACES),
            snippet: row.snippet,
        }
    }
}

impl Record for MemoryRow {
    fn head() -> Vec<&'static str> {
        vec!["id", "title", "type", "project", "tags", "status", "updated_at", "score", "url", "snippet"]
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.title.clone(),
            self.kind.clone(),
            self.project.to_string(),
            self.tags.join(" "),
            self.status.word().to_owned(),
            self.updated_at.to_string(),
            self.score.map(|score| score.to_string()).unwrap_or_default(),
            self.url.clone().unwrap_or_default(),
            self.snippet.clone(),
        ]
    }

    fn line(&self) -> String {
        let mut about = vec![self.id.to_string(), escape_line(&self.kind)];
        if !self.project.is_none() {
            about.push(self.project.to_string());
        }
        about.extend(self.tags.iter().map(|tag| format!("#{}", escape_line(tag))));
        if !self.status.is_current() {
            about.push(self.status.word().to_owned());
        }
        about.push(self.updated_at.to_string());
        about.extend(self.score.map(|score| format!("{score:.2}")));
        let mut text = format!("{}\n  {}\n", escape_line(&self.title), about.join("  "));
        for line in [self.url.as_deref().unwrap_or_default(), &self.snippet] {
            let line = escape_line(line);
            if !line.is_empty() {
                text.push_str("  ");
                text.push_str(&line);
                text.push('\n');
            }
        }
        text
    }
}

/// An event as the surface has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct EventRow(pub Envelope);

impl EventRow {
    fn data(&self) -> String {
        if self.0.data.is_empty() {
            return String::new();
        }
        serde_json::Value::Object(self.0.data.clone()).to_string()
    }
}

impl Record for EventRow {
    fn head() -> Vec<&'static str> {
        vec!["sequence", "time", "type", "subject", "severity", "actor", "correlation", "id", "data"]
    }

    fn cells(&self) -> Vec<String> {
        let event = &self.0;
        vec![
            event.sequence.to_string(),
            event.time.to_string(),
            event.kind.clone(),
            event.subject.to_string(),
            event.severitytext.word().to_owned(),
            event.actor.0.clone(),
            event.correlationid.to_string(),
            event.id.to_string(),
            self.data(),
        ]
    }

    fn line(&self) -> String {
        let event = &self.0;
        let (subject, actor) = (escape_line(&event.subject.to_string()), escape_line(&event.actor.0));
        let line = format!(
            "{}  {:5}  {subject}  {actor}  {}",
            event.time,
            event.severitytext.word(),
            escape_line(&self.data())
        );
        line.trim_end().to_owned() + "\n"
    }
}

/// What is of one of several hubs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleetRow<R> {
    pub hub: String,
    #[serde(flatten)]
    pub row: R,
}

impl<R: Record> Record for FleetRow<R> {
    fn head() -> Vec<&'static str> {
        std::iter::once("hub").chain(R::head()).collect()
    }

    fn cells(&self) -> Vec<String> {
        std::iter::once(self.hub.clone()).chain(self.row.cells()).collect()
    }

    fn line(&self) -> String {
        format!("{}  {}", escape_line(&self.hub), self.row.line())
    }
}

/// A decision as the surface has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DecisionRow(pub Decision);

impl Record for DecisionRow {
    fn head() -> Vec<&'static str> {
        vec![
            "number",
            "title",
            "status",
            "confidence",
            "outcome",
            "rating",
            "review_on",
            "chosen_option",
            "project",
            "tags",
            "updated_at",
            "id",
        ]
    }

    fn cells(&self) -> Vec<String> {
        let decision = &self.0;
        let outcome = decision.outcome.as_ref();
        vec![
            decision.number.to_string(),
            decision.title.clone(),
            decision.status.word().to_owned(),
            decision.confidence.map(|sure| sure.to_string()).unwrap_or_default(),
            outcome.map(|outcome| outcome.status.word().to_owned()).unwrap_or_default(),
            outcome.and_then(|outcome| outcome.rating).map(|rating| rating.to_string()).unwrap_or_default(),
            decision.review_on.map(|day| day.to_string()).unwrap_or_default(),
            decision.chosen_option.clone().unwrap_or_default(),
            decision.project.to_string(),
            decision.tags.join(" "),
            decision.updated_at.to_string(),
            decision.id.to_string(),
        ]
    }

    fn line(&self) -> String {
        let decision = &self.0;
        let mut about = vec![decision.status.word().to_owned()];
        about.extend(decision.confidence.map(|sure| format!("confidence {sure:.2}")));
        about.extend(decision.outcome.as_ref().map(|outcome| outcome.status.word().to_owned()));
        about.extend(decision.review_on.map(|day| format!("review on {day}")));
        about.push(decision.updated_at.to_string());
        let title = escape_line(&decision.title);
        format!("{}  {title}\n  {}\n", decision.number, about.join("  "))
    }
}

/// A job as the surface has it, with how it goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct JobRow(pub JobView);

impl JobRow {
    fn state(&self) -> &'static str {
        match (&self.0.paused, self.0.job.enabled, self.0.cannot_run.is_some()) {
            (_, _, true) => "cannot run",
            (_, false, _) => "off",
            (Some(_), ..) => "paused",
            _ => self.0.recent.iter().find(|run| run.state.is_live()).map_or("idle", |run| run.state.word()),
        }
    }

    fn last(&self) -> &'static str {
        self.0.recent.iter().find(|run| !run.state.is_live()).map_or("", |run| run.state.word())
    }
}

impl Record for JobRow {
    fn head() -> Vec<&'static str> {
        vec!["name", "title", "when", "state", "next", "last", "dead", "kind", "project", "id"]
    }

    fn cells(&self) -> Vec<String> {
        let JobView { job, when, next, dead, .. } = &self.0;
        vec![
            job.slug.clone(),
            job.title.clone(),
            when.clone(),
            self.state().to_owned(),
            next.map(|next| next.to_string()).unwrap_or_default(),
            self.last().to_owned(),
            dead.to_string(),
            job.kind.word().to_owned(),
            job.project.to_string(),
            job.id.to_string(),
        ]
    }

    fn line(&self) -> String {
        let JobView { job, when, next, dead, .. } = &self.0;
        let mut about = vec![escape_line(&job.slug), escape_line(when)];
        about.push(self.state().to_owned());
        about.extend(next.map(|next| format!("next {next}")));
        about.extend(Some(self.last()).filter(|last| !last.is_empty()).map(|last| format!("last {last}")));
        about.extend((*dead > 0).then(|| format!("{dead} dead")));
        about.join("  ") + "\n"
    }
}

/// One array, a row a line.
pub(super) fn json<R: Record>(rows: &[R]) -> Result<String, Fault> {
    let wrong = |error| Fault::bug("a row does not go into JSON").cause(error);
    let rows =
        rows.iter().map(|row| serde_json::to_string(row).map_err(wrong)).collect::<Result<Vec<_>, _>>()?;
    Ok(if rows.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", rows.join(",\n")) })
}

/// RFC 4180, a head first; quoted where it must be.
pub(super) fn csv<R: Record>(rows: &[R]) -> Result<String, Fault> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let wrong = |error: &dyn std::fmt::Display| Fault::bug("a row does not go into CSV").cause(error);
    writer.write_record(R::head()).map_err(|error| wrong(&error))?;
    for row in rows {
        writer.write_record(row.cells()).map_err(|error| wrong(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| wrong(&error))?;
    String::from_utf8(bytes).map_err(|error| wrong(&error))
}

/// A table; what would end a cell or begin a tag is escaped.
pub(super) fn markdown<R: Record>(rows: &[R]) -> String {
    let head = R::head();
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        text.push('|');
        for cell in row.cells() {
            write!(text, " {} |", markdown_cell(&cell)).expect("a String takes any text");
        }
        text.push('\n');
    }
    text
}

fn markdown_cell(cell: &str) -> String {
    let mut safe = String::with_capacity(cell.len());
    for c in escape_line(cell).chars() {
        if matches!(c, '|' | '\\' | '<' | '`' | '*' | '_' | '[' | ']') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::export::Format;

    fn row(title: &str, snippet: &str) -> MemoryRow {
        MemoryRow {
            id: Id::NIL,
            title: title.to_owned(),
            kind: "note".to_owned(),
            project: Project::slug("team"),
            tags: vec!["a".into(), "b".into()],
            status: Status::Active,
            updated_at: Time::from_unix_ms(1_795_000_000_123),
            score: Some(0.5),
            url: None,
            snippet: snippet.to_owned(),
        }
    }

    #[track_caller]
    fn check(format: Format, rows: &[MemoryRow], expected: &str) {
        assert_eq!(format.text(rows).unwrap(), expected);
    }

    const ID: &str = "00000000-0000-0000-0000-000000000000";

    #[test]
    fn commas_quotes_lines_cjk_and_escapes_stay_what_they_are() {
        let rows = [row("a, \"b\"\n漢字", "\x1b[31m=1+1 | <b>")];
        check(
            Format::Csv,
            &rows,
            &format!(
                "id,title,type,project,tags,status,updated_at,score,url,snippet\n{ID},\"a, \"\"b\"\"\n漢字\",note,team,a b,\
                 active,2026-11-18T11:06:40.123Z,0.5,,\x1b[31m=1+1 | <b>\n"
            ),
        );
        check(
            Format::Json,
            &rows,
            &format!(
                "[\n{{\"id\":\"{ID}\",\"title\":\"a, \\\"b\\\"\\n漢字\",\"type\":\"note\",\"project\":\"team\",\
                 \"tags\":[\"a\",\"b\"],\"status\":\"active\",\"updated_at\":\"2026-11-18T11:06:40.123Z\",\"score\":0.5,\
                 \"snippet\":\"\\u001b[31m=1+1 | <b>\"}}\n]\n"
            ),
        );
        check(
            Format::Markdown,
            &rows,
            &format!(
                "| id | title | type | project | tags | status | updated_at | score | url | snippet |\n\
                 | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n\
                 | {ID} | a, \"b\" 漢字 | note | team | a b | active | 2026-11-18T11:06:40.123Z | 0.5 |  | \
                 ␛\\[31m=1+1 \\| \\<b> |\n"
            ),
        );
        check(
            Format::Text,
            &rows,
            &format!(
                "a, \"b\" 漢字\n  {ID}  note  team  #a  #b  2026-11-18T11:06:40.123Z  0.50\n  ␛[31m=1+1 | <b>\n"
            ),
        );
    }

    #[test]
    fn nothing_is_a_whole_document_too() {
        check(Format::Json, &[], "[]\n");
        check(Format::Csv, &[], "id,title,type,project,tags,status,updated_at,score,url,snippet\n");
        check(Format::Text, &[], "");
        assert_eq!(Format::Markdown.text::<MemoryRow>(&[]).unwrap().lines().count(), 2);
    }

    #[test]
    fn what_was_written_as_csv_reads_back_cell_by_cell() {
        let rows = [row("\"quoted\"", "a\r\nb"), row("-dash", ""), row("", "漢, 字")];
        let text = Format::Csv.text(&rows).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let back: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        assert_eq!(back, rows.each_ref().map(Record::cells));
    }
}
