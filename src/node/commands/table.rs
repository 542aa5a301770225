//! The table of data commands: what `COMMAND` would say of each.

use super::flag::{DENYOOM, FAST, READONLY, WRITE};
use super::support::{is, wrong_arity};
use super::{
    DataFn, Failure, Handler, Spec, bits, geo, hashes, keys, lists, scan, sets, sort, streams,
    strings, zsets,
};
use crate::wire::Bytes;

const fn row(
    name: &'static str,
    arity: i32,
    flags: u16,
    keys: (i32, i32, i32),
    hint: &'static str,
    run: DataFn,
) -> Spec {
    Spec {
        name,
        arity,
        flags,
        keys,
        hint,
        handler: Handler::Data(run),
    }
}

/// A data command by its name in any case.
pub fn lookup(name: &[u8]) -> Option<&'static Spec> {
    let lower = |b: &u8| b.to_ascii_lowercase();
    let found = DATA.binary_search_by(|spec| spec.name.bytes().cmp(name.iter().map(lower)));
    found.ok().and_then(|place| DATA.get(place))
}

/// Subcommands and their arity, of the commands that have some.
const SUBCOMMANDS: &[(&str, &str, i32)] = &[
    ("object", "encoding", 3),
    ("object", "freq", 3),
    ("object", "help", 2),
    ("object", "idletime", 3),
    ("object", "refcount", 3),
    ("xgroup", "create", -5),
    ("xgroup", "createconsumer", 5),
    ("xgroup", "delconsumer", 5),
    ("xgroup", "destroy", 4),
    ("xgroup", "help", 2),
    ("xgroup", "setid", -5),
    ("xinfo", "consumers", 4),
    ("xinfo", "groups", 3),
    ("xinfo", "help", 2),
    ("xinfo", "stream", -3),
];

/// Checks the subcommand, which Redis does before anything else about the command.
///
/// # Errors
///
/// There is no such subcommand, or it has too few or too many arguments.
pub fn subcommand(spec: &Spec, args: &[Bytes]) -> Result<(), Failure> {
    let mut of = SUBCOMMANDS
        .iter()
        .filter(|row| row.0 == spec.name)
        .peekable();
    let Some(given) = args.get(1).filter(|_| of.peek().is_some()) else {
        return Ok(());
    };
    let Some((_, name, arity)) = of.find(|row| is(given, row.1)) else {
        return Err(format!(
            "ERR unknown subcommand '{:.128}'. Try {} HELP.",
            String::from_utf8_lossy(given),
            spec.name.to_ascii_uppercase()
        ));
    };
    let count = args.len() as i32;
    if count == *arity || *arity < 0 && count >= -arity {
        Ok(())
    } else {
        Err(wrong_arity(&format!("{}|{name}", spec.name)))
    }
}

