//! `keymap check` and `keymap list`: the console's bindings. Neither needs a hub.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    Stop,
    args::{Global, Keymap as What},
    out::Out,
    setup, text,
};
use crate::{console::keymap::Keymap, model::Fault, report};

pub fn run(what: What, global: &Global, out: &mut Out) -> Result<(), Stop> {
    let mine = setup::keymap_path(global)?;
    match what {
        What::Check { file } => check(file.as_deref().unwrap_or(&mine), file.is_some(), out),
        What::List => list(&mine, out),
    }
}

fn check(path: &Path, must_exist: bool, out: &mut Out) -> Result<(), Stop> {
    let text = setup::keymap(path)?;
    if text.is_none() && must_exist {
        return Err(Fault::not_found(format!("there is no file {}", path.display())).into());
    }
    let problems = text.as_deref().map(|text| Keymap::check(path, text)).unwrap_or_default();
    if out.manner.json {
        let notes: Vec<Value> = problems
            .iter()
            .map(|problem| json!({ "line": problem.line, "message": problem.message, "hint": problem.hint }))
            .collect();
        out.document(&json!({ "path": path, "exists": text.is_some(), "notes": notes }))?;
    } else {
        for problem in &problems {
            let hint = problem.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            out.line(&report::escape_line(&format!("{problem}{hint}")))?;
        }
        if problems.is_empty() && !out.manner.quiet {
            let said =
                if text.is_some() { "nothing to complain about" } else { "not there; the defaults hold" };
            out.line(&format!("{}: {said}", report::escape_line(&path.display().to_string())))?;
        }
        out.flush()?;
    }
    match problems.len() as u64 {
        0 => Ok(()),
        n => Err(Fault::invalid(format!(
            "{} in {}",
            text::counted(n, "wrong line", "wrong lines"),
            path.display()
        ))
        .hint("the console leaves these out and uses the rest")
        .into()),
    }
}

fn list(path: &Path, out: &mut Out) -> Result<(), Stop> {
    let text = setup::keymap(path)?;
    let (keymap, _) = Keymap::load(text.as_deref().map(|text| (path, text)));
    let bindings = keymap.list();
    if out.manner.json {
        let bindings: Vec<Value> = bindings
            .iter()
            .map(|binding| {
                let actions: Vec<&str> = binding.actions.iter().map(|action| action.name()).collect();
                json!({
                    "section": binding.place.section(),
                    "keys": binding.keys,
                    "actions": actions,
                    "title": binding.title,
                })
            })
            .collect();
        return out.document(&json!({ "bindings": bindings }));
    }
    let rows: Vec<Vec<String>> = bindings
        .iter()
        .map(|binding| {
            let keys = report::escape_line(&binding.keys);
            vec![binding.place.section().to_owned(), keys, report::escape_line(&binding.title)]
        })
        .collect();
    let paint = out.paint();
    for line in text::table(&rows, |column, cell| match column {
        0 => paint.dim(cell),
        1 => paint.cyan(cell),
        _ => cell.to_owned(),
    }) {
        out.line(&line)?;
    }
    out.flush()
}
