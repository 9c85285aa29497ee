//! Markdown as styled lines, wrapped to a width: what a memory looks like when it is opened.
//!
//! [`render`] walks pulldown-cmark's events once. Inline text collects as styled pieces; at the end of a block they are
//! flowed between the prefixes of the containers they stand in (quote bars, list indents), so that nesting costs
//! nothing. Tables collect their cells first, because columns are as wide as their widest cell. Text is escaped on its
//! way in; a line never is wider than asked. The caller keeps the lines: rendering is for when text or width changed.
//!
//! What code is made of is found elsewhere, because it takes its time: [`blocks`] gives the code of a text, and
//! [`render`] takes what was found in each block, in the same order, or nothing yet.

pub mod code;
mod flow;
mod markup;
mod table;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};
use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{
    hyperlink::Hyperlinks,
    text::{escape, escape_line},
    theme::{Role, Theme},
};
use code::{Block, Tokens};
use flow::flow;
use markup::Markup;
use table::Table;

/// Text beyond this is not rendered: more is never read on a screen, and the whole is in the export.
const INPUT_BYTES_MAX: usize = 256 * 1024;
/// Containers deeper than this are drawn as the last: a terminal has no room for more.
const DEPTH_MAX: usize = 8;
/// Columns of a link's target behind its text.
const TARGET_COLUMNS_MAX: usize = 48;
/// Text is set no wider than this, however wide the pane: longer lines are hard to read.
const MEASURE: usize = 100;

const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_GFM)
    .union(Options::ENABLE_YAML_STYLE_METADATA_BLOCKS);

/// The blocks of code in `text`, in order, as they are shown.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for event in Parser::new_ext(taken(text), OPTIONS) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some(Block { language, code: String::new() });
            }
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.code.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                blocks.extend(open.take().map(|block| Block { code: shown(&block.code), ..block }));
            }
            _ => {}
        }
    }
    blocks
}

fn taken(text: &str) -> &str {
    &text[..text.floor_char_boundary(INPUT_BYTES_MAX)]
}

fn shown(code: &str) -> String {
    escape(code.trim_end_matches('\n')).into_owned()
}

/// A text as drawn, and where its links lead.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    pub lines: Vec<Line<'static>>,
    pub links: Hyperlinks,
}

/// `text` as lines of at most `width` columns. `colours`: what was found in each of its [`blocks`].
pub fn render(text: &str, width: usize, theme: &Theme, colours: &[Tokens]) -> Rendered {
    let taken = taken(text);
    let mut page = Page {
        theme,
        width: width.clamp(1, MEASURE),
        lines: Vec::new(),
        pieces: Vec::new(),
        styles: vec![theme.style(Role::Text)],
        containers: Vec::new(),
        heading: None,
        code: None,
        colours,
        blocks: 0,
        table: None,
        links: Vec::new(),
        hyperlinks: Hyperlinks::default(),
        link_at: 0,
        images: 0,
        markup: Markup::default(),
    };
    for event in Parser::new_ext(taken, OPTIONS) {
        page.event(event);
    }
    page.end_block();
    while page.lines.last().is_some_and(|line| line.spans.iter().all(|span| span.content.trim().is_empty())) {
        page.lines.pop();
    }
    if taken.len() < text.len() {
        let rest = super::text::bytes((text.len() - taken.len()) as u64);
        let said = format!("{rest} more are not shown here");
        page.lines.push(Line::default());
        page.lines.push(Line::styled(said, theme.style(Role::Muted)));
    }
    Rendered { lines: page.lines, links: page.hyperlinks }
}

/// A stretch of text in one style.
#[derive(Debug, Clone, PartialEq)]
struct Piece {
    text: String,
    style: Style,
}

/// What blocks stand in.
#[derive(Debug)]
enum Container {
    Quote,
    /// The number of the next item, when numbered.
    List(Option<u64>),
    /// An item: what stands before its first line, while that has not been drawn, and its indent.
    Item {
        marker: Option<(String, Role)>,
        indent: usize,
    },
}

struct Page<'a> {
    theme: &'a Theme,
    width: usize,
    lines: Vec<Line<'static>>,
    pieces: Vec<Piece>,
    /// The style of text here, under those it stands in.
    styles: Vec<Style>,
    containers: Vec<Container>,
    heading: Option<HeadingLevel>,
    code: Option<String>,
    /// What each block of code is made of, and how many were drawn.
    colours: &'a [Tokens],
    blocks: usize,
    table: Option<Table>,
    /// Where open links go, and how their text is marked.
    links: Vec<(String, Style)>,
    hyperlinks: Hyperlinks,
    /// Pieces before the last link began: one that adds none shows nothing, as around an HTML image.
    link_at: usize,
    /// Images since the last link began: a link around one says nothing of its own.
    images: usize,
    markup: Markup,
}

