//! How a decision came to be what it is: who said what of it, when, the newest first.

use ratatui::text::Line;

use super::{Decisions, Side, detail::wrapped, row};
use crate::{
    console::{
        effect::Ask,
        scene::{Out, Scene},
        theme::Role,
    },
    door::DecisionRevision,
    model::{Fault, Id},
};

impl Decisions {
    pub(super) fn show_history(&mut self, out: &mut Out) {
        let Some(id) = self.selected().map(|decision| decision.id) else { return };
        if matches!(&self.side, Some(Side::History(shown, _)) if *shown == id) {
            return self.close();
        }
        self.typing = false;
        self.side = Some(Side::History(id, None));
        self.reader.begin();
        self.settle();
        out.ask(Ask::DecisionHistory { id });
    }

    pub(super) fn history_came(&mut self, id: Id, result: Result<Vec<DecisionRevision>, Fault>) {
        if let Some(Side::History(shown, found)) = &mut self.side
            && *shown == id
        {
            *found = Some(result);
            self.reader.forget();
        }
    }
}

pub fn lines(
    found: Option<&Result<Vec<DecisionRevision>, Fault>>,
    width: usize,
    scene: &Scene,
) -> Vec<Line<'static>> {
    let mut lines = wrapped("History", Role::Heading1, width, scene);
    match found {
        None => lines.extend(wrapped("asking for it…", Role::Muted, width, scene)),
        Some(Err(fault)) => lines.extend(wrapped(&fault.message, Role::Error, width, scene)),
        Some(Ok(revisions)) => {
            for revision in revisions {
                lines.push(Line::default());
                lines.extend(told(revision, width, scene));
            }
        }
    }
    lines
}

fn told(revision: &DecisionRevision, width: usize, scene: &Scene) -> Vec<Line<'static>> {
    let dot = format!("  {}  ", scene.theme.dot());
    let word = revision.event.strip_prefix("decision.").unwrap_or(&revision.event).replace('_', " ");
    let said = [word, scene.when(revision.recorded_at), revision.actor.0.clone()].join(&dot);
    let mut lines = wrapped(&said, Role::EventDecision, width, scene);
    let Some(decision) = &revision.decision else { return lines };
    lines.extend(wrapped(&decision.title, Role::Strong, width, scene));
    let mut facts = vec![format!("rev {}", decision.revision), decision.status.word().to_owned()];
    facts.extend(decision.confidence.map(|sure| format!("confidence {}", row::confidence(sure))));
    facts.extend(row::outcome(decision).map(|(_, said)| said));
    lines.extend(wrapped(&facts.join(&dot), Role::Muted, width, scene));
    lines
}
