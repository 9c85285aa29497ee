//! The index on disk: tantivy's segments, read as shards, written by one writer with a small heap.
//!
//! tantivy gives the term dictionaries, postings, positions, merges and crash-safe commits; what ranks and filters is
//! ours. The log's id and the position applied travel in the payload of each commit.

mod rewrite;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tantivy::{
    DocSet, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, SegmentReader, TantivyDocument,
    Term,
    directory::MmapDirectory,
    index::{InvertedIndexReader, SegmentId},
    indexer::UserOperation,
    postings::{Postings, SegmentPostings},
    schema::{
        FAST, Field as TantivyField, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value,
    },
    store::StoreReader,
    tokenizer::{Token as TantivyToken, TokenStream, Tokenizer},
};

pub(super) use self::rewrite::Rewritten;
use super::{
    analysis,
    document::{Document, Field, Shown, facet, is_word, stem_term},
    memory::MemoryShard,
    shard::{Bits, IndexError, Positions, Shard, Table},
};
use crate::model::{Id, LogId, Sequence, Time};

/// Raised when what is written changes; an index of another format is built anew.
const FORMAT: u32 = 5;
/// tantivy's least for a thread; a segment is written when it is full.
const WRITER_BYTES: usize = 15 << 20;
/// For an index that is built: nobody searches it yet, and both cores are for it.
const BUILDING_THREADS: usize = 2;
const BUILDING_BYTES: usize = 64 << 20;
/// Blocks of stored chunks kept unpacked, by segment.
const STORE_BLOCKS_CACHED: usize = 16;
const STEM_TOKENIZER: &str = "wheelhouse_stem";
const WORD_TOKENIZER: &str = "wheelhouse_word";

/// The fields of the schema.
#[derive(Clone, Copy)]
struct Fields {
    stem: TantivyField,
    word: TantivyField,
    facet: TantivyField,
    shown: TantivyField,
    id_high: TantivyField,
    id_low: TantivyField,
    updated_at: TantivyField,
    length: TantivyField,
    key_high: TantivyField,
    key_low: TantivyField,
    /// Which chunk of its memory it is, from 0.
    ordinal: TantivyField,
}

fn schema() -> (Schema, Fields) {
    let text = |tokenizer: &str, option| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(tokenizer)
            .set_fieldnorms(false)
            .set_index_option(option);
        TextOptions::default().set_indexing_options(indexing)
    };
    let mut schema = Schema::builder();
    let fields = Fields {
        stem: schema.add_text_field("stem", text(STEM_TOKENIZER, IndexRecordOption::WithFreqs)),
        word: schema.add_text_field("word", text(WORD_TOKENIZER, IndexRecordOption::WithFreqsAndPositions)),
        facet: schema.add_text_field("facet", text("raw", IndexRecordOption::Basic)),
        shown: schema.add_bytes_field("shown", STORED),
        id_high: schema.add_u64_field("id_high", FAST),
        id_low: schema.add_u64_field("id_low", FAST),
        updated_at: schema.add_i64_field("updated_at", FAST),
        length: schema.add_u64_field("length", FAST),
        key_high: schema.add_u64_field("key_high", FAST),
        key_low: schema.add_u64_field("key_low", FAST),
        ordinal: schema.add_u64_field("ordinal", FAST),
    };
    (schema.build(), fields)
}

/// An index on disk, open for reading and writing.
pub(super) struct Disk {
    dir: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
    /// And whether it is one for building.
    writer: Option<(IndexWriter, bool)>,
    log: LogId,
}

impl Disk {
    /// Opens what is there; an error says why it is of no use.
    pub(super) fn open(dir: &Path, log: LogId) -> Result<(Disk, Sequence), IndexError> {
        let index = Index::open(MmapDirectory::open(dir).map_err(tantivy::TantivyError::from)?)?;
        let (schema, _) = schema();
        if index.schema() != schema {
            return Err(IndexError::Torn("a schema"));
        }
        let payload = index.load_metas()?.payload.unwrap_or_default();
        let sequence = parse_payload(&payload, log).ok_or(IndexError::Torn("a position"))?;
        Ok((Disk::over(dir, index, log)?, sequence))
    }

