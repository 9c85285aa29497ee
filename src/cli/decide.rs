//! `decide`: a decision, or a change of one, from flags, from a document, or from both.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::{
    Stop,
    args::Decide,
    verb::{Ask, text_or_stdin},
};
use crate::{
    door::{DecisionPatch, NewDecision, SavedDecision},
    model::{DECISION_BYTES_MAX, DecisionRef, DecisionStatus, Fault},
    report,
};

/// Takes a field's value away.
const NONE: &str = "none";

pub async fn decide(ask: &mut Ask, typed: Decide) -> Result<(), Stop> {
    if let Some(which) = typed.which.clone() {
        return change(ask, which.parse()?, typed).await;
    }
    let mut new: NewDecision = typed.from.as_deref().map(document).transpose()?.unwrap_or_default();
    let replaces = typed.supersedes.as_deref().map(str::parse::<DecisionRef>).transpose()?;
    lay_over(&mut new, typed)?;
    let project = ask.setup.project.clone();
    if ask.setup.project_flag {
        new.project = Some(project);
    } else if replaces.is_none() {
        new.project.get_or_insert(project);
    }
    let wish = new.number;
    let door = ask.door().await?;
    let saved = match replaces {
        // What is not said of its project stays as the old one has it.
        Some(old) => door.supersede_decision(&ask.caller, old, new).await?,
        None => door.decide(&ask.caller, new).await?,
    };
    let place = replaces.map(|old| format!(", in the place of {old}")).unwrap_or_default();
    told(ask, &saved, &format!("{}{place}", saved.decision.status.word()))?;
    if let Some(wish) = wish.filter(|wish| *wish != saved.decision.number) {
        ask.out.remark(&format!("note: {wish} is taken; it has the next number"));
    }
    Ok(())
}

async fn change(ask: &mut Ask, which: DecisionRef, typed: Decide) -> Result<(), Stop> {
    let mut patch: DecisionPatch = typed.from.as_deref().map(document).transpose()?.unwrap_or_default();
    patch_over(&mut patch, typed)?;
    if patch == DecisionPatch::default() {
        return Err(Fault::invalid(format!("nothing to change of {which} was given"))
            .hint("for example `--status accepted`; `wheelhouse decide --help` names every field")
            .into());
    }
    let door = ask.door().await?;
    let saved = door.edit_decision(&ask.caller, which, patch, None).await?;
    told(ask, &saved, &format!("{}, revision {}", saved.decision.status.word(), saved.decision.revision))
}

/// Says what became of a write; with `--quiet` only which decision it is.
pub fn told(ask: &mut Ask, saved: &SavedDecision, what: &str) -> Result<(), Stop> {
    let decision = &saved.decision;
    if ask.out.manner.json {
        ask.out.document(saved)?;
    } else if ask.out.manner.quiet {
        ask.out.line(&decision.number.to_string())?;
    } else {
        let number = ask.out.paint().cyan(&decision.number.to_string());
        let title = report::escape_line(&decision.title);
        ask.out.line(&format!("{number}  {title}  ({what})"))?;
    }
    ask.out.flush()?;
    ask.warn_unless_applied(saved.applied);
    Ok(())
}

fn document<D: DeserializeOwned>(path: &Path) -> Result<D, Fault> {
    let named = path.display();
    let text = match path.to_str() {
        Some("-") => text_or_stdin("-")?,
        _ => {
            let size = std::fs::metadata(path).map(|found| found.len());
            let size = size.map_err(|error| Fault::invalid(format!("cannot read {named}")).cause(error))?;
            if size > 2 * DECISION_BYTES_MAX as u64 {
                return Err(Fault::invalid(format!("{named} has {size} bytes"))
                    .hint(format!("a decision has at most {DECISION_BYTES_MAX}")));
            }
            std::fs::read_to_string(path)
                .map_err(|error| Fault::invalid(format!("cannot read {named}")).cause(error))?
        }
    };
    serde_json::from_str(&text).map_err(|error| {
        report::unknown_name(&error)
            .unwrap_or_else(|| Fault::invalid(format!("{named} is no decision in JSON")).cause(error))
    })
}

fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *field = given;
    }
}

