//! What every verb has at hand: its door, who asks, and where the answer goes.

use std::{io::Read, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Stop, out::Out, setup::Setup};
use crate::{
    api::Reach,
    door::{Caller, Door, Status, ViewState},
    home::{Home, Stay, local_caller},
    model::{CONTENT_BYTES_MAX, Fault, Id, Time, TimeWords},
    tasks::Clock,
};

/// A hub that has just started gets this long to open its views before it is asked for what needs them.
const VIEWS_PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// One verb on its way.
pub struct Ask {
    pub setup: Setup,
    pub home: Home,
    pub caller: Caller,
    pub out: Out,
    /// Cancelled by Ctrl-C.
    pub token: CancellationToken,
    /// What the last search found, where its results are numbered.
    pub hits: Option<Vec<Id>>,
    pub clock: Clock,
}

impl Ask {
    pub fn new(setup: Setup, mut out: Out, token: CancellationToken, stay: Stay, reach: Reach) -> Ask {
        let clock = setup.clock();
        out.manner = out.manner.coloured(setup.config.colour);
        let home = Home::new(setup.home(clock.clone(), stay, reach));
        Ask { caller: local_caller(&clock), setup, home, out, token, hits: None, clock }
    }

    /// Another verb by the same face: a request of its own.
    pub fn begin_anew(&mut self, token: CancellationToken) {
        self.caller = local_caller(&self.clock);
        self.token = token;
    }

    /// Asked for each time, so that a hub that went away meanwhile is found or opened again.
    pub async fn door(&self) -> Result<Arc<dyn Door>, Fault> {
        Ok(self.home.door().await?.door)
    }

    /// As [`Ask::door`], its views opened where this process is the one that opens them.
    pub async fn settled_door(&self) -> Result<Arc<dyn Door>, Fault> {
        let opened = self.home.door().await?;
        if opened.owned {
            settled(&opened.door).await?;
        }
        Ok(opened.door)
    }

    /// Reads moments as typed, seen from now.
    pub fn words(&self) -> TimeWords {
        TimeWords { now: self.clock.now(), zone: self.clock.zone() }
    }

    /// A moment as the settings want it.
    pub fn moment(&self, time: Time) -> String {
        super::text::moment(time, self.setup.config.time, self.clock.now(), self.clock.zones())
    }

    /// A moment to come as the settings want it.
    pub fn coming(&self, time: Time) -> String {
        super::text::coming(time, self.setup.config.time, self.clock.now(), self.clock.zones())
    }

    /// A moment by the day and the clock, however the settings want others.
    pub fn clock_time(&self, time: Time) -> String {
        time.at(self.setup.config.time.zone(self.clock.zones())).format("%a %Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// Prints a history: revision, moment, what happened, who did it, what changed.
    pub fn revisions(&mut self, rows: &[Vec<String>]) -> Result<(), Stop> {
        let paint = self.out.paint();
        for line in super::text::table(rows, |column, cell| match column {
            0 => paint.cyan(cell),
            1 | 3 => paint.dim(cell),
            _ => cell.to_owned(),
        }) {
            self.out.line(&line)?;
        }
        self.out.flush()
    }

    /// A success that must not be asked for again, and is not to be seen yet.
    pub fn warn_unless_applied(&self, applied: bool) {
        if !applied {
            self.out.warn(
                "it is on disk, but the record view does not show it yet",
                Some("do not repeat it; `wheelhouse status` shows when the view is ready again"),
            );
        }
    }

    /// How a result of a search is called: by its number where results have one.
    pub fn name_of_hit(&mut self, id: Id) -> String {
        let Some(hits) = &mut self.hits else { return self.short(id) };
        hits.push(id);
        format!("{}.", hits.len())
    }

    /// Numbers of results, where a verb takes ids, become the ids.
    pub fn name_hits(&self, words: &mut [String]) {
        let (Some(hits), Some((verb, rest))) = (&self.hits, words.split_first_mut()) else { return };
        let many = matches!(verb.as_str(), "get" | "rm" | "restore");
        let one = matches!(verb.as_str(), "edit" | "history" | "supersede");
        let given = rest.iter_mut().filter(|word| !word.starts_with('-'));
        for word in given.take(if many { usize::MAX } else { usize::from(one) }) {
            let hit = word.parse::<usize>().ok().and_then(|n| hits.get(n.checked_sub(1)?));
            if let Some(id) = hit {
                *word = id.to_string();
            }
        }
    }

    pub fn short(&self, id: Id) -> String {
        self.out.paint().cyan(&super::id::short(id))
    }
}

/// The status once no view is opening or catching up any more, or patience ends.
pub async fn settled(door: &Arc<dyn Door>) -> Result<Status, Fault> {
    let deadline = tokio::time::Instant::now() + VIEWS_PATIENCE;
    loop {
        let status = door.status().await?;
        let behind = |state: &ViewState| matches!(state, ViewState::Opening | ViewState::CatchingUp { .. });
        let waits = status.views.iter().any(|view| behind(&view.state));
        if !waits || tokio::time::Instant::now() >= deadline {
            return Ok(status);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// A text that was typed, or standard input for `-`.
pub fn text_or_stdin(typed: &str) -> Result<String, Fault> {
    if typed != "-" {
        return Ok(typed.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(CONTENT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::invalid("cannot read standard input").cause(error))?;
    if bytes.len() > CONTENT_BYTES_MAX {
        return Err(Fault::invalid(format!("standard input has more than {CONTENT_BYTES_MAX} bytes"))
            .hint("`wheelhouse import FILE` splits a long file into parts"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| Fault::invalid("standard input is not text in UTF-8").cause(error.utf8_error()))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// A moment that a flag gave.
pub fn time(typed: Option<&str>, flag: &str, words: TimeWords) -> Result<Option<Time>, Fault> {
    let parse = |text: &str| {
        words.parse(text).map_err(|error| Fault::invalid(format!("{flag} cannot be {text:?}")).cause(error))
    };
    typed.map(parse).transpose()
}
