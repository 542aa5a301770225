//! Places on earth: members of a sorted set whose scores are 52 bits, longitude and latitude interleaved. A search looks
//! into the square of the map that has the center and into its neighbours, in Redis's order.

use super::number::double;
use super::support::{NOT_FLOAT, SYNTAX, fail, int, is, size, word};
use super::{Call, Failure, Propagate, zsets};
use crate::node::keyspace::{Map, Shared, Value, Zset};
use crate::wire::Bytes;
use crate::wire::rdb::number::fixed;

const LAT_MAX: f64 = 85.05112878;
const LON_MAX: f64 = 180.0;
const EARTH_RADIUS_M: f64 = 6_372_797.560856;
/// Bits of a longitude or a latitude in a score.
const STEP_MAX: u32 = 26;
/// Half of the way around, where the map of Mercator ends, in metres.
const MERCATOR_MAX: f64 = 20_037_726.37;
const NO_MEMBER: &str = "ERR could not decode requested zset member";
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// Longitude and latitude in degrees.
#[derive(Clone, Copy)]
struct Place(f64, f64);

/// `n` spread over every second bit. The easternmost longitude needs one bit more than 26.
fn spread(n: u64) -> u64 {
    (0..32).fold(0, |out, bit| out | (n >> bit & 1) << (2 * bit))
}

fn gather(n: u64) -> f64 {
    (0..32).fold(0, |out, bit| out | (n >> (2 * bit) & 1) << bit) as f64
}

impl Place {
    fn parse(lon: &[u8], lat: &[u8]) -> Result<Self, Failure> {
        let lon = double(lon).ok_or(NOT_FLOAT)?;
        let lat = double(lat).ok_or(NOT_FLOAT)?;
        if lon.abs() <= LON_MAX && lat.abs() <= LAT_MAX {
            Ok(Self(lon, lat))
        } else {
            Err(format!(
                "ERR invalid longitude,latitude pair {},{}",
                fixed(lon, 6),
                fixed(lat, 6)
            ))
        }
    }

    fn bits(self, lat_max: f64, step: u32) -> u64 {
        let part = |n: f64, max: f64| ((n + max) / (2.0 * max) * (1u64 << step) as f64) as u64;
        spread(part(self.1, lat_max)) | spread(part(self.0, LON_MAX)) << 1
    }

    fn of(score: f64) -> Self {
        let square = Square {
            bits: score as u64,
            step: STEP_MAX,
        };
        let middle = |(a, b): (f64, f64), max: f64| ((a + b) / 2.0).max(-max).min(max);
        Self(
            middle(square.longitudes(), LON_MAX),
            middle(square.latitudes(), LAT_MAX),
        )
    }

    /// Metres, on a ball.
    fn distance(self, to: Self) -> f64 {
        let v = sin((to.0.to_radians() - self.0.to_radians()) / 2.0);
        let (a, b) = (self.1.to_radians(), to.1.to_radians());
        if v == 0.0 {
            return EARTH_RADIUS_M * (b - a).abs();
        }
        let u = sin((b - a) / 2.0);
        2.0 * EARTH_RADIUS_M * (u * u + cos(a) * cos(b) * v * v).sqrt().asin()
    }
}

/// As Redis's, to the last bit.
#[cfg(not(target_arch = "wasm32"))]
fn sin(x: f64) -> f64 {
    x.sin()
}

/// There the standard library's also takes millions of turns, at the price of a table. The last bit may differ.
#[cfg(target_arch = "wasm32")]
fn sin(x: f64) -> f64 {
    use std::f64::consts::{FRAC_PI_2, PI};
    let x = if x.abs() > PI { x % (2.0 * PI) } else { x };
    let x = if x.abs() > PI {
        x - (2.0 * PI).copysign(x)
    } else {
        x
    };
    let x = if x.abs() > FRAC_PI_2 {
        PI.copysign(x) - x
    } else {
        x
    };
    let mut series = 1.0;
    for n in (1..12).rev() {
        let k = f64::from(2 * n);
        series = 1.0 - x * x / (k * (k + 1.0)) * series;
    }
    x * series
}

#[cfg(not(target_arch = "wasm32"))]
fn cos(x: f64) -> f64 {
    x.cos()
}

