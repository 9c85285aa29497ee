//! Where things stand, by the size of the terminal. Breakpoints, not squeezing: below each the deck changes its form
//! and says so, and nothing is cut silently.
//!
//! ```text
//! ╭ Main ───────────╮╭ Stream ────────╮    two columns; the border between them, and the one in each, can be moved
//! │                 ││                │
//! ╰─────────────────╯│                │
//! ╭ Below ─╮╭ Below ╮╰────────────────╯
//! │        ││       │╭ Foot ──────────╮
//! ╰────────╯╰───────╯╰────────────────╯
//! ```

mod shares;

use ratatui::layout::{Constraint, Layout, Rect};

pub use shares::{Edge, PART, Shares};

use super::panes::PaneName;

/// Two columns from here on.
pub const COLUMNS_MIN: (u16, u16) = (100, 30);
/// Below this a single line says so.
pub const DECK_MIN: (u16, u16) = (40, 12);
/// A column is never narrower than this.
const COLUMN_MIN: u16 = 36;
/// Small panes stand beside one another while each has this many columns, else one above the other.
const SMALL_WIDTH_MIN: u16 = 30;
/// Lines of a small pane with its border, at least.
const SMALL_HEIGHT_MIN: u16 = 6;
/// Lines of the large pane above or beside small ones, at least.
const LARGE_HEIGHT_MIN: u16 = 10;
/// A list and what it opens stand side by side from this width on, else one above the other.
pub const BESIDE_MIN: u16 = 104;
/// Lines that a list keeps above what it opens; with less than twice this, the opened thing stands alone.
const ABOVE_MIN: u16 = 8;

/// Columns or lines that a list and what it opened have at least.
const OPENED_MIN: (u16, u16) = (24, 4);

/// The lines that are asked for fit into the smallest body that has columns: header and hints taken off.
const _: () = assert!(LARGE_HEIGHT_MIN + 2 * SMALL_HEIGHT_MIN <= COLUMNS_MIN.1 - 2);
const _: () = assert!(2 * COLUMN_MIN <= COLUMNS_MIN.0);

/// Where a pane stands on the deck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// Large, at the top of the left column.
    Main,
    /// Small, below the main one, beside others of its kind.
    Below,
    /// Large, at the top of the right column.
    Stream,
    /// Small, below the stream.
    Foot,
    /// Not on the deck: it fills the screen while it has the focus.
    Away,
}

impl Spot {
    fn is_left(self) -> bool {
        matches!(self, Spot::Main | Spot::Below)
    }

    fn is_large(self) -> bool {
        matches!(self, Spot::Main | Spot::Stream)
    }
}

/// An edge as it stands: it can be taken by the mouse, and moved by keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Border {
    pub edge: Edge,
    /// The borders of both its sides, where the mouse takes it.
    pub area: Rect,
    /// Where the part behind it begins, in columns or lines of the screen.
    pub at: u16,
    /// Where the part before it begins, and how much there is for both.
    start: u16,
    whole: u16,
    /// How much the part before it has at least and at most.
    least: u16,
    most: u16,
}

impl Border {
    /// The share it makes when it is moved to this column or line, as far as it goes.
    pub fn share(&self, to: u16) -> u16 {
        let before = to.saturating_sub(self.start).min(self.most).max(self.least);
        ((u32::from(before) * 1_000 + u32::from(self.whole) / 2) / u32::from(self.whole.max(1))) as u16
    }
}

/// The panes of a deck, in the order they were given, and the edges between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tiles {
    pub panes: Vec<Rect>,
    pub borders: Vec<Border>,
}

