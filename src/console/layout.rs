//! Where things stand, by the size of the terminal. Breakpoints, not squeezing: below each the deck changes its form
//! and says so, and nothing is cut silently.

use ratatui::layout::{Constraint, Layout, Rect};

/// Two columns from here on.
pub const COLUMNS_MIN: (u16, u16) = (100, 30);
/// Below this a single line says so.
pub const DECK_MIN: (u16, u16) = (40, 12);
/// A list and what it opens stand side by side from this width on, else one above the other.
const BESIDE_MIN: u16 = 104;
/// Lines that a list keeps above what it opens; with less than twice this, the opened thing stands alone.
const ABOVE_MIN: u16 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaneName {
    Search,
    Timeline,
}

impl PaneName {
    pub const ALL: [PaneName; 2] = [PaneName::Search, PaneName::Timeline];

    /// Its digit on the deck.
    pub fn digit(self) -> char {
        match self {
            PaneName::Search => '1',
            PaneName::Timeline => '4',
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            PaneName::Search => "Search",
            PaneName::Timeline => "Timeline",
        }
    }

    pub fn other(self) -> PaneName {
        match self {
            PaneName::Search => PaneName::Timeline,
            PaneName::Timeline => PaneName::Search,
        }
    }
}

/// The deck's parts. A pane without an area is not shown now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deck {
    pub header: Rect,
    pub tabs: Option<Rect>,
    pub search: Option<Rect>,
    pub timeline: Option<Rect>,
    pub hints: Rect,
    /// Too small for any of it.
    pub refused: bool,
}

impl Deck {
    pub fn of(area: Rect, focus: PaneName, zoomed: bool) -> Deck {
        if area.width < DECK_MIN.0 || area.height < DECK_MIN.1 {
            return Deck { refused: true, ..Deck::default() };
        }
        let columns = area.width >= COLUMNS_MIN.0 && area.height >= COLUMNS_MIN.1;
        let tab_rows = u16::from(!columns);
        let [header, tabs, body, hints] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(tab_rows),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(area);
        let mut deck = Deck { header, hints, tabs: (!columns).then_some(tabs), ..Deck::default() };
        if columns && !zoomed {
            let [left, right] =
                Layout::horizontal([Constraint::Percentage(50), Constraint::Fill(1)]).areas(body);
            deck.search = Some(left);
            deck.timeline = Some(right);
        } else if focus == PaneName::Search {
            deck.search = Some(body);
        } else {
            deck.timeline = Some(body);
        }
        deck
    }

    pub fn pane(&self, name: PaneName) -> Option<Rect> {
        match name {
            PaneName::Search => self.search,
            PaneName::Timeline => self.timeline,
        }
    }

    pub fn pane_at(&self, x: u16, y: u16) -> Option<PaneName> {
        PaneName::ALL
            .into_iter()
            .find(|name| self.pane(*name).is_some_and(|area| area.contains((x, y).into())))
    }
}

/// A list and what it opened, inside a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Split {
    pub list: Rect,
    pub side: Rect,
    /// The line or column between them.
    pub rule: Option<(Rect, Rule)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Across,
    Down,
}

impl Split {
    pub fn of(area: Rect, open: bool) -> Split {
        if !open {
            return Split { list: area, ..Split::default() };
        }
        if area.width >= BESIDE_MIN {
            let [list, rule, side] =
                Layout::horizontal([Constraint::Percentage(42), Constraint::Length(1), Constraint::Fill(1)])
                    .areas(area);
            return Split { list, side, rule: Some((rule, Rule::Down)) };
        }
        if area.height < 2 * ABOVE_MIN {
            return Split { list: Rect { height: 0, ..area }, side: area, rule: None };
        }
        let [list, rule, side] =
            Layout::vertical([Constraint::Percentage(34), Constraint::Length(1), Constraint::Fill(1)])
                .areas(area);
        Split { list, side, rule: Some((rule, Rule::Across)) }
    }
}

/// A box of at most this size in the middle of `area`.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The first `lines` of an area, and the rest.
pub fn head(area: Rect, lines: u16) -> [Rect; 2] {
    let lines = lines.min(area.height);
    [Rect { height: lines, ..area }, Rect { y: area.y + lines, height: area.height - lines, ..area }]
}

/// `area` less a border, and a column of air at each side of it.
pub fn inside(area: Rect) -> Rect {
    area.inner(ratatui::layout::Margin::new(2, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width: u16, height: u16, zoomed: bool, shown: (bool, bool, bool)) {
        let deck = Deck::of(Rect::new(0, 0, width, height), PaneName::Search, zoomed);
        assert_eq!((deck.search.is_some(), deck.timeline.is_some(), deck.tabs.is_some()), shown);
    }

    #[test]
    fn the_deck_changes_its_form_at_the_breakpoints() {
        check(200, 60, false, (true, true, false));
        check(100, 30, false, (true, true, false));
        check(100, 30, true, (true, false, false));
        check(99, 30, false, (true, false, true));
        check(100, 29, false, (true, false, true));
        check(40, 12, false, (true, false, true));
        check(39, 12, false, (false, false, false));
    }

    #[test]
    fn no_part_leaves_the_screen() {
        for width in 0..130 {
            for height in 0..40 {
                let area = Rect::new(0, 0, width, height);
                let deck = Deck::of(area, PaneName::Timeline, false);
                let panes = [deck.search, deck.timeline, deck.tabs].into_iter().flatten();
                for part in panes.chain([deck.header, deck.hints]).filter(|part| !part.is_empty()) {
                    assert_eq!(part.intersection(area), part);
                    let split = Split::of(part, true);
                    assert_eq!(split.side.intersection(part), split.side);
                }
            }
        }
    }
}
