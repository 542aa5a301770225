//! Facts that Redis's own test suite asks for and that Ringside once had wrong. Each is asked of a real server as well.

#[path = "redis/client.rs"]
#[allow(dead_code)]
mod client;
#[path = "redis/process.rs"]
#[allow(dead_code)]
mod process;

use client::Client;
use process::{Server, eventually, ours, real};
use ringside::wire::resp::Reply;

/// Makes `replica` follow the server on `port` and waits for the link.
#[track_caller]
fn follow(replica: &Server, port: u16) -> Client {
    let mut client = replica.client();
    client.ok(&format!("REPLICAOF 127.0.0.1 {port}"));
    eventually("the link to the master is up", || client.linked());
    client
}

#[test]
fn what_is_written_on_a_writable_replica_expires_there() {
    let master = real(&["--repl-diskless-sync-delay", "0"]);
    let mut m = master.client();
    m.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    for replica in [real(&[]), ours(&[])] {
        let mut r = follow(&replica, master.port);
        r.ok("CONFIG SET replica-read-only no");
        m.ok("SET of-the-master 1 PX 100");
        let offset = m.offset();
        eventually("the replica has it", || r.offset() >= offset);
        r.ok("SELECT 5");
        r.ok("SET a 1 PX 100");
        r.ok("SET b 1");
        assert_eq!(r.number("PEXPIRE b 100"), 1);
        r.ok("SET longer 1 PX 100");
        assert_eq!(r.number("PEXPIRE longer 100000"), 1);
        r.ok("SET kept 1 PX 100");
        assert_eq!(r.number("PERSIST kept"), 1);
        assert_eq!(r.stat("slave_expires_tracked_keys"), 4);
        eventually("the keys are gone", || r.number("DBSIZE") == 2);
        assert_eq!(r.number("EXISTS longer kept"), 2);
        eventually("one key is looked after", || {
            r.stat("slave_expires_tracked_keys") == 1
        });
        r.ok("SELECT 0");
        assert_eq!(r.number("DBSIZE"), 1, "this is the master's to delete");
        assert_eq!(r.run("GET of-the-master"), Reply::Nil);
        r.ok("FLUSHALL");
        assert_eq!(r.stat("slave_expires_tracked_keys"), 0);
    }
}
