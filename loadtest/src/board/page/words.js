// Every visible sentence stands in words.json; this module looks them up and fills them in.

const words = await (await fetch('/words.json')).json();

/** The sentence of that key, its {names} replaced by values. */
export function word(key, values = {}) {
  const text = words[key];
  // A missing sentence is shown by its key: ugly enough to be noticed, and the page goes on.
  if (text === undefined) return key;
  return text.replace(/\{([a-z]+)\}/g, (_, name) => values[name] ?? '…');
}

/** Whether there is a sentence of that key. */
export const has = (key) => key in words;

/** The time of day of a moment in milliseconds, as 14:05. */
export function clockTime(ms) {
  if (!ms) return '…';
  const style = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return new Date(ms).toLocaleTimeString(words.lang, style);
}
