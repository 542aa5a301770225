//! Sorted sets. Every range, whether by rank, score or member, becomes a pair of ranks first.

use std::ops::Range;

use super::hashes::random_count;
use super::number::{double, lax_double};
use super::support::{
    NOT_FLOAT, NOT_INTEGER, SYNTAX, WRONG_TYPE, at_most, count, decimal, fail, int, is, numbered,
    pick, pick_many, pop_count, size, span, word,
};
use super::{Call, Failure};
use crate::node::keyspace::{Map, Set, Shared, Value, Zset, ordered};
use crate::wire::{Bytes, resp};

const NAN_RESULT: &str = "ERR resulting score is not a number (NaN)";

fn zset(call: &mut Call<'_>, key: &Bytes) -> Result<Shared<Zset>, Failure> {
    Ok(call.read::<Zset>(key)?.unwrap_or_default())
}

impl Call<'_> {
    fn score(&mut self, score: f64) {
        self.reply.double(score);
    }

    fn score_or_nil(&mut self, score: Option<f64>) {
        match score {
            Some(score) => self.score(score),
            None => self.nil(),
        }
    }

    /// Members, with or without their scores.
    fn members<'b>(
        &mut self,
        members: impl ExactSizeIterator<Item = (&'b [u8], f64)>,
        scores: bool,
    ) {
        self.pairs(members.len(), scores);
        for (member, score) in members {
            self.pair(scores);
            self.bulk(member);
            if scores {
                self.score(score);
            }
        }
    }
}

// --- adding and removing ---------------------------------------------------------------------------------------------

