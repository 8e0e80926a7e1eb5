// One lane as it is drawn: what you hold, the balancer, the two servers, the requests so far and
// the one large sentence. Text is only ever set as text.

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

/** A mark of the given kind: known, refused, failed or done. */
function mark(kind) {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#mark-${kind}`);
  svg.setAttribute('class', `mark ${kind}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', word(`outcome.${kind}`));
  svg.append(use);
  return svg;
}

/** The letter of a server, in its colour and outline. */
const chip = (name) => el('span', `chip ${name ?? 'none'}`, name?.toUpperCase() ?? '–');

export class Lane {
  constructor(name) {
    this.name = name;
    this.view = { instances: [] };
    this.names = {};
    this.held = null;
    this.rows = 0;
    const root = document.getElementById('lane').content.cloneNode(true).firstElementChild;
    root.id = `lane-${name}`;
    root.classList.add(name);
    this.root = root;
    this.$ = (selector) => root.querySelector(selector);
    TALL.addEventListener('change', () => this.drawInstances());
    this.$('h2').id = `name-${name}`;
    root.setAttribute('aria-labelledby', `name-${name}`);
    this.$('.lane-name').textContent = word(`lane.${name}`);
    this.$('.lane-sub').textContent = word(`lane.${name}.sub`);
    if (name === 'session') this.$('.thing').title = word('hold.session.why');
    else this.$('.keep').remove();
    this.say({ title: word('say.start.title'), why: word('say.start.why'), tone: 'start' });
  }

  get keepsCookie() {
    return this.$('.keep input')?.checked ?? false;
  }

  /** What the browser holds: the shortened parts of it, or null. */
  hold(parts) {
    this.held = parts?.[0] ?? null;
    this.$('.hold-what').textContent = word(`hold.${this.name}${parts ? '' : '.none'}`);
    const code = this.$('.hold-id');
    code.replaceChildren(...(parts ?? []).map((part) => el('span', 'part', `${part}…`)));
    this.$('.hold').classList.toggle('nothing', !parts);
    this.drawInstances();
  }

  /** What the instances hold, from a snapshot. */
  show(view) {
    this.view = view;
    this.drawInstances();
  }

  drawInstances() {
    const boxes = this.view.instances.map((instance) => this.box(instance));
    this.$('.instances').replaceChildren(...boxes);
    this.drawWires();
  }

  box({ name, state, held, logins, keys }) {
    const title = el('h3', '', chip(name), ` ${word('server', { here: name.toUpperCase() })} `);
    if (state !== 'running') title.append(el('span', 'state', word(`state.${state}`)));
    const box = el('article', `instance ${name} ${state}`, title);
    box.classList.toggle('answered', name === this.answered);
    if (state === 'dead') {
      if (this.name === 'session') box.append(el('p', 'memory', word('memory.gone')));
    } else if (this.name === 'jwt') {
      box.append(el('p', 'memory', word('memory.nothing')));
      if (keys[0]) {
        box.append(el('p', 'key', word('memory.secret', { key: `${keys[0].slice(0, 4)}…` })));
      }
    } else if (state === 'running') {
      box.append(...this.memory(held, logins ?? held.length));
    }
    return box;
  }

  /** The session table: yours first, then the newest. */
  memory(held, logins) {
    if (held.length === 0) return [el('p', 'memory nobody', word('memory.empty'))];
    const mine = held.filter(({ id }) => id === this.held);
    const lines = TALL.matches ? 4 : 2;
    const fits = logins <= lines ? lines : lines - 1;
    const shown = [...mine, ...held.filter(({ id }) => id !== this.held)].slice(0, fits);
    const rows = shown.map(({ id, user }) => {
      const yours = id === this.held;
      const tag = yours ? el('span', 'yours', word('memory.yours')) : null;
      const name = ` ${this.names[user] ?? user} `;
      return el('li', yours ? 'mine' : '', el('code', '', `${id}…`), name, tag);
    });
    if (logins > shown.length) {
      rows.push(el('li', 'more', word('memory.more', { count: logins - shown.length })));
    }
    return [el('ul', 'memory', ...rows)];
  }

  drawWires() {
    const wires = this.view.instances.map((instance, n, { length }) => {
      const x = (100 * (n + 0.5)) / length;
      const wire = document.createElementNS(SVG, 'path');
      const active = instance.name === this.answered ? 'active' : '';
      wire.setAttribute('d', `M50 0V10H${x}V20`);
      wire.setAttribute('class', `${instance.name} ${instance.state} ${active}`);
      return wire;
    });
    // The active one is drawn last, on top.
    wires.sort((a, b) => a.classList.contains('active') - b.classList.contains('active'));
    this.$('.wires').replaceChildren(...wires);
  }

  /** Adds a request to the list. */
  request(outcome, action, words) {
    this.answered = outcome.here;
    this.rows += 1;
    const status = outcome.status ? String(outcome.status) : '';
    this.append(el('li', outcome.kind, el('span', 'number', String(this.rows)), mark(outcome.kind),
      chip(outcome.here),
      el('span', 'words', el('span', 'action', action), el('span', 'quote', words)),
      el('span', 'status', `${word(`outcome.${outcome.kind}`)} ${status}`)));
    this.drawInstances();
  }

  /** Adds something that was done to a server to the list. */
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

  /** Says the one large sentence. */
  say({ title, why, tone }) {
    this.$('.say').className = `say ${tone}`;
    this.$('.say-title').textContent = title;
    this.$('.say-why').textContent = why;
  }
}
