// Every run: a row that opens to its configuration and to the command that repeats it.
function runs() {
  const families = new Map(data.tables.flatMap((table, block) => table.lines.map((line) => [`${block} ${line.label}`, line.family])));
  const rows = data.runs;
  for (const run of rows) run.family = families.get(`${run.block} ${run.row}`);
  // Runs of one configuration share its list, and so its pairs.
  const own = new Map();
  for (const run of data.runs) if (!own.has(run.config)) own.set(run.config, new Map(run.config.flatMap((i) => data.configs[i])));
  const seen = new Map();
  for (const pairs of own.values()) for (const [key, value] of pairs) seen.set(key, (seen.get(key) || new Set()).add(value));
  const varying = [...seen].filter(([key, values]) => values.size > 1 && !['seed', 'loss.name', 'dataset.name', 'model.name'].includes(key) && !/^(loss|dataset|model)\./.test(key)).map(([key]) => key).slice(0, 6);
  for (const run of rows) run.own = own.get(run.config);
  const goal = data.columns[data.goal];
  const columns = [
    { title: 'run of', value: (r) => r.row, name: true },
    data.tables.length > 1 && { title: 'data set', value: (r) => nameOf(r.block), stick: true },
    { title: 'seed', value: (r) => r.seed, number: true, low: true },
    rows.some((r) => known(r.fold)) && { title: 'fold', value: (r) => r.fold, number: true, low: true },
    ...varying.map((key) => ({ title: key.split('.').pop(), value: (r) => numeric(r.own.get(key)), number: true, low: true, show: (r) => r.own.get(key) ?? '–' })),
    { title: 'in the table', value: (r) => (r.picked ? 'yes' : ''), show: (r) => (r.picked ? '●' : '') },
    { title: 'status', value: (r) => r.status },
    { title: 'validation', group: `${goal.about} ${goal.view}`, value: (r) => r.val, number: true, low: goal.low, show: (r) => fixed(r.val) },
    { title: 'test', group: `${goal.about} ${goal.view}`, value: (r) => r.test, number: true, low: goal.low, show: (r) => fixed(r.test) },
    { title: 'best epoch', value: (r) => r.epoch, number: true, low: true },
    { title: 'threshold', value: (r) => r.tuned, number: true, low: true, show: (r) => r.threshold || '–' },
    distinct(rows.map((r) => r.tunedFor)).length > 1 && { title: 'tuned for', value: (r) => r.tunedFor },
    { title: 'seconds (shared clock)', value: (r) => r.seconds, number: true, low: true, show: (r) => short(r.seconds) },
    { title: 'alarms', value: (r) => r.alarms.map((a) => a.name).join(', '), text: true },
  ].filter(Boolean);
  const table = sortableTable('Runs', columns, rows, (run) => story(run, [...run.own]));
  const tools = filters(rows, table, (r) => `${r.id} ${r.row} ${nameOf(r.block)} ${r.family} ${r.status} ${r.reason} ${r.alarms.map((a) => a.name).join(' ')} ${[...r.own].map((own) => own.join('=')).join(' ')}`);
  return said('Runs', `${plural(rows.length, 'run')}; a row opens to its configuration and to the command that repeats it. ● marks what validation ${data.chosenBy.replaceAll('_', ' ')} chose for the table. Thresholds are tuned on validation for ${distinct(rows.map((r) => r.tunedFor)).join(', ').replaceAll('_', ' ')}.${data.many ? ' Of so many runs, operating points are told of those in the table alone.' : ''}`, tools, table.box);
}

function story(run, pairs) {
  const told = (text) => (text ? el('p', null, text) : null);
  return el('div', null, el('h3', null, run.id), told(run.reason && `${run.status}: ${run.reason}`),
    ...run.alarms.map((alarm) => told(`${alarm.name}: ${alarm.message}`)),
    told(run.threshold && `tuned on validation for ${run.tunedFor}: ${run.threshold}`), ...run.points().map(told),
    run.command ? command(run.command()) : told('Its configuration is of another version: this one knows no command that repeats it.'),
    el('dl', null, ...pairs.map(([key, value]) => el('div', null, el('dt', null, key), el('dd', null, value)))),
    !known(run.machine) ? null : el('p', { class: 'note' }, Object.entries(data.machines[run.machine]).map(([key, value]) => `${key}: ${value}`).join(' · ')));
}

function command(text) {
  const code = el('code', null, text);
  const copy = el('button', { type: 'button', class: 'copy', onclick: async () => {
    getSelection().selectAllChildren(code);
    try { await navigator.clipboard.writeText(text); copy.textContent = 'Copied'; } catch { copy.textContent = 'Selected'; }
  } }, 'Copy');
  return el('div', { class: 'command' }, code, copy);
}
