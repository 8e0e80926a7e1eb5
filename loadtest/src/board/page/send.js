// The client: this browser's requests, in each lane with that lane's own credential.
//
// The session cookie is the browser's business; no script can read it (HttpOnly). The token lies
// in local storage, as the article has it, where every script of this page can.

const TOKEN = 'svj-token';

const REQUESTS = {
  login: { method: 'POST', path: 'login' },
  ask: { method: 'GET', path: 'me' },
  logout: { method: 'POST', path: 'logout' },
  replay: { method: 'GET', path: 'me', headers: { 'x-board-replay': 'old' } },
};

/** What a viewer can send. */
export const ACTIONS = Object.keys(REQUESTS);

/** The token that this browser keeps, or null. */
export const token = () => localStorage.getItem(TOKEN);

/** The claims of a token: anybody can read them, only the servers can check them. */
export function claims(jwt) {
  try {
    const payload = jwt.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return {};
  }
}

/** Sends one request in one lane and says what came of it. */
export async function send(lane, action, person, keepCookie) {
  const { method, path, headers = {} } = REQUESTS[action];
  const request = { method, headers: { accept: 'application/json', ...headers } };
  if (action === 'login') {
    request.headers['content-type'] = 'application/json';
    request.body = JSON.stringify({ username: person.user, password: person.password });
  }
  if (lane === 'jwt' && action !== 'replay' && token()) {
    request.headers.authorization = `Bearer ${token()}`;
  }
  if (lane === 'session' && keepCookie) request.headers['x-board-keep-cookie'] = 'yes';
  const sentToken = token();
  try {
    const answer = await fetch(`/lane/${lane}/${path}`, request);
    const body = await answer.json().catch(() => ({}));
    if (lane === 'jwt') keepToken(action, answer, body);
    return outcome(action, answer, body, sentToken);
  } catch {
    return { action, kind: 'failed', status: 0, reason: 'unreachable', body: {} };
  }
}

function keepToken(action, answer, body) {
  if (action === 'login' && body.access_token) localStorage.setItem(TOKEN, body.access_token);
  // A server that failed has not been told; then the token is kept, to try again.
  if (action === 'logout' && answer.status < 500) localStorage.removeItem(TOKEN);
}

function outcome(action, answer, body, sentToken) {
  const { status, headers } = answer;
  const servedBy = headers.get('x-served-by') ?? '';
  return {
    action,
    status,
    body,
    kind: answer.ok ? 'known' : status >= 400 && status < 404 ? 'refused' : 'failed',
    reason: body.reason,
    // `jwt-a` is server a; the balancer and the board answer in their own name.
    here: servedBy.match(/-([a-z])$/)?.[1],
    retried: Number(headers.get('x-attempts') ?? 1) > 1,
    cookie: headers.get('x-board-cookie'),
    sentId: headers.get('x-board-sent'),
    heldId: headers.get('x-board-holds'),
    sentToken,
  };
}
