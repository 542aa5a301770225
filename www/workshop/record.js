// What was done in this browser, from the same words that the page keeps: `l01=2/2+3/3` (done; predictions right of
// all, recalls right of all) and `l06.3` (begun). Nothing leaves the browser.
const $ = (id) => document.getElementById(id);

function stored() {
  try {
    return localStorage.getItem('ringside.lessons') ?? '';
  } catch {
    return ''; // Blocked storage: nothing was kept.
  }
}

const index = (await (await fetch('../lessons/index.txt')).text()).trim().split('\n').map((line) => {
  const [id, minutes, ...title] = line.split(' ');
  const [en, zh] = title.join(' ').split('|');
  return { id, minutes: Number(minutes), en, zh };
});

/** Two characters a lesson: predictions and recalls that were right; `--` not begun, `..` begun. Last a checksum. */
function encode(lessons) {
  const text = lessons.map((l) => (l.done ? `${Math.min(l.right, 9)}${Math.min(l.recalled, 9)}` : l.begun ? '..' : '--')).join('');
  return `RS2${text}${check(text)}`;
}

const check = (text) => [...text].reduce((sum, c, i) => (sum + (i + 1) * c.charCodeAt(0)) % 36, 0).toString(36);

/** Also the older ones, which have one character a lesson: predictions. */
function decode(code) {
  const [, version, text, sum] = /^RS([12])([-.0-9]*)([0-9a-z])$/.exec(code.trim()) ?? [];
  if (text === undefined || text.length !== index.length * version || check(text) !== sum) return null;
  return index.map((l, i) => {
    const [right, recalled = 0] = text.slice(i * version, (i + 1) * version);
    return { ...l, done: /\d/.test(right), begun: right === '.', right: Number(right) || 0, recalled: Number(recalled) || 0 };
  });
}

const words = stored().split(' ');
const lessons = index.map((lesson) => {
  const done = words.map((w) => /^(\w+)=(\d+)\/(\d+)(?:\+(\d+)\/(\d+))?$/.exec(w)).find((m) => m?.[1] === lesson.id);
  const begun = words.some((w) => w.startsWith(`${lesson.id}.`));
  const [right, asked, recalled, recalls] = (done ?? []).slice(2).map((n) => Number(n ?? 0));
  return { ...lesson, done: !!done, begun, right: right ?? 0, asked: asked ?? 0, recalled: recalled ?? 0, recalls: recalls ?? 0 };
});

for (const l of lessons) {
  const row = document.createElement('tr');
  for (const [text, name] of [
    [l.id.toUpperCase(), 'num'],
    [`${l.en} · ${l.zh}`, ''],
    [l.done ? '✓' : l.begun ? '…' : '', 'num'],
    [l.done ? `${l.right} / ${l.asked}` : '', 'num'],
    [l.done ? `${l.recalled} / ${l.recalls}` : '', 'num'],
  ]) {
    row.append(Object.assign(document.createElement('td'), { textContent: text, className: name }));
  }
  $('rows').append(row);
}
const done = lessons.filter((l) => l.done);
const minutes = done.reduce((sum, l) => sum + l.minutes, 0);
$('none').hidden = done.length > 0;
$('sum').textContent = `${done.length} / ${lessons.length} · ${minutes} min`;
$('code').textContent = encode(lessons);
$('json').value = JSON.stringify({ ringside: 1, lessons: lessons.map(({ id, done, right, asked, recalled, recalls }) => ({ id, done, right, asked, recalled, recalls })) }, null, 1);

$('given').addEventListener('input', ({ target }) => {
  const read = decode(target.value);
  $('read').textContent = read
    ? `${read.filter((l) => l.done).length} / ${read.length}: ${read.filter((l) => l.done).map((l) => `${l.id.toUpperCase()} (${l.right} + ${l.recalled})`).join(', ')}`
    : target.value && 'not a code of this course · 不是本课程的代码';
});
$('print').addEventListener('click', () => print());
$('save').addEventListener('click', () => {
  const href = URL.createObjectURL(new Blob([$('json').value], { type: 'application/json' }));
  Object.assign(document.createElement('a'), { href, download: 'ringside-progress.json' }).click();
  URL.revokeObjectURL(href);
});