    /// An empty index in place of whatever is there.
    pub(super) fn begin_anew(dir: &Path, log: LogId) -> Result<Disk, IndexError> {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => fs::create_dir_all(dir)?,
        }
        let (schema, _) = schema();
        let directory = MmapDirectory::open(dir).map_err(tantivy::TantivyError::from)?;
        let index = Index::create(directory, schema, IndexSettings::default())?;
        Disk::over(dir, index, log)
    }

    fn over(dir: &Path, index: Index, log: LogId) -> Result<Disk, IndexError> {
        index.tokenizers().register(STEM_TOKENIZER, Terms(Field::Stem));
        index.tokenizers().register(WORD_TOKENIZER, Terms(Field::Word));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Disk { dir: dir.to_owned(), index, reader, fields: schema().1, writer: None, log })
    }

    /// The shards of the last commit; a segment that `known` has already keeps its arrays.
    pub(super) fn shards(&self, known: &[Arc<DiskShard>]) -> Result<Vec<Arc<DiskShard>>, IndexError> {
        self.reader.reload()?;
        let searcher = self.reader.searcher();
        let shards = searcher.segment_readers().iter().map(|segment| {
            let same = known.iter().find(|shard| shard.segment == segment.segment_id());
            DiskShard::open(segment, self.fields, same.map(|shard| Arc::clone(&shard.table))).map(Arc::new)
        });
        shards.collect()
    }

    /// Writes and commits what a shard in memory holds, up to `sequence`.
    pub(super) fn write(
        &mut self,
        shard: &MemoryShard,
        dead: &Bits,
        sequence: Sequence,
    ) -> Result<(), IndexError> {
        let fields = self.fields;
        let payload = print_payload(self.log, sequence);
        let writer = self.writer(shard.is_passing())?;
        // In the order they came: neighbours in the index are neighbours among the vectors, and reading those is fast.
        let mut touched: Vec<_> = shard.touched().iter().collect();
        touched.sort_unstable_by_key(|(id, place)| (**place, **id));
        for (id, place) in touched {
            let delete = UserOperation::Delete(Term::from_field_text(fields.facet, &facet::id(*id)));
            let mut operations = vec![delete];
            let live = place.filter(|memory| !dead.has(*memory));
            if let Some((memory, document)) = live.and_then(|at| Some((at, shard.document(at)?))) {
                let first = shard.table().first_chunk[memory as usize] as usize;
                let lengths = &shard.table().length[first..first + document.chunks.len()];
                operations.extend(tantivy_documents(fields, document, lengths).map(UserOperation::Add));
            }
            // One batch: tantivy keeps it together in one segment, in order.
            writer.run(operations)?;
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        Ok(())
    }

    fn writer(&mut self, building: bool) -> Result<&mut IndexWriter, IndexError> {
        // All that the other kind was given is committed.
        let same = self.writer.take().filter(|(_, of_building)| *of_building == building);
        let writer = match same {
            Some((writer, _)) => writer,
            None => {
                let (threads, bytes) =
                    if building { (BUILDING_THREADS, BUILDING_BYTES) } else { (1, WRITER_BYTES) };
                let writer: IndexWriter = self.index.writer_with_num_threads(threads, bytes)?;
                // A writer's first operation has the number of the last commit. Were it a deletion, a merge up to that
                // commit would take it for done where the commit deleted too, and what it deletes would come back.
                writer.run(Vec::new())?;
                writer
            }
        };
        Ok(&mut self.writer.insert((writer, building)).0)
    }

    /// Ends the writer's threads.
    pub(super) fn drop_writer(&mut self) {
        drop(self.writer.take());
    }

    /// A handle that can check every file against its checksum, on another thread.
    pub(super) fn checker(&self) -> impl FnOnce() -> Result<usize, IndexError> + Send + use<> {
        let index = self.index.clone();
        move || loop {
            let segments = rewrite::versions(&index)?;
            match index.validate_checksum() {
                // A merge took a file away meanwhile.
                Err(_) if rewrite::versions(&index)? != segments => {}
                checked => return Ok(checked?.len()),
            }
        }
    }
}

