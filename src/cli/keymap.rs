//! `keymap check`, `list`, `explain` and `doc`: the console's bindings. None needs a hub.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{
    Stop,
    args::{Global, Keymap as What},
    out::Out,
    setup, text,
};
use crate::{
    console::keymap::{self, Keymap, Listed, Meaning, Shipped, document},
    model::Fault,
    report,
};

pub fn run(what: What, global: &Global, out: &mut Out) -> Result<(), Stop> {
    let keys = Keys::of(global)?;
    match what {
        What::Check { file } => keys.check(file.as_deref(), out),
        What::List => keys.list(out),
        What::Explain { keys: pressed } => keys.explain(&pressed.join(" "), out),
        What::Doc => {
            out.line(document().trim_end())?;
            out.flush()
        }
    }
}

/// What the bindings come from: the setting, and the user's own file.
struct Keys {
    base: Shipped,
    own: PathBuf,
}

impl Keys {
    fn of(global: &Global) -> Result<Keys, Fault> {
        let config = setup::settings(global, &setup::config_path(global)?)?;
        Ok(Keys {
            base: Shipped::named(&config.keymap).unwrap_or_default(),
            own: setup::keymap_path(global)?,
        })
    }

    fn load(&self) -> Result<Keymap, Fault> {
        let text = keymap::read(&self.own)?;
        Ok(Keymap::load(self.base, text.as_deref().map(|text| (self.own.as_path(), text))).0)
    }

    fn check(&self, named: Option<&Path>, out: &mut Out) -> Result<(), Stop> {
        let path = named.unwrap_or(&self.own);
        let text = keymap::read(path)?;
        if text.is_none() && named.is_some() {
            return Err(Fault::not_found(format!("there is no file {}", path.display())).into());
        }
        let problems =
            text.as_deref().map(|text| Keymap::load(self.base, Some((path, text))).1).unwrap_or_default();
        if out.manner.json {
            let notes: Vec<Value> = problems
                .iter()
                .map(|problem| {
                    json!({ "line": problem.origin.line, "message": problem.message, "hint": problem.hint })
                })
                .collect();
            out.document(&json!({ "path": path, "exists": text.is_some(), "notes": notes }))?;
        } else {
            for problem in &problems {
                let hint = problem.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
                out.line(&report::escape_line(&format!("{problem}{hint}")))?;
            }
            if problems.is_empty() && !out.manner.quiet {
                let said = match text {
                    Some(_) => "nothing to complain about".to_owned(),
                    None => format!("not there; the keymap `{}` holds", self.base.name()),
                };
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

    fn list(&self, out: &mut Out) -> Result<(), Stop> {
        let bindings = self.load()?.list();
        if out.manner.json {
            let bindings: Vec<Value> = bindings.iter().map(binding).collect();
            return out.document(&json!({ "bindings": bindings }));
        }
        let row = |listed: &Listed| {
            let title = format!("{}{}", listed.title, condition(listed));
            vec![listed.place.section().to_owned(), listed.keys.clone(), title]
        };
        rows(bindings.iter().map(row).collect(), out)
    }

    fn explain(&self, pressed: &str, out: &mut Out) -> Result<(), Stop> {
        let keymap = self.load()?;
        let meanings = keymap.explain(pressed).map_err(|error| {
            let fault = Fault::invalid(error.to_string());
            match error.meant() {
                Some(meant) => fault.hint(meant),
                None => fault,
            }
        })?;
        if out.manner.json {
            let meanings: Vec<Value> = meanings.iter().map(meaning).collect();
            return out.document(&json!({ "keys": pressed, "meanings": meanings }));
        }
        if meanings.is_empty() {
            return Err(Fault::not_found(format!("no binding begins with {pressed}"))
                .hint("`wheelhouse keymap list` prints every binding in force")
                .into());
        }
        let row = |meaning: &Meaning| match meaning {
            Meaning::Runs(listed) => {
                let names: Vec<&str> = listed.actions.iter().map(|action| action.name()).collect();
                vec![
                    listed.place.section().to_owned(),
                    listed.keys.clone(),
                    format!("{}{}", listed.title, condition(listed)),
                    names.join(", "),
                    listed.origin.to_string(),
                ]
            }
            Meaning::Unbound { place, keys, origin } => vec![
                place.section().to_owned(),
                keys.clone(),
                "nothing: it is unbound here".to_owned(),
                String::new(),
                origin.to_string(),
            ],
        };
        rows(meanings.iter().map(row).collect(), out)
    }
}

/// ` when import.running`; nothing for what holds always.
fn condition(listed: &Listed) -> String {
    listed.when.map_or_else(String::new, |when| format!(" when {when}"))
}

fn binding(listed: &Listed) -> Value {
    let actions: Vec<&str> = listed.actions.iter().map(|action| action.name()).collect();
    json!({
        "section": listed.place.section(),
        "keys": listed.keys,
        "actions": actions,
        "title": listed.title,
        "when": listed.when.map(|when| when.to_string()),
        "file": listed.origin.path,
        "line": listed.origin.line,
    })
}

fn meaning(meaning: &Meaning) -> Value {
    match meaning {
        Meaning::Runs(listed) => binding(listed),
        Meaning::Unbound { place, keys, origin } => json!({
            "section": place.section(),
            "keys": keys,
            "actions": [],
            "title": null,
            "file": origin.path,
            "line": origin.line,
        }),
    }
}

fn rows(rows: Vec<Vec<String>>, out: &mut Out) -> Result<(), Stop> {
    let paint = out.paint();
    let shown: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.into_iter().map(|cell| report::escape_line(&cell)).collect())
        .collect();
    for line in text::table(&shown, |column, cell| match column {
        0 | 4 => paint.dim(cell),
        1 => paint.cyan(cell),
        _ => cell.to_owned(),
    }) {
        out.line(&line)?;
    }
    out.flush()
}
