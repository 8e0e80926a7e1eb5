//! The claims, as data. `docs/CLAIMS.md` has the prose, and those that cannot be rebuilt.
//!
//! Long because every claim stands here with both of its set-ups.

use cluster::Policy;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::{Claim, Count, Load, Node, Program, Script, Server, Setup, Side, Store};

/// All that can be rebuilt, in the order in which they are run.
pub static CLAIMS: [Claim; 11] = [
    Claim {
        id: "timer-10",
        source: "AnandSuchak/auth-benchmark and its preprint",
        published: "10 connections: JWT 9 861/s, session 645/s",
        ratio: 9_861.0 / 645.0,
        rebuilt: Setup {
            says: "Node 24.11.1, Express 4.19.2; JWT with a string as key against a timer of 15 ms \
                   instead of a session; answers per second",
            over: Side::Asked(node(&STRING_KEY), TEN, Count::PerSecond),
            under: Side::Asked(node(&TIMER), TEN, Count::PerSecond),
        },
        mended: Setup {
            says: "JWT with its key parsed once against express-session with a real Redis, counted \
                   with it; per CPU second",
            over: Side::Asked(node(&OBJECT_KEY), TEN, PER_CPU),
            under: Side::Asked(NODE_SESSION, TEN, PER_CPU),
        },
        why: "what stands for a session is a timer: ten visitors who each wait 15.5 ms make 645/s, \
              on a machine of any speed",
    },
    Claim {
        id: "timer-40",
        source: "AnandSuchak/auth-benchmark, publication_validation_summary.csv",
        published: "session with 40 connections 2 498/s, with 10 connections 645/s",
        ratio: 2_498.03 / 645.31,
        rebuilt: Setup {
            says: "the same timer, asked over 40 connections against 10; answers per second",
            over: Side::Asked(node(&TIMER), FORTY, Count::PerSecond),
            under: Side::Asked(node(&TIMER), TEN, Count::PerSecond),
        },
        mended: Setup {
            says: "express-session with a real Redis, asked likewise; answers per second",
            over: Side::Asked(NODE_SESSION, FORTY, Count::PerSecond),
            under: Side::Asked(NODE_SESSION, TEN, Count::PerSecond),
        },
        why: "a timer waits for as many visitors at once as there are; a session costs CPU, and \
              ten visitors take all there is",
    },
    Claim {
        id: "timer-250",
        source: "AnandSuchak/auth-benchmark and its preprint",
        published: "250 connections: JWT 9 115/s, session 11 052/s",
        ratio: 9_115.0 / 11_052.0,
        rebuilt: Setup {
            says: "JWT with a string as key against the timer, 250 connections; per CPU second",
            over: Side::Asked(node(&STRING_KEY), MANY, PER_CPU),
            under: Side::Asked(node(&TIMER), MANY, PER_CPU),
        },
        mended: Setup {
            says: "JWT with its key parsed once against express-session with a real Redis, counted \
                   with it; per CPU second",
            over: Side::Asked(node(&OBJECT_KEY), MANY, PER_CPU),
            under: Side::Asked(NODE_SESSION, MANY, PER_CPU),
        },
        why: "with enough visitors a timer costs nothing, and the token's key is parsed each time",
    },
    Claim {
        id: "string-key",
        source: "auth0/node-jsonwebtoken, issue 966",
        published: "HS256 checked on Node 20: 87 990/s with 8.5.1, 2 568/s with 9.0.2",
        ratio: 87_990.0 / 2_568.0,
        rebuilt: Setup {
            says: "Node 20.12.2, verify in a loop: jsonwebtoken 8.5.1 against 9.0.2, a string as \
                   key; per CPU second",
            over: Side::Script(key(&["key.js", "verify", "8", "string"])),
            under: Side::Script(key(&["key.js", "verify", "9", "string"])),
        },
        mended: Setup {
            says: "the same with a KeyObject for 9.0.2, made once",
            over: Side::Script(key(&["key.js", "verify", "8", "string"])),
            under: Side::Script(key(&["key.js", "verify", "9", "object"])),
        },
        why: "the key is parsed on every call: as a public key, which fails, then as a secret",
    },
    Claim {
        id: "string-key-sign",
        source: "auth0/node-jsonwebtoken, issue 966",
        published: "HS256 signed on Node 20: 120 423/s with 8.5.1, 2 264/s with 9.0.2",
        ratio: 120_423.0 / 2_264.0,
        rebuilt: Setup {
            says: "Node 20.12.2, sign in a loop: jsonwebtoken 8.5.1 against 9.0.2, a string as \
                   key; per CPU second",
            over: Side::Script(key(&["key.js", "sign", "8", "string"])),
            under: Side::Script(key(&["key.js", "sign", "9", "string"])),
        },
        mended: Setup {
            says: "the same with a KeyObject for 9.0.2, made once",
            over: Side::Script(key(&["key.js", "sign", "8", "string"])),
            under: Side::Script(key(&["key.js", "sign", "9", "object"])),
        },
        why: "likewise: first as a private key, which fails, then as a secret",
    },
    Claim {
        id: "inside",
        source: "namra-ace/ace-auth, BENCHMARKS.md and bench/versus.js",
        published: "express-session with Redis 3 037/s, raw JWT 725/s",
        ratio: 3_037.13 / 725.0,
        rebuilt: Setup {
            says: "autocannon inside the server's process, Express 5.2.1, 50 connections, a string \
                   as key; Node 20.12.2, since theirs is not said; per CPU second of that process",
            over: Side::Script(inside(&["inside.js", "session"])),
            under: Side::Script(inside(&["inside.js", "jwt"])),
        },
        mended: Setup {
            says: "a generator of its own, JWT with its key parsed once, Redis counted too; per \
                   CPU second",
            over: Side::Asked(
                Server {
                    store: Store::Near,
                    ..node_20(&["--way", "session", "--express", "5"])
                },
                FIFTY,
                PER_CPU,
            ),
            under: Side::Asked(
                node_20(&["--way", "jwt", "--key", "object", "--express", "5"]),
                FIFTY,
                PER_CPU,
            ),
        },
        why: "the token's key is parsed each time, in one event loop with the generator",
    },
    Claim {
        id: "far-store",
        source: "korjun1993/test-login, cookie-dev.tistory.com/23",
        published: "JWT 13 052/s, session in Redis 2 084/s",
        ratio: 13_052.5 / 2_083.5,
        rebuilt: Setup {
            says: "a tenth of it: 20 workers, 100 visitors with 74 ms between requests, a store \
                   27 ms away asked 3.5 times, login and page one to one",
            over: Side::Asked(FEW_WORKERS, HUNDRED, Count::PerSecond),
            under: Side::Asked(
                Server {
                    store: Store::Away(27),
                    ..FEW_WORKERS
                },
                HUNDRED,
                Count::PerSecond,
            ),
        },
        mended: Setup {
            says: "pages alone, as many workers as it takes, the store near and asked once; per \
                   CPU second of server and store",
            over: Side::Asked(JWT, PAGES, PER_CPU),
            under: Side::Asked(SESSION_REDIS, PAGES, PER_CPU),
        },
        why: "200 workers that each wait 3.5 times 27 ms make 2 100/s, whatever they wait for",
    },
    Claim {
        id: "hs256",
        source: "danilkiff/jwt-performance",
        published: "no check 56 019/s, HS256 53 503/s",
        ratio: 56_019.0 / 53_503.0,
        rebuilt: Setup {
            says: "our servers in a closed loop with 200 connections, per second",
            over: Side::Asked(TRUSTING, TWO_HUNDRED, Count::PerSecond),
            under: Side::Asked(JWT, TWO_HUNDRED, Count::PerSecond),
        },
        mended: Setup {
            says: "per CPU second of the server, 32 connections, with an interval",
            over: Side::Asked(TRUSTING, PAGES, PER_CPU),
            under: Side::Asked(JWT, PAGES, PER_CPU),
        },
        why: "nothing is wrong with it: only one run, so no telling how sure it is",
    },
    Claim {
        id: "es256",
        source: "danilkiff/jwt-performance",
        published: "no check 56 019/s, ES256 17 079/s",
        ratio: 56_019.0 / 17_079.0,
        rebuilt: Setup {
            says: "our servers in a closed loop with 200 connections, per second",
            over: Side::Asked(TRUSTING, TWO_HUNDRED, Count::PerSecond),
            under: Side::Asked(JWT_ES256, TWO_HUNDRED, Count::PerSecond),
        },
        mended: Setup {
            says: "per CPU second of the server, 32 connections, with an interval",
            over: Side::Asked(TRUSTING, PAGES, PER_CPU),
            under: Side::Asked(JWT_ES256, PAGES, PER_CPU),
        },
        why: "it is real: an elliptic signature costs more than all the rest of a small request",
    },
    Claim {
        id: "bytes",
        source: "R. Degges, Okta, 2017",
        published: "JWT 304 bytes, session 6 bytes",
        ratio: 304.0 / 6.0,
        rebuilt: Setup {
            says: "the published claims, signed with HS512, against abc123",
            over: Side::Quoted(published_token_bytes),
            under: Side::Quoted(|| Ok("abc123".len())),
        },
        mended: Setup {
            says: "the header line that our servers get: a bearer token against a cookie with its \
                   name and an id that nobody can guess",
            over: Side::Credential(JWT),
            under: Side::Credential(SESSION_MEMORY),
        },
        why: "a user's name is no session id, and an id travels with the name of its cookie",
    },
    Claim {
        id: "one-of-three",
        source: "Rem-yl/Interview-oriented-programming, EXPERIMENT_GUIDE.md",
        published: "sessions in memory, 3 servers: ip_hash 100 %, round robin about 33 %",
        ratio: 3.0,
        rebuilt: Setup {
            says: "session in memory on 3 instances, visitors who keep their cookie: hashed by \
                   source against in turn, share recognised",
            over: Side::Recognised(SESSION_MEMORY, Policy::SourceHash),
            under: Side::Recognised(SESSION_MEMORY, Policy::RoundRobin),
        },
        mended: Setup {
            says: "the same with the sessions in Redis",
            over: Side::Recognised(SESSION_REDIS, Policy::SourceHash),
            under: Side::Recognised(SESSION_REDIS, Policy::RoundRobin),
        },
        why: "it is real, and a load test that asks one server directly, as theirs does, never \
              sees it",
    },
];

