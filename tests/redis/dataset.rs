//! Data of every type in several databases, and writes that go on: the same commands for a real server and for ours.

use crate::client::Client;
use ringside::rng::Rng;

type Commands = Vec<Vec<Vec<u8>>>;

fn command(commands: &mut Commands, line: &str) {
    commands.push(line.split(' ').map(|w| w.as_bytes().to_vec()).collect());
}

fn many(commands: &mut Commands, name: &str, key: &str, items: impl IntoIterator<Item = String>) {
    let mut args = vec![name.as_bytes().to_vec(), key.as_bytes().to_vec()];
    args.extend(items.into_iter().map(String::into_bytes));
    commands.push(args);
}

/// All five types in every encoding that a snapshot knows, with and without a time to live, in three databases.
pub fn fill(client: &mut Client) {
    let mut c = Commands::new();
    for db in [0, 3, 15] {
        command(&mut c, &format!("SELECT {db}"));
        for (i, value) in [
            "",
            "0",
            "-1",
            "127",
            "128",
            "-32769",
            "2147483647",
            "2147483648",
            "9223372036854775807",
            "012",
            "1.5",
            "text",
        ]
        .iter()
        .enumerate()
        {
            c.push(vec![
                b"SET".to_vec(),
                format!("string:{i}").into_bytes(),
                value.as_bytes().to_vec(),
            ]);
        }
        c.push(vec![
            b"SET".to_vec(),
            b"string:binary".to_vec(),
            (0..=255).collect(),
        ]);
        c.push(vec![
            b"SET".to_vec(),
            b"string:squeezed".to_vec(),
            b"replication ".repeat(400),
        ]);
        c.push(vec![
            b"SET".to_vec(),
            b"key with\r\n\"odd\" bytes \x00\xff".to_vec(),
            vec![b'x'; 70_000],
        ]);
        many(
            &mut c,
            "RPUSH",
            "list:short",
            ["a", "1", "-5", "300", "70000", "5000000000", ""].map(String::from),
        );
        many(
            &mut c,
            "RPUSH",
            "list:long",
            (0..3000).map(|i| format!("element {i}")),
        );
        many(
            &mut c,
            "RPUSH",
            "list:wide",
            (0..3).map(|i| "wide ".repeat(4000 + i)),
        );
        many(
            &mut c,
            "SADD",
            "set:16",
            (0..100).map(|i| (i * 7 - 300).to_string()),
        );
        many(
            &mut c,
            "SADD",
            "set:32",
            (0..100).map(|i| (i * 100_003 - 7).to_string()),
        );
        many(
            &mut c,
            "SADD",
            "set:64",
            (0..100_i64).map(|i| (i * 10_000_000_019 - 7).to_string()),
        );
        many(&mut c, "SADD", "set:many", (0..1000).map(|i| i.to_string()));
        many(
            &mut c,
            "SADD",
            "set:words",
            ["one", "two", "3"].map(String::from),
        );
        many(
            &mut c,
            "HSET",
            "hash:small",
            (0..20).map(|i| format!("{}{i}", if i % 2 == 0 { "field" } else { "" })),
        );
        many(
            &mut c,
            "HSET",
            "hash:big",
            (0..1400).map(|i| format!("{i} of many")),
        );
        many(
            &mut c,
            "HSET",
            "hash:wide",
            ["f".to_string(), "wide ".repeat(100)],
        );
        many(
            &mut c,
            "ZADD",
            "zset:small",
            [
                "1", "a", "1.5", "b", "-inf", "c", "+inf", "d", "1e300", "e", "0.1", "f", "3", "7",
            ]
            .map(String::from),
        );
        many(
            &mut c,
            "ZADD",
            "zset:big",
            (0..600).map(|i| {
                if i % 2 == 0 {
                    format!("{}", f64::from(i) / 3.0)
                } else {
                    format!("member {i}")
                }
            }),
        );
        command(&mut c, "SET string:ttl mortal EX 10000");
        command(&mut c, "PEXPIRE hash:big 9999999");
        command(&mut c, "EXPIREAT list:long 4102444800");
    }
    command(&mut c, "SELECT 0");
    client.pipeline(&c);
}

