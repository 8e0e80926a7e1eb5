// From what came back to the one large sentence: pure functions from facts to keys of words.json.
//
// A fact is the answer itself, or what the instances' own snapshot says they hold. Nothing here
// repeats what the theory says would happen.

import { claims } from './send.js';
import { clockTime, has, word } from './words.js';

/**
 * What one answer means. `view` is the lane's pool as the snapshot shows it; `o` is the outcome,
 * with `loggedOut`, whether a log-out came before it in this lane, and `elsewhere`, whether the
 * browser holds a cookie of another server.
 */
export function sayAnswer(lane, o, view, name) {
  const others = view.instances.filter((i) => i.name !== o.here);
  const facts = {
    name, status: o.status, reason: o.reason ?? o.status,
    detail: o.body.detail, role: o.body.role,
    here: o.here?.toUpperCase(),
    other: others[0]?.name.toUpperCase(),
    signer: o.body.login_instance?.at(-1)?.toUpperCase(),
    id: (o.action === 'login' ? o.heldId : o.sentId) ?? o.last,
  };
  const [tone, title, ...why] =
    general(lane, o) ?? (lane === 'session' ? session(o, facts, others) : jwt(o, facts));
  if (o.retried && o.here) why.push('say.any.retried');
  // A pool that does it in another way than its lane's plain one has a sentence of its own.
  const own = (key) => key.replace(`say.${lane}.`, `say.${o.pool}.`);
  const said = (key) => word(has(own(key)) ? own(key) : key, facts);
  return { tone, title: said(title), why: why.map(said).join(' ') };
}

/** Outcomes that mean the same in both lanes; null for those that do not. */
function general(lane, { action, kind, reason }) {
  if (action === 'altered' && kind === 'refused' && reason !== 'no-credential') {
    return ['fine', `say.${lane}.altered.title`, `say.${lane}.altered.why`];
  }
  if (action === 'records' && (kind === 'known' || reason === 'forbidden')) {
    return ['fine', `say.any.records.${kind}.title`, `say.any.records.${kind}.why`];
  }
  if (kind === 'known' || reason === 'unknown-session' || reason === 'no-credential') return null;
  const key = { 'bad-signature': 'signature', 'unknown-key': 'signature' }[reason] ?? reason;
  const known = [`${key}.${action}`, key, kind].find((one) => has(`say.any.${one}.title`));
  // An old login that is refused is as it should be; anybody else has reason to complain.
  const tone = action === 'replay' && kind === 'refused' ? 'fine' : 'bad';
  return [tone, `say.any.${known}.title`, `say.any.${known}.why`];
}

/** Actions that are told in the words of another one. */
const TOLD_AS = { everywhere: 'logout', records: 'ask', altered: 'ask' };

function session(o, facts, others) {
  const key = (rest) => `say.session.${TOLD_AS[o.action] ?? o.action}.${rest}`;
  const inMemory = o.pool === 'session-memory';
  const elsewhere = inMemory && others.find((i) => i.held.some((held) => held.id === facts.id));
  if (elsewhere) facts.other = elsewhere.name.toUpperCase();
  if (o.kind === 'known') {
    if (o.action === 'login') {
      const untold = inMemory && others.some((i) => i.state === 'running');
      const said = ['fine', key('known.title'), key('known.why')];
      return untold ? [...said, key('known.untold')] : said;
    }
    if (o.action === 'ask' && facts.signer && facts.signer !== facts.here) {
      return ['fine', key('too.title'), key('too.why')];
    }
    if (o.action !== 'replay') return ['fine', key('known.title'), key('known.why')];
    if (o.sentId === o.heldId) return ['fine', key('copy.title'), key('copy.why')];
    return ['bad', key('known.title'), key('known.why')];
  }
  // Somebody who is in a server's memory and is turned away has reason to complain.
  const tone = elsewhere ? 'bad' : 'fine';
  if (o.reason === 'no-credential') {
    if (o.elsewhere && o.action === 'ask') return ['bad', key('none.title'), key('direct.why')];
    const still = o.action === 'logout' && elsewhere ? ['say.session.still'] : [];
    return [tone, key('none.title'), key('none.why'), ...still];
  }
  const asked = (TOLD_AS[o.action] ?? o.action) === 'ask' || !o.loggedOut && o.action === 'replay';
  // A server that does not answer may have it, and know it again.
  const unseen = inMemory && others.find((i) => i.state === 'frozen' || i.state === 'silent');
  if (!elsewhere && unseen) facts.other = unseen.name.toUpperCase();
  const where = elsewhere ? (asked ? 'elsewhere' : 'still') : unseen ? 'unseen' : 'nowhere';
  if (o.action === 'replay') return ['fine', key('unknown.title'), `say.session.${where}`];
  const fate = o.cookie ? [`say.session.${o.cookie}`] : [];
  return ['bad', key('unknown.title'), `say.session.${where}`, ...fate];
}

function jwt(o, facts) {
  const key = (rest) => `say.jwt.${TOLD_AS[o.action] ?? o.action}.${rest}`;
  const { ended, at } = o.body;
  const until = claims(o.body.access_token ?? o.sentToken ?? o.last ?? '').exp * 1000;
  facts.until = clockTime(ended && at ? at : until);
  if (o.reason === 'no-credential') return ['fine', key('none.title'), key('none.why')];
  if (o.action === 'replay') {
    const [tone, variant] = o.sentId === o.heldId ? ['fine', 'copy'] : ['bad', 'known'];
    return [tone, key(`${variant}.title`), key(`${variant}.why`)];
  }
  const variant = o.action === 'ask' && facts.signer !== facts.here ? 'too' : 'known';
  return ['fine', key(`${variant}.title`), key(`${variant}.why`)];
}

/** What something that was done to the servers means to a lane over `pool`. */
export function sayDeed(lane, pool, deed, names) {
  const { act, instance, user, role, overlap, disabled } = deed;
  const held = deed.held_before[pool];
  const facts = { here: instance?.toUpperCase(), count: held, user: names[user] ?? user, role };
  const variant = (act === 'rotate-key' && (overlap ? '.overlap' : '.hard'))
    || (act === 'set-disabled' && (disabled ? '.off' : '.on')) || '';
  let why = 'why';
  if (pool === 'session-memory' && act === 'kill') {
    // A frozen server could not say how many it held.
    why = held === undefined ? 'some' : ['none', 'one'][held] ?? 'many';
  }
  const tone = ['one', 'many', 'some'].includes(why) ? 'bad' : 'fine';
  const said = (rest) => {
    const keys = [pool, lane, 'any'].map((whose) => `say.${whose}.${act}${variant}.${rest}`);
    return word(keys.find(has) ?? keys[0], facts);
  };
  return { tone, title: said('title'), why: said(why) };
}

/** What was done, in the words of the list of requests. */
export function deedWords({ act, instance, user, role, overlap, disabled }, names) {
  const variant = { overlap: '.overlap', disabled: '.off' };
  const key = `row.${act}${overlap ? variant.overlap : ''}${disabled ? variant.disabled : ''}`;
  return word(key, { here: instance?.toUpperCase(), user: names[user] ?? user, role });
}

/** What the server answered, in the words of the list of requests. */
export function answerWords({ action, kind, reason }, name) {
  return word([`row.${reason}`, `row.${action}.${kind}`, `row.${kind}`].find(has), { name });
}
