//! The terminal, taken and given back.
//!
//! [`Term::enter`] sets every mode the console needs; they are taken back when it is dropped, when the thread that draws
//! panics, before a stop and before an editor, always by [`restore`], which knows what is set and does nothing twice.
//! [`Painter`] draws whole frames, [`Input`] reads keys, [`Signals`] tells what the system wants, [`edit`] hands a text
//! to `$EDITOR`, [`stop()`] hands the terminal to the shell.
//!
//! Invariant: while `ENTERED` holds modes they are set on the terminal, else none is.

mod burst;
mod editor;
mod encode;
mod input;
mod painter;
mod signals;
mod stop;

use std::{
    cell::Cell,
    io::{self, IsTerminal, Stdout, Write},
    sync::{Arc, Mutex, Once, PoisonError},
};

use ratatui::{Frame, layout::Size};

pub use editor::{EditorError, edit};
pub use input::{Arrival, Input};
pub use painter::Painter;
pub use signals::{Signal, Signals};
pub use stop::{ask_to_stop, has_shell, stop};

use super::{caps::probe, hyperlink::Hyperlinks};

/// Alternate screen, bracketed paste, focus events, hidden cursor.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?25l\x1b[2J";
/// The same back, after whatever a frame cut short has left: end of synchronised output, plain style, cursor's own shape.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[0m\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[0 q\x1b[?1049l";
/// Clicks, drags and the wheel; not every movement, which would wake an idle console.
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// Kitty keyboard: tell Ctrl-Enter from Enter, Esc from the beginning of a sequence.
const KEYBOARD_ON: &[u8] = b"\x1b[>1u";
const KEYBOARD_OFF: &[u8] = b"\x1b[<1u";

/// A frame count at which a debug build panics, so that a test can see what is left of the terminal.
const PANIC_VARIABLE: &str = "WHEELHOUSE_PANIC_AT_FRAME";

/// Modes that are set now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Modes {
    mouse: bool,
    keyboard: bool,
}

static ENTERED: Mutex<Option<Modes>> = Mutex::new(None);

thread_local! {
    /// This thread draws: its panic ends the console.
    static DRAWS: Cell<bool> = const { Cell::new(false) };
}

/// The terminal while the console has it.
pub struct Term {
    painter: Painter<Stdout>,
    /// What is to be set, also after coming back.
    modes: Modes,
    panic_at: Option<usize>,
}

