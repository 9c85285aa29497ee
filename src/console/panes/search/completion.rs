//! Completion of the query: what the hub offered for the word at the cursor, narrowed at once by each further letter so
//! that nothing flickers while the next answer is on its way.
//!
//! Words of the index are a ghost behind the cursor, never more: the arrows stay the list's. What the language knows,
//! fields and their values, stands in a small box under the cursor, with what each means.

use crate::{
    console::{
        scene::Scene,
        text,
        widgets::{line::Line, list::Step},
    },
    door::Suggestion,
    model::Status,
    search::query::Field,
};

/// A field's name is offered in the box from so many letters on: many words begin with one of them.
const NAME_LETTERS_MIN: usize = 2;

#[derive(Debug, Default)]
pub struct Completion {
    offers: Vec<Suggestion>,
    chosen: usize,
    /// Esc was pressed; the next change opens it again.
    closed: bool,
}

impl Completion {
    pub fn clear(&mut self) {
        *self = Completion::default();
    }

    /// Answered for a text that may no longer be the one typed.
    pub fn set(&mut self, offers: Vec<Suggestion>, line: &Line) {
        let chosen = self.chosen(line).map(|offer| offer.text.clone());
        self.offers = offers;
        self.narrow(line);
        let at = self.offers.iter().position(|offer| Some(&offer.text) == chosen.as_ref());
        self.chosen = self.rows(line).iter().position(|row| Some(*row) == at).unwrap_or(0);
    }

    /// The text changed: keeps what still goes on from what stands before the cursor.
    pub fn changed(&mut self, line: &Line) {
        self.closed = false;
        self.chosen = 0;
        self.narrow(line);
    }

    fn narrow(&mut self, line: &Line) {
        let (text, at) = (line.text(), line.at());
        self.offers.retain_mut(|offer| {
            let Some(typed) = text.get(offer.replace.start..at) else { return false };
            offer.replace.end = at;
            begins(&offer.text, typed)
        });
    }

    /// Which of the offers stand in the box.
    fn rows(&self, line: &Line) -> Vec<usize> {
        let shown = |offer: &Suggestion| {
            let Some(typed) = line.text().get(offer.replace.clone()) else { return false };
            let says_more = typed != offer.text && offer.replace.end == line.at();
            match offer.kind.as_str() {
                "word" => false,
                "field" => says_more && typed.chars().count() >= NAME_LETTERS_MIN,
                _ => says_more,
            }
        };
        if self.closed {
            return Vec::new();
        }
        self.offers.iter().enumerate().filter(|(_, offer)| shown(offer)).map(|(at, _)| at).collect()
    }

    /// The box: its offers, and which of them is chosen.
    pub fn popup(&self, line: &Line) -> (Vec<&Suggestion>, usize) {
        let offers: Vec<_> = self.rows(line).into_iter().map(|at| &self.offers[at]).collect();
        let chosen = self.chosen.min(offers.len().saturating_sub(1));
        (offers, chosen)
    }

    /// What Tab takes.
    pub fn chosen(&self, line: &Line) -> Option<&Suggestion> {
        let (offers, chosen) = self.popup(line);
        let first = || self.offers.iter().find(|offer| offer.replace.end == line.at());
        offers.get(chosen).copied().or_else(first)
    }

    /// Moves in the box. `false` where there is nothing to choose between.
    pub fn step(&mut self, step: Step, line: &Line) -> bool {
        let rows = self.rows(line).len();
        if rows < 2 {
            return false;
        }
        self.chosen = match step {
            Step::Up | Step::PageUp => (self.chosen + rows - 1) % rows,
            Step::Down | Step::PageDown => (self.chosen + 1) % rows,
            Step::First => 0,
            Step::Last => rows - 1,
        };
        true
    }

    /// `false` when it was not open.
    pub fn close(&mut self, line: &Line) -> bool {
        let is_open = !self.rows(line).is_empty();
        self.closed |= is_open;
        is_open
    }

    /// The rest of what Tab takes, as far as it goes on from what is typed.
    pub fn ghost(&self, line: &Line) -> Option<&str> {
        if !line.at_end() || self.closed {
            return None;
        }
        let offer = self.chosen(line)?;
        let typed = line.text().get(offer.replace.clone()).filter(|typed| !typed.is_empty())?;
        offer.text.get(typed.len()..).filter(|rest| !rest.is_empty() && begins(&offer.text, typed))
    }
}