impl Page<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text),
            Event::Code(code) => {
                let style = self.style().patch(self.theme.style(Role::Code));
                self.piece(escape_line(&code).into_owned(), style);
            }
            Event::Html(html) => {
                for line in html.split_inclusive('\n') {
                    self.markup.read(line);
                    let text = std::mem::take(&mut self.markup.text);
                    if !text.trim().is_empty() {
                        self.piece(escape_line(text.trim()).into_owned(), self.style());
                        self.piece("\n".into(), Style::new());
                    }
                }
            }
            // A tag alone; what it encloses comes as text.
            Event::InlineHtml(tag) => {
                if tag.to_ascii_lowercase().starts_with("<br") {
                    self.piece("\n".into(), Style::new());
                }
            }
            Event::SoftBreak => self.piece(" ".into(), self.style()),
            Event::HardBreak => self.piece("\n".into(), Style::new()),
            Event::Rule => {
                self.end_block();
                let room = self.width.saturating_sub(self.indent());
                let line = self.theme.glyph(Role::MarkdownRule).repeat(room);
                self.piece(line, self.theme.style(Role::MarkdownRule));
                self.end_block();
                self.blank();
            }
            Event::TaskListMarker(done) => {
                let role = if done { Role::TaskDone } else { Role::TaskOpen };
                if let Some(Container::Item { marker: Some(marker), indent }) = self.containers.last_mut() {
                    *marker = (self.theme.glyph(role).to_owned(), role);
                    *indent = 2;
                }
            }
            Event::FootnoteReference(name) => {
                self.piece(format!("[{}]", escape_line(&name)), self.theme.style(Role::Link));
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::HtmlBlock => self.markup = Markup::default(),
            Tag::Paragraph | Tag::TableHead | Tag::TableRow => {}
            Tag::Heading { level, .. } => {
                self.end_block();
                if self.lines.last().is_some_and(|line| !line.spans.is_empty()) {
                    self.blank();
                }
                self.heading = Some(level);
                self.styles.push(self.theme.style(heading_role(level)));
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.containers.push(Container::Quote);
                self.push(Role::Quote);
            }
            Tag::CodeBlock(_) => {
                self.end_block();
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                self.end_block();
                self.containers.push(Container::List(first));
            }
            Tag::Item => {
                self.end_block();
                let marker = match self.containers.last_mut() {
                    Some(Container::List(Some(number))) => {
                        *number += 1;
                        format!("{}.", *number - 1)
                    }
                    _ => self.theme.glyph(Role::Bullet).to_owned(),
                };
                let indent = super::text::width(&marker) + 1;
                self.containers.push(Container::Item { marker: Some((marker, Role::Bullet)), indent });
            }
            Tag::Table(alignments) => {
                self.end_block();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableCell => self.pieces.clear(),
            Tag::Emphasis => self.modify(Modifier::ITALIC),
            Tag::Strong => self.modify(Modifier::BOLD),
            Tag::Strikethrough => self.modify(Modifier::CROSSED_OUT),
            Tag::Link { link_type, dest_url, .. } => {
                let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
                let mark = self.hyperlinks.mark(&format!("{scheme}{dest_url}")).unwrap_or_default();
                self.styles.push(self.style().patch(self.theme.style(Role::Link)).patch(mark));
                self.links.push((dest_url.into_string(), mark));
                self.images = 0;
                self.link_at = self.pieces.len();
            }
            Tag::Image { .. } => {
                self.images += 1;
                self.push(Role::LinkTarget);
                self.piece("[image: ".into(), self.style());
            }
            Tag::FootnoteDefinition(name) => {
                self.end_block();
                let marker = format!("[{}]", escape_line(&name));
                let indent = super::text::width(&marker) + 1;
                self.containers.push(Container::Item { marker: Some((marker, Role::Link)), indent });
            }
            Tag::MetadataBlock(_) => self.code = Some(String::new()),
            Tag::DefinitionList | Tag::DefinitionListTitle | Tag::DefinitionListDefinition => {}
            Tag::Superscript | Tag::Subscript => self.styles.push(self.style()),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            // Tags alone leave nothing.
            TagEnd::HtmlBlock if self.pieces.is_empty() => {}
            TagEnd::Paragraph | TagEnd::HtmlBlock => {
                self.end_block();
                self.blank();
            }
            TagEnd::Heading(_) => self.end_heading(),
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.drop_blank();
                self.containers.pop();
                self.styles.pop();
                self.blank();
            }
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::List(_) => {
                self.end_block();
                self.containers.pop();
                if !self.in_item() {
                    self.blank();
                }
            }
            TagEnd::Item => {
                self.end_block();
                // An item that holds nothing still has its marker.
                if matches!(self.containers.last(), Some(Container::Item { marker: Some(_), .. })) {
                    self.line(Vec::new());
                }
                self.drop_blank();
                self.containers.pop();
            }
            TagEnd::FootnoteDefinition => {
                self.end_block();
                self.containers.pop();
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.pieces);
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    let room = self.width.saturating_sub(self.indent());
                    for row in table.lines(room, self.theme) {
                        self.line(row);
                    }
                    self.blank();
                }
            }
            TagEnd::Link => self.end_link(),
            TagEnd::Image => {
                self.piece("]".into(), self.style());
                self.styles.pop();
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Superscript | TagEnd::Subscript => {
                self.styles.pop();
            }
            // Front matter is in the record's fields.
            TagEnd::MetadataBlock(_) => self.code = None,
            TagEnd::DefinitionList | TagEnd::DefinitionListTitle | TagEnd::DefinitionListDefinition => {}
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.code {
            Some(code) => code.push_str(text),
            None => self.piece(escape_line(text).into_owned(), self.style()),
        }
    }

    fn piece(&mut self, text: String, style: Style) {
        self.pieces.push(Piece { text, style });
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn push(&mut self, role: Role) {
        self.styles.push(self.style().patch(self.theme.style(role)));
    }

    fn modify(&mut self, modifier: Modifier) {
        self.styles.push(self.style().add_modifier(modifier));
    }

    fn in_item(&self) -> bool {
        self.containers.iter().any(|container| matches!(container, Container::Item { .. }))
    }

    /// Columns that the containers take.
    fn indent(&self) -> usize {
        self.shown().map(columns).sum()
    }

    /// The containers that are drawn: of very deep ones the outer.
    fn shown(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| !matches!(container, Container::List(_))).take(DEPTH_MAX)
    }

    fn blank(&mut self) {
        if !self.lines.is_empty() {
            self.line(Vec::new());
        }
    }

    /// The blank line that the last block left, when its container ends here.
    fn drop_blank(&mut self) {
        let bars = [self.theme.glyph(Role::Quote), " ", ""];
        let is_blank = |line: &Line| line.spans.iter().all(|span| bars.contains(&span.content.trim()));
        let tight = self.containers.last().is_some_and(|container| match container {
            Container::Quote => true,
            Container::Item { .. } => self.lines.len() >= 2,
            Container::List(_) => false,
        });
        if tight && self.lines.last().is_some_and(is_blank) {
            self.lines.pop();
        }
    }

    fn end_heading(&mut self) {
        let level = self.heading.take();
        self.styles.pop();
        if self.pieces.is_empty() {
            return;
        }
        let wide = self.pieces.iter().map(|piece| super::text::width(&piece.text)).sum::<usize>();
        self.end_block();
        let role = level.map_or(Role::Heading3, heading_role);
        let under = self.theme.glyph(role);
        if !under.is_empty() {
            let room = self.width.saturating_sub(self.indent());
            let style = if role == Role::Heading1 { role } else { Role::MarkdownRule };
            let line = Span::styled(under.repeat(wide.min(room)), self.theme.style(style));
            self.line(vec![line]);
        }
        if role != Role::Heading3 {
            self.blank();
        }
    }

    fn end_code(&mut self) {
        let Some(code) = self.code.take() else { return };
        let code = shown(&code);
        let tokens = self.colours.get(self.blocks).map_or(&[][..], Vec::as_slice);
        self.blocks += 1;
        let style = self.theme.style(Role::CodeBlock);
        let room = self.width.saturating_sub(self.indent());
        let bar = format!("{} ", self.theme.glyph(Role::CodeBlock));
        let bar_style = self.theme.style(Role::MarkdownRule).patch(Style { fg: None, ..style });
        let inner = room.saturating_sub(3).max(1);
        let mut at = 0;
        for line in code.split('\n') {
            for piece in hard_wrap(line, inner) {
                let mut spans = vec![Span::styled(bar.clone(), bar_style)];
                coloured(&code, at..at + piece.len(), tokens, style, self.theme, &mut spans);
                at += piece.len();
                let fill = room.saturating_sub(2 + super::text::width(piece));
                spans.push(Span::styled(" ".repeat(fill), style));
                self.line(spans);
            }
            at += 1;
        }
        self.blank();
    }

    /// A link says where it goes, unless its text does or it only wraps an image. A long target is cut: the whole is in
    /// the text itself.
    fn end_link(&mut self) {
        self.styles.pop();
        let Some((target, mark)) = self.links.pop() else { return };
        let target = escape_line(&target).into_owned();
        let is_empty = self.link_at == self.pieces.len();
        let text = self.pieces.last().map(|piece| piece.text.as_str()).unwrap_or_default();
        let told = target == text || target.trim_start_matches("mailto:") == text;
        let around_image = std::mem::take(&mut self.images) > 0;
        if !told && !is_empty && !around_image && !target.starts_with('#') && !target.is_empty() {
            let target = super::text::cut(&target, TARGET_COLUMNS_MAX).into_owned();
            let style = self.theme.style(Role::LinkTarget);
            self.piece(" (".into(), style);
            self.piece(target, style.patch(mark));
            self.piece(")".into(), style);
        }
    }

    /// What was collected, flowed into lines.
    fn end_block(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces);
        while pieces.last().is_some_and(|piece| piece.text.trim().is_empty()) {
            pieces.pop();
        }
        let blank = pieces.iter().take_while(|piece| piece.text.trim().is_empty()).count();
        pieces.drain(..blank);
        let Some(first) = pieces.first_mut() else { return };
        first.text = first.text.trim_start().to_owned();
        let room = self.width.saturating_sub(self.indent()).max(1);
        for line in flow(&pieces, room) {
            self.line(line);
        }
    }

    /// One line behind the prefixes of its containers.
    fn line(&mut self, spans: Vec<Span<'static>>) {
        let theme = self.theme;
        let mut drawn = Vec::with_capacity(spans.len() + self.containers.len());
        let mut depth = 0;
        for container in &mut self.containers {
            if matches!(container, Container::List(_)) || depth == DEPTH_MAX {
                continue;
            }
            depth += 1;
            let wide = columns(container);
            match container {
                Container::Quote => {
                    drawn.push(Span::styled(
                        format!("{} ", theme.glyph(Role::Quote)),
                        theme.style(Role::Accent),
                    ));
                }
                Container::Item { marker, .. } => match marker.take() {
                    Some((text, role)) => {
                        drawn.push(Span::styled(super::text::pad(&text, wide), theme.style(role)));
                    }
                    None => drawn.push(Span::raw(" ".repeat(wide))),
                },
                Container::List(_) => {}
            }
        }
        drawn.extend(spans);
        let line = Line::from(drawn);
        self.lines.push(if line.width() > self.width { clip(line, self.width) } else { line });
    }
}

