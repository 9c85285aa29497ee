//! Where answers go: standard output for what was asked, standard error for everything else.
//!
//! Invariant: text from records reaches a terminal only escaped. A reader that goes away ends the program quietly.

use std::io::{self, BufWriter, IsTerminal, Write};

use serde::Serialize;

use super::{Stop, args::ColorWhen, args::Typed};
use crate::{
    config::Colour,
    model::Fault,
    report::{self, Paint},
};

/// A line of events waits no longer than this many bytes for others; a terminal gets each at once.
const BUFFER_BYTES: usize = 64 << 10;

/// How to print, as far as the flags and the terminal say.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub json: bool,
    pub quiet: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    pub stdout_paint: Paint,
    pub stderr_paint: Paint,
    /// Columns to keep within; a pipe has no end.
    pub width: Option<usize>,
}

impl Manner {
    pub fn of(typed: &Typed) -> Manner {
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let colour = typed.global.color.map_or(Colour::Auto, colour);
        let manner = Manner {
            json: typed.global.json,
            quiet: typed.global.quiet,
            stdout_is_terminal: out,
            stderr_is_terminal: err,
            stdout_paint: Paint::Plain,
            stderr_paint: Paint::Plain,
            width: out.then(width),
        };
        manner.coloured(colour)
    }

    /// The same with colour as the settings have it.
    pub fn coloured(mut self, colour: Colour) -> Manner {
        self.stdout_paint = paint(colour, self.stdout_is_terminal);
        self.stderr_paint = paint(colour, self.stderr_is_terminal);
        self
    }

    /// The same without colour, and with lines as long as they are: for who cannot see them.
    pub fn uncoloured(mut self) -> Manner {
        (self.stdout_paint, self.stderr_paint, self.width) = (Paint::Plain, Paint::Plain, None);
        self
    }

    /// To standard error. When even that cannot be written there is nobody left to tell.
    pub fn complain(&self, text: &str) {
        if let Err(error) = io::stderr().write_all(text.as_bytes()) {
            tracing::debug!(%error, "writing to standard error");
        }
    }
}

pub fn colour(when: ColorWhen) -> Colour {
    match when {
        ColorWhen::Auto => Colour::Auto,
        ColorWhen::Always => Colour::Always,
        ColorWhen::Never => Colour::Never,
    }
}

fn paint(colour: Colour, terminal: bool) -> Paint {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match colour {
        Colour::Always => Paint::Coloured,
        Colour::Auto if terminal && !set("NO_COLOR") && !dumb => Paint::Coloured,
        _ => Paint::Plain,
    }
}

fn width() -> usize {
    let found = rustix::termios::tcgetwinsize(io::stdout()).ok();
    found.map(|size| usize::from(size.ws_col)).filter(|columns| *columns >= 20).unwrap_or(80)
}

/// Standard output, and how to use it.
pub struct Out {
    pub manner: Manner,
    to: BufWriter<io::Stdout>,
}

impl Out {
    pub fn new(manner: Manner) -> Out {
        Out { manner, to: BufWriter::with_capacity(BUFFER_BYTES, io::stdout()) }
    }

    pub fn paint(&self) -> Paint {
        self.manner.stdout_paint
    }

    /// One document: indented for eyes, on one line for programs.
    pub fn document(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        let text = if self.manner.stdout_is_terminal {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.json_text(text)?;
        self.flush()
    }

    /// One of many documents, on a line of its own.
    pub fn json_line(&mut self, value: &impl Serialize) -> Result<(), Stop> {
        self.json_text(serde_json::to_string(value))
    }

    fn json_text(&mut self, text: serde_json::Result<String>) -> Result<(), Stop> {
        let text = text.map_err(|error| Fault::bug("an answer does not go into JSON").cause(error))?;
        if self.manner.stdout_is_terminal {
            writeln!(self.to, "{}", report::escape_json(&text))?;
        } else {
            writeln!(self.to, "{text}")?;
        }
        Ok(())
    }

    /// A line of the program's own making, in which texts from records are escaped already.
    pub fn line(&mut self, text: &str) -> Result<(), Stop> {
        writeln!(self.to, "{text}")?;
        Ok(())
    }

    /// A text from a record, as it is where no terminal can act on it.
    pub fn body(&mut self, text: &str) -> Result<(), Stop> {
        if self.manner.stdout_is_terminal {
            writeln!(self.to, "{}", report::escape(text))?;
        } else {
            writeln!(self.to, "{text}")?;
        }
        Ok(())
    }

    /// A whole text that ends its own lines, as it is where no terminal can act on it.
    pub fn whole(&mut self, text: &str) -> Result<(), Stop> {
        let shown = if self.manner.stdout_is_terminal { report::escape(text) } else { text.into() };
        self.to.write_all(shown.as_bytes())?;
        self.flush()
    }

    /// What has been printed is seen.
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.to.flush()?;
        Ok(())
    }

    /// Something besides the answer: not with `--quiet`.
    pub fn remark(&self, text: &str) {
        if !self.manner.quiet {
            self.manner.complain(&format!("{text}\n"));
        }
    }

    /// Something that must be known, with `--quiet` too.
    pub fn warn(&self, message: &str, hint: Option<&str>) {
        self.manner.complain(&report::warning(message, hint, self.manner.stderr_paint));
    }

    /// A line on a terminal's standard error that the next one takes the place of; empty takes it away.
    pub fn progress(&self, text: &str) {
        if self.manner.stderr_is_terminal && !self.manner.quiet {
            self.manner.complain(&format!("\r\x1b[K{text}"));
        }
    }
}
