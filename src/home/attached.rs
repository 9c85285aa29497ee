//! A door to another process's hub that outlives that process.
//!
//! When the hub is gone, the face runs the same start again and asks once more. Only what cannot happen twice by
//! that is asked again: what never reached the hub, reads, and writes that the hub knows again (an import by its
//! urls, a new memory by its idempotency key). An edit whose answer was lost is for the person to look at.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use futures::stream::BoxStream;

use super::{Home, Wants};
use crate::{
    door::{
        Caller, Door, EventPage, EventQuery, EventStats, ExportLine, Forgetting, Forgotten, FsckReport,
        ListRequest, MemoryPage, MemoryPatch, NewMemory, Publish, Published, Revision, Saved, SearchAnswer,
        SearchRequest, Status, StreamItem, StreamRequest, SuggestAnswer, SuggestRequest, Upsert, UpsertDone,
        ViewName,
    },
    model::{Fault, Id, Memory},
    remote::{Gone, gone},
};

/// Owners that go away one after the other before a request gives up.
const TRIES: usize = 4;

pub struct Attached {
    door: RwLock<Arc<dyn Door>>,
    home: Home,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Asked twice it is the same.
    Always,
    /// Only when the hub cannot have heard it.
    IfNotAsked,
}

impl Attached {
    pub fn new(door: Arc<dyn Door>, home: Home) -> Attached {
        Attached { door: RwLock::new(door), home }
    }

    fn now(&self) -> Arc<dyn Door> {
        self.door.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds the hub again after this fault, or gives it back.
    async fn find(&self, again: Again, fault: Fault, tries: &mut usize) -> Result<(), Fault> {
        *tries += 1;
        let may = match gone(&fault) {
            Some(Gone::NotAsked) => true,
            Some(Gone::Unknown) => again == Again::Always,
            None => false,
        };
        if !may || *tries >= TRIES {
            return Err(fault);
        }
        let opened = self.home.start(Wants::Any).await?;
        *self.door.write().unwrap_or_else(PoisonError::into_inner) = opened.door;
        Ok(())
    }

    /// With a key by which a hub knows it again.
    fn keyed(&self, mut new: NewMemory) -> NewMemory {
        new.idempotency_key.get_or_insert_with(|| self.key());
        new
    }

    fn key(&self) -> String {
        self.home.clock().id().to_string()
    }
}

/// Asks the door, and asks again as long as a hub is to be found for it. A macro, because a closure that borrows its
/// request cannot be sent between threads yet.
macro_rules! ask {
    ($self:ident, $again:ident, $door:ident.$($call:tt)+) => {{
        let mut tries = 0;
        loop {
            let $door = $self.now();
            match $door.$($call)+.await {
                Err(fault) => $self.find(Again::$again, fault, &mut tries).await?,
                answer => break answer,
            }
        }
    }};
}

mod decisions;
mod health;
mod jobs;
mod keys;

type Items<T> = Result<BoxStream<'static, Result<T, Fault>>, Fault>;

#[async_trait]
impl Door for Attached {
    async fn add(&self, caller: &Caller, new: NewMemory) -> Result<Saved, Fault> {
        let new = self.keyed(new);
        ask!(self, Always, door.add(caller, new.clone()))
    }

    async fn edit(
        &self,
        caller: &Caller,
        id: Id,
        patch: MemoryPatch,
        revision: Option<u32>,
    ) -> Result<Saved, Fault> {
        ask!(self, IfNotAsked, door.edit(caller, id, patch.clone(), revision))
    }

    async fn supersede(&self, caller: &Caller, id: Id, new: NewMemory) -> Result<Saved, Fault> {
        ask!(self, IfNotAsked, door.supersede(caller, id, new.clone()))
    }

    async fn forget(&self, caller: &Caller, id: Id, how: Forgetting) -> Result<Forgotten, Fault> {
        ask!(self, IfNotAsked, door.forget(caller, id, how))
    }

    async fn restore(&self, caller: &Caller, id: Id) -> Result<Saved, Fault> {
        ask!(self, IfNotAsked, door.restore(caller, id))
    }

    async fn upsert(&self, caller: &Caller, batch: Upsert) -> Result<UpsertDone, Fault> {
        ask!(self, Always, door.upsert(caller, batch.clone()))
    }

    async fn get(&self, caller: &Caller, ids: &[Id]) -> Result<Vec<Memory>, Fault> {
        ask!(self, Always, door.get(caller, ids))
    }

    async fn history(&self, caller: &Caller, id: Id) -> Result<Vec<Revision>, Fault> {
        ask!(self, Always, door.history(caller, id))
    }

    async fn list(&self, caller: &Caller, list: ListRequest) -> Result<MemoryPage, Fault> {
        ask!(self, Always, door.list(caller, list.clone()))
    }

    async fn search(&self, caller: &Caller, request: SearchRequest) -> Result<SearchAnswer, Fault> {
        ask!(self, Always, door.search(caller, request.clone()))
    }

    async fn suggest(&self, caller: &Caller, request: SuggestRequest) -> Result<SuggestAnswer, Fault> {
        ask!(self, Always, door.suggest(caller, request.clone()))
    }

    async fn opened(&self, caller: &Caller, id: Id, query: &str) -> Result<(), Fault> {
        ask!(self, IfNotAsked, door.opened(caller, id, query))
    }

    async fn publish(&self, caller: &Caller, mut publish: Publish) -> Result<Published, Fault> {
        publish.idempotency_key.get_or_insert_with(|| self.key());
        ask!(self, Always, door.publish(caller, publish.clone()))
    }

    async fn events(&self, caller: &Caller, query: EventQuery) -> Result<EventPage, Fault> {
        ask!(self, Always, door.events(caller, query.clone()))
    }

    async fn event_stats(&self, caller: &Caller, query: EventQuery) -> Result<EventStats, Fault> {
        ask!(self, Always, door.event_stats(caller, query.clone()))
    }

    /// One that has begun ends with a fault: only who reads it knows from where to go on.
    async fn stream(&self, caller: &Caller, request: StreamRequest) -> Items<StreamItem> {
        ask!(self, Always, door.stream(caller, request.clone()))
    }

    async fn status(&self) -> Result<Status, Fault> {
        ask!(self, Always, door.status())
    }

    async fn reindex(&self, caller: &Caller, view: ViewName) -> Result<(), Fault> {
        ask!(self, Always, door.reindex(caller, view))
    }

    async fn fsck(&self, caller: &Caller) -> Result<FsckReport, Fault> {
        ask!(self, Always, door.fsck(caller))
    }

    async fn export(&self, caller: &Caller) -> Items<ExportLine> {
        ask!(self, Always, door.export(caller))
    }
}
