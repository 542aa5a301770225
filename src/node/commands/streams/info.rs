//! `XINFO`: what there is to know of a stream, its groups and their consumers.

use super::{no_group, wrong_sub};
use crate::node::commands::support::{NO_KEY, int, is, size};
use crate::node::commands::{Call, Failure};
use crate::wire::rdb::stream::{Group, Id, Pending, Stream};

/// Entries that a group has not handed out, if that can be known.
fn lag(stream: &Stream, group: &Group) -> Option<u64> {
    match group.read {
        _ if stream.added == 0 => Some(0),
        Some(read) if !stream.holes_from(group.last) => Some(stream.added.wrapping_sub(read)),
        _ => Some(stream.added - stream.distance(group.last)?),
    }
}

impl Call<'_> {
    fn number_of(&mut self, name: &str, n: usize) {
        self.bulk(name.as_bytes());
        self.integer(n as i64);
    }

    fn known_number(&mut self, name: &str, n: Option<u64>) {
        self.bulk(name.as_bytes());
        match n {
            Some(n) => self.integer(n as i64),
            None => self.nil(),
        }
    }

    fn id_of(&mut self, name: &str, id: Id) {
        self.bulk(name.as_bytes());
        self.id(id);
    }
}

const XINFO_HELP: &str = "\
CONSUMERS <key> <groupname>
    The consumers of a group.
GROUPS <key>
    The groups of a stream.
STREAM <key> [FULL [COUNT <count>]
    The stream itself; with FULL its entries and groups too.";

pub fn xinfo(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let sub = args[1].to_ascii_lowercase();
    if sub == b"help" {
        call.help("XINFO", XINFO_HELP);
        return Ok(());
    }
    let stream = call.stream_read(&args[2])?.ok_or(NO_KEY)?;
    let now = call.now_ms;
    match &*sub {
        b"consumers" => {
            let place = stream
                .group(&args[3])
                .map_err(|_| no_group(&args[2], &args[3]))?;
            let group = &stream.groups[place];
            call.array(group.consumers.len());
            for consumer in &group.consumers {
                call.reply.map(3);
                call.bulk(b"name");
                call.bulk(&consumer.name);
                call.number_of("pending", group.pending_of(&consumer.name).count());
                call.number_of("idle", size(now - consumer.seen_ms));
            }
        }
        b"groups" => {
            call.array(stream.groups.len());
            for group in &stream.groups {
                call.reply.map(6);
                call.bulk(b"name");
                call.bulk(&group.name);
                call.number_of("consumers", group.consumers.len());
                call.number_of("pending", group.pending.len());
                call.id_of("last-delivered-id", group.last);
                call.known_number("entries-read", group.read);
                call.known_number("lag", lag(&stream, group));
            }
        }
        _ => info_stream(call, &stream)?,
    }
    Ok(())
}

fn info_stream(call: &mut Call<'_>, stream: &Stream) -> Result<(), Failure> {
    let args = call.args;
    let full = args.get(3).is_some_and(|arg| is(arg, "FULL"));
    let count = match &args[3..] {
        [] => 0,
        [_] if full => 10,
        [_, name, n] if full && is(name, "COUNT") => match int(n)? {
            ..0 => 10,
            0 => usize::MAX,
            n => size(n),
        },
        _ => return Err(wrong_sub(call)),
    };
    call.reply.map(if full { 9 } else { 10 });
    call.number_of("length", stream.len);
    call.number_of("radix-tree-keys", stream.nodes.len());
    call.number_of("radix-tree-nodes", stream.radix_nodes());
    call.id_of("last-generated-id", stream.last);
    call.id_of("max-deleted-entry-id", stream.max_removed);
    call.known_number("entries-added", Some(stream.added));
    call.id_of("recorded-first-entry-id", stream.first);
    if !full {
        call.number_of("groups", stream.groups.len());
        let mut all = stream.range(Id::ZERO, Id::MAX);
        let first = all.next();
        let last = all.next_back().or(first);
        for (name, entry) in [("first-entry", first), ("last-entry", last)] {
            call.bulk(name.as_bytes());
            match entry {
                Some(entry) => call.entry(entry),
                None => call.nil(),
            }
        }
        return Ok(());
    }
    call.bulk(b"entries");
    call.entries(stream.range(Id::ZERO, Id::MAX).take(count));
    call.bulk(b"groups");
    call.array(stream.groups.len());
    for group in &stream.groups {
        call.reply.map(7);
        call.bulk(b"name");
        call.bulk(&group.name);
        call.id_of("last-delivered-id", group.last);
        call.known_number("entries-read", group.read);
        call.known_number("lag", lag(stream, group));
        call.number_of("pel-count", group.pending.len());
        call.bulk(b"pending");
        call.array(group.pending.len().min(count));
        for pending in group.pending.iter().take(count) {
            call.array(4);
            call.id(pending.id);
            call.bulk(&pending.consumer);
            call.integer(pending.time_ms);
            call.integer(pending.count as i64);
        }
        call.bulk(b"consumers");
        call.array(group.consumers.len());
        for consumer in &group.consumers {
            call.reply.map(4);
            call.bulk(b"name");
            call.bulk(&consumer.name);
            call.number_of("seen-time", size(consumer.seen_ms));
            let own: Vec<&Pending> = group.pending_of(&consumer.name).collect();
            call.number_of("pel-count", own.len());
            call.bulk(b"pending");
            call.array(own.len().min(count));
            for pending in own.into_iter().take(count) {
                call.array(3);
                call.id(pending.id);
                call.integer(pending.time_ms);
                call.integer(pending.count as i64);
            }
        }
    }
    Ok(())
}