/// Gives each spot its place in `body`. Every place lies in it, and none on another.
pub fn tile(body: Rect, spots: &[Spot], shares: Shares) -> Tiles {
    let mut tiles = Tiles { panes: vec![Rect::default(); spots.len()], borders: Vec::new() };
    let side = |left: bool| -> Vec<usize> {
        (0..spots.len()).filter(|at| spots[*at] != Spot::Away && spots[*at].is_left() == left).collect()
    };
    let (left, right) = (side(true), side(false));
    if left.is_empty() || right.is_empty() {
        tiles.column(body, spots, &[left, right].concat(), (Edge::Left, shares.left));
        return tiles;
    }
    let columns = part(body.width, shares.columns, COLUMN_MIN, COLUMN_MIN);
    let [at_left, at_right] = beside(body, columns);
    tiles.column(at_left, spots, &left, (Edge::Left, shares.left));
    tiles.column(at_right, spots, &right, (Edge::Right, shares.right));
    let area = Rect { x: at_right.x.saturating_sub(1), width: 2, ..body }.intersection(body);
    let (least, most) = limits(body.width, COLUMN_MIN, COLUMN_MIN);
    let (start, whole) = (body.x, body.width);
    tiles.borders.push(Border { edge: Edge::Columns, area, at: at_right.x, start, whole, least, most });
    tiles
}

impl Tiles {
    /// The large panes of a column above its small ones.
    fn column(&mut self, area: Rect, spots: &[Spot], column: &[usize], (edge, share): (Edge, u16)) {
        let (large, small): (Vec<usize>, Vec<usize>) = column.iter().partition(|at| spots[**at].is_large());
        if large.is_empty() || small.is_empty() {
            self.row(area, &[large, small].concat());
            return;
        }
        let is_row = area.width >= SMALL_WIDTH_MIN * small.len() as u16;
        let rows = if is_row { 1 } else { small.len() as u16 };
        let upper = part(area.height, share, LARGE_HEIGHT_MIN, SMALL_HEIGHT_MIN * rows);
        let (least, most) = limits(area.height, LARGE_HEIGHT_MIN, SMALL_HEIGHT_MIN * rows);
        let [above, below] = head(area, upper);
        self.row(above, &large);
        if is_row {
            self.row(below, &small);
        } else {
            let rows = Layout::vertical(small.iter().map(|_| Constraint::Fill(1))).split(below);
            small.iter().zip(rows.iter()).for_each(|(at, area)| self.panes[*at] = *area);
        }
        let line = Rect { y: below.y.saturating_sub(1), height: 2, ..area }.intersection(area);
        let (start, whole) = (area.y, area.height);
        self.borders.push(Border { edge, area: line, at: below.y, start, whole, least, most });
    }

    fn row(&mut self, area: Rect, row: &[usize]) {
        let places = Layout::horizontal(row.iter().map(|_| Constraint::Fill(1))).split(area);
        row.iter().zip(places.iter()).for_each(|(at, area)| self.panes[*at] = *area);
    }
}

/// This share of `whole`, within its limits.
fn part(whole: u16, share: u16, least: u16, rest: u16) -> u16 {
    let (least, most) = limits(whole, least, rest);
    let asked = (u32::from(whole) * u32::from(share.min(1_000)) + 500) / 1_000;
    (asked as u16).clamp(least, most)
}

/// What a part has of `whole` at least and at most, so that the rest has enough too; where there is not enough, half.
fn limits(whole: u16, least: u16, rest: u16) -> (u16, u16) {
    if whole < least + rest { (whole / 2, whole / 2) } else { (least, whole - rest) }
}

fn beside(area: Rect, width: u16) -> [Rect; 2] {
    [Rect { width, ..area }, Rect { x: area.x + width, width: area.width - width, ..area }]
}

/// The deck's parts, and the panes that are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deck {
    pub header: Rect,
    pub tabs: Option<Rect>,
    pub hints: Rect,
    pub panes: Vec<(PaneName, Rect)>,
    pub borders: Vec<Border>,
    /// Too small for any of it.
    pub refused: bool,
}

impl Deck {
    pub fn of(area: Rect, focus: PaneName, zoomed: bool, shares: Shares) -> Deck {
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
        if columns && !zoomed && focus.spot() != Spot::Away {
            let names: Vec<_> = PaneName::on_deck().collect();
            let spots: Vec<_> = names.iter().map(|name| name.spot()).collect();
            let tiles = tile(body, &spots, shares);
            deck.panes = names.into_iter().zip(tiles.panes).collect();
            deck.borders = tiles.borders;
        } else {
            deck.panes = vec![(focus, body)];
        }
        deck
    }

