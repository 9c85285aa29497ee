//! A memory as typed: its bounds, how it is saved, and what is known already.

use super::{Field, Form, Purpose};
use crate::{
    console::{
        effect::{Ask, Effect, Save},
        scene::Out,
        text,
    },
    door::{MemoryPatch, NewMemory, SearchAnswer, SearchMode, SearchRequest},
    model::{CONTENT_BYTES_MAX, Fault, Memory, Project, TAG_BYTES_MAX, TAGS_MAX, TITLE_BYTES_MAX},
};

/// Of the text, what is compared with other memories, and how many words it takes to mean something.
const ALIKE_CHARS: usize = 1_000;
const ALIKE_WORDS_MIN: usize = 4;
/// Memories that are named, and how near in meaning they have to be.
const ALIKE_MAX: usize = 2;
const ALIKE_COSINE: f32 = 0.7;

impl Form {
    pub fn memory_came(&mut self, result: Result<&Memory, Fault>, out: &mut Out) {
        let (Purpose::Edit(wanted) | Purpose::Supersede(wanted)) = self.purpose else { return };
        if !self.loading {
            return;
        }
        match result {
            Ok(memory) if memory.id == wanted => {
                self.loading = false;
                self.revision = memory.revision;
                self.set(Field::Content, &memory.content);
                self.set(Field::Title, &memory.title);
                self.set(Field::Kind, &memory.kind);
                self.set(Field::Tags, &memory.tags.join(", "));
                if !memory.project.is_none() {
                    self.set(Field::Project, memory.project.as_str());
                }
                out.effects.push(Effect::LoadDraft(self.purpose));
            }
            Ok(_) => {}
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// What is near the text, asked for once it rests.
    pub(super) fn ask_alike(&self, out: &mut Out) {
        let text: String = self.text_of(Field::Content).chars().take(ALIKE_CHARS).collect();
        // It is no query: what has a meaning there is a space here.
        let query = text.replace(['"', ':', '-'], " ");
        if query.split_whitespace().count() >= ALIKE_WORDS_MIN {
            let request = SearchRequest {
                query,
                mode: SearchMode::Vector,
                limit: ALIKE_MAX + 1,
                as_you_type: true,
                ..SearchRequest::default()
            };
            out.ask(Ask::Alike { request });
        }
    }

    pub fn alike_came(&mut self, result: Result<SearchAnswer, Fault>) {
        let own = match self.purpose {
            Purpose::Edit(id) | Purpose::Supersede(id) => Some(id),
            Purpose::New | Purpose::Decide | Purpose::Outcome(_) => None,
        };
        // That it cannot be said now is no matter while writing.
        let hits = result.map_or(Vec::new(), |answer| answer.results);
        let near = hits
            .into_iter()
            .filter(|hit| Some(hit.id) != own)
            .filter_map(|hit| Some((hit.title, hit.legs.vector?)));
        self.alike = near.filter(|(_, cosine)| *cosine >= ALIKE_COSINE).take(ALIKE_MAX).collect();
    }

    /// The first field that does not hold what it may.
    pub(super) fn memory_problem(&self) -> Option<(Field, String)> {
        Field::of(self.purpose).iter().find_map(|field| Some((*field, self.bound(*field)?)))
    }

    fn bound(&self, field: Field) -> Option<String> {
        let bytes = self.bytes_of(field);
        match field {
            Field::Content if bytes > CONTENT_BYTES_MAX => {
                Some(format!("{bytes} bytes, at most {CONTENT_BYTES_MAX} fit"))
            }
            Field::Content => {
                (self.tried && self.is_blank_at(field)).then(|| "say what is worth remembering".into())
            }
            Field::Title => {
                (bytes > TITLE_BYTES_MAX).then(|| format!("{bytes} bytes, at most {TITLE_BYTES_MAX} fit"))
            }
            Field::Kind => (bytes > TAG_BYTES_MAX).then(|| format!("at most {TAG_BYTES_MAX} bytes fit")),
            Field::Tags => {
                let tags = self.tags();
                if tags.len() > TAGS_MAX {
                    return Some(format!("{} tags, at most {TAGS_MAX} fit", tags.len()));
                }
                let long = tags.iter().find(|tag| tag.len() > TAG_BYTES_MAX)?;
                Some(format!("#{} is longer than {TAG_BYTES_MAX} bytes", text::cut(long, 12)))
            }
            _ => None,
        }
    }

    pub(super) fn save_memory(&self) -> Ask {
        let kind = Some(self.text_of(Field::Kind).trim().to_owned()).filter(|kind| !kind.is_empty());
        let title = self.text_of(Field::Title).trim().to_owned();
        let new = NewMemory {
            content: self.text_of(Field::Content),
            title: title.clone(),
            kind: kind.clone(),
            tags: self.tags(),
            project: self.project(),
            ..NewMemory::default()
        };
        Ask::Save(match self.purpose {
            Purpose::Supersede(id) => Save::Supersede { id, new },
            Purpose::Edit(id) => Save::Edit {
                id,
                revision: self.revision,
                patch: MemoryPatch {
                    content: Some(new.content),
                    title: Some(title),
                    kind,
                    tags: Some(new.tags),
                    project: Some(new.project.unwrap_or_else(Project::none)),
                    ..MemoryPatch::default()
                },
            },
            _ => Save::New(new),
        })
    }
}