#[cfg(target_arch = "wasm32")]
fn cos(x: f64) -> f64 {
    sin(std::f64::consts::FRAC_PI_2 - x.abs())
}

/// A part of the map: all places whose longitude and latitude begin with the same bits.
#[derive(Clone, Copy, PartialEq)]
struct Square {
    bits: u64,
    /// How many bits of each.
    step: u32,
}

impl Square {
    fn at(place: Place, step: u32) -> Self {
        let bits = place.bits(LAT_MAX, step);
        Self { bits, step }
    }

    /// West and east.
    fn longitudes(self) -> (f64, f64) {
        self.edges(self.bits >> 1, LON_MAX)
    }

    /// South and north.
    fn latitudes(self) -> (f64, f64) {
        self.edges(self.bits, LAT_MAX)
    }

    fn edges(self, bits: u64, max: f64) -> (f64, f64) {
        let (n, all) = (gather(bits), (1u64 << self.step) as f64);
        let edge = |n: f64| -max + n / all * (2.0 * max);
        (edge(n), edge(n + 1.0))
    }

    /// The one so many squares to the east and to the north: -1, 0 or 1.
    fn beside(self, east: i32, north: i32) -> Self {
        let all = u64::MAX >> (64 - 2 * self.step);
        let axis = |mask: u64, by: i32| {
            let (own, others) = (self.bits & mask, !mask & all);
            match by {
                0 => own,
                1 => own.wrapping_add(others + 1) & mask & all,
                _ => (own | others).wrapping_sub(others + 1) & mask & all,
            }
        };
        let bits = axis(u64::MAX / 3 * 2, east) | axis(u64::MAX / 3, north);
        Self { bits, ..self }
    }

    /// The members in it, by rank.
    fn ranks(self, zset: &Zset) -> (usize, usize) {
        let below = |bits: u64| {
            let score = (bits << (2 * (STEP_MAX - self.step))) as f64;
            zset.leading(&|s, _| s < score)
        };
        (below(self.bits), below(self.bits + 1))
    }
}

/// The squares in which a search looks, in Redis's order (`geohashCalculateAreasByShapeWGS84`).
fn squares(center: Place, shape: Shape) -> Vec<Square> {
    let (width, height) = match shape {
        Shape::Circle(radius) => (radius, radius),
        Shape::Box(width, height) => (width, height),
    };
    let radius = match shape {
        Shape::Circle(radius) => radius,
        Shape::Box(..) => (width * width + height * height).sqrt(),
    };
    let Place(lon, lat) = center;
    let lat_by = (height / EARTH_RADIUS_M).to_degrees();
    // The side that is nearer to the pole: there is more longitude in a metre.
    let side = if lat < 0.0 {
        lat - lat_by
    } else {
        lat + lat_by
    };
    let lon_by = (width / EARTH_RADIUS_M / cos(side.to_radians())).to_degrees();
    let (west, east, south, north) = (lon - lon_by, lon + lon_by, lat - lat_by, lat + lat_by);
    let mut square = Square::at(center, step_for(radius, lat));
    let too_small = square.beside(0, 1).latitudes().1 < north
        || square.beside(0, -1).latitudes().0 > south
        || square.beside(1, 0).longitudes().1 < east
        || square.beside(-1, 0).longitudes().0 > west;
    if square.step > 1 && too_small {
        square = Square::at(center, square.step - 1);
    }
    let ((w, e), (s, n)) = (square.longitudes(), square.latitudes());
    let order = [
        (0, 0),
        (0, 1),
        (0, -1),
        (1, 0),
        (-1, 0),
        (1, 1),
        (-1, 1),
        (1, -1),
        (-1, -1),
    ];
    let needed = order.into_iter().filter(|(x, y)| {
        square.step < 2
            || !(*y < 0 && s < south
                || *y > 0 && n > north
                || *x < 0 && w < west
                || *x > 0 && e > east)
    });
    let mut squares: Vec<_> = needed.map(|(x, y)| square.beside(x, y)).collect();
    squares.dedup();
    squares
}

