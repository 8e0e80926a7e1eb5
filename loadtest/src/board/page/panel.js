// What can stand in the servers' place: a credential taken apart, what a script can read of it,
// a token to edit, and what each side pays. And the strip of the background's visitors.

import { el, svg } from './lane.js';
import { takenApart } from './send.js';
import { word } from './words.js';

const line = (label, ...content) => el('p', 'line', el('span', 'label', label), ' ', ...content);
const code = (className, text) => el('code', className, text);

const PANELS = {
  inside: { session: insideCookie, jwt: insideToken },
  script: { session: scriptReads, jwt: scriptReads },
  edit: { session: editCookie, jwt: editToken },
  pays: { session: pays, jwt: pays },
};

/** The panel of that kind for a lane. `facts` is what the page knows; see main.js. */
export function panel(kind, lane, facts) {
  return PANELS[kind][lane.name](lane, facts);
}

function insideCookie(lane, { id, place }) {
  const nothing = el('p', 'line', word('panel.none'));
  if (!id) return [nothing];
  const held = lane.view.instances.flatMap((i) => i.held).find((login) => login.id === id);
  const record = held && `${held.id}…: ${lane.names[held.user] ?? held.user}`;
  return [
    line(word('panel.inside.cookie'), code('part', `sid-${place} = ${id}…`)),
    el('p', 'line', word('panel.inside.chance')),
    line(word(`panel.inside.record.${lane.pool}`), code('part', record ?? word('memory.empty'))),
  ];
}

function insideToken(lane, { token }) {
  const apart = token && takenApart(token);
  if (!apart) return [el('p', 'line', word('panel.none'))];
  return [
    line(word('panel.inside.header'), code('part header', apart.header)),
    line(word('panel.inside.payload'), code('part payload', apart.payload)),
    line(word('panel.inside.signature'), code('part', `${apart.signature.slice(0, 8)}…`)),
  ];
}

function scriptReads(lane, { read }) {
  const asked = code('part', word(`panel.script.${lane.name}`, { pool: lane.pool }));
  if (read === null) return [line(word('panel.script.asks'), asked)];
  const shown = read.length > 0 ? `${read.slice(0, 24)}…` : word('panel.script.nothing');
  const why = word(`panel.script.${lane.name}.${read.length > 0 ? 'some' : 'none'}`);
  return [
    line(word('panel.script.asks'), asked),
    line(word('panel.script.gets'), code('part', shown)),
    el('p', 'line', why),
  ];
}

function editCookie(lane, { id }) {
  if (!id) return [el('p', 'line', word('panel.none'))];
  return [
    line(word('panel.edit.id'), code('part', `${id}…`)),
    el('p', 'line', word('panel.edit.cookie')),
  ];
}

function editToken(lane, { token, edited, onEdit }) {
  const apart = token && takenApart(token);
  if (!apart) return [el('p', 'line', word('panel.none'))];
  const field = el('textarea', 'payload');
  field.value = edited ?? apart.payload;
  field.spellcheck = false;
  field.rows = 4;
  field.setAttribute('aria-label', word('panel.edit.payload'));
  field.addEventListener('input', () => onEdit(field.value === apart.payload ? null : field.value));
  return [el('p', 'line', word('panel.edit.token')), field];
}

/** The headline table of the last record, turned on its side: a row for each question. */
function pays(lane, { figures }) {
  if (!figures) return [];
  const rows = figures.rows.filter(({ arm }) => arm.startsWith(lane.name));
  const head = el('tr', '', el('td', ''), ...rows.map(({ label }) => heading('col', label)));
  const body = figures.columns.map((column, n) => {
    // How often the balancer tried again is for the report.
    const brief = (mark) => mark.replace(/ \([^)]*retried[^)]*\)/g, '');
    const cells = rows.map(({ marks }) => el('td', '', brief(marks[n])));
    return el('tr', '', heading('row', column), ...cells);
  });
  return [el('table', '', el('thead', '', head), el('tbody', '', ...body))];
}

function heading(scope, label) {
  const cell = el('th', '', label);
  cell.scope = scope;
  return cell;
}

/** What became of the background's requests, second by second: a bar each, and counts. */
export function strip(seconds) {
  const most = Math.max(1, ...seconds.map((second) => second.reduce((a, b) => a + b)));
  const drawing = svg('svg', {
    class: 'bars', viewBox: '0 0 60 20', preserveAspectRatio: 'none', 'aria-hidden': 'true',
  });
  seconds.forEach((second, n) => {
    let y = 20;
    second.forEach((count, kind) => {
      const height = (20 * count) / most;
      y -= height;
      const x = 60 - seconds.length + n;
      if (count > 0) {
        drawing.append(svg('rect', { class: `bar kind-${kind}`, x, y, width: 0.8, height }));
      }
    });
  });
  const sum = (kind) => seconds.reduce((total, second) => total + second[kind], 0);
  const [known, refused, failed, unsent] = [0, 1, 2, 3].map(sum);
  const counts = word('strip.counts', { known, refused, failed, unsent });
  return [drawing, el('p', 'counts', counts)];
}
