// One lane as it is drawn: what you hold, the balancer, the servers, the store, the requests so
// far and the one large sentence. Text is only ever set as text.

import { figureOf } from './story.js';
import { word } from './words.js';

const SVG = 'http://www.w3.org/2000/svg';
/** Lines of the session table that fit a server's box: two, or on a screen less wide four. */
const TALL = matchMedia('(min-width: 701px) and (min-aspect-ratio: 1) and (max-aspect-ratio: 1.7)');
/** Old rows go when there are more: a page may stay open for a day. */
const ROWS_MAX = 500;

/** An element with a class, a text and children. */
export function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** An element of a drawing. */
export function svg(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** A mark of the given kind: known, refused, failed or done. */
function mark(kind) {
  const label = word(`outcome.${kind}`);
  const drawing = svg('svg', { class: `mark ${kind}`, role: 'img', 'aria-label': label });
  drawing.append(svg('use', { href: `#mark-${kind}` }));
  return drawing;
}

/** The letter of a server, in its colour and outline. */
const chip = (name) => el('span', `chip ${name ?? 'none'}`, name?.toUpperCase() ?? '–');

export class Lane {
  constructor(name) {
    this.name = name;
    this.view = { instances: [] };
    this.store = null;
    this.names = {};
    this.holds = [];
    this.rows = [];
    this.sent = 0;
    this.scripts = null;
    const root = document.getElementById('lane').content.cloneNode(true).firstElementChild;
    root.id = `lane-${name}`;
    root.classList.add(name);
    this.root = root;
    this.$ = (selector) => root.querySelector(selector);
    TALL.addEventListener('change', () => this.drawServers());
    this.$('h2').id = `name-${name}`;
    root.setAttribute('aria-labelledby', `name-${name}`);
    this.$('.lane-name').textContent = word(`lane.${name}`);
    if (name === 'session') this.$('.thing').title = word('hold.session.why');
    else this.$('.keep').remove();
  }

  get keepsCookie() {
    return this.$('.keep input')?.checked ?? false;
  }

  /** Lays the lane over a pool, by a way, with the figure of a frame. */
  lay(pool, way, figure) {
    Object.assign(this, { pool, way, figure });
    this.$('.lane-sub').textContent = word(`pool.${pool}`);
    const key = way.length === 1 ? 'direct' : way;
    this.$('.balancer-way').textContent = word(`way.${key}`, { here: way.toUpperCase() });
    this.$('.balancer').classList.toggle('passed-by', key === 'direct' || key === 'each');
    this.drawServers();
    this.drawFigure();
  }

  /** What the browser holds: [whose, parts] for each thing, or nothing. */
  hold(things) {
    this.holds = things;
    const some = things.length > 0;
    const many = things.length > 1 ? 'hold.cookies' : `hold.${this.name}`;
    this.$('.hold-what').textContent = word(some ? many : `hold.${this.name}.none`);
    const parts = things.flatMap(({ of, parts: shown }) => [
      ...(of ? [chip(of)] : []), ...shown.map((part) => el('span', 'part', `${part}…`)),
    ]);
    this.$('.hold-id').replaceChildren(...parts);
    this.$('.hold').classList.toggle('nothing', !some);
    this.drawServers();
  }

  /** What the instances and the store hold, from a snapshot. */
  show(view, store) {
    this.view = view ?? { instances: [] };
    this.store = store;
    this.drawServers();
  }

  drawServers() {
    const boxes = this.view.instances.map((instance) => this.box(instance));
    this.$('.instances').replaceChildren(...boxes);
    this.drawWires();
    this.drawStore();
  }

  get asksStore() {
    return this.pool === 'session-redis' || this.pool === 'jwt-denylist';
  }

  box({ name, state, held, logins, keys }) {
    const title = el('h3', '', chip(name), ` ${word('server', { here: name.toUpperCase() })} `);
    if (state !== 'running') title.append(el('span', 'state', word(`state.${state}`)));
    const box = el('article', `instance ${name} ${state}`, title);
    box.classList.toggle('answered', name === this.answered);
    const keeps = this.pool === 'session-memory';
    if (state === 'dead') {
      if (keeps) box.append(el('p', 'memory', word('memory.gone')));
    } else if (keeps) {
      if (state === 'running') box.append(...this.memory(held, logins ?? held.length));
    } else {
      box.append(el('p', 'memory', word(this.asksStore ? 'memory.asks' : 'memory.nothing')));
      if (this.name === 'jwt' && keys.length > 0) {
        const shown = keys.slice(0, 2).map((key) => `${key.slice(0, 4)}…`).join(' ');
        box.append(el('p', 'key', word('memory.secret', { key: shown })));
      }
    }
    return box;
  }

  /** The session table: yours first, then the newest. */
  memory(held, logins, lines = TALL.matches ? 4 : 2) {
    if (held.length === 0) return [el('p', 'memory nobody', word('memory.empty'))];
    const isMine = ({ id }) => this.holds.some(({ parts }) => parts[0] === id);
    const fits = logins <= lines ? lines : lines - 1;
    const inOrder = [...held.filter(isMine), ...held.filter((h) => !isMine(h))];
    const rows = inOrder.slice(0, fits).map((login) => {
      const yours = isMine(login);
      const tag = yours ? el('span', 'yours', word('memory.yours')) : null;
      const name = ` ${this.names[login.user] ?? login.user} `;
      return el('li', yours ? 'mine' : '', el('code', '', `${login.id}…`), name, tag);
    });
    if (logins > rows.length) {
      rows.push(el('li', 'more', word('memory.more', { count: logins - rows.length })));
    }
    return [el('ul', 'memory', ...rows)];
  }

  /** The store under the servers that ask it. */
  drawStore() {
    const node = this.$('.store');
    node.hidden = !this.asksStore || !this.store;
    if (node.hidden) return;
    const { state } = this.store;
    const title = el('b', '', 'Redis');
    if (state !== 'running') title.append(el('span', 'state', word(`state.${state}`)));
    node.className = `store ${state}`;
    node.replaceChildren(title);
    if (this.pool === 'jwt-denylist') {
      node.append(el('span', '', word('store.list')));
    } else if (state === 'running' && this.view.instances.every((i) => i.state !== 'running')) {
      node.append(el('span', '', word('store.unseen')));
    } else if (state === 'running') {
      const held = this.view.instances.find((i) => i.held.length > 0)?.held ?? [];
      node.append(...this.memory(held, held.length, 2));
    }
  }

  drawWires() {
    const wires = this.view.instances.map((instance, n, { length }) => {
      const x = (100 * (n + 0.5)) / length;
      const active = instance.name === this.answered ? 'active' : '';
      return svg('path', {
        d: `M50 0V10H${x}V20`, class: `${instance.name} ${instance.state} ${active}`,
      });
    });
    // The active one is drawn last, on top.
    wires.sort((a, b) => a.classList.contains('active') - b.classList.contains('active'));
    this.$('.wires').replaceChildren(...wires);
  }

  /** Adds a request to the list. */
  request(outcome, action, words) {
    this.answered = outcome.here;
    this.rows.push(outcome);
    if (this.rows.length > ROWS_MAX) this.rows.shift();
    this.sent += 1;
    const status = outcome.status ? String(outcome.status) : '';
    const number = String(this.sent);
    this.append(el('li', outcome.kind, el('span', 'number', number), mark(outcome.kind),
      chip(outcome.here),
      el('span', 'words', el('span', 'action', action), el('span', 'quote', words)),
      el('span', 'status', `${word(`outcome.${outcome.kind}`)} ${status}`)));
    this.drawServers();
    this.drawFigure();
  }

  /** Adds something that was done to the servers to the list. */
  deed(instance, words) {
    this.append(el('li', 'done', el('span', 'number', ''), mark('done'), chip(instance),
      el('span', 'words', words)));
  }

  append(row) {
    const list = this.$('.requests');
    list.append(row);
    if (list.childElementCount > ROWS_MAX) list.firstElementChild.remove();
    list.classList.toggle('scrolled', list.scrollHeight > list.clientHeight);
    list.scrollTop = list.scrollHeight;
  }

  /** An empty list: another frame. */
  clear() {
    this.rows = [];
    this.sent = 0;
    this.scripts = null;
    this.answered = undefined;
    this.$('.requests').replaceChildren();
    this.drawServers();
    this.drawFigure();
  }

  drawFigure() {
    const [key, values] = figureOf(this.figure, this.rows, this.scripts);
    this.$('.figure').textContent = key === null ? '' : word(`figure.${key}`, values);
  }

  /** Says the one large sentence. */
  say({ title, why, tone }) {
    this.$('.say').className = `say ${tone}`;
    this.$('.say-title').textContent = title;
    this.$('.say-why').textContent = why;
  }
}
