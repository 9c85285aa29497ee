//! `status`: what the hub is and how it does.

use super::{
    Stop, text,
    verb::{Ask, settled},
};
use crate::{
    door::{Status, Writes},
    report,
};

pub async fn status(ask: &mut Ask) -> Result<(), Stop> {
    let opened = ask.home.door().await?;
    let status = if opened.owned { settled(&opened.door).await? } else { opened.door.status().await? };
    if ask.out.manner.json {
        return ask.out.document(&status);
    }
    let (paint, words) = (ask.out.paint(), ask.words());
    for line in text::fields(&rows(&status, opened.owned, words.now), paint) {
        ask.out.line(&line)?;
    }
    ask.out.flush()
}

fn rows(status: &Status, owned: bool, now: crate::model::Time) -> Vec<(&'static str, String)> {
    let mut rows = vec![("hub", format!("{}, {}", report::escape_line(&status.hub), status.version))];
    if owned {
        rows.push(("process", "none: opened for this command".to_owned()));
    } else {
        let since = text::ago(now.since(status.started_at));
        rows.push(("process", format!("pid {}, started {since}", status.pid)));
        if let Some(socket) = &status.socket {
            rows.push(("socket", report::escape_line(socket)));
        }
        for listener in &status.listeners {
            let open = if listener.keys { "" } else { ", NO KEYS: anyone on this machine may do everything" };
            rows.push(("listens", format!("{}{open}", report::escape_line(&listener.url))));
        }
        rows.push(("attached", text::counted(status.attached.into(), "face", "faces")));
    }
    rows.push(("data", report::escape_line(&status.data_dir)));
    if let Some(disk) = status.disk {
        let (used, free) = (text::bytes(disk.data_bytes), text::bytes(disk.free_bytes));
        rows.push(("disk", format!("{used} used, {free} free of {}", text::bytes(disk.total_bytes))));
    }
    rows.push(("log", text::counted(status.head.sequence.0, "event", "events")));
    rows.push((
        "writes",
        match &status.writes {
            Writes::Refused { fault, .. } => format!("refused: {}", report::escape_line(&fault.message)),
            writes => writes.words(now),
        },
    ));
    if let Some(cleaning) = &status.cleaning {
        rows.push(("cleaner", report::escape_line(&cleaning.words())));
    }
    for view in &status.views {
        rows.push((view.name.word(), report::escape_line(&view.state.words())));
    }
    for cache in &status.caches {
        let asked = cache.hits + cache.misses;
        if asked > 0 {
            let kept = text::counted(cache.entries, "entry", "entries");
            let said = format!("{} of {asked} answered from {kept}, {} left", cache.hits, cache.evictions);
            rows.push((if cache.name == "queries" { "queries" } else { "answers" }, said));
        }
    }
    if let Some(memories) = status.memories {
        let hidden = status.forgotten.filter(|hidden| *hidden > 0);
        let hidden = hidden.map(|hidden| format!(", {hidden} hidden")).unwrap_or_default();
        rows.push(("memories", format!("{memories}{hidden}")));
    }
    rows
}
