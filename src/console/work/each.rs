//! Questions to several hubs at once. One that does not answer takes nothing from what the others say.

use std::{sync::Arc, time::Duration};

use futures::future::{BoxFuture, join_all};
use tokio::time::{Instant, timeout};

use super::Work;
use crate::{
    console::{
        effect::AskEach,
        model::{At, Sounding, Stretch},
        msg::Answer,
    },
    door::{Caller, Door},
    home::local_caller,
    model::{Code, Fault},
};

/// Of several hubs one is waited for as long as this.
const PATIENCE: Duration = Duration::from_secs(10);

/// A question, and the door it goes to, if that is there.
struct Asked<Q> {
    at: At,
    door: Result<Arc<dyn Door>, Fault>,
    query: Q,
}

impl Work {
    pub(super) fn ask_each(&self, ask: AskEach) {
        let caller = local_caller(&self.clock);
        match ask {
            AskEach::Events { generation, page, queries } => {
                let asked = self.with_doors(queries);
                self.spawn(async move {
                    let pages = each(asked, &caller, |door, caller, query| {
                        Box::pin(async move {
                            let order = query.order;
                            Ok(Stretch::of(door.events(&caller, query).await?, order))
                        })
                    });
                    Answer::Events { generation, page, pages: pages.await }
                });
            }
            AskEach::EventStats { generation, queries } => {
                let asked = self.with_doors(queries);
                self.spawn(async move {
                    let stats = each(asked, &caller, |door, caller, query| {
                        Box::pin(async move { door.event_stats(&caller, query).await })
                    });
                    Answer::EventStats { generation, stats: stats.await }
                });
            }
            AskEach::Of { at, ask } => self.ask(at, *ask, Some(PATIENCE)),
            AskEach::Sound { at } => {
                let door = self.door(at);
                self.spawn(async move {
                    let result = match door {
                        Ok(door) => sound(&*door).await,
                        Err(fault) => Err(fault),
                    };
                    Answer::Sounded { at, result }
                });
            }
        }
    }

    fn with_doors<Q>(&self, queries: Vec<(At, Q)>) -> Vec<Asked<Q>> {
        queries.into_iter().map(|(at, query)| Asked { at, door: self.door(at), query }).collect()
    }
}

async fn each<Q, T>(
    asked: Vec<Asked<Q>>,
    caller: &Caller,
    ask: impl Fn(Arc<dyn Door>, Caller, Q) -> BoxFuture<'static, Result<T, Fault>>,
) -> Vec<(At, Result<T, Fault>)> {
    let many = asked.len() > 1;
    let answers = asked.into_iter().map(|Asked { at, door, query }| {
        let answer = door.map(|door| ask(door, caller.clone(), query));
        async move {
            let answer = match answer {
                Ok(answer) if many => timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late())),
                Ok(answer) => answer.await,
                Err(fault) => Err(fault),
            };
            (at, answer)
        }
    });
    join_all(answers).await
}

pub(super) fn late() -> Fault {
    Fault::new(Code::Timeout, "it did not answer in time")
}

/// How a hub does, and how long it takes to say. A key that may not see its health is no fault.
async fn sound(door: &dyn Door) -> Result<Sounding, Fault> {
    let began = Instant::now();
    let status = Box::new(door.status().await?);
    let round_trip = began.elapsed();
    let health = door.health().await.ok().map(|health| health.status);
    Ok(Sounding { round_trip, status, health })
}