    /// Where a pane is, if it is shown now.
    pub fn pane(&self, name: PaneName) -> Option<Rect> {
        self.panes.iter().find(|(shown, _)| *shown == name).map(|(_, area)| *area)
    }

    /// The border between panes that can be taken here.
    pub fn border_at(&self, x: u16, y: u16) -> Option<&Border> {
        self.borders.iter().find(|border| border.area.contains((x, y).into()))
    }

    /// How the columns are parted, while there are two.
    pub fn columns(&self) -> Option<&Border> {
        self.borders.iter().find(|border| border.edge == Edge::Columns)
    }

    pub fn pane_at(&self, x: u16, y: u16) -> Option<PaneName> {
        self.panes.iter().find(|(_, area)| area.contains((x, y).into())).map(|(name, _)| *name)
    }
}

/// A list and what it opened, inside a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Split {
    pub list: Rect,
    pub side: Rect,
    /// The line or column between them.
    pub rule: Option<(Rect, Rule)>,
    pub shares: Shares,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    Across,
    Down,
}

impl Split {
    /// The same shares in this area.
    pub fn of(self, area: Rect, open: bool) -> Split {
        let Split { shares, .. } = self;
        if !open {
            return Split { list: area, shares, ..Split::default() };
        }
        if area.width >= BESIDE_MIN {
            let width = part(area.width, shares.beside, OPENED_MIN.0, OPENED_MIN.0 + 1);
            let [list, rest] = beside(area, width);
            let [rule, side] = beside(rest, 1);
            return Split { list, side, rule: Some((rule, Rule::Down)), shares };
        }
        if area.height < 2 * ABOVE_MIN {
            return Split { list: Rect { height: 0, ..area }, side: area, rule: None, shares };
        }
        let [list, rest] = head(area, part(area.height, shares.below, OPENED_MIN.1, OPENED_MIN.1 + 1));
        let [rule, side] = head(rest, 1);
        Split { list, side, rule: Some((rule, Rule::Across)), shares }
    }

    /// What parts them, to be taken.
    pub fn border(&self) -> Option<Border> {
        let (area, rule) = self.rule?;
        let (edge, at, start, whole, least) = match rule {
            Rule::Down => {
                let whole = self.list.width + 1 + self.side.width;
                (Edge::Beside, area.x, self.list.x, whole, OPENED_MIN.0)
            }
            Rule::Across => {
                let whole = self.list.height + 1 + self.side.height;
                (Edge::Below, area.y, self.list.y, whole, OPENED_MIN.1)
            }
        };
        let (least, most) = limits(whole, least, least + 1);
        Some(Border { edge, area, at, start, whole, least, most })
    }
}

