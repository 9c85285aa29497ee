//! What a decision may hold.

use super::{Decision, DecisionOption};
use crate::model::{Fault, METADATA_BYTES_MAX, TAG_BYTES_MAX, TAGS_MAX, TITLE_BYTES_MAX, encode};

/// Context and rationale: a page or twenty, no book.
pub const DECISION_TEXT_BYTES_MAX: usize = 64 << 10;
/// Entries of one list: more are read by nobody.
pub const ITEMS_MAX: usize = 64;
pub const ITEM_BYTES_MAX: usize = 16 << 10;
pub const OPTIONS_MAX: usize = 32;
/// The file it was imported from.
pub const SOURCE_BYTES_MAX: usize = 256 << 10;
/// All of it in the log: under the bound of a request's body.
pub const DECISION_BYTES_MAX: usize = 768 << 10;

const _: () =
    assert!(SOURCE_BYTES_MAX + 2 * DECISION_TEXT_BYTES_MAX + METADATA_BYTES_MAX < DECISION_BYTES_MAX);

fn over(field: &str, size: usize, max: usize) -> Fault {
    Fault::invalid(format!("{field} has {size} bytes, at most {max} fit"))
}

/// Refuses a text that is too long.
pub fn text(field: &str, text: &str) -> Result<(), Fault> {
    if text.len() <= DECISION_TEXT_BYTES_MAX {
        return Ok(());
    }
    Err(over(field, text.len(), DECISION_TEXT_BYTES_MAX)
        .hint("link to the long version and say the gist here"))
}

fn word(field: &str, word: &str) -> Result<(), Fault> {
    if word.len() <= TAG_BYTES_MAX { Ok(()) } else { Err(over(field, word.len(), TAG_BYTES_MAX)) }
}

fn items(field: &str, items: &[String]) -> Result<(), Fault> {
    if items.len() > ITEMS_MAX {
        return Err(Fault::invalid(format!("{field} has {} entries, at most {ITEMS_MAX} fit", items.len()))
            .hint("keep those that weighed"));
    }
    for (i, item) in items.iter().enumerate() {
        if item.trim().is_empty() {
            return Err(Fault::invalid(format!("{field}[{i}] is empty")).hint("leave it out"));
        }
        if item.len() > ITEM_BYTES_MAX {
            return Err(over(&format!("{field}[{i}]"), item.len(), ITEM_BYTES_MAX));
        }
    }
    Ok(())
}

impl Decision {
    /// Refuses what is out of bounds, naming the field.
    pub fn check(&self) -> Result<(), Fault> {
        if self.title.trim().is_empty() {
            return Err(Fault::invalid("title is empty").hint("say in a line what is decided"));
        }
        if self.title.len() > TITLE_BYTES_MAX {
            return Err(
                over("title", self.title.len(), TITLE_BYTES_MAX).hint("the rest belongs into context")
            );
        }
        word("type", &self.kind)?;
        word("category", &self.category)?;
        if self.tags.len() > TAGS_MAX {
            return Err(Fault::invalid(format!("{} tags, at most {TAGS_MAX} fit", self.tags.len())));
        }
        if let Some(tag) = self.tags.iter().find(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX) {
            return Err(over("a tag", tag.len(), TAG_BYTES_MAX));
        }
        text("context", &self.context)?;
        text("rationale", &self.rationale)?;
        for (field, list) in self.lists() {
            items(field, list)?;
        }
        self.check_options()?;
        if let Some(confidence) = self.confidence
            && !(0.0..=1.0).contains(&confidence)
        {
            return Err(Fault::invalid(format!("confidence is {confidence}, it goes from 0 to 1"))
                .hint("0.8 says that 8 of 10 decisions you are this sure of turn out well"));
        }
        if let Some(outcome) = &self.outcome {
            outcome.check()?;
        }
        self.check_links()?;
        self.check_size()
    }

