//! `mcp install` and `mcp uninstall`: the entry in a client's settings, shown before it is written, with what was there
//! beside it.

use std::{
    fs,
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::{
    clients::Client,
    entry::{self, Entry},
};
use crate::{
    cli::{
        Stop,
        args::{Global, McpPlace},
        out::Out,
        setup,
    },
    config::write_whole,
    model::Fault,
    report::{self, Paint},
    tasks::Clock,
};

/// Claude Code keeps its history in the same file as its servers.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

pub fn install(place: &McpPlace, global: &Global, out: &mut Out) -> Result<(), Stop> {
    let entry = entry(place, global)?;
    change(place, global, out, |text| entry::put(place.client.form(), text, &entry))
}

pub fn uninstall(place: &McpPlace, global: &Global, out: &mut Out) -> Result<(), Stop> {
    change(place, global, out, |text| entry::take(place.client.form(), text))
}

/// What the client is to start: this very program, with what was said of it now.
fn entry(place: &McpPlace, global: &Global) -> Result<Entry, Fault> {
    let program = std::env::current_exe()
        .map_err(|error| Fault::unavailable("this program's own place is not known").cause(error))?;
    // Settings that others share name no place of this machine where it can be found without.
    let shared = place.project_dir.is_some() && on_path(&program);
    let command = if shared { "wheelhouse".to_owned() } else { text(program, "this program")? };
    let mut arguments = vec!["mcp".to_owned()];
    let set = || std::env::var_os("WHEELHOUSE_DATA_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let dirs = [("--data-dir", global.data_dir.clone().or_else(set)), ("--config", global.config.clone())];
    for (flag, path) in dirs {
        if let Some(path) = path {
            let path = std::path::absolute(&path)
                .map_err(|error| Fault::invalid(format!("{flag} names no place")).cause(error))?;
            arguments.extend([flag.to_owned(), text(path, flag)?]);
        }
    }
    if let Some(project) = &global.project {
        arguments.extend(["--project".to_owned(), project.clone()]);
    }
    Ok(Entry { command, arguments })
}

fn text(path: PathBuf, what: &str) -> Result<String, Fault> {
    path.into_os_string().into_string().map_err(|path| {
        Fault::invalid(format!("the path of {what} is not text in UTF-8: {}", path.display()))
    })
}

/// Whether `wheelhouse` alone starts this program.
fn on_path(program: &Path) -> bool {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&dirs).map(|dir| dir.join("wheelhouse")).find(|file| file.is_file());
    first.and_then(|file| file.canonicalize().ok()) == program.canonicalize().ok()
}

fn change(
    place: &McpPlace,
    global: &Global,
    out: &mut Out,
    edit: impl Fn(&str) -> Result<String, Fault>,
) -> Result<(), Stop> {
    let client = place.client;
    let named =
        client.file(place.project_dir.as_deref(), |name| std::env::var_os(name).map(PathBuf::from))?;
    // A link stays one, what it points to is written.
    let file = named.canonicalize().unwrap_or(named);
    let before = read(&file)?;
    let after = edit(before.as_deref().unwrap_or_default()).map_err(|fault| of_file(&file, fault))?;
    if after == before.as_deref().unwrap_or_default() {
        return unchanged(&file, out);
    }
    let diff = Diff::of(&file, before.as_deref().unwrap_or_default(), &after);
    if !out.manner.json {
        for line in diff.painted(out.paint()).lines() {
            out.line(line)?;
        }
        out.flush()?;
    }
    if !place.yes && !agreed(client, &file, out)? {
        out.remark("nothing was changed");
        return Err(Stop::Interrupted);
    }
    if read(&file)? != before {
        return Err(Fault::conflict(format!("{} was changed meanwhile", file.display()))
            .hint("close the client and do it again")
            .into());
    }
    let backup = before.as_ref().map(|_| keep(&file, global)).transpose()?;
    write(&file, &after)?;
    if out.manner.json {
        return out.document(&json!({
            "file": file, "changed": true, "backup": backup, "diff": diff.painted(Paint::Plain),
        }));
    }
    out.line(&format!("written; {}: {}", client.name(), client.then()))?;
    if let Some(backup) = backup {
        out.line(&format!("as it was: {}", report::escape(&backup.display().to_string())))?;
    }
    out.flush()
}

fn unchanged(file: &Path, out: &mut Out) -> Result<(), Stop> {
    if out.manner.json {
        return out.document(&json!({ "file": file, "changed": false }));
    }
    out.line(&format!("nothing to change in {}", report::escape(&file.display().to_string())))?;
    out.flush()
}

fn of_file(file: &Path, fault: Fault) -> Fault {
    Fault { message: format!("{}: {}", file.display(), fault.message), ..fault }
}

/// None where there is no file.
fn read(file: &Path) -> Result<Option<String>, Fault> {
    let unreadable =
        |error: io::Error| Fault::invalid(format!("cannot read {}", file.display())).cause(error);
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(meta) if meta.len() > FILE_BYTES_MAX => {
            return Err(Fault::invalid(format!("{} has {} bytes", file.display(), meta.len())));
        }
        found => found.map_err(unreadable)?,
    };
    fs::read_to_string(file).map(Some).map_err(unreadable)
}

