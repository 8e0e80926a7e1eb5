// The Lab: every control at once. It builds them and says what was chosen; what happens then is
// main.js's business.

import { el } from './lane.js';
import { lockedBecause, part } from './order.js';
import { word } from './words.js';

const SCENE = {
  session: ['session-memory', 'session-redis'],
  jwt: ['jwt', 'jwt-denylist'],
  way: ['turns', 'sticky', 'a', 'b'],
  lifetime: [30, 120, 900],
  panel: ['servers', 'inside', 'script', 'edit'],
};
const RATES = [0, 5, 20, 50, 200];
/** What can be done to a server in each state. */
const OFFERED = {
  running: ['kill', 'freeze'], silent: ['kill', 'freeze'], frozen: ['thaw', 'kill'],
  dead: ['start'],
};
const ROLES = ['member', 'accountant', 'admin'];

/** A button that keeps the keyboard's focus while it can do nothing. */
export function button(className, label, onClick) {
  const node = el('button', className, label);
  node.type = 'button';
  node.addEventListener('click', () => node.ariaDisabled !== 'true' && onClick(node));
  return node;
}

function choice(label, options, onChange) {
  const node = el('select', '', ...options.map(([value, text]) => {
    const option = el('option', '', text);
    option.value = value;
    return option;
  }));
  node.addEventListener('change', () => onChange(node.value));
  return [node, el('label', 'choice', el('span', '', label), node)];
}

const group = (name, ...nodes) => {
  const node = el('div', 'group', el('span', 'group-name', word(`lab.${name}`)), ...nodes);
  node.role = 'group';
  node.ariaLabel = word(`lab.${name}`);
  return node;
};

export class LabControls {
  /** `on` has: scene(key, value), person(index), act(order), traffic(rps). */
  constructor({ people, names, mayStrike, on }) {
    this.selects = {};
    const scene = Object.entries(SCENE).map(([key, values]) => {
      const options = values.map((value) => [value, word(`lab.${key}.${value}`)]);
      const cast = key === 'lifetime' ? Number : (value) => value;
      const [select, node] = choice(word(`lab.${key}`), options, (v) => on.scene(key, cast(v)));
      this.selects[key] = select;
      // A guest's page follows the presenter's.
      select.disabled = part === 'guest' && key !== 'panel';
      return node;
    });
    const persons = people.map(({ user, role }, n) =>
      [n, `${names[user] ?? user}, ${word(`role.${role}`)}`]);
    const [who, whoNode] = choice(word('lab.who'), persons, (n) => on.person(Number(n)));
    this.selects.person = who;
    this.nodes = [group('where', whoNode, ...scene)];
    if (mayStrike) this.nodes.push(this.breaking(on), this.accounts(people, names, on));
    else this.nodes.push(group('break', el('span', 'why-not', lockedBecause())));
  }

  breaking(on) {
    this.instances = el('span', 'instance-acts');
    this.store = el('span', 'instance-acts');
    this.strike = on.act;
    const keys = ['overlap', 'hard'].map((how) => button('small', word(`lab.rotate.${how}`),
      () => on.act({ act: 'rotate-key', overlap: how === 'overlap' })));
    return group('break', this.instances, this.store, ...keys);
  }

  accounts(people, names, on) {
    // The board acts as the admin, who therefore stays one.
    const others = people.filter(({ role }) => role !== 'admin');
    const [user, userNode] = choice(word('lab.user'),
      others.map((person) => [person.user, names[person.user] ?? person.user]), () => {});
    const [role, roleNode] = choice(word('lab.role'),
      ROLES.map((value) => [value, word(`role.${value}`)]), () => {});
    const set = button('small', word('lab.set-role'),
      () => on.act({ act: 'set-role', user: user.value, role: role.value }));
    const able = [true, false].map((disabled) => button('small', word(`lab.disabled.${disabled}`),
      () => on.act({ act: 'set-disabled', user: user.value, disabled })));
    const [rate, rateNode] = choice(word('lab.traffic'),
      RATES.map((rps) => [rps, word(rps ? 'lab.rate' : 'lab.rate.none', { rps })]),
      (rps) => on.traffic(Number(rps)));
    this.rate = rate;
    return group('accounts', userNode, roleNode, set, ...able, rateNode);
  }

  /** Shows what is chosen. */
  choose(scene, person, panel) {
    for (const [key, select] of Object.entries(this.selects)) {
      select.value = { ...scene, person, panel: panel ?? 'servers' }[key];
    }
  }

  /** Offers what can be done to the servers and the store as they are now. */
  show({ pools, store, traffic, cannot }) {
    if (!this.instances) return;
    const seen = pools[0].instances.map(({ name, state }) => `${name}:${state}`).join(' ');
    const now = `${seen} ${store?.state} ${store?.not_ours}`;
    if (this.rate !== document.activeElement) this.rate.value = traffic.rps;
    // Only when it differs: whoever has the focus on one of these keeps it.
    if (now === this.shown) return;
    this.shown = now;
    this.instances.replaceChildren(...pools[0].instances.flatMap(
      (i) => this.instanceActs(i, cannot)));
    this.store.replaceChildren(...this.storeActs(store));
  }

  instanceActs({ name, state }, cannot) {
    const here = name.toUpperCase();
    const offered = OFFERED[state].filter((act) => !cannot.includes(act));
    return offered.map((act) => button('small', word(`act.${act}`, { here }),
      () => this.strike({ act, instance: name })));
  }

  storeActs(store) {
    if (!store) return [el('span', 'why-not', word('lab.store.none'))];
    if (store.not_ours) return [el('span', 'why-not', word('lab.store.not-ours'))];
    const act = store.state === 'dead' ? 'start-store' : 'stop-store';
    return [button('small', word(`act.${act}`), () => this.strike({ act }))];
  }
}
