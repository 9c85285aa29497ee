//! Wheelhouse: a team's knowledge hub and the terminal operations console on it, in one binary.
//!
//! A hub keeps what a team and its coding agents know (memories), tells every change as an event, finds what is asked
//! for, and shows it live in a terminal. It needs no service, no network and no setup: a directory is enough.
//!
//! # Bird's eye
//!
//! Every change is one *commit*: a frame in an append-only, checksummed, fsynced log. Everything else is a *view* of
//! that log, and can be deleted and rebuilt.
//!
//! ```text
//!  keys, mouse ──┐                                          ┌─▶ console panes, overlays
//!  command line ─┼─▶ hub ── commit(records + events) ─▶ log ┼─▶ HTTP answers, event streams
//!  imports ──────┘    ▲                                 │   └─▶ consoles of other processes
//!                     └── reads ◀── records · lexical · vectors ◀─┘
//! ```
//!
//! # Invariants
//!
//! 1. *Acknowledged means fsynced.* A commit is acknowledged when its frame is on disk and applied to the record view.
//!    Durable but not applied is a success with `applied: false`, never a failure that would be retried.
//! 2. *Every view is disposable.* Each holds the position it has applied, catches up when opened, and is rebuilt when
//!    missing or damaged. Its state stands in every status.
//! 3. *Every change is an event*, with actor and correlation, in the same commit as the record.
//! 4. *One process owns a data directory*; all others attach to it over its Unix socket.
//! 5. *The console never waits*: nothing on its input or draw path touches disk, locks or network.
//! 6. *Nothing is dropped silently*: gaps, drops and degraded answers are counted and shown.
//! 7. *Private by default*: no network is needed, and none is used until a hub is told to listen; then a key is asked for.
//!
//! # Code map
//!
//! In reading order; a module uses only what stands above it, and a test holds that.
//!
//! | module | job | invariant |
//! |---|---|---|
//! | [`model`] | plain data and its rules: records, events, subjects, filters, ids, faults, time | no I/O, no clock |
//! | [`door`] | the one trait through which any face asks any hub for anything | no implementation |
//! | [`tasks`] | how tasks start and end; the clock | only it spawns, only it reads the clock |
//! | [`report`] | how a fault is shown to people | one renderer for every face |
//! | [`config`] | the settings, in one file | an unknown key warns, never stops |
//! | [`telemetry`] | the program's own log, to a file and in memory | never written to the terminal, never waits |
//! | [`breaker`] | circuit breaker and backoff, as state machines | one probe at a time; `now` is an argument |
//! | [`store`] | the log, the record view, recovery, `fsck` | only it names sled; the log is the truth |
//! | [`search`] | query language, lexical index, meaning, fusion, explanation | only it names tantivy and the model; never reads the store |
//! | [`events`] | live feed and history | a slow reader costs others nothing |
//! | [`jobs`] | when jobs run and what becomes of their slots, as decisions | what is not recorded has not happened; a slot has one run |
//! | [`outbound`] | calls to others over HTTP | each host behind its breaker, each call within its time |
//! | [`ingest`] | Markdown, text and JSONL into memories; decision records (MADR, Nygard) into decisions and back | a bad file never stops the rest |
//! | [`health`] | probes in rounds, what is held to be so, trends, the runbook | does not know what it probes |
//! | [`hub`] | composes the above behind the door | no HTTP, no terminal |
//! | [`remote`] | the door over HTTP on a Unix socket | answers as the hub would |
//! | [`mcp`] | the Model Context Protocol over a door: tools, resources, prompts | only it names rmcp; no decisions of its own |
//! | [`api`] | axum over a door: REST, SSE, WebSocket, OpenAPI, TLS, who is let in | no decisions of its own; a route has its scopes or is none |
//! | [`home`] | where a face finds its door: own or attach | one owner, by the lock |
//! | [`console`] | the TUI, over doors | `update` is pure; drawing only reads |
//! | [`cli`] | verbs, tables, JSON, exit statuses | works the same with or without a running hub |
//!
//! # Glossary
//!
//! One word per concept, in code, on screen and at the surface.
//!
//! - **hub**: the process that owns a data directory; **console**, **verb**: faces of it; **door**: how a face asks.
//! - **commit**: what happens together; **log**: all commits in order; **segment**: a file of it; **frame**: a commit
//!   in it; **sequence**: an event's number; **epoch**: rises when history changes; **cursor**: log, epoch, sequence;
//!   **sidecar**: what a segment holds, in small, so that it is passed over unread.
//! - **view**: what is made from the log (*records*, *lexical*, *vectors*); **record**: what is kept (a *memory*, a *decision*); **event**: what
//!   happened; **subject**: what an event is about; **pattern**: a choice of subjects; **class**: how long it is kept.
//! - **memory**: something worth knowing again; **revision**: one state of it; **origin**: where it came from;
//!   **project**: the wall around it.
//! - **decision**: a choice made and why, with its number; **option**: one of the ways that were open; **outcome**: what
//!   came of it; **settled**: accepted or rejected, so that only status, outcome and review still change.
//! - **leg**: a way of finding (*lexical*); **hit**: what it found; **snippet**: the part that shows why.
//! - **job**: what is to be done and when; **slot**: one moment, event or request that it is to be done for; **run**: what
//!   became of a slot; **attempt**: one try of a run; **fence**: the number by which its result is taken or refused; **dead
//!   letter**: a run that failed for good; **breaker**: leaves a failing part alone; **probe**: the call that tries it again.
//! - **key**: what lets somebody in from outside; **scope**: what it may do; **listener**: an address beside the socket.
//! - **pane**, **overlay**, **action**, **binding**: of the console.

pub mod api;
pub mod breaker;
pub mod cli;
pub mod config;
pub mod console;
pub mod door;
pub mod events;
pub mod health;
pub mod home;
pub mod hub;
pub mod ingest;
pub mod jobs;
pub mod mcp;
pub mod model;
pub mod outbound;
pub mod remote;
pub mod report;
pub mod search;
pub mod store;
pub mod tasks;
pub mod telemetry;
