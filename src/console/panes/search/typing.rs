//! What typing does: the query and its completion, and its fields as chips.

use super::{QueryFault, Search, chips};
use crate::{
    console::{
        effect::Effect,
        scene::{Out, Scene},
        widgets::list::Step,
    },
    door::Suggestion,
    search::query::Field,
};

impl Search {
    pub fn begin_typing(&mut self) {
        self.open_when_found = false;
        self.typing = true;
        self.reading = false;
        self.chip = None;
    }

    /// Letters are commands again. What was asked is worth finding again, unless it could not be read or names a memory
    /// by its id, which nobody would know it by.
    pub fn end_typing(&mut self, out: &mut Out) {
        if !std::mem::take(&mut self.typing) {
            return;
        }
        self.completion.clear();
        let text = self.query.text().trim();
        let by_id = chips::chips(text).iter().any(|chip| chip.field == Some(Field::Like));
        if !text.is_empty() && self.fault.is_none() && !by_id {
            out.effects.push(Effect::KeepQuery(text.to_owned()));
        }
    }

    /// The query changed: ask.
    pub fn changed(&mut self, scene: &Scene, out: &mut Out) {
        self.fault = None;
        self.chip = None;
        self.completion.changed(&self.query);
        self.ask(scene, out);
        self.suggest(scene, out);
    }

    /// The cursor went elsewhere in the same text.
    pub fn moved_cursor(&mut self, scene: &Scene, out: &mut Out) {
        self.completion.changed(&self.query);
        self.suggest(scene, out);
    }

    /// A former query, to be changed or used as it is.
    pub fn take_query(&mut self, query: &str, scene: &Scene, out: &mut Out) {
        self.begin_typing();
        self.query.set(query);
        self.completion.clear();
        self.changed(scene, out);
    }

    pub fn insert(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.query.insert(text);
        self.changed(scene, out);
    }

    /// The rest of what Tab takes.
    pub fn ghost(&self) -> Option<&str> {
        self.completion.ghost(&self.query).filter(|_| self.typing && self.fix().is_none())
    }

    /// What stands in the box under the cursor, and which of it is chosen.
    pub fn popup(&self) -> (Vec<Suggestion>, usize) {
        if !self.typing || self.fix().is_some() {
            return (Vec::new(), 0);
        }
        let (offers, chosen) = self.completion.popup(&self.query);
        (offers.into_iter().cloned().collect(), chosen)
    }

    /// What is wrong, unless it is only half said: while its values are offered, a field without one is no mistake.
    pub(super) fn shown_fault(&self) -> Option<&QueryFault> {
        let fault = self.fault.as_ref()?;
        let half =
            fault.at.as_ref().is_some_and(|at| at.end == self.query.at()) && !self.popup().0.is_empty();
        Some(fault).filter(|_| !half)
    }

    /// The field that was meant where there is none of that name.
    pub(super) fn fix(&self) -> Option<Suggestion> {
        let at = self.fault.as_ref()?.at.clone()?;
        let name = self.query.text().get(at.clone())?;
        let colon = self.query.text()[at.end..].starts_with(':');
        let field = Field::near(name).filter(|_| colon && Field::named(name).is_none())?;
        Some(Suggestion {
            text: format!("{}:", field.name()),
            replace: at.start..at.end + 1,
            kind: "fix".to_owned(),
            documents: None,
        })
    }

    pub fn accept_suggestion(&mut self, scene: &Scene, out: &mut Out) -> bool {
        let fix = self.fix();
        let Some(offer) = fix.clone().or_else(|| self.completion.chosen(&self.query).cloned()) else {
            return false;
        };
        if self.query.text().get(offer.replace.clone()).is_none_or(|typed| typed == offer.text) {
            return false;
        }
        self.query.replace(offer.replace, &offer.text);
        if fix.is_some() {
            self.query.end();
        } else if offer.kind != "field" && self.query.at_end() {
            self.query.insert(" ");
        }
        self.completion.clear();
        self.changed(scene, out);
        true
    }

    /// An arrow while typing: in the box where there is something to choose, else in the list.
    pub fn step_typing(&mut self, step: Step, out: &mut Out) {
        if !self.completion.step(step, &self.query) {
            self.step(step, out);
        }
    }

    // ── chips ───────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn has_chips(&self) -> bool {
        !chips::chips(self.query.text()).is_empty()
    }

    pub fn step_chip(&mut self, forward: bool) {
        let count = chips::chips(self.query.text()).len();
        self.chip = match self.chip {
            _ if count == 0 => None,
            None if forward => Some(0),
            None => Some(count - 1),
            Some(at) if forward => Some((at + 1).min(count - 1)),
            Some(at) => Some(at.saturating_sub(1)),
        };
    }

    /// Out of typing, from before the first letter.
    pub fn walk_chips(&mut self, out: &mut Out) -> bool {
        if self.query.at() > 0 || !self.has_chips() {
            return false;
        }
        self.end_typing(out);
        self.chip = Some(0);
        true
    }

    fn chosen_chip(&self) -> Option<chips::Part> {
        chips::chips(self.query.text()).into_iter().nth(self.chip?)
    }

    pub fn remove_chip(&mut self, scene: &Scene, out: &mut Out) {
        let (Some(at), Some(part)) = (self.chip, self.chosen_chip()) else { return };
        self.query.set(&chips::without(self.query.text(), &part.range));
        self.fault = None;
        let left = chips::chips(self.query.text()).len();
        self.chip = left.checked_sub(1).map(|last| at.min(last));
        self.ask(scene, out);
    }

    /// Types on at the end of the chip's value.
    pub fn edit_chip(&mut self, scene: &Scene, out: &mut Out) {
        let Some(part) = self.chosen_chip() else { return };
        self.begin_typing();
        let said = &self.query.text()[part.range.clone()];
        let quote = said.len() > 1 && said.ends_with('"');
        self.query.go_to(part.range.end - usize::from(quote));
        self.suggest(scene, out);
    }
}
