//! Every sentence that the page can come to is there, and fits what happened: its own functions,
//! in a real browser, over all pools, actions and reasons.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use board_support::browser::Browser;
use serde_json::{Value, json};

/// Goes through what can come back, and lists sentences that were asked for and are not there: a
/// missing one is shown by its key.
const WALK: &str = r"const done = arguments[0];
    (async () => {
    const { sayAnswer, sayDeed, answerWords, deedWords } = await import('/say.js');
    const unsaid = new Set();
    const look = (text) => text.split(' ').filter((word) => /^(say|row)\.[a-z]/.test(word))
        .forEach((word) => unsaid.add(word));
    const pools = ['session-memory', 'session-redis', 'jwt', 'jwt-denylist'];
    const actions = ['login', 'ask', 'records', 'logout', 'everywhere', 'replay', 'altered'];
    const answers = [['known', 200], ['refused', 401, 'unknown-session'],
        ['refused', 401, 'no-credential'], ['refused', 401, 'expired'],
        ['refused', 401, 'bad-signature'], ['refused', 401, 'unknown-key'],
        ['refused', 401, 'revoked'], ['refused', 403, 'forbidden'],
        ['refused', 403, 'account-disabled'], ['refused', 400, 'malformed-token'],
        ['failed', 503, 'store-unavailable'], ['failed', 503, 'no-instance'],
        ['failed', 503, 'overloaded'], ['failed', 502, 'silent'], ['failed', 409, 'no-store'],
        ['failed', 409, 'no-old-login'], ['failed', 409, 'no-such-instance'],
        ['failed', 0, 'unreachable'], ['failed', 500, 'internal']];
    const held = [{ id: 'abcd', user: 'mia' }];
    const other = (state, list) => ({ instances: [
        { name: 'a', state: 'running', held: [] }, { name: 'b', state, held: list }] });
    const views = [other('running', held), other('running', []), other('frozen', []),
        other('dead', [])];
    let said = 0;
    for (const pool of pools) {
        const lane = pool.startsWith('jwt') ? 'jwt' : 'session';
        for (const action of actions) for (const [kind, status, reason] of answers)
        for (const view of views) for (const retried of [false, true])
        for (const loggedOut of [false, true]) for (const heldId of ['abcd', null])
        for (const signer of ['a', 'b']) for (const cookie of ['removed', 'withheld', null]) {
            // What no server can say: a log-in shows no credential and an old login always one,
            // and a memory finds what it wrote itself.
            const missing = reason === 'no-credential' || reason === 'unknown-session';
            if (action === 'login' && missing) continue;
            if (action === 'replay' && reason === 'no-credential') continue;
            if (pool === 'session-memory' && kind === 'known' && signer === 'b') continue;
            const o = { action, kind, status, reason, pool, way: 'turns', here: 'a', retried,
                loggedOut, elsewhere: loggedOut, cookie, sentId: 'abcd', heldId,
                body: { login_instance: `pool-${signer}`, detail: 'why not' } };
            const { title, why, tone } = sayAnswer(lane, o, view, 'Mia');
            look(title);
            look(why);
            look(answerWords(o, 'Mia'));
            if (!title || !why || !tone) unsaid.add(`${pool} ${action} ${reason}: nothing`);
            said += 1;
        }
        const acts = [...['kill', 'freeze', 'thaw', 'start'].map((act) => ({ act, instance: 'a' })),
            { act: 'stop-store' }, { act: 'start-store' },
            { act: 'rotate-key', overlap: true }, { act: 'rotate-key', overlap: false },
            { act: 'set-role', user: 'mia', role: 'admin' },
            { act: 'set-disabled', user: 'mia', disabled: true },
            { act: 'set-disabled', user: 'mia', disabled: false }];
        for (const act of acts) for (const count of [undefined, 0, 1, 5]) {
            const deed = { ...act, held_before: { [pool]: count } };
            const { title, why } = sayDeed(lane, pool, deed, {});
            look(title);
            look(why);
            look(deedWords(deed, {}));
            said += 1;
        }
    }
    done([said, [...unsaid].sort()]);
    })();";

#[tokio::test]
async fn no_sentence_is_missing() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    let walked = browser.client.execute_async(WALK, Vec::new());
    let walked = walked.await.unwrap();
    assert!(walked[0].as_u64().unwrap() > 50_000, "{walked}");
    assert_eq!(walked[1], json!([]), "asked for, and not in words.json");
    browser.close().await;
    board.stop().await;
}

/// What the page says of an outcome at server a, when b is as `other` says.
const SAY: &str = "const [outcome, other, done] = arguments;
    import('/say.js').then(({ sayAnswer }) => {
        const o = { pool: 'session-memory', way: 'turns', here: 'a', status: 401, sentId: 'abcd',
            heldId: null, body: { login_instance: 'x-a' }, kind: 'refused', ...outcome };
        const instances = [{ name: 'a', state: 'running', held: [] }, { name: 'b', ...other }];
        const lane = o.pool.startsWith('jwt') ? 'jwt' : 'session';
        done(sayAnswer(lane, o, { instances }, 'Mia').why);
    });";

#[tokio::test]
async fn what_is_said_fits_what_happened() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    let has_it = json!({ "state": "running", "held": [{ "id": "abcd" }] });
    let frozen = json!({ "state": "frozen", "held": [] });
    let empty = json!({ "state": "running", "held": [] });
    let cases: [(&str, Value, &Value, &str); 5] = [
        (
            "asked for the records at the other server, and nobody logged out",
            json!({ "action": "records", "reason": "unknown-session" }),
            &has_it,
            "abcd is in server B’s memory",
        ),
        (
            "the server that has it is frozen",
            json!({ "action": "ask", "reason": "unknown-session" }),
            &frozen,
            "Server B does not answer",
        ),
        (
            "an old login after a log-out that never got there",
            json!({ "action": "replay", "reason": "unknown-session", "loggedOut": true }),
            &has_it,
            "the log-out never got there",
        ),
        (
            "the present login was ended by an admin",
            json!({ "action": "ask", "reason": "revoked", "pool": "jwt-denylist" }),
            &empty,
            "that this login was ended",
        ),
        (
            "the old token, while the browser holds another one",
            json!({ "action": "replay", "kind": "known", "pool": "jwt", "heldId": "zzzz" }),
            &empty,
            "nobody keeps a list of log-outs",
        ),
    ];
    for (what, outcome, other, expected) in cases {
        let said = browser
            .client
            .execute_async(SAY, vec![outcome, other.clone()]);
        let said = said.await.unwrap();
        assert!(said.as_str().unwrap().contains(expected), "{what}: {said}");
    }
    browser.close().await;
    board.stop().await;
}
