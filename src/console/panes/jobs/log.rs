//! The lines of one run, as it says them: asked for while it goes on and is looked at, and held like the Log's.

use std::{collections::VecDeque, time::Duration};

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{Jobs, Side};
use crate::{
    console::{
        action::Action,
        effect::Ask,
        layout::head,
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{
            frame::row_as,
            list::Step,
            tail::{Keys, Stand, Tail},
            toast::Toast,
        },
    },
    door::{LogLine, LogStream, RunLog},
    model::{Fault, Id, Time},
};

/// Lines kept here; the hub has them all.
const LINES_MAX: usize = 10_000;
/// Between two questions, while the run may still say something.
const PAUSE: Duration = Duration::from_millis(400);
/// Lines a turn of the wheel moves.
const WHEEL_LINES: usize = 3;
/// Above the lines: whose they are.
pub const HEAD_LINES: u16 = 1;
/// The place among a row's spans of the mark that says who said it.
const MARK_SPAN: usize = 1;

#[derive(Debug, Default)]
pub struct RunTail {
    run: Option<Id>,
    lines: VecDeque<LogLine>,
    keys: Keys,
    tail: Tail,
    cursor: u64,
    missed: u64,
    live: bool,
    fault: Option<Fault>,
    asked: bool,
    ask_at: Option<Time>,
}

impl RunTail {
    pub fn begin(&mut self, run: Id, scene: &Scene, out: &mut Out) {
        if self.run == Some(run) {
            return;
        }
        let mut tail = Tail::default();
        tail.set_height(self.tail.height());
        *self = RunTail { run: Some(run), live: true, tail, ask_at: Some(scene.now), ..RunTail::default() };
        self.tick(scene, out);
    }

    pub fn close(&mut self) {
        let mut tail = Tail::default();
        tail.set_height(self.tail.height());
        *self = RunTail { tail, ..RunTail::default() };
    }

    pub fn set_height(&mut self, rows: usize) {
        self.tail.set_height(rows);
    }

    pub fn stand(&self) -> Stand {
        self.tail.stand()
    }

    pub fn new_rows(&self) -> u64 {
        self.tail.new_rows()
    }

    /// What was asked of a hub that is gone is answered by nobody.
    pub fn forget_question(&mut self) {
        if std::mem::take(&mut self.asked) {
            self.ask_at = Some(Time::from_unix_ms(0));
        }
    }

    pub fn tick(&mut self, scene: &Scene, out: &mut Out) {
        let Some(run) = self.run.filter(|_| !self.asked && scene.hub.is_live()) else { return };
        if self.ask_at.take_if(|at| scene.now >= *at).is_some() {
            self.asked = true;
            out.ask(Ask::RunLog { run, after: self.cursor });
        }
    }

    pub fn wake(&self) -> Option<Time> {
        self.ask_at.filter(|_| !self.asked)
    }

    pub fn came(&mut self, run: Id, result: Result<RunLog, Fault>, scene: &Scene) {
        if self.run != Some(run) || !std::mem::take(&mut self.asked) {
            return;
        }
        match result {
            Ok(said) => {
                let full = !said.lines.is_empty();
                self.fault = None;
                self.missed += said.missed;
                self.cursor = said.cursor.max(self.cursor);
                self.live = said.live;
                self.take(said.lines);
                // What it said last is asked for once more after its end; a full page is followed at once by the next.
                self.ask_at = (said.live || full)
                    .then(|| if full && !said.live { scene.now } else { scene.now.plus(PAUSE) });
            }
            Err(fault) => {
                self.fault = Some(fault);
                self.live = false;
            }
        }
    }

    fn take(&mut self, lines: Vec<LogLine>) {
        let mut fresh = 0;
        for line in lines {
            if self.keys.back().is_some_and(|last| *last >= line.number) {
                continue;
            }
            if self.lines.len() == LINES_MAX {
                self.lines.pop_front();
                self.keys.pop_front();
                self.missed += 1;
            }
            self.keys.push_back(line.number);
            self.lines.push_back(line);
            fresh += 1;
        }
        self.tail.arrived(fresh);
    }

    pub fn step(&mut self, step: Step) {
        self.tail.step(step, &self.keys);
    }