const PER_CPU: Count = Count::PerCpuSecond;

const fn load(connections: usize, users: u32) -> Load {
    Load {
        connections,
        pause_ms: 0,
        users,
        logs_in: false,
    }
}

/// One token and one session id for all, as published.
const TEN: Load = load(10, 1);
const MANY: Load = load(250, 1);
const FORTY: Load = load(40, 1);
const FIFTY: Load = load(50, 16);
const TWO_HUNDRED: Load = load(200, 200);
const PAGES: Load = load(32, 64);
/// The pause is what a turn of the published generator took where the server took next to none.
const HUNDRED: Load = Load {
    connections: 100,
    pause_ms: 74,
    users: 100,
    logs_in: true,
};

const TIMER: [&str; 4] = ["--way", "timer", "--sleep-ms", "15"];
const STRING_KEY: [&str; 4] = ["--way", "jwt", "--key", "string"];
const OBJECT_KEY: [&str; 4] = ["--way", "jwt", "--key", "object"];

const fn node(flags: &'static [&'static str]) -> Server {
    Server {
        program: Program::Node(Node::V24),
        flags,
        store: Store::None,
    }
}

const fn ours(flags: &'static [&'static str], store: Store) -> Server {
    Server {
        program: Program::Ours,
        flags,
        store,
    }
}

