//! What became of what was asked for.

use super::{App, Undo};
use crate::console::{
    action::{Action, Place},
    effect::{Ask, DecisionsFor, Effect, UNDO},
    keymap::Keymap,
    msg::Answer,
    overlay::{Overlay, form::Purpose},
    scene::Out,
    theme::Themes,
    widgets::toast::Toast,
};
use crate::{door::SavedDecision, model::Fault};

impl App {
    fn use_keymap(&mut self, own: Option<&str>, out: &mut Out) {
        let (keymap, problems) =
            Keymap::load(self.keymap_base, own.map(|text| (self.keymap_path.as_path(), text)));
        out.toast(match problems.first() {
            Some(problem) => Toast::warn(format!("keymap: {problem}")),
            None if keymap.base() != self.keymap_base => Toast::say(format!(
                "keys: {}, for {} extends it",
                keymap.base().name(),
                self.keymap_path.display()
            )),
            None => Toast::done(format!(
                "keys: {}{}",
                keymap.base().name(),
                own.map_or("", |_| ", and your own over them")
            )),
        });
        self.env.keymap = keymap;
        // What is open was made of the keys that were.
        match &self.overlay {
            Some(Overlay::Help(_)) => {
                let sections = self.help_sections();
                if let Some(Overlay::Help(help)) = &mut self.overlay {
                    help.keys_came(sections);
                }
            }
            Some(Overlay::Palette(_)) => {
                let entries = self.entries();
                if let Some(Overlay::Palette(palette)) = &mut self.overlay {
                    palette.keys_came(&entries);
                }
            }
            _ => {}
        }
    }

    pub(super) fn answer(&mut self, answer: Answer, out: &mut Out) {
        let now = self.env.now;
        match answer {
            Answer::Memory { id, result } => {
                if let Some(Overlay::Form(form)) = &mut self.overlay {
                    form.memory_came(result.as_ref().map(|memory| &**memory).map_err(Clone::clone), out);
                }
                self.answer_to_panes(Answer::Memory { id, result }, out);
            }
            Answer::Projects(result) => {
                if let Ok(answer) = &result {
                    self.panes.timeline.projects_came(&answer.suggestions);
                }
                if let Some(Overlay::Picker(picker)) = &mut self.overlay {
                    match result {
                        Ok(answer) => picker.answered(answer.suggestions),
                        Err(fault) => out.toast(Toast::fault("projects", &fault)),
                    }
                }
            }
            Answer::Keymap(Ok(text)) => self.use_keymap(text.as_deref(), out),
            Answer::Keymap(Err(fault)) => out.toast(Toast::fault("keymap", &fault)),
            Answer::Themes(result) => self.themes_came(result, out),
            Answer::Queries(result) => {
                if let Some(Overlay::Queries(queries)) = &mut self.overlay {
                    queries.came(result, out);
                }
            }
            Answer::Saved(result) => self.saved(result, out),
            Answer::Decided(result) => self.decided(result, out),
            Answer::Decisions { what: DecisionsFor::Similar { generation }, result } => {
                if let Some(Overlay::Form(form)) = &mut self.overlay {
                    form.similar_came(generation, result);
                }
            }
            Answer::Forgotten(Ok(forgotten)) => {
                if self.forgetting.take() == Some((forgotten.id, true)) {
                    out.ask(Ask::Restore { id: forgotten.id });
                    return;
                }
                self.panes.search.drop_row(forgotten.id);
                self.undo = Some(Undo { id: forgotten.id, until: now.plus(UNDO) });
                let undo = self.hint(Action::Undo, "undoes it");
                out.toast(Toast::done(format!("hidden: {}{undo}", forgotten.title)).lasting(UNDO));
                self.panes.search.ask(&self.env.scene(), out);
            }
            Answer::Forgotten(Err(fault)) => {
                self.forgetting = None;
                out.toast(Toast::fault("not removed", &fault));
            }
            Answer::Restored(Ok(saved)) => {
                out.toast(Toast::done(format!("back again: {}", saved.memory.title)));
                self.panes.search.ask(&self.env.scene(), out);
            }
            Answer::Restored(Err(fault)) => out.toast(Toast::fault("not restored", &fault)),
            Answer::Edited { field, result } => {
                if let Some(Overlay::Form(form)) = &mut self.overlay {
                    form.edited(field, result, now);
                }
            }
            Answer::Alike(result) => {
                if let Some(Overlay::Form(form)) = &mut self.overlay {
                    form.alike_came(result);
                }
            }
            Answer::Draft { purpose, draft } => {
                if let Some(Overlay::Form(form)) = &mut self.overlay {
                    form.draft_came(purpose, draft);
                }
            }
            Answer::Copied(copied) => out.toast(copied.toast()),
            Answer::ExportProgress(rows) => {
                if let Some(Overlay::Export(export)) = &mut self.overlay {
                    export.gathered(rows);
                }
            }
            Answer::Exported(result) => self.exported(result, out),
            Answer::Sounded { at, result } => self.sounded(at, result, out),
            Answer::Nothing => {}
            Answer::Failed { what, fault } => out.toast(Toast::fault(what, &fault)),
            Answer::Paths { asked, names } => {
                if let Some(Overlay::Import(import)) = &mut self.overlay {
                    import.completed(&asked, names);
                }
            }
            Answer::ImportProgress(progress) => {
                if let Some(import) = self.env.import.as_mut().filter(|import| import.is_running()) {
                    import.progress = progress;
                }
            }
            Answer::Imported(result) => {
                let seen = matches!(self.overlay, Some(Overlay::Import(_)));
                match &result {
                    Ok(report) if !seen => out.toast(Toast::done(format!(
                        "imported: {} taken, {} changed, {} skipped{}",
                        report.taken,
                        report.changed,
                        report.skipped.len(),
                        self.hint(Action::Import, "shows more")
                    ))),
                    Err(fault) if !seen => out.toast(Toast::fault("import", fault)),
                    _ => {}
                }
                if let Some(import) = &mut self.env.import {
                    import.report = Some(result);
                }
            }
            answer => self.answer_to_panes(answer, out),
        }
    }