fn print_payload(log: LogId, sequence: Sequence) -> String {
    format!("{FORMAT} {log} {sequence}")
}

fn parse_payload(payload: &str, log: LogId) -> Option<Sequence> {
    let (head, sequence) = payload.rsplit_once(' ')?;
    (head == format!("{FORMAT} {log}")).then(|| sequence.parse().ok().map(Sequence))?
}

fn tantivy_documents<'a>(
    fields: Fields,
    document: &'a Document,
    lengths: &'a [u32],
) -> impl Iterator<Item = TantivyDocument> + 'a {
    let chunks = document.chunks.iter().zip(&document.keys).zip(lengths);
    chunks.enumerate().map(move |(ordinal, ((shown, key), length))| {
        let mut out = TantivyDocument::new();
        shown.each_text(|_, text, weight| {
            out.add_text(fields.word, text);
            for _ in 0..weight {
                out.add_text(fields.stem, text);
            }
        });
        document.facets_of(ordinal).for_each(|facet| out.add_text(fields.facet, facet));
        out.add_bytes(fields.shown, &shown.encode());
        let (high, low) = halves(*document.id.as_bytes());
        out.add_u64(fields.id_high, high);
        out.add_u64(fields.id_low, low);
        let (high, low) = halves(*key);
        out.add_u64(fields.key_high, high);
        out.add_u64(fields.key_low, low);
        out.add_i64(fields.updated_at, document.updated_at.unix_ms());
        out.add_u64(fields.length, u64::from(*length));
        out.add_u64(fields.ordinal, ordinal as u64);
        out
    })
}

fn halves(bytes: [u8; 16]) -> (u64, u64) {
    let whole = u128::from_be_bytes(bytes);
    ((whole >> 64) as u64, whole as u64)
}

fn whole(high: u64, low: u64) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

/// A tantivy segment.
pub(super) struct DiskShard {
    segment: SegmentId,
    table: Arc<Table>,
    /// Memories that tantivy has deleted.
    gone: Bits,
    fields: Fields,
    stem: Arc<InvertedIndexReader>,
    word: Arc<InvertedIndexReader>,
    facet: Arc<InvertedIndexReader>,
    store: StoreReader,
}

impl DiskShard {
    fn open(
        segment: &SegmentReader,
        fields: Fields,
        table: Option<Arc<Table>>,
    ) -> Result<DiskShard, IndexError> {
        let table = match table {
            Some(table) => table,
            None => Arc::new(read_table(segment)?),
        };
        let mut gone = Bits::empty(table.memories());
        if segment.has_deletes() {
            for (memory, chunk) in table.first_chunk.iter().enumerate() {
                if segment.is_deleted(*chunk) {
                    gone.set(memory as u32);
                }
            }
        }
        Ok(DiskShard {
            segment: segment.segment_id(),
            table,
            gone,
            fields,
            stem: segment.inverted_index(fields.stem)?,
            word: segment.inverted_index(fields.word)?,
            facet: segment.inverted_index(fields.facet)?,
            store: segment.get_store_reader(STORE_BLOCKS_CACHED)?,
        })
    }

    pub(super) fn gone(&self) -> &Bits {
        &self.gone
    }

    /// Marks what the shard holds of a memory as dead.
    pub(super) fn shadow(&self, id: Id, dead: &mut Bits) -> Result<(), IndexError> {
        self.postings(Field::Facet, &facet::id(id), &mut |chunks, _| {
            for chunk in chunks {
                dead.set(self.table.memory_of[*chunk as usize]);
            }
        })
    }

    fn inverted(&self, field: Field) -> (&InvertedIndexReader, TantivyField, IndexRecordOption) {
        match field {
            Field::Stem => (&self.stem, self.fields.stem, IndexRecordOption::WithFreqs),
            Field::Word => (&self.word, self.fields.word, IndexRecordOption::WithFreqs),
            Field::Facet => (&self.facet, self.fields.facet, IndexRecordOption::Basic),
        }
    }
}