/// How fine a square is with whose neighbours a circle is covered (`geohashEstimateStepsByRadius`).
fn step_for(radius: f64, lat: f64) -> u32 {
    if radius == 0.0 {
        return STEP_MAX;
    }
    let (mut range, mut step) = (radius, -1);
    while range < MERCATOR_MAX {
        range *= 2.0;
        step += 1;
    }
    step -= i32::from(lat.abs() > 66.0) + i32::from(lat.abs() > 80.0);
    step.clamp(1, STEP_MAX as i32) as u32
}

fn zset(call: &mut Call<'_>, key: &Bytes) -> Result<Option<Shared<Zset>>, Failure> {
    call.read::<Zset>(key)
}

fn unit(arg: &[u8]) -> Result<f64, Failure> {
    let units = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
    let found = units.into_iter().find(|(name, _)| is(arg, name));
    found
        .map(|(_, metres)| metres)
        .ok_or_else(|| "ERR unsupported unit provided. please use M, KM, FT, MI".to_owned())
}

impl Call<'_> {
    fn place(&mut self, place: Place) {
        self.array(2);
        for n in [place.0, place.1] {
            let text = fixed(n, 17);
            self.reply
                .number(text.trim_end_matches('0').trim_end_matches('.'));
        }
    }

    fn distance(&mut self, n: f64) {
        self.bulk(fixed(n, 4).as_bytes());
    }
}

// --- single places ---------------------------------------------------------------------------------------------------

/// Becomes a `zadd`, also in the replication stream.
pub fn geoadd(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let options = args[2..]
        .iter()
        .take_while(|arg| ["NX", "XX", "CH"].iter().any(|name| is(arg, name)))
        .count();
    let (options, places) = args[2..].split_at(options);
    let has = |name: &str| options.iter().any(|arg| is(arg, name));
    if places.len() % 3 != 0 || has("NX") && has("XX") {
        return fail(SYNTAX);
    }
    let mut sent = vec![word("zadd"), args[1].clone()];
    sent.extend_from_slice(options);
    for place in places.chunks_exact(3) {
        let bits = Place::parse(&place[0], &place[1])?.bits(LAT_MAX, STEP_MAX);
        sent.extend([word(&bits.to_string()), place[2].clone()]);
    }
    let mut inner = Call {
        args: &sent,
        db: call.db,
        now_ms: call.now_ms,
        expired: call.expired,
        keyspace: call.keyspace,
        rng: call.rng,
        reply: call.reply,
        dirty: 0,
        hits: 0,
        misses: 0,
        before: vec![],
        propagate: Propagate::Verbatim,
        wait: None,
        touch: call.touch,
        share_numbers: call.share_numbers,
        lazy: None,
        notices: call.notices.take(),
    };
    let done = zsets::zadd(&mut inner);
    let (dirty, before) = (inner.dirty, inner.before);
    call.notices = inner.notices;
    call.dirty += dirty;
    call.before.extend(before);
    call.instead(sent);
    done
}

pub fn geopos(call: &mut Call<'_>) -> Result<(), Failure> {
    let members = &call.args[2..];
    let zset = zset(call, &call.args[1])?.unwrap_or_default();
    call.array(members.len());
    for member in members {
        match zset.score(member) {
            Some(score) => call.place(Place::of(score)),
            None => call.nil_array(),
        }
    }
    Ok(())
}

pub fn geohash(call: &mut Call<'_>) -> Result<(), Failure> {
    let members = &call.args[2..];
    let zset = zset(call, &call.args[1])?.unwrap_or_default();
    call.array(members.len());
    for member in members {
        let Some(score) = zset.score(member) else {
            call.nil();
            continue;
        };
        // the usual geohash has all 90 degrees; of its 55 bits 52 are known, and the last character is always 0
        let bits = Place::of(score).bits(90.0, STEP_MAX);
        let mut text = [b'0'; 11];
        for (i, letter) in text.iter_mut().take(10).enumerate() {
            *letter = ALPHABET[(bits >> (47 - 5 * i) & 31) as usize];
        }
        call.bulk(&text);
    }
    Ok(())
}

