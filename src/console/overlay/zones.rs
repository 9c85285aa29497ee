//! Picks a zone of times by a part of its name, of all that there are: what is selected is shown at once, Enter keeps it,
//! Esc brings back what was before.

use std::cell::OnceCell;

use crossterm::event::KeyEvent;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
    widgets::Paragraph,
};

use super::Above;
use crate::{
    config::LOCAL,
    console::{
        action::{Action, Place},
        effect::Effect,
        layout::head,
        preferences::{Given, Preferences},
        scene::{Out, Scene, TimeForm},
        text,
        theme::Role,
        widgets::{
            frame::{foot, input, step_of, window},
            line::{Line, Typed},
            list::List,
            toast::Toast,
        },
    },
    model::{Zone, zone_names},
};

const WIDTH: u16 = 58;
const ROWS_MAX: u16 = 16;
/// Border, input and a line between.
const FRAME: u16 = 4;

pub struct ZonePicker {
    typed: Line,
    names: Vec<String>,
    /// Of each name, once it was shown: finding it takes a lock and a look at all that were asked for.
    zones: Vec<OnceCell<Option<Zone>>>,
    /// Of what matches, best first: none is the machine's own, else the place in `names`.
    shown: Vec<Option<usize>>,
    list: List,
    matcher: Matcher,
    before: Preferences,
    given: Given,
    /// Closing leads back to the settings.
    back_to_settings: bool,
}

impl ZonePicker {
    pub fn new(before: Preferences, given: &Given, back_to_settings: bool) -> ZonePicker {
        let names = zone_names();
        let mut picker = ZonePicker {
            typed: Line::default(),
            zones: vec![OnceCell::new(); names.len()],
            names,
            shown: Vec::new(),
            list: List::default(),
            matcher: Matcher::new(Config::DEFAULT.match_paths()),
            before,
            given: given.clone(),
            back_to_settings,
        };
        picker.list.set_height(ROWS_MAX as usize);
        picker.find();
        let worn = picker.before.zone.and_then(Zone::name);
        let at = picker.shown.iter().position(|row| row.map(|at| picker.names[at].as_str()) == worn);
        picker.list.select(at.unwrap_or(0));
        picker
    }

    /// Typing finds names as people write them: `new york`, `syd`.
    fn find(&mut self) {
        let typed = self.typed.text().trim().to_owned();
        if typed.is_empty() {
            self.shown = std::iter::once(None).chain((0..self.names.len()).map(Some)).collect();
        } else {
            let pattern = Pattern::parse(&typed, CaseMatching::Ignore, Normalization::Smart);
            let mut buffer = Vec::new();
            let mut found: Vec<(u32, Option<usize>)> = Vec::new();
            let names = std::iter::once((None, LOCAL.to_owned()))
                .chain(self.names.iter().enumerate().map(|(at, name)| (Some(at), name.replace('_', " "))));
            for (at, name) in names {
                let score = pattern.score(Utf32Str::new(&name, &mut buffer), &mut self.matcher);
                found.extend(score.map(|score| (score, at)));
            }
            found.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
            self.shown = found.into_iter().map(|(_, at)| at).collect();
        }
        self.list.set_len(self.shown.len());
    }

    fn narrow(&mut self, out: &mut Out) {
        self.find();
        self.list.select(0);
        self.show(out);
    }

    fn zone(&self, row: Option<usize>) -> Option<Zone> {
        row.and_then(|at| *self.zones[at].get_or_init(|| self.names[at].parse().ok()))
    }

    /// What is selected; inside, none is the machine's own.
    fn selected(&self) -> Option<Option<Zone>> {
        let row = self.shown.get(self.list.selected()?)?;
        Some(self.zone(*row))
    }

    /// Times as they would be: in the zone itself, where one is picked.
    fn preferred(&self) -> Option<Preferences> {
        let zone = self.selected()?;
        let form = match zone {
            Some(_) => TimeForm::Zone,
            None if self.before.form == TimeForm::Zone => TimeForm::Local,
            None => self.before.form,
        };
        Some(Preferences { zone, form, ..self.before.clone() })
    }

    fn show(&self, out: &mut Out) {
        out.prefer = self.preferred();
    }

    /// Keeps the zone and the form it is shown in, each as far as nobody else says otherwise.
    fn keep(&self, out: &mut Out) {
        let Some(wanted) = self.preferred() else { return };
        let zone = wanted.zone.and_then(Zone::name).unwrap_or(LOCAL);
        let mut kept = Vec::new();
        for (name, title, value, is_changed) in [
            ("zone", "Zone", zone, wanted.zone != self.before.zone),
            ("time", "Times", wanted.form.name(), wanted.form != self.before.form),
        ] {
            match self.given.source(name) {
                Some(source) if is_changed => {
                    out.toast(Toast::say(format!("{title}: until you quit; {source} says otherwise")));
                }
                Some(_) => {}
                None => kept.push((name, value.to_owned())),
            }
        }
        if !kept.is_empty() {
            out.effects.push(Effect::KeepChoices(kept));
        }
        out.prefer = Some(wanted);
        self.close(out);
    }

