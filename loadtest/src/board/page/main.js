// The board: puts the page together and turns clicks into requests, one in each lane.
// Long because all that changes while the page is open changes here.

import { LabControls, button } from './lab.js';
import { Lane, el } from './lane.js';
import { lockedBecause, mayStrike, notice, order, part } from './order.js';
import { panel, strip } from './panel.js';
import { answerWords, deedWords, sayAnswer, sayDeed } from './say.js';
import { placeOf, readable, send, token } from './send.js';
import { FRAMES, LAB } from './story.js';
import { watchStage } from './stream.js';
import { word } from './words.js';

const byId = (id) => document.getElementById(id);
const lanes = ['session', 'jwt'].map((name) => new Lane(name));
const hello = await (await fetch(`/board/hello${location.search}`)).json();
let figures = null;

const LAB_ACTS = ['login', 'ask', 'records', 'logout', 'everywhere', 'replay', 'altered', 'read'];
/** The fingerprints of the cookies that this browser holds, by place. */
const cookies = hello.cookies;
const old = new Set(hello.old);
/** The last credential of each lane, for sentences about what you no longer hold. */
const last = {};
let person = hello.people.length - 1;
let frame = FRAMES[0];
let scene = { ...frame.scene };
let shownPanel = null;
let edited = null;
let lastDeed = null;
let newest = null;
let busy = false;

const name = () => hello.names[hello.people[person].user] ?? hello.people[person].user;
const poolOf = (lane) => scene[lane.name];
/** The way of an action: straight to a server where the frame or the button says so. */
const wayOf = (at) => at ?? (scene.way === 'each' ? 'a' : scene.way);

// ----- what you do -------------------------------------------------------------------------

const acts = new Map();

function showActs(names) {
  acts.clear();
  for (const full of names) {
    const [action, at] = full.split('@');
    const label = word(at ? `act.${action}.at` : `act.${action}`, { here: at?.toUpperCase() });
    acts.set(full, button('act', label, () => sendBoth(action, at)));
  }
  byId('acts').replaceChildren(...acts.values());
  enable();
}

function enable() {
  const hasOld = lanes.some((lane) => old.has(placeOf(poolOf(lane), wayOf())));
  for (const [action, node] of acts) {
    node.ariaDisabled = String(busy || (action === 'replay' && !hasOld));
  }
}

/** One click, one request in each lane, side by side. */
async function sendBoth(action, at) {
  if (action === 'read') return readByScript();
  busy = true;
  enable();
  await Promise.all(lanes.map((lane) => sendOne(lane, action, at)));
  busy = false;
  enable();
}

async function sendOne(lane, action, at) {
  const pool = poolOf(lane);
  const { rows } = lane;
  const asker = name();
  const outcome = await send(action, {
    pool, way: wayOf(at), person: hello.people[person], lifetime: scene.lifetime,
    keepCookie: lane.keepsCookie, payload: edited,
  });
  outcome.last = last[pool];
  const place = placeOf(pool, outcome.way);
  // A request that never arrived changed nothing.
  const arrived = outcome.status > 0 && outcome.reason !== 'no-viewer';
  if (lane.name === 'session' && arrived) {
    if (outcome.heldId) cookies[place] = outcome.heldId;
    else delete cookies[place];
  }
  if (action === 'login' && outcome.kind === 'known') {
    old.add(place);
    edited = null;
  }
  showHeld(lane);
  // Another frame may have come meanwhile; its list is not this one's.
  if (lane.rows !== rows || poolOf(lane) !== pool) return;
  const { user } = outcome.body;
  const greeted = user ? hello.names[user] ?? user : asker;
  outcome.loggedOut = rows.some((row) => ['logout', 'everywhere'].includes(row.action));
  outcome.elsewhere = Object.keys(cookies).some((other) =>
    other !== place && other.startsWith(`${pool}-at-`));
  lane.request(outcome, word(`short.${action}`), answerWords(outcome, greeted));
  lane.say(sayAnswer(lane.name, outcome, lane.view, greeted));
  showTab(lane, outcome.kind);
  drawPanel(lane);
}