#[derive(Default)]
struct Rules {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

impl Rules {
    /// The new score of a member; `None` when the rules leave it alone.
    fn decide(&self, old: Option<f64>, score: f64) -> Result<Option<f64>, Failure> {
        let Some(old) = old else {
            return Ok(Some(score).filter(|_| !self.xx));
        };
        if self.nx {
            return Ok(None);
        }
        let score = if self.incr { old + score } else { score };
        if score.is_nan() {
            return fail(NAN_RESULT);
        }
        Ok(Some(score).filter(|&score| !(self.gt && score <= old || self.lt && score >= old)))
    }
}

/// `ZADD` and `ZINCRBY`: adds the pairs of `args` by the rules.
fn add(call: &mut Call<'_>, args: &[Bytes], rules: &Rules) -> Result<(), Failure> {
    let key = &call.args[1];
    let scores: Option<Vec<f64>> = args.chunks_exact(2).map(|pair| double(&pair[0])).collect();
    let scores = scores.ok_or(NOT_FLOAT)?;
    let pairs = || {
        args.chunks_exact(2)
            .map(|pair| &pair[1])
            .zip(scores.iter().copied())
    };
    let (mut added, mut changed, mut last) = (0, 0, None);

    let old = call.claim_as::<Zset>(key)?.unwrap_or_default();
    let mut any = false;
    for (member, score) in pairs() {
        let before = old.score(member);
        last = rules.decide(before, score)?;
        any |= last.is_some_and(|score| before != Some(score));
    }
    drop(old);
    if any {
        let limits = *call.keyspace.limits();
        let zset = call.edit::<Zset>(key)?;
        for (member, score) in pairs() {
            let before = zset.score(member);
            if let Some(score) = rules
                .decide(before, score)?
                .filter(|&score| before != Some(score))
            {
                zset.set(member.clone(), score);
                zset.settle(&limits);
                added += i64::from(before.is_none());
                changed += 1;
            }
        }
        call.dirty += changed as u64;
    }
    if rules.incr {
        call.score_or_nil(last);
    } else {
        call.integer(if rules.ch { changed } else { added });
    }
    if changed > 0 {
        call.did('z', if rules.incr { "zincr" } else { "zadd" }, key);
    }
    Ok(())
}

pub fn zadd(call: &mut Call<'_>) -> Result<(), Failure> {
    let mut rules = Rules::default();
    let mut rest = &call.args[2..];
    while let Some((arg, after)) = rest.split_first() {
        let names = [
            ("NX", &mut rules.nx),
            ("XX", &mut rules.xx),
            ("CH", &mut rules.ch),
            ("INCR", &mut rules.incr),
            ("GT", &mut rules.gt),
            ("LT", &mut rules.lt),
        ];
        let Some((_, flag)) = names.into_iter().find(|(name, _)| is(arg, name)) else {
            break;
        };
        *flag = true;
        rest = after;
    }
    if rest.is_empty() || rest.len() % 2 == 1 {
        return fail(SYNTAX);
    }
    if rules.nx && rules.xx {
        return fail("ERR XX and NX options at the same time are not compatible");
    }
    if (rules.gt || rules.lt) && rules.nx || rules.gt && rules.lt {
        return fail("ERR GT, LT, and/or NX options at the same time are not compatible");
    }
    if rules.incr && rest.len() > 2 {
        return fail("ERR INCR option supports a single increment-element pair");
    }
    add(call, rest, &rules)
}

pub fn zincrby(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    add(
        call,
        &args[2..],
        &Rules {
            incr: true,
            ..Rules::default()
        },
    )
}

pub fn zrem(call: &mut Call<'_>) -> Result<(), Failure> {
    let (key, members) = (&call.args[1], &call.args[2..]);
    let old = call.claim_as::<Zset>(key)?.unwrap_or_default();
    let any = members.iter().any(|member| old.score(member).is_some());
    drop(old);
    let mut removed = 0;
    if any {
        let zset = call.edit::<Zset>(key)?;
        removed = members
            .iter()
            .filter(|member| zset.remove(member).is_some())
            .count();
        call.dirty += removed as u64;
        call.event('z', "zrem", key);
        call.left(key);
        call.changed(key);
    }
    call.integer(removed as i64);
    Ok(())
}

/// Removes the members of some ranks of a set that exists.
fn take(
    call: &mut Call<'_>,
    key: &Bytes,
    ranks: Range<usize>,
) -> Result<Vec<(Bytes, f64)>, Failure> {
    if ranks.is_empty() {
        return Ok(vec![]);
    }
    let zset = call.edit::<Zset>(key)?;
    let members: Vec<(Bytes, f64)> = zset
        .range(ranks.start, ranks.end)
        .map(|(member, score)| (member.clone(), score))
        .collect();
    for (member, _) in &members {
        zset.remove(member);
    }
    call.dirty += members.len() as u64;
    Ok(members)
}

/// Takes up to `wanted` members from the low or the high end, the outermost first; [`ended`] when they are in the
/// reply, but for what is in front of them.
fn take_end(
    call: &mut Call<'_>,
    key: &Bytes,
    high: bool,
    wanted: usize,
) -> Result<Vec<(Bytes, f64)>, Failure> {
    let len = call.claim_as::<Zset>(key)?.map_or(0, |zset| zset.len());
    let wanted = wanted.min(len);
    let mut members = take(call, key, if high { len - wanted..len } else { 0..wanted })?;
    if high {
        members.reverse();
    }
    Ok(members)
}

/// Members of an end go into the reply, each by this, and what happened is told.
fn ended(call: &mut Call<'_>, key: &Bytes, high: bool, members: &[(Bytes, f64)], paired: bool) {
    if members.is_empty() {
        return;
    }
    call.event('z', if high { "zpopmax" } else { "zpopmin" }, key);
    call.changed(key);
    for (member, score) in members {
        if paired {
            call.array(2);
        }
        call.bulk(member);
        call.score(*score);
    }
    call.left(key);
}

fn pop(call: &mut Call<'_>, high: bool) -> Result<(), Failure> {
    let args = call.args;
    let wanted = match &args[2..] {
        [] => 1,
        [arg] => count(arg)?,
        _ => return fail(SYNTAX),
    };
    let members = take_end(call, &args[1], high, wanted)?;
    let paired = args.len() > 2 && call.reply.resp3;
    call.array(members.len() * if paired { 1 } else { 2 });
    ended(call, &args[1], high, &members, paired);
    Ok(())
}

pub fn zpopmin(call: &mut Call<'_>) -> Result<(), Failure> {
    pop(call, false)
}

pub fn zpopmax(call: &mut Call<'_>) -> Result<(), Failure> {
    pop(call, true)
}

pub fn zmpop(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let (keys, rest) = numbered(args)?.ok_or(SYNTAX)?;
    let high = match rest.first() {
        Some(arg) if is(arg, "MIN") => false,
        Some(arg) if is(arg, "MAX") => true,
        _ => return fail(SYNTAX),
    };
    let wanted = pop_count(&rest[1..])?;
    for key in keys {
        if call.claim_as::<Zset>(key)?.is_some() {
            let members = take_end(call, key, high, wanted)?;
            let name = if high { "ZPOPMAX" } else { "ZPOPMIN" };
            call.instead(vec![word(name), key.clone(), decimal(members.len() as i64)]);
            call.array(2);
            call.bulk(key);
            call.array(members.len());
            ended(call, key, high, &members, true);
            return Ok(());
        }
    }
    call.nil_array();
    Ok(())
}

// --- single members --------------------------------------------------------------------------------------------------

pub fn zscore(call: &mut Call<'_>) -> Result<(), Failure> {
    let score = zset(call, &call.args[1])?.score(&call.args[2]);
    call.score_or_nil(score);
    Ok(())
}

pub fn zmscore(call: &mut Call<'_>) -> Result<(), Failure> {
    let zset = zset(call, &call.args[1])?;
    let members = &call.args[2..];
    call.array(members.len());
    members
        .iter()
        .for_each(|member| call.score_or_nil(zset.score(member)));
    Ok(())
}

pub fn zcard(call: &mut Call<'_>) -> Result<(), Failure> {
    let len = zset(call, &call.args[1])?.len();
    call.integer(len as i64);
    Ok(())
}

fn rank(call: &mut Call<'_>, reverse: bool) -> Result<(), Failure> {
    let zset = zset(call, &call.args[1])?;
    match zset.rank(&call.args[2]) {
        Some(rank) => call.integer(if reverse { zset.len() - 1 - rank } else { rank } as i64),
        None => call.nil(),
    }
    Ok(())
}

pub fn zrank(call: &mut Call<'_>) -> Result<(), Failure> {
    rank(call, false)
}

pub fn zrevrank(call: &mut Call<'_>) -> Result<(), Failure> {
    rank(call, true)
}

pub fn zrandmember(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let Some(count) = args.get(2) else {
        let zset = zset(call, &args[1])?;
        let member = pick(call.rng, zset.len()).and_then(|place| zset.nth_unordered(place));
        call.bulk_or_nil(member.map(|(member, _)| &member[..]));
        return Ok(());
    };
    let (count, scores) = random_count(count, &args[3..], "WITHSCORES")?;
    let zset = zset(call, &args[1])?;
    let places = pick_many(call.rng, zset.len(), count)?;
    let members: Vec<(&[u8], f64)> = places
        .into_iter()
        .filter_map(|place| zset.nth_unordered(place))
        .map(|(member, score)| (&member[..], score))
        .collect();
    call.members(members.into_iter(), scores);
    Ok(())
}

// --- ranges ----------------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// The members that a range selects, read from its two arguments.
enum Bounds {
    Rank(i64, i64),
    Score(Edge, Edge),
    Lex(Limit, Limit),
}

/// A score and whether it is outside itself.
type Edge = (f64, bool);

enum Limit {
    Lowest,
    Highest,
    /// A member and whether it is outside itself.
    Member(Bytes, bool),
}

fn edge(arg: &[u8]) -> Result<Edge, Failure> {
    let (text, outside) = arg
        .strip_prefix(b"(")
        .map_or((arg, false), |rest| (rest, true));
    let text = text.trim_ascii_start();
    let score = if text.is_empty() && arg.len() <= 1 {
        Some(0.0)
    } else {
        lax_double(text)
    };
    Ok((score.ok_or("ERR min or max is not a float")?, outside))
}

fn limit(arg: &[u8]) -> Result<Limit, Failure> {
    match arg {
        b"-" => Ok(Limit::Lowest),
        b"+" => Ok(Limit::Highest),
        [b'[', member @ ..] => Ok(Limit::Member(member.into(), false)),
        [b'(', member @ ..] => Ok(Limit::Member(member.into(), true)),
        _ => fail("ERR min or max not valid string range item"),
    }
}

impl Bounds {
    fn read(by: By, min: &[u8], max: &[u8]) -> Result<Self, Failure> {
        Ok(match by {
            By::Rank => Self::Rank(int(min)?, int(max)?),
            By::Score => Self::Score(edge(min)?, edge(max)?),
            By::Lex => Self::Lex(limit(min)?, limit(max)?),
        })
    }