/// All data commands, by name. Where keys follow a number of keys there is no first key here.
#[rustfmt::skip]
pub static DATA: &[Spec] = &[
    row("append", 3, WRITE | DENYOOM | FAST, (1, 1, 1), "key value", strings::append),
    row("bitcount", -2, READONLY, (1, 1, 1), "key [start end [BYTE|BIT]]", bits::bitcount),
    row("bitfield", -2, WRITE | DENYOOM, (1, 1, 1), "key [GET encoding offset|[OVERFLOW WRAP|SAT|FAIL] SET encoding offset value|INCRBY encoding offset increment ...]", bits::bitfield),
    row("bitfield_ro", -2, READONLY | FAST, (1, 1, 1), "key [GET encoding offset ...]", bits::bitfield_ro),
    row("bitop", -4, WRITE | DENYOOM, (2, -1, 1), "operation destkey key [key ...]", bits::bitop),
    row("bitpos", -3, READONLY, (1, 1, 1), "key bit [start [end [BYTE|BIT]]]", bits::bitpos),
    row("copy", -3, WRITE | DENYOOM, (1, 2, 1), "source destination [DB destination-db] [REPLACE]", keys::copy),
    row("dbsize", 1, READONLY | FAST, (0, 0, 0), "", keys::dbsize),
    row("decr", 2, WRITE | DENYOOM | FAST, (1, 1, 1), "key", strings::decr),
    row("decrby", 3, WRITE | DENYOOM | FAST, (1, 1, 1), "key decrement", strings::decrby),
    row("del", -2, WRITE, (1, -1, 1), "key [key ...]", keys::del),
    row("dump", 2, READONLY, (1, 1, 1), "key", sort::dump),
    row("exists", -2, READONLY | FAST, (1, -1, 1), "key [key ...]", keys::exists),
    row("expire", -3, WRITE | FAST, (1, 1, 1), "key seconds [NX|XX|GT|LT]", keys::expire),
    row("expireat", -3, WRITE | FAST, (1, 1, 1), "key unix-time-seconds [NX|XX|GT|LT]", keys::expireat),
    row("expiretime", 2, READONLY | FAST, (1, 1, 1), "key", keys::expiretime),
    row("flushall", -1, WRITE, (0, 0, 0), "[ASYNC|SYNC]", keys::flushall),
    row("flushdb", -1, WRITE, (0, 0, 0), "[ASYNC|SYNC]", keys::flushdb),
    row("geoadd", -5, WRITE | DENYOOM, (1, 1, 1), "key [NX|XX] [CH] longitude latitude member [longitude latitude member ...]", geo::geoadd),
    row("geodist", -4, READONLY, (1, 1, 1), "key member1 member2 [M|KM|FT|MI]", geo::geodist),
    row("geohash", -2, READONLY, (1, 1, 1), "key [member [member ...]]", geo::geohash),
    row("geopos", -2, READONLY, (1, 1, 1), "key [member [member ...]]", geo::geopos),
    row("georadius", -6, WRITE | DENYOOM, (1, 1, 1), "key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]", geo::georadius::<false, true>),
    row("georadius_ro", -6, READONLY, (1, 1, 1), "key longitude latitude radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]", geo::georadius::<false, false>),
    row("georadiusbymember", -5, WRITE | DENYOOM, (1, 1, 1), "key member radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC] [STORE key|STOREDIST key]", geo::georadius::<true, true>),
    row("georadiusbymember_ro", -5, READONLY, (1, 1, 1), "key member radius M|KM|FT|MI [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]", geo::georadius::<true, false>),
    row("geosearch", -7, READONLY, (1, 1, 1), "key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius unit|BYBOX width height unit [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]", geo::geosearch),
    row("geosearchstore", -8, WRITE | DENYOOM, (1, 2, 1), "destination source FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius unit|BYBOX width height unit [ASC|DESC] [COUNT count [ANY]] [STOREDIST]", geo::geosearchstore),
    row("get", 2, READONLY | FAST, (1, 1, 1), "key", strings::get),
    row("getbit", 3, READONLY | FAST, (1, 1, 1), "key offset", bits::getbit),
    row("getdel", 2, WRITE | FAST, (1, 1, 1), "key", strings::getdel),
    row("getex", -2, WRITE | FAST, (1, 1, 1), "key [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|PERSIST]", strings::getex),
    row("getrange", 4, READONLY, (1, 1, 1), "key start end", strings::getrange),
    row("getset", 3, WRITE | DENYOOM | FAST, (1, 1, 1), "key value", strings::getset),
    row("hdel", -3, WRITE | FAST, (1, 1, 1), "key field [field ...]", hashes::hdel),
    row("hexists", 3, READONLY | FAST, (1, 1, 1), "key field", hashes::hexists),
    row("hget", 3, READONLY | FAST, (1, 1, 1), "key field", hashes::hget),
    row("hgetall", 2, READONLY, (1, 1, 1), "key", hashes::hgetall),
    row("hincrby", 4, WRITE | DENYOOM | FAST, (1, 1, 1), "key field increment", hashes::hincrby),
    row("hincrbyfloat", 4, WRITE | DENYOOM | FAST, (1, 1, 1), "key field increment", hashes::hincrbyfloat),
    row("hkeys", 2, READONLY, (1, 1, 1), "key", hashes::hkeys),
    row("hlen", 2, READONLY | FAST, (1, 1, 1), "key", hashes::hlen),
    row("hmget", -3, READONLY | FAST, (1, 1, 1), "key field [field ...]", hashes::hmget),
    row("hmset", -4, WRITE | DENYOOM | FAST, (1, 1, 1), "key field value [field value ...]", hashes::hmset),
    row("hrandfield", -2, READONLY, (1, 1, 1), "key [count [WITHVALUES]]", hashes::hrandfield),
    row("hscan", -3, READONLY, (1, 1, 1), "key cursor [MATCH pattern] [COUNT count]", scan::hscan),
    row("hset", -4, WRITE | DENYOOM | FAST, (1, 1, 1), "key field value [field value ...]", hashes::hset),
    row("hsetnx", 4, WRITE | DENYOOM | FAST, (1, 1, 1), "key field value", hashes::hsetnx),
    row("hstrlen", 3, READONLY | FAST, (1, 1, 1), "key field", hashes::hstrlen),
    row("hvals", 2, READONLY, (1, 1, 1), "key", hashes::hvals),
    row("incr", 2, WRITE | DENYOOM | FAST, (1, 1, 1), "key", strings::incr),
    row("incrby", 3, WRITE | DENYOOM | FAST, (1, 1, 1), "key increment", strings::incrby),
    row("incrbyfloat", 3, WRITE | DENYOOM | FAST, (1, 1, 1), "key increment", strings::incrbyfloat),
    row("keys", 2, READONLY, (0, 0, 0), "pattern", keys::keys),
    row("lcs", -3, READONLY, (1, 2, 1), "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]", bits::lcs),
    row("lindex", 3, READONLY, (1, 1, 1), "key index", lists::lindex),
    row("linsert", 5, WRITE | DENYOOM, (1, 1, 1), "key BEFORE|AFTER pivot element", lists::linsert),
    row("llen", 2, READONLY | FAST, (1, 1, 1), "key", lists::llen),
    row("lmove", 5, WRITE | DENYOOM, (1, 2, 1), "source destination LEFT|RIGHT LEFT|RIGHT", lists::lmove),
    row("lmpop", -4, WRITE, (0, 0, 0), "numkeys key [key ...] LEFT|RIGHT [COUNT count]", lists::lmpop),
    row("lpop", -2, WRITE | FAST, (1, 1, 1), "key [count]", lists::lpop),
    row("lpos", -3, READONLY, (1, 1, 1), "key element [RANK rank] [COUNT num-matches] [MAXLEN len]", lists::lpos),
    row("lpush", -3, WRITE | DENYOOM | FAST, (1, 1, 1), "key element [element ...]", lists::lpush),
    row("lpushx", -3, WRITE | DENYOOM | FAST, (1, 1, 1), "key element [element ...]", lists::lpushx),
    row("lrange", 4, READONLY, (1, 1, 1), "key start stop", lists::lrange),
    row("lrem", 4, WRITE, (1, 1, 1), "key count element", lists::lrem),
    row("lset", 4, WRITE | DENYOOM, (1, 1, 1), "key index element", lists::lset),
    row("ltrim", 4, WRITE, (1, 1, 1), "key start stop", lists::ltrim),
    row("mget", -2, READONLY | FAST, (1, -1, 1), "key [key ...]", strings::mget),
    row("move", 3, WRITE | FAST, (1, 1, 1), "key db", keys::move_key),
    row("mset", -3, WRITE | DENYOOM, (1, -1, 2), "key value [key value ...]", strings::mset),
    row("msetnx", -3, WRITE | DENYOOM, (1, -1, 2), "key value [key value ...]", strings::msetnx),
    row("object", -2, READONLY, (2, 2, 1), "", keys::object),
    row("persist", 2, WRITE | FAST, (1, 1, 1), "key", keys::persist),
    row("pexpire", -3, WRITE | FAST, (1, 1, 1), "key milliseconds [NX|XX|GT|LT]", keys::pexpire),
    row("pexpireat", -3, WRITE | FAST, (1, 1, 1), "key unix-time-milliseconds [NX|XX|GT|LT]", keys::pexpireat),
    row("pexpiretime", 2, READONLY | FAST, (1, 1, 1), "key", keys::pexpiretime),
    row("psetex", 4, WRITE | DENYOOM, (1, 1, 1), "key milliseconds value", strings::psetex),
    row("pttl", 2, READONLY | FAST, (1, 1, 1), "key", keys::pttl),
    row("randomkey", 1, READONLY, (0, 0, 0), "", keys::randomkey),
    row("rename", 3, WRITE, (1, 2, 1), "key newkey", keys::rename),
    row("renamenx", 3, WRITE | FAST, (1, 2, 1), "key newkey", keys::renamenx),
    row("restore", -4, WRITE | DENYOOM, (1, 1, 1), "key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]", sort::restore),
    row("rpop", -2, WRITE | FAST, (1, 1, 1), "key [count]", lists::rpop),
    row("rpoplpush", 3, WRITE | DENYOOM, (1, 2, 1), "source destination", lists::rpoplpush),
    row("rpush", -3, WRITE | DENYOOM | FAST, (1, 1, 1), "key element [element ...]", lists::rpush),
    row("rpushx", -3, WRITE | DENYOOM | FAST, (1, 1, 1), "key element [element ...]", lists::rpushx),
    row("sadd", -3, WRITE | DENYOOM | FAST, (1, 1, 1), "key member [member ...]", sets::sadd),
    row("scan", -2, READONLY, (0, 0, 0), "cursor [MATCH pattern] [COUNT count] [TYPE type]", scan::scan),
    row("scard", 2, READONLY | FAST, (1, 1, 1), "key", sets::scard),
    row("sdiff", -2, READONLY, (1, -1, 1), "key [key ...]", sets::sdiff),
    row("sdiffstore", -3, WRITE | DENYOOM, (1, -1, 1), "destination key [key ...]", sets::sdiffstore),
    row("set", -3, WRITE | DENYOOM, (1, 1, 1), "key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]", strings::set),
    row("setbit", 4, WRITE | DENYOOM, (1, 1, 1), "key offset value", bits::setbit),
    row("setex", 4, WRITE | DENYOOM, (1, 1, 1), "key seconds value", strings::setex),
    row("setnx", 3, WRITE | DENYOOM | FAST, (1, 1, 1), "key value", strings::setnx),
    row("setrange", 4, WRITE | DENYOOM, (1, 1, 1), "key offset value", strings::setrange),
    row("sinter", -2, READONLY, (1, -1, 1), "key [key ...]", sets::sinter),
    row("sintercard", -3, READONLY, (0, 0, 0), "numkeys key [key ...] [LIMIT limit]", sets::sintercard),
    row("sinterstore", -3, WRITE | DENYOOM, (1, -1, 1), "destination key [key ...]", sets::sinterstore),
    row("sismember", 3, READONLY | FAST, (1, 1, 1), "key member", sets::sismember),
    row("smembers", 2, READONLY, (1, 1, 1), "key", sets::smembers),
    row("smismember", -3, READONLY | FAST, (1, 1, 1), "key member [member ...]", sets::smismember),
    row("smove", 4, WRITE | FAST, (1, 2, 1), "source destination member", sets::smove),
    row("sort", -2, WRITE | DENYOOM, (1, 1, 1), "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA] [STORE destination]", sort::sort),
    row("sort_ro", -2, READONLY, (1, 1, 1), "key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA]", sort::sort_ro),
    row("spop", -2, WRITE | FAST, (1, 1, 1), "key [count]", sets::spop),
    row("srandmember", -2, READONLY, (1, 1, 1), "key [count]", sets::srandmember),
    row("srem", -3, WRITE | FAST, (1, 1, 1), "key member [member ...]", sets::srem),
    row("sscan", -3, READONLY, (1, 1, 1), "key cursor [MATCH pattern] [COUNT count]", scan::sscan),
    row("strlen", 2, READONLY | FAST, (1, 1, 1), "key", strings::strlen),
    row("substr", 4, READONLY, (1, 1, 1), "key start end", strings::getrange),
    row("sunion", -2, READONLY, (1, -1, 1), "key [key ...]", sets::sunion),
    row("sunionstore", -3, WRITE | DENYOOM, (1, -1, 1), "destination key [key ...]", sets::sunionstore),
    row("swapdb", 3, WRITE | FAST, (0, 0, 0), "index1 index2", keys::swapdb),
    row("touch", -2, READONLY | FAST, (1, -1, 1), "key [key ...]", keys::exists),
    row("ttl", 2, READONLY | FAST, (1, 1, 1), "key", keys::ttl),
    row("type", 2, READONLY | FAST, (1, 1, 1), "key", keys::kind),
    row("unlink", -2, WRITE | FAST, (1, -1, 1), "key [key ...]", keys::del),
    row("xack", -4, WRITE | FAST, (1, 1, 1), "key group id [id ...]", streams::xack),
    row("xadd", -5, WRITE | DENYOOM | FAST, (1, 1, 1), "key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]", streams::xadd),
    row("xautoclaim", -6, WRITE | FAST, (1, 1, 1), "key group consumer min-idle-time start [COUNT count] [JUSTID]", streams::xautoclaim),
    row("xclaim", -6, WRITE | FAST, (1, 1, 1), "key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds] [RETRYCOUNT count] [FORCE] [JUSTID]", streams::xclaim),
    row("xdel", -3, WRITE | FAST, (1, 1, 1), "key id [id ...]", streams::xdel),
    row("xgroup", -2, WRITE | DENYOOM, (2, 2, 1), "CREATE|CREATECONSUMER|DELCONSUMER|DESTROY|SETID key group ...", streams::xgroup),
    row("xinfo", -2, READONLY, (2, 2, 1), "CONSUMERS|GROUPS|STREAM key ...", streams::xinfo),
    row("xlen", 2, READONLY | FAST, (1, 1, 1), "key", streams::xlen),
    row("xpending", -3, READONLY, (1, 1, 1), "key group [[IDLE min-idle-time] start end count [consumer]]", streams::xpending),
    row("xrange", -4, READONLY, (1, 1, 1), "key start end [COUNT count]", streams::xrange),
    row("xread", -4, READONLY, (0, 0, 0), "[COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]", streams::xread),
    row("xreadgroup", -7, WRITE, (0, 0, 0), "GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...] id [id ...]", streams::xreadgroup),
    row("xrevrange", -4, READONLY, (1, 1, 1), "key end start [COUNT count]", streams::xrevrange),
    row("xsetid", -3, WRITE | DENYOOM | FAST, (1, 1, 1), "key last-id [ENTRIESADDED entries_added] [MAXDELETEDID max_deleted_entry_id]", streams::xsetid),
    row("xtrim", -4, WRITE, (1, 1, 1), "key MAXLEN|MINID [=|~] threshold [LIMIT count]", streams::xtrim),
    row("zadd", -4, WRITE | DENYOOM | FAST, (1, 1, 1), "key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]", zsets::zadd),
    row("zcard", 2, READONLY | FAST, (1, 1, 1), "key", zsets::zcard),
    row("zcount", 4, READONLY | FAST, (1, 1, 1), "key min max", zsets::zcount),
    row("zdiff", -3, READONLY, (0, 0, 0), "numkeys key [key ...] [WITHSCORES]", zsets::zdiff),
    row("zdiffstore", -4, WRITE | DENYOOM, (1, 1, 1), "destination numkeys key [key ...]", zsets::zdiffstore),
    row("zincrby", 4, WRITE | DENYOOM | FAST, (1, 1, 1), "key increment member", zsets::zincrby),
    row("zinter", -3, READONLY, (0, 0, 0), "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]", zsets::zinter),
    row("zintercard", -3, READONLY, (0, 0, 0), "numkeys key [key ...] [LIMIT limit]", zsets::zintercard),
    row("zinterstore", -4, WRITE | DENYOOM, (1, 1, 1), "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX]", zsets::zinterstore),
    row("zlexcount", 4, READONLY | FAST, (1, 1, 1), "key min max", zsets::zlexcount),
    row("zmpop", -4, WRITE, (0, 0, 0), "numkeys key [key ...] MIN|MAX [COUNT count]", zsets::zmpop),
    row("zmscore", -3, READONLY | FAST, (1, 1, 1), "key member [member ...]", zsets::zmscore),
    row("zpopmax", -2, WRITE | FAST, (1, 1, 1), "key [count]", zsets::zpopmax),
    row("zpopmin", -2, WRITE | FAST, (1, 1, 1), "key [count]", zsets::zpopmin),
    row("zrandmember", -2, READONLY, (1, 1, 1), "key [count [WITHSCORES]]", zsets::zrandmember),
    row("zrange", -4, READONLY, (1, 1, 1), "key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]", zsets::zrange),
    row("zrangebylex", -4, READONLY, (1, 1, 1), "key min max [LIMIT offset count]", zsets::zrangebylex),
    row("zrangebyscore", -4, READONLY, (1, 1, 1), "key min max [WITHSCORES] [LIMIT offset count]", zsets::zrangebyscore),
    row("zrangestore", -5, WRITE | DENYOOM, (1, 2, 1), "dst src min max [BYSCORE|BYLEX] [REV] [LIMIT offset count]", zsets::zrangestore),
    row("zrank", 3, READONLY | FAST, (1, 1, 1), "key member", zsets::zrank),
    row("zrem", -3, WRITE | FAST, (1, 1, 1), "key member [member ...]", zsets::zrem),
    row("zremrangebylex", 4, WRITE, (1, 1, 1), "key min max", zsets::zremrangebylex),
    row("zremrangebyrank", 4, WRITE, (1, 1, 1), "key start stop", zsets::zremrangebyrank),
    row("zremrangebyscore", 4, WRITE, (1, 1, 1), "key min max", zsets::zremrangebyscore),
    row("zrevrange", -4, READONLY, (1, 1, 1), "key start stop [WITHSCORES]", zsets::zrevrange),
    row("zrevrangebylex", -4, READONLY, (1, 1, 1), "key max min [LIMIT offset count]", zsets::zrevrangebylex),
    row("zrevrangebyscore", -4, READONLY, (1, 1, 1), "key max min [WITHSCORES] [LIMIT offset count]", zsets::zrevrangebyscore),
    row("zrevrank", 3, READONLY | FAST, (1, 1, 1), "key member", zsets::zrevrank),
    row("zscan", -3, READONLY, (1, 1, 1), "key cursor [MATCH pattern] [COUNT count]", scan::zscan),
    row("zscore", 3, READONLY | FAST, (1, 1, 1), "key member", zsets::zscore),
    row("zunion", -3, READONLY, (0, 0, 0), "numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]", zsets::zunion),
    row("zunionstore", -4, WRITE | DENYOOM, (1, 1, 1), "destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX]", zsets::zunionstore),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_command_is_found() {
        assert!(DATA.is_sorted_by(|a, b| a.name < b.name));
        assert!(DATA.iter().all(|spec| {
            lookup(spec.name.to_ascii_uppercase().as_bytes()).is_some_and(|s| s.name == spec.name)
        }));
        assert!(lookup(b"nosuch").is_none() && lookup(b"").is_none());
    }
}