fn read_table(segment: &SegmentReader) -> Result<Table, IndexError> {
    let chunks = segment.max_doc();
    let fast = segment.fast_fields();
    let column = |name: &str| -> Result<Vec<u64>, IndexError> {
        let mut values = vec![0; chunks as usize];
        fast.column_first_or_default::<u64>(name)?.get_range(0, &mut values);
        Ok(values)
    };
    let mut updated_at = vec![0; chunks as usize];
    fast.column_first_or_default::<i64>("updated_at")?.get_range(0, &mut updated_at);
    let (high, low, length, ordinal) =
        (column("id_high")?, column("id_low")?, column("length")?, column("ordinal")?);
    let (key_high, key_low) = (column("key_high")?, column("key_low")?);
    let mut table = Table::default();
    for chunk in 0..chunks as usize {
        if ordinal[chunk] == 0 {
            table
                .begin(Id::from_bytes(whole(high[chunk], low[chunk])), Time::from_unix_ms(updated_at[chunk]));
        } else if chunk == 0 {
            return Err(IndexError::Torn("a chunk without its first"));
        }
        table.push_chunk(length[chunk] as u32, whole(key_high[chunk], key_low[chunk]));
    }
    Ok(table)
}

impl Shard for DiskShard {
    fn table(&self) -> &Table {
        &self.table
    }

    fn postings(
        &self,
        field: Field,
        term: &str,
        each: &mut dyn FnMut(&[u32], &[u32]),
    ) -> Result<(), IndexError> {
        let (inverted, field, option) = self.inverted(field);
        let Some(info) = inverted.get_term_info(&Term::from_field_text(field, term))? else { return Ok(()) };
        let mut blocks = inverted.read_block_postings_from_terminfo(&info, option)?;
        while blocks.block_len() > 0 {
            each(blocks.docs(), if option == IndexRecordOption::Basic { &[] } else { blocks.freqs() });
            blocks.advance();
        }
        Ok(())
    }

    fn positions(&self, term: &str) -> Result<Option<Box<dyn Positions + '_>>, IndexError> {
        let term = Term::from_field_text(self.fields.word, term);
        let walk = self.word.read_postings(&term, IndexRecordOption::WithFreqsAndPositions)?;
        Ok(walk.map(|walk| Box::new(walk) as Box<dyn Positions>))
    }

    fn terms(
        &self,
        field: Field,
        prefix: &str,
        each: &mut dyn FnMut(&str, u32) -> bool,
    ) -> Result<(), IndexError> {
        let mut stream = self.inverted(field).0.terms().range().ge(prefix).into_stream()?;
        while let Some((term, info)) = stream.next() {
            if !term.starts_with(prefix.as_bytes()) {
                break;
            }
            let term = std::str::from_utf8(term).map_err(|_| IndexError::Torn("a term"))?;
            if !each(term, info.doc_freq) {
                break;
            }
        }
        Ok(())
    }

    fn shown(&self, chunk: u32) -> Result<Shown, IndexError> {
        let document: TantivyDocument = self.store.get(chunk)?;
        let bytes =
            document.get_first(self.fields.shown).and_then(|value| value.as_bytes().map(<[u8]>::to_vec));
        bytes.and_then(|bytes| Shown::decode(&bytes)).ok_or(IndexError::Torn("a stored chunk"))
    }
}

impl Positions for SegmentPostings {
    fn chunk(&self) -> Option<u32> {
        Some(self.doc()).filter(|doc| *doc != tantivy::TERMINATED)
    }

    fn seek(&mut self, chunk: u32) {
        if self.doc() < chunk {
            DocSet::seek(self, chunk);
        }
    }

    fn read(&mut self, out: &mut Vec<u32>) {
        Postings::positions(self, out);
    }
}

/// Our analysis as tantivy takes it.
#[derive(Clone)]
struct Terms(Field);

impl Tokenizer for Terms {
    type TokenStream<'a> = TermStream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream {
        let mut stream = TermStream::default();
        analysis::analyse(text, |token| match self.0 {
            Field::Stem => {
                stem_term(token.kind, token.text, |stem| stream.push(stem, token.position));
            }
            Field::Word if is_word(token.kind) => stream.push(token.text, token.position),
            Field::Word | Field::Facet => {}
        });
        stream
    }
}