/// A box of at most this size in the middle of `area`.
pub fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// A box of at most this size in the lower right corner of `area`, a little off its edges where there is room.
pub fn corner(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.right() - width - (area.width - width).min(2),
        y: area.bottom() - height - (area.height - height).min(1),
        width,
        height,
    }
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
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(width: u16, height: u16, zoomed: bool, panes: &[PaneName], tabs: bool) {
        let area = Rect::new(0, 0, width, height);
        let deck = Deck::of(area, PaneName::Search, zoomed, Shares::default());
        let shown: Vec<_> = deck.panes.iter().map(|(name, _)| *name).collect();
        assert_eq!((shown.as_slice(), deck.tabs.is_some()), (panes, tabs));
    }

    #[test]
    fn the_deck_changes_its_form_at_the_breakpoints() {
        let all =
            [PaneName::Search, PaneName::Decisions, PaneName::Jobs, PaneName::Timeline, PaneName::Health];
        let one = [PaneName::Search];
        check(200, 60, false, &all, false);
        check(100, 30, false, &all, false);
        check(100, 30, true, &one, false);
        check(99, 30, false, &one, true);
        check(100, 29, false, &one, true);
        check(40, 12, false, &one, true);
        check(39, 12, false, &[], false);
    }

    /// Two to five panes, as they join the deck.
    const DECKS: [&[Spot]; 4] = [
        &[Spot::Main, Spot::Stream],
        &[Spot::Main, Spot::Stream, Spot::Foot],
        &[Spot::Main, Spot::Below, Spot::Stream, Spot::Foot],
        &[Spot::Main, Spot::Below, Spot::Below, Spot::Stream, Spot::Foot],
    ];

    #[test]
    fn no_part_leaves_the_screen() {
        for width in 0..130 {
            for height in 0..40 {
                let area = Rect::new(0, 0, width, height);
                let deck = Deck::of(area, PaneName::Timeline, false, Shares::default());
                let panes = deck.panes.iter().map(|(_, area)| *area).chain(deck.tabs);
                for part in panes.chain([deck.header, deck.hints]).filter(|part| !part.is_empty()) {
                    assert_eq!(part.intersection(area), part);
                    let split = Split::default().of(part, true);
                    assert_eq!(split.side.intersection(part), split.side);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_list_and_what_it_opened_share_their_area(
            width in 0..260u16, height in 0..90u16, share in 0..=1_000u16, to in 0..300u16,
        ) {
            let shares = Shares { beside: share, below: share, ..Shares::default() };
            let area = Rect::new(3, 2, width, height);
            let split = Split { shares, ..Split::default() }.of(area, true);
            let rule = split.rule.map_or(0, |(rule, _)| rule.area());
            prop_assert_eq!(split.list.area() + rule + split.side.area(), area.area());
            prop_assert!(split.list.intersection(split.side).is_empty());
            if let Some(border) = split.border() {
                let same = shares.with(border.edge, border.share(border.at));
                prop_assert_eq!(Split { shares: same, ..split }.of(area, true).list, split.list);
                let moved = shares.with(border.edge, border.share(to));
                let moved = Split { shares: moved, ..split }.of(area, true);
                prop_assert!(area.is_empty() || !moved.list.is_empty() && !moved.side.is_empty());
            }
        }

        #[test]
        fn panes_fill_the_body_without_lying_on_one_another(
            x in 0..5u16, y in 0..5u16, width in 0..260u16, height in 0..90u16, deck in 0..4usize,
            (columns, left, right) in (0..=1_000u16, 0..=1_000u16, 0..=1_000u16),
        ) {
            let body = Rect::new(x, y, width, height);
            let tiles = tile(body, DECKS[deck], Shares { columns, left, right, ..Shares::default() });
            prop_assert_eq!(tiles.panes.len(), DECKS[deck].len());
            for (at, pane) in tiles.panes.iter().enumerate() {
                prop_assert_eq!(pane.intersection(body).area(), pane.area(), "{:?} in {:?}", pane, body);
                for other in &tiles.panes[at + 1..] {
                    prop_assert!(pane.intersection(*other).is_empty(), "{:?} and {:?}", pane, other);
                }
            }
            let filled: u32 = tiles.panes.iter().map(|pane| pane.area()).sum();
            prop_assert_eq!(filled, body.area());
            let shares = Shares { columns, left, right, ..Shares::default() };
            for border in &tiles.borders {
                prop_assert_eq!(border.area.intersection(body).area(), border.area.area());
                // What is taken and let go at once stands where it stood.
                let again = tile(body, DECKS[deck], shares.with(border.edge, border.share(border.at)));
                prop_assert_eq!(&again.panes, &tiles.panes);
            }
            if width >= COLUMNS_MIN.0 && height >= COLUMNS_MIN.1 - 2 {
                for (pane, spot) in tiles.panes.iter().zip(DECKS[deck]) {
                    let least = if spot.is_large() { LARGE_HEIGHT_MIN } else { SMALL_HEIGHT_MIN };
                    prop_assert!(pane.height >= least && pane.width >= SMALL_WIDTH_MIN, "{:?} {:?}", spot, pane);
                }
            }
        }
    }
}
