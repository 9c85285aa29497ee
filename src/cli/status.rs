//! `status`: what the hub is and how it does.

use std::time::Duration;

use super::{Stop, text, verb::Ask};
use crate::{
    door::{Door, Status, ViewState, Writes},
    model::Fault,
    report,
};

/// A hub that this verb opened itself gets this long to open its views before they are told.
const VIEWS_PATIENCE: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

pub async fn status(ask: &mut Ask) -> Result<(), Stop> {
    let opened = ask.home.door().await?;
    let status = if opened.owned { settled(&*opened.door).await? } else { opened.door.status().await? };
    if ask.out.manner.json {
        return ask.out.document(&status);
    }
    let (paint, words) = (ask.out.paint(), ask.words());
    for line in text::fields(&rows(&status, opened.owned, words.now), paint) {
        ask.out.line(&line)?;
    }
    ask.out.flush()
}

async fn settled(door: &dyn Door) -> Result<Status, Fault> {
    let deadline = tokio::time::Instant::now() + VIEWS_PATIENCE;
    loop {
        let status = door.status().await?;
        let opening = status.views.iter().any(|view| view.state == ViewState::Opening);
        if !opening || tokio::time::Instant::now() >= deadline {
            return Ok(status);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn rows(status: &Status, owned: bool, now: crate::model::Time) -> Vec<(&'static str, String)> {
    let mut rows = vec![("hub", format!("{}, {}", report::escape_line(&status.hub), status.version))];
    if owned {
        rows.push(("process", "none: opened for this command".to_owned()));
    } else {
        let since = text::age(status.started_at, now);
        rows.push(("process", format!("pid {}, started {since} ago", status.pid)));
        if let Some(socket) = &status.socket {
            rows.push(("socket", report::escape_line(socket)));
        }
        rows.push(("attached", text::count(status.attached.into(), "face", "faces")));
    }
    rows.push(("data", report::escape_line(&status.data_dir)));
    if let Some(disk) = status.disk {
        let (used, free) = (text::bytes(disk.data_bytes), text::bytes(disk.free_bytes));
        rows.push(("disk", format!("{used} used, {free} free of {}", text::bytes(disk.total_bytes))));
    }
    rows.push(("log", text::count(status.head.sequence.0, "event", "events")));
    rows.push((
        "writes",
        match &status.writes {
            Writes::Open => "open".to_owned(),
            Writes::Waiting => "waiting for the record view".to_owned(),
            Writes::Refused { fault } => format!("refused: {}", report::escape_line(&fault.message)),
        },
    ));
    for view in &status.views {
        rows.push((view.name.word(), report::escape_line(&view.state.words())));
    }
    if let Some(memories) = status.memories {
        let hidden = status.forgotten.filter(|hidden| *hidden > 0);
        let hidden = hidden.map(|hidden| format!(", {hidden} hidden")).unwrap_or_default();
        rows.push(("memories", format!("{memories}{hidden}")));
    }
    rows
}
