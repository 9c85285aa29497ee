//! The fields of the query language: one table for parsing, completion and help.

/// A field that a query can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    Kind,
    Tag,
    Project,
    Type,
    Status,
    By,
    Before,
    After,
    Since,
    Id,
    Like,
}

impl Field {
    pub const ALL: [Field; 11] = [
        Field::Tag,
        Field::Type,
        Field::Project,
        Field::Status,
        Field::Since,
        Field::Before,
        Field::After,
        Field::By,
        Field::Kind,
        Field::Id,
        Field::Like,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Field::Kind => "kind",
            Field::Tag => "tag",
            Field::Project => "project",
            Field::Type => "type",
            Field::Status => "status",
            Field::By => "by",
            Field::Before => "before",
            Field::After => "after",
            Field::Since => "since",
            Field::Id => "id",
            Field::Like => "like",
        }
    }

    pub(in crate::search) fn example(self) -> &'static str {
        match self {
            Field::Kind => "for example kind:decision",
            Field::Tag => "for example tag:deploy",
            Field::Project => "for example project:web",
            Field::Type => "for example type:gotcha",
            Field::Status => "for example status:archived",
            Field::By => "for example by:ada",
            Field::Before => "for example before:2026-11-21",
            Field::After => "for example after:yesterday",
            Field::Since => "for example since:\"last week\"",
            Field::Id => "for example id:0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20",
            Field::Like => "for example like:0192f0c1-7b5a-7e3c-9d2f-5b1c8a6e4f20",
        }
    }

    /// What it lets through, for whoever is asked to choose one.
    pub fn meaning(self) -> &'static str {
        match self {
            Field::Kind => "memories or decisions alone",
            Field::Tag => "with this tag",
            Field::Project => "of this project",
            Field::Type => "of this type: note, howto…",
            Field::Status => "with this status, or any",
            Field::By => "written by",
            Field::Before => "changed before",
            Field::After => "changed after",
            Field::Since => "changed since: 3d, last week…",
            Field::Id => "this one, by its id",
            Field::Like => "near this one in meaning",
        }
    }

    pub fn is_time(self) -> bool {
        matches!(self, Field::Before | Field::After | Field::Since)
    }

    pub fn named(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// The field that `name` is a slip of: its plural, or as many letters wrong as its length forgives, the first
    /// one right. Short names forgive little, or every `x:` would be one.
    pub fn near(name: &str) -> Option<Field> {
        let name = name.to_ascii_lowercase();
        if name.len() > 10 {
            return None;
        }
        let slips = |field: &Field| {
            let plural = format!("{}s", field.name());
            let right = field.name();
            let forgiven = match right.len() {
                0..=2 => return None,
                3..=4 => 1,
                _ => 2,
            };
            let same_start = name.as_bytes().first() == right.as_bytes().first()
                || name.as_bytes().get(1) == right.as_bytes().first();
            let slips = slips_between(&name, right).min(slips_between(&name, &plural));
            (same_start && slips <= forgiven).then_some((slips, *field))
        };
        Field::ALL.iter().filter_map(slips).min_by_key(|(slips, _)| *slips).map(|(_, field)| field)
    }
}

/// The word that `text` is most likely a slip of.
pub(in crate::search) fn nearest<'a>(text: &str, words: &[&'a str]) -> Option<&'a str> {
    if text.len() > 32 {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let slips = words.iter().map(|word| (slips_between(&text, word), *word));
    slips.min().filter(|(slips, word)| *slips * 3 <= word.len()).map(|(_, word)| word)
}

/// Letters to insert, drop, change or swap with their neighbour (optimal string alignment).
fn slips_between(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, near: Option<Field>) {
        assert_eq!(Field::near(name), near, "{name}");
    }

    #[test]
    fn slips_are_forgiven_and_words_are_left_alone() {
        check("tgas", Some(Field::Tag));
        check("tags", Some(Field::Tag));
        check("projcet", Some(Field::Project));
        check("befroe", Some(Field::Before));
        check("statuss", Some(Field::Status));
        check("knid", Some(Field::Kind));
        for word in
            ["foo", "http", "https", "fs", "std", "error", "js", "a", "find", "note", "file", "TODO", ""]
        {
            check(word, None);
        }
    }
}