    /// What a key does, behind other words.
    fn hint(&self, action: Action, does: &str) -> String {
        let key = self.env.scene().key(action, Place::Global);
        key.map_or(String::new(), |key| format!(" {} {key} {does}", self.env.theme.dot()))
    }

    /// To the pane that asked.
    fn answer_to_panes(&mut self, answer: Answer, out: &mut Out) {
        let scene = self.env.scene();
        let mut answer = Some(answer);
        for pane in self.panes.each() {
            answer = answer.and_then(|answer| pane.answer(answer, &scene, out));
        }
    }

    /// The theme is drawn anew as its file is now, whether it was asked for or only looked through.
    fn themes_came(&mut self, result: Result<Themes, Fault>, out: &mut Out) {
        match result {
            Ok(themes) => self.looks.themes = themes,
            Err(fault) => return out.toast(Toast::fault("your own themes", &fault)),
        }
        let worn = self.wear();
        match &mut self.overlay {
            Some(Overlay::Themes(picker)) => return picker.themes_came(&self.looks),
            Some(Overlay::Settings(settings)) => settings.themes_came(&self.looks),
            _ => {}
        }
        match worn {
            Ok(()) => out.toast(Toast::done(format!("theme {}, read again", self.env.theme.name()))),
            Err(error) => out.toast(Toast::warn(error.to_string())),
        }
    }

    fn decided(&mut self, result: Result<Box<SavedDecision>, Fault>, out: &mut Out) {
        match result {
            Ok(saved) => {
                let (number, title) = (saved.decision.number, &saved.decision.title);
                let later = if saved.applied { "" } else { " (on disk; the records are catching up)" };
                let mut said = format!("recorded: {number} {title}{later}");
                if let Some(Overlay::Form(form)) = &self.overlay
                    && form.is_saving()
                {
                    if let Purpose::Outcome(_) = form.purpose {
                        said = format!("recorded what came of {number}{later}");
                    }
                    out.effects.push(Effect::DropDraft(form.purpose));
                    out.close = true;
                }
                out.toast(Toast::done(said));
                self.panes.decisions.recorded(saved.decision.id, &self.env.scene(), out);
            }
            Err(fault) => match &mut self.overlay {
                Some(Overlay::Form(form)) => form.refused(fault),
                _ => out.toast(Toast::fault("not recorded", &fault)),
            },
        }
    }

    fn saved(&mut self, result: Result<Box<crate::door::Saved>, Fault>, out: &mut Out) {
        match result {
            Ok(saved) => {
                let mut said = format!("saved: {}", saved.memory.title);
                if !saved.applied {
                    said.push_str(" (on disk; the records are catching up)");
                }
                if !saved.duplicates.is_empty() {
                    said.push_str(" (the same text is already known)");
                }
                out.toast(Toast::done(said));
                if let Some(Overlay::Form(form)) = &self.overlay
                    && form.is_saving()
                {
                    out.effects.push(Effect::DropDraft(form.purpose));
                    out.close = true;
                }
                self.panes.search.saved(saved.memory.id, out);
                self.panes.search.ask(&self.env.scene(), out);
            }
            Err(fault) => match &mut self.overlay {
                Some(Overlay::Form(form)) => form.refused(fault),
                _ => out.toast(Toast::fault("not saved", &fault)),
            },
        }
    }
}