/// Many small keys, most of them strings.
pub fn fill_many(client: &mut Client, keys: usize) {
    let commands: Commands = (0..keys)
        .map(|i| match i % 10 {
            0 => ["RPUSH", &format!("key:{i}"), "a", "b", &i.to_string()]
                .map(|w| w.as_bytes().to_vec())
                .into(),
            1 => ["HSET", &format!("key:{i}"), "field", &i.to_string()]
                .map(|w| w.as_bytes().to_vec())
                .into(),
            _ => ["SET", &format!("key:{i}"), &format!("value {i}")]
                .map(|w| w.as_bytes().to_vec())
                .into(),
        })
        .collect();
    client.pipeline(&commands);
}

/// Writes for as long as they are asked for, the same for the same seed.
pub struct Writes {
    rng: Rng,
    count: u64,
}

impl Writes {
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            count: 0,
        }
    }

    fn one(&mut self, c: &mut Commands) {
        self.count += 1;
        let n = self.count;
        let (k, v) = (self.rng.below(12), self.rng.below(1000));
        match self.rng.below(30) {
            0 => command(
                c,
                &format!("SELECT {}", [0, 3, 15][self.rng.below(3) as usize]),
            ),
            1 => command(c, &format!("SET live:s{k} value-{v}")),
            2 => command(c, &format!("INCRBY live:n{k} {v}")),
            3 => command(c, &format!("APPEND live:s{k} -{v}")),
            4 => command(c, &format!("SETEX live:t{k} {} {v}", 1000 + v)),
            5 => command(c, &format!("LPUSH live:l{k} {v} x{v}")),
            6 => command(c, &format!("RPOP live:l{k}")),
            7 => command(c, &format!("LTRIM live:l{k} 0 20")),
            8 => command(c, &format!("SADD live:i{k} {v} {n}")),
            9 => command(c, &format!("SPOP live:i{k}")),
            10 => command(c, &format!("SPOP live:i{k} 3")),
            11 => command(c, &format!("SADD live:w{k} m{v} {v}")),
            12 => command(c, &format!("SREM live:w{k} m{v} {v}")),
            13 => command(c, &format!("HSET live:h{k} f{v} {n}")),
            14 => command(c, &format!("HINCRBY live:g{k} f{} {v}", v % 7)),
            15 => command(c, &format!("HDEL live:h{k} f{v}")),
            16 => command(c, &format!("ZADD live:z{k} {v}.25 m{}", v % 50)),
            17 => command(c, &format!("ZINCRBY live:z{k} 0.1 m{}", v % 50)),
            18 => command(c, &format!("ZREMRANGEBYRANK live:z{k} 30 -1")),
            19 => command(c, &format!("DEL live:s{k} live:l{k}")),
            20 => command(c, &format!("EXPIRE live:h{k} {}", 1000 + v)),
            21 => command(c, &format!("PERSIST live:h{k}")),
            22 => command(c, &format!("INCRBYFLOAT live:f{k} {v}.125")),
            23 => command(c, &format!("HINCRBYFLOAT live:hf{k} f 1.5")),
            24 => command(c, &format!("GETSET live:s{k} set-{v}")),
            25 => {
                command(c, "MULTI");
                command(c, &format!("INCR live:n{k}"));
                command(c, &format!("SADD live:i{k} {v}"));
                command(c, "SELECT 3");
                command(c, &format!("SET live:multi{k} {n}"));
                command(c, "EXEC");
            }
            26 => command(c, &format!("RPOPLPUSH live:l{k} live:l{}", (k + 1) % 12)),
            27 => command(c, &format!("SETRANGE live:s{k} {} range", v % 40)),
            28 => command(
                c,
                &format!("SET live:big{k} {}", "large".repeat(v as usize * 3 + 1)),
            ),
            _ => command(c, &format!("PSETEX live:gone{k} {} {v}", 1 + v % 20)),
        }
    }

    #[track_caller]
    pub fn go_on(&mut self, client: &mut Client, count: usize) {
        let mut commands = Commands::new();
        for _ in 0..count {
            self.one(&mut commands);
        }
        client.pipeline(&commands);
    }
}
