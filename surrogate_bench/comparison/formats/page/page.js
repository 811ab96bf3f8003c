const source = document.getElementById('data');
const data = 'packed' in source.dataset ? await unpacked(source.textContent) : JSON.parse(source.textContent);
data.runs = expanded(data.runs);

const THEMES = ['auto', 'light', 'dark'];
const switcher = document.getElementById('theme');
function theme(name) {
  if (name === 'auto') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.setAttribute('data-theme', name);
  switcher.textContent = `Theme: ${name}`;
  switcher.dataset.now = name;
}
// A browser may refuse a file on the disk any memory; then the choice lasts as long as the page.
function remembered(name) {
  try {
    if (name) localStorage.setItem('surrogate-bench theme', name);
    return localStorage.getItem('surrogate-bench theme');
  } catch { return null; }
}
switcher.addEventListener('click', () => {
  const next = THEMES[(THEMES.indexOf(switcher.dataset.now) + 1) % THEMES.length];
  theme(next);
  remembered(next);
});
theme(THEMES.find((name) => name === remembered()) || 'auto');

const every = [datasets, ranks, results, differences, selection, examples, published, tradeOff, scoreboard, curves, trouble, runs, origins];
document.getElementById('main').append(...every.map((section) => section()).filter(Boolean));
arrive();
