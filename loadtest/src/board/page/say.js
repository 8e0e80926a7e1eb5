// From what came back to the one large sentence: pure functions from facts to keys of words.json.
//
// A fact is the answer itself, or what the instances' own snapshot says they hold. Nothing here
// repeats what the theory says would happen.

import { claims } from './send.js';
import { clockTime, has, word } from './words.js';

/** What one answer means. `view` is the lane as the snapshot shows it. */
export function sayAnswer(lane, o, view, name) {
  const others = view.instances.filter((i) => i.name !== o.here);
  const facts = {
    name, status: o.status, reason: o.reason ?? o.status,
    here: o.here?.toUpperCase(),
    other: others[0]?.name.toUpperCase(),
    id: (o.action === 'login' ? o.heldId : o.sentId) ?? o.lastId,
  };
  const [tone, title, ...why] =
    general(o) ?? (lane === 'session' ? session(o, facts, others) : jwt(o, facts));
  if (o.retried && o.here) why.push('say.any.retried');
  return { tone, title: word(title, facts), why: why.map((key) => word(key, facts)).join(' ') };
}

/** Outcomes that mean the same in both lanes; null for those that do not. */
function general({ kind, reason }) {
  if (kind === 'known' || reason === 'unknown-session' || reason === 'no-credential') return null;
  const key = { 'bad-signature': 'signature', 'unknown-key': 'signature' }[reason] ?? reason;
  const known = has(`say.any.${key}.title`) ? key : kind;
  return ['bad', `say.any.${known}.title`, `say.any.${known}.why`];
}

function session(o, facts, others) {
  const key = (rest) => `say.session.${o.action}.${rest}`;
  const elsewhere = others.find((i) => i.held.some((held) => held.id === facts.id));
  if (elsewhere) facts.other = elsewhere.name.toUpperCase();
  if (o.kind === 'known') {
    if (o.action === 'login') {
      const untold = others.some((i) => i.state === 'running') ? [key('known.untold')] : [];
      return ['fine', key('known.title'), key('known.why'), ...untold];
    }
    if (o.action !== 'replay') return ['fine', key('known.title'), key('known.why')];
    if (o.sentId === o.heldId) return ['fine', key('copy.title'), key('copy.why')];
    return ['bad', key('known.title'), key('known.why')];
  }
  // Somebody who is in a server's memory and is turned away has reason to complain.
  const tone = elsewhere ? 'bad' : 'fine';
  if (o.reason === 'no-credential') {
    const still = o.action === 'logout' && elsewhere ? ['say.session.still'] : [];
    return [tone, key('none.title'), key('none.why'), ...still];
  }
  const where = !elsewhere ? 'nowhere' : o.action === 'ask' ? 'elsewhere' : 'still';
  if (o.action === 'replay') return ['fine', key('unknown.title'), `say.session.${where}`];
  const fate = o.cookie ? [`say.session.${o.cookie}`] : [];
  return ['bad', key('unknown.title'), `say.session.${where}`, ...fate];
}

function jwt(o, facts) {
  const key = (rest) => `say.jwt.${o.action}.${rest}`;
  const { login_instance: signer = '', ended, at } = o.body;
  facts.signer = signer.at(-1)?.toUpperCase();
  const until = claims(o.body.access_token ?? o.sentToken ?? o.lastToken ?? '').exp * 1000;
  facts.until = clockTime(ended ? at : until);
  if (o.reason === 'no-credential') return ['fine', key('none.title'), key('none.why')];
  if (o.action === 'replay') {
    const [tone, variant] = o.sentToken ? ['fine', 'copy'] : ['bad', 'known'];
    return [tone, key(`${variant}.title`), key(`${variant}.why`)];
  }
  const variant = o.action === 'ask' && facts.signer !== facts.here ? 'too' : 'known';
  return ['fine', key(`${variant}.title`), key(`${variant}.why`)];
}

/** What something that was done to a server means. */
export function sayDeed(lane, { act, instance }, held) {
  const facts = { here: instance.toUpperCase(), count: held };
  let why = 'why';
  if (lane === 'session' && act === 'kill') why = ['none', 'one'][held ?? 0] ?? 'many';
  const key = `say.${lane}.${act}`;
  const tone = lane === 'session' && act === 'kill' && held > 0 ? 'bad' : 'fine';
  return { tone, title: word(`${key}.title`, facts), why: word(`${key}.${why}`, facts) };
}

/** What the server answered, in the words of the list of requests. */
export function answerWords({ action, kind }, name) {
  return word([`row.${action}.${kind}`, `row.${kind}`].find(has), { name });
}
