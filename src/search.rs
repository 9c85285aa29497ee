//! The query language, the lexical index and what it answers.
