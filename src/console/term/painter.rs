//! Whole frames to a terminal: only the cells that changed, in one write, marked as one (DEC 2026), never a question.
//!
//! ratatui computes the difference, `encode` words it, and it is held here until the frame is whole. A frame that changes
//! nothing sends nothing.
//!
//! Cells that are marked as a link ([`Hyperlinks`]) are sent between the two halves of an OSC 8, where the terminal is
//! known to take it; the mark itself, an underline colour, is never sent.

use std::{
    io::{self, Write},
    sync::Arc,
};

use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    backend::{Backend, ClearType, WindowSize},
    buffer::{Buffer, Cell},
    layout::{Position, Rect, Size},
    style::Color,
};

use super::encode;
use crate::console::{hyperlink::Hyperlinks, text};

const BEGIN: &[u8] = b"\x1b[?2026h";
const END: &[u8] = b"\x1b[?2026l";

pub struct Painter<W: Write> {
    terminal: Terminal<Canvas<W>>,
    ascii: bool,
    frames: usize,
}

impl<W: Write> Painter<W> {
    pub fn new(out: W, size: Size, ascii: bool) -> io::Result<Painter<W>> {
        let canvas = Canvas {
            held: BEGIN.to_vec(),
            out,
            size,
            cursor: None,
            cursor_shown: false,
            links: Arc::default(),
        };
        // A fixed viewport never asks the terminal for its size.
        let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, size)));
        let terminal = Terminal::with_options(canvas, TerminalOptions { viewport })?;
        Ok(Painter { terminal, ascii, frames: 0 })
    }

    /// Draws a frame. Answers the bytes that were sent.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<usize> {
        let ascii = self.ascii;
        self.terminal.draw(|frame| {
            draw(frame);
            if ascii {
                to_ascii(frame.buffer_mut());
            }
        })?;
        self.frames += 1;
        self.terminal.backend_mut().send()
    }

    /// Frames drawn so far.
    pub fn frames(&self) -> usize {
        self.frames
    }

    pub fn size(&self) -> Size {
        self.terminal.backend().size
    }

    /// Clears, and paints everything in the next frame.
    pub fn resize(&mut self, size: Size) -> io::Result<()> {
        let canvas = self.terminal.backend_mut();
        canvas.size = size;
        canvas.cursor = None;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    pub fn set_ascii(&mut self, ascii: bool) {
        self.ascii = ascii;
    }

    /// Where the marked cells of the next frames lead; empty for a terminal that knows no links.
    pub fn set_links(&mut self, links: Arc<Hyperlinks>) {
        self.terminal.backend_mut().links = links;
    }

    /// Where the bytes go.
    pub fn out(&self) -> &W {
        &self.terminal.backend().out
    }
}

fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let plain = text::ascii(cell.symbol());
            cell.set_symbol(plain);
        }
    }
}

/// The backend: it gathers a frame, and knows its size and cursor instead of asking for them.
struct Canvas<W: Write> {
    /// The frame's bytes, until it is whole.
    held: Vec<u8>,
    out: W,
    size: Size,
    /// Where the cursor is known to be.
    cursor: Option<Position>,
    cursor_shown: bool,
    links: Arc<Hyperlinks>,
}

impl<W: Write> Canvas<W> {
    /// The cells of one link, or of none. The text of a link on several lines is one link by its `id`.
    fn draw_run<'a>(
        &mut self,
        mark: Color,
        run: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) -> io::Result<()> {
        match self.links.leads(mark) {
            None => encode::cells(&mut self.held, run),
            Some((id, address)) => {
                write!(self.held, "\x1b]8;id={id:x};{address}\x1b\\")?;
                encode::cells(&mut self.held, run);
                self.held.extend_from_slice(b"\x1b]8;;\x1b\\");
            }
        }
        Ok(())
    }

    fn send(&mut self) -> io::Result<usize> {
        if self.held.len() == BEGIN.len() {
            return Ok(0);
        }
        self.held.extend_from_slice(END);
        let count = self.held.len();
        let written = self.out.write_all(&self.held).and_then(|()| self.out.flush());
        self.held.truncate(BEGIN.len());
        written.map(|()| count)
    }
}

