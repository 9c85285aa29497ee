//! `config show` and `config check`. Neither needs a hub.

use serde_json::json;

use super::{
    Stop,
    args::{Config, Global},
    out::Out,
    setup, text,
};
use crate::{api, config, model::Fault, report};

pub fn run(what: Config, global: &Global, out: &mut Out) -> Result<(), Stop> {
    match what {
        Config::Show => show(global, out),
        Config::Check => check(global, out),
    }
}

fn show(global: &Global, out: &mut Out) -> Result<(), Stop> {
    let path = setup::config_path(global)?;
    let mut settings = setup::settings(global, &path)?.settings();
    let setup = setup::Setup::new(global)?;
    // What is found rather than set is in force all the same.
    for setting in &mut settings {
        match (setting.name, setting.value.is_empty()) {
            ("project", true) => {
                (setting.value, setting.from) = (setup.project.to_string(), "this folder".to_owned());
            }
            ("hub_name", true) => {
                (setting.value, setting.from) = (setup.hub_name.clone(), "this machine".to_owned());
            }
            _ => {}
        }
    }
    let limits = api::limits();
    if out.manner.json {
        return out.document(&json!({
            "path": path,
            "exists": path.exists(),
            "settings": settings,
            "limits": limits,
        }));
    }
    let paint = out.paint();
    let there = if path.exists() { "" } else { "  (not there; these are the defaults)" };
    out.line(&paint.dim(&format!("{}{there}", report::escape_line(&path.display().to_string()))))?;
    let rows: Vec<Vec<String>> = settings
        .iter()
        .map(|setting| {
            vec![
                setting.name.to_owned(),
                report::escape_line(&setting.value),
                report::escape_line(&setting.from),
            ]
        })
        .collect();
    for line in text::table(&rows, |column, cell| if column == 2 { paint.dim(cell) } else { cell.to_owned() })
    {
        out.line(&line)?;
    }
    if !out.manner.quiet {
        out.line("")?;
        out.line(&paint.dim("limits"))?;
        let rows: Vec<Vec<String>> = limits
            .iter()
            .map(|limit| vec![limit.name.clone(), limit.value.to_string(), limit.unit.clone()])
            .collect();
        for line in
            text::table(&rows, |column, cell| if column == 2 { paint.dim(cell) } else { cell.to_owned() })
        {
            out.line(&line)?;
        }
    }
    out.flush()
}

fn check(global: &Global, out: &mut Out) -> Result<(), Stop> {
    let path = setup::config_path(global)?;
    let written = config::read(&path)?;
    let notes = written.as_deref().map(config::check).unwrap_or_default();
    if out.manner.json {
        out.document(&json!({ "path": path, "exists": written.is_some(), "notes": notes }))?;
    } else {
        let (paint, file) = (out.paint(), report::escape_line(&path.display().to_string()));
        for note in &notes {
            let kind = if note.stops { paint.red("error") } else { paint.yellow("warning") };
            let hint = note.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            let said = report::escape_line(&format!("{}{hint}", note.message));
            out.line(&format!("{file}:{}: {kind}: {said}", note.line))?;
        }
        if notes.is_empty() && !out.manner.quiet {
            let said =
                if written.is_some() { "nothing to complain about" } else { "not there; the defaults hold" };
            out.line(&format!("{file}: {said}"))?;
        }
        out.flush()?;
    }
    match notes.iter().filter(|note| note.stops).count() {
        0 => Ok(()),
        n => Err(Fault::invalid(format!(
            "{} in {}",
            text::counted(n as u64, "wrong line", "wrong lines"),
            path.display()
        ))
        .hint("no verb runs with these settings")
        .into()),
    }
}