/// What the flags say stands above what the document says.
fn lay_over(new: &mut NewDecision, typed: Decide) -> Result<(), Fault> {
    set(&mut new.title, typed.title);
    set(&mut new.context, typed.context);
    set(&mut new.rationale, typed.rationale);
    set(&mut new.kind, typed.kind);
    set(&mut new.chosen_option, typed.choose.map(Some));
    set(&mut new.confidence, typed.confidence.map(Some));
    set(&mut new.options, Some(typed.options.0).filter(|options| !options.is_empty()));
    set(&mut new.tags, typed.tags.as_deref().map(tags));
    set(&mut new.review_on, typed.review_on.map(|day| day.parse().map(Some)).transpose()?);
    set(&mut new.number, typed.number.map(|number| number.parse().map(Some)).transpose()?);
    set(&mut new.status, typed.status.map(|word| status(&word).map(Some)).transpose()?);
    Ok(())
}

/// As [`lay_over`], of a change. A field that can be without a value is emptied by `none`.
fn patch_over(patch: &mut DecisionPatch, typed: Decide) -> Result<(), Fault> {
    let or_none = |text: String| (!text.eq_ignore_ascii_case(NONE)).then_some(text);
    let options = Some(typed.options.0).filter(|options| !options.is_empty());
    let review_on = typed.review_on.map(|day| or_none(day).map(|day| day.parse()).transpose());
    patch.title = typed.title.or(patch.title.take());
    patch.context = typed.context.or(patch.context.take());
    patch.rationale = typed.rationale.or(patch.rationale.take());
    patch.kind = typed.kind.or(patch.kind.take());
    patch.chosen_option = typed.choose.map(or_none).or(patch.chosen_option.take());
    patch.confidence = typed.confidence.map(Some).or(patch.confidence.take());
    patch.options = options.or(patch.options.take());
    patch.tags = typed.tags.as_deref().map(tags).or(patch.tags.take());
    patch.review_on = review_on.transpose()?.or(patch.review_on.take());
    patch.status = typed.status.map(|word| status(&word)).transpose()?.or(patch.status.take());
    Ok(())
}

fn tags(typed: &str) -> Vec<String> {
    typed.split(',').map(str::to_owned).collect()
}

/// A decision's status as typed.
pub fn status(word: &str) -> Result<DecisionStatus, Fault> {
    DecisionStatus::parse(word).ok_or_else(|| {
        let words = DecisionStatus::ALL.map(DecisionStatus::word);
        let fault = Fault::invalid(format!("{word:?} is no status of a decision"));
        let words = words.join(", ");
        fault.hint(format!("it is one of {words}"))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        cli::args::{Typed, Verb},
        model::{DecisionNumber, DecisionOption},
    };

    fn laid_over(before: NewDecision, flags: &[&str]) -> Result<NewDecision, Fault> {
        let typed = Typed::try_parse_from(["wheelhouse", "decide"].iter().chain(flags)).unwrap();
        let Some(Verb::Decide(typed)) = typed.verb else { panic!("decide") };
        let mut new = before;
        lay_over(&mut new, *typed).map(|()| new)
    }

    #[test]
    fn flags_stand_above_the_document() {
        let before = NewDecision { title: "before".into(), context: "kept".into(), ..NewDecision::default() };
        let flags =
            ["--title", "after", "--option", "a", "--tags", "x, y", "--number", "7", "--status", "Draft"];
        let expected = NewDecision {
            title: "after".into(),
            options: vec![DecisionOption::titled("a")],
            tags: vec!["x".into(), " y".into()],
            number: Some(DecisionNumber(7)),
            status: Some(DecisionStatus::Draft),
            ..before.clone()
        };
        assert_eq!(laid_over(before, &flags), Ok(expected));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let refused = |flag, value| {
            laid_over(NewDecision::default(), &["--title", "t", flag, value]).unwrap_err().message
        };
        assert_eq!(refused("--status", "fine"), "\"fine\" is no status of a decision");
        assert_eq!(refused("--review-on", "soon"), "\"soon\" is no date");
        assert_eq!(refused("--number", "x"), "\"x\" is no decision's number");
    }
}
