// The guided tour as data: one idea a frame. A frame says which pools its lanes are laid over, by
// which way requests go, which buttons there are, what stands in the servers' place, and which
// figure is read off what was just observed. Its words stand in words.json, under its name.

const MEMORY = { session: 'session-memory', jwt: 'jwt', way: 'turns', lifetime: 900 };
const REDIS = { ...MEMORY, session: 'session-redis' };

export const FRAMES = [
  { name: 'login', scene: MEMORY, acts: ['login'], figure: 'known' },
  { name: 'ask', scene: MEMORY, goesOn: true, acts: ['login', 'ask', 'logout', 'replay'],
    figure: 'known' },
  { name: 'logout', scene: { ...MEMORY, way: 'a', lifetime: 30 },
    acts: ['login', 'ask', 'logout', 'replay'], figure: 'copies' },
  { name: 'each', scene: { ...MEMORY, way: 'each' },
    acts: ['login@a', 'ask@a', 'ask@b', 'login@b'], figure: 'logins' },
  { name: 'replaced', scene: MEMORY, acts: ['login', 'ask'], figure: 'logins' },
  { name: 'sticky', scene: { ...MEMORY, way: 'sticky' }, acts: ['login', 'ask'], figure: 'hops' },
  { name: 'redis', scene: REDIS, acts: ['login', 'ask', 'logout'], figure: 'known' },
  { name: 'inside', scene: REDIS, acts: ['login', 'ask'], panel: 'inside', figure: 'bytes' },
  { name: 'script', scene: REDIS, acts: ['login', 'read'], panel: 'script', figure: 'readable' },
  { name: 'change', scene: REDIS, acts: ['login', 'altered'], panel: 'edit', figure: 'changed' },
  { name: 'denylist', scene: { ...REDIS, jwt: 'jwt-denylist' },
    acts: ['login', 'ask', 'logout', 'replay'], figure: 'copies' },
  { name: 'break', scene: REDIS, acts: ['login', 'ask'], breaks: ['a', 'store'],
    figure: 'known' },
  { name: 'pays', scene: REDIS, acts: [], panel: 'pays', figure: 'none' },
];

/** What the Lab begins with. */
export const LAB = { name: 'lab', scene: MEMORY, figure: 'known' };

/** What the rows of one lane come to: the figure that a frame is about, and its numbers. */
export function figureOf(kind, rows, scripts) {
  const sent = rows.filter((row) => row.status > 0);
  const known = sent.filter((row) => row.kind === 'known');
  const asked = sent.filter((row) => row.action === 'ask');
  if (kind === 'known') return [kind, { known: known.length, sent: sent.length }];
  if (kind === 'logins') {
    const logins = known.filter((row) => row.action === 'login').length;
    const key = logins === 1 ? 'logins.one' : kind;
    return [key, { logins, asks: asked.length, known: known.length - logins }];
  }
  if (kind === 'hops') {
    const met = new Set(asked.map((row) => row.here).filter(Boolean));
    const key = asked.length === 1 ? 'hops.one' : kind;
    const servers = [...met].sort().join(', ').toUpperCase() || '–';
    return [key, { asks: asked.length, servers }];
  }
  if (kind === 'copies') return copies(kind, sent);
  if (kind === 'changed') {
    const changed = sent.filter((row) => row.action === 'altered');
    const accepted = changed.filter((row) => row.kind === 'known');
    return [kind, { sent: changed.length, known: accepted.length }];
  }
  if (kind === 'bytes') {
    const bytes = asked.map((row) => row.sentBytes).findLast((n) => n > 0);
    return [bytes ? kind : 'bytes.none', { bytes }];
  }
  if (kind === 'readable') {
    return scripts === null ? ['readable.none', {}] : [kind, { count: scripts }];
  }
  return [null, {}];
}

/** Copies that were let in after the newest log-out, and how late the last of them was. */
function copies(kind, sent) {
  const out = sent.findLastIndex((row) => row.action === 'logout' && row.kind === 'known');
  if (out < 0) return ['copies.none', {}];
  const tried = sent.slice(out).filter((row) => row.action === 'replay');
  const accepted = tried.filter((row) => row.kind === 'known');
  if (accepted.length === 0) return ['copies.refused', { sent: tried.length }];
  const after = accepted.at(-1).sentAt - sent[out].answeredAt;
  const seconds = Math.max(after / 1000, 0).toFixed(1);
  return [kind, { sent: tried.length, known: accepted.length, seconds }];
}