    /// The ranks in this range; `reverse` only turns the meaning of ranks around.
    fn ranks(&self, zset: &Zset, reverse: bool) -> Range<usize> {
        let (from, to) = match self {
            Self::Rank(start, stop) => {
                let places = span(*start, *stop, zset.len());
                return if reverse {
                    zset.len() - places.end..zset.len() - places.start
                } else {
                    places
                };
            }
            Self::Score(min, max) => (
                zset.leading(&|score, _| score < min.0 || min.1 && score == min.0),
                zset.leading(&|score, _| score < max.0 || !max.1 && score == max.0),
            ),
            Self::Lex(min, max) => (Self::lex(zset, min, false), Self::lex(zset, max, true)),
        };
        if from < to { from..to } else { 0..0 }
    }

    /// How many members are before a limit; `through` when the limit's own member is on this side unless it is outside.
    fn lex(zset: &Zset, limit: &Limit, through: bool) -> usize {
        match limit {
            Limit::Lowest => 0,
            Limit::Highest => zset.len(),
            Limit::Member(member, outside) => {
                zset.leading(&|_, m| *m < **member || *outside != through && *m == **member)
            }
        }
    }
}

/// A whole `ZRANGE` after parsing.
struct Query {
    bounds: Bounds,
    reverse: bool,
    offset: i64,
    limit: i64,
    scores: bool,
}

/// Reads `min max [options]`. What the name of a command says already is no option of it.
fn query(
    args: &[Bytes],
    by: Option<By>,
    reverse: Option<bool>,
    store: bool,
) -> Result<Query, Failure> {
    let (mut by, mut reverse) = (by, reverse);
    let (mut offset, mut limit, mut scores) = (0, -1, false);
    let mut rest = &args[2..];
    while let Some((arg, mut after)) = rest.split_first() {
        if !store && is(arg, "WITHSCORES") {
            scores = true;
        } else if is(arg, "LIMIT")
            && let [first, second, others @ ..] = after
        {
            (offset, limit) = (int(first)?, int(second)?);
            after = others;
        } else if reverse.is_none() && is(arg, "REV") {
            reverse = Some(true);
        } else if by.is_none() && is(arg, "BYLEX") {
            by = Some(By::Lex);
        } else if by.is_none() && is(arg, "BYSCORE") {
            by = Some(By::Score);
        } else {
            return fail(SYNTAX);
        }
        rest = after;
    }
    let (by, reverse) = (by.unwrap_or(By::Rank), reverse.unwrap_or(false));
    if limit != -1 && by == By::Rank {
        return fail(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        );
    }
    if scores && by == By::Lex {
        return fail("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    }
    let (min, max) = if reverse && by != By::Rank {
        (&args[1], &args[0])
    } else {
        (&args[0], &args[1])
    };
    Ok(Query {
        bounds: Bounds::read(by, min, max)?,
        reverse,
        offset,
        limit,
        scores,
    })
}

impl Query {
    /// The selected members in the order of the reply.
    fn members(&self, zset: &Zset) -> Vec<(Bytes, f64)> {
        let mut ranks = self.bounds.ranks(zset, self.reverse);
        if self.offset < 0 {
            return vec![];
        }
        let skip = size(self.offset).min(ranks.len());
        let take = if self.limit < 0 {
            usize::MAX
        } else {
            size(self.limit)
        }
        .min(ranks.len() - skip);
        if self.reverse {
            ranks = ranks.end - skip - take..ranks.end - skip;
        } else {
            ranks = ranks.start + skip..ranks.start + skip + take;
        }
        let members = zset
            .range(ranks.start, ranks.end)
            .map(|(member, score)| (member.clone(), score));
        if self.reverse {
            members.rev().collect()
        } else {
            members.collect()
        }
    }
}

fn range(call: &mut Call<'_>, by: Option<By>, reverse: Option<bool>) -> Result<(), Failure> {
    let args = call.args;
    let query = query(&args[2..], by, reverse, false)?;
    let zset = zset(call, &args[1])?;
    let members = query.members(&zset);
    let members = members.iter().map(|(member, score)| (&member[..], *score));
    call.members(members, query.scores);
    Ok(())
}

pub fn zrange(call: &mut Call<'_>) -> Result<(), Failure> {
    range(call, None, None)
}

pub fn zrevrange(call: &mut Call<'_>) -> Result<(), Failure> {
    range(call, Some(By::Rank), Some(true))
}

pub fn zrangebyscore(call: &mut Call<'_>) -> Result<(), Failure> {
    range(call, Some(By::Score), Some(false))
}

pub fn zrevrangebyscore(call: &mut Call<'_>) -> Result<(), Failure> {
    range(call, Some(By::Score), Some(true))
}

pub fn zrangebylex(call: &mut Call<'_>) -> Result<(), Failure> {
    range(call, Some(By::Lex), Some(false))
}

pub fn zrevrangebylex(call: &mut Call<'_>) -> Result<(), Failure> {
    range(call, Some(By::Lex), Some(true))
}

pub fn zrangestore(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let query = query(&args[3..], None, None, true)?;
    let zset = zset(call, &args[2])?;
    let mut result = Zset::default();
    for (member, score) in query.members(&zset) {
        result.set(member, score);
    }
    call.store_result(&args[1], Value::zset(result), ('z', "zrangestore"), true);
    Ok(())
}

fn count_range(call: &mut Call<'_>, by: By) -> Result<(), Failure> {
    let args = call.args;
    let bounds = Bounds::read(by, &args[2], &args[3])?;
    let zset = zset(call, &args[1])?;
    call.integer(bounds.ranks(&zset, false).len() as i64);
    Ok(())
}

pub fn zcount(call: &mut Call<'_>) -> Result<(), Failure> {
    count_range(call, By::Score)
}

pub fn zlexcount(call: &mut Call<'_>) -> Result<(), Failure> {
    count_range(call, By::Lex)
}

fn remove_range(call: &mut Call<'_>, by: By) -> Result<(), Failure> {
    let args = call.args;
    let bounds = Bounds::read(by, &args[2], &args[3])?;
    let ranks = call
        .claim_as::<Zset>(&args[1])?
        .map_or(0..0, |zset| bounds.ranks(&zset, false));
    let removed = take(call, &args[1], ranks)?.len();
    if removed > 0 {
        let event = match by {
            By::Rank => "zremrangebyrank",
            By::Score => "zremrangebyscore",
            By::Lex => "zremrangebylex",
        };
        call.did('z', event, &args[1]);
        call.left(&args[1]);
    }
    call.integer(removed as i64);
    Ok(())
}

pub fn zremrangebyrank(call: &mut Call<'_>) -> Result<(), Failure> {
    remove_range(call, By::Rank)
}

pub fn zremrangebyscore(call: &mut Call<'_>) -> Result<(), Failure> {
    remove_range(call, By::Score)
}

pub fn zremrangebylex(call: &mut Call<'_>) -> Result<(), Failure> {
    remove_range(call, By::Lex)
}

// --- several sets ----------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Union,
    Inter,
    Diff,
}

#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

/// An input: a sorted set, or a set whose members all score 1.
#[derive(Clone)]
enum Source {
    Zset(Shared<Zset>),
    Set(Shared<Set>),
}

impl Source {
    fn read(call: &mut Call<'_>, key: &Bytes) -> Result<Self, Failure> {
        match call.lookup(key).map(|entry| &entry.value) {
            None => Ok(Self::Zset(Shared::default())),
            Some(Value::Zset(zset)) => Ok(Self::Zset(zset.clone())),
            Some(Value::Set(set)) => Ok(Self::Set(set.clone())),
            Some(_) => fail(WRONG_TYPE),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Zset(zset) => zset.len(),
            Self::Set(set) => set.len(),
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Self::Zset(zset) => zset.score(member),
            Self::Set(set) => set.contains(member).then_some(1.0),
        }
    }

    fn members(&self) -> Vec<(Bytes, f64)> {
        match self {
            Self::Zset(zset) => zset
                .iter()
                .map(|(member, score)| (member.clone(), score))
                .collect(),
            Self::Set(set) => set.iter().map(|member| (member.clone(), 1.0)).collect(),
        }
    }
}

impl Aggregate {
    /// Where scores cannot be added, as infinity and minus infinity, the sum is 0.
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Sum => number(a + b),
            Self::Min => {
                if b < a {
                    b
                } else {
                    a
                }
            }
            Self::Max => {
                if b > a {
                    b
                } else {
                    a
                }
            }
        }
    }
}

fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

struct Plan<'a> {
    sources: Vec<(Source, f64)>,
    aggregate: Aggregate,
    rest: &'a [Bytes],
}

/// Reads `numkeys key [key ...]` and the sets.
fn sources<'a>(call: &mut Call<'_>, args: &'a [Bytes]) -> Result<Plan<'a>, Failure> {
    let count = resp::parse_i64(&args[0]).ok_or(NOT_INTEGER)?;
    if count < 1 {
        let name = String::from_utf8_lossy(&call.args[0]).to_ascii_lowercase();
        return Err(format!(
            "ERR at least 1 input key is needed for '{name}' command"
        ));
    }
    let Some((keys, rest)) = args[1..].split_at_checked(size(count)) else {
        return fail(SYNTAX);
    };
    let sources: Result<Vec<_>, Failure> = keys
        .iter()
        .map(|key| Ok((Source::read(call, key)?, 1.0)))
        .collect();
    Ok(Plan {
        sources: sources?,
        aggregate: Aggregate::Sum,
        rest,
    })
}

impl Plan<'_> {
    /// Reads the options; whether `WITHSCORES` is among them.
    fn options(&mut self, operation: Operation, store: bool) -> Result<bool, Failure> {
        let mut scores = false;
        let mut rest = self.rest;
        while let Some((arg, after)) = rest.split_first() {
            let combining = operation != Operation::Diff;
            if combining && is(arg, "WEIGHTS") && after.len() >= self.sources.len() {
                let (weights, after) = after.split_at(self.sources.len());
                for ((_, weight), arg) in self.sources.iter_mut().zip(weights) {
                    *weight = double(arg).ok_or("ERR weight value is not a float")?;
                }
                rest = after;
            } else if combining && is(arg, "AGGREGATE") && !after.is_empty() {
                let names = [
                    ("SUM", Aggregate::Sum),
                    ("MIN", Aggregate::Min),
                    ("MAX", Aggregate::Max),
                ];
                let found = names.into_iter().find(|(name, _)| is(&after[0], name));
                self.aggregate = found.ok_or(SYNTAX)?.1;
                rest = &after[1..];
            } else if !store && is(arg, "WITHSCORES") {
                scores = true;
                rest = after;
            } else {
                return fail(SYNTAX);
            }
        }
        Ok(scores)
    }

    /// Combines the sets, the smallest first, as sums of doubles depend on the order. No more than `limit` members.
    fn combine(mut self, operation: Operation, limit: usize) -> Map<f64> {
        if operation != Operation::Diff {
            crate::order::sort_by(&mut self.sources, |(a, _), (b, _)| a.len().cmp(&b.len()));
        }
        let mut result = Map::default();
        if operation == Operation::Union {
            for (source, weight) in &self.sources {
                for (member, score) in source.members() {
                    let score = number(score * weight);
                    let score = result
                        .get(&member)
                        .map_or(score, |sum| self.aggregate.of(*sum, score));
                    result.insert(member, score);
                }
            }
            return result;
        }
        let Some(((first, weight), others)) = self.sources.split_first() else {
            return result;
        };
        for (member, score) in first.members() {
            let found = if operation == Operation::Diff {
                others
                    .iter()
                    .all(|(other, _)| other.score(&member).is_none())
                    .then_some(score)
            } else {
                others
                    .iter()
                    .try_fold(number(score * weight), |sum, (other, weight)| {
                        Some(self.aggregate.of(sum, other.score(&member)? * weight))
                    })
            };
            if let Some(score) = found {
                result.insert(member, score);
                if result.len() == limit {
                    break;
                }
            }
        }
        result
    }
}