function showHeld(lane) {
  const pool = poolOf(lane);
  if (lane.name === 'jwt') {
    const held = token(pool);
    last[pool] = held ?? last[pool];
    lane.hold(held ? [{ parts: held.split('.').map((p) => p.slice(0, 4)) }] : []);
    return;
  }
  const ways = scene.way === 'each' ? ['a', 'b'] : [wayOf()];
  const held = ways.map((way) => [way, cookies[placeOf(pool, way)]]).filter(([, id]) => id);
  last[pool] = held[0]?.[1] ?? last[pool];
  lane.hold(held.map(([way, id]) => ({ of: scene.way === 'each' ? way : null, parts: [id] })));
}

/** Does what a foreign script on this page could do. */
function readByScript() {
  for (const lane of lanes) {
    lane.scripts = readable[lane.name](poolOf(lane)).length;
    lane.drawFigure();
    drawPanel(lane);
    const some = lane.scripts > 0 ? 'some' : 'none';
    say(lane, `${lane.name}.read.${some}`, {}, some === 'some' ? 'bad' : 'fine');
  }
}

function drawPanel(lane) {
  const node = lane.$('.panel');
  node.hidden = shownPanel === null;
  lane.$('.servers').hidden = shownPanel !== null;
  // Whoever is typing in it goes on typing.
  const typing = shownPanel === 'edit' && node.contains(document.activeElement);
  if (shownPanel === null || typing) return;
  const place = placeOf(poolOf(lane), wayOf());
  node.replaceChildren(...panel(shownPanel, lane, {
    id: cookies[place], place, token: token(poolOf(lane)), figures, edited,
    read: lane.scripts === null ? null : readable[lane.name](poolOf(lane)),
    onEdit: (payload) => { edited = payload; },
  }));
}

// ----- story and Lab -----------------------------------------------------------------------

const nav = {
  back: button('nav', word('nav.back'), () => step(-1)),
  next: button('nav', word('nav.next'), () => step(1)),
  story: button('nav mode', word('nav.story'), () => goTo(FRAMES[0])),
  lab: button('nav mode', word('nav.lab'), () => goTo(LAB)),
};
const lab = new LabControls({
  people: hello.people, names: hello.names, mayStrike,
  on: { scene: choose, person: choosePerson, act: strike, traffic: orderTraffic },
});

function step(by) {
  const next = FRAMES[FRAMES.indexOf(frame) + by];
  if (frame !== LAB && next) goTo(next);
}

function goTo(to) {
  // A frame that goes on with the list of the one before it, reached from there or left for it.
  const [from, at] = [frame, to].map((which) => FRAMES.indexOf(which));
  const goesOn = Math.abs(from - at) === 1 && from >= 0 && FRAMES[Math.max(from, at)]?.goesOn;
  frame = to;
  scene = to === LAB ? { ...LAB.scene, ...pools() } : { ...to.scene };
  shownPanel = to.panel ?? null;
  edited = null;
  if (to !== LAB) person = hello.people.length - 1;
  history.replaceState(null, '', to === LAB ? '#lab' : `#${FRAMES.indexOf(to) + 1}`);
  drawFrame();
  if (!goesOn) {
    for (const lane of lanes) {
      lane.clear();
      greet(lane);
    }
  }
  if (to.panel === 'pays') showFigures();
  lead();
}

/** The figures of the newest run: it may have ended while this page was open. */
async function showFigures() {
  figures = await (await fetch('/board/figures')).json();
  for (const lane of lanes) {
    drawPanel(lane);
    greet(lane);
  }
}

/** The pools that the lanes are laid over now: the Lab goes on with them. */
const pools = () => ({ session: scene.session, jwt: scene.jwt });

function drawFrame() {
  const isLab = frame === LAB;
  document.body.dataset.frame = frame.name;
  document.body.classList.toggle('in-lab', isLab);
  const n = FRAMES.indexOf(frame) + 1;
  const title = word(`frame.${frame.name}`);
  byId('step').textContent = isLab ? title : word('step', { n, of: FRAMES.length, title });
  byId('lead').textContent = word(`frame.${frame.name}.lead`);
  byId('person').textContent = name();
  nav.back.ariaDisabled = String(n <= 1);
  nav.next.ariaDisabled = String(isLab || n === FRAMES.length);
  nav.story.ariaPressed = String(!isLab);
  nav.lab.ariaPressed = String(isLab);
  byId('lab').hidden = !isLab;
  showActs(isLab ? LAB_ACTS : frame.acts);
  showBreaks();
  drawScene();
}