fn columns(container: &Container) -> usize {
    match container {
        Container::Quote => 2,
        Container::Item { indent, .. } => *indent,
        Container::List(_) => 0,
    }
}

fn heading_role(level: HeadingLevel) -> Role {
    match level {
        HeadingLevel::H1 => Role::Heading1,
        HeadingLevel::H2 => Role::Heading2,
        _ => Role::Heading3,
    }
}

/// A stretch of code in the styles of its tokens. Those of another text, out of its bounds, colour nothing.
fn coloured(
    code: &str,
    range: Range<usize>,
    tokens: &[(Range<usize>, code::Token)],
    plain: Style,
    theme: &Theme,
    spans: &mut Vec<Span<'static>>,
) {
    let mut at = range.start;
    let first = tokens.partition_point(|(token, _)| token.end <= range.start);
    for (token, kind) in tokens[first..].iter().take_while(|(token, _)| token.start < range.end) {
        let part = token.start.max(at)..token.end.min(range.end);
        let (Some(before), Some(text)) = (code.get(at..part.start), code.get(part.clone())) else { break };
        if !before.is_empty() {
            spans.push(Span::styled(before.to_owned(), plain));
        }
        spans.push(Span::styled(text.to_owned(), plain.patch(theme.style(kind.role()))));
        at = part.end;
    }
    if let Some(rest) = code.get(at..range.end).filter(|rest| !rest.is_empty()) {
        spans.push(Span::styled(rest.to_owned(), plain));
    }
}

/// A line of code in pieces of this width: its spaces are its own.
fn hard_wrap(line: &str, columns: usize) -> Vec<&str> {
    let mut rest = line;
    let mut pieces = Vec::new();
    loop {
        let piece = match super::text::fitting(rest, columns) {
            // One grapheme is wider than the line.
            "" if !rest.is_empty() => rest,
            piece => piece,
        };
        pieces.push(piece);
        rest = &rest[piece.len()..];
        if rest.is_empty() {
            return pieces;
        }
    }
}

/// A line too deep in containers for the width, cut to it.
fn clip(line: Line<'static>, width: usize) -> Line<'static> {
    let mut room = width;
    let mut spans = Vec::new();
    for span in line.spans {
        let text = super::text::fitting(&span.content, room).to_owned();
        room -= super::text::width(&text);
        spans.push(Span::styled(text, span.style));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests;
