// The parts of the page, each made from the data once.
const said = (title, note, ...children) => el('section', null, el('h2', null, title), note ? el('p', { class: 'note' }, note) : null, ...children);
const nameOf = (block) => `${data.tables[block].dataset}, ${data.tables[block].model}`;

function results() {
  const rows = data.tables.flatMap((table, block) => table.lines.map((line) => ({ ...line, block })));
  const goal = data.columns[data.goal];
  const reach = Math.max(1e-9, ...rows.flatMap(({ cells }) => [cells[data.goal].diff, cells[data.goal].dlow, cells[data.goal].dhigh].filter(known).map(Math.abs)));
  let view = 'std';
  const value = { std: (c) => c.mean, interval: (c) => c.mean, diff: (c) => c.diff };
  const show = {
    std: (c) => [known(c.std) && ` ± ${fixed(c.std)}`, fixed(c.mean)],
    interval: (c) => [known(c.low) && ` [${fixed(c.low)}, ${fixed(c.high)}]`, fixed(c.mean)],
    diff: (c) => [known(c.holm) && ` p ${c.holm < 0.001 ? '< .001' : fixed(c.holm)}`, signed(c.diff)],
  };
  const cell = (own, n) => {
    const [spread, main] = show[view](own);
    const fewer = own.n !== n ? ` (n = ${own.n})` : '';
    return el('span', null, own.best ? el('b', null, main) : main, el('span', { class: 'quiet' }, (spread || '') + fewer));
  };
  const several = data.tables.length > 1;
  const columns = [
    { title: data.rows, value: (r) => r.label, name: true },
    several && { title: 'data set', value: (r) => data.tables[r.block].dataset },
    several && { title: 'model', value: (r) => data.tables[r.block].model },
    { title: 'n', value: (r) => r.n, number: true },
    { title: `difference to ${data.baseline}`, group: `${goal.about} ${goal.view}`, value: (r) => r.cells[data.goal].diff, number: true, low: goal.low,
      show: (r) => { const c = r.cells[data.goal]; return known(c.diff) ? el('span', null, signed(c.diff), interval(c, reach, known(c.holm) && c.holm < 0.05)) : '–'; } },
    { title: 'p (Holm)', group: `${goal.about} ${goal.view}`, value: (r) => r.cells[data.goal].holm, number: true, low: true, show: (r) => fixed(r.cells[data.goal].holm) },
    ...data.columns.map((own, i) => ({ title: own.view || own.about, group: own.view && own.about, low: own.low, number: true,
      value: (r) => value[view](r.cells[i]), show: (r) => cell(r.cells[i], r.n) })),
    { title: 'seconds', value: (r) => r.seconds, number: true, low: true, show: (r) => short(r.seconds) },
    rows.some((r) => r.family) && { title: 'family', value: (r) => r.family },
    rows.some((r) => r.diverged) && { title: 'diverged', value: (r) => r.diverged, number: true },
    rows.some((r) => r.failed) && { title: 'failed', value: (r) => r.failed, number: true },
    rows.some((r) => r.alarms.length) && { title: 'alarms', value: (r) => r.alarms.join(', '), text: true },
  ].filter(Boolean);
  const table = sortableTable('Results', columns, rows);
  const views = choice('What cells show', [['std', 'mean ± deviation'], ['interval', '95 % interval'], ['diff', `difference to ${data.baseline}`]], (own) => { view = own; table.update(true); });
  const notes = distinct(data.tables.map((own) => own.note).filter(known)).map((note) => el('p', { class: 'note' }, note));
  const tools = filters(rows, table, (r) => `${r.label} ${nameOf(r.block)} ${r.family} ${r.alarms.join(' ')}`);
  tools.append(views);
  return said('Results', `${data.legend} Differences are paired by seed, with a bootstrap interval; p by Wilcoxon's signed-rank test, Holm-corrected.`, tools, table.box, ...notes);
}

