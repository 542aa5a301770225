//! A real Sentinel watches servers of both kinds: it finds the replicas and the other Sentinel through them, and when the
//! master dies it makes another one.

#[allow(dead_code)]
#[path = "redis/client.rs"]
mod client;
#[allow(dead_code)]
#[path = "redis/process.rs"]
mod process;

use client::Client;
use process::{Server, eventually, from_file, sentinel};
use ringside::wire::resp::Reply;
use std::collections::BTreeMap;

const COMMON: &str = "save \"\"\nenable-debug-command yes\nrepl-diskless-sync-delay 0\n";

/// Names and values, as `SENTINEL MASTER` lists them.
fn fields(reply: &Reply) -> BTreeMap<String, String> {
    let Reply::Array(items) = reply else {
        panic!("not an array: {reply:?}");
    };
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("not a string: {other:?}"),
    };
    let pairs = items.chunks(2).map(|pair| (text(&pair[0]), text(&pair[1])));
    pairs.collect()
}

fn replicas(sentinel: &mut Client) -> Vec<BTreeMap<String, String>> {
    match sentinel.run("SENTINEL REPLICAS pair") {
        Reply::Array(items) => items.iter().map(fields).collect(),
        other => panic!("not an array: {other:?}"),
    }
}

/// One that decides and one that only votes, so that they cannot get in each other's way. Nobody is taken for dead by
/// mistake, however slow the machine: it is later that the first of them becomes impatient.
fn watch(master: &Server) -> [Server; 2] {
    let lines = format!(
        "sentinel monitor pair 127.0.0.1 {} 1\nsentinel down-after-milliseconds pair 600000\n\
         sentinel failover-timeout pair 5000\n",
        master.port
    );
    [sentinel(&lines), sentinel(&lines)]
}

/// `true`: ours.
#[track_caller]
fn fails_over(master: bool, below: [bool; 2]) {
    let mut master = from_file(master, COMMON);
    let lines = format!("{COMMON}replicaof 127.0.0.1 {}\n", master.port);
    let below = below.map(|ours| from_file(ours, &lines));
    for server in &below {
        let mut client = server.client();
        eventually("the link to the master is up", || client.linked());
    }
    let sentinels = watch(&master);
    let mut first = sentinels[0].client();
    eventually("replicas and Sentinels are found", || {
        let seen = fields(&first.run("SENTINEL MASTER pair"));
        (&*seen["num-slaves"], &*seen["num-other-sentinels"]) == ("2", "1")
    });
    eventually("all is known of the replicas", || {
        replicas(&mut first).iter().all(|seen| {
            let names = [
                "flags",
                "master-link-status",
                "role-reported",
                "slave-priority",
            ];
            seen["runid"].len() == 40
                && names.map(|name| &*seen[name]) == ["slave", "ok", "slave", "100"]
        })
    });
    let mut client = master.client();
    client.ok("SET written before");
    assert_eq!(client.number("WAIT 2 30000"), 2);

    master.signal("KILL");
    master.ended();
    first.ok("SENTINEL SET pair down-after-milliseconds 1000");
    let mut port = String::new();
    eventually("another one is the master", || {
        let seen = fields(&first.run("SENTINEL MASTER pair"));
        port.clone_from(&seen["port"]);
        port != master.port.to_string()
    });
    let promoted = |server: &&Server| server.port.to_string() == port;
    let new = below.iter().find(promoted).expect("one of the two");
    let other = below
        .iter()
        .find(|server| !promoted(server))
        .expect("the other");
    let (mut new, mut other) = (new.client(), other.client());
    assert_eq!(new.replication("role"), "master");
    assert_eq!(new.text("GET written"), "before");
    eventually("the other one follows it", || {
        other.linked() && other.replication("master_port") == port
    });
    new.ok("SET written after");
    assert_eq!(new.number("WAIT 1 30000"), 1);
    assert_eq!(new.digest(), other.digest());
    // It went on where it was, and both have it in their files.
    assert_eq!((new.stat("sync_full"), new.stat("sync_partial_ok")), (0, 1));
    for server in &below {
        let conf = std::fs::read_to_string(server.dir.path().join("redis.conf"));
        let conf = conf.expect("it has a file");
        let follows = format!("replicaof 127.0.0.1 {port}");
        assert_eq!(
            conf.contains(&follows),
            server.port.to_string() != port,
            "{conf}"
        );
        assert!(
            !conf.contains(&format!("127.0.0.1 {}", master.port)),
            "{conf}"
        );
    }
}

#[test]
fn sentinel_replaces_our_master_by_one_of_both_kinds() {
    fails_over(true, [true, false]);
}

#[test]
fn sentinel_replaces_a_real_master_by_one_of_ours() {
    fails_over(false, [true, true]);
}