    /// The lists of texts, by the name at the surface.
    fn lists(&self) -> [(&'static str, &[String]); 12] {
        [
            ("drivers", &self.drivers),
            ("constraints", &self.constraints),
            ("assumptions", &self.assumptions),
            ("consequences.good", &self.consequences.good),
            ("consequences.bad", &self.consequences.bad),
            ("consequences.neutral", &self.consequences.neutral),
            ("evidence", &self.evidence),
            ("risks", &self.risks),
            ("affects", &self.affects),
            ("decision_makers", &self.decision_makers),
            ("consulted", &self.consulted),
            ("informed", &self.informed),
        ]
    }

    fn check_options(&self) -> Result<(), Fault> {
        if self.options.len() > OPTIONS_MAX {
            return Err(Fault::invalid(format!("{} options, at most {OPTIONS_MAX} fit", self.options.len()))
                .hint("keep those that were really weighed"));
        }
        for (i, option) in self.options.iter().enumerate() {
            check_option(i, option)?;
            if self.options[..i].iter().any(|before| before.title == option.title) {
                return Err(Fault::invalid(format!("options[{i}] is {:?} again", option.title))
                    .hint("each option stands once, with all that speaks for and against it"));
            }
        }
        let Some(chosen) = &self.chosen_option else { return Ok(()) };
        if chosen.trim().is_empty() {
            return Err(Fault::invalid("chosen_option is empty").hint("leave it out while nothing is chosen"));
        }
        if chosen.len() > ITEM_BYTES_MAX {
            return Err(over("chosen_option", chosen.len(), ITEM_BYTES_MAX));
        }
        if !self.options.is_empty() && !self.options.iter().any(|option| option.title == *chosen) {
            let titles: Vec<&str> = self.options.iter().map(|option| option.title.as_str()).collect();
            return Err(Fault::invalid(format!("chosen_option {chosen:?} is none of the options"))
                .hint(format!("options: {}", titles.join(", "))));
        }
        Ok(())
    }

    fn check_links(&self) -> Result<(), Fault> {
        for (field, ids) in [("supersedes", &self.supersedes), ("related", &self.related)] {
            if ids.len() > ITEMS_MAX {
                return Err(Fault::invalid(format!(
                    "{field} has {} entries, at most {ITEMS_MAX} fit",
                    ids.len()
                )));
            }
        }
        let itself = self.supersedes.contains(&self.id) || self.superseded_by == Some(self.id);
        // Not yet saved, nothing has an id of its own.
        if itself && self.id != crate::model::Id::NIL {
            return Err(
                Fault::invalid("a decision cannot supersede itself").hint("supersede it with a new one")
            );
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), Fault> {
        if let Some(adr) = &self.adr
            && adr.source.len() > SOURCE_BYTES_MAX
        {
            return Err(over("adr.source", adr.source.len(), SOURCE_BYTES_MAX));
        }
        if !self.metadata.is_empty() {
            let size = encode(&self.metadata).len();
            if size > METADATA_BYTES_MAX {
                return Err(over("metadata", size, METADATA_BYTES_MAX));
            }
        }
        match encode(self).len() {
            size if size > DECISION_BYTES_MAX => {
                Err(over("the decision", size, DECISION_BYTES_MAX).hint("link to what is long"))
            }
            _ => Ok(()),
        }
    }
}

fn check_option(i: usize, option: &DecisionOption) -> Result<(), Fault> {
    let field = |name: &str| format!("options[{i}].{name}");
    if option.title.trim().is_empty() {
        return Err(Fault::invalid(format!("{} is empty", field("title"))).hint("name the option"));
    }
    if option.title.len() > ITEM_BYTES_MAX {
        return Err(over(&field("title"), option.title.len(), ITEM_BYTES_MAX));
    }
    for (name, list) in [("pros", &option.pros), ("cons", &option.cons), ("neutral", &option.neutral)] {
        items(&field(name), list)?;
    }
    if option.score.is_some_and(|score| !score.is_finite()) {
        return Err(Fault::invalid(format!("{} is no number", field("score"))));
    }
    option.rejected_because.as_deref().map_or(Ok(()), |why| text(&field("rejected_because"), why))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::bare, *};
    use crate::model::{Code, Id};

    #[track_caller]
    fn refused(decision: Decision, message: &str) -> Fault {
        let fault = decision.check().unwrap_err();
        assert_eq!((fault.code, fault.message.as_str()), (Code::Invalid, message));
        fault
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        assert_eq!(bare().check(), Ok(()));
        refused(Decision { title: " ".into(), ..bare() }, "title is empty");
        refused(Decision { title: "x".repeat(513), ..bare() }, "title has 513 bytes, at most 512 fit");
        refused(Decision { confidence: Some(1.5), ..bare() }, "confidence is 1.5, it goes from 0 to 1");
        refused(Decision { confidence: Some(f64::NAN), ..bare() }, "confidence is NaN, it goes from 0 to 1");
        refused(Decision { drivers: vec!["a".into(), " ".into()], ..bare() }, "drivers[1] is empty");
        refused(Decision { risks: vec!["x".into(); 65], ..bare() }, "risks has 65 entries, at most 64 fit");
        refused(
            Decision { context: "x".repeat(DECISION_TEXT_BYTES_MAX + 1), ..bare() },
            "context has 65537 bytes, at most 65536 fit",
        );
        let id = Id::from_bytes([1; 16]);
        refused(Decision { id, supersedes: vec![id], ..bare() }, "a decision cannot supersede itself");
    }

    #[test]
    fn what_is_chosen_is_one_of_the_options() {
        let options = vec![DecisionOption::titled("sled"), DecisionOption::titled("redb")];
        let chosen =
            |name: &str| Decision { options: options.clone(), chosen_option: Some(name.into()), ..bare() };
        assert_eq!(chosen("redb").check(), Ok(()));
        let fault = refused(chosen("rocks"), "chosen_option \"rocks\" is none of the options");
        assert_eq!(fault.hint.as_deref(), Some("options: sled, redb"));
        // The simple shape: a choice without what it was chosen from.
        assert_eq!(Decision { options: vec![], ..chosen("rocks") }.check(), Ok(()));
        let twice = vec![options[0].clone(), options[0].clone()];
        refused(Decision { options: twice, ..bare() }, "options[1] is \"sled\" again");
        let con = DecisionOption { cons: vec!["".into()], ..options[0].clone() };
        refused(Decision { options: vec![con], ..bare() }, "options[0].cons[0] is empty");
    }

    #[test]
    fn all_of_it_together_has_a_bound() {
        let list = || vec!["x".repeat(ITEM_BYTES_MAX); 48];
        let fault = Decision { risks: list(), ..bare() }.check().unwrap_err();
        assert!(fault.message.starts_with("the decision has "), "{}", fault.message);
    }
}
