//! Keys that come faster than anyone presses them were pasted, in a terminal that does not mark its pastes, or typed
//! ahead through a slow line. Neither may run as commands, key by key: what is made of them is for `App` to say.
//!
//! A burst is many printable keys at once, of several kinds: a held key repeats itself when a terminal is slow, and so do
//! the few keys one moves with. What follows within a moment belongs to it, however little it is, until some other key
//! comes.

use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEventKind, KeyModifiers};

use super::Arrival;

/// Printable keys in one read that nobody has typed, and how many different ones are among them at least.
const KEYS_MIN: usize = 9;
const KINDS_MIN: usize = 4;
/// A paste comes in several reads, its end perhaps alone.
const REST: Duration = Duration::from_millis(30);

#[derive(Debug, Default)]
pub struct Bursts {
    /// What comes until then still belongs to the last one.
    until: Option<Instant>,
}

impl Bursts {
    /// What was read at once, the bursts in it told apart.
    pub fn gather(&mut self, events: Vec<Event>, now: Instant) -> Vec<Arrival> {
        let mut gathered = Vec::with_capacity(events.len());
        let mut run: Vec<(char, Event)> = Vec::new();
        for event in events {
            match printed(&event) {
                Some(c) => run.push((c, event)),
                None => {
                    self.end(&mut run, &mut gathered, now);
                    self.until = None;
                    gathered.push(Arrival::Event(event));
                }
            }
        }
        self.end(&mut run, &mut gathered, now);
        gathered
    }

    fn end(&mut self, run: &mut Vec<(char, Event)>, gathered: &mut Vec<Arrival>, now: Instant) {
        let run = std::mem::take(run);
        let goes_on = self.until.is_some_and(|until| now < until);
        if !run.is_empty() && (goes_on || is_burst(&run)) {
            self.until = Some(now + REST);
            gathered.push(Arrival::Burst(run.into_iter().map(|(c, _)| c).collect()));
        } else {
            gathered.extend(run.into_iter().map(|(_, event)| Arrival::Event(event)));
        }
    }
}

fn is_burst(run: &[(char, Event)]) -> bool {
    let mut kinds: Vec<char> = run.iter().map(|(c, _)| *c).collect();
    kinds.sort_unstable();
    kinds.dedup();
    run.len() >= KEYS_MIN && kinds.len() >= KINDS_MIN
}

pub fn is_printed(event: &Event) -> bool {
    printed(event).is_some()
}

/// What a key would print.
fn printed(event: &Event) -> Option<char> {
    let Event::Key(key) = event else { return None };
    if key.kind == KeyEventKind::Release || !(key.modifiers - KeyModifiers::SHIFT).is_empty() {
        return None;
    }
    match key.code {
        KeyCode::Char(c) => Some(c),
        KeyCode::Enter => Some('\n'),
        KeyCode::Tab => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;

    fn keys(text: &str) -> Vec<Arrival> {
        events(text).into_iter().map(Arrival::Event).collect()
    }

    fn events(text: &str) -> Vec<Event> {
        let code = |c| match c {
            '\n' => KeyCode::Enter,
            '↓' => KeyCode::Down,
            c => KeyCode::Char(c),
        };
        text.chars().map(|c| Event::Key(KeyEvent::new(code(c), KeyModifiers::NONE))).collect()
    }

    #[track_caller]
    fn check(typed: &str, expected: &[Arrival]) {
        assert_eq!(Bursts::default().gather(events(typed), Instant::now()), expected, "{typed:?}");
    }

    #[test]
    fn many_different_keys_at_once_are_a_paste() {
        let paste = |text: &str| Arrival::Burst(text.into());
        check("rm -rf x\ny", &[paste("rm -rf x\ny")]);
        check("quit now", &keys("quit now"));
        check("jjjjjjjjjjjjjjjjjjjj", &keys("jjjjjjjjjjjjjjjjjjjj"));
        check("jjjjkkkkjjjjkkkk\njj", &keys("jjjjkkkkjjjjkkkk\njj"));
        check("↓deploy lock", &[keys("↓"), vec![paste("deploy lock")]].concat());
    }

    #[test]
    fn the_end_of_a_paste_that_comes_a_little_later_belongs_to_it() {
        let (mut bursts, now) = (Bursts::default(), Instant::now());
        assert_eq!(bursts.gather(events("deploy lo"), now), [Arrival::Burst("deploy lo".into())]);
        let soon = now + REST / 2;
        assert_eq!(bursts.gather(events("q"), soon), [Arrival::Burst("q".into())]);
        assert_eq!(bursts.gather(events("q"), soon + REST), keys("q"));
        assert_eq!(bursts.gather(events("deploy lo↓"), now).len(), 2);
        assert_eq!(bursts.gather(events("q"), now), keys("q"), "an arrow ends it");
    }
}
