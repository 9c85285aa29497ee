//! The shard in memory: a plain inverted index of what is newer than the last commit of the index on disk.
//!
//! Small (the writer bounds it), so a prefix is looked for by going over all its terms.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::{
    analysis,
    document::{Document, Field, Shown, is_word, stem_term},
    shard::{Bits, IndexError, Positions, Shard, Table},
};
use crate::model::Id;

#[derive(Default)]
pub(super) struct MemoryShard {
    table: Table,
    stems: FxHashMap<Box<str>, List>,
    words: FxHashMap<Box<str>, List>,
    facets: FxHashMap<Box<str>, List>,
    documents: Vec<Document>,
    /// Every memory that was put or taken away here: where it is live, none where it is gone. Shadows older shards.
    touched: FxHashMap<Id, Option<u32>>,
    bytes: usize,
    /// Only on its way to disk: no search looks into it, and its texts are in no list.
    passing: bool,
}

/// The chunks that hold a term.
#[derive(Default)]
struct List {
    chunks: Vec<u32>,
    counts: Vec<u32>,
    /// Of the word field: all positions of the first chunk, then of the next.
    positions: Vec<u32>,
}

impl List {
    fn count(&mut self, chunk: u32, by: u32) {
        if self.chunks.last() == Some(&chunk) {
            if let Some(last) = self.counts.last_mut() {
                *last += by;
            }
        } else {
            self.chunks.push(chunk);
            self.counts.push(by);
        }
    }
}

fn list<'a>(lists: &'a mut FxHashMap<Box<str>, List>, term: &str) -> &'a mut List {
    // Looked up twice, but most terms are there already and need no key of their own.
    if !lists.contains_key(term) {
        lists.insert(term.into(), List::default());
    }
    lists.get_mut(term).expect("inserted above")
}

/// How long a chunk counts as.
fn length(shown: &Shown) -> u32 {
    let mut length = 0u32;
    shown.each_text(|_, text, weight| {
        length = length.saturating_add(weight * analysis::analyse(text, |_| {}))
    });
    length
}

impl MemoryShard {
    /// One that only gathers what is to be written.
    pub(super) fn passing() -> MemoryShard {
        MemoryShard { passing: true, ..MemoryShard::default() }
    }

    pub(super) fn is_passing(&self) -> bool {
        self.passing
    }

    /// Takes in a memory; an older revision of it here is dead from now on.
    pub(super) fn put(&mut self, document: Document, dead: &mut Bits) {
        let memory = self.table.memories() as u32;
        self.table.begin(document.id, document.updated_at);
        for (ordinal, (shown, key)) in document.chunks.iter().zip(&document.keys).enumerate() {
            let chunk = self.table.chunks() as u32;
            let length = if self.passing {
                length(shown)
            } else {
                document.facets_of(ordinal).for_each(|facet| list(&mut self.facets, facet).count(chunk, 1));
                self.index(shown, chunk)
            };
            self.table.push_chunk(length, *key);
        }
        self.bytes += document.bytes();
        self.touch(document.id, Some(memory), dead);
        self.documents.push(document);
    }

    /// Takes a memory away, here and in every older shard.
    pub(super) fn take(&mut self, id: Id, dead: &mut Bits) {
        self.touch(id, None, dead);
    }

    fn touch(&mut self, id: Id, place: Option<u32>, dead: &mut Bits) {
        match self.touched.entry(id) {
            Entry::Occupied(mut old) => {
                if let Some(old) = old.insert(place) {
                    dead.set(old);
                }
            }
            Entry::Vacant(new) => drop(new.insert(place)),
        }
    }

    /// Indexes a chunk; answers how long it counts as.
    fn index(&mut self, shown: &Shown, chunk: u32) -> u32 {
        let mut base = 0;
        let mut length = 0u32;
        let (stems, words) = (&mut self.stems, &mut self.words);
        shown.each_text(|_, text, weight| {
            let positions = analysis::analyse(text, |token| {
                stem_term(token.kind, token.text, |stem| list(stems, stem).count(chunk, weight));
                if is_word(token.kind) {
                    let list = list(words, token.text);
                    list.count(chunk, 1);
                    list.positions.push(base + token.position);
                }
            });
            length = length.saturating_add(weight * positions);
            // A gap, so that no phrase runs from one text into the next.
            base += positions + 1;
        });
        length
    }

    /// Whether nothing was put or taken.
    pub(super) fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// What it holds of texts.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn touched(&self) -> &FxHashMap<Id, Option<u32>> {
        &self.touched
    }

    pub(super) fn document(&self, memory: u32) -> Option<&Document> {
        self.documents.get(memory as usize)
    }

    fn lists(&self, field: Field) -> &FxHashMap<Box<str>, List> {
        match field {
            Field::Stem => &self.stems,
            Field::Word => &self.words,
            Field::Facet => &self.facets,
        }
    }
}

impl Shard for MemoryShard {
    fn table(&self) -> &Table {
        &self.table
    }

    fn postings(
        &self,
        field: Field,
        term: &str,
        each: &mut dyn FnMut(&[u32], &[u32]),
    ) -> Result<(), IndexError> {
        if let Some(list) = self.lists(field).get(term) {
            each(&list.chunks, &list.counts);
        }
        Ok(())
    }

    fn positions(&self, term: &str) -> Result<Option<Box<dyn Positions + '_>>, IndexError> {
        Ok(self.words.get(term).map(|list| Box::new(Walk { list, at: 0, start: 0 }) as Box<dyn Positions>))
    }

    fn terms(
        &self,
        field: Field,
        prefix: &str,
        each: &mut dyn FnMut(&str, u32) -> bool,
    ) -> Result<(), IndexError> {
        for (term, list) in self.lists(field) {
            if term.starts_with(prefix) && !each(term, list.chunks.len() as u32) {
                break;
            }
        }
        Ok(())
    }

    fn shown(&self, chunk: u32) -> Result<Shown, IndexError> {
        let memory = *self.table.memory_of.get(chunk as usize).ok_or(IndexError::Torn("a chunk"))?;
        let first = self.table.first_chunk[memory as usize];
        Ok(self.documents[memory as usize].chunks[(chunk - first) as usize].clone())
    }
}

struct Walk<'a> {
    list: &'a List,
    at: usize,
    /// Where the positions of the chunk at `at` start.
    start: usize,
}

impl Positions for Walk<'_> {
    fn chunk(&self) -> Option<u32> {
        self.list.chunks.get(self.at).copied()
    }

    fn seek(&mut self, chunk: u32) {
        while self.chunk().is_some_and(|here| here < chunk) {
            self.start += self.list.counts[self.at] as usize;
            self.at += 1;
        }
    }

    fn read(&mut self, out: &mut Vec<u32>) {
        out.clear();
        if let Some(count) = self.list.counts.get(self.at) {
            out.extend_from_slice(&self.list.positions[self.start..self.start + *count as usize]);
        }
    }
}