impl<W: Write> Backend for Canvas<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        // Without links all is one run.
        while let Some(mark) = content.peek().map(|(_, _, cell)| cell.underline_color) {
            self.cursor = None;
            let run = std::iter::from_fn(|| content.next_if(|(_, _, cell)| cell.underline_color == mark));
            self.draw_run(mark, run)?;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.cursor_shown) {
            self.held.extend_from_slice(b"\x1b[?25l");
        }
        Ok(())
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.cursor_shown, true) {
            self.held.extend_from_slice(b"\x1b[?25h");
        }
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor != Some(position) {
            encode::move_to(&mut self.held, position.x, position.y);
            self.cursor = Some(position);
        }
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.held.extend_from_slice(match region {
            ClearType::All => b"\x1b[2J",
            ClearType::AfterCursor => b"\x1b[J",
            ClearType::BeforeCursor => b"\x1b[1J",
            ClearType::CurrentLine => b"\x1b[2K",
            ClearType::UntilNewLine => b"\x1b[K",
        });
        Ok(())
    }

    fn append_lines(&mut self, lines: u16) -> io::Result<()> {
        self.held.extend(std::iter::repeat_n(b'\n', lines.into()));
        Ok(())
    }

    fn size(&self) -> io::Result<Size> {
        Ok(self.size)
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size, pixels: Size::ZERO })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ratatui::text::{Line, Span};

    use super::*;

    fn painter(ascii: bool) -> Painter<Vec<u8>> {
        Painter::new(Vec::new(), Size::new(20, 3), ascii).unwrap()
    }

    fn says(text: &'static str) -> impl FnOnce(&mut Frame<'_>) {
        move |frame| frame.render_widget(Line::raw(text), frame.area())
    }

    #[test]
    fn a_frame_is_one_marked_write_of_what_changed() {
        let mut painter = painter(false);
        let first = painter.draw(says("harbour")).unwrap();
        assert_eq!(painter.draw(says("harbour")).unwrap(), 0, "nothing changed, nothing is sent");
        let second = painter.draw(says("harbous")).unwrap();
        let out = String::from_utf8(painter.out().clone()).unwrap();
        assert_eq!((out.matches("\x1b[?2026h").count(), out.matches("\x1b[?2026l").count()), (2, 2));
        assert!(out[..first].contains("harbour") && out[first..].contains("\x1b[1;7Hs"), "{out:?}");
        assert!(second < first + 10);
        assert!(!out.contains("\x1b[6n"), "the terminal is asked nothing");
    }

    #[test]
    fn a_resize_paints_everything_also_at_the_same_size_and_at_none() {
        let mut painter = painter(false);
        painter.draw(says("harbour")).unwrap();
        for size in [Size::new(20, 3), Size::ZERO, Size::new(1, 1), Size::new(30, 5)] {
            painter.resize(size).unwrap();
            let before = painter.out().len();
            painter.draw(says("harbour")).unwrap();
            let sent = String::from_utf8(painter.out()[before..].to_vec()).unwrap();
            let shown: String = "harbour".chars().take(size.width as usize).collect();
            assert!(sent.contains(&shown), "{size}: {sent:?}");
        }
    }

    #[test]
    fn the_cursor_is_shown_where_it_is_set() {
        let mut painter = painter(false);
        painter.draw(|frame| frame.set_cursor_position((4, 1))).unwrap();
        assert_eq!(painter.draw(|frame| frame.set_cursor_position((4, 1))).unwrap(), 0);
        painter.draw(|_| {}).unwrap();
        let out = String::from_utf8(painter.out().clone()).unwrap();
        assert!(out.contains("\x1b[?25h") && out.contains("\x1b[2;5H"));
        assert!(out.ends_with("\x1b[?25l\x1b[?2026l"));
    }

    /// A line with a link in its middle.
    fn linked(links: &mut Hyperlinks, address: &str) -> impl FnOnce(&mut Frame<'_>) + use<> {
        let mark = links.mark(address).unwrap();
        move |frame| {
            let line = Line::from(vec!["see ".into(), Span::styled("漢 log", mark), " now".into()]);
            frame.render_widget(line, frame.area());
        }
    }

    #[test]
    fn the_cells_of_a_link_stand_between_the_halves_of_an_osc_8() {
        let mut links = Hyperlinks::default();
        let draw = linked(&mut links, "https://a.dev/l");
        let mut painter = painter(false);
        painter.set_links(Arc::new(links.clone()));
        painter.draw(draw).unwrap();
        let out = String::from_utf8(painter.out().clone()).unwrap();
        let (before, rest) = out.split_once("\x1b]8;id=").unwrap();
        let (inside, after) = rest.split_once("\x1b]8;;\x1b\\").unwrap();
        assert!(before.contains("see") && after.contains("now") && !after.contains("\x1b]8"), "{out:?}");
        assert!(inside.contains(";https://a.dev/l\x1b\\") && inside.contains("漢"), "{out:?}");
        assert!(!out.contains("\x1b[58"), "the mark is not sent: {out:?}");

        // The same link again is nothing new, another one is, though it looks the same.
        assert_eq!(painter.draw(linked(&mut links, "https://a.dev/l")).unwrap(), 0);
        let draw = linked(&mut links, "https://b.dev/l");
        painter.set_links(Arc::new(links));
        let before = painter.out().len();
        painter.draw(draw).unwrap();
        let sent = String::from_utf8(painter.out()[before..].to_vec()).unwrap();
        assert!(sent.contains("https://b.dev/l") && !sent.contains("see"), "{sent:?}");
    }

    #[test]
    fn a_terminal_without_links_gets_their_text_alone() {
        let draw = linked(&mut Hyperlinks::default(), "https://a.dev/l");
        let mut painter = painter(false);
        painter.draw(draw).unwrap();
        let out = String::from_utf8(painter.out().clone()).unwrap();
        assert!(out.contains("log") && !out.contains("\x1b]8") && !out.contains("\x1b[58"), "{out:?}");
    }

    #[test]
    fn an_ascii_terminal_gets_ascii_only() {
        let mut painter = painter(true);
        painter.draw(says("a… “漢” é — ▲")).unwrap();
        assert!(painter.out().is_ascii());
    }
}
