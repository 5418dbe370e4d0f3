//! A key-value store in memory whose requests pass a filter: a BPF program that was written for some
//! version of the store's API, `kv.api`.
//!
//! This is what an embedder writes: a body for each definition that the host is to serve. Two
//! definitions of `kv_read` are two closures. `kv_find@KV_1` has no body from KV_3 on: the API file
//! says in two instructions how the newer one serves it.

pub mod table;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use abide::{Api, Bytes, Date, Errno, Host, HostProfile, Out, Owned, Program, Ref, Released};

/// The API of the store, through all its versions.
pub const API: &str = include_str!("../kv.api");

/// What is kept under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Vec<u8>,
    /// Seconds until it expires.
    pub ttl: u64,
}

/// What filters told the store: messages of `kv_log`, events of `kv_event`.
pub type Log = Vec<String>;

/// The store. Cheap to clone: all clones are one store.
#[derive(Debug, Clone, Default)]
pub struct Store {
    entries: Arc<Mutex<BTreeMap<Vec<u8>, Arc<Entry>>>>,
    log: Arc<Mutex<Log>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Puts a value under a key.
    pub fn set(&self, key: &[u8], value: &[u8], ttl: u64) {
        let entry = Entry { value: value.to_vec(), ttl };
        lock(&self.entries).insert(key.to_vec(), Arc::new(entry));
    }

    fn find(&self, key: &[u8]) -> Option<Arc<Entry>> {
        lock(&self.entries).get(key).cloned()
    }

    /// Takes what filters told the store so far.
    pub fn take_log(&self) -> Log {
        std::mem::take(&mut *lock(&self.log))
    }

    /// The host that runs filters of this store: the API at a node or `host` statement, on a day.
    ///
    /// # Errors
    /// When the API has no such node.
    pub fn host(&self, node: &str, on: Option<Date>) -> Result<Host, Box<dyn Error>> {
        let api = Arc::new(Api::parse("kv.api", API)?);
        let mut profile = HostProfile::at(&api, node)?;
        if let Some(date) = on {
            profile = profile.on(date);
        }
        let flags_known =
            api.node("KV_3").is_some_and(|node| api.is_ancestor(node, profile.node()));
        let mut builder = Host::builder(&api).profile(profile);

        // KV_1: the bytes copied.
        let store = self.clone();
        builder = builder.body("kv_read@KV_1", move |key: Bytes<'_>, mut dst: Out<'_>| {
            let entry = store.find(&key).ok_or(Errno::ENOENT)?;
            Ok::<i64, Errno>(dst.write(&entry.value) as i64)
        });
        // KV_2: the full length of the value.
        let store = self.clone();
        builder = builder.body("kv_read@KV_2", move |key: Bytes<'_>, mut dst: Out<'_>| {
            let entry = store.find(&key).ok_or(Errno::ENOENT)?;
            dst.write(&entry.value);
            Ok::<i64, Errno>(entry.value.len() as i64)
        });

        // From KV_3 on the old one is served by its compat body.
        if !flags_known {
            let store = self.clone();
            builder = builder
                .body("kv_find@KV_1", move |key: Bytes<'_>| store.find(&key).map(Owned::new));
        }
        let store = self.clone();
        builder = builder.body("kv_find@KV_3", move |key: Bytes<'_>, _flags: u64| {
            store.find(&key).map(Owned::new)
        });
        builder = builder
            .body("kv_put@KV_1", |entry: Released<Arc<Entry>>| drop(entry))
            .body("kv_ttl@KV_2", |entry: Ref<'_, Arc<Entry>>| entry.ttl);

        let store = self.clone();
        builder = builder.body("kv_peek@KV_1", move |mut dst: Out<'_>| {
            let next = lock(&store.entries).values().next().cloned().ok_or(Errno::ENOENT)?;
            Ok::<i64, Errno>(dst.write(&next.value) as i64)
        });
        let store = self.clone();
        builder = builder.body("kv_log@KV_1", move |message: Bytes<'_>| {
            lock(&store.log).push(String::from_utf8_lossy(&message).into_owned());
            message.len() as i64
        });
        let store = self.clone();
        builder = builder.body("kv_event@KV_2", move |kind: u32, data: Bytes<'_>| {
            let data = String::from_utf8_lossy(&data).into_owned();
            lock(&store.log).push(format!("event {kind}: {data}"));
            0
        });
        Ok(builder.build()?)
    }
}

/// What a filter says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let it pass.
    Allow,
    /// Refuse it.
    Deny,
    /// Let it pass, and keep an eye on it.
    Watch,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Watch => "watch",
        })
    }
}

/// A filter that was loaded.
#[derive(Debug, Clone)]
pub struct Filter {
    program: Program,
}

impl Filter {
    /// Loads the program `filter` of an object.
    ///
    /// # Errors
    /// When the object is refused; the error says what is missing, where, since when.
    pub fn load(host: &Host, object: &[u8]) -> Result<Self, Box<dyn Error>> {
        Ok(Filter { program: host.load(object)?.program("filter")? })
    }

    /// Asks it about a request. Returns its verdict, and the number that it left in the context.
    ///
    /// # Errors
    /// When the filter does what it may not.
    pub fn ask(&self, key: &[u8], op: u32) -> Result<(Verdict, u64), Box<dyn Error>> {
        let mut context = self.program.context();
        context.packet(key).set("op", op)?;
        let verdict = match self.program.run(&mut context)?.value {
            0 => Verdict::Allow,
            1 => Verdict::Deny,
            2 => Verdict::Watch,
            other => return Err(format!("the filter returned {other}").into()),
        };
        Ok((verdict, context.get("verdict")?))
    }
}
