// Presenter mode (Shift+P): larger type, the keys that are pressed, and a clicker that steps.
const root = document.documentElement;
const shown = Object.assign(document.createElement('div'), { id: 'pressed', ariaHidden: 'true' });
const NAMES = { ' ': 'Space', PageDown: '.', PageUp: ',' };
let gone;

export function toggle() {
  if ('present' in root.dataset) {
    delete root.dataset.present;
    removeEventListener('keydown', pressed, true);
    shown.remove();
  } else {
    root.dataset.present = '';
    document.body.append(shown);
    addEventListener('keydown', pressed, true);
  }
  window.dispatchEvent(new Event('resize'));
}

function pressed(event) {
  const typing = event.target.matches('input, textarea');
  // A clicker sends PageDown and PageUp: one event on, one back.
  if (!typing && !event.target.matches('.strip') && /^Page(Down|Up)$/.test(event.key)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    root.dataset.do = event.key === 'PageDown' ? 'step' : 'back';
    window.dispatchEvent(new Event('command'));
  }
  if ((typing && event.key.length === 1) || /^(Shift|Control|Alt|Meta)$/.test(event.key)) return;
  const held = [event.ctrlKey && 'Ctrl', event.altKey && 'Alt', event.shiftKey && 'Shift'].filter(Boolean);
  shown.textContent = [...held, NAMES[event.key] ?? event.key].join(' ');
  clearTimeout(gone);
  gone = setTimeout(() => (shown.textContent = ''), 1500);
}