    fn close(&self, out: &mut Out) {
        out.close = true;
        out.act = self.back_to_settings.then_some(Action::Settings);
    }

    fn row(&self, at: usize, width: usize, scene: &Scene) -> Option<Text<'static>> {
        let theme = scene.theme;
        let row = *self.shown.get(at)?;
        let chosen = self.list.selected() == Some(at);
        let zone = self.zone(row).unwrap_or(scene.zones.machine);
        let base = theme.style(if chosen { Role::Selection } else { Role::Text });
        let aside = if chosen { theme.selected(Role::Muted) } else { theme.style(Role::Muted) };
        let mark = if chosen { theme.glyph(Role::Selection) } else { " " };
        let clock = scene.now.at(zone).format("%H:%M  %:z").to_string();
        let name = match row {
            Some(at) => self.names[at].clone(),
            None => format!("this machine's, {}", zone.title(scene.now)),
        };
        let room = width.saturating_sub(text::width(&clock) + 4);
        let name = text::pad(&text::cut(&name, room), room + 1);
        Some(
            Text::from(vec![Span::raw(format!("{mark} {name}")), Span::styled(clock, aside), Span::raw(" ")])
                .style(base),
        )
    }
}

impl Above for ZonePicker {
    fn place(&self) -> Place {
        Place::Picker
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => {
                out.prefer = Some(self.before.clone());
                self.close(out);
            }
            Action::Open => self.keep(out),
            Action::ClearText => {
                self.typed.clear();
                self.narrow(out);
            }
            action => match step_of(action) {
                Some(step) => {
                    self.list.step(step);
                    self.show(out);
                }
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, out: &mut Out) {
        if self.typed.key(key) == Typed::Changed {
            self.narrow(out);
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, out: &mut Out) {
        self.typed.insert(text);
        self.narrow(out);
    }

    fn arrange(&mut self, area: Rect) {
        self.list.set_height(area.height.saturating_sub(FRAME).clamp(1, ROWS_MAX) as usize);
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        let width = WIDTH.min(area.width);
        let height = (self.list.height() as u16 + FRAME).min(area.height);
        let at = Rect {
            x: area.right() - width - area.width.saturating_sub(width).min(2),
            y: area.bottom() - height - area.height.saturating_sub(height).min(1),
            width,
            height,
        };
        let inner = window(frame, at, "Zone", scene);
        foot(frame, at, Place::Picker, &[(Action::Open, "keep"), (Action::Back, "as before")], scene);
        let [top, body] = head(inner, 2);
        input(frame, top, &self.typed, "", "type a part of a name: berlin, new york, utc", true, scene);
        let lines: Vec<Text> = if self.shown.is_empty() {
            vec![Text::styled("no zone is called that", scene.theme.style(Role::Placeholder))]
        } else {
            self.list.visible().filter_map(|row| self.row(row, inner.width as usize, scene)).collect()
        };
        frame.render_widget(Paragraph::new(lines), body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::{ColourDepth, Config, Motion},
        console::{
            keymap::Shipped,
            theme::{Choice, Depth},
        },
    };

    #[track_caller]
    fn check(given: &[&'static str], kept: &[(&'static str, &str)], told: &[&str]) {
        let before = Preferences {
            theme: Choice::Auto,
            ascii: false,
            depth: ColourDepth::Auto,
            motion: Motion::Full,
            keymap: Shipped::Default,
            mouse: true,
            form: TimeForm::Local,
            zone: None,
        };
        let mut by = Given::new(&Config::default(), Depth::True);
        given.iter().for_each(|name| by.by_environment(name, "X"));
        let mut picker = ZonePicker::new(before, &by, false);
        picker.typed.insert("tokyo");
        picker.find();
        let mut out = Out::default();
        picker.keep(&mut out);
        let kept: Vec<_> = kept.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let effects = if kept.is_empty() { Vec::new() } else { vec![Effect::KeepChoices(kept)] };
        assert_eq!(out.effects, effects);
        let said: Vec<_> = out.toasts.iter().map(|toast| toast.text.as_str()).collect();
        assert_eq!(said, told);
        assert_eq!(out.prefer.map(|wanted| wanted.form), Some(TimeForm::Zone), "it is worn all the same");
    }

    #[test]
    fn zone_and_form_are_each_kept_unless_somebody_else_gives_them() {
        let zone_said = "Zone: until you quit; X says otherwise";
        let times_said = "Times: until you quit; X says otherwise";
        check(&[], &[("zone", "Asia/Tokyo"), ("time", "zone")], &[]);
        check(&["zone"], &[("time", "zone")], &[zone_said]);
        check(&["time"], &[("zone", "Asia/Tokyo")], &[times_said]);
        check(&["zone", "time"], &[], &[zone_said, times_said]);
    }
}