function filters(rows, table, words) {
  const wanted = { text: '', block: '', family: '' };
  const count = el('span', { class: 'count', role: 'status' });
  const texts = new Map(rows.map((row) => [row, words(row).toLowerCase()]));
  const apply = () => {
    const parts = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = table.filter((row) => parts.every((part) => texts.get(row).includes(part)) &&
      (!wanted.block || String(row.block) === wanted.block) && (!wanted.family || row.family === wanted.family));
    count.textContent = shown === rows.length ? plural(shown, 'row') : `${shown} of ${rows.length} rows`;
  };
  const set = (key) => (value) => { wanted[key] = value; apply(); };
  const input = el('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter rows', oninput: () => set('text')(input.value) });
  const families = distinct(rows.map((row) => row.family).filter(known)).sort();
  const tools = el('div', { class: 'tools' }, input);
  if (data.tables.length > 1) tools.append(select('Data set', [['', 'all data sets'], ...data.tables.map((_, i) => [String(i), nameOf(i)])], set('block')));
  if (families.length > 1) tools.append(select('Family', [['', 'all families'], ...families.map((own) => [own, own])], set('family')));
  tools.append(count);
  apply();
  return tools;
}

// What is folded is made when it is opened, or when the page is printed: paper has nothing to click on.
const drawers = new Map();
function drawer(title, make) {
  const body = el('div');
  const box = el('details', null, el('summary', null, title), body);
  drawers.set(box, () => { if (!body.firstChild) body.append(make()); });
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

function plainTable(own) {
  const told = (c) => el('span', null, c.text ?? (c.best ? el('b', null, fixed(c.mean)) : fixed(c.mean)),
    known(c.std) && c.text === null ? el('span', { class: 'quiet' }, ` ± ${fixed(c.std)}`) : null);
  const columns = [
    { title: own.rows, value: (r) => r.label, name: true },
    { title: 'n', value: (r) => r.n, number: true },
    ...own.columns.map((column, i) => ({ title: column.view || column.about, group: column.view && column.about, number: true,
      value: (r) => r.cells[i].mean ?? numeric(r.cells[i].text), show: (r) => told(r.cells[i]) })),
    ...own.remarks.map((title, i) => ({ title, value: (r) => r.remarks[i], text: true })),
  ];
  return el('div', null, sortableTable(own.title, columns, own.lines).box, own.note ? el('p', { class: 'note' }, own.note) : null);
}

function ranks() {
  const diagrams = document.getElementById('ranks');
  diagrams.hidden = false;
  if (!data.ranks.length) return null;
  return said('Across data sets', 'Average ranks; rows under one bar are not told apart.', diagrams, ...data.ranks.map(plainTable));
}

function published() {
  const [own] = data.published;
  return own ? said('Published | ours', null, plainTable(own)) : null;
}

function tradeOff() {
  if (!data.tradeOff.length) return null;
  const blocks = data.tradeOff.map((own) => drawer(own.title, () => plainTable(own)));
  blocks[0].open = true;
  return said('What it costs elsewhere', 'The metric aimed at, beside ranking, calibration, time and the gap between soft and hard value.', ...blocks);
}

function curves() {
  const blocks = data.tables.map((table, block) => {
    const own = data.curves.blocks[block];
    const has = own.some((row) => row && (row.pr || row.training.epochs));
    return has && (() => drawer(nameOf(block), () => curvesOf(table, own)));
  }).filter(Boolean).map((make) => make());
  if (!blocks.length) return null;
  blocks[0].open = true;
  const left = data.curves.blocks.flat().filter((row) => !row).length;
  return said('Curves', `Means over the seeds of the runs behind the table, a band of one standard deviation around them. Precision–recall, ROC and thresholds are on the test part, evaluated exactly at ${data.points} points, one every three pixels; training curves are on validation${left ? `. Only the first ${data.mostCurves} rows have their curves here: ${left} are left out` : ''}.`, ...blocks);
}

function curvesOf(table, rows) {
  const order = table.lines.map((line, i) => i).filter((i) => rows[i] && (rows[i].pr || rows[i].training.epochs));
  const low = data.columns[data.goal].low ? 1 : -1;
  const ranked = [...order].sort((a, b) => table.lines[b].baseline - table.lines[a].baseline || low * (table.lines[a].cells[data.goal].mean - table.lines[b].cells[data.goal].mean));
  const shown = new Set(ranked.slice(0, 6));
  const kind = new Map(ranked.map((i, k) => [i, k]));
  const grid = Array.from({ length: data.points }, (_, i) => Number((i / (data.points - 1)).toFixed(6)));
  const parts = (list) => list && list.map((v) => (v === null ? null : v / 1000));
  const line = (i, curve, x, soft) => curve && { name: table.lines[i].label, kind: kind.get(i), x, y: parts(curve.mean), std: soft ? null : parts(curve.std), soft };
  let metric = data.curves.metrics[0];
  const charts = el('div', { class: 'charts' });
  const redraw = () => {
    const on = ranked.filter((i) => shown.has(i));
    const of = (get) => on.map(get).filter(Boolean);
    const training = on.flatMap((i) => {
      const own = rows[i].training.metrics && rows[i].training.metrics[metric.name];
      return own ? [line(i, own.hard, rows[i].training.epochs), line(i, own.soft, rows[i].training.epochs, true)].filter(Boolean) : [];
    });
    const thresholds = of((i) => rows[i].threshold && rows[i].threshold[metric.name] && line(i, rows[i].threshold[metric.name], grid));
    const last = Math.max(2, ...training.map((own) => own.x[own.x.length - 1]));
    const has = rows.some((row) => row && row.pr);
    charts.replaceChildren(...[
      training.length && chart({ title: `${metric.spoken} in training`, xTitle: 'epoch (hard solid, soft dashed)', yTitle: metric.spoken, lines: training, x: [1, last] }),
      thresholds.length && chart({ title: `${metric.spoken} by threshold`, xTitle: 'threshold', yTitle: metric.spoken, lines: thresholds, x: [0, 1] }),
      has && chart({ title: 'Precision by recall', xTitle: 'recall', yTitle: 'precision', lines: of((i) => line(i, rows[i].pr, grid)), x: [0, 1] }),
      has && chart({ title: 'ROC', xTitle: 'false positive rate', yTitle: 'true positive rate', lines: of((i) => line(i, rows[i].roc, grid)), x: [0, 1] }),
    ].filter(Boolean));
  };
  const keys = ranked.map((i) => {
    const dash = DASHES[Math.floor(kind.get(i) / 7) % DASHES.length];
    const sign = draw('svg', { width: 20, height: 8, class: `c${kind.get(i) % 7}`, 'aria-hidden': 'true' }, draw('line', { x1: 0, x2: 20, y1: 4, y2: 4, 'stroke-dasharray': dash }));
    const button = el('button', { type: 'button', 'aria-pressed': String(shown.has(i)), onclick: () => {
      if (!shown.delete(i)) shown.add(i);
      button.setAttribute('aria-pressed', String(shown.has(i)));
      redraw();
    } }, sign, table.lines[i].label);
    return button;
  });
  const pick = select('Metric of the curves', data.curves.metrics.map((own, i) => [String(i), own.spoken]), (i) => { metric = data.curves.metrics[Number(i)]; redraw(); });
  redraw();
  return el('div', null, el('div', { class: 'tools' }, pick), el('div', { class: 'legend' }, ...keys), charts);
}

function runs() {
  const families = new Map(data.tables.flatMap((table, block) => table.lines.map((line) => [`${block} ${line.label}`, line.family])));
  const rows = data.runs.map((run) => ({ ...run, family: families.get(`${run.block} ${run.row}`) }));
  const pairs = (run) => run.config.flatMap((i) => data.configs[i]);
  const seen = new Map();
  for (const run of rows) for (const [key, value] of pairs(run)) seen.set(key, (seen.get(key) || new Set()).add(value));
  const varying = [...seen].filter(([key, values]) => values.size > 1 && !['seed', 'loss.name', 'dataset.name', 'model.name'].includes(key) && !/^(loss|dataset|model)\./.test(key)).map(([key]) => key).slice(0, 6);
  for (const run of rows) run.own = new Map(pairs(run));
  const goal = data.columns[data.goal];
  const columns = [
    { title: 'run of', value: (r) => r.row, name: true },
    data.tables.length > 1 && { title: 'data set', value: (r) => nameOf(r.block) },
    { title: 'seed', value: (r) => r.seed, number: true, low: true },
    ...varying.map((key) => ({ title: key.split('.').pop(), value: (r) => numeric(r.own.get(key)), number: true, low: true, show: (r) => r.own.get(key) ?? '–' })),
    { title: 'in the table', value: (r) => (r.picked ? 'yes' : ''), show: (r) => (r.picked ? '●' : '') },
    { title: 'status', value: (r) => r.status },
    { title: 'validation', group: `${goal.about} ${goal.view}`, value: (r) => r.val, number: true, low: goal.low, show: (r) => fixed(r.val) },
    { title: 'test', group: `${goal.about} ${goal.view}`, value: (r) => r.test, number: true, low: goal.low, show: (r) => fixed(r.test) },
    { title: 'best epoch', value: (r) => r.epoch, number: true, low: true },
    { title: 'threshold', value: (r) => r.tuned, number: true, low: true, show: (r) => fixed(r.tuned) },
    { title: 'seconds', value: (r) => r.seconds, number: true, low: true, show: (r) => short(r.seconds) },
    { title: 'alarms', value: (r) => r.alarms.map((a) => a.name).join(', '), text: true },
  ].filter(Boolean);
  const table = sortableTable('Runs', columns, rows, (run) => story(run, pairs(run)));
  const tools = filters(rows, table, (r) => `${r.id} ${r.row} ${nameOf(r.block)} ${r.family} ${r.status} ${r.reason} ${r.alarms.map((a) => a.name).join(' ')} ${[...r.own].map((own) => own.join('=')).join(' ')}`);
  return said('Runs', `${plural(rows.length, 'run')}; a row opens to its configuration and to the command that repeats it. ● marks what validation ${data.chosenBy.replaceAll('_', ' ')} chose for the table.`, tools, table.box);
}

function story(run, pairs) {
  const told = (text) => (text ? el('p', null, text) : null);
  return el('div', null, el('h3', null, run.id), told(run.reason && `${run.status}: ${run.reason}`),
    ...run.alarms.map((alarm) => told(`${alarm.name}: ${alarm.message}`)),
    run.command ? command(run.command) : told('Its configuration is of another version: this one knows no command that repeats it.'),
    el('dl', null, ...pairs.map(([key, value]) => el('div', null, el('dt', null, key), el('dd', null, value)))),
    run.machine === null ? null : el('p', { class: 'note' }, Object.entries(data.machines[run.machine]).map(([key, value]) => `${key}: ${value}`).join(' · ')));
}

function command(text) {
  const code = el('code', null, text);
  const copy = el('button', { type: 'button', class: 'copy', onclick: async () => {
    getSelection().selectAllChildren(code);
    try { await navigator.clipboard.writeText(text); copy.textContent = 'Copied'; } catch { copy.textContent = 'Selected'; }
  } }, 'Copy');
  return el('div', { class: 'command' }, code, copy);
}

function trouble() {
  const lists = [];
  const grouped = (entries) => {
    const found = new Map();
    for (const [text, where] of entries) found.set(text, [...(found.get(text) || []), where]);
    return [...found].sort((a, b) => b[1].length - a[1].length);
  };
  const where = (runs) => {
    const names = distinct(runs.map((run) => `${run.row} on ${nameOf(run.block)}`));
    return `${plural(runs.length, 'run')}: ${names.slice(0, 6).join('; ')}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`;
  };
  const list = (title, items) => items.length && lists.push(el('h3', null, title), el('ul', null, ...items));
  list('Not treated alike', data.warnings.map((line) => el('li', null, line)));
  const ended = data.runs.filter((run) => run.status !== 'finished').map((run) => [`${run.status}: ${run.reason || 'no reason given'}`, run]);
  list('Diverged or failed', grouped(ended).map(([reason, own]) => el('li', null, reason, el('span', { class: 'quiet' }, ` — ${where(own)}`))));
  const raised = data.runs.flatMap((run) => run.alarms.map((alarm) => [alarm.name, Object.assign({ message: alarm.message }, run)]));
  list('Alarms', grouped(raised).map(([name, own]) => el('li', null, el('b', null, name), `, for example: ${own[0].message}`, el('span', { class: 'quiet' }, ` — ${where(own)}`))));
  return lists.length ? said('Before you trust this', '', ...lists) : null;
}

function origins() {
  const pair = (key, value) => el('div', null, el('dt', null, key), el('dd', null, value));
  const sizes = data.tables.map((table) => el('div', null, el('h3', null, `${table.dataset}, ${table.model}`), el('dl', null,
    ...Object.entries(table.examples).map(([part, own]) => pair(part, `${own.total ?? '?'} examples, ${own.positive ?? '?'} positive`)))));
  const machines = data.machines.map((machine, i) => el('div', null,
    el('h3', null, plural(data.runs.filter((run) => run.machine === i).length, 'run')), el('dl', null, ...Object.entries(machine).map(([key, value]) => pair(key, value)))));
  return said('Data and machine', '', ...sizes, ...machines);
}