    pub fn scroll(&mut self, step: Step) {
        self.tail.scroll(step, WHEEL_LINES, &self.keys);
    }

    pub fn act(&mut self, action: Action) -> bool {
        match action {
            Action::Follow => self.tail.toggle_follow(&self.keys),
            Action::Pause => self.tail.toggle_pause(&self.keys),
            Action::ToLatest => self.tail.follow(),
            _ => return false,
        }
        true
    }

    pub fn selected(&self) -> Option<&LogLine> {
        self.lines.get(self.tail.selected(&self.keys)?)
    }
}

impl Jobs {
    pub(super) fn follow_log(&mut self, scene: &Scene, out: &mut Out) {
        let Some(run) = self.run_to_follow() else {
            self.log.close();
            return out.toast(Toast::say("no run of this job has begun yet"));
        };
        self.typing = None;
        self.side = Some(Side::Log);
        self.reading = true;
        self.settle();
        self.log.begin(run, scene, out);
    }

    pub(super) fn draw_log(&self, frame: &mut Frame, area: Rect, focused: bool, scene: &Scene) {
        let theme = scene.theme;
        let [top, body] = head(area, HEAD_LINES);
        let log = &self.log;
        let slug = self.selected().map_or("", |view| view.job.slug.as_str());
        let standing = match (log.live, log.missed) {
            (true, _) => "live",
            (false, _) => "ended",
        };
        let missed = match log.missed {
            0 => String::new(),
            n => format!(" {} {} not here", theme.dot(), text::counted(n, "older line", "older lines")),
        };
        let mut spans = vec![
            Span::styled(format!("{slug} "), theme.style(Role::Strong)),
            Span::styled(format!("{} {standing}{missed}  ", theme.dot()), theme.style(Role::Muted)),
        ];
        if log.live || log.stand() != Stand::Following {
            spans.push(log.stand().word(scene));
        }
        spans.extend(log.stand().new_rows(log.new_rows(), crate::console::action::Place::RunLog, scene));
        frame.render_widget(Paragraph::new(Line::from(spans)), top);
        if let Some(fault) = &log.fault {
            let said = format!("{} {}", theme.glyph(Role::Error), text::escape_line(&fault.message));
            let said = text::cut(&said, body.width as usize).into_owned();
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Error))), body);
            return;
        }
        if log.lines.is_empty() {
            let said = if log.live { "It has said nothing yet." } else { "It said nothing." };
            frame.render_widget(Paragraph::new(Line::styled(said, theme.style(Role::Placeholder))), body);
            return;
        }
        let selected = log.tail.selected(&log.keys);
        let held = log.stand() != Stand::Following;
        let lines: Vec<_> = log
            .tail
            .visible(&log.keys)
            .filter_map(|row| Some((row, log.lines.get(row)?)))
            .map(|(row, said)| {
                let (line, role) = draw_line(said, body.width as usize, scene);
                row_as(line, (held && selected == Some(row)).then_some(focused), (MARK_SPAN, role), theme)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), body);
    }
}

/// `14:02:31.204 ! text`: what was said on stderr is marked, and what the hub says of the run.
fn draw_line(line: &LogLine, width: usize, scene: &Scene) -> (Line<'static>, Role) {
    let theme = scene.theme;
    let (mark, role) = match line.stream {
        LogStream::Out => (" ", Role::Text),
        LogStream::Err => ("!", Role::Warn),
        LogStream::Note => (theme.dot(), Role::Muted),
    };
    // A narrow pane gives up the fraction of the second.
    let columns = if width >= 60 { 12 } else { 8 };
    let time = text::pad(text::fitting(&scene.at(line.time), columns), columns);
    let end = if line.cut { theme.ellipsis() } else { "" };
    let room = width.saturating_sub(columns + 3);
    let said = text::cut(&format!("{}{end}", text::escape_line(&line.text)), room).into_owned();
    let line = Line::from(vec![
        Span::styled(time, theme.style(Role::Time)),
        Span::styled(format!(" {mark} "), theme.style(role)),
        Span::styled(said, theme.style(role)),
    ]);
    (line, role)
}