function drawScene() {
  lab.choose(scene, person, shownPanel);
  for (const lane of lanes) {
    lane.lay(poolOf(lane), scene.way, frame.figure);
    showSnapshot(lane);
    showHeld(lane);
    drawPanel(lane);
  }
  for (const lane of lanes) openPool(lane);
  byId('lanes').classList.toggle('with-store', lanes.some((lane) => lane.asksStore));
  enable();
}

/** What is said before anything was asked. */
function greet(lane) {
  const holds = lane.holds.length > 0;
  if (frame.panel === 'pays') {
    const from = word(figures?.published === false ? 'pays.own' : 'pays.published');
    const date = figures?.started_at.slice(0, 10);
    say(lane, `pays.${lane.name}`, { from, date, cores: figures?.cores });
    return;
  }
  const canAsk = (frame.acts ?? LAB_ACTS).includes('ask');
  say(lane, !holds ? 'start' : canAsk ? 'back' : 'held');
}

function say(lane, key, facts = {}, tone = 'start') {
  lane.say({ title: word(`say.${key}.title`, facts), why: word(`say.${key}.why`, facts), tone });
}

function choose(key, value) {
  if (key === 'panel') {
    shownPanel = value === 'servers' ? null : value;
    for (const lane of lanes) drawPanel(lane);
    return;
  }
  const moved = { session: scene.session !== value, jwt: scene.jwt !== value };
  scene = { ...scene, [key]: value };
  drawScene();
  for (const lane of lanes) {
    // Each pool keeps its own logins: whoever comes from another one is a stranger here.
    const stranger = key === lane.name && moved[key] && lane.holds.length === 0;
    if (stranger) say(lane, 'moved');
  }
  // The background follows whoever set it going.
  if (newest?.traffic.rps > 0 && mayStrike) orderTraffic(newest.traffic.rps);
  lead();
}

/** A pool is started when somebody first wants it: so that there is something to see, open it. */
async function openPool(lane) {
  const pool = poolOf(lane);
  if (newest?.pools.some((seen) => seen.pool === pool)) return;
  const answer = await fetch(`/board/pool/${pool}`, { method: 'POST' }).catch(() => null);
  if (!answer || answer.ok || poolOf(lane) !== pool) return;
  const { reason, detail } = await answer.json();
  const title = word(`say.any.${reason}.title`);
  lane.say({ tone: 'bad', title, why: word(`say.any.${reason}.why`, { detail }) });
}

function choosePerson(n) {
  person = n;
  byId('person').textContent = name();
}

// ----- what everybody sees -----------------------------------------------------------------

/** In a story's frame about breaking things: a button for each thing that it breaks. */
function showBreaks() {
  const node = byId('breaks');
  const wanted = frame.breaks ?? [];
  if (wanted.length === 0 || !newest) {
    node.replaceChildren();
    return;
  }
  if (!mayStrike) {
    node.replaceChildren(el('span', '', lockedBecause()));
    return;
  }
  const orders = wanted.map((what) => orderFor(what)).filter((one) => one !== null);
  const locked = newest.store?.not_ours && wanted.includes('store');
  const key = JSON.stringify([orders, locked]);
  if (node.dataset.shown === key && node.childElementCount > 0) return;
  node.dataset.shown = key;
  node.replaceChildren(el('span', '', word('break')), ...orders.map((order) => button('act',
    word(`act.${order.act}`, { here: order.instance?.toUpperCase() }), () => strike(order))));
  if (locked) node.append(el('span', '', word('lab.store.not-ours')));
}

function orderFor(what) {
  if (what === 'store') {
    if (!newest.store || newest.store.not_ours) return null;
    return { act: newest.store?.state === 'dead' ? 'start-store' : 'stop-store' };
  }
  const state = newest.pools[0].instances.find((i) => i.name === what)?.state;
  return { act: state === 'dead' ? 'start' : 'kill', instance: what };
}

function strike(act) {
  return order('act', act);
}

