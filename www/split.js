// The borders between the panels: dragged, or moved by the arrow keys; a double click or Enter brings the first size back.
// Where a border stands is a share of the window in percent, kept for each layout (the columns of a narrow one differ).
const root = document.documentElement;
const layouts = [matchMedia('(min-width: 80em)'), matchMedia('(min-width: 56em)')];
const KEY = 'ringside.split';
const kept = read();

/** The variables of the style sheet for a border at `at` percent. */
const variables = {
  guide: (at) => ({ '--guide': `${at}vw` }),
  stage: (at) => ({ '--low': `calc(${100 - at}dvh - 92px)` }),
  console: (at) => ({ '--console': `${at}fr`, '--inspector': `${100 - at}fr` }),
};

/** How far each may go: the time buttons fit into the column of the guide. */
const limits = {
  guide: () => [(26400 / innerWidth), 40],
  stage: () => [34, 100 - 24000 / innerHeight],
  console: () => [25, 75],
};

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // Blocked or damaged: the first sizes.
  }
}

const here = () => (kept[layouts.findIndex((l) => l.matches)] ??= {});
const within = (at, [least, most]) => Math.max(least, Math.min(most, at));

/** Applies what is kept, and tells each border where it stands. */
function show() {
  for (const [name, of] of Object.entries(variables)) {
    const at = here()[name];
    for (const key of Object.keys(of(0))) root.style.removeProperty(key);
    if (typeof at !== 'number' || !layouts.some((l) => l.matches)) continue;
    for (const [key, value] of Object.entries(of(within(at, limits[name]())))) root.style.setProperty(key, value);
  }
  for (const border of document.querySelectorAll('[data-split]')) {
    const name = border.dataset.split;
    border.hidden = false;
    const [least, most] = limits[name]().map(Math.round);
    Object.assign(border, { ariaValueMin: least, ariaValueMax: most, ariaValueNow: Math.round(stands(border)) });
  }
}

/** Where a border stands now, in percent. */
function stands(border) {
  const r = border.getBoundingClientRect();
  return place(border.dataset.split, r.x + r.width / 2, r.y + r.height / 2);
}

function place(name, x, y) {
  if (name === 'stage') return (y / innerHeight) * 100;
  const left = name === 'guide' ? 0 : document.querySelector('.console').getBoundingClientRect().left;
  return ((x - left) / (innerWidth - left)) * 100;
}

/** Moves a border; `undefined` is its first place. */
function move(name, at) {
  here()[name] = at === undefined ? at : within(at, limits[name]());
  show();
  window.dispatchEvent(new Event('resize')); // the drawings are as large as their boxes
  try {
    localStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // It holds for this visit only.
  }
}

const borderOf = ({ target }) => target.closest?.('[data-split]');
let due;

addEventListener('pointerdown', (event) => {
  const border = borderOf(event);
  if (!border || event.button !== 0) return;
  event.preventDefault();
  border.focus();
  border.setPointerCapture(event.pointerId);
});
addEventListener('pointermove', (event) => {
  const border = borderOf(event);
  if (!border?.hasPointerCapture(event.pointerId)) return;
  cancelAnimationFrame(due);
  due = requestAnimationFrame(() => move(border.dataset.split, place(border.dataset.split, event.clientX, event.clientY)));
});
addEventListener('dblclick', (event) => borderOf(event) && move(borderOf(event).dataset.split));
addEventListener('keydown', (event) => {
  const border = borderOf(event);
  if (!border || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = border.dataset.split;
  const [less, more] = name === 'stage' ? ['ArrowUp', 'ArrowDown'] : ['ArrowLeft', 'ArrowRight'];
  const step = event.shiftKey ? 10 : 2;
  const to = { [less]: () => stands(border) - step, [more]: () => stands(border) + step,
    Home: () => 0, End: () => 100, Enter: () => undefined }[event.key];
  if (!to) return;
  event.preventDefault();
  move(name, to());
}, true);

// The borders come with the module; `layout` of the palette brings all first sizes back.
new MutationObserver((all) => {
  if (all.some((m) => m.attributeName === 'data-layout')) {
    kept[layouts.findIndex((l) => l.matches)] = {};
    move('guide');
  }
  setTimeout(show);
}).observe(root, { attributeFilter: ['data-ready', 'data-layout'] });
addEventListener('resize', show);
show();
