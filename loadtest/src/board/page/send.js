// The client: this browser's requests, in each lane with that lane's own credential.
//
// The session cookie is the browser's business; no script can read it (HttpOnly). The token lies
// in local storage, as the article has it, where every script of this page can.

const REQUESTS = {
  login: { method: 'POST', path: 'login' },
  ask: { method: 'GET', path: 'me' },
  records: { method: 'GET', path: 'records' },
  logout: { method: 'POST', path: 'logout' },
  everywhere: { method: 'POST', path: 'logout-everywhere' },
  replay: { method: 'GET', path: 'me', copy: 'old' },
  altered: { method: 'GET', path: 'me', copy: 'altered' },
};

const KEY = (pool) => `svj-token-${pool}`;
const lane = (pool) => (pool.startsWith('jwt') ? 'jwt' : 'session');

/** The token that this browser keeps for a pool, or null. */
export const token = (pool) => localStorage.getItem(KEY(pool));

/** What any script on this page can read of your login. */
export const readable = {
  // Of this page's own: a cookie of another program on this host comes along, whatever its port.
  session: () => document.cookie.split('; ').filter((c) => c.startsWith('sid-')).join('; '),
  jwt: (pool) => token(pool) ?? '',
};

const base64url = (bytes) => btoa(String.fromCharCode(...bytes))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

function text(part) {
  const bytes = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
  return new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
}

/** Header and payload of a token as they read, and its signature; null if it is no token. */
export function takenApart(jwt) {
  try {
    const [header, payload, signature] = jwt.split('.');
    return { header: text(header), payload: text(payload), signature };
  } catch {
    return null;
  }
}

/** The claims of a token: anybody can read them, only the servers can check them. */
export function claims(jwt) {
  try {
    return JSON.parse(takenApart(jwt).payload);
  } catch {
    return {};
  }
}

/** The token with another payload under the old signature; without one, with one changed. */
export function altered(jwt, payload) {
  const [header, old, signature] = jwt.split('.');
  // In the middle: the last character can hold bits that mean nothing.
  const middle = old.length >> 1;
  const changed = payload === null
    ? `${old.slice(0, middle)}${old[middle] === 'A' ? 'B' : 'A'}${old.slice(middle + 1)}`
    : base64url(new TextEncoder().encode(payload));
  return [header, changed, signature].join('.');
}

/** Where a credential is kept: a token for each pool, a cookie also for each server asked. */
export const placeOf = (pool, way) =>
  (lane(pool) === 'session' && way.length === 1 ? `${pool}-at-${way}` : pool);

/**
 * Sends one request and says what came of it.
 * `how`: pool, way, person, lifetime, keepCookie, payload (of an edited token, or null).
 */
export async function send(action, how) {
  const { method, path, copy } = REQUESTS[action];
  const { pool, way } = how;
  const headers = { accept: 'application/json' };
  const request = { method, headers };
  if (action === 'login') {
    headers['content-type'] = 'application/json';
    headers['x-board-lifetime-s'] = how.lifetime;
    request.body = JSON.stringify({ username: how.person.user, password: how.person.password });
  }
  const held = lane(pool) === 'jwt' ? token(pool) : null;
  const sentToken = held && action === 'altered' ? altered(held, how.payload) : held;
  if (sentToken) headers.authorization = `Bearer ${sentToken}`;
  if (copy === 'old' || (copy && lane(pool) === 'session')) headers['x-board-copy'] = copy;
  if (how.keepCookie) headers['x-board-keep-cookie'] = 'yes';
  const sentAt = performance.now();
  const asked = { action, pool, way, sentAt, sentToken: held, kind: 'failed', status: 0, body: {} };
  try {
    const answer = await fetch(`/lane/${pool}/${way}/${path}`, request);
    const body = await answer.json().catch(() => ({}));
    if (lane(pool) === 'jwt') keepToken(pool, action, answer, body);
    return { ...asked, ...outcome(answer, body) };
  } catch {
    return { ...asked, answeredAt: performance.now(), reason: 'unreachable' };
  }
}

function keepToken(pool, action, answer, body) {
  if (action === 'login' && body.access_token) localStorage.setItem(KEY(pool), body.access_token);
  // A server that failed has not been told; then the token is kept, to try again.
  const out = action === 'logout' || action === 'everywhere';
  if (out && answer.status < 500) localStorage.removeItem(KEY(pool));
}

function outcome(answer, body) {
  const { status, headers } = answer;
  const servedBy = headers.get('x-served-by') ?? '';
  const refused = status >= 400 && status < 404;
  return {
    answeredAt: performance.now(),
    status,
    body,
    kind: answer.ok ? 'known' : refused ? 'refused' : 'failed',
    reason: body.reason,
    // `jwt-a` is server a; the balancer and the board answer in their own name.
    here: servedBy.match(/-([a-z])$/)?.[1],
    retried: Number(headers.get('x-attempts') ?? 1) > 1,
    cookie: headers.get('x-board-cookie'),
    sentId: headers.get('x-board-sent'),
    sentBytes: Number(headers.get('x-board-sent-bytes') ?? 0),
    heldId: headers.get('x-board-holds'),
  };
}