function orderTraffic(rps) {
  return order('traffic', { rps, sticky: scene.way === 'sticky', pools: Object.values(pools()) });
}

/** In a room the guests' pages follow. */
function lead() {
  if (part !== 'presenter') return;
  const n = FRAMES.indexOf(frame) + 1;
  const { session, jwt, way, lifetime } = scene;
  order('setting', { frame: n || null, session, jwt, way, lifetime_s: lifetime });
}

function follow(setting) {
  if (part !== 'guest' || !setting) return;
  const to = FRAMES[setting.frame - 1] ?? LAB;
  if (to !== frame) goTo(to);
  const { session, jwt, way, lifetime_s: lifetime } = setting;
  const there = { session, jwt, way, lifetime };
  if (JSON.stringify(there) !== JSON.stringify(scene)) {
    scene = there;
    drawScene();
  }
}

function showDeeds(deeds) {
  const done = deeds.at(-1)?.number ?? 0;
  // What was done before this page was opened is seen in the boxes; it is no news.
  const news = lastDeed === null ? [] : deeds.filter(({ number }) => number > lastDeed);
  for (const deed of news) {
    for (const lane of lanes) {
      lane.deed(deed.instance, deedWords(deed, hello.names));
      lane.say(sayDeed(lane.name, poolOf(lane), deed, hello.names));
      showTab(lane, 'done');
    }
  }
  lastDeed = done;
}

function showSnapshot(lane) {
  if (!newest) return;
  const seen = newest.pools.find(({ pool }) => pool === poolOf(lane));
  lane.show(seen, newest.store);
  const node = lane.$('.strip');
  const seconds = newest.traffic.strips[poolOf(lane)];
  node.hidden = !seconds || frame !== LAB;
  if (!node.hidden) node.replaceChildren(...strip(seconds));
}

watchStage((snapshot) => {
  if (newest === null || byId('notice').textContent === word('stream.lost')) notice('');
  newest = snapshot;
  follow(snapshot.setting);
  for (const lane of lanes) {
    showSnapshot(lane);
    if (shownPanel === 'inside') drawPanel(lane);
  }
  lab.show(snapshot);
  showBreaks();
  showDeeds(snapshot.deeds);
}, () => notice(word('stream.lost')));

// ----- on a phone the lanes are tabs -------------------------------------------------------

const tabs = lanes.map((lane, n) => {
  const tab = button('tab', lane.$('.lane-name').textContent, () => select(n));
  tab.id = `tab-${lane.name}`;
  tab.role = 'tab';
  tab.setAttribute('aria-controls', lane.root.id);
  tab.append(el('span', 'tab-news'));
  tab.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) select((n + by + lanes.length) % lanes.length).focus();
    event.stopPropagation();
  });
  return tab;
});

function select(chosen) {
  tabs.forEach((tab, n) => {
    tab.ariaSelected = String(n === chosen);
    tab.tabIndex = n === chosen ? 0 : -1;
    lanes[n].root.classList.toggle('chosen', n === chosen);
  });
  return tabs[chosen];
}

/** The tab of the lane you do not see says what happened there. */
function showTab(lane, kind) {
  byId(`tab-${lane.name}`).querySelector('.tab-news').textContent = word(`outcome.${kind}`);
}

// ----- start -------------------------------------------------------------------------------

document.addEventListener('keydown', ({ key, target, altKey, ctrlKey, metaKey }) => {
  const typing = target.closest('select, textarea, input, .panel, .requests');
  const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (by && !typing && !altKey && !ctrlKey && !metaKey && part !== 'guest') step(by);
});
/** Frames have addresses, to come back to and to send to somebody. */
const addressed = () => {
  const asked = location.hash.slice(1);
  return asked === 'lab' ? LAB : FRAMES[Number(asked) - 1] ?? FRAMES[0];
};
addEventListener('hashchange', () => goTo(addressed()));
byId('tabs').append(...tabs);
byId('lanes').append(...lanes.map((lane) => lane.root));
byId('lab').append(...lab.nodes);
if (part === 'guest') byId('nav').remove();
else byId('nav').append(...Object.values(nav));
for (const lane of lanes) lane.names = hello.names;
select(0);
goTo(addressed());
document.body.classList.add('ready');