/// The terms of a text, one after another in one buffer.
#[derive(Default)]
struct TermStream {
    texts: String,
    ends: Vec<(usize, u32)>,
    next: usize,
    token: TantivyToken,
}

impl TermStream {
    fn push(&mut self, text: &str, position: u32) {
        self.texts.push_str(text);
        self.ends.push((self.texts.len(), position));
    }
}

impl TokenStream for TermStream {
    fn advance(&mut self) -> bool {
        let Some((end, position)) = self.ends.get(self.next).copied() else { return false };
        let start = self.next.checked_sub(1).map_or(0, |before| self.ends[before].0);
        self.token.text.clear();
        self.token.text.push_str(&self.texts[start..end]);
        self.token.position = position as usize;
        self.next += 1;
        true
    }

    fn token(&self) -> &TantivyToken {
        &self.token
    }

    fn token_mut(&mut self) -> &mut TantivyToken {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Memory;

    fn memory(n: u8) -> Memory {
        serde_json::from_value(serde_json::json!({
            "id": Id::from_bytes([n; 16]), "created_at": "2026-11-21T00:00:00Z",
            "updated_at": "2026-11-21T00:00:00Z", "revision": 1,
            "content": "# One\n\nfirst\n\n# Two\n\nsecond",
        }))
        .unwrap()
    }

    fn write(disk: &mut Disk, put: &[u8], take: &[u8]) {
        let (mut shard, mut dead) = (MemoryShard::default(), Bits::default());
        put.iter().for_each(|n| shard.put(Document::of(&memory(*n)), &mut dead));
        take.iter().for_each(|n| shard.take(memory(*n).id, &mut dead));
        disk.write(&shard, &dead, Sequence(1)).unwrap();
    }

    /// The ids of each segment, and how many chunks.
    fn held(disk: &Disk) -> Vec<(Vec<Id>, usize)> {
        let shards = disk.shards(&[]).unwrap();
        let held = shards.iter().map(|shard| {
            let table = shard.table();
            let live = (0..table.memories() as u32).filter(|memory| !shard.gone().has(*memory));
            let chunks = live.clone().map(|memory| table.chunks_of(memory).len()).sum();
            (live.map(|memory| table.ids[memory as usize]).collect(), chunks)
        });
        held.collect()
    }

    /// The case that tantivy loses by itself: the first deletion of a new writer, while segments are merged of which one
    /// was deleted from by the last commit and the first was not.
    #[test]
    fn what_is_deleted_first_is_deleted_where_a_merge_is_under_way_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let log = serde_json::from_value(serde_json::json!(Id::from_bytes([9; 16]))).unwrap();
        let mut disk = Disk::begin_anew(dir.path(), log).unwrap();
        write(&mut disk, &[1], &[]);
        write(&mut disk, &[2, 3], &[]);
        write(&mut disk, &[], &[2]);
        disk.drop_writer();
        let segments: Vec<SegmentId> = {
            let mut segments = disk.index.searchable_segment_metas().unwrap();
            segments.sort_by_key(|segment| segment.has_deletes());
            segments.iter().map(|segment| segment.id()).collect()
        };
        let id = |n| memory(n).id;

        let delete = UserOperation::Delete(Term::from_field_text(disk.fields.facet, &facet::id(id(3))));
        let writer = disk.writer(false).unwrap();
        writer.run([delete]).unwrap();
        writer.merge(&segments).wait().unwrap();
        writer.commit().unwrap();
        assert_eq!(held(&disk), [(vec![id(1)], 2)]);
        // Merged once more, no chunk of the others is left to pass for one of the first.
        let rewrites = disk.rewrite(&std::collections::HashSet::new()).unwrap();
        assert_eq!(rewrites.len(), 1);
        for rewrite in rewrites {
            assert!(matches!(rewrite.wait(&|| false), Ok(Rewritten::Into(Some(_)))));
        }
        assert_eq!(held(&disk), [(vec![id(1)], 2)]);
        assert!(disk.sweep().unwrap().is_empty());
        assert!(disk.rewrite(&std::collections::HashSet::new()).unwrap().is_empty());
    }
}
