//! `fsck`: every frame of the log read, every view held against it.

use std::path::Path;

use super::{Stop, text, verb::Ask};
use crate::{
    door::{Damage, FsckReport},
    model::{Code, Fault},
    report,
};

pub async fn fsck(ask: &mut Ask) -> Result<(), Stop> {
    let checked = ask.settled_door().await?.fsck(&ask.caller).await?;
    if ask.out.manner.json {
        ask.out.document(&checked)?;
    } else {
        for damage in &checked.damage {
            ask.out.line(&place(damage))?;
        }
        if !ask.out.manner.quiet {
            ask.out.line(&counted(&checked))?;
        }
        ask.out.flush()?;
    }
    match checked.damage.len() {
        0 => Ok(()),
        n => Err(Fault::new(Code::Damaged, format!("{} on disk", text::counted(n as u64, "damaged place", "damaged places")))
            .hint("a damaged view is built anew by `wheelhouse reindex`; a damaged log keeps what lies before and after the damage")
            .into()),
    }
}

/// Copies what proves whole into a directory of its own.
pub async fn repair(ask: &mut Ask, to: &Path) -> Result<(), Stop> {
    let repaired = ask.home.repair(to).await?;
    if ask.out.manner.json {
        return ask.out.document(&repaired);
    }
    for damage in &repaired.damage {
        ask.out.line(&place(damage))?;
    }
    for lost in &repaired.lost {
        let (from, to) = (lost.start(), lost.end());
        let line =
            if from == to { format!("lost: event {from}") } else { format!("lost: events {from} to {to}") };
        ask.out.line(&line)?;
    }
    if !ask.out.manner.quiet {
        let segments = repaired.copied + repaired.mended;
        let line = format!(
            "{} copied, {} of them mended; {}",
            text::counted(segments, "segment", "segments"),
            repaired.mended,
            text::counted(repaired.snapshots, "snapshot", "snapshots"),
        );
        ask.out.line(&line)?;
        let dir = report::escape_line(&to.display().to_string());
        ask.out.remark(&format!(
            "look at it with `wheelhouse --data-dir {dir}`, then let it take the place of the other"
        ));
    }
    ask.out.flush()
}

/// `log/00000003.log:8192: the frame's checksum is wrong`
fn place(damage: &Damage) -> String {
    let offset = damage.offset.map(|offset| format!(":{offset}")).unwrap_or_default();
    format!("{}{offset}: {}", report::escape_line(&damage.file), report::escape_line(&damage.what))
}

fn counted(checked: &FsckReport) -> String {
    format!(
        "{}, {}, {}, {}, {}; {} ms",
        text::counted(checked.segments, "segment", "segments"),
        text::counted(checked.frames, "frame", "frames"),
        text::counted(checked.events, "event", "events"),
        text::bytes(checked.bytes),
        text::counted(checked.records, "record", "records"),
        checked.took_ms
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_named_by_file_and_offset() {
        let damage = |offset| Damage { file: "log/1".into(), offset, what: "torn".into() };
        assert_eq!(place(&damage(Some(7))), "log/1:7: torn");
        assert_eq!(place(&damage(None)), "log/1: torn");
    }
}
