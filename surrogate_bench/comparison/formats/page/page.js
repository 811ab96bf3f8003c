const source = (id) => document.getElementById(id);
const read = ({ dataset, textContent }) => ('packed' in dataset ? unpacked(textContent) : JSON.parse(textContent));
const data = await read(source('data'));

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

const main = document.getElementById('main');
const add = (...sections) => main.append(...sections.map((section) => section()).filter(Boolean));
add(datasets, ranks, results, differences, selection, examples, published, tradeOff, scoreboard, curves);
// The tables are seen before the runs, which may be very many, are unpacked.
if ('packed' in source('runs-data').dataset) await new Promise((drawn) => { requestAnimationFrame(() => setTimeout(drawn)); });
data.runs = expanded(await read(source('runs-data')));
add(trouble, runs, origins);
arrive();
