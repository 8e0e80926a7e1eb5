// Orders to the board itself: what strikes the servers of everybody. They show the token that
// stands in the page.

import { word } from './words.js';

const meta = (name) => document.querySelector(`meta[name=board-${name}]`).content;
const pageToken = meta('token');

/** What this page is in a room: presenter or guest; elsewhere a viewer. */
export const part = meta('part');

/** Whether this page may strike servers. */
export const mayStrike = pageToken !== '' && !meta('locked');

/** Why it may not. */
export const lockedBecause = () => word(meta('locked') ? 'break.locked' : 'break.guest');

/** Says something beside the title, until the next order is carried out. */
export function notice(text) {
  document.getElementById('notice').textContent = text;
}

/** Sends an order: `act`, `traffic` or `setting`. */
export async function order(path, body) {
  try {
    const answer = await fetch(`/board/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-board-token': pageToken },
      body: JSON.stringify(body),
    });
    const { reason, detail } = await answer.json();
    notice(answer.ok ? '' : word('control.failed', { reason: detail ?? reason }));
  } catch {
    notice(word('stream.lost'));
  }
}