fn begins(text: &str, typed: &str) -> bool {
    text.get(..typed.len()).is_some_and(|head| head.to_lowercase() == typed.to_lowercase())
        // A value with spaces is offered in quotes, and typed without the first of them.
        || text.strip_prefix('"').is_some_and(|text| !typed.starts_with('"') && begins(text, typed))
}

/// What an offer means, in a few words.
pub fn meaning(offer: &Suggestion, scene: &Scene) -> String {
    let documents =
        || offer.documents.map_or(String::new(), |count| text::counted(count, "memory", "memories"));
    match offer.kind.as_str() {
        "field" => {
            let field = Field::named(offer.text.trim_end_matches(':'));
            field.map_or("", Field::meaning).to_owned()
        }
        "time" => {
            let words = scene.words();
            let moment = words.parse(offer.text.trim_matches('"'));
            moment
                .map_or(String::new(), |moment| moment.at(words.zone).format("%a %d %b %Y %H:%M").to_string())
        }
        "status" => match Status::parse(&offer.text) {
            Some(Status::Active) => "in force; shown anyway",
            Some(Status::Hypothesis) => "not proven yet",
            Some(Status::Verified) => "proven to hold",
            Some(Status::Superseded) => "another took its place",
            Some(Status::Archived) => "set aside",
            Some(Status::Expired) => "its time is over",
            None => "all of them",
        }
        .to_owned(),
        _ => documents(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(text: &str, start: usize, end: usize, kind: &str) -> Suggestion {
        Suggestion { text: text.into(), replace: start..end, kind: kind.into(), documents: None }
    }

    fn popup(completion: &Completion, line: &Line) -> Vec<String> {
        completion.popup(line).0.iter().map(|offer| offer.text.clone()).collect()
    }

    #[test]
    fn further_letters_narrow_what_was_offered_before_the_next_answer() {
        let mut completion = Completion::default();
        let mut line = Line::new("x tag:d");
        let values =
            vec![offer("deploy", 6, 7, "tag"), offer("design", 6, 7, "tag"), offer("\"d two\"", 6, 7, "tag")];
        completion.set(values, &line);
        assert_eq!(popup(&completion, &line), ["deploy", "design", "\"d two\""]);
        assert_eq!(completion.ghost(&line), Some("eploy"));
        line.insert("es");
        completion.changed(&line);
        assert_eq!(popup(&completion, &line), ["design"]);
        assert_eq!(completion.ghost(&line), Some("ign"));
        line.insert("ign");
        completion.changed(&line);
        assert_eq!(popup(&completion, &line), [""; 0], "what is typed in full is no offer");
        line.insert("x");
        completion.changed(&line);
        assert!(completion.chosen(&line).is_none());
    }

    #[test]
    fn words_are_a_ghost_and_fields_a_box_from_the_second_letter_on() {
        let mut completion = Completion::default();
        let line = Line::new("t");
        completion.set(vec![offer("tag:", 0, 1, "field"), offer("table", 0, 1, "word")], &line);
        assert_eq!(popup(&completion, &line), [""; 0]);
        assert_eq!(completion.ghost(&line), Some("ag:"));
        let line = Line::new("ta");
        completion.set(vec![offer("tag:", 0, 2, "field"), offer("table", 0, 2, "word")], &line);
        assert_eq!(popup(&completion, &line), ["tag:"]);
        let mut moved = line.clone();
        moved.left();
        assert_eq!(popup(&completion, &moved), [""; 0], "it belongs to where the cursor was");
    }

    #[test]
    fn the_arrows_choose_where_there_is_a_choice_and_esc_closes() {
        let mut completion = Completion::default();
        let line = Line::new("status:");
        completion.set(vec![offer("active", 7, 7, "status"), offer("any", 7, 7, "status")], &line);
        assert!(completion.step(Step::Down, &line));
        assert_eq!(completion.chosen(&line).unwrap().text, "any");
        assert!(completion.step(Step::Down, &line), "round");
        assert_eq!(completion.chosen(&line).unwrap().text, "active");
        assert!(completion.close(&line) && !completion.close(&line));
        assert!(!completion.step(Step::Down, &line));
        completion.set(vec![offer("any", 7, 7, "status")], &line);
        assert!(!completion.step(Step::Down, &line), "one is no choice");
    }
}