pub fn geodist(call: &mut Call<'_>) -> Result<(), Failure> {
    let args = call.args;
    let metres = match &args[4..] {
        [] => 1.0,
        [name] => unit(name)?,
        _ => return fail(SYNTAX),
    };
    let zset = zset(call, &args[1])?.unwrap_or_default();
    match (zset.score(&args[2]), zset.score(&args[3])) {
        (Some(a), Some(b)) => call.distance(Place::of(a).distance(Place::of(b)) / metres),
        _ => call.nil(),
    }
    Ok(())
}

// --- search ----------------------------------------------------------------------------------------------------------

#[derive(Clone, Copy)]
enum Shape {
    Circle(f64),
    /// Half of the width and of the height.
    Box(f64, f64),
}

/// A number and a unit that a search has, in metres.
fn length(arg: &[u8], what: &str) -> Result<f64, Failure> {
    double(arg).ok_or_else(|| format!("ERR need numeric {what}"))
}

fn circle(args: &[Bytes]) -> Result<(Shape, f64), Failure> {
    let radius = length(&args[0], "radius")?;
    if radius < 0.0 {
        return fail("ERR radius cannot be negative");
    }
    let metres = unit(&args[1])?;
    Ok((Shape::Circle(radius * metres), metres))
}

fn rectangle(args: &[Bytes]) -> Result<(Shape, f64), Failure> {
    let (width, height) = (length(&args[0], "width")?, length(&args[1], "height")?);
    if width < 0.0 || height < 0.0 {
        return fail("ERR height or width cannot be negative");
    }
    let metres = unit(&args[2])?;
    let shape = Shape::Box(width * metres / 2.0, height * metres / 2.0);
    Ok((shape, metres))
}

/// Which of the six commands it is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Radius { member: bool, store: bool },
    Search { store: bool },
}