const fn node_20(flags: &'static [&'static str]) -> Server {
    Server {
        program: Program::Node(Node::V20),
        ..node(flags)
    }
}

const NODE_SESSION: Server = Server {
    store: Store::Near,
    ..node(&["--way", "session"])
};

const FEW_WORKERS: Server = ours(&["claims-server", "--workers", "20"], Store::None);
const TRUSTING: Server = ours(&["trusting"], Store::None);
const SESSION_MEMORY: Server = ours(&["server-session", "--store", "memory"], Store::None);
const SESSION_REDIS: Server = ours(&["server-session", "--store", "redis"], Store::Near);
const JWT: Server = Server {
    program: Program::Jwt("HS256"),
    flags: &[],
    store: Store::None,
};
const JWT_ES256: Server = Server {
    program: Program::Jwt("ES256"),
    ..JWT
};

const fn key(args: &'static [&'static str]) -> Script {
    Script {
        node: Node::V20,
        args,
        store: Store::None,
    }
}

const fn inside(args: &'static [&'static str]) -> Script {
    Script {
        node: Node::V20,
        args,
        store: Store::Near,
    }
}

/// The token of the article, made of the claims that it gives. It does not say how it was signed:
/// with HS256 it would have 261 bytes, with HS512 it has the published 304.
fn published_token_bytes() -> anyhow::Result<usize> {
    let claims = json!({
        "iss": "https://api.mywebsite.com",
        "sub": "abc123",
        "nbf": 1_497_934_977,
        "exp": 1_497_938_577,
        "iat": 1_497_934_977,
        "jti": "1234567",
        "typ": "authtoken",
    });
    let key = EncodingKey::from_secret(b"a reasonably long secret, of whatever length");
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &key)?.len())
}

/// The claim that is called so.
pub fn find(id: &str) -> Option<&'static Claim> {
    CLAIMS.iter().find(|claim| claim.id == id)
}
