// Starts the page: sets the remembered theme before the first paint of the module, loads the module that trunk names,
// and says so in words when that fails.
const own = document.querySelector('script[data-js]');
const starting = document.getElementById('starting');

try {
  const theme = localStorage.getItem('ringside.theme');
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // Blocked storage: the system's theme.
}

document.getElementById('reload')?.addEventListener('click', () => location.reload());

const slow = setTimeout(() => {
  if (starting) starting.textContent = 'Still loading; a slow connection needs some seconds more.';
}, 5000);

try {
  const module = await import(new URL(own.dataset.js, document.baseURI).href);
  await module.default({ module_or_path: new URL(own.dataset.wasm, document.baseURI) });
} catch (error) {
  console.error(error);
  if (starting?.isConnected) {
    starting.textContent = `The page could not start. It needs a browser with WebAssembly: please reload, or try another one. (${error instanceof Error ? error.message : error})`;
  }
} finally {
  clearTimeout(slow);
}
