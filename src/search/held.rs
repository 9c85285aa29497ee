//! What the index holds, for whoever holds it against the records.

use super::{
    Lexical, Refusal,
    document::{Field, facet},
    shard::Seat,
};
use crate::model::{Fault, Id, Time};

impl Lexical {
    /// Every record that is live in the index, and of when its revision there is.
    pub fn live(&self) -> Result<Vec<(Id, Time)>, Fault> {
        self.reading(|seats| Ok(seats.iter().flat_map(live_in).collect()))
    }

    /// Of these records, of when the revision is that its terms lead to; none where they lead to nothing.
    pub fn find(&self, ids: &[Id]) -> Result<Vec<Option<Time>>, Fault> {
        self.reading(|seats| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let mut updated_at = None;
                for Seat { shard, dead } in seats {
                    let table = shard.table();
                    shard.postings(Field::Facet, &facet::id(*id), &mut |chunks, _| {
                        let memories = chunks.iter().map(|chunk| table.memory_of[*chunk as usize]);
                        let live = memories.filter(|memory| !dead.has(*memory));
                        updated_at =
                            live.map(|memory| table.updated_at[memory as usize]).last().or(updated_at);
                    })?;
                }
                found.push(updated_at);
            }
            Ok::<_, Refusal>(found)
        })
    }
}

fn live_in<'a>(Seat { shard, dead }: &'a Seat<'_>) -> impl Iterator<Item = (Id, Time)> + 'a {
    let table = shard.table();
    let records = table.ids.iter().copied().zip(table.updated_at.iter().copied());
    (0_u32..).zip(records).filter(|(memory, _)| !dead.has(*memory)).map(|(_, record)| record)
}