fn combine(call: &mut Call<'_>, operation: Operation) -> Result<(), Failure> {
    let args = call.args;
    let mut plan = sources(call, &args[1..])?;
    let scores = plan.options(operation, false)?;
    let result = ordered(&plan.combine(operation, usize::MAX));
    let members = result.iter().map(|(score, member)| (&member[..], *score));
    call.members(members, scores);
    Ok(())
}

fn combine_store(call: &mut Call<'_>, operation: Operation) -> Result<(), Failure> {
    let args = call.args;
    let mut plan = sources(call, &args[2..])?;
    plan.options(operation, true)?;
    let result = plan.combine(operation, usize::MAX);
    let event = match operation {
        Operation::Union => "zunionstore",
        Operation::Inter => "zinterstore",
        Operation::Diff => "zdiffstore",
    };
    call.store_result(&args[1], Value::zset(result.into()), ('z', event), true);
    Ok(())
}

pub fn zunion(call: &mut Call<'_>) -> Result<(), Failure> {
    combine(call, Operation::Union)
}

pub fn zinter(call: &mut Call<'_>) -> Result<(), Failure> {
    combine(call, Operation::Inter)
}

pub fn zdiff(call: &mut Call<'_>) -> Result<(), Failure> {
    combine(call, Operation::Diff)
}

pub fn zunionstore(call: &mut Call<'_>) -> Result<(), Failure> {
    combine_store(call, Operation::Union)
}

pub fn zinterstore(call: &mut Call<'_>) -> Result<(), Failure> {
    combine_store(call, Operation::Inter)
}

pub fn zdiffstore(call: &mut Call<'_>) -> Result<(), Failure> {
    combine_store(call, Operation::Diff)
}

pub fn zintercard(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let plan = sources(call, &args[1..])?;
    let limit = at_most(plan.rest)?;
    let found = plan.combine(Operation::Inter, limit).len();
    call.integer(found as i64);
    Ok(())
}