/// Asks; without anybody to ask it is refused.
fn agreed(client: Client, file: &Path, out: &mut Out) -> Result<bool, Stop> {
    if !io::stdin().is_terminal() || out.manner.json {
        return Err(Fault::invalid(format!("{}'s settings are changed only when you say so", client.name()))
            .hint("look at the change above, then add --yes")
            .into());
    }
    out.flush()?;
    out.manner.complain(&format!("write this to {}? [y/N] ", report::escape(&file.display().to_string())));
    let mut said = String::new();
    io::stdin()
        .lock()
        .read_line(&mut said)
        .map_err(|error| Fault::invalid("cannot read standard input").cause(error))?;
    Ok(matches!(said.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// A copy beside it, under a name of its own.
fn keep(file: &Path, global: &Global) -> Result<PathBuf, Fault> {
    let clock = Clock::system();
    clock.pick_zone(setup::settings(global, &setup::config_path(global)?)?.zone);
    let moment = clock.now().at(clock.zone()).format("%Y%m%d-%H%M%S");
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".before-wheelhouse-{moment}"));
    let backup = file.with_file_name(name);
    let failed = |error| Fault::unavailable(format!("cannot write {}", backup.display())).cause(error);
    // What is there is never written over: two changes within a second keep the state before both.
    match fs::OpenOptions::new().write(true).create_new(true).open(&backup) {
        Ok(_) => fs::copy(file, &backup).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => 0,
        Err(error) => return Err(failed(error)),
    };
    Ok(backup)
}

fn write(file: &Path, text: &str) -> Result<(), Fault> {
    let failed = |error| Fault::unavailable(format!("cannot write {}", file.display())).cause(error);
    if let Some(dir) = file.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    write_whole(file, text.as_bytes()).map_err(failed)
}

/// What would change, line by line.
struct Diff {
    head: String,
    /// Where lines were left out, a line says so.
    lines: Vec<(char, String)>,
}

impl Diff {
    fn of(file: &Path, before: &str, after: &str) -> Diff {
        let diff = TextDiff::from_lines(before, after);
        let mut lines = Vec::new();
        for group in diff.grouped_ops(CONTEXT) {
            lines.push(('@', format!("line {}", group.first().map_or(0, |op| op.new_range().start) + 1)));
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let mark = match change.tag() {
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                    ChangeTag::Equal => ' ',
                };
                lines.push((mark, change.value().trim_end_matches('\n').to_owned()));
            }
        }
        Diff { head: file.display().to_string(), lines }
    }

    fn painted(&self, paint: Paint) -> String {
        let mut text = format!("{}\n", paint.bold(&report::escape_line(&self.head)));
        for (mark, line) in &self.lines {
            let line = report::escape(line);
            let line = match mark {
                '+' => paint.green(&format!("+{line}")),
                '-' => paint.red(&format!("-{line}")),
                '@' => paint.dim(&format!("@ {line}")),
                _ => format!(" {line}"),
            };
            text.push_str(&format!("{line}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_is_around_it() {
        let before = "a\nb\nc\nd\ne\nf\n";
        let diff = Diff::of(Path::new("/f"), before, "a\nb\nc\nd\ne\nx\nf\n");
        assert_eq!(diff.painted(Paint::Plain), "/f\n@ line 3\n c\n d\n e\n+x\n f\n");
    }
}
