// The board: puts the page together and turns clicks into requests, one in each lane.

import { Lane, el } from './lane.js';
import { answerWords, sayAnswer, sayDeed } from './say.js';
import { ACTIONS, send, token } from './send.js';
import { watchStage } from './stream.js';
import { word } from './words.js';

const pageToken = document.querySelector('meta[name=board-token]').content;
const byId = (id) => document.getElementById(id);
const lanes = ['session', 'jwt'].map((name) => new Lane(name));
const hello = await (await fetch('/board/hello')).json();
const name = hello.names[hello.person.user] ?? hello.person.user;
/** The last credential of each lane, for sentences about what you no longer hold. */
const last = { session: hello.cookie, jwt: token() };
let hasOld = hello.old.length > 0;
let lastDeed = null;
let busy = false;

byId('person').textContent = name;
byId('lanes').append(...lanes.map((lane) => lane.root));

// ----- what you do -------------------------------------------------------------------------

function button(className, label, onClick) {
  const node = el('button', className, label);
  node.type = 'button';
  // Not `disabled`: a button that is would lose the keyboard's focus under one's fingers.
  node.addEventListener('click', () => node.ariaDisabled !== 'true' && onClick(node));
  return node;
}

const acts = new Map(ACTIONS.map((action) =>
  [action, button('act', word(`act.${action}`), () => sendBoth(action))]));
byId('acts').append(...acts.values());

function enable() {
  for (const [action, node] of acts) {
    node.ariaDisabled = String(busy || (action === 'replay' && !hasOld));
  }
}

/** One click, one request in each lane, side by side. */
async function sendBoth(action) {
  busy = true;
  enable();
  await Promise.all(lanes.map((lane) => sendOne(lane, action)));
  busy = false;
  hasOld ||= action === 'login';
  enable();
}

async function sendOne(lane, action) {
  const outcome = await send(lane.name, action, hello.person, lane.keepsCookie);
  outcome.lastId = last.session;
  outcome.lastToken = last.jwt;
  showHeld(lane, outcome);
  lane.request(outcome, word(`short.${action}`), answerWords(outcome, name));
  lane.say(sayAnswer(lane.name, outcome, lane.view, name));
  showTab(lane, outcome.kind);
}

function showHeld(lane, outcome) {
  if (lane.name === 'jwt') holdToken(lane);
  // A request that never arrived changed nothing.
  else if (outcome.status > 0 && outcome.reason !== 'no-viewer') holdCookie(lane, outcome.heldId);
}

function holdCookie(lane, id) {
  last.session = id ?? last.session;
  lane.hold(id ? [id] : null);
}

function holdToken(lane) {
  last.jwt = token() ?? last.jwt;
  lane.hold(token()?.split('.').map((part) => part.slice(0, 4)) ?? null);
}

// ----- what everybody sees -----------------------------------------------------------------

const breaks = new Map();

function showBreaks(instances) {
  if (!pageToken) {
    // Started with --read-only: the board would refuse.
    byId('breaks').replaceChildren(el('span', '', word('break.locked')));
    return;
  }
  for (const { name: instance, state } of instances) {
    if (!breaks.has(instance)) {
      breaks.set(instance, button('act', '', (node) => strike(node.dataset.act, instance)));
      byId('breaks').append(breaks.get(instance));
    }
    const node = breaks.get(instance);
    node.dataset.act = state === 'dead' ? 'start' : 'kill';
    node.textContent = word(`act.${node.dataset.act}`, { here: instance.toUpperCase() });
  }
}

async function strike(act, instance) {
  const node = breaks.get(instance);
  node.ariaDisabled = 'true';
  try {
    const answer = await fetch('/board/act', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-board-token': pageToken },
      body: JSON.stringify({ act, instance }),
    });
    const { reason } = await answer.json();
    byId('notice').textContent = answer.ok ? '' : word('control.failed', { reason });
  } catch {
    byId('notice').textContent = word('stream.lost');
  }
  node.ariaDisabled = 'false';
}

function showDeeds(deeds) {
  const newest = deeds.at(-1)?.number ?? 0;
  // What was done before this page was opened is seen in the boxes; it is no news.
  const news = lastDeed === null ? [] : deeds.filter(({ number }) => number > lastDeed);
  for (const deed of news) {
    lanes.forEach((lane, n) => {
      lane.deed(deed.instance, word(`row.${deed.act}`, { here: deed.instance.toUpperCase() }));
      lane.say(sayDeed(lane.name, deed, deed.held_before[n]));
      showTab(lane, 'done');
    });
  }
  lastDeed = newest;
}

watchStage((snapshot) => {
  byId('notice').textContent = '';
  for (const lane of lanes) lane.show(snapshot.lanes.find((view) => view.lane === lane.name));
  showBreaks(snapshot.lanes[0].instances);
  showDeeds(snapshot.deeds);
}, () => {
  byId('notice').textContent = word('stream.lost');
});

// ----- on a phone the lanes are tabs -------------------------------------------------------

const tabs = lanes.map((lane, n) => {
  const tab = button('tab', lane.$('.lane-name').textContent, () => select(n));
  tab.id = `tab-${lane.name}`;
  tab.role = 'tab';
  tab.setAttribute('aria-controls', lane.root.id);
  tab.append(el('span', 'tab-news'));
  tab.addEventListener('keydown', ({ key }) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
    if (step) select((n + step + lanes.length) % lanes.length).focus();
  });
  return tab;
});
byId('tabs').append(...tabs);

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

for (const lane of lanes) {
  lane.names = hello.names;
  const holds = lane.name === 'jwt' ? token() : hello.cookie;
  if (holds) lane.say({ title: word('say.back.title'), why: word('say.back.why'), tone: 'start' });
}
holdCookie(lanes[0], hello.cookie);
holdToken(lanes[1]);
select(0);
enable();
document.body.classList.add('ready');
