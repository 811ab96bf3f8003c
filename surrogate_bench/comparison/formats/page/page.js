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
add(datasets, ranks, results, differences, selection, examples, published, tradeOff, scoreboard, curves, trouble);
// Runs may be very many: where they are packed, they are read once a reader comes near them.
async function readRuns() {
  data.runs = expanded(await read(source('runs-data')));
  return runs();
}
if ('packed' in source('runs-data').dataset) {
  const later = said('Runs', 'The list of all runs is read when you come to it.');
  main.append(later);
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((own) => own.isIntersecting)) return;
    near.disconnect();
    readRuns().then((section) => {
      const top = (own) => own.getBoundingClientRect().top;
      // What a reader has gone to by its address stays where it is, else the runs: a browser may hold either.
      const asked = document.getElementById(location.hash.slice(1).split('?')[0]);
      const held = asked && asked !== later && top(asked) > -2 && top(asked) < innerHeight ? asked : null;
      const place = top(held || later);
      later.replaceWith(section);
      scrollBy(0, top(held || section) - place);
      if (/^#runs\b/.test(location.hash)) arrive();
    });
  }, { rootMargin: '1000px' });
  near.observe(later);
} else main.append(await readRuns());
add(origins);
arrive();