fn search(call: &mut Call<'_>, kind: Kind) -> Result<(), Failure> {
    let args = call.args;
    let searching = matches!(kind, Kind::Search { .. });
    let storing = kind == (Kind::Search { store: true });
    let mut store = storing.then_some(&args[1]);
    let zset = zset(call, &args[if storing { 2 } else { 1 }])?;
    let member = |name: &[u8]| match &zset {
        None => Ok(Place(0.0, 0.0)),
        Some(zset) => zset.score(name).map(Place::of).ok_or(NO_MEMBER),
    };
    let (mut center, mut from_member, mut shape, mut rest) = match kind {
        Kind::Radius { member: true, .. } => {
            let center = member(&args[2])?;
            let shape = match zset {
                Some(_) => circle(&args[3..])?,
                None => (Shape::Circle(0.0), 1.0),
            };
            (Some(center), true, Some(shape), &args[5..])
        }
        Kind::Radius { .. } => {
            let center = Place::parse(&args[2], &args[3])?;
            (Some(center), false, Some(circle(&args[4..])?), &args[6..])
        }
        Kind::Search { .. } => (None, false, None, &args[if storing { 3 } else { 2 }..]),
    };
    let (mut dist, mut hash, mut coord, mut any) = (false, false, false, false);
    let (mut descending, mut count, mut store_dist) = (None, None, false);
    while let Some((arg, after)) = rest.split_first() {
        let in_circle = shape.is_none_or(|(shape, _)| matches!(shape, Shape::Circle(_)));
        let in_box = shape.is_none_or(|(shape, _)| matches!(shape, Shape::Box(..)));
        let mut taken = 0;
        let flags = [
            ("WITHDIST", &mut dist),
            ("WITHHASH", &mut hash),
            ("WITHCOORD", &mut coord),
            ("ANY", &mut any),
        ];
        if let Some((_, flag)) = flags.into_iter().find(|(name, _)| is(arg, name)) {
            *flag = true;
        } else if is(arg, "ASC") || is(arg, "DESC") {
            descending = Some(is(arg, "DESC"));
        } else if is(arg, "COUNT") && !after.is_empty() {
            let n = int(&after[0])?;
            if n <= 0 {
                return fail("ERR COUNT must be > 0");
            }
            (count, taken) = (Some(size(n)), 1);
        } else if matches!(kind, Kind::Radius { store: true, .. })
            && (is(arg, "STORE") || is(arg, "STOREDIST"))
            && !after.is_empty()
        {
            store_dist = is(arg, "STOREDIST");
            (store, taken) = (Some(&after[0]), 1);
        } else if storing && is(arg, "STOREDIST") {
            store_dist = true;
        } else if searching
            && is(arg, "FROMMEMBER")
            && !after.is_empty()
            && (from_member || center.is_none())
        {
            (center, from_member, taken) = (Some(member(&after[0])?), true, 1);
        } else if searching && is(arg, "FROMLONLAT") && after.len() > 1 && !from_member {
            (center, taken) = (Some(Place::parse(&after[0], &after[1])?), 2);
        } else if searching && is(arg, "BYRADIUS") && after.len() > 1 && in_circle {
            (shape, taken) = (Some(circle(after)?), 2);
        } else if searching && is(arg, "BYBOX") && after.len() > 2 && in_box {
            (shape, taken) = (Some(rectangle(after)?), 3);
        } else {
            return fail(SYNTAX);
        }
        rest = &after[taken..];
    }
    let name = String::from_utf8_lossy(&args[0]);
    if store.is_some() && (dist || hash || coord) {
        let who = if searching {
            "GEOSEARCHSTORE"
        } else {
            "STORE option in GEORADIUS"
        };
        return Err(format!(
            "ERR {who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
        ));
    }
    let Some(center) = center else {
        return Err(format!(
            "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {name}"
        ));
    };
    let Some((shape, metres)) = shape else {
        return Err(format!(
            "ERR exactly one of BYRADIUS and BYBOX can be specified for {name}"
        ));
    };
    if any && count.is_none() {
        return fail("ERR the ANY argument requires COUNT argument");
    }
    let zset = zset.unwrap_or_default();
    let most = count.filter(|_| any).unwrap_or(usize::MAX);
    let found_in = |square: Square| {
        let (from, to) = square.ranks(&zset);
        zset.range(from, to)
    };
    let mut found: Vec<(f64, f64, &Bytes)> = vec![];
    for (member, score) in squares(center, shape).into_iter().flat_map(found_in) {
        let place = Place::of(score);
        let away = center.distance(place);
        let inside = match shape {
            Shape::Circle(radius) => away <= radius,
            Shape::Box(width, height) => {
                let along = Place(center.0, place.1);
                Place(center.0, center.1).distance(along) <= height
                    && along.distance(place) <= width
            }
        };
        if inside {
            found.push((away / metres, score, member));
        }
        if found.len() >= most {
            break;
        }
    }
    if descending.is_some() || count.is_some() && !any {
        let down = descending == Some(true);
        crate::order::sort_by(&mut found, |(a, ..), (b, ..)| {
            let order = a.total_cmp(b);
            if down { order.reverse() } else { order }
        });
    }
    found.truncate(count.unwrap_or(usize::MAX));
    if let Some(key) = store {
        let pairs = found
            .iter()
            .map(|&(away, score, member)| (member.clone(), if store_dist { away } else { score }));
        let zset = Zset::from(pairs.collect::<Map<f64>>());
        let event = if searching {
            "geosearchstore"
        } else {
            "georadiusstore"
        };
        call.store_result(key, Value::zset(zset), ('z', event), false);
        return Ok(());
    }
    let more = usize::from(dist) + usize::from(hash) + usize::from(coord);
    call.array(found.len());
    for (away, score, member) in found {
        if more > 0 {
            call.array(1 + more);
        }
        call.bulk(member);
        if dist {
            call.distance(away);
        }
        if hash {
            call.integer(score as i64);
        }
        if coord {
            call.place(Place::of(score));
        }
    }
    Ok(())
}

pub fn geosearch(call: &mut Call<'_>) -> Result<(), Failure> {
    search(call, Kind::Search { store: false })
}

pub fn geosearchstore(call: &mut Call<'_>) -> Result<(), Failure> {
    search(call, Kind::Search { store: true })
}

/// The four `GEORADIUS` commands: around a place or a member, with or without `STORE`.
pub fn georadius<const MEMBER: bool, const STORE: bool>(
    call: &mut Call<'_>,
) -> Result<(), Failure> {
    search(
        call,
        Kind::Radius {
            member: MEMBER,
            store: STORE,
        },
    )
}
