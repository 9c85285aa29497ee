//! What the pane in focus shows, as something to export, and what became of it.

use super::App;
use crate::{
    console::{
        effect::Effect,
        export::{self, ROWS_MAX, Target, Went, What},
        model::At,
        overlay::{Overlay, confirm::Confirm, export::Export},
        panes::Exported,
        scene::Out,
        text,
        widgets::toast::Toast,
    },
    door::{LIST_PAGE_MAX, ListOrder, SearchMode, SearchRequest},
    model::{Code, EventFilter, Fault, Projects},
};

impl App {
    pub(super) fn open_export(&mut self, out: &mut Out) {
        let Some(Exported { what, mut about, stem }) = self.panes.get(self.focus).exported() else { return };
        let hubs = self.exported_hubs(&what);
        if !hubs.is_empty() {
            let names: Vec<_> = hubs.iter().map(|(_, name)| text::escape_line(name)).collect();
            about = format!("{about} Of {}.", names.join(", "));
        }
        let scene = self.env.scene();
        let project = self.env.project.as_ref().map(ToString::to_string);
        let verb = match &what {
            // A verb asks one hub.
            _ if !hubs.is_empty() => None,
            What::Search(request) => Some(search_verb(&request.query, Some(request), project.as_deref())),
            What::List(_, ListOrder::Recent) => Some(search_verb("", None, project.as_deref())),
            What::List(..) => None,
            What::Events(query) => events_verb(&query.filter),
            // The words of their filters are other ones.
            What::Decisions(filter) => (filter.text.is_none() && filter.statuses.is_empty())
                .then(|| decisions_verb(filter.any_status, project.as_deref())),
            What::Jobs(slugs) => slugs.is_none().then(|| "wheelhouse jobs ls --json".to_owned()),
        };
        out.open = Some(Overlay::Export(Box::new(Export::new((what, hubs), about, verb, stem, &scene))));
    }

    /// With several hubs the Timeline and Search export those that they show and that are there, each with its name.
    fn exported_hubs(&self, what: &What) -> Vec<(At, String)> {
        if !self.env.fleet.is_many() {
            return Vec::new();
        }
        let hubs = match what {
            What::Events(_) => self.panes.timeline.hubs(),
            What::Search(_) | What::List(..) => {
                let scene = self.env.scene();
                // The chosen one alone is exported as a single hub is.
                let shown = self.panes.search.scope(&scene) != [scene.fleet.chosen()];
                if shown { self.panes.search.live(&scene) } else { Vec::new() }
            }
            What::Decisions(_) | What::Jobs(_) => Vec::new(),
        };
        hubs.into_iter().map(|at| (at, self.env.fleet.name(at).to_owned())).collect()
    }

    pub(super) fn why_no_export(&self) -> Option<String> {
        (!self.env.fleet.hub().is_live()).then(|| "the hub is not there yet".to_owned())
    }

    pub(super) fn exported(&mut self, result: Result<export::Exported, Fault>, out: &mut Out) {
        match result {
            Ok(exported) => {
                if matches!(self.overlay, Some(Overlay::Export(_))) {
                    out.close = true;
                }
                let rows = text::counted(exported.rows, "row", "rows");
                let more = if exported.more { ", and there are more" } else { "" };
                match exported.went {
                    Went::File(path) => {
                        out.toast(Toast::done(format!("{rows}{more}: {}", path.display())));
                    }
                    // The copy says where it went.
                    Went::Clipboard(text) => {
                        if exported.more {
                            out.toast(Toast::warn(format!("the first {rows}{more}")));
                        }
                        out.effects.push(Effect::Copy(text));
                    }
                }
            }
            Err(fault) => {
                let Some(Overlay::Export(export)) = &mut self.overlay else {
                    return out.toast(Toast::fault("not exported", &fault));
                };
                let asked = export.asked(true);
                match &asked.to {
                    Target::File { path, .. } if fault.code == Code::Conflict => {
                        let object = path.display().to_string();
                        let now = self.env.now;
                        out.open = Some(Overlay::Confirm(Box::new(Confirm::new(
                            "Replace a file",
                            &object,
                            "It is there already. What it holds now is lost.",
                            "replace",
                            now,
                            vec![Effect::Export(Box::new(asked.clone()))],
                        ))));
                    }
                    _ => export.failed(fault),
                }
            }
        }
    }
}

fn search_verb(query: &str, request: Option<&SearchRequest>, project: Option<&str>) -> String {
    let mut words = format!("wheelhouse search {}", quoted(query));
    if let Some(request) = request {
        if request.mode != SearchMode::Auto {
            words.push_str(&format!(" --mode {}", request.mode.word()));
        }
        if request.as_you_type {
            words.push_str(" --as-you-type");
        }
    }
    match project {
        Some(project) => words.push_str(&format!(" --project {project}")),
        None => words.push_str(" --all-projects"),
    }
    words.push_str(&format!(" -n {ROWS_MAX}"));
    words
}

fn decisions_verb(any_status: bool, project: Option<&str>) -> String {
    let all = if any_status { " --all" } else { "" };
    let of = project.map_or_else(|| " --all-projects".to_owned(), |project| format!(" --project {project}"));
    format!("wheelhouse decisions{all}{of} -n {LIST_PAGE_MAX} --json")
}

/// None where the verb has no words for it.
fn events_verb(filter: &EventFilter) -> Option<String> {
    let mut words = "wheelhouse events query".to_owned();
    match &filter.projects {
        Projects::All => {}
        Projects::Only(projects) => match projects.as_slice() {
            [project] => words.push_str(&format!(" --project {project}")),
            projects if filter.patterns.is_empty() => {
                projects.iter().for_each(|project| words.push_str(&format!(" '{project}.>'")));
            }
            _ => return None,
        },
    }
    filter.patterns.iter().for_each(|pattern| words.push_str(&format!(" {}", quoted(&pattern.to_string()))));
    let mut flag = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.push_str(&format!(" --{name} {}", quoted(&value)));
        }
    };
    flag("since", filter.since.map(|time| time.to_string()));
    flag("until", filter.until.map(|time| time.to_string()));
    flag("correlation", filter.correlation.map(|id| id.to_string()));
    flag("causation", filter.causation.map(|id| id.to_string()));
    flag("actor", filter.actor.as_ref().map(|actor| actor.0.clone()));
    flag("severity", filter.severity.map(|severity| severity.word().to_owned()));
    flag("text", filter.text.clone());
    words.push_str(&format!(" -n {ROWS_MAX}"));
    Some(words)
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@".contains(c);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_what_a_shell_takes() {
        assert_eq!(quoted("deploy"), "deploy");
        assert_eq!(quoted("it's -x"), r"'it'\''s -x'");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("-x"), "'-x'");
        let request =
            SearchRequest { mode: SearchMode::Hybrid, as_you_type: true, ..SearchRequest::default() };
        assert_eq!(
            search_verb("dep lock", Some(&request), None),
            "wheelhouse search 'dep lock' --mode hybrid --as-you-type --all-projects -n 10000"
        );
        let filter = EventFilter {
            patterns: vec!["*.memory.*".parse().unwrap()],
            text: Some("two words".into()),
            ..EventFilter::default()
        };
        assert_eq!(
            events_verb(&filter).unwrap(),
            "wheelhouse events query '*.memory.*' --text 'two words' -n 10000"
        );
    }
}
