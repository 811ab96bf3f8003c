// What the parts of the page share, and those parts that are but tables and lists.
const said = (title, note, ...children) => el('section', { id: slug(title) }, el('h2', null, title, el('a', { class: 'anchor', href: `#${slug(title)}`, 'aria-label': `Link to ${title}` }, '#')), note ? el('p', { class: 'note' }, note) : null, ...children);
const nameOf = (block) => `${data.tables[block].dataset}, ${data.tables[block].model}`;

// What is folded is made when it is opened, or when the page is printed: paper has nothing to click on.
const drawers = new Map();
function drawer(title, make, open) {
  const body = el('div');
  const box = el('details', null, el('summary', null, title), body);
  drawers.set(box, () => { if (!body.firstChild) body.append(make()); });
  box.open = Boolean(open);
  box.addEventListener('toggle', () => box.open && drawers.get(box)());
  return box;
}
let folded = [];
addEventListener('beforeprint', () => {
  folded = [...drawers.keys()].filter((box) => !box.open);
  for (const [box, fill] of drawers) { fill(); box.open = true; }
  fitToPaper();
});
addEventListener('afterprint', () => { for (const box of folded) box.open = false; });

function plainTable(own, kind) {
  const told = (c) => el('span', null, c.text ?? (c.best ? el('b', null, fixed(c.mean)) : fixed(c.mean)),
    known(c.std) && !known(c.text) ? el('span', { class: 'quiet' }, ` ± ${fixed(c.std)}`) : null);
  const columns = [
    { title: own.rows, value: (r) => r.label, name: true },
    { title: 'n', value: (r) => r.n, number: true },
    ...own.columns.map((column, i) => ({ title: column.view || column.about, group: column.view && column.about, number: true,
      value: (r) => r.cells[i].mean ?? numeric(r.cells[i].text), show: (r) => told(r.cells[i]), kind: kind && ((r) => kind(r.cells[i], column)) })),
    ...own.remarks.map((title, i) => ({ title, value: (r) => r.remarks[i], text: true })),
  ];
  const table = sortableTable(own.title, columns, own.lines);
  return el('div', { class: 'plain' }, table.box, el('div', { class: 'below' }, table.files), own.note ? el('p', { class: 'note' }, own.note) : null);
}

const has = (view) => (data.views[view] || []).length > 0;

function datasets() {
  if (!has('datasets')) return null;
  const note = `Coloured by the paired difference to ${data.baseline}: blue is better, orange is worse.`;
  return said('On each data set', note, ...data.views.datasets.map((own) => plainTable(own, shade(own))));
}

// How far a cell's difference is from 0, of the furthest in its table: the share of a colour.
function shade(own) {
  const reach = Math.max(1e-9, ...own.lines.flatMap((line) => line.cells.map((c) => Math.abs(c.diff ?? 0))));
  return (c, column) => {
    if (!c.diff) return null;
    const better = (c.diff > 0) !== Boolean(column.low);
    return `${better ? 'better' : 'worse'} s${Math.ceil((4 * Math.abs(c.diff)) / reach)}`;
  };
}

function ranks() {
  if (!has('ranks')) return null;
  const diagrams = document.getElementById('ranks');
  diagrams.hidden = false;
  return said('Across data sets', '', diagrams, ...data.views.ranks.map((own) => plainTable(own)));
}

const plainSection = (view, title) => () => (has(view) ? said(title, null, ...data.views[view].map((own) => drawer(own.title, () => plainTable(own), true))) : null);
const differences = plainSection('differences', 'Differences');
const selection = plainSection('chosen', 'What validation chose');
const examples = plainSection('examples', 'On other test examples');
const published = plainSection('published', 'Published | ours');
const scoreboard = plainSection('scoreboard', 'Scoreboard');

function tradeOff() {
  if (!has('trade-off')) return null;
  const blocks = data.views['trade-off'].map((own, i) => drawer(own.title, () => plainTable(own), !i));
  return said('What it costs elsewhere', 'The metric aimed at, beside ranking, calibration, time and the gap between soft and hard value.', ...blocks);
}

function trouble() {
  const list = (title, items) => [el('h3', null, title), el('ul', null, ...items)];
  const item = ({ name, text, where }) => el('li', null, name ? el('b', null, name) : null, name ? `, for example: ${text}` : text, el('span', { class: 'quiet' }, ` — ${where}`));
  const lists = data.trouble.flatMap(({ title, items }) => list(title, items.map(item)));
  if (data.warnings.length) lists.unshift(...list('Not treated alike', data.warnings.map((line) => el('li', null, line))));
  return lists.length ? said('Before you trust this', '', ...lists) : null;
}

function origins() {
  const pair = (key, value) => el('div', null, el('dt', null, key), el('dd', null, value));
  const sizes = data.tables.map((table) => el('div', null, el('h3', null, `${table.dataset}, ${table.model}`), el('dl', null,
    ...Object.entries(table.examples).map(([part, own]) => pair(part, `${own.total ?? '?'} examples, ${own.positive ?? '?'} positive`)))));
  const machines = data.machines.map((machine, i) => el('div', null,
    el('h3', null, plural(data.machineRuns[i], 'run')), el('dl', null, ...Object.entries(machine).map(([key, value]) => pair(key, value)))));
  return said('Data and machine', '', ...sizes, ...machines);
}