impl Term {
    /// Takes the terminal. `ascii`: nothing else is drawn.
    pub fn enter(mouse: bool, ascii: bool) -> io::Result<Term> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "stdin and stdout are no terminal"));
        }
        hook();
        // NO_COLOR is the theme's to obey: left to itself crossterm answers it with resets that also end reverse video.
        crossterm::style::force_color_output(true);
        let painter = Painter::new(io::stdout(), size()?, ascii)?;
        let modes = Modes { mouse, keyboard: false };
        if let Err(error) = set(modes) {
            restore();
            return Err(error);
        }
        let panic_at =
            cfg!(debug_assertions).then(|| std::env::var(PANIC_VARIABLE).ok()?.parse().ok()).flatten();
        Ok(Term { painter, modes, panic_at })
    }

    /// Draws a frame: only what changed is sent, at once.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        DRAWS.set(true);
        self.painter.draw(draw)?;
        assert!(self.panic_at != Some(self.painter.frames()), "asked to panic at this frame");
        Ok(())
    }

    pub fn size(&self) -> Size {
        self.painter.size()
    }

    /// The terminal has this size now; the next frame paints all of it. The last of a storm of sizes is enough.
    pub fn resize(&mut self, width: u16, height: u16) -> io::Result<()> {
        self.painter.resize(Size::new(width, height))
    }

    /// The next frame paints everything: something else may have written here.
    pub fn repaint(&mut self) -> io::Result<()> {
        self.painter.resize(size()?)
    }

    /// Draws this set of glyphs from now on.
    pub fn set_ascii(&mut self, ascii: bool) {
        self.painter.set_ascii(ascii);
    }

    /// Where the links of the next frames lead; none for a terminal that knows no links.
    pub fn set_links(&mut self, links: Arc<Hyperlinks>) {
        self.painter.set_links(links);
    }

    /// With the mouse off, the terminal's own selection works.
    pub fn capture_mouse(&mut self, on: bool) -> io::Result<()> {
        self.change(Modes { mouse: on, ..self.modes })
    }

    /// Asks the terminal what it is; [`Input::asking`] reads the answers.
    pub fn ask(&mut self) -> io::Result<()> {
        self.write(probe::QUERY)
    }

    /// Sets what the terminal said it can do.
    pub fn learn(&mut self, answers: &probe::Answers) -> io::Result<()> {
        self.change(Modes { keyboard: answers.keyboard, ..self.modes })
    }

    /// Sends bytes that are no part of a frame, such as a copy to the clipboard.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Gives the terminal back for a while. Drop the [`Input`] first: it would go on reading.
    pub fn leave(&mut self) {
        restore();
    }

    /// Takes it again after [`Term::leave`], or after someone else changed it.
    pub fn enter_again(&mut self) -> io::Result<()> {
        restore();
        set(self.modes)?;
        self.repaint()
    }

    fn change(&mut self, modes: Modes) -> io::Result<()> {
        let mut entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
        self.modes = modes;
        let Some(now) = entered.as_mut() else { return Ok(()) };
        let mut bytes = Vec::new();
        if now.mouse != modes.mouse {
            bytes.extend_from_slice(if modes.mouse { MOUSE_ON } else { MOUSE_OFF });
        }
        if now.keyboard != modes.keyboard {
            bytes.extend_from_slice(if modes.keyboard { KEYBOARD_ON } else { KEYBOARD_OFF });
        }
        *now = modes;
        let mut out = io::stdout();
        out.write_all(&bytes)?;
        out.flush()
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        restore();
    }
}

/// Columns and rows; a terminal that says 0x0 (it happens) is taken for one that cannot be drawn on.
fn size() -> io::Result<Size> {
    let size = rustix::termios::tcgetwinsize(io::stdout())?;
    Ok(Size::new(size.ws_col, size.ws_row))
}

fn set(modes: Modes) -> io::Result<()> {
    let mut entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    crossterm::terminal::enable_raw_mode()?;
    *entered = Some(modes);
    let mut bytes = ENTER.to_vec();
    if modes.mouse {
        bytes.extend_from_slice(MOUSE_ON);
    }
    if modes.keyboard {
        bytes.extend_from_slice(KEYBOARD_ON);
    }
    let mut out = io::stdout();
    out.write_all(&bytes)?;
    out.flush()
}

/// Takes back every mode that is set. Answers whether there was any.
pub fn restore() -> bool {
    let mut entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(modes) = entered.take() else { return false };
    let mut bytes = Vec::new();
    if modes.keyboard {
        bytes.extend_from_slice(KEYBOARD_OFF);
    }
    if modes.mouse {
        bytes.extend_from_slice(MOUSE_OFF);
    }
    bytes.extend_from_slice(LEAVE);
    let mut out = io::stdout();
    let told = out.write_all(&bytes).and_then(|()| out.flush());
    if let Err(error) = told.and(crossterm::terminal::disable_raw_mode()) {
        // A terminal that hung up cannot be restored, nor be told so.
        tracing::debug!(%error, "the terminal could not be restored");
    }
    true
}

/// Runs `change` on the terminal only while the console has it.
fn while_entered(change: impl FnOnce()) {
    let entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if entered.is_some() {
        change();
    }
}

/// A panic of the thread that draws gives the terminal back before it is told; of any other thread it goes to the log,
/// because the console goes on and nobody could read it here.
fn hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let is_entered = ENTERED.lock().unwrap_or_else(PoisonError::into_inner).is_some();
            if is_entered && !DRAWS.get() {
                let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
                tracing::error!(thread, %panic, "a thread panicked");
                return;
            }
            restore();
            before(panic);
        }));
    });
}
